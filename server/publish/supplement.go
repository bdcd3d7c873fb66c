package publish

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"khien/server/blob"
	"khien/server/ledger"
	"khien/server/phone"
	"khien/shared/official"
	"khien/shared/release"
	"khien/shared/set"
	"khien/shared/subject"
	"khien/shared/supplement"
	"khien/shared/texts"
)

// hotLife is how long a full list of hot hosts stays as it is. Each change of it makes every client fetch
// the supplement; a host that is not in it yet is warned about all the same.
const hotLife = 24 * time.Hour

//go:embed supplement/official.txt supplement/known.txt supplement/help.json
var own embed.FS

// MaxOwn bounds a file of the operator's, in bytes: a supplement holds no more, and most of a file may be for people.
const MaxOwn = 8 * release.MaxSupplement

// OwnBook is the text of the official book that Khiên comes with.
func OwnBook() string {
	text, err := own.ReadFile("supplement/official.txt")
	if err != nil {
		panic(err) // a test reads it
	}
	return string(text)
}

// Help is what to do after the harm, and whom to call (supplement/help.json, which says where each number is from). The
// countries in the operator's file, which need not be there, take the place of ours.
func Help(file string) ([]supplement.Help, error) {
	text, err := own.ReadFile("supplement/help.json")
	if err != nil {
		return nil, err
	}
	help, err := ReadHelp(text)
	if err != nil || file == "" {
		return help, err
	}
	text, err = blob.ReadPlain(file, MaxOwn)
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
		if i := slices.IndexFunc(help, func(h supplement.Help) bool { return h.Country == one.Country }); i >= 0 {
			help[i] = one
		} else {
			help = append(help, one)
		}
	}
	return help, nil
}

// helpFile is the form of a file with help.
type helpFile struct {
	Help []helpOf `json:"help"`
}

type helpOf struct {
	Country  string             `json:"country"`
	Checked  string             `json:"checked"`
	Steps    map[string][]words `json:"steps"`
	Hotlines []hotline          `json:"hotlines"`
}

type hotline struct {
	Kind   string   `json:"kind"`
	Value  string   `json:"value"`
	Name   words    `json:"name"`
	What   words    `json:"what"`
	Cases  []string `json:"cases"`
	Source string   `json:"source"`
}

// words are a text by language. In a file they are written so, or as the name that they have in help.txt of each
// language.
type words map[string]string

func (w *words) UnmarshalJSON(text []byte) error {
	var name string
	if json.Unmarshal(text, &name) != nil {
		return json.Unmarshal(text, (*map[string]string)(w))
	}
	if *w = texts.Every("help.txt", name); len(*w) == 0 {
		return fmt.Errorf("no language says %q", name)
	}
	return nil
}

// ReadHelp reads a file with help, in JSON.
func ReadHelp(text []byte) (help []supplement.Help, err error) {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	var file helpFile
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("couldn't read the help: %w", err)
	}
	for _, f := range file.Help {
		h := supplement.Help{Country: f.Country, Checked: f.Checked}
		for c := range f.Steps {
			if !slices.Contains(supplement.Harms, c) {
				return nil, fmt.Errorf("couldn't read the help: there is no case %q", c)
			}
		}
		for _, c := range supplement.Harms {
			for _, step := range f.Steps[c] {
				h.Steps = append(h.Steps, supplement.Instruction{Harm: c, Text: supplement.Texts(step)})
			}
		}
		for _, l := range f.Hotlines {
			h.Hotlines = append(h.Hotlines, supplement.Hotline{
				Kind: l.Kind, Value: l.Value, Name: supplement.Texts(l.Name), What: supplement.Texts(l.What), Harms: l.Cases, Source: l.Source,
			})
		}
		help = append(help, h)
	}
	return help, nil
}

// HelpFile is help in the form that ReadHelp reads, to be written as JSON.
func HelpFile(help []supplement.Help) any {
	byLang := func(texts []supplement.Text) words {
		m := words{}
		for _, t := range texts {
			m[t.Lang] = t.Text
		}
		return m
	}
	file := helpFile{Help: []helpOf{}}
	for _, h := range help {
		f := helpOf{Country: h.Country, Checked: h.Checked, Steps: map[string][]words{}, Hotlines: []hotline{}}
		for _, s := range h.Steps {
			f.Steps[s.Harm] = append(f.Steps[s.Harm], byLang(s.Text))
		}
		for _, l := range h.Hotlines {
			f.Hotlines = append(f.Hotlines, hotline{l.Kind, l.Value, byLang(l.Name), byLang(l.What), append([]string{}, l.Harms...), l.Source})
		}
		file.Help = append(file.Help, f)
	}
	return file
}

