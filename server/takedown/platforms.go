package takedown

import (
	"strings"
	"unicode"

	"khien/server/platform"
	"khien/shared/subject"
)

// Platform is where something can be taken down.
type Platform struct {
	Name  string // as in subjects, such as "facebook"
	Title string
	Where string            // the address of its form for such reports, or of its help pages; empty where each server has its own
	Mail  string            // empty where it takes no letters
	Clock int64             // how long it has to act, in seconds
	Menu  map[string]string // what to choose in its form, by language
}

// platforms are those whose rules say how something is taken down there.
var platforms = readPlatforms()

func readPlatforms() map[string]Platform {
	read := map[string]Platform{}
	for _, p := range platform.All() {
		if p.Hours > 0 {
			read[p.Name] = Platform{Name: p.Name, Title: p.Title, Where: p.Where, Mail: p.Mail, Clock: int64(p.Hours) * 60 * 60, Menu: p.Menu}
		}
	}
	return read
}

// ByName returns the platform of this name.
func ByName(name string) (Platform, bool) {
	p, ok := platforms[name]
	return p, ok
}

// PlatformOf is the name of the platform that could take a subject down; empty where there is none, as for a website,
// a telephone number or a bank account.
func PlatformOf(s subject.Subject) string {
	if !s.IsAccount() {
		return ""
	}
	name, _, _ := strings.Cut(string(s), ":")
	if _, ok := platforms[name]; !ok {
		return ""
	}
	return name
}

// line makes one line of a text: what begins a new one, moves the cursor or turns the direction of the text becomes
// a blank.
func line(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}
