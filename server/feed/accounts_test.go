package feed

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"khien/shared/subject"
)

// However a person writes the address of an account, it is the same account: with the host in capitals,
// a default port, without a scheme, with what trackers add.
func TestAnAccountAsPeopleWriteIt(t *testing.T) {
	tables, err := filepath.Glob("../../shared/subject/testdata/accounts/*.txt")
	if err != nil || len(tables) < 20 {
		t.Fatal(len(tables), err)
	}
	n := 0
	for _, table := range tables {
		text, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) < 2 || !strings.HasPrefix(f[0], "https://") || strings.Contains(f[0], "@") && !strings.Contains(f[0], "/@") {
				continue
			}
			href, want := f[0], f[1:]
			rest := strings.TrimPrefix(href, "https://")
			host, path, _ := strings.Cut(rest, "/")
			written := []string{href, "HTTPS://" + strings.ToUpper(host) + "/" + path, "hxxps://" + strings.ReplaceAll(host, ".", "[.]") + "/" + path, rest}
			if !strings.Contains(host, ":") {
				written = append(written, "https://"+host+":443/"+path)
			}
			for _, text := range written {
				named, err := Named(text)
				var accounts []string
				for _, s := range named {
					if s.IsAccount() {
						accounts = append(accounts, string(s))
					}
				}
				if !slices.Equal(accounts, want) {
					t.Errorf("%s names %q, %v; want %q", text, accounts, err, want)
				}
				n++
			}
			for _, a := range want {
				if again, err := Exact(a); err != nil || again != subject.Subject(a) {
					t.Errorf("%s is %s, %v", a, again, err)
				}
			}
		}
	}
	if n < 1000 {
		t.Errorf("only %d addresses", n)
	}
}
