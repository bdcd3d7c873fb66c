package feed

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// ends is the error that ends a list, as text.
func ends(list string, p Preset) (string, error) {
	for _, err := range Claims(strings.NewReader(list), p) {
		if _, refused := errors.AsType[*Refused](err); err != nil && !refused {
			return err.Error(), err
		}
	}
	return "", nil
}

// A list that is not what it was yesterday says so by the name of what is missing, and nothing of it is used.
func TestAColumnThatMovedIsNamed(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile("testdata/lists/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	f := func(list, name, want string) {
		t.Helper()
		got, err := ends(list, preset(t, name))
		if !errors.Is(err, ErrShape) || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	haus := read("urlhaus-csv.csv")
	f(strings.Replace(haus, "url_status", "state", 1), "urlhaus-csv", "column url_status is missing")
	f(strings.Replace(haus, "url,url_status", "url_status,url", 1), "urlhaus-csv", "column 3 is not url any more")
	f(strings.Replace(haus, "reporter", "reporter,country", 1), "urlhaus-csv", "column country is new")
	f(strings.ReplaceAll(haus, `"x"`, `"x","VN"`), "urlhaus-csv", "there are 10 columns, and the preset has 9")
	f(strings.ReplaceAll(read("urlhaus-json.json"), `"url"`, `"address"`), "urlhaus-json", "field url is missing")
	f(strings.Replace(read("national-csv.csv"), "Ngân hàng", "NH", 1), "national-csv", "column Ngân hàng is missing")
	f(strings.Replace(read("national-csv.csv"), "Trạng thái", "Đối tượng", 1), "national-csv", "column Trạng thái is missing")
	f(strings.Replace(read("national-csv.csv"), "Ghi chú", "Trạng thái", 1), "national-csv", "two columns are called Trạng thái")
	f(strings.Replace(read("threatexchange.json"), `"data"`, `"items"`, 1), "threatexchange", "member data is missing")
	f(read("certpl-json.json")[:100], "certpl-json", "it ends in the middle")
	f(read("certpl-json.json")+"[]", "certpl-json", "something stands behind it")
	f("<!DOCTYPE html><html>Sign in", "certpl-json", "web page")
}

func TestTheEncodingIsNamed(t *testing.T) {
	text := "Tên;Đối tượng\nmột;a.example\n"
	p := Preset{Format: "csv", Header: true, Value: Values{"Đối tượng"}}
	want := "line 2 a.example/\n"
	for _, name := range []string{"utf-16le", "utf-16be"} {
		for _, mark := range []string{"", "\ufeff"} {
			list := encoded(t, mark+text, name)
			p.Encoding = ""
			if _, err := ends(list, p); !errors.Is(err, ErrEncoding) {
				t.Errorf("%s without its name: %v", name, err)
			}
			p.Encoding = name
			if got := told(strings.NewReader(list), p); got != want {
				t.Errorf("%s: %s", name, got)
			}
		}
	}
	list := encoded(t, "T\u00ean;\u0110\u00f4\u0301i tươ\u0323ng\nmô\u0323t;a.example\n", "windows-1258") // as Windows writes it: vowels, then tones
	p.Encoding = ""
	if _, err := ends(list, p); !errors.Is(err, ErrEncoding) {
		t.Errorf("windows-1258 without its name: %v", err)
	}
	p.Encoding = "windows-1258"
	if got := told(strings.NewReader(list), p); got != want {
		t.Errorf("windows-1258: %s", got)
	}
}

// The same in each form in which programs write it.
func TestTablesAsProgramsWriteThem(t *testing.T) {
	want := "line 2 a.example/\nline 4 b.example/\n"
	for _, list := range []string{
		"id,url,note\n1,a.example,\"two\nlines\"\n2,b.example,\n",
		"id,url,note\r\n1,a.example,\"two\r\nlines\"\r\n2,b.example,\r\n",
		"id,url,note\r1,a.example,\"two\rlines\"\r2,b.example,\r",
		"\ufeffid;url;note\n1;a.example;\"two\nlines\"\n2;b.example\n",
		"ID\tURL\tNote\n1\ta.example\t\"two\nlines\"\n2\tb.example\t\n",
		"\"id\",\"url\",\"note\"\n\"1\",\"a.example\",\"two\nlines\"\n\"2\",\"b.example\",\"\"\n",
		"id|url|note\n1|a.example|\n\n2|b.example|\n",
		"# id,url,note\n1,a.example,\n# a comment\n2,b.example,\n",
	} {
		if got := told(strings.NewReader(list), Preset{Format: "csv", Header: true, Value: Values{"url"}, ID: "id"}); got != want {
			t.Errorf("%q:\n%s", list, got)
		}
	}
	if got := told(strings.NewReader("sep=|\nurl|n\na.example|1;2;3\n"), Preset{Format: "csv", Header: true, Value: Values{"url"}}); got != "line 3 a.example/\n" {
		t.Error(got)
	}
	if got := told(strings.NewReader("Danh sách\n\nurl,n\nĐịa chỉ,Số\na.example,1\n"), Preset{Format: "csv", Header: true, HeaderLines: 2, Value: Values{"url"}}); got != "line 5 a.example/\n" {
		t.Error(got)
	}
}

// What the language of presets has beside what known sources need.
func TestTheLanguageOfPresets(t *testing.T) {
	f := func(preset, list, want string) {
		t.Helper()
		p, err := ParsePreset([]byte(preset))
		if err != nil {
			t.Fatalf("%s: %v", preset, err)
		}
		if got := told(strings.NewReader(list), p); got != want {
			t.Errorf("%s:\n%swant\n%s", preset, got, want)
		}
	}
	f(`{"name":"x","format":"csv","header":true,"value":"url","split":",; \n"}`, "url\n\"a.example, b.example; c.example\"\n", "line 2 a.example/\nline 2 b.example/\nline 2 c.example/\n")
	f(`{"name":"x","format":"csv","value":"2"}`, "7,a.example\n", "line 1 a.example/\n")
	f(`{"name":"x","format":"csv","columns":["id","url"],"value":"url"}`, "7,a.example\n8,b.example,\n", "line 1 a.example/\nline 2 refused: "+ErrCells.Error()+"\n")
	f(`{"name":"x","format":"csv","header":true,"value":"{scheme}://{host}{path}"}`, "scheme,host,path\nhttps,a.example,/b\n", "line 2 a.example/b\n")
	f(`{"name":"x","format":"csv","header":true,"value":["url","host"]}`, "url,host\n,a.example\nb.example/c,b.example\n", "line 2 a.example/\nline 3 b.example/c\n")
	f(`{"name":"x","format":"lines","pattern":"^local-zone: \"(?P<host>[^\"]+)\"","value":"host"}`, "local-zone: \"a.example.\" always_nxdomain\n", "line 1 a.example/\n")
	f(`{"name":"x","format":"json","records":"events","each":"attributes","value":"value","gone":{"field":"^withdrawn","in":["true"]}}`,
		`{"events":[{"attributes":[{"value":"a.example"},{"value":"b.example"}],"withdrawn":true},{"attributes":[{"value":"c.example"}],"withdrawn":false}]}`,
		"line 1 a.example/ gone\nline 1 b.example/ gone\nline 2 c.example/\n")
	f(`{"name":"x","format":"json","records":"lists.*","value":".","gone":{"field":"@key","in":["old"]}}`, `{"lists":{"new":["a.example"],"old":["b.example"]}}`, "line 1 a.example/\nline 2 b.example/ gone\n")
	f(`{"name":"x","format":"json","records":"rows","columns":["id","url"],"value":"url"}`, `{"rows":[[1,"a.example"],[2,"b.example"]]}`, "line 1 a.example/\nline 2 b.example/\n")
	f(`{"name":"x","format":"csv","header":true,"value":"url","gone":{"all":[{"field":"n","min":2,"max":3},{"field":"s","not_in":["keep"]}]}}`,
		"url,n,s\na.example,2,x\nb.example,2,Keep\nc.example,4,x\n", "line 2 a.example/ gone\nline 3 b.example/\nline 4 c.example/\n")
	f(`{"name":"x","format":"csv","header":true,"value":"url","only":{"field":"tags","match":"(^|,)phish"}}`, "url,tags\na.example,\"vn,phishing\"\nb.example,ads\n", "line 2 a.example/\nline 3 refused: "+ErrUnwanted.Error()+"\n")
	f(`{"name":"x","format":"jsonl","value":"phone"}`, "{\"phone\":84900000001}\n{\"phone\":8.49E+10}\n", "line 1 phone:+84900000001\nline 2 refused: "+ErrSpoilt.Error()+"\n")
	f(`{"name":"x","format":"csv","header":true,"value":"url"}`, "url\n8.49E+10\n\"8,49E+10\"\n84900000001.0\n=HYPERLINK(\"http://a.example\")\n'+84900000001\n", "line 2 refused: "+ErrSpoilt.Error()+"\nline 3 refused: "+
		ErrSpoilt.Error()+"\nline 4 refused: "+ErrSpoilt.Error()+"\nline 5 refused: the quotes do not match\nline 6 phone:+84900000001\n")
}

func TestAPresetThatIsNone(t *testing.T) {
	f := func(preset, want string) {
		t.Helper()
		if _, err := ParsePreset([]byte(preset)); !errors.Is(err, ErrPreset) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", preset, err, want)
		}
	}
	f(`{"name":"x","format":"csv","value":"url","colour":"red"}`, `"colour"`)
	f(`{"name":"x","format":"csv","value":"url","gone":{"field":"a","is":["b"]}}`, `"is"`)
	f(`{"name":"x","format":"csv","value":"url","first_seen":{"field":"a","layout":"b"}}`, `"layout"`)
	f(`{"name":"x","format":"excel","value":"url"}`, "csv, ")
	f(`{"name":"x","format":"csv"}`, `"value" is missing`)
	f(`{"name":"x","format":"csv","value":"url","meaning":"some"}`, `"some"`)
	f(`{"name":"x","format":"csv","value":"url","encoding":"latin-9999"}`, `"latin-9999"`)
	f(`{"name":"x","format":"csv","value":"url","category":{"default":"nonsense"}}`, `"nonsense"`)
	f(`{"name":"x","format":"csv","value":"url","first_seen":{"field":"a","zone":"Asia/Nowhere"}}`, `"Asia/Nowhere"`)
	f(`{"name":"x","format":"csv","value":"url","only":{"field":"a"}}`, `"in"`)
	f(`{"name":"x","format":"lines","pattern":"(a)","value":"url"}`, "no group url")
	f(`[]`, "object")
	f(`{"name":"x","format":"lines"}{}`, "behind")
}

func TestTheNationalMappingIsAPreset(t *testing.T) {
	text, err := os.ReadFile(vectors + "/national/mapping.json")
	if err != nil {
		t.Skip("the vectors are not here: ", err)
	}
	p, err := ParsePreset(text)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := full(t, vectors+"/national/export.csv", p), full(t, vectors+"/national/export.csv", preset(t, "national-csv")); got != want || got == "" {
		t.Errorf("%s, want %s", got, want)
	}
}