// Book is the official book with the operator's own ones, which are the files *.txt of a folder that need not exist; ""
// for none. Where both know a host, the operator is right. It has the marks of all of them (official.Mark), further the
// hosts of supplement/known.txt and, as shared ones, those of protected/shared.txt. What no supplement can have of
// theirs is left out and named, each by an Unfit.
func Book(folder string) (text string, left []error) {
	var files []string
	if folder != "" {
		files, _ = filepath.Glob(filepath.Join(folder, "*.txt")) // the error is of the pattern
	}
	var out strings.Builder
	known := map[string]bool{}
	add := func(book string, fit func(n int, line string) bool) {
		for n, line := range strings.Split(book, "\n") {
			if official.IsMark(line) {
				who := official.Who(line) // a mark, or whose name is everybody's word
				if line = strings.TrimSpace(line); !known[who] && fit(n+1, line) {
					known[who] = who != "" && who[0] != '#'
					out.WriteString(line + "\n")
				}
				continue
			}
			line, _, _ := strings.Cut(line, "#") // what is for people stays here
			if line = strings.TrimSpace(line); line == "" || !fit(n+1, line) {
				continue
			}
			if who := official.Who(line); !known[who] {
				known[who] = true
				out.WriteString(line + "\n")
			}
		}
	}
	for _, file := range files {
		book, err := blob.ReadPlain(file, MaxOwn)
		if err != nil {
			left = append(left, &Unfit{file, err})
			continue
		}
		add(string(book), func(n int, line string) bool {
			err := fitLine(line)
			if err != nil {
				left = append(left, &Unfit{fmt.Sprintf("%s:%d", file, n), err})
			}
			return err == nil
		})
	}
	marks := official.MarkLines(official.Known, knownHosts()) + "\n" + official.MarkLines(official.Shared, namesIn(protectedFiles, "protected/shared.txt"))
	ours := func(int, string) bool { return true }
	add(OwnBook(), ours)
	add(marks, ours)
	text = out.String()
	if len(files) == 0 { // a test reads ours
		return text, nil
	}
	if _, err := official.Read(strings.NewReader(text)); err != nil || len(text) > release.MaxSupplement/2 {
		left = append(left, &Unfit{folder, errors.New("all official names together are more than a supplement can have")})
		out.Reset()
		clear(known)
		add(OwnBook(), ours)
		add(marks, ours)
		text = out.String()
	}
	return text, left
}

// namesIn are the lines of a file that are neither blank nor a comment.
func namesIn(files embed.FS, file string) (names []string) {
	text, err := files.ReadFile(file)
	if err != nil {
		panic(err) // it is part of the program
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			names = append(names, line)
		}
	}
	return names
}

// knownHosts are the hosts of supplement/known.txt that a person has looked at.
func knownHosts() []string {
	return slices.DeleteFunc(namesIn(own, "supplement/known.txt"), func(host string) bool { return strings.ContainsAny(host[:1], "?-") })
}

// Verified tells whether an account is somebody's official one, or a page is one of a host in the official book or of
// another that many people know, by the books of the next release. Where they cannot be read it might be.
//
// The files of the operator are read once, for all that the function which it returns is asked.
func (p *Publisher) Verified() func(subject.Subject) bool {
	protection, err := Protect(p.Official)
	numbers := numbersOf(p.Help)
	return func(s subject.Subject) bool {
		return err != nil || protection.Verified(s) || slices.Contains(numbers, s)
	}
}

// VerifiedInForce is Verified by what the release in force says, which everybody has: lines that are taken out of a
// book protect until a release without them is out, and so no release makes use of that in which it happens. Where
// there is none that can be read, it is nobody.
func (p *Publisher) VerifiedInForce(ctx context.Context) func(subject.Subject) bool {
	nobody := func(subject.Subject) bool { return false }
	f, err := p.inForce(ctx)
	if err != nil || f.Sequence == 0 {
		return nobody
	}
	body, err := blobOf(p.Blobs, f.Supplement, f.SupplementSize)
	if err != nil {
		return nobody
	}
	g, err := supplement.Open(body)
	if err != nil {
		return nobody
	}
	protection := protected()
	if g.BookText() != ourBook() {
		if protection, err = protectionOf(bookText{g.BookText(), false}); err != nil {
			return nobody
		}
	}
	numbers := numbersIn(g.Body().Help)
	return func(s subject.Subject) bool { return protection.Verified(s) || slices.Contains(numbers, s) }
}

// numbersOf are the telephone numbers that people are told to call, by the file of an operator too.
func numbersOf(file string) []subject.Subject {
	help, err := Help(file)
	if err != nil {
		return nil // no release is made with it
	}
	return numbersIn(help)
}

