package takedown

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"mime"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"khien/shared/category"
	"khien/shared/subject"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

func operator(t *testing.T, files map[string]string) Operator {
	t.Helper()
	dir := t.TempDir()
	if files["sender.txt"] == "" {
		files["sender.txt"] = "organisation Invented Office against Scams\ncontact takedown@office.example\ndomain office.example\nregister https://khien.example/register\n"
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o, err := ReadOperator(dir)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

const now = 1_763_900_000

var (
	aCase = Request{ID: 17, Subject: shop, Platform: "facebook", Category: category.Shop, Reference: "KH-2026-000017", State: Prepared, Made: now}
	facts = Facts{Reason: map[string]string{"en": "Takes deposits and sends nothing.", "vi": "Nhận cọc rồi không giao hàng."}, Reports: 12, Opened: now - 86400*3, Latest: now - 3600}
)

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs (%v); go test ./server/takedown -update rewrites it:\n%s", file, err, got)
	}
}

func TestLetters(t *testing.T) {
	o := operator(t, map[string]string{"legal.vi.txt": "Điều invented của luật invented.\n"})
	for _, lang := range Languages {
		for _, c := range []Request{
			{State: Prepared}, {State: Refused, Theirs: "FB-4711"}, {State: ReAppeared, Returned: 1, Acted: now - 86400}, {State: Withdrawn},
		} {
			full := aCase
			full.State, full.Theirs, full.Returned, full.Acted = c.State, c.Theirs, c.Returned, c.Acted
			l, err := o.Letter(full, facts, lang, now)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, full.kind()+"."+lang+".txt", []byte(l.Text()))
		}
		form, err := o.Form(aCase, facts, lang, now)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		for _, f := range form {
			b.WriteString(f.Name + ": " + f.Value + "\n")
		}
		golden(t, "form."+lang+".txt", b.Bytes())
	}
	if _, err := o.Letter(aCase, facts, "pl", now); !errors.Is(err, ErrLanguage) {
		t.Errorf("Polish: %v", err)
	}
}

// Where the reason is how that kind of scam works, as the console proposes it, or where there is none, the letter says
// it once.
func TestALetterSaysNothingTwice(t *testing.T) {
	o := operator(t, map[string]string{"sender.txt": "organisation Invented Office\ncontact takedown@office.example\ndomain office.example\n"})
	for _, lang := range Languages {
		for _, reason := range []string{aCase.Category.How(lang), ""} {
			f := facts
			f.Reason = map[string]string{lang: reason}
			for _, state := range []State{Prepared, Refused, ReAppeared} {
				c := aCase
				c.State = state
				l, err := o.Letter(c, f, lang, now)
				if err != nil {
					t.Fatal(err)
				}
				if text := l.Text(); strings.Count(text, aCase.Category.How(lang)) != 1 || strings.Contains(text, "\n  \n") {
					t.Errorf("%s, %s:\n%s", state, lang, text)
				}
			}
			body, err := o.XARF(aCase, f, now)
			if err != nil || strings.Count(string(body), category.Shop.How("en")) != 1 {
				t.Errorf("%v\n%s", err, body)
			}
		}
	}
}

// Who was taken off the list is reported to nobody any more, neither to a person's eyes nor to a machine's.
func TestNobodyIsAccusedByMistake(t *testing.T) {
	o := operator(t, map[string]string{})
	c, f := aCase, facts
	c.State, f.Reason = Withdrawn, map[string]string{"en": "It is the shop itself.", "vi": "Đó chính là cửa hàng."}
	for _, lang := range Languages {
		form, err := o.Form(c, f, lang, now)
		if err != nil {
			t.Fatal(err)
		}
		all := fmt.Sprint(form)
		for _, accusing := range []string{platforms["facebook"].Menu[lang], c.Category.Name(lang), f.evidence(lang)} {
			if strings.Contains(all, accusing) {
				t.Errorf("the form still says %q: %s", accusing, all)
			}
		}
		if !strings.Contains(all, f.Reason[lang]) || !strings.Contains(all, c.Reference) {
			t.Errorf("the form doesn't say what was wrong: %s", all)
		}
	}
	if body, err := o.XARF(c, f, now); !errors.Is(err, ErrState) || body != nil {
		t.Errorf("%v, %s", err, body)
	}
}

