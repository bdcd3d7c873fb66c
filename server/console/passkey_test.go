package console

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"khien/server/staff"
)

// Somebody knocks and knocks, and never comes in: that takes the places of others who knock, and neither memory without
// end nor a session.
func TestWhoKnocksFillsNothing(t *testing.T) {
	o := newOffice(t)
	mai := o.at(o.person("mai", staff.Maintainer))
	entrance := o.sessions.Store.(sessions)
	for range mostEntering + 100 { // as POST /signin/begin does, a hundred times as fast
		if err := entrance.Commit(rand.Text(), make([]byte, 500), time.Now().Add(entering)); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if status, _, _ := o.ask("POST", "/signin/begin", "", nil); status != http.StatusOK {
			t.Fatal(status)
		}
	}
	in, err := entrance.All()
	if err != nil || len(in) != 2 || entrance.entering.Len() != mostEntering {
		t.Errorf("%d are in, %d knock, %v", len(in), entrance.entering.Len(), err)
	}
	if status, _ := mai.get("/me"); status != http.StatusOK {
		t.Errorf("who is in is out: %d", status)
	}
	stranger := o.browser("mai")
	stranger.finger = mai.finger
	if status, answer := stranger.signIn(); status != http.StatusOK {
		t.Errorf("nobody comes in any more: %d %s", status, answer)
	}
}

// finger is an authenticator with one passkey, of somebody whose finger always is on it.
type finger struct {
	id, handle []byte
	key        *ecdsa.PrivateKey
}

func newFinger(t testing.TB) *finger {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f := &finger{id: make([]byte, 16), key: key}
	rand.Read(f.id)
	return f
}

// public is the key as COSE writes it.
func (f *finger) public() []byte {
	point, err := f.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		panic(err)
	}
	b := append([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, point[1:33]...)
	return append(append(b, 0x22, 0x58, 32), point[33:]...)
}

// credential is how the book keeps the passkey.
func (f *finger) credential() webauthn.Credential {
	return webauthn.Credential{ID: f.id, PublicKey: f.public(), Flags: webauthn.CredentialFlags{UserPresent: true, UserVerified: true}}
}

func (f *finger) data(flags byte) []byte {
	relying := sha256.Sum256([]byte("localhost"))
	return append(relying[:], flags, 0, 0, 0, 0)
}

