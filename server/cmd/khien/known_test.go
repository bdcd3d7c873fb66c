package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"khien/server/db/dbtest"
	"khien/server/feed"
	"khien/server/publish"
	"khien/shared/official"
	"khien/shared/set"
	"khien/shared/subject"
)

// A scam that is popular for a week, or twice, is not excused; an honest host is, once every ranking of ninety days had
// it.
func TestAScamIsNotExcusedForBeingPopularForAWeek(t *testing.T) {
	d := &dir{path: t.TempDir(), asked: begins(t)}
	const honest, scam, again = "vietcombank-fans.example", "vietcombank-gift.example", "shopee-prize.example"
	now := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	rank := func(days int, hosts ...string) (known, waiting int) {
		t.Helper()
		now = now.AddDate(0, 0, days)
		known, waiting, err := d.keepKnown(append(hosts, "garden.example", "garden.example"), now)
		if err != nil {
			t.Fatal(err)
		}
		return known, waiting
	}
	excused := func(want ...string) {
		t.Helper()
		text, _ := publish.Book(d.official())
		book, err := official.Read(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, host := range []string{honest, scam, again} {
			if _, ok := book.Host(host); !ok {
				got = append(got, host)
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("on %s %q are excused, want %q", now.Format(time.DateOnly), got, want)
		}
	}
	if known, waiting := rank(0, honest, scam, again); known != 0 || waiting != 3 {
		t.Errorf("%d are excused at once, %d wait", known, waiting)
	}
	rank(7, honest, again)
	rank(40, honest)
	rank(40, honest, again, scam)
	excused()
	if known, waiting := rank(10, honest, again, scam); known != 1 || waiting != 2 {
		t.Errorf("%d are excused, %d wait", known, waiting)
	}
	excused(honest)
	rank(30, honest, honest, again)
	excused(honest)
	// Who falls out of a ranking begins anew, and so does everybody whose note is in the future.
	rank(1)
	excused()
	if _, err := os.Stat(d.knownBook()); err == nil {
		t.Error("the book stays where nobody is in it")
	}
	if err := os.WriteFile(d.popularKnown(), []byte(scam+" 2999-01-01\n"+again+" soon\n"+honest+" 2020-01-01"), 0o600); err != nil {
		t.Fatal(err)
	}
	rank(1, honest, scam, again)
	excused(honest)
}

// A pipe with nobody at its other end, a folder or a file without an end lies where the operator's own files do:
// whoever serves and publishes says so or goes without it, and waits for nobody.
func TestFilesOfTheOperatorThatAreNone(t *testing.T) {
	dbtest.Long(t)
	khien := func(data string, args ...string) (words string, err error) {
		t.Helper()
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		out, err := exec.CommandContext(ctx, "khien", append(args, "--data", data)...).CombinedOutput()
		if ctx.Err() != nil {
			t.Fatalf("khien %s waits for ever", strings.Join(args, " "))
		}
		return string(out), err
	}
	data := prepared(t)
	if out, err := khien(data, "publish"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	book := filepath.Join(t.TempDir(), "ours.txt")
	if err := os.WriteFile(book, []byte("inventedbank.example | The Invented Bank\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"popular.set", "popular.known", "help.json", "official/ours.txt", "audit.mark", "keys/stray.key", "stray", "keys/root.pub", "keys/keys.note", "keys/release-1.key"} {
		for what, put := range map[string]func(string) error{
			"a pipe":                func(path string) error { return syscall.Mkfifo(path, 0o600) },
			"a folder":              func(path string) error { return os.Mkdir(path, 0o700) },
			"a file without an end": func(path string) error { return os.Symlink("/dev/zero", path) },
		} {
			path := filepath.Join(data, file)
			before, had := os.ReadFile(path)
			os.Remove(path)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), put(path)); err != nil {
				t.Fatal(err)
			}
			for _, command := range []string{"publish", "doctor", "keys show", "official import " + book} {
				out, err := khien(data, strings.Fields(command)...)
				if strings.Contains(out, "panic") || strings.HasPrefix(file, "keys/k") && err == nil && !strings.HasPrefix(command, "official") {
					t.Errorf("%s as %s: %s: %v: %s", file, what, command, err, out)
				}
			}
			os.Remove(path)
			if had == nil {
				if err := os.WriteFile(path, before, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if out, err := khien(data, "publish"); err != nil {
		t.Errorf("and then: %v: %s", err, out)
	}
}

// Whatever a ranking says: each page of it is kept as a list would be asked for it, and so is what the next program
// reads of it; a file that is none is refused by name.
func FuzzRanking(f *testing.F) {
	f.Add("1,shop.example\n\"2\",\"www.garden.example\"\n# x\n\n\x00\nhttps://a.example/b?c")
	f.Add("shop.example\r\nshop.example")
	f.Add(strings.Repeat("a", 1<<16+1))
	f.Fuzz(func(t *testing.T, text string) {
		all, err := readRanking(strings.NewReader(text))
		if err != nil {
			if len(text) < 1<<16 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if all.pages+all.refused > strings.Count(text, "\n")+1 || len(all.hosts) > all.pages {
			t.Fatalf("%d pages, %d hosts, %d refused", all.pages, len(all.hosts), all.refused)
		}
		body, err := all.set()
		if err != nil {
			t.Fatal(err)
		}
		names, err := set.Open(body)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			href, err := feed.Href(ranked(line))
			if err != nil || line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			subjects, err := subject.FromHref(nil, href)
			if err != nil {
				continue
			}
			for _, s := range subjects {
				if _, ok := names.Lookup(s.Digest()); !ok {
					t.Fatalf("%q: %s is not kept", line, s)
				}
			}
		}
	})
}