func numbersIn(help []supplement.Help) (numbers []subject.Subject) {
	for _, h := range help {
		for _, l := range h.Hotlines {
			if n, ok := phone.Parse(l.Value, h.Country); ok {
				numbers = append(numbers, subject.Subject("phone:"+n))
			}
		}
	}
	return numbers
}

// isForAll tells a number that a firm or an office has for everybody who calls it, at no or at a shared cost: 1800 and
// 1900 in Vietnam, 800 and 801 in Poland. Banks have these for their customers, and scammers have them shown.
func isForAll(number string) bool {
	n, ok := phone.Parse(number, "")
	return ok && (n.IsForAll() || strings.HasPrefix(number, "+841900"))
}

// Verified is Publisher.Verified by the books that the protection was made of.
func (p *Protection) Verified(s subject.Subject) bool {
	if !s.IsAccount() {
		return p.ReachesFar(s)
	}
	if number, ok := strings.CutPrefix(string(s), "phone:"); ok {
		return isForAll(number) || slices.Contains(ourNumbers(), s)
	}
	if _, domain, ok := strings.Cut(string(s), "@"); ok && strings.HasPrefix(string(s), "email:") {
		why := p.site(domain) // anybody can write that a mail is from there
		return !slices.Contains(mailboxes, domain) && (why != "" && why != "platform" || p.book.IsOfficial(domain))
	}
	_, known := p.book.AccountOwner([]string{string(s)})
	_, ours := protected().book.AccountOwner([]string{string(s)}) // an operator's book adds to ours, and takes nobody out
	return known || ours || p.unread
}

// ourNumbers are those of numbersOf without any operator's.
var ourNumbers = sync.OnceValue(func() []subject.Subject { return numbersOf("") })

// mailboxes are hosts at which anybody has an address.
var mailboxes = strings.Fields(`gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com icloud.com me.com mac.com aol.com proton.me protonmail.com
	wp.pl o2.pl onet.pl op.pl vp.pl interia.pl gazeta.pl zoho.com mail.com yandex.com yandex.ru mail.ru qq.com naver.com`)

// say makes the supplement of a release; last is the head in force. What no supplement can have is left out and named,
// each by an Unfit.
func (p *Publisher) say(ctx context.Context, hot *hotHosts, next *set.Set, last release.Head, now int64) (s, before said, left []error, err error) {
	s.book, left = Book(p.Official)
	s.body.HotAt = now
	if s.body.Help, err = Help(p.Help); err == nil {
		_, err = supplement.Encode("", supplement.Body{Help: s.body.Help})
	}
	if err != nil {
		left = append(left, &Unfit{p.Help, err})
		if s.body.Help, err = Help(""); err != nil {
			return s, before, left, err
		}
	}
	if p.Cards != nil {
		cards, err := p.Cards.Active(ctx, now)
		if err != nil {
			return s, before, left, err
		}
		fit, unfit := fitCards(cards)
		s.body.Cards, left = fit, append(left, unfit...)
	}
	s.body.Hot = hot.newest()
	left = append(left, s.fitInto()...)
	if before, err = p.lastSaid(ctx, last, s); err != nil {
		return s, before, left, err
	}
	if slices.Equal(s.body.Hot, before.body.Hot) || hotEnough(before.body, next, now) {
		s.body.Hot, s.body.HotAt = before.body.Hot, before.body.HotAt
	}
	return s, before, left, nil
}

// encode is the supplement as it is published.
func (s said) encode() ([]byte, error) {
	body, err := supplement.Encode(s.book, s.body)
	if err != nil {
		return nil, err
	}
	if len(body) > release.MaxSupplement {
		return nil, fmt.Errorf("the supplement has %d bytes, %d are allowed: %w", len(body), release.MaxSupplement, release.ErrOversized)
	}
	return body, nil
}

// hotEnough tells whether the list of hot hosts may stay as it was: it is full, young, and all in it are listed.
func hotEnough(before supplement.Body, next *set.Set, now int64) bool {
	if len(before.Hot) < supplement.MaxHot || now-before.HotAt >= int64(hotLife.Seconds()) {
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
	if h.seen = append(h.seen, hotHost{host, i.FirstSeen}); len(h.seen) > 8*supplement.MaxHot {
		h.cut()
	}
}

func (h *hotHosts) cut() {
	slices.SortFunc(h.seen, func(a, b hotHost) int {
		return cmp.Or(cmp.Compare(b.since, a.since), strings.Compare(a.host, b.host))
	})
	h.seen = h.seen[:min(len(h.seen), supplement.MaxHot)]
}

func (h *hotHosts) newest() []string {
	h.cut()
	names := make([]string, len(h.seen))
	for i, one := range h.seen {
		names[i] = one.host
	}
	return names
}
