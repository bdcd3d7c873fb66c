package publish

import (
	"hash/fnv"
	"os"
	"slices"
	"strings"
	"testing"

	"khien/shared/official"
	"khien/shared/release"
	"khien/shared/supplement"
)

func ownNames(t testing.TB) *official.Book {
	t.Helper()
	text, _ := Book("")
	book, err := official.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// outside reads a list that is beside the project.
func outside(t testing.TB, file string) (hosts []string) {
	t.Helper()
	text, err := os.ReadFile("../../../shared/data/" + file)
	if err != nil {
		t.Skip("the outside list is not here")
	}
	for line := range strings.Lines(string(text)) {
		host, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
		host, _, _ = strings.Cut(host, "/")
		hosts = append(hosts, host)
	}
	return hosts
}

// The goals: at most 60 of 100,000 honest hosts are taken for others, and at least half of the impostors that the book
// did not meet before; in each third of the lists too, so that no list is learned by heart. docs/official.md has the
// figures.
func TestNamesOnHonestHostsAndOnImpostors(t *testing.T) {
	book := ownNames(t)
	share := func(file string) (of [4]float64) {
		var all, met [4]float64
		for _, host := range outside(t, file) {
			h := fnv.New32a()
			h.Write([]byte(host))
			third := 1 + h.Sum32()%3
			all[0]++
			all[third]++
			if _, ok := book.Host(host); ok {
				met[0]++
				met[third]++
			}
		}
		for i := range of {
			of[i] = met[i] / all[i]
		}
		return of
	}
	for i, of := range share("honest-hosts.txt") {
		if of*100_000 > 60 {
			t.Errorf("%.0f of 100,000 honest hosts resemble somebody (third %d)", of*100_000, i)
		}
	}
	for i, of := range share("impostors-missed.tsv") {
		if of < 0.5 {
			t.Errorf("%.0f %% of impostors are met (third %d)", of*100, i)
		}
	}
}

// Who is well known by itself is nobody's impostor: each name resembles somebody, or it need not be there; a person has
// looked at it; and none of them is on a list of scams.
func TestHostsThatAreKnownByThemselves(t *testing.T) {
	bare, err := official.Read(strings.NewReader(OwnBook()))
	if err != nil {
		t.Fatal(err)
	}
	book := ownNames(t)
	lines := namesIn(own, "supplement/known.txt")
	if !slices.IsSortedFunc(lines, func(a, b string) int { return strings.Compare(strings.TrimLeft(a, "-"), strings.TrimLeft(b, "-")) }) {
		t.Error("they are not sorted: go run ./scripts/known")
	}
	for _, line := range lines {
		host := strings.TrimLeft(line, "-")
		if _, ok := bare.Host(host); !ok {
			t.Errorf("%s resembles nobody: go run ./scripts/known", line)
		}
		if book.IsKnown(host) != (host == line) {
			t.Errorf("%s is known: %t", line, book.IsKnown(host))
		}
	}
	if n := len(knownHosts()); n > 500 {
		t.Errorf("there are %d of them", n)
	}
	for _, file := range []string{"impostors-missed.tsv", "vn-scam-hosts.txt"} {
		for _, host := range outside(t, file) {
			if book.IsKnown(host) {
				t.Errorf("%s of %s is hidden", host, file)
			}
		}
	}
}

// Whoever is in the book resembles nobody, at any depth, and neither does anybody under the name of another country.
func TestNobodyInTheBookResemblesAnother(t *testing.T) {
	book := ownNames(t)
	hosts := 0
	for line := range strings.Lines(OwnBook()) {
		text, _, _ := strings.Cut(line, "#")
		text, _, _ = strings.Cut(text, "|")
		for _, host := range strings.Fields(text) {
			host = strings.Replace(host, ".*", ".com", 1)
			for _, below := range []string{"", "www.", "login.", "facebook-login.", "paypal.com.", "xn--e1awd7f.a.b.c."} {
				hosts++
				if r, ok := book.Host(below + host); ok {
					t.Errorf("%s resembles %s by %s", below+host, r.Official, r.Rule)
				}
			}
		}
	}
	if hosts < 3000 {
		t.Errorf("the book has %d hosts", hosts)
	}
}

// What is marked travels in the book, which is comments to an extension that knows no marks, and leaves room for the
// rest of a supplement.
func TestMarksTravelInTheSupplement(t *testing.T) {
	text, _ := Book("")
	body, err := supplement.Encode(text, supplement.Body{})
	if err != nil || len(body) > release.MaxSupplement/4 {
		t.Errorf("the book has %d bytes: %v", len(body), err)
	}
	for _, mark := range []official.Mark{official.Coined, official.Famous, official.Common, official.Bait, official.Parcel, official.Shared, official.Known} {
		if !strings.Contains("\n"+text, "\n#!"+string(mark)+" ") {
			t.Errorf("there is no mark %s in it", mark)
		}
	}
	for line := range strings.Lines(text) {
		if strings.Contains(line, "#") && !official.IsMark(line) {
			t.Errorf("a comment is published: %.60s", line)
		}
	}
	book := ownNames(t)
	for host, want := range map[string]string{"viettelpay.weebly.com": "viettelmoney.vn", "faceb00k.blogspot.com": "facebook.com", "paczka-inpost.duckdns.org": "inpost.pl"} {
		if r, ok := book.Host(host); !ok || r.Official != want {
			t.Errorf("%s resembles %q, want %s", host, r.Official, want)
		}
	}
}

// An operator marks words in a book of their own.
func TestAnOperatorsMarks(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(folder+"/ours.txt", []byte("#!known vietcombank-fans.example\n#!common zalopay\nbank.example | The Bank # a bank\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, left := Book(folder)
	if len(left) > 0 {
		t.Fatal(left)
	}
	book, err := official.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := book.Host("vietcombank-fans.example"); ok {
		t.Error("the host is not known")
	}
	if _, ok := book.Host("my-zalopay-diary.example"); ok {
		t.Error("the word is not everybody's")
	}
	if _, ok := book.Host("my-vietcombank-diary.example"); !ok {
		t.Error("everything is known")
	}
}
