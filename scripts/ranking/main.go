// Ranking makes the sets of server/publish/ranking out of checkouts of public lists:
//
//	go run ./scripts/ranking -out server/publish/ranking SOURCE=DIR...
//
// A source is one of those below; README.md in that folder says where each is to be had.
package main

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"khien/server/publish"
	"khien/shared/set"
	"khien/shared/subject"
)

// A source reads a checkout and hands over hosts and addresses as they stand there.
type source struct {
	licence string
	read    func(dir string, add func(text string, as publish.RankedAs)) error
}

const noncommercial = "CC BY-NC-SA 4.0"

var sources = map[string]source{
	"misp-warninglists":         {"CC0 1.0", misp},
	"twofactorauth":             {"MIT", twoFactor},
	"password-manager":          {"MIT", passwordManager},
	"university-domains":        {"MIT", universities},
	"simple-icons":              {"CC0 1.0", addresses("data/simple-icons.json")},
	"svgl":                      {"MIT", addresses("src/data/svgs.ts")},
	"fdic-bank-websites":        {"BSD 3-Clause", lines("urls.txt", publish.RankedBank)},
	"credit-union-websites":     {"CC0 1.0", creditUnions},
	"domain-list-community":     {"MIT", domainLists},
	"related-website-sets":      {"Apache 2.0", addresses("related_website_sets.JSON")},
	"citizenlab-test-lists":     {noncommercial, citizenLab},
	"open-banking-tracker-data": {noncommercial, openBanking},
}

func main() {
	log.SetFlags(0)
	out := flag.String("out", "server/publish/ranking", "the folder to write to")
	flag.Parse()
	given := map[string]bool{}
	free, rest := map[string]publish.RankedAs{}, map[string]publish.RankedAs{}
	args := flag.Args()
	slices.Sort(args)
	for _, arg := range args {
		name, dir, _ := strings.Cut(arg, "=")
		from, known := sources[name]
		if !known {
			log.Fatalf("there is no source %q", name)
		}
		given[name] = true
		into := free
		if from.licence == noncommercial {
			into = rest
		}
		read, kept := 0, 0
		err := from.read(dir, func(text string, as publish.RankedAs) {
			read++
			name, ok := publish.Ranked(hostOf(text))
			if !ok {
				return
			}
			if into[name] == publish.Unranked {
				kept++
			}
			into[name] = max(into[name], as)
		})
		if err != nil {
			log.Fatalf("%s: %v", arg, err)
		}
		fmt.Printf("%-26s %-16s %7d read, %6d new names\n", name, from.licence, read, kept)
	}
	for name := range sources {
		if !given[name] {
			log.Fatalf("where is %s?", name)
		}
	}
	for name, as := range free {
		if rest[name] <= as {
			delete(rest, name)
		}
	}
	write(filepath.Join(*out, "free.set"), free)
	write(filepath.Join(*out, "noncommercial.set"), rest)
}

// hostOf reads a host or an address as it stands in a list; "" for what is none.
func hostOf(text string) string {
	host := strings.ToLower(strings.TrimSpace(text))
	if _, rest, ok := strings.Cut(host, "://"); ok {
		host = rest
	}
	if end := strings.IndexAny(host, "/?#:"); end >= 0 {
		host = host[:end]
	}
	host = strings.Trim(host, ".")
	if s, err := subject.Parse(host + "/"); err != nil || s.IsAccount() {
		return ""
	}
	return host
}

