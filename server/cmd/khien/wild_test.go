package main

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"khien/server/db/dbtest"
	"khien/server/feed"
	"khien/shared/subject"
	"khien/shared/wire"
)

// Cases from the wild are lines of tables with four columns: kind, how, input, expected. One table is beside the
// project, with what others met; those in testdata/wild belong to the project, one for each area. How a line is tried:
//
//	urls hosts csv  a file with this line (in csv under the header "url") is given to "khien import"
//	publish         the same, and "khien publish" works whatever became of it
//	subject         "khien subject" names the expected ones; "(language pl)" behind the input is --describe pl
//	listed          the input is imported and published, and the expected address is found listed
//	official        "khien official" says that the input resembles the expected name; "-" that it resembles none
//	check           the verdict of "khien check", against a release that lists nothing
//	story           a function in stories
//
// In the input \t, \r and \n stand for these characters. See expectImport and expectSubject for what may be expected. A
// line that no rule here understands is an error, of whatever kind it is.
const outsideCases = "../../../../shared/vectors/cases/wild.tsv"

// stories are what one line cannot say, by their input.
var stories = map[string]func(w *wild) error{
	"reports on a.kit.example and b.kit.example; the first accepted and published": func(w *wild) error {
		return w.firstOfTwo("https://a.kit.example/", "https://b.kit.example/")
	},
	"reports on two pages of one host; the first accepted and published": func(w *wild) error {
		return w.firstOfTwo("https://kit.example/login", "https://kit.example/pay")
	},
	"reports on a page and its host; the page accepted and published": func(w *wild) error {
		return w.firstOfTwo("https://kit.example/login", "https://kit.example/")
	},
	"reports on a host and a page of it; the host accepted and published": func(w *wild) error {
		return w.firstOfTwo("https://kit.example/", "https://kit.example/login")
	},
	"reports on a host and one below it; the wider accepted and published": func(w *wild) error {
		return w.firstOfTwo("https://kit.example/", "https://a.kit.example/login")
	},
	"reports on one account by its name and by its number; the first accepted and published": func(w *wild) error {
		return w.firstOfTwo("https://www.facebook.com/invented.kit", "https://www.facebook.com/profile.php?id=900000000000001")
	},
	"reports on two posts of one account; the first accepted and published": func(w *wild) error {
		return w.firstOfTwo("https://www.facebook.com/invented.kit/posts/1", "https://www.facebook.com/invented.kit/posts/2")
	},
	"reports on one page with and without www.; the first accepted and published": func(w *wild) error {
		return w.firstOfTwo("https://www.kit.example/login", "https://kit.example/login")
	},
	"reports on one page by two links of a network; the first accepted and published": func(w *wild) error {
		return w.firstOfTwo("https://kit.example/login?fbclid=invented1", "https://kit.example/login?fbclid=invented2")
	},
}

// firstOfTwo reports two addresses, accepts the first, publishes, and asks what became of each: what a receipt says is
// what a device finds, and what is not listed is open.
func (w *wild) firstOfTwo(hrefs ...string) error {
	s := &server{}
	defer s.kill()
	if err := s.start(w.dir, append(os.Environ(), "KHIEN_DATA="+w.data())); err != nil {
		return err
	}
	base := "http://" + s.addr + "/v1/"
	receipts := make([]wire.Receipt, len(hrefs))
	for i, href := range hrefs {
		body, err := json.Marshal(wire.Report{ID: fmt.Appendf(nil, "%016d", i), Kind: wire.KindScam, Href: href, Time: 1763900000})
		if err == nil {
			err = told(&receipts[i], func() (*http.Response, error) {
				return http.Post(base+"reports", "application/json", bytes.NewReader(body))
			})
		}
		if err != nil {
			return err
		}
	}
	if r := w.khien("reports", "accept", hex.EncodeToString(fmt.Appendf(nil, "%016d", 0))); r.err != nil {
		return fmt.Errorf("accept: %w", r.err)
	}
	if err := w.publish(); err != nil {
		return err
	}
	for i, href := range hrefs {
		var r wire.Receipt
		if err := told(&r, func() (*http.Response, error) { return http.Get(base + "receipts/" + receipts[i].Receipt) }); err != nil {
			return err
		}
		listed := w.expectVerdict("listed", href) == nil
		open := r.State == wire.StateReceived || r.State == wire.StateReview
		if listed != (r.State == wire.StateListed) || !listed && (i == 0 || !open || r.Subject != "") {
			return fmt.Errorf("the receipt for %s says %s %s; found listed: %t", href, r.State, r.Subject, listed)
		}
	}
	_, err := s.stop()
	return err
}

