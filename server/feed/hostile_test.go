package feed

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// endless repeats a text until so many bytes are read.
type endless struct {
	text string
	left int64
	at   int
}

func (e *endless) Read(p []byte) (n int, err error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	for n < len(p) && e.left > 0 {
		m := copy(p[n:], e.text[e.at:])
		n, e.left, e.at = n+m, e.left-int64(m), (e.at+m)%len(e.text)
	}
	return n, nil
}

// heap is how much the heap held at most while a list was read, in MB above what it held before.
func heap(t *testing.T, r io.Reader, p Preset) (claims int, most int64, err error) {
	t.Helper()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, n := int64(m.HeapAlloc), 0
	look := func() {
		runtime.ReadMemStats(&m)
		most = max(most, int64(m.HeapAlloc)-before)
	}
	for _, bad := range Claims(r, p) {
		if n++; n%50_000 == 0 {
			look()
		}
		if _, refused := errors.AsType[*Refused](bad); refused {
			continue
		}
		if bad != nil {
			err = bad
		} else {
			claims++
		}
	}
	look()
	return claims, most >> 20, err
}

// Whatever is sent, it is refused within bounds: of memory, and of time.
func TestHostileListsAreBounded(t *testing.T) {
	const gigabyte = 1 << 30
	table := Preset{Format: "csv", Header: true, Value: Values{"url"}}
	object := Preset{Format: "json", Value: Values{"url"}}
	line := strings.Repeat("x", 1000)
	for name, f := range map[string]struct {
		r    io.Reader
		p    Preset
		want error
	}{
		"a line of a gigabyte":              {&endless{text: line, left: gigabyte}, Preset{Format: "lines"}, ErrTooLarge},
		"endless lines":                     {&endless{text: strings.Repeat(line, 9) + "\n", left: gigabyte}, Preset{Format: "lines"}, ErrTooLarge},
		"endless comments":                  {&endless{text: "#" + line + "\n", left: gigabyte}, Preset{Format: "hosts"}, ErrTooLarge},
		"endless blanks":                    {&endless{text: strings.Repeat(" ", 1000) + "\n", left: gigabyte}, Preset{Format: "lines"}, ErrTooLarge},
		"a cell of a gigabyte":              {io.MultiReader(strings.NewReader("url\n\""), &endless{text: line, left: gigabyte}), table, ErrShape},
		"a quote that is left open":         {io.MultiReader(strings.NewReader("url\n\"a.example\n"), &endless{text: "b.example\n", left: gigabyte}), table, ErrShape},
		"no header in a gigabyte":           {&endless{text: line, left: gigabyte}, table, ErrShape},
		"a text of a gigabyte":              {io.MultiReader(strings.NewReader(`[{"url":"`), &endless{text: line, left: gigabyte}), object, ErrShape},
		"a number of a gigabyte":            {io.MultiReader(strings.NewReader(`[`), &endless{text: "1", left: gigabyte}), object, ErrShape},
		"a record of a gigabyte":            {io.MultiReader(strings.NewReader(`[{`), &endless{text: `"a":1,`, left: gigabyte}), object, ErrShape},
		"a root of a gigabyte":              {io.MultiReader(strings.NewReader(`{`), &endless{text: `"a":1,`, left: gigabyte}), object, ErrShape},
		"brackets without end":              {&endless{text: "[", left: gigabyte}, object, ErrShape},
		"brackets below a name":             {io.MultiReader(strings.NewReader(`{"x":`), &endless{text: "[", left: gigabyte}), Preset{Format: "json", Records: "data", Value: Values{"url"}}, ErrShape},
		"objects without end":               {&endless{text: `{"a":`, left: gigabyte}, Preset{Format: "json", Records: "a.a.a", Value: Values{"url"}}, ErrShape},
		"a line of JSON of a gigabyte":      {io.MultiReader(strings.NewReader(`{"url":"`), &endless{text: line, left: gigabyte}), Preset{Format: "jsonl", Value: Values{"url"}}, ErrTooLarge},
		"nothing but NUL":                   {&endless{text: "\x00", left: gigabyte}, Preset{Format: "lines"}, ErrEncoding},
		"endless in another encoding":       {&endless{text: "#" + strings.Repeat("\xe9", 1000) + "\n", left: gigabyte}, Preset{Format: "lines", Encoding: "windows-1258"}, ErrTooLarge},
		"a spreadsheet that is none":        {&endless{text: "PK\x03\x04", left: gigabyte}, Preset{Format: "xlsx", Header: true, Value: Values{"url"}}, ErrTooLarge},
		"a bomb for a spreadsheet":          {bytes.NewReader(bomb(t, "xl/sharedStrings.xml", "<sst>", "<si><t>"+line+"</t></si>")), Preset{Format: "xlsx", Header: true, Value: Values{"url"}}, ErrTooLarge},
		"a sheet that is a bomb":            {bytes.NewReader(bomb(t, "xl/worksheets/sheet1.xml", "<worksheet>", "<row><c t=\"inlineStr\"><is><t>"+line+"</t></is></c></row>")), Preset{Format: "xlsx", Header: true, Value: Values{"url"}}, ErrShape},
		"a cell of a spreadsheet":           {bytes.NewReader(bomb(t, "xl/worksheets/sheet1.xml", "<worksheet><row><c><v>", line)), Preset{Format: "xlsx", Header: true, Value: Values{"url"}}, ErrShape},
		"elements in elements":              {bytes.NewReader(bomb(t, "xl/worksheets/sheet1.xml", "<worksheet>", strings.Repeat("<a>", 300))), Preset{Format: "xlsx", Header: true, Value: Values{"url"}}, ErrShape},
		"columns without end in one record": {io.MultiReader(strings.NewReader("url\n"), &endless{text: ",", left: gigabyte}), table, ErrShape},
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			_, most, err := heap(t, f.r, f.p)
			if !errors.Is(err, f.want) {
				t.Errorf("%v, want %v", err, f.want)
			}
			if most > 300 || time.Since(begun) > 5*time.Minute {
				t.Errorf("%d MB and %v", most, time.Since(begun))
			}
		})
	}
}

