package feed

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"khien/shared/subject"
)

// sound fails unless every claim of a list is one that may be kept, every refusal says why, and nothing is said behind
// what ends it.
func sound(t *testing.T, list string, p Preset) {
	t.Helper()
	ended := false
	for c, err := range Claims(strings.NewReader(list), p) {
		if ended {
			t.Fatal("something is said behind the end")
		}
		if refused, ok := errors.AsType[*Refused](err); ok {
			if refused.Why == nil || len(refused.Value) > 200 || c.Subject != "" {
				t.Fatalf("%+v", refused)
			}
			continue
		}
		if err != nil {
			ended = true
			continue
		}
		if again, err := subject.Parse(string(c.Subject)); err != nil || again != c.Subject || !c.Subject.IsListable() {
			t.Fatalf("%q may be in no list: %v", c.Subject, err)
		}
		if c.Address != "" {
			if s, address, err := Entry(c.Address); err != nil || s != c.Subject || address != c.Address {
				t.Fatalf("%q at %q comes in again as %q at %q, %v", c.Subject, c.Address, s, address, err)
			}
		}
		if len(c.ID) > maxLine || len(c.Reference) > maxLine || len(c.Text) > maxText || !utf8.ValidString(c.ID+c.Reference+c.Text) ||
			strings.ContainsFunc(c.ID+c.Reference+c.Text, isControl) || c.First < 0 || c.Last < 0 || c.Lapses < 0 || c.Sure < 0 || c.Sure > 100 || c.TLP == Red {
			t.Fatalf("%+v", c)
		}
	}
}

// Whatever a list is, each reader stays within what it promises, by its own presets and by one that says everything.
func FuzzClaims(f *testing.F) {
	files, err := filepath.Glob("testdata/lists/*")
	if err != nil {
		f.Fatal(err)
	}
	presets := append(Presets(),
		Preset{Format: "csv", Value: Values{"1"}, Split: ", "},
		Preset{Format: "jsonl", Value: Values{"url", "."}, Each: "a.b", Text: "{x}{y}"},
		Preset{Format: "lines", Pattern: `^(?P<a>\S+) (?P<b>.*)$`, Value: Values{"a"}, Text: "b"},
		Preset{Format: "tsv", Header: true, HeaderLines: 3, Value: Values{"a", "b"}, Encoding: "utf-16le"},
	)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for i, p := range presets {
			if strings.HasPrefix(filepath.Base(file), p.Name+".") && p.Name != "" {
				f.Add(uint8(i), text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, i uint8, list []byte) {
		sound(t, string(list), presets[int(i)%len(presets)])
	})
}

// What is guessed for a list reads it as anything else does.
func FuzzGuess(f *testing.F) {
	files, _ := filepath.Glob("testdata/lists/*")
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, list []byte) {
		p, _, err := Guess(strings.NewReader(string(list)))
		if err != nil {
			return
		}
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		sound(t, string(list), p)
	})
}

// The same records as CSV and as JSON are the same claims.
func FuzzFormsAgree(f *testing.F) {
	f.Add("a.example", "2026-11-27", "phishing", "https://b.example/c,d", "", "\"x\"\ny")
	f.Add("=a", "x", "Đầu tư", "0900 000 001", "1700000000", " ")
	f.Fuzz(func(t *testing.T, url1, date1, kind1, url2, date2, kind2 string) {
		cells := []string{url1, date1, kind1, url2, date2, kind2}
		for i, cell := range cells {
			// CSV has no CR of its own, knows nothing of what is no text, and takes the apostrophe before a formula away.
			cells[i] = strings.NewReplacer("\r", "", "#", "", "\x00", "", "'", "", "\ufeff", "").Replace(strings.ToValidUTF8(cell, ""))
		}
		var table strings.Builder
		w := csv.NewWriter(&table)
		w.WriteAll([][]string{{"n", "url", "date", "kind"}, append([]string{"1"}, cells[:3]...), append([]string{"2"}, cells[3:]...)})
		list, err := json.Marshal([]map[string]string{{"url": cells[0], "date": cells[1], "kind": cells[2]}, {"url": cells[3], "date": cells[4], "kind": cells[5]}})
		if err != nil {
			t.Fatal(err)
		}
		p := Preset{Header: true, Separator: ",", Value: Values{"url"}, First: &Moment{Field: "date"}, Category: &Choice{Field: "kind"}, Text: "kind", Gone: Conditions{{Field: "kind", In: []string{"x"}}}}
		said := func(format, list string) (all []Claim) {
			p.Format = format
			for c, err := range Claims(strings.NewReader(list), p) {
				if _, refused := errors.AsType[*Refused](err); err != nil && !refused {
					t.Fatalf("%s: %v", format, err)
				}
				c.Place = Place{}
				all = append(all, c)
			}
			return all
		}
		a, b := said("csv", table.String()), said("json", string(list))
		if len(a) != len(b) {
			t.Fatalf("%d and %d of %q", len(a), len(b), cells)
		}
		for i := range a {
			if a[i] != b[i] {
				t.Fatalf("%+v and %+v of %q", a[i], b[i], cells)
			}
		}
	})
}
