package takedown

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"khien/server/blob"
	"khien/server/ledger"
	"khien/server/triage"
	"khien/server/words"
	"khien/shared/texts"
)

var (
	// ErrSender is a letter before the operator has said who it is from.
	ErrSender = errors.New("nobody has said yet who writes the letters: fill in sender.txt of the folder of letters")
	// ErrLetters is a file in the folder of letters that can't be understood.
	ErrLetters = errors.New("not understood")
	// ErrLanguage is a language that there are no letters in.
	ErrLanguage = errors.New("letters are in " + strings.Join(Languages, " or "))
)

// Languages are those that letters are written in.
var Languages = texts.Languages("letter.report.txt")

// names are what stands in the forms of platforms, and what is known of a case.
var names = words.Read("letter.words.txt")

// Operator is who writes the letters. It is read from a folder that the operator keeps:
//
//	sender.txt              lines: organisation NAME, contact MAIL, domain HOST, register ADDRESS (optional)
//	legal.en.txt            the legal basis of what is asked, as the operator's lawyers want it; optional
//	legal.vi.txt
//	hours.txt               lines: PLATFORM HOURS, where a platform has another time to act than Platforms says; optional
//	report.vi.txt           a template in place of ours, for all platforms; optional
//	facebook.report.vi.txt  or for one
//
// Templates are those of text/template with the fields of letter.*.txt in package texts; the first line is "Subject:
// …".
type Operator struct {
	Organisation string
	Contact      string // an email address
	Domain       string
	Register     string // address of the public register
	folder       string
	clocks       map[string]int64
}

// maxFile bounds a file of the folder, in bytes.
const maxFile = 64 << 10

// ReadOperator reads the folder of letters. A folder that is missing is an operator who has said nothing: forms can be
// written, letters can't.
func ReadOperator(folder string) (Operator, error) {
	o := Operator{folder: folder, clocks: map[string]int64{}}
	fields := map[string]*string{"organisation": &o.Organisation, "contact": &o.Contact, "domain": &o.Domain, "register": &o.Register}
	err := o.lines("sender.txt", func(name, value string) error {
		if fields[name] == nil {
			return fmt.Errorf("%w: %q is none of organisation, contact, domain, register", ErrLetters, name)
		}
		*fields[name] = line(value)
		return nil
	})
	if err != nil {
		return o, err
	}
	if a, err := mail.ParseAddress(o.Contact); o.Contact != "" && (err != nil || a.Address != o.Contact) {
		return o, fmt.Errorf("sender.txt: %w: contact is an email address", ErrLetters)
	}
	return o, o.lines("hours.txt", func(name, value string) error {
		n, err := strconv.ParseInt(value, 10, 32)
		if _, ok := platforms[name]; !ok || err != nil || n < 1 {
			return fmt.Errorf("%w: a line is a platform and a number of hours", ErrLetters)
		}
		o.clocks[name] = n * 60 * 60
		return nil
	})
}

