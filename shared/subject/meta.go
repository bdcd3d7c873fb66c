package subject

import "strings"

// Instagram and Threads share their names: ASCII letters, digits, dots and underscores,
// in which dots count. A post alone (/p/…) names no account.
var instagram = platform{
	is:       hosts(`instagram.com www.instagram.com m.instagram.com instagr.am www.instagr.am`),
	accounts: instagramAccounts,
	kinds:    map[string]func(string) string{"user": metaName},
}

var threads = platform{
	is: hosts(`threads.net www.threads.net threads.com www.threads.com`),
	accounts: func(dst []Subject, v visit) []Subject {
		if name, ok := strings.CutPrefix(v.at(0), "@"); ok {
			return add(dst, "threads:user/", name, metaName)
		}
		return dst
	},
	kinds: map[string]func(string) string{"user": metaName},
}

var metaName = handle("._", 1, 30, words(`
	_n _u about accounts api ar archive blog business challenge create data developer developers direct directory download
	emails explore fragment graphql help igtv invites jobs language lite legal locations login logout nametag
	oauth p popular press privacy qr reel reels safety session settings share shop signup static stories support tags terms
	tv video web your_activity`))

func instagramAccounts(dst []Subject, v visit) []Subject {
	switch v.word(0) {
	case "stories", "_u", "_n":
		if v.word(1) == "highlights" {
			return dst
		}
		return add(dst, "instagram:user/", v.at(1), metaName)
	}
	return add(dst, "instagram:user/", v.at(0), metaName)
}
