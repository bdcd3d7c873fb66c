package takedown

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

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

//go:embed platforms/*.txt
var platformFiles embed.FS

// platforms are those that rules of subjects are known for, save short links, behind which is another place.
var platforms = readPlatforms()

// readPlatforms reads the files of platforms/, one for each:
//
//	title Facebook
//	where https://…      its form or help page
//	mail abuse@…         optional
//	hours 24             how long it has to act
//	menu en Fraud        what to choose in its form
//	menu vi Lừa đảo
func readPlatforms() map[string]Platform {
	files, err := fs.Glob(platformFiles, "platforms/*.txt")
	if err != nil {
		panic(err)
	}
	read := map[string]Platform{}
	for _, file := range files {
		text, err := fs.ReadFile(platformFiles, file)
		if err != nil {
			panic(err)
		}
		p := Platform{Name: strings.TrimSuffix(path.Base(file), ".txt"), Menu: map[string]string{}}
		for row := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(strings.TrimSpace(row), " ")
			switch name {
			case "title":
				p.Title = value
			case "where":
				p.Where = value
			case "mail":
				p.Mail = value
			case "hours":
				n, err := strconv.ParseInt(value, 10, 64)
				if err != nil {
					panic(fmt.Sprintf("%s: %v", file, err))
				}
				p.Clock = n * 60 * 60
			case "menu":
				lang, words, _ := strings.Cut(value, " ")
				p.Menu[lang] = words
			default:
				panic(fmt.Sprintf("%s: %q is no property of a platform", file, name))
			}
		}
		read[p.Name] = p
	}
	return read
}

// Platforms lists them in the order of their titles.
func Platforms() []Platform {
	var list []Platform
	for _, p := range platforms {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b Platform) int { return strings.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title)) })
	return list
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