// told reads an answer in JSON.
func told(into any, ask func() (*http.Response, error)) error {
	resp, err := ask()
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return errors.New(resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// wholeFiles are inputs that stand for a whole file.
var wholeFiles = map[string]string{
	"(every line refused, with --partial)": "*.com\nnot a host\nftp://files.example/\n",
	"(an empty file)":                      "",
	"(comments only)":                      "# nothing\n\n  # here\n",
	"(a header alone)":                     "url,category\n",
	"(a sheet of which every line is refused, with --partial)": "url,category\n*.com,shop\n9.00E+08,\n,shop\n",
}

func TestCasesFromTheWild(t *testing.T) {
	dbtest.Long(t)
	if testing.Short() {
		t.Skip("one command after the other: no races to find, and minutes to lose")
	}
	files, err := filepath.Glob("testdata/wild/*.tsv")
	if err != nil || len(files) == 0 {
		t.Fatalf("no table of the project: %v", err)
	}
	var own []wildCase
	for _, file := range files {
		own = append(own, readWild(t, file)...)
	}
	runWild(t, wildTemplate(t), own)
}

// What others met, the project carries itself.
func TestTheProjectCarriesEveryCaseFromTheWild(t *testing.T) {
	if _, err := os.Stat(outsideCases); err != nil {
		t.Skip("the table of others is not beside the project")
	}
	carried := map[wildCase]bool{}
	files, _ := filepath.Glob("testdata/wild/*.tsv")
	for _, file := range files {
		for _, c := range readWild(t, file) {
			c.at = ""
			carried[c] = true
		}
	}
	for _, c := range readWild(t, outsideCases) {
		at := c.at
		if c.at = ""; !carried[c] {
			t.Errorf("%s is in none of testdata/wild: %s\t%s\t%s\t%s", at, c.kind, c.how, c.input, c.want)
		}
	}
}

// The harness itself: what it cannot read it does not pass over, and what is wrong it does not call right.
func TestTheHarnessForCasesFromTheWild(t *testing.T) {
	dbtest.Long(t)
	if testing.Short() {
		t.Skip("one command after the other: no races to find, and minutes to lose")
	}
	template := wildTemplate(t)
	f := func(how, input, want, complaint string) {
		t.Helper()
		err := (&wild{t, template, t.TempDir()}).try(wildCase{how: how, input: input, want: want})
		if (err == nil) != (complaint == "") || err != nil && !strings.Contains(err.Error(), complaint) {
			t.Errorf("%s %q, expecting %q: %v, want %q", how, input, want, err, complaint)
		}
	}
	f("urls", "shop-1.example", "shop-1.example/", "")
	f("urls", "shop-1.example", "shop-2.example/", "listed: shop-1.example/")
	f("urls", "shop-1.example", "REFUSED", "listed: shop-1.example/")
	f("urls", "ftp://shop-1.example/", "REFUSED (no web address)", "")
	f("urls", "ftp://shop-1.example/", "shop-1.example/", "refused")
	f("urls", "ftp://shop-1.example/", "shop-1.example/ or REFUSED", "")
	f("urls", "# a comment", "REFUSED", "listed: ;")
	f("urls", "shop-1.example", "something nice", "nobody understands")
	f("hosts", "0.0.0.0 shop-1.example shop-2.example", "shop-1.example/ + shop-2.example/", "")
	f("csv", "shop-1.example", "shop-1.example/", "")
	f("csv", `(a file with two columns) url,category\nshop-1.example,shop\n`, "shop-1.example/", "")
	f("publish", "shop-1.example", "works", "")
	f("publish", "shop-1.example", "fails", "nobody understands")
	f("subject", "https://shop-1.example/a", "shop-1.example/a + !shop-2.example/", "")
	f("subject", "https://shop-1.example/a", "shop-2.example/a", "named: [shop-1.example/a")
	f("subject", "https://shop-1.example/a", "shop-1.example/a + !shop-1.example/", "may not be named")
	f("subject", "https://shop-1.example/a", "a shop", "nobody understands")
	f("listed", "https://shop-1.example/a", "https://shop-1.example/a", "")
	f("listed", "https://shop-1.example/a", "https://shop-1.example/b", "unlisted")
	f("official", "vietcombank-login.example", "Vietcombank", "")
	f("official", "vietcombank-login.example", "-", "resembles Vietcombank")
	f("official", "garden.example", "Vietcombank", "resembles nothing")
	f("check", "garden.example", "unlisted", "")
	f("check", "garden.example", "listed", "unlisted")
	f("check", "garden.example", "fine", "nobody understands")
	f("guess", "garden.example", "fine", "nobody understands")
	f("story", "nobody wrote this", "fine", "nobody understands")
}

// wildCase is one line of a table.
type wildCase struct{ kind, how, input, want, at string }

func readWild(t *testing.T, file string) []wildCase {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []wildCase
	for n, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		part := strings.Split(line, "\t")
		if len(part) != 4 {
			t.Errorf("%s:%d has %d columns, want kind, how, input, expected", file, n+1, len(part))
			continue
		}
		cases = append(cases, wildCase{part[0], part[1], part[2], part[3], fmt.Sprintf("%s:%d", filepath.Base(file), n+1)})
	}
	return cases
}

func runWild(t *testing.T, template string, cases []wildCase) {
	for _, c := range cases {
		if dbtest.OnPostgres && slices.Contains([]string{"subject", "official", "check"}, c.how) {
			continue // they keep nothing
		}
		t.Run(c.at, func(t *testing.T) {
			if err := (&wild{t, template, t.TempDir()}).try(c); err != nil {
				t.Errorf("%s %s %q, expecting %q: %v", c.kind, c.how, c.input, c.want, err)
			}
		})
	}
}

// wildTemplate is a data directory with a release in which nothing is listed.
func wildTemplate(t *testing.T) string {
	t.Helper()
	w := &wild{t: t, dir: t.TempDir()}
	for _, args := range [][]string{{"init", "--db", begins(t)}, {"publish"}} {
		if r := w.khien(args...); r.err != nil {
			t.Fatalf("khien %s: %v\n%s", args[0], r.err, r.stderr)
		}
	}
	return w.data()
}

// wild tries one case in a directory of its own.
type wild struct {
	t             *testing.T
	template, dir string
}

func (w *wild) data() string { return filepath.Join(w.dir, "data") }

type wildRun struct {
	stdout, stderr string
	err            error
}

// khien runs a command of the program within the test.
func (w *wild) khien(args ...string) wildRun {
	var out, words bytes.Buffer
	d := &dir{}
	defer d.close()
	cmd := root(d)
	cmd.SetOut(&out)
	cmd.SetErr(&words)
	cmd.SetArgs(append([]string{"--data", w.data()}, args...))
	err := cmd.Execute()
	return wildRun{out.String(), words.String(), err}
}

// fresh makes the data directory anew.
func (w *wild) fresh() error {
	if err := os.RemoveAll(w.data()); err != nil {
		return err
	}
	copyData(w.t, w.template, w.data())
	return nil
}

var errNotUnderstood = errors.New("nobody understands this line")

func (w *wild) try(c wildCase) error {
	if err := w.fresh(); err != nil {
		return err
	}
	input := strings.NewReplacer(`\t`, "\t", `\r`, "\r", `\n`, "\n").Replace(c.input)
	switch c.how {
	case "urls", "hosts", "csv":
		return w.expectImport(c, input)
	case "publish":
		if c.want != "works" {
			return errNotUnderstood
		}
		w.importFile("urls", input)
		return w.publish()
	case "subject":
		return w.expectSubject(c, input)
	case "listed":
		if r := w.importFile("urls", input); r.err != nil {
			return fmt.Errorf("the entry was refused: %s", r.stderr)
		}
		if err := w.publish(); err != nil {
			return err
		}
		return w.expectVerdict("listed", c.want)
	case "official":
		return w.expectOfficial(c, input)
	case "check":
		switch c.want {
		case "unknown", "unlisted", "listed", "caution":
			return w.expectVerdict(c.want, input)
		case "unknown, or the account":
			if named, _ := w.named(input, ""); slices.ContainsFunc(named, isBank) {
				return nil
			}
			return w.expectVerdict("unknown", input)
		}
	case "story":
		if story := stories[c.input]; story != nil {
			return story(w)
		}
	}
	return errNotUnderstood
}

func isBank(s subject.Subject) bool { return strings.HasPrefix(string(s), "bank:") }

// importFile imports a file that has this line, or is this text where the input says so.
func (w *wild) importFile(format, input string, flags ...string) wildRun {
	text, whole := wholeFiles[input]
	if !whole {
		text = input + "\n"
		if rest, ok := strings.CutPrefix(input, "(a file "); ok {
			_, text, _ = strings.Cut(rest, ") ")
		} else if format == "csv" {
			text = "url\n" + text
		}
	}
	file := filepath.Join(w.dir, "list")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return wildRun{err: err}
	}
	return w.khien(append([]string{"import", format, file}, flags...)...)
}

