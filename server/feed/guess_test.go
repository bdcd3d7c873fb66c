package feed

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/text/encoding/htmlindex"
)

// guessed is what a list says by the preset that was guessed for it, which goes through a file on its way.
func guessed(t *testing.T, list string) (string, Preset) {
	t.Helper()
	p, why, err := Guess(strings.NewReader(list))
	if err != nil {
		t.Fatalf("%v, after %q", err, why)
	}
	file, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = ParsePreset(file); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return told(strings.NewReader(list), p), p
}

func encoded(t *testing.T, text, name string) string {
	t.Helper()
	e, err := htmlindex.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	text, err = e.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestGuessReadsWhatNobodyDescribed(t *testing.T) {
	vietnamese := "STT;Tên miền;Ngày phát hiện;Trạng thái;Ghi chú\r\n1;a.example;27/11/2026;Đang hoạt động;\r\n2;b.example;03/11/2026;Đã gỡ;báo nhầm\r\n"
	polish := "Lp\tAdres strony\tData dodania\tData usunięcia\n1\ta.example\t27.11.2026\t\n2\tb.example\t03.11.2026\t05.11.2026\n"
	want := "line 2 a.example/\nline 3 b.example/ gone\n"
	for name, list := range map[string]string{
		"Vietnamese":       vietnamese,
		"in windows-1258":  encoded(t, strings.NewReplacer("ê", "ê", "ề", "ề").Replace("STT;Tên mi\u00ea\u0300n;Tra\u0323ng tha\u0301i\r\n1;a.example;x\r\n2;b.example;Đa\u0303 gơ\u0303\r\n"), "windows-1258"),
		"in UTF-16":        "\xff\xfe" + encoded(t, vietnamese, "utf-16le"),
		"Polish":           polish,
		"in windows-1250":  encoded(t, polish, "windows-1250"),
		"Chinese":          "編號,網址,通報日期,狀態\n1,https://a.example,114/11/27,\n2,https://b.example,114/11/03,已移除\n",
		"English, US days": "Domain,Reported,Removed\na.example,11/27/2026,\nb.example,11/03/2026,11/30/2026\n",
	} {
		t.Run(name, func(t *testing.T) {
			if got, p := guessed(t, list); got != strings.ReplaceAll(want, "https://", "") {
				t.Errorf("%+v:\n%swant\n%s", p, got, want)
			}
		})
	}
	f := func(name, list, want string) {
		t.Run(name, func(t *testing.T) {
			if got, p := guessed(t, list); got != want {
				t.Errorf("%+v:\n%swant\n%s", p, got, want)
			}
		})
	}
	f("records somewhere in JSON", `{"ok":true,"result":{"count":2,"items":[{"host":"a.example","meta":{"added":"2026-11-27"}},{"host":"b.example"}]}}`, "line 1 a.example/\nline 2 b.example/\n")
	f("texts in JSON", `{"updated":1,"domains":["a.example","b.example"]}`, "line 1 a.example/\nline 2 b.example/\n")
	f("records by name", `{"7":{"url":"a.example"},"8":{"url":"b.example"}}`, "line 1 a.example/\nline 2 b.example/\n")
	f("a record a line", "{\"url\":\"a.example\"}\n{\"url\":\"b.example\"}\n", "line 1 a.example/\nline 2 b.example/\n")
	f("no header", "7,a.example,x\n8,b.example,y\n", "line 1 a.example/\nline 2 b.example/\n")
	f("titles above the header, and two words for one column", "Danh sách website lừa đảo,,\nSTT,Tên miền / Website,Ngày cảnh báo\n1,a.example,20/11/2026\n2,b.example,21/11/2026\n",
		"line 3 a.example/\nline 4 b.example/\n")
	f("several in a field", "Name,Website(s)\nOne,a.example; b.example\nTwo,c.example\n", "line 2 a.example/\nline 2 b.example/\nline 3 c.example/\n")
	f("what is no scam", "{\"host\":\"a.example\",\"verdict\":\"malicious\"}\n{\"host\":\"b.example\",\"verdict\":\"benign\"}\n", "line 1 a.example/\nline 2 b.example/ disputed\n")
	f("an encoding that only a status tells", encoded(t, "Lp.;Domena;Status\n1;a.example;aktywna\n2;b.example;wykreślona\n", "windows-1250"), "line 2 a.example/\nline 3 b.example/ gone\n")
	f("one column with a name", "Domain\na.example\nb.example\n", "line 2 a.example/\nline 3 b.example/\n")
	f("hosts", "# x\n0.0.0.0 a.example\n0.0.0.0 b.example\n", "line 2 a.example/\nline 3 b.example/\n")
	f("account numbers", "Ngân hàng;Số tài khoản\nVietcombank;0000000001\n", "line 2 bank:970436/0000000001\n")
}

func TestGuessOfKnownListsIsTheirPreset(t *testing.T) {
	for _, name := range []string{"urlhaus-csv.csv", "threatfox.json", "national-csv.csv", "national-xlsx.xlsx", "taiwan-165-sites.csv", "threatexchange.json", "certpl-csv.csv"} {
		list, err := os.ReadFile("testdata/lists/" + name)
		if err != nil {
			t.Fatal(err)
		}
		want, _, _ := strings.Cut(name, ".")
		if p, _, err := Guess(bytes.NewReader(list)); err != nil || p.Name != want {
			t.Errorf("%s: %s, %v", name, p.Name, err)
		}
	}
}

func TestGuessOfWhatIsNoList(t *testing.T) {
	for list, want := range map[string]error{
		"":                                  ErrUnguessed,
		"dear all,\nnothing to report\n":    ErrUnguessed,
		"<!DOCTYPE html><title>Sign in":     ErrPage,
		"PK\x03\x04 damaged":                ErrShape,
		"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1x": ErrShape,
	} {
		if p, _, err := Guess(strings.NewReader(list)); !errors.Is(err, want) {
			t.Errorf("%q: %+v, %v, want %v", list, p, err, want)
		}
	}
}
