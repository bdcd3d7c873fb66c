package subject

import "strings"

// YouTube has four names for a channel: its id, in which case counts, its handle, and
// two older kinds of names. /watch and youtu.be name a video and nobody.
var youtube = platform{
	is: hosts(`youtube.com www.youtube.com m.youtube.com music.youtube.com gaming.youtube.com tv.youtube.com`),
	accounts: func(dst []Subject, v visit) []Subject {
		if name, ok := strings.CutPrefix(v.at(0), "@"); ok {
			return add(dst, "youtube:handle/", name, youtubeName)
		}
		switch v.word(0) {
		case "channel":
			return add(dst, "youtube:channel/", v.at(1), youtubeChannel)
		case "user":
			return add(dst, "youtube:user/", v.at(1), youtubeName)
		case "c":
			return add(dst, "youtube:c/", v.at(1), youtubeName)
		}
		return dst
	},
	kinds: map[string]func(string) string{
		"channel": youtubeChannel, "handle": youtubeName, "user": youtubeName, "c": youtubeName,
	},
}

var channelID = opaque("-_", 24, 24)

func youtubeChannel(id string) string {
	if !strings.HasPrefix(id, "UC") {
		return ""
	}
	return channelID(id)
}

// youtubeName: letters of any script, digits and a few signs, a middle dot among them.
func youtubeName(id string) string {
	id = fold(id)
	if id == "" || len(id) > maxID || !letters(strings.ReplaceAll(id, "·", "")) {
		return ""
	}
	for i := range len(id) {
		if c := id[i]; c < 0x80 && !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-_.'", c) >= 0) {
			return ""
		}
	}
	return id
}