func (w *wild) publish() error {
	if r := w.khien("publish", "--alone", "--why", "a test has one person"); r.err != nil {
		return fmt.Errorf("publish: %w\n%s", r.err, r.stderr)
	}
	return nil
}

// listed is what "khien export csv" says is in force: subjects and, where the export has them, their addresses.
func (w *wild) listed() (subjects, addresses []string, err error) {
	r := w.khien("export", "csv")
	if r.err != nil {
		return nil, nil, r.err
	}
	records, err := csv.NewReader(strings.NewReader(r.stdout)).ReadAll()
	if err != nil || len(records) == 0 {
		return nil, nil, fmt.Errorf("the export is no CSV: %v", err)
	}
	column := func(name string, record []string) string {
		if i := slices.Index(records[0], name); i >= 0 {
			return strings.TrimPrefix(record[i], "'") // against spreadsheets
		}
		return ""
	}
	for _, record := range records[1:] {
		subjects = append(subjects, column("subject", record))
		addresses = append(addresses, column("url", record))
	}
	return subjects, addresses, nil
}

var (
	notes        = regexp.MustCompile(` \([^()]*\)$`)
	refusedLine  = regexp.MustCompile(`(?m):\d+: refused: .`)
	nothingSaid  = regexp.MustCompile(`(?m)^imported 0, `)
	subjectText  = regexp.MustCompile(`^!?[^\s/]+/\S*$|^!?[a-z]+:\S+$`)
	bankNumber   = regexp.MustCompile(`^an account of bank (\d+)$`)
	languageNote = regexp.MustCompile(` \(language ([a-z]+)\)$`)
)

