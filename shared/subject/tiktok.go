package subject

import "strings"

// TikTok: /@name and everything below it. The hosts vm and vt are short links and name nobody.
var tiktok = platform{
	is: hosts(`tiktok.com www.tiktok.com m.tiktok.com`),
	accounts: func(dst []Subject, v visit) []Subject {
		if name, ok := strings.CutPrefix(v.at(0), "@"); ok {
			return add(dst, "tiktok:user/", name, tiktokName)
		}
		return dst
	},
	kinds: map[string]func(string) string{"user": tiktokName},
}

var tiktokName = handle("._", 2, 24, nil)
