package official

import (
	"slices"
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
// by, which are canonical subjects: the title is the name of somebody in the book, with words of
// bait before and behind it or without, and none of accounts is theirs. On a platform where they may have an account
// that the book doesn't know, words that promise help or gifts, or letters that only look like those of the name, must
// be in it; or in the name that the account is called by.
func (b *Book) Account(title string, accounts []string) (Resemblance, bool) {
	if len(accounts) == 0 {
		return Resemblance{}, false
	}
	if _, real := b.AccountOwner(accounts); real {
		return Resemblance{}, false
	}
	platform, _, _ := strings.Cut(accounts[0], ":")
	for _, shown := range [...]string{DisplayName(title), withoutPlatform(title)} {
		for _, how := range b.claims(shown) {
			e := &b.entities[how.entity]
			if e.hasAll(platform) && !how.isOthersToo(shown) || how.isBold(shown) {
				return e.passedOff(platform), true
			}
		}
	}
	for _, account := range accounts {
		_, handle, _ := strings.Cut(account, "/")
		for _, how := range b.claims(handle) {
			if !how.short && how.isBold(handle) {
				return b.entities[how.entity].passedOff(platform), true
			}
		}
	}
	return Resemblance{}, false
}

// hasAll tells whether all accounts that somebody has on a platform are known, and there are any.
func (e *entity) hasAll(platform string) bool {
	return e.on(platform) >= 0 && !slices.Contains(e.more, platform)
}

// on is the first of the accounts on a platform, or -1.
func (e *entity) on(platform string) int {
	for i, account := range e.accounts {
		if strings.HasPrefix(account, platform+":") {
			return i
		}
	}
	return -1
}

// passedOff is what an account on a platform resembles: the real one there, or their first account.
func (e *entity) passedOff(platform string) Resemblance {
	r := e.resembled(Account)
	if len(e.accounts) > 0 {
		r.Account = e.accounts[max(e.on(platform), 0)]
	}
	return r
}

// isBold tells whether a text claims a name as the real one would not: with words that promise something, in letters
// that only look like those of the name, or with something in it that nobody sees.
func (c claim) isBold(text string) bool {
	return !isMadeOf(c.before, skelDigits, neutral) || !isMadeOf(c.after, skelDigits, neutral) || !strings.Contains(plain(text), plain(c.name)) || hides(text)
}

// isOthersToo tells whether a text may well be the name of others: it is short, no abbreviation in capitals, and no
// word says which one is meant.
func (c claim) isOthersToo(text string) bool {
	if !c.short || c.name == strings.ToUpper(c.name) && strings.Contains(text, c.name) {
		return false
	}
	return c.before == "" && c.after == "" || !isMadeOf(c.before, skelDigits, meaning) || !isMadeOf(c.after, skelDigits, meaning)
}

// neutral are words of bait that the real ones put beside their name as well, and meaning are those of them that say
// which one is meant.
var (
	neutral = []map[string]bool{skeletons("vn viet nam asia official chinh thuc quoc gia business the my new team app apps bank banking ngan hang online center shop store mall pay vip pro plus event su kien page fan khach mua ban nap the card cards user free")}
	meaning = []map[string]bool{skeletons("vn viet nam official chinh thuc bank banking ngan hang")}
)

// hides tells whether there is something invisible within a word.
func hides(text string) bool {
	var before rune
	hidden := false
	for _, r := range text {
		if unicode.Is(unicode.Cf, r) {
			hidden = hidden || unicode.IsLetter(before)
			continue
		}
		if hidden && unicode.IsLetter(r) {
			return true
		}
		before, hidden = r, false
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
	title = withoutPlatform(title)
	for _, between := range [...]string{" - ", " – ", " · ", ": "} {
		title, _, _ = strings.Cut(title, between)
	}
	return strings.TrimSpace(title)
}

// withoutPlatform leaves what may be a part of the name: "NAME - support".
func withoutPlatform(title string) string {
	title = strings.TrimSpace(title)
	if rest, ok := strings.CutPrefix(title, "("); ok { // of messages
		if n, name, ok := strings.Cut(rest, ")"); ok && n != "" && strings.Trim(n, "0123456789+") == "" {
			title = strings.TrimSpace(name)
		}
	}
	for _, before := range [...]string{"Zalo - ", "Telegram: Contact ", "Telegram: View ", "Telegram: Launch ", "Telegram: Join Group Chat "} {
		title = strings.TrimPrefix(title, before)
	}
	title = strings.TrimSuffix(title, " - YouTube")
	for _, between := range [...]string{" | ", " • ", " / ", " (@"} {
		title, _, _ = strings.Cut(title, between)
	}
	return strings.TrimPrefix(strings.TrimSpace(title), "@")
}