// bomb is a spreadsheet one part of which unpacks to more than may be read.
func bomb(t *testing.T, part, before, again string) []byte {
	return spreadsheet(t, part, io.MultiReader(strings.NewReader(before), &endless{text: again, left: maxList + 1<<20}))
}

// spreadsheet is one whose part is what is read there.
func spreadsheet(t *testing.T, part string, text io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	const kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	for name, plain := range map[string]string{
		"_rels/.rels": `<Relationships><Relationship Id="1" Type="` + kinds + `officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="1" Type="` + kinds + `worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="2" Type="` + kinds + `sharedStrings" Target="sharedStrings.xml"/></Relationships>`,
		"xl/workbook.xml":          `<workbook><sheets><sheet name="x" id="1"/></sheets></workbook>`,
		"xl/sharedStrings.xml":     `<sst/>`,
		"xl/worksheets/sheet1.xml": `<worksheet/>`,
	} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		var r io.Reader = strings.NewReader(plain)
		if name == part {
			r = text
		}
		if _, err := io.Copy(w, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is in memory does not grow with the list.
func TestAMillionLinesDoNotGrowTheHeap(t *testing.T) {
	if testing.Short() {
		t.Skip("reads millions of lines")
	}
	for _, f := range []struct {
		p             Preset
		before, again string
	}{
		{Preset{Format: "lines"}, "", "a.example\n"},
		{Preset{Format: "csv", Header: true, Value: Values{"url"}}, "id,url\n", "7,a.example\n"},
		{Preset{Format: "json", Value: Values{"url"}}, "[{\"url\":\"a.example\"}", ",{\"url\":\"a.example\"}"},
		{Preset{Format: "jsonl", Value: Values{"url"}}, "", "{\"url\":\"a.example\"}\n"},
	} {
		list := io.MultiReader(strings.NewReader(f.before), &endless{text: f.again, left: int64(len(f.again)) * 1_000_000})
		if f.p.Format == "json" {
			list = io.MultiReader(list, strings.NewReader("]"))
		}
		claims, most, err := heap(t, list, f.p)
		if err != nil || claims < 1_000_000 || most > 32 {
			t.Errorf("%s: %d claims, %d MB, %v", f.p.Format, claims, most, err)
		}
	}
}

// A spreadsheet that was cut off, or damaged anywhere, is no shorter list.
func TestASpreadsheetThatIsCutOff(t *testing.T) {
	whole, err := os.ReadFile("testdata/lists/national-xlsx.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	p := preset(t, "national-xlsx")
	for n := 0; n < len(whole); n += 97 {
		if got := told(bytes.NewReader(whole[:n]), p); n > 0 && !strings.Contains(got, "ended: ") {
			t.Errorf("the first %d bytes: %s", n, got)
		}
		flipped := bytes.Clone(whole)
		flipped[n] ^= 0xff
		told(bytes.NewReader(flipped), p) // and nothing breaks
	}
	half := `<worksheet><sheetData><row><c t="inlineStr"><is><t>url</t></is></c></row><row><c t="inlineStr"><is><t>a.example</t></is></c></row>`
	if got := told(bytes.NewReader(spreadsheet(t, "xl/worksheets/sheet1.xml", strings.NewReader(half))), Preset{Format: "xlsx", Header: true, Value: Values{"url"}}); !strings.Contains(got, "ended: ") {
		t.Error(got)
	}
}
