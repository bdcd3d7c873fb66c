package feed

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// realHosts are those of ../shared/data, each once.
func realHosts(tb testing.TB) []string {
	var all []string
	for _, name := range []string{"vn-scam-hosts.txt", "honest-hosts.txt"} {
		file, err := os.Open("../../../shared/data/" + name)
		if err != nil {
			tb.Skip("the lists are not here")
		}
		defer file.Close()
		for in := bufio.NewScanner(file); in.Scan(); {
			all = append(all, in.Text())
		}
	}
	return all
}

func BenchmarkClaims(b *testing.B) {
	hosts := realHosts(b)
	for _, f := range []struct{ name, before, line string }{
		{"lines", "", "%s\n"}, {"hosts", "", "0.0.0.0 %s\n"},
		{"csv", "id,url,seen,kind\n", "1,https://%s/a?b=c,2026-11-29 07:51:07,phishing\n"},
		{"json", "[", `{"id":1,"url":"https://%s/a?b=c","seen":"2026-11-29 07:51:07","kind":"phishing"},`},
	} {
		var text strings.Builder
		text.WriteString(f.before)
		for _, host := range hosts {
			fmt.Fprintf(&text, f.line, host)
		}
		list := text.String()
		p := Preset{Format: f.name}
		if p.isMapped() {
			p.Header, p.Value, p.ID, p.First, p.Category = true, Values{"url"}, "id", &Moment{Field: "seen"}, &Choice{Field: "kind"}
		}
		if f.name == "json" {
			list = strings.TrimSuffix(list, ",") + "]"
		}
		b.Run(f.name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				for _, err := range Claims(io.LimitReader(strings.NewReader(list), int64(len(list))), p) {
					if _, refused := err.(*Refused); err != nil && !refused {
						b.Fatal(err)
					}
					n++
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n), "s/million")
		})
	}
}
