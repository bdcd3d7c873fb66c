package official

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// AccountOwner tells whose official account one of these is, which are canonical subjects: the name, or
// where the book has none the host that people know.
func (b *Book) AccountOwner(accounts []string) (name string, ok bool) {
	for _, account := range accounts {
		if i, ok := b.accounts[account]; ok {
			return b.called(i), true
		}
	}
	return "", false
}

// Account tells whom an account passes itself off as, by the title of its page and the names that it is called
// by, which are canonical subjects: the title is the name of somebody whose accounts the book has, with words of
// bait before and behind it or without, and none of accounts is theirs. On a platform where the book has no account of
// theirs they may have one that it doesn't know; there, words that promise help or gifts, or letters that only look
// like those of the name, must be in it.
func (b *Book) Account(title string, accounts []string) (Resemblance, bool) {
	if len(accounts) == 0 {
		return Resemblance{}, false
	}
	if _, real := b.AccountOwner(accounts); real {
		return Resemblance{}, false
	}
	platform, _, _ := strings.Cut(accounts[0], ":")
	shown := DisplayName(title)
	for i, how := range b.claims(shown) {
		e := &b.entities[i]
		if len(e.accounts) == 0 {
			continue
		}
		r := Resemblance{Official: e.host, Account: e.accounts[0], Name: e.name(), Rule: Account}
		for _, account := range e.accounts {
			if strings.HasPrefix(account, platform+":") {
				r.Account = account
				return r, true
			}
		}
		if promises(how.before) || promises(how.after) || !strings.Contains(plain(shown), plain(how.name)) {
			return r, true
		}
	}
	return Resemblance{}, false
}

// neutral are words of bait that the real ones put beside their name as well; their skeletons.
var neutral = func() map[string]bool {
	m := map[string]bool{}
	for word := range strings.FieldsSeq("vn viet vietnam viet nam asia official chinh thuc the my new team app apps bank banking ngan hang online center shop store mall pay vip pro plus event su kien") {
		m[Skeleton(word)] = true
	}
	return m
}()

// promises tells whether a word in a skeleton is more than neutral.
func promises(skel string) bool {
	for _, word := range strings.FieldsFunc(skel, between) {
		if !neutral[word] && strings.Trim(word, digits) != "" {
			return true
		}
	}
	return false
}

// plain is a text in lower case and without marks: what is left of the letters is as it was written.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r), between(r):
			return -1
		case r == 'đ':
			return 'd'
		}
		return r
	}, norm.NFD.String(strings.ToLower(text)))
}

// DisplayName is the name of an account in the title of its page, without what the platforms put around it:
// "(2) NAME | Facebook", "NAME (@handle) • Instagram photos and videos", "NAME - YouTube", "Zalo - NAME".
func DisplayName(title string) string {
	title = strings.TrimSpace(title)
	if rest, ok := strings.CutPrefix(title, "("); ok { // of messages
		if n, name, ok := strings.Cut(rest, ")"); ok && n != "" && strings.Trim(n, "0123456789+") == "" {
			title = strings.TrimSpace(name)
		}
	}
	for _, before := range [...]string{"Zalo - ", "Telegram: Contact ", "Telegram: View ", "Telegram: Launch ", "Telegram: Join Group Chat "} {
		title = strings.TrimPrefix(title, before)
	}
	for _, between := range [...]string{" | ", " - ", " – ", " • ", " / ", " · ", " (@", ": "} {
		title, _, _ = strings.Cut(title, between)
	}
	return strings.TrimPrefix(strings.TrimSpace(title), "@")
}
