package subject

import "strings"

// Facebook shows one account under its user name, where dots and case do not count,
// and under its number. Pages are accounts like persons.
var facebook = platform{
	is:       isFacebook,
	accounts: facebookAccounts,
	kinds: map[string]func(string) string{
		"user":  facebookUser,
		"id":    facebookID,
		"group": facebookGroup,
	},
}

var facebookHosts = words(`
	facebook.com www.facebook.com m.facebook.com mbasic.facebook.com touch.facebook.com web.facebook.com
	free.facebook.com mobile.facebook.com mtouch.facebook.com iphone.facebook.com x.facebook.com d.facebook.com
	0.facebook.com p.facebook.com upload.facebook.com
	fb.com www.fb.com m.fb.com
	m.me www.m.me messenger.com www.messenger.com`)

// isFacebook also knows the hosts of languages, such as vi-vn.facebook.com.
func isFacebook(host string) bool {
	if facebookHosts[host] {
		return true
	}
	locale, ok := strings.CutSuffix(host, ".facebook.com")
	return ok && len(locale) == 5 && locale[2] == '-' &&
		strings.Trim(locale[:2], lower) == "" && strings.Trim(locale[3:], lower) == ""
}

var facebookID = numeral(1, 20)

// facebookReserved are first parts of paths that are Facebook's own.
var facebookReserved = words(`
	about account accounts ad ads adsmanager ai allactivity api app apps appcenter badges biz birthdays bookmarks browse bugnub business
	business_suite buddylist campaign careers cashtag checkpoint climatescienceinfo confirmemail connect contact cookie crisisresponse
	data-policy dating dialog directory donate events external facebook feed feeds findfriends flx follow followers
	following formerly_employed friends fundraisers gaming games gamingvideo games_hub giftcards groups hashtag help home
	homepage instantgames intern invite jobs join l latest legal like live local lite location login logout marketplace me
	media memories menu messages messenger mobile music nearby newsroom notes notifications oculus offers opensource p
	pages pagelikes pay payments people permalink photo photos places plugins policies policy posts press primer
	privacy privacy_sandbox professional_dashboard profile public recover reel reels register requests safety saved
	search security settings share sharer shops shop signup site sitemap stories story story_fbid support terms
	timeline topic tr translations travel ufi unsupportedbrowser v verify video videos view vr watch watchparty
	welcome whatsapp work your_information`)

// facebookUser: letters of any script, digits and dashes; dots do not count.
func facebookUser(id string) string {
	if id = strings.ReplaceAll(fold(id), ".", ""); len(id) < 2 || len(id) > maxID || facebookReserved[id] || digits(id) {
		return ""
	}
	for i := range len(id) {
		if c := id[i]; c < 0x80 && !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return ""
		}
	}
	if !letters(id) || numberAtEnd(id) != "" {
		return ""
	}
	return id
}

// facebookGroup: a number, or a name in which dots count.
func facebookGroup(id string) string {
	id = fold(id)
	if id == "" || len(id) > maxID || facebookGroupReserved[id] || strings.Trim(id, ".") == "" || digits(id) && facebookID(id) == "" {
		return ""
	}
	for i := range len(id) {
		if c := id[i]; c < 0x80 && !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return ""
		}
	}
	if !letters(id) {
		return ""
	}
	return id
}

var facebookGroupReserved = words(`feed discover create joins category search browse notifications settings you_should_join your_groups`)

// numberAtEnd is the number of an address such as /A-Name-100000000000001, or "".
func numberAtEnd(name string) string {
	i := strings.LastIndexByte(name, '-')
	if i <= 0 || len(name)-i-1 < 9 {
		return ""
	}
	return facebookID(name[i+1:])
}

func facebookAccounts(dst []Subject, v visit) []Subject {
	switch v.host {
	case "m.me", "www.m.me":
		return facebookNamed(dst, v.at(0))
	case "messenger.com", "www.messenger.com":
		if v.word(0) == "t" {
			return facebookNamed(dst, v.at(1))
		}
		return dst
	}
	switch first := v.word(0); first {
	case "":
		return dst
	case "profile.php", "permalink.php", "story.php":
		return v.addParam(dst, "facebook:id/", "id", facebookID)
	case "people", "pages":
		last := v.at(len(v.segment) - 1)
		if first == "people" || len(v.segment) > 2 && digits(v.at(2)) {
			last = v.at(2)
		}
		if !digits(last) {
			last = numberAtEnd(last)
		}
		return add(dst, "facebook:id/", last, facebookID)
	case "p":
		return add(dst, "facebook:id/", numberAtEnd(v.at(1)), facebookID)
	case "messages":
		if v.word(1) == "t" {
			return facebookNamed(dst, v.at(2))
		}
		return dst
	case "groups":
		if v.word(2) == "user" {
			dst = add(dst, "facebook:id/", v.at(3), facebookID)
		}
		return add(dst, "facebook:group/", v.at(1), facebookGroup)
	case "pg":
		return facebookNamed(dst, v.at(1))
	}
	return facebookNamed(dst, v.at(0))
}

// facebookNamed takes what stands for an account in a path: a name, a number, or a name with a number.
func facebookNamed(dst []Subject, name string) []Subject {
	if strings.HasSuffix(lowerASCII(name), ".php") {
		return dst
	}
	if digits(name) {
		return add(dst, "facebook:id/", name, facebookID)
	}
	if id := numberAtEnd(name); id != "" {
		return append(dst, Subject("facebook:id/"+id))
	}
	return add(dst, "facebook:user/", name, facebookUser)
}
