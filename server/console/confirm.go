package console

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"khien/server/audit"
)

// change is exactly what somebody is about to do, to be confirmed with a passkey. What the passkey signs is bound to
// the digest of it, so a signature for one change is none for another.
type change struct {
	What any      // all of it, as JSON
	Key  string   // of the message that names it, such as "confirm.second"
	Says []string // it in words, in the language of the reader
}

// digest is SHA-256 over what will change, in hex.
func (c change) digest() (string, error) {
	text, err := json.Marshal(c.What)
	sum := sha256.Sum256(append([]byte("khien console change\n"+c.Key+"\n"), text...))
	return hex.EncodeToString(sum[:]), err
}

var confirmRoutes = []route{{"POST /confirm/begin", seen, beginConfirm}}

// beginConfirm gives console.js a challenge for a digest that stands in a form: 32 random bytes and the digest.
func beginConfirm(v *visit) error {
	digest, err := hex.DecodeString(v.form("digest"))
	if err != nil || len(digest) != sha256.Size {
		return wrong("problem.changed")
	}
	var nonce [32]byte
	rand.Read(nonce[:])
	options, session, err := v.passkeys.BeginLogin(v.person, webauthn.WithChallenge(append(nonce[:], digest...)))
	if err != nil {
		return err
	}
	if err := v.keep("confirm", session); err != nil {
		return err
	}
	return v.json(http.StatusOK, options.Response)
}

// confirmed tells whether the reader has confirmed, with a passkey and just now, exactly what will change. If not, the
// reason is the key of a message to show beside the change, or empty where nobody was asked yet. The signature counts
// once. The proof goes into the audit log.
func (v *visit) confirmed(digest string) (proof audit.Why, reason string, err error) {
	text := v.form("assertion")
	if text == "" {
		return proof, "", nil
	}
	session, err := v.kept("confirm")
	if err != nil {
		return proof, "confirm.again", nil
	}
	challenge, err := base64.RawURLEncoding.DecodeString(session.Challenge)
	want, _ := hex.DecodeString(digest)
	if err != nil || len(challenge) != 64 || !bytes.Equal(challenge[32:], want) || v.form("digest") != digest {
		return proof, "confirm.changed", nil
	}
	answer, err := protocol.ParseCredentialRequestResponseBytes([]byte(text))
	if err != nil {
		return proof, "confirm.again", nil
	}
	key, err := v.passkeys.ValidateLogin(v.person, session, answer)
	if err != nil || key.Authenticator.CloneWarning {
		return proof, "confirm.again", nil
	}
	if err := v.Staff.Used(v.ctx(), *key); err != nil {
		return proof, "", err
	}
	return audit.Why{Proof: audit.Proof{Passkey: shortKey(key.ID), Digest: digest}}, "", nil
}

// why is what the reader notes for the log, with the proof where there is one.
func (v *visit) why(proof audit.Why) audit.Why {
	proof.Text = v.form("why")
	return proof
}

// confirmation is a page that asks for a passkey.
type confirmation struct {
	change
	Digest, Reason, Action string
	Fields                 [][2]string // that the form had
}

// confirm returns the proof that the reader has confirmed a change. Where there is none, the page that asks for it has
// been shown, with the fields of the form that is confirmed, and there is nothing more to do.
func (v *visit) confirm(c change) (proof audit.Why, err error) {
	digest, err := c.digest()
	if err != nil {
		return proof, err
	}
	proof, reason, err := v.confirmed(digest)
	if proof != (audit.Why{}) || err != nil {
		return proof, err
	}
	ask := confirmation{change: c, Digest: digest, Reason: reason, Action: v.r.URL.Path}
	for name, values := range v.r.PostForm {
		for _, value := range values {
			if name != "assertion" && name != "digest" {
				ask.Fields = append(ask.Fields, [2]string{name, value})
			}
		}
	}
	return proof, v.show("confirm", ask)
}
