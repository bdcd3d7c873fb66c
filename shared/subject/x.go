package subject

import "strings"

// X, formerly Twitter.
var x = platform{
	is:       hosts(`x.com www.x.com mobile.x.com m.x.com twitter.com www.twitter.com mobile.twitter.com m.twitter.com`),
	accounts: xAccounts,
	kinds:    map[string]func(string) string{"user": xName, "id": xID},
}

var xID = numeral(1, 20)

var xName = handle("_", 1, 20, words(`
	about account accounts ads articles bookmarks communities compose connect_people download explore followers following
	hashtag help home i intent jobs lists logged_out login logout messages moments notifications oauth personalization
	privacy public rules search search-advanced settings share signup similar_to status tos trends who_to_follow widgets`))

// xAtName also takes the name with the sign that people write before it.
func xAtName(name string) string { return xName(strings.TrimPrefix(name, "@")) }

func xAccounts(dst []Subject, v visit) []Subject {
	switch v.word(0) {
	case "i":
		if v.word(1) == "user" {
			return add(dst, "x:id/", v.at(2), xID)
		}
		return dst
	case "intent":
		switch v.word(1) {
		case "user", "follow":
			dst = v.addParam(dst, "x:user/", "screen_name", xAtName)
			return v.addParam(dst, "x:id/", "user_id", xID)
		}
		return dst
	}
	return add(dst, "x:user/", v.at(0), xAtName)
}