func write(file string, names map[string]publish.RankedAs) {
	var entries []set.Entry
	for name, as := range names {
		entries = append(entries, set.Entry{Prefix: set.Prefix(subject.Subject(name + "/").Digest()), Class: uint8(as)})
	}
	slices.SortFunc(entries, func(a, b set.Entry) int { // two names with one prefix: the highest class
		return cmp.Or(cmp.Compare(a.Prefix, b.Prefix), cmp.Compare(b.Class, a.Class))
	})
	entries = slices.CompactFunc(entries, func(a, b set.Entry) bool { return a.Prefix == b.Prefix })
	body, err := set.Build(entries, nil)
	if err == nil {
		err = os.WriteFile(file, body, 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %d entries, %d bytes, SHA-256 %x\n", file, len(entries), len(body), sha256.Sum256(body))
}

// lines reads a file with a host or an address a line.
func lines(file string, as publish.RankedAs) func(string, func(string, publish.RankedAs)) error {
	return func(dir string, add func(string, publish.RankedAs)) error {
		f, err := os.Open(filepath.Join(dir, file))
		if err != nil {
			return err
		}
		defer f.Close()
		l := bufio.NewScanner(f)
		for l.Scan() {
			if text := strings.TrimSpace(l.Text()); text != "" && text[0] != '#' {
				add(text, as)
			}
		}
		return l.Err()
	}
}

func misp(dir string, add func(string, publish.RankedAs)) error {
	for list, as := range map[string]publish.RankedAs{
		"cloudflare-top100k": publish.PopularHost, "tranco10k": publish.PopularHost, "majestic_million": publish.PopularHost,
		"alexa": publish.PopularHost, "moz-top500": publish.PopularHost, "university_domains": publish.PopularHost, "google": publish.PopularHost,
		"microsoft": publish.PopularHost, "apple": publish.PopularHost, "cisco_top20k": publish.PopularHost, "crl-hostname": publish.PopularHost, "dax30": publish.PopularHost, "captive-portals": publish.PopularHost, "whats-my-ip": publish.PopularHost,
		"security-provider-blogpost": publish.PopularHost, "automated-malware-analysis": publish.PopularHost,
		"covid": publish.PopularHost, "covid-19-krassi-whitelist": publish.PopularHost, "covid-19-cyber-threat-coalition-whitelist": publish.PopularHost,
		"bank-website": publish.RankedBank, "url-shortener": publish.RankedShared, "link-in-bio": publish.RankedShared, "lots-project": publish.RankedShared,
	} {
		var file struct{ List []string }
		if err := readJSON(filepath.Join(dir, "lists", list, "list.json"), &file); err != nil {
			return err
		}
		for _, text := range file.List {
			add(text, as)
		}
	}
	return nil
}

func twoFactor(dir string, add func(string, publish.RankedAs)) error {
	return filepath.WalkDir(filepath.Join(dir, "entries"), func(file string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".json" {
			return err
		}
		var entries map[string]struct {
			Domain string
			Others []string `json:"additional-domains"`
		}
		if err := readJSON(file, &entries); err != nil {
			return err
		}
		for _, e := range entries {
			for _, host := range append(e.Others, e.Domain) {
				add(host, publish.PopularHost)
			}
		}
		return nil
	})
}

var quoted = regexp.MustCompile(`"(?:https?://)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)[/"]`)

func passwordManager(dir string, add func(string, publish.RankedAs)) error {
	files, err := filepath.Glob(filepath.Join(dir, "quirks", "*.json"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, m := range quoted.FindAllSubmatch(text, -1) {
			add(string(m[1]), publish.PopularHost)
		}
	}
	return err
}

var address = regexp.MustCompile(`(?i)https?://[a-z0-9.-]+`)

// addresses reads all addresses in a file: of brands, each with the site that its sign was taken from.
func addresses(file string) func(string, func(string, publish.RankedAs)) error {
	return func(dir string, add func(string, publish.RankedAs)) error {
		text, err := os.ReadFile(filepath.Join(dir, file))
		for _, found := range address.FindAll(text, -1) {
			add(string(found), publish.PopularHost)
		}
		return err
	}
}

func universities(dir string, add func(string, publish.RankedAs)) error {
	var file []struct {
		Domains []string
		Pages   []string `json:"web_pages"`
	}
	if err := readJSON(filepath.Join(dir, "world_universities_and_domains.json"), &file); err != nil {
		return err
	}
	for _, u := range file {
		for _, text := range append(u.Domains, u.Pages...) {
			add(text, publish.PopularHost)
		}
	}
	return nil
}

// domainLists reads lists of whose hosts are whose: "host", "full:host" or "domain:host" a line, with an attribute or a
// comment behind it. Lists of advertising and of what somebody keeps out are not of honest sites.
func domainLists(dir string, add func(string, publish.RankedAs)) error {
	files, err := filepath.Glob(filepath.Join(dir, "data", "*"))
	for _, file := range files {
		if name := filepath.Base(file); strings.Contains(name, "-ads") || strings.HasSuffix(name, "porn") || name == "win-spy" || name == "win-extra" {
			continue
		}
		err := lines(filepath.Base(file), publish.PopularHost)(filepath.Dir(file), func(text string, as publish.RankedAs) {
			text, _, _ = strings.Cut(text, "#")
			text, _, ads := strings.Cut(text, "@ads")
			text, _, _ = strings.Cut(text, "@")
			kind, host, found := strings.Cut(strings.TrimSpace(text), ":")
			switch {
			case ads:
			case !found:
				add(kind, as)
			case kind == "full" || kind == "domain":
				add(host, as)
			}
		})
		if err != nil {
			return err
		}
	}
	return err
}

func creditUnions(dir string, add func(string, publish.RankedAs)) error {
	return column(filepath.Join(dir, "data", "processed", "scraped-websites.csv"), "website", publish.RankedBank, add)
}

func citizenLab(dir string, add func(string, publish.RankedAs)) error {
	return filepath.WalkDir(filepath.Join(dir, "lists"), func(file string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".csv" || strings.HasPrefix(d.Name(), "00-") {
			return err
		}
		return column(file, "url", publish.PopularHost, add)
	})
}

func openBanking(dir string, add func(string, publish.RankedAs)) error {
	return filepath.WalkDir(filepath.Join(dir, "data", "account-providers"), func(file string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".json" {
			return err
		}
		var provider struct{ WebsiteURL string } // often without a scheme
		if err := readJSON(file, &provider); err != nil {
			return err
		}
		add(provider.WebsiteURL, publish.PopularHost)
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		return addresses(name)(dir, add)
	})
}

func readJSON(file string, into any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// column reads one column of a CSV file with a header.
func column(file, name string, as publish.RankedAs, add func(string, publish.RankedAs)) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.LazyQuotes, r.FieldsPerRecord = true, -1
	rows, err := r.ReadAll()
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if len(rows) == 0 {
		return nil
	}
	at := slices.Index(rows[0], name)
	if at < 0 {
		return nil
	}
	for _, row := range rows[1:] {
		if at < len(row) {
			add(row[at], as)
		}
	}
	return nil
}
