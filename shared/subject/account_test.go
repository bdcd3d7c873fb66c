package subject

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// story is one line of a table in testdata/accounts: an address and the accounts it
// names, the narrowest first.
type story struct {
	platform string // the table's name
	href     string
	accounts []string
}

// others are the tables that are of no platform.
var others = []string{"nobody", "numbers", "targets"}

// stories are those of web pages of the platforms.
func stories(t testing.TB) []story {
	return slices.DeleteFunc(allStories(t), func(s story) bool {
		return IsLink(s.href) || slices.Contains(others[1:], s.platform)
	})
}

func allStories(t testing.TB) []story {
	t.Helper()
	tables, err := filepath.Glob("testdata/accounts/*.txt")
	if err != nil || len(tables) != len(platforms)+len(others) {
		t.Fatalf("%d tables for %d platforms and %v, %v", len(tables), len(platforms), others, err)
	}
	var all []story
	for _, table := range tables {
		text, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 0 && f[0] != "#" {
				all = append(all, story{strings.TrimSuffix(filepath.Base(table), ".txt"), f[0], f[1:]})
			}
		}
	}
	return all
}

// ofPlatform tells whether a subject is one that a platform may name.
func ofPlatform(account, platform string) bool {
	name, _, _ := strings.Cut(account, ":")
	return name == platform || name == "phone" || name == "bank" || name == "short"
}

// accountsOf are the accounts that an address names.
func accountsOf(t testing.TB, href string) []string {
	t.Helper()
	list, err := FromHref(nil, href)
	if err != nil {
		t.Fatalf("%s: %v", href, err)
	}
	if !areInOrder(list) {
		t.Errorf("%s: %q has an account between URL expressions", href, list)
	}
	var accounts []string
	for _, s := range list {
		if s.IsAccount() {
			accounts = append(accounts, string(s))
		}
	}
	return accounts
}

// areInOrder tells whether all accounts stand at the beginning or, being those of a place where others write, too, at
// the end.
func areInOrder(list []Subject) bool {
	isPage := func(s Subject) bool { return !s.IsAccount() }
	first := max(0, slices.IndexFunc(list, isPage))
	last := slices.IndexFunc(list[first:], Subject.IsAccount)
	return last < 0 || !slices.ContainsFunc(list[first+last:], isPage)
}

// parts cuts an address behind the host, at the path and at the fragment.
func parts(href string) (scheme, host, path, fragment string) {
	scheme, rest, _ := strings.Cut(href, "://")
	host, path, _ = strings.Cut(rest, "/")
	path, fragment, _ = strings.Cut(path, "#")
	return scheme + "://", host, "/" + path, fragment
}

func TestAccounts(t *testing.T) {
	for _, s := range allStories(t) {
		if got := accountsOf(t, s.href); !slices.Equal(got, s.accounts) {
			t.Errorf("%s\ngot  %q\nwant %q", s.href, got, s.accounts)
		}
		for _, a := range s.accounts {
			if !slices.Contains(others, s.platform) && !ofPlatform(a, s.platform) {
				t.Errorf("%s is in the table of %s", a, s.platform)
			}
			if again, err := Parse(a); err != nil || string(again) != a {
				t.Errorf("%s is not canonical: %v", a, err)
			}
		}
	}
}

// What people and platforms hang on an address does not change whose it is.
func TestDecorationsDoNotHideAnAccount(t *testing.T) {
	for _, s := range stories(t) {
		scheme, host, path, fragment := parts(s.href)
		f := func(href string) {
			t.Helper()
			if got := accountsOf(t, href); !slices.Equal(got, s.accounts) {
				t.Errorf("%s names %q, and with decorations\n%.200s\nnames %q", s.href, s.accounts, href, got)
			}
		}
		join, tail := "?", ""
		if strings.Contains(path, "?") {
			join = "&"
		}
		if fragment != "" {
			tail = "#" + fragment
		} else {
			f(scheme + host + path + "#comments")
			f(scheme + host + path + "#")
		}
		f(scheme + host + path + join + "utm_source=a&fbclid=b%20c&_rdr" + tail)
		f(scheme + host + path + join + strings.Repeat("x", 100_000) + tail)
		if before, _, _ := strings.Cut(host, "@"); before == host {
			f(scheme + "user:pw@" + host + path + tail)
		}
		if !strings.Contains(host, ":") {
			f(scheme + host + ":8443" + path + tail)
			f(scheme + host + "." + path + tail)
		}
		if !strings.Contains(path, "?") && path != "/" {
			f(scheme + host + strings.TrimSuffix(path, "/") + "/" + tail)
			f(scheme + host + strings.ReplaceAll(path, "/", "//") + tail)
		}
	}
}

// Where a page claims to lead does not hide whose it is: with all the parameters that redirectors
// have, an address still names its own account first.
func TestALeadElsewhereDoesNotHideAnAccount(t *testing.T) {
	keys := map[string]bool{}
	for _, pf := range platforms {
		for _, f := range pf.forms {
			if key, _, ok := strings.Cut(f.query, "="); ok && f.leads {
				keys[key] = true
			}
		}
	}
	if len(keys) < 4 {
		t.Fatalf("only %d parameters", len(keys))
	}
	for _, s := range stories(t) {
		scheme, host, path, fragment := parts(s.href)
		if len(s.accounts) == 0 || strings.Contains(path, "?") {
			continue
		}
		href := scheme + host + path + "?"
		for key := range keys {
			href += key + "=https%3A%2F%2Fhonest.example%2F&"
		}
		if fragment != "" {
			href += "#" + fragment
		}
		if got := accountsOf(t, href); len(got) < len(s.accounts) || !slices.Equal(got[:len(s.accounts)], s.accounts) {
			t.Errorf("%s names %q, want %q first", href, got, s.accounts)
		}
	}
}

// A host that only looks like a platform's names nobody.
func TestLookalikesAreNobody(t *testing.T) {
	for _, s := range stories(t) {
		scheme, host, path, fragment := parts(s.href)
		if len(s.accounts) == 0 {
			continue
		}
		host, _, _ = strings.Cut(host, ":")
		host = strings.TrimSuffix(host, ".")
		path += "#" + fragment
		for _, href := range []string{
			scheme + host + ".scam.example" + path,
			scheme + host + "-login.example" + path,
			scheme + host + ".vn" + path,
			scheme + "not" + strings.ReplaceAll(host, ".", "-") + ".example" + path,
			scheme + host + "@scam.example" + path,
			scheme + host + ":443@scam.example" + path,
			scheme + "scam.example/" + host + path,
			scheme + "scam.example/?next=" + scheme + host + path,
			scheme + "login-" + host + "x" + path,
		} {
			if got := accountsOf(t, href); len(got) > 0 {
				t.Errorf("%s names %q", href, got)
			}
		}
	}
}

// An address of one platform is nobody's account on another.
func TestNoPlatformAnswersForAnother(t *testing.T) {
	all := stories(t)
	hosts := map[string]string{} // a host of each platform
	for _, s := range all {
		if len(s.accounts) > 0 && !IsLink(s.href) {
			_, host, _, _ := parts(s.href)
			hosts[s.platform] = host[strings.LastIndexByte(host, '@')+1:]
		}
	}
	for _, s := range all {
		_, _, path, _ := parts(s.href)
		for name, host := range hosts {
			for _, got := range accountsOf(t, "https://"+host+path) {
				if !ofPlatform(got, name) {
					t.Errorf("%s%s names %s", host, path, got)
				}
			}
		}
	}
}
