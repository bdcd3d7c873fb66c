package subject

import "strings"

// Telegram: names of persons, groups, channels and bots, and invitations, in which case
// counts. A number after the plus sign is a telephone number.
var telegram = platform{
	is:       isTelegram,
	accounts: telegramAccounts,
	kinds:    map[string]func(string) string{"user": telegramName, "invite": telegramInvite},
}

var telegramHosts = words(`t.me www.t.me telegram.me www.telegram.me telegram.dog www.telegram.dog web.telegram.org webk.telegram.org webz.telegram.org`)

func isTelegram(host string) bool {
	name, below := strings.CutSuffix(host, ".t.me")
	return telegramHosts[host] || below && telegramName(name) != ""
}

var telegramName = telegramRule(handle("_", 4, 32, words(`
	addemoji addlist addstickers addtheme boost call confirmphone contact gift giftcode invoice joinchat login
	message passport proxy setlanguage share socks stickers telegrampassport theme`)))

// telegramRule: a name begins with a letter.
func telegramRule(rule func(string) string) func(string) string {
	return func(id string) string {
		if id = rule(id); id == "" || digits(id[:1]) || id[0] == '_' {
			return ""
		}
		return id
	}
}

var telegramInvite = opaque("-_", 10, 64)

func telegramAccounts(dst []Subject, v visit) []Subject {
	if strings.HasSuffix(v.host, "telegram.org") {
		if name, ok := strings.CutPrefix(v.fragment, "@"); ok {
			return add(dst, "telegram:user/", name, telegramName)
		}
		return dst
	}
	if name, ok := strings.CutSuffix(v.host, ".t.me"); ok && !telegramHosts[v.host] {
		return add(dst, "telegram:user/", name, telegramName)
	}
	switch first := v.at(0); {
	case v.word(0) == "s":
		return add(dst, "telegram:user/", v.at(1), telegramName)
	case v.word(0) == "joinchat":
		return add(dst, "telegram:invite/", v.at(1), telegramInvite)
	case strings.HasPrefix(first, "+") || strings.HasPrefix(first, " "): // a plus sign that was taken for a blank
		if digits(first[1:]) {
			return add(dst, "phone:", "+"+first[1:], phone)
		}
		return add(dst, "telegram:invite/", first[1:], telegramInvite)
	}
	return add(dst, "telegram:user/", v.at(0), telegramName)
}
