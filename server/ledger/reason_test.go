package ledger

import (
	"encoding/json"
	"maps"
	"testing"
)

// What reads plain reasons quickly reads what any reader of JSON reads, or leaves it to one.
func FuzzReason(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"en":"it asks for a fee"}`, `{"en":"a","pl":"Żółć","vi":"đòi phí"}`, `{"en":"a","en":"b"}`, `{"en":""}`, `{"":""}`, `null`, `[]`, `"en"`, ``,
		`{"en":"a\"b"}`, `{"en":"\u0041"}`, `{"en":"a",}`, `{"en":"a" }`, ` {"en":"a"}`, `{"en":"a"}}`, `{,"en":"a"}`, `{"en":1}`, `{"en":"a""pl":"b"}`, `{"en" "a"}`,
		"{\"en\":\"a\nb\"}", "{\"en\":\"\xff\"}", "{\"en\":\"\ufffd\"}", "{\"en\":\"\x7f\u2028\"}", `{"en":"a"`, `"}`, `{"en":"a","pl"}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want map[string]string
		err := json.Unmarshal([]byte(text), &want)
		if got := plain(text); got != nil && (err != nil || !maps.Equal(got, want)) {
			t.Errorf("%q is %q, want %q, %v", text, got, want, err)
		}
	})
}

func TestPlainReasonsAreReadQuickly(t *testing.T) {
	for _, text := range []string{`{"en":"it asks for a fee"}`, `{"en":"a","pl":"Żółć","vi":"đòi phí"}`} {
		if plain(text) == nil {
			t.Errorf("%s is left to others", text)
		}
	}
}
