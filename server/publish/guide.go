package publish

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"khien/server/ledger"
	"khien/shared/guide"
	"khien/shared/official"
	"khien/shared/release"
	"khien/shared/set"
	"khien/shared/subject"
)

// hotLife is how long a full list of hot hosts stays as it is. Each change of it makes every client fetch
// the guide; a host that is not in it yet is warned about all the same.
const hotLife = 24 * time.Hour

//go:embed guide/official.txt guide/help.json
var own embed.FS

// OwnBook is the text of the official book that Khiên comes with.
func OwnBook() string {
	text, err := own.ReadFile("guide/official.txt")
	if err != nil {
		panic(err) // a test reads it
	}
	return string(text)
}

// Help is what to do after the harm, and whom to call (guide/help.json, which says where each number is from). The
// countries in the operator's file, which need not be there, take the place of ours.
func Help(file string) ([]guide.Help, error) {
	text, err := own.ReadFile("guide/help.json")
	if err != nil {
		return nil, err
	}
	help, err := ReadHelp(text)
	if err != nil || file == "" {
		return help, err
	}
	text, err = os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return help, nil
	}
	if err != nil {
		return nil, err
	}
	theirs, err := ReadHelp(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, one := range theirs {
		if i := slices.IndexFunc(help, func(h guide.Help) bool { return h.Country == one.Country }); i >= 0 {
			help[i] = one
		} else {
			help = append(help, one)
		}
	}
	return help, nil
}

// helpFile is the form of a file with help: texts by language.
type helpFile struct {
	Help []helpOf `json:"help"`
}

type helpOf struct {
	Country  string                         `json:"country"`
	Checked  string                         `json:"checked"`
	Steps    map[string][]map[string]string `json:"steps"`
	Hotlines []hotline                      `json:"hotlines"`
}

type hotline struct {
	Kind   string            `json:"kind"`
	Value  string            `json:"value"`
	Name   map[string]string `json:"name"`
	What   map[string]string `json:"what"`
	Cases  []string          `json:"cases"`
	Source string            `json:"source"`
}

// ReadHelp reads a file with help, in JSON.
func ReadHelp(text []byte) (help []guide.Help, err error) {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	var file helpFile
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("couldn't read the help: %w", err)
	}
	for _, f := range file.Help {
		h := guide.Help{Country: f.Country, Checked: f.Checked}
		for c := range f.Steps {
			if !slices.Contains(guide.Cases, c) {
				return nil, fmt.Errorf("couldn't read the help: there is no case %q", c)
			}
		}
		for _, c := range guide.Cases {
			for _, step := range f.Steps[c] {
				h.Steps = append(h.Steps, guide.Step{Case: c, Text: guide.Texts(step)})
			}
		}
		for _, l := range f.Hotlines {
			h.Hotlines = append(h.Hotlines, guide.Hotline{
				Kind: l.Kind, Value: l.Value, Name: guide.Texts(l.Name), What: guide.Texts(l.What), Cases: l.Cases, Source: l.Source,
			})
		}
		help = append(help, h)
	}
	return help, nil
}

// HelpFile is help in the form that ReadHelp reads, to be written as JSON.
func HelpFile(help []guide.Help) any {
	byLang := func(texts []guide.Text) map[string]string {
		m := map[string]string{}
		for _, t := range texts {
			m[t.Lang] = t.Text
		}
		return m
	}
	file := helpFile{Help: []helpOf{}}
	for _, h := range help {
		f := helpOf{Country: h.Country, Checked: h.Checked, Steps: map[string][]map[string]string{}, Hotlines: []hotline{}}
		for _, s := range h.Steps {
			f.Steps[s.Case] = append(f.Steps[s.Case], byLang(s.Text))
		}
		for _, l := range h.Hotlines {
			f.Hotlines = append(f.Hotlines, hotline{l.Kind, l.Value, byLang(l.Name), byLang(l.What), append([]string{}, l.Cases...), l.Source})
		}
		file.Help = append(file.Help, f)
	}
	return file
}

