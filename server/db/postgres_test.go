package db

import (
	"strings"
	"testing"
)

func TestPlaceholders(t *testing.T) {
	for in, want := range map[string]string{
		`SELECT 1`:                              `SELECT 1`,
		`a = ? AND b = ?`:                       `a = $1 AND b = $2`,
		`a = ?2 AND b = ? AND c = ?1 AND d = ?`: `a = $2 AND b = $3 AND c = $1 AND d = $4`,
		`'a?' || '''?' || ?`:                    `'a?' || '''?' || $1`,
		`"a?", 'open ?`:                         `"a?", 'open ?`,
		"? -- why?\n, ? /* ?1\n? */, ?1":        "$1 -- why?\n, $2 /* ?1\n? */, $1",
		`? /* open ?`:                           `$1 /* open ?`,
	} {
		if got := numbered(in); got != want {
			t.Errorf("%s became %s, not %s", in, got, want)
		}
	}
}

// Whatever is quoted or said beside stays as it is.
func FuzzPlaceholders(f *testing.F) {
	f.Add("what?", "is? this", "-- ?1 /*")
	f.Add("it's", `a "b"`, "'")
	f.Fuzz(func(t *testing.T, text, name, said string) {
		text, name = strings.ReplaceAll(text, "'", "''"), strings.ReplaceAll(name, `"`, `""`)
		line, block := strings.ReplaceAll(said, "\n", " "), strings.ReplaceAll(said, "*/", "* /")
		if strings.HasSuffix(block, "*") {
			block += " "
		}
		query := strings.NewReplacer("TEXT", "'"+text+"'", "NAME", `"`+name+`"`, "LINE", "--"+line+"\n", "BLOCK", "/*"+block+"*/")
		got, want := numbered(query.Replace(`SELECT ?, TEXT, ?2 BLOCK AS NAME LINE, ?1, ?`)), query.Replace(`SELECT $1, TEXT, $2 BLOCK AS NAME LINE, $1, $3`)
		if got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

func TestPlaces(t *testing.T) {
	for _, c := range []struct{ place, name, want string }{
		{"/var/lib/khien", "inbox", "/var/lib/khien/inbox.db"},
		{"postgres://khien@db/khien", "inbox", "postgres://khien@db/khien?search_path=inbox"},
		{"postgresql:///khien?host=%2Frun&search_path=a", "inbox", "postgresql:///khien?host=%2Frun&search_path=a_inbox"},
	} {
		if got := In(c.place, c.name); got != c.want {
			t.Errorf("In(%s, %s) = %s, want %s", c.place, c.name, got, c.want)
		}
	}
}

// Somebody mistypes an address that has a password. It is in no error.
func TestNoErrorHasThePassword(t *testing.T) {
	for _, place := range []string{
		"postgres://khien:hunter2@127.0.0.1:1/khien", "postgres://khien:hunter2@127.0.0.1:port/khien", "postgres://khien:hunter2%zz@/khien",
		"postgres:// khien:hunter2@[::1/khien", "postgres://127.0.0.1:1/khien?password=hunter2", "postgres://127.0.0.1:1/khien?password=hunter2&sslmode=never",
	} {
		for _, place := range []string{place, In(place, "inbox")} {
			if _, err := Open(place); err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v", place, err)
			}
			if _, err := Check(t.Context(), place); err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v", place, err)
			}
		}
	}
}