// A scammer chooses the name of the account, a reporter the words, a platform its reference: none of them adds a
// header, a line, or a direction of writing.
func TestALetterIsNotForged(t *testing.T) {
	const attack = "x\r\nBcc: everybody@victim.example\n\nDear platform, unlock all accounts.\u2028\u202egnirts\x00"
	o := operator(t, map[string]string{})
	c := aCase
	c.Theirs, c.Reference, c.Subject = attack, attack, subject.Subject("facebook:user/"+attack)
	f := facts
	f.Reason = map[string]string{"en": attack}
	for _, state := range []State{Prepared, Refused, ReAppeared, Withdrawn} {
		c.State = state
		l, err := o.Letter(c, f, "en", now)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(strings.NewReader(l.Mail()))
		if err != nil {
			t.Fatal(err)
		}
		for name := range m.Header {
			if !strings.Contains(" From To Subject X-Unsent Mime-Version Content-Type Content-Transfer-Encoding ", " "+name+" ") {
				t.Errorf("%s: there is a header %s", state, name)
			}
		}
		if title, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil || title != l.Subject {
			t.Errorf("%s: the subject reads %q, want %q, %v", state, title, l.Subject, err)
		}
		for row := range strings.Lines(l.Text()) {
			if strings.HasPrefix(row, "Bcc:") || strings.HasPrefix(row, "Dear platform") || strings.ContainsAny(row, "\r\x00\u2028\u202e") {
				t.Errorf("%s: the letter has the line %q", state, row)
			}
		}
	}
	form, err := o.Form(c, f, "en", now)
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range form {
		if strings.ContainsAny(field.Value, "\r\n\x00\u2028\u202e") || utf8.RuneCountInString(field.Value) > 2*maxDetails {
			t.Errorf("the form has %q", field.Value)
		}
	}
}

func TestTheOperatorsOwnLetters(t *testing.T) {
	o := operator(t, map[string]string{
		"report.vi.txt": "Subject: chung\n\nkính gửi {{.Platform}}", "facebook.report.vi.txt": "Subject: riêng\n\n{{.What}}",
		"hours.txt": "# by contract\nfacebook 48\n", "report.en.txt": "Subject: {{.Password}}\n\nx", "again.en.txt": "no subject",
	})
	f := func(c Request, lang, want string, wantErr error) {
		t.Helper()
		l, err := o.Letter(c, facts, lang, now)
		if !errors.Is(err, wantErr) || err == nil && !strings.Contains(l.Text(), want) {
			t.Errorf("%q, %v", l.Text(), err)
		}
	}
	zalo, again := aCase, aCase
	zalo.Platform, zalo.Subject = "zalo", "zalo:oa/9000000000000000001"
	again.State = ReAppeared
	f(aCase, "vi", "Subject: riêng", nil)
	f(zalo, "vi", "kính gửi Zalo", nil)
	f(aCase, "en", "", ErrLetters)
	f(again, "en", "", ErrLetters)
	if o.Clock("facebook") != 48*3600 || o.Clock("zalo") != 24*3600 {
		t.Error("the hours are not the operator's")
	}
	nobody, err := ReadOperator(filepath.Join(t.TempDir(), "missing"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nobody.Letter(aCase, facts, "en", now); !errors.Is(err, ErrSender) {
		t.Errorf("a letter from nobody: %v", err)
	}
	if _, err := nobody.XARF(aCase, facts, now); !errors.Is(err, ErrSender) {
		t.Errorf("a report from nobody: %v", err)
	}
	for name, text := range map[string]string{"sender.txt": "name x\n", "hours.txt": "facebook soon\n"} {
		dir := t.TempDir()
		os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)
		if _, err := ReadOperator(dir); !errors.Is(err, ErrLetters) {
			t.Errorf("%s: %v, want ErrLetters", name, err)
		}
	}
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "sender.txt"), []byte("contact a@b.example, c@d.example\n"), 0o600)
	if _, err := ReadOperator(dir); !errors.Is(err, ErrLetters) {
		t.Errorf("two contacts: %v, want ErrLetters", err)
	}
}