func client(t testing.TB, kind, options string) (challenge string, client []byte) {
	t.Helper()
	var read struct {
		Challenge string `json:"challenge"`
	}
	if err := json.Unmarshal([]byte(options), &read); err != nil || read.Challenge == "" {
		t.Fatalf("no challenge in %s: %v", options, err)
	}
	client, err := json.Marshal(map[string]any{"type": kind, "challenge": read.Challenge, "origin": origin, "crossOrigin": false})
	if err != nil {
		t.Fatal(err)
	}
	return read.Challenge, client
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func asJSON(t testing.TB, id []byte, answer map[string]any) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"id": encoded(id), "rawId": encoded(id), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": answer})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// makes answers what an invitation asks.
func (f *finger) makes(t testing.TB, options string) string {
	t.Helper()
	var read struct {
		User struct {
			ID protocol.URLEncodedBase64 `json:"id"`
		} `json:"user"`
	}
	if err := json.Unmarshal([]byte(options), &read); err != nil {
		t.Fatal(err)
	}
	f.handle = read.User.ID
	_, said := client(t, "webauthn.create", options)
	data := append(f.data(0x45), make([]byte, 16)...) // present, verified, with a key; of no known make
	data = append(data, 0, byte(len(f.id)))
	data = append(append(data, f.id...), f.public()...)
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"), byte(len(data)))
	return asJSON(t, f.id, map[string]any{"clientDataJSON": encoded(said), "attestationObject": encoded(append(object, data...)), "transports": []string{"internal"}})
}

// refuses tells whether the authenticator holds a passkey beside which none may be made.
func (f *finger) refuses(t testing.TB, options string) bool {
	t.Helper()
	var read struct {
		Beside []struct {
			ID protocol.URLEncodedBase64 `json:"id"`
		} `json:"excludeCredentials"`
	}
	if err := json.Unmarshal([]byte(options), &read); err != nil {
		t.Fatal(err)
	}
	for _, one := range read.Beside {
		if string(one.ID) == string(f.id) {
			return true
		}
	}
	return false
}

// signs answers what signing in and a confirmation ask.
func (f *finger) signs(t testing.TB, options string) string {
	t.Helper()
	_, said := client(t, "webauthn.get", options)
	data := f.data(0x05)
	hash := sha256.Sum256(said)
	sum := sha256.Sum256(append(append([]byte(nil), data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, f.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return asJSON(t, f.id, map[string]any{"clientDataJSON": encoded(said), "authenticatorData": encoded(data), "signature": encoded(signature), "userHandle": encoded(f.handle)})
}

// browser is somebody at the console with a browser and a finger of their own.
type browser struct {
	o      *office
	name   string
	cookie string
	finger *finger
}

func (o *office) browser(name string) *browser {
	return &browser{o, name, "", newFinger(o.t)}
}

// at is somebody who is in already, at their browser.
func (o *office) at(session string) *browser { return &browser{o, "", session, o.fingers[session]} }

// send sends a request and keeps the session that comes back.
func (b *browser) send(method, path, kind, body string) (status int, text string, h http.Header) {
	b.o.t.Helper()
	r := httptest.NewRequest(method, origin+path, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Origin", origin)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if strings.Contains(kind, "json") || strings.HasPrefix(path, "/confirm") {
		r.Header.Set("Accept", "application/json")
	}
	if b.cookie != "" {
		r.Header.Set("Cookie", b.cookie)
	}
	w := httptest.NewRecorder()
	b.o.ServeHTTP(w, r)
	for _, one := range w.Result().Cookies() {
		if one.Name == sessionCookie {
			b.cookie = one.Name + "=" + one.Value
		}
	}
	read, err := io.ReadAll(w.Body)
	if err != nil {
		b.o.t.Fatal(err)
	}
	return w.Code, strings.NewReplacer("<bdi>", "", "</bdi>", "").Replace(string(read)), w.Header()
}

func (b *browser) get(path string) (int, string) {
	b.o.t.Helper()
	status, text, _ := b.send("GET", path, "text/plain", "")
	return status, text
}

func (b *browser) post(path string, form url.Values) (int, string) {
	b.o.t.Helper()
	status, text, _ := b.send("POST", path, "application/x-www-form-urlencoded", form.Encode())
	return status, text
}

// enrol follows a link and makes a passkey.
func (b *browser) enrol(link string) (int, string) {
	b.o.t.Helper()
	path := strings.TrimPrefix(link, origin)
	status, options, _ := b.send("POST", path+"/begin", "application/json", "{}")
	if status != http.StatusOK {
		return status, options
	}
	status, text, _ := b.send("POST", path+"/finish", "application/json", b.finger.makes(b.o.t, options))
	return status, text
}

func (b *browser) signIn() (int, string) {
	b.o.t.Helper()
	status, options, _ := b.send("POST", "/signin/begin", "application/json", "{}")
	if status != http.StatusOK {
		return status, options
	}
	status, text, _ := b.send("POST", "/signin/finish", "application/json", b.finger.signs(b.o.t, options))
	return status, text
}

// assertion signs a digest that a page has shown.
func (b *browser) assertion(digest string) string {
	b.o.t.Helper()
	status, options := b.post("/confirm/begin", url.Values{"digest": {digest}})
	if status != http.StatusOK {
		return "{}"
	}
	return b.finger.signs(b.o.t, options)
}

// confirm sends a form, and confirms with the passkey what the page says that it would do. Where the page asks for
// nothing, it is the answer.
func (b *browser) confirm(path string, form url.Values) (status int, asked, answer string) {
	b.o.t.Helper()
	status, asked = b.post(path, form)
	found := digestField.FindStringSubmatch(asked)
	if found == nil {
		return status, "", asked
	}
	sent := url.Values{"digest": {found[1]}, "assertion": {b.assertion(found[1])}}
	for name, values := range form {
		sent[name] = values
	}
	status, answer = b.post(path, sent)
	return status, asked, answer
}