// Book is the official book with the operator's own ones, which are the files *.txt of a folder that need not exist.
// Where both know a host, the operator is right.
func Book(folder string) (text string, err error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil {
		return "", err
	}
	var out strings.Builder
	known := map[string]bool{}
	add := func(book string) {
		for line := range strings.Lines(book) {
			line, _, _ := strings.Cut(line, "#") // what is for people stays here
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			if who := official.Who(line); !known[who] {
				known[who] = true
				out.WriteString(line + "\n")
			}
		}
	}
	for _, file := range files {
		book, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("couldn't read the official names: %w", err)
		}
		if _, err := official.Read(strings.NewReader(string(book))); err != nil {
			return "", fmt.Errorf("%s: %w", file, err)
		}
		add(string(book))
	}
	add(OwnBook())
	return out.String(), nil
}

// Verified tells whether an account is somebody's official one, by the books of the next release. Where they
// cannot be read it might be.
func (p *Publisher) Verified(s subject.Subject) bool {
	text, err := Book(p.Official)
	if err != nil {
		return true
	}
	book, err := official.Read(strings.NewReader(text))
	if err != nil {
		return true
	}
	_, known := book.AccountOwner([]string{string(s)})
	return known
}

// say makes the guide of a release; last is the head in force.
func (p *Publisher) say(ctx context.Context, hot *hotHosts, next *set.Set, last release.Head, now int64) (s said, before said, err error) {
	if s.book, err = Book(p.Official); err != nil {
		return s, before, err
	}
	s.told.HotAt = now
	if s.told.Help, err = Help(p.Help); err != nil {
		return s, before, err
	}
	if p.Cards != nil {
		if s.told.Cards, err = p.Cards.Active(ctx, now); err != nil {
			return s, before, err
		}
	}
	if before, err = p.lastSaid(last); err != nil {
		return s, before, err
	}
	s.told.Hot = hot.newest()
	if slices.Equal(s.told.Hot, before.told.Hot) || hotEnough(before.told, next, now) {
		s.told.Hot, s.told.HotAt = before.told.Hot, before.told.HotAt
	}
	return s, before, nil
}

// encode is the guide as it is published.
func (s said) encode() ([]byte, error) {
	body, err := guide.Encode(s.book, s.told)
	if err != nil {
		return nil, err
	}
	if len(body) > release.MaxGuide {
		return nil, fmt.Errorf("the guide has %d bytes, %d are allowed: %w", len(body), release.MaxGuide, release.ErrOversized)
	}
	return body, nil
}

// hotEnough tells whether the list of hot hosts may stay as it was: it is full, young, and all in it are listed.
func hotEnough(before guide.Told, next *set.Set, now int64) bool {
	if len(before.Hot) < guide.MaxHot || now-before.HotAt >= int64(hotLife.Seconds()) {
		return false
	}
	return !slices.ContainsFunc(before.Hot, func(host string) bool {
		_, listed := next.Lookup(subject.Subject(host + "/").Digest())
		return !listed
	})
}

// hotHosts keeps the hosts that were listed last.
type hotHosts struct{ seen []hotHost }

type hotHost struct {
	host  string
	since int64
}

func (h *hotHosts) add(i ledger.Indicator) {
	host, path, _ := strings.Cut(string(i.Subject), "/")
	if path != "" || i.Subject.IsAccount() || strings.HasPrefix(host, "[") {
		return
	}
	if h.seen = append(h.seen, hotHost{host, i.FirstSeen}); len(h.seen) > 8*guide.MaxHot {
		h.cut()
	}
}

func (h *hotHosts) cut() {
	slices.SortFunc(h.seen, func(a, b hotHost) int {
		return cmp.Or(cmp.Compare(b.since, a.since), strings.Compare(a.host, b.host))
	})
	h.seen = h.seen[:min(len(h.seen), guide.MaxHot)]
}

func (h *hotHosts) newest() []string {
	h.cut()
	names := make([]string, len(h.seen))
	for i, one := range h.seen {
		names[i] = one.host
	}
	return names
}