// expectImport reads what may be expected of an import:
//
//	REFUSED                             nothing is listed, the line is named with its number, and the exit status is 1
//	a.example/ + b.example/             exactly these are listed
//	x or REFUSED, x or an error         either
//	both or REFUSED                     everything that the words of the line name, or nothing
//	exit status 1                       nothing is listed and the command says so; --partial does not help
//	an address that leads there again, on export too   the address leaves as it came in, and comes in as the same subject
func (w *wild) expectImport(c wildCase, input string) error {
	want := notes.ReplaceAllString(c.want, "")
	var flags []string
	if want == "exit status 1" {
		flags = []string{"--partial"}
	}
	r := w.importFile(c.how, input, flags...)
	subjects, addresses, err := w.listed()
	if err != nil {
		return err
	}
	nothing := r.err != nil && len(subjects) == 0
	told := fmt.Sprintf("listed: %s; %v; said: %s", strings.Join(subjects, " "), r.err, strings.TrimSpace(r.stderr))
	if want == "exit status 1" {
		if !nothing || !nothingSaid.MatchString(r.stderr) {
			return errors.New(told)
		}
		return nil
	}
	if want == "an address that leads there again, on export too" {
		return w.leadsThereAgain(input, subjects, addresses, told)
	}
	want, mayRefuse := strings.CutSuffix(want, " or REFUSED")
	want, mayFail := strings.CutSuffix(want, " or an error")
	switch {
	case want == "REFUSED" && nothing && !refusedLine.MatchString(r.stderr):
		return fmt.Errorf("it is not refused by its number: %s", told)
	case (want == "REFUSED" || mayRefuse) && nothing && refusedLine.MatchString(r.stderr), mayFail && nothing:
		return nil
	case want == "REFUSED":
		return errors.New(told)
	}
	var all []string
	if want == "both" {
		for _, word := range strings.Fields(input) {
			s, err := feed.Exact(word)
			if err != nil {
				return err
			}
			all = append(all, string(s))
		}
	} else {
		for part := range strings.SplitSeq(want, " + ") {
			if !subjectText.MatchString(part) {
				return errNotUnderstood
			}
			all = append(all, part)
		}
	}
	slices.Sort(all)
	slices.Sort(subjects)
	if r.err != nil || !slices.Equal(all, subjects) {
		return errors.New(told)
	}
	return nil
}