// checkXARF holds a report against what schemas/v4 of the format ask for: xarf-core, content-base, and content-fraud
// or content-phishing.
func checkXARF(t *testing.T, body []byte) map[string]any {
	t.Helper()
	if !utf8.Valid(body) {
		t.Error("it is not UTF-8")
	}
	var r map[string]any
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatal(err)
	}
	text := func(name, pattern string) string {
		t.Helper()
		value, _ := r[name].(string)
		if !regexp.MustCompile(pattern).MatchString(value) {
			t.Errorf("%s is %q", name, value)
		}
		return value
	}
	text("xarf_version", `^4\.[0-9]+\.[0-9]+$`)
	text("report_id", `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if _, err := time.Parse(time.RFC3339, text("timestamp", `.`)); err != nil {
		t.Error(err)
	}
	for _, who := range []string{"reporter", "sender"} {
		c, _ := r[who].(map[string]any)
		org, _ := c["org"].(string)
		contact, _ := c["contact"].(string)
		domain, _ := c["domain"].(string)
		if _, err := mail.ParseAddress(contact); err != nil || len(c) != 3 || org == "" || len([]rune(org)) > 200 || domain == "" {
			t.Errorf("%s is %v", who, c)
		}
	}
	text("source_identifier", `.`)
	text("category", `^content$`)
	switch kind := text("type", `^(fraud|phishing)$`); kind {
	case "fraud":
		text("fraud_type", `^(investment|romance|tech_support|lottery|advance_fee|cryptocurrency|shopping|charity|employment|government_impersonation|other)$`)
	case "phishing":
		if r["fraud_type"] != nil {
			t.Error("phishing has a kind of fraud")
		}
	}
	if u, err := url.Parse(text("url", `^[!-~]+$`)); err != nil || !u.IsAbs() || u.Hostname() != text("domain", `^[a-z0-9.-]+$`) {
		t.Errorf("the url is %v, the domain %v", r["url"], r["domain"])
	}
	text("evidence_source", `^(user_report|threat_intelligence)$`)
	text("verification_method", `^(manual|automated_crawler|user_report|honeypot|threat_intelligence)$`)
	if n := len([]rune(text("description", `.`))); n > 1000 {
		t.Errorf("the description has %d characters", n)
	}
	for _, e := range r["evidence"].([]any) {
		e := e.(map[string]any)
		payload, err := base64.StdEncoding.DecodeString(e["payload"].(string))
		if err != nil || int(e["size"].(float64)) != len(payload) || !regexp.MustCompile(`^sha256:[0-9a-f]{64}$`).MatchString(e["hash"].(string)) || len(e) != 5 {
			t.Errorf("the evidence is %v", e)
		}
	}
	for _, tag := range r["tags"].([]any) {
		if !regexp.MustCompile(`^[a-z0-9][a-z0-9_+-]*:[a-z0-9][a-z0-9_+-.]*$`).MatchString(tag.(string)) {
			t.Errorf("the tag is %v", tag)
		}
	}
	return r
}

func TestXARF(t *testing.T) {
	o := operator(t, map[string]string{})
	body, err := o.XARF(aCase, facts, now)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "xarf.json", body)
	for _, kind := range category.All() {
		c := aCase
		c.Category = kind
		body, err := o.XARF(c, Facts{Source: "invented list", Seen: now}, now)
		if err != nil {
			t.Fatal(err)
		}
		if r := checkXARF(t, body); r["evidence_source"] != "threat_intelligence" {
			t.Errorf("%s: %s", kind.Slug(), body)
		}
	}
	// The same report has the same name; what re-appeared is another.
	again, _ := o.XARF(aCase, facts, now+5)
	back := aCase
	back.Returned++
	other, _ := o.XARF(back, facts, now)
	if a, b, c := checkXARF(t, body)["report_id"], checkXARF(t, again)["report_id"], checkXARF(t, other)["report_id"]; a != b || b == c {
		t.Errorf("the names are %v, %v and %v", a, b, c)
	}
}

// The subject may be anything that its platform takes for a name.
func TestAHostileSubjectInXARF(t *testing.T) {
	o := operator(t, map[string]string{})
	for _, text := range []string{
		`facebook:user/`, `facebook:user/"},"category":"none`, "facebook:user/\u202e\u2028x", "facebook:user/\xff\xfe", `facebook:user/</script><script>`,
		"linkedin:in/ảnh'·&", "facebook:group/" + strings.Repeat("x", 256), "mastodon:user/a@b.example",
	} {
		c, f := aCase, facts
		c.Subject, c.Platform = subject.Subject(text), strings.SplitN(text, ":", 2)[0]
		f.Reason = map[string]string{"en": `"],"x":[` + strings.Repeat("a", 5000) + "\xff"}
		body, err := o.XARF(c, f, now)
		if err != nil {
			t.Fatal(err)
		}
		if subject.Subject(text).Address() == "" {
			continue
		}
		checkXARF(t, body)
	}
}
