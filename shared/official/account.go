package official

import "strings"

// Owner of accounts: whose official account is one of these, which are canonical subjects; the name, or
// where the book has none the host that people know.
func (b *Book) AccountOwner(accounts []string) (name string, ok bool) {
	for _, account := range accounts {
		if i, ok := b.accounts[account]; ok {
			return b.called(i), true
		}
	}
	return "", false
}

// Account tells whom an account passes itself off as: the title of its page is the name of somebody who
// has accounts in the book, with words of bait or without, in letters that look alike too, and none of accounts, by
// which this one is called, is theirs. Whose accounts the book does not know is never named.
func (b *Book) Account(title string, accounts []string) (Resemblance, bool) {
	if _, real := b.AccountOwner(accounts); real || len(accounts) == 0 {
		return Resemblance{}, false
	}
	i, ok := b.claimed(DisplayName(title), func(e *entity) bool { return len(e.accounts) > 0 })
	if !ok {
		return Resemblance{}, false
	}
	e := &b.entities[i]
	r := Resemblance{Official: e.host, Account: e.accounts[0], Name: e.name(), Rule: Account}
	platform, _, _ := strings.Cut(accounts[0], ":")
	for _, account := range e.accounts {
		if strings.HasPrefix(account, platform+":") {
			r.Account = account
			break
		}
	}
	return r, true
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