func (o Operator) lines(file string, f func(name, value string) error) error {
	text, err := o.read(file)
	if err != nil {
		return err
	}
	for row := range strings.Lines(text) {
		row = strings.TrimSpace(row)
		if row == "" || strings.HasPrefix(row, "#") {
			continue
		}
		name, value, _ := strings.Cut(row, " ")
		if err := f(name, strings.TrimSpace(value)); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// read returns a file of the folder, or nothing where it is missing.
func (o Operator) read(file string) (string, error) {
	text, err := blob.ReadPlain(filepath.Join(o.folder, file), maxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	}
	return string(text), nil
}

// Clock is how long a platform has to act, in seconds.
func (o Operator) Clock(platform string) int64 {
	if n := o.clocks[platform]; n != 0 {
		return n
	}
	return platforms[platform].Clock
}

// Facts are what is known about the subject of a case.
type Facts struct {
	Reason         map[string]string // by language; public
	Reports        int               // 0 where it came from a list
	Opened, Latest int64             // Unix seconds of the first and the newest report
	Source         string            // who says so
	Seen           int64             // Unix seconds of when it was first seen
}

// Facts gathers what is known about the subject of a case.
func (b *Store) Facts(ctx context.Context, book *ledger.Ledger, c Request) (Facts, error) {
	entry, err := book.Entry(ctx, c.Subject)
	if err != nil {
		return Facts{}, err
	}
	f := Facts{Reason: entry.Reason, Source: entry.By(), Seen: entry.FirstSeen}
	if c.State == Withdrawn {
		f.Reason = entry.Taken
	}
	reported, err := b.desk.About(ctx, c.Subject)
	if errors.Is(err, triage.ErrNotFound) {
		return f, nil
	}
	f.Reports, f.Opened, f.Latest = reported.Reports, reported.Opened, reported.Latest
	return f, err
}

// Explain says what a case is about, in a language: what kind of scam, why it is listed, and what is known; of one that
// is withdrawn, why it is none.
func (f Facts) Explain(c Request, lang string) string {
	if c.State == Withdrawn {
		return line(texts.In(f.Reason, lang))
	}
	return line(c.Category.Name(lang) + ". " + line(texts.In(f.Reason, lang)) + " " + f.evidence(lang) + ".")
}

// evidence sums up what is known in one sentence: counts and days, never who.
func (f Facts) evidence(lang string) string {
	day := func(t int64) string { return time.Unix(t, 0).UTC().Format("2006-01-02") }
	if f.Reports > 0 {
		text := names.Text(lang, names.Form(lang, "reports", f.Reports))
		return fmt.Sprintf(text, words.Digits(lang, f.Reports), day(f.Opened), day(f.Latest))
	}
	return fmt.Sprintf(names.Text(lang, "source"), line(f.Source), day(f.Seen))
}

// Letter is a letter to a platform, in plain text.
type Letter struct {
	To      string // an email address; empty where the platform takes forms only
	From    string
	Subject string // one line
	Body    string
}

// kind of letter that a case in this state asks for.
func (c Request) kind() string {
	switch c.State {
	case Withdrawn:
		return "mistake"
	case Refused, Appealed, Restored:
		return "appeal"
	case ReAppeared:
		return "again"
	}
	if c.Returned > 0 {
		return "again"
	}
	return "report"
}

// fields are what a template may use. All are one line, whatever a stranger wrote, save Legal, which is the operator's.
type fields struct {
	Platform, What, Address, Subject, Category, How, Reference, Theirs, Reason, Evidence, Register, Due, Acted, Legal, Organisation, Contact string
}

func (o Operator) fields(c Request, f Facts, lang string, now int64) (fields, error) {
	legal, err := o.read("legal." + lang + ".txt")
	if err != nil {
		return fields{}, err
	}
	minute := func(t int64) string { return time.Unix(t, 0).UTC().Format("2006-01-02 15:04 UTC") }
	return fields{
		Platform: platforms[c.Platform].Title, What: line(c.Subject.Describe(lang)), Address: line(c.Subject.Address()), Subject: line(string(c.Subject)),
		Category: line(c.Category.Name(lang)), How: line(c.Category.How(lang)), Reference: line(c.Reference), Theirs: line(c.Theirs),
		Reason: line(texts.In(f.Reason, lang)), Evidence: f.evidence(lang), Register: o.Register, Due: minute(now + o.Clock(c.Platform)), Acted: minute(c.Acted),
		Legal: strings.TrimSpace(legal), Organisation: o.Organisation, Contact: o.Contact,
	}, nil
}

// Letter writes the letter that a case asks for in its state, in a language of Languages.
func (o Operator) Letter(c Request, f Facts, lang string, now int64) (Letter, error) {
	if o.Organisation == "" || o.Contact == "" {
		return Letter{}, ErrSender
	}
	text, name, err := o.template(c, lang)
	if err != nil {
		return Letter{}, err
	}
	t, err := template.New(name).Option("missingkey=error").Parse(text)
	if err != nil {
		return Letter{}, fmt.Errorf("%w: %w", ErrLetters, err)
	}
	data, err := o.fields(c, f, lang, now)
	if err != nil {
		return Letter{}, err
	}
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		return Letter{}, fmt.Errorf("%w: %w", ErrLetters, err)
	}
	head, body, ok := strings.Cut(strings.ReplaceAll(b.String(), "\r\n", "\n"), "\n\n")
	title, isSubject := strings.CutPrefix(head, "Subject: ")
	if !ok || !isSubject || strings.Contains(title, "\n") {
		return Letter{}, fmt.Errorf("%w: %s begins with one line \"Subject: …\" and an empty one", ErrLetters, name)
	}
	return Letter{To: platforms[c.Platform].Mail, From: o.Contact, Subject: line(title), Body: strings.TrimSpace(body) + "\n"}, nil
}

// template finds the operator's own template, or ours.
func (o Operator) template(c Request, lang string) (text, name string, err error) {
	if !slices.Contains(Languages, lang) {
		return "", "", ErrLanguage
	}
	base := c.kind() + "." + lang + ".txt"
	for _, name := range []string{c.Platform + "." + base, base} {
		if text, err := o.read(name); err != nil || text != "" {
			return text, name, err
		}
	}
	return texts.File(lang, "letter."+c.kind()+".txt"), base, nil
}

// Text is the letter to read and to copy.
func (l Letter) Text() string {
	to := ""
	if l.To != "" {
		to = "To: " + l.To + "\n"
	}
	return to + "Subject: " + l.Subject + "\n\n" + l.Body
}

// Mail is the letter as a file that a mail program opens as a draft (RFC 5322).
func (l Letter) Mail() string {
	var b strings.Builder
	fmt.Fprintf(&b, "From: %s\r\n", (&mail.Address{Address: l.From}).String())
	if l.To != "" {
		fmt.Fprintf(&b, "To: %s\r\n", (&mail.Address{Address: l.To}).String())
	}
	fmt.Fprintf(&b, "Subject: %s\r\n", mime.QEncoding.Encode("utf-8", l.Subject))
	b.WriteString("X-Unsent: 1\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	w := quotedprintable.NewWriter(&b)
	w.Write([]byte(strings.ReplaceAll(l.Body, "\n", "\r\n")))
	w.Close()
	return b.String()
}

// maxDetails bounds what goes into the free field of a form, in runes: the smallest that platforms are known for.
const maxDetails = 500

// Field is one field of a platform's form.
type Field struct{ Name, Value string }

// Form is what to copy into the platform's form, in its order; what is not known is left out. Where the entry was taken
// off the list, nothing in it accuses anybody: it says which case that was, and why it is none any more.
func (o Operator) Form(c Request, f Facts, lang string, now int64) ([]Field, error) {
	if !slices.Contains(Languages, lang) {
		return nil, ErrLanguage
	}
	data, err := o.fields(c, f, lang, now)
	if err != nil {
		return nil, err
	}
	p := platforms[c.Platform]
	menu := texts.In(p.Menu, lang)
	if c.State == Withdrawn {
		menu = ""
	}
	details := []rune(f.Explain(c, lang))
	if len(details) > maxDetails {
		details = append(details[:maxDetails-1], '…')
	}
	var form []Field
	for _, one := range []Field{
		{"where", p.Where}, {"menu", menu}, {"link", data.Address}, {"what", data.What}, {"details", string(details)},
		{"reference", data.Reference}, {"theirs", data.Theirs}, {"contact", o.Contact},
	} {
		if one.Value != "" {
			form = append(form, Field{names.Text(lang, one.Name), one.Value})
		}
	}
	return form, nil
}