// leadsThereAgain tells whether what is exported is the address that was imported, and names the same again.
func (w *wild) leadsThereAgain(input string, subjects, addresses []string, told string) error {
	if len(subjects) != 1 {
		return errors.New(told)
	}
	if addresses[0] != input {
		return fmt.Errorf("the address leaves as %q", addresses[0])
	}
	exported := w.khien("export", "csv")
	if err := w.fresh(); err != nil {
		return err
	}
	if r := w.importFile("csv", "(a file of ours) "+exported.stdout); r.err != nil {
		return fmt.Errorf("our own export is refused: %s", r.stderr)
	}
	if again := w.khien("export", "csv"); again.stdout != exported.stdout {
		return fmt.Errorf("our own export comes in as\n%swant\n%s", again.stdout, exported.stdout)
	}
	return nil
}

// expectSubject reads a list with " + " of what must be named: subjects, "!subject" for one that may not be named, "an
// account of bank 12345678", and "subject (once)" where it stands in the answer once.
func (w *wild) expectSubject(c wildCase, input string) error {
	language := ""
	if found := languageNote.FindStringSubmatch(input); found != nil {
		language, input = found[1], strings.TrimSuffix(input, found[0])
	}
	named, said := w.named(input, language)
	told := fmt.Sprintf("named: %v %s", named, said)
	count := func(is func(subject.Subject) bool) (n int) {
		for _, s := range named {
			if is(s) {
				n++
			}
		}
		return n
	}
	for part := range strings.SplitSeq(c.want, " + ") {
		text, once := strings.CutSuffix(part, " (once)")
		text, not := strings.CutPrefix(text, "!")
		is := func(s subject.Subject) bool { return string(s) == text }
		if bank := bankNumber.FindStringSubmatch(text); bank != nil {
			is = func(s subject.Subject) bool { return isBank(s) && strings.Contains(string(s), bank[1]) }
		} else if !subjectText.MatchString(text) {
			return errNotUnderstood
		}
		switch n := count(is); {
		case not && n > 0:
			return fmt.Errorf("%s may not be named; %s", text, told)
		case !not && n == 0:
			return fmt.Errorf("%s is wanted; %s", text, told)
		case once && n != 1:
			return fmt.Errorf("%s is named %d times; %s", text, n, told)
		}
	}
	return nil
}

// named is what "khien subject" names, to who reads a language, which may be empty, and what it says.
func (w *wild) named(input, language string) ([]subject.Subject, string) {
	args := []string{"subject"}
	if language != "" {
		args = append(args, "--describe", language)
	}
	r := w.khien(append(args, "--", input)...)
	var answer struct{ Subjects []subject.Subject }
	if err := json.Unmarshal([]byte(r.stdout), &answer); err != nil {
		return nil, err.Error() + " " + r.stderr
	}
	return answer.Subjects, r.stdout
}

func (w *wild) expectVerdict(want, input string) error {
	r := w.khien("check", "--", input)
	var v verdict
	if err := json.Unmarshal([]byte(r.stdout), &v); err != nil {
		return fmt.Errorf("%w: %s", err, r.stderr)
	}
	if v.Verdict != want {
		return fmt.Errorf("%s is %s: %s", input, v.Verdict, r.stdout)
	}
	return nil
}

func (w *wild) expectOfficial(c wildCase, input string) error {
	r := w.khien("official", "--", input)
	var answer struct{ Resembles, Name, Error string }
	if err := json.Unmarshal([]byte(r.stdout), &answer); err != nil {
		return fmt.Errorf("%w: %s", err, r.stderr)
	}
	switch {
	case answer.Error != "":
		return errors.New(answer.Error)
	case c.want == "-" && answer.Resembles != "":
		return fmt.Errorf("it resembles %s (%s)", answer.Name, answer.Resembles)
	case c.want != "-" && answer.Resembles == "":
		return errors.New("it resembles nothing")
	case c.want != "-" && answer.Name != c.want && answer.Resembles != c.want:
		return fmt.Errorf("it resembles %s (%s)", answer.Name, answer.Resembles)
	}
	return nil
}
