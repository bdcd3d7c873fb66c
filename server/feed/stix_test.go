package feed

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func stixOf(objects ...string) io.Reader {
	return strings.NewReader(`{"type":"bundle","objects":[` + strings.Join(objects, ",") + `]}`)
}

// anIndicator is one of STIX with a number, a time, a pattern and more members.
func anIndicator(n int, modified, pattern, more string) string {
	return fmt.Sprintf(`{"type":"indicator","id":"indicator--%d","created":"2026-01-01T00:00:00Z","modified":%q,"pattern_type":"stix","pattern":%q%s}`, n, modified, pattern, more)
}

// The objects of the sample each stand for a trap that somebody's importer has fallen into.
func TestTheEdgesOfSTIX(t *testing.T) {
	list := readSTIX(vector(t, "exchange/stix/edges.json"), Preset{})
	got := strings.ReplaceAll(said(t, list), "indicator--5f0f4c1a-0000-4000-8000-000000000", "")
	wants(t, got, `
101, line 2 a.example/it's/x?q=1 amber+strict
102, line 3 sold.example/ gone
103, line 5 refused: a pattern of which not all is understood: AND
104, line 6 a.example/
104, line 6 b.example/
104, line 6 c.example/x
105, line 7 refused: a pattern of which not all is understood: LIKE
106, line 8 facebook:id/999999999999999 suspected
107, line 9 refused: a rule of another tool, which names nothing that could be listed: yara
108, line 10 future.example/
109, line 11 www.bank.example/ disputed
110, line 12 google.com/
`)
	for c := range readSTIX(vector(t, "exchange/stix/edges.json"), Preset{}) {
		switch strings.TrimPrefix(c.ID, "indicator--5f0f4c1a-0000-4000-8000-000000000") {
		case "101":
			if c.Address != "https://a.example/it's/x?q=1" || c.First != 1793491200 || c.Lapses != 0 {
				t.Errorf("%+v", c)
			}
		case "104":
			if c.Lapses != 1794700800 {
				t.Errorf("%+v", c)
			}
		case "106":
			if c.Sure != 15 {
				t.Errorf("%+v", c)
			}
		}
	}
}

// All that OASIS shows as examples is read or refused for a reason that names what it is.
func TestTheExamplesOfOASIS(t *testing.T) {
	vector(t, "stix2.1/LICENSE")
	n, reasons := 0, map[string]int{}
	err := filepath.WalkDir("../../../shared/vectors/stix2.1/examples", func(path string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".json" {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		for c, err := range readSTIX(f, Preset{}) {
			if refused, ok := errors.AsType[*Refused](err); ok {
				reasons[refused.Why.Error()]++
			} else if err != nil {
				t.Errorf("%s: %v", path, err)
			} else {
				checkClaim(t, c)
				n++
			}
		}
		return nil
	})
	if err != nil || n < 60 {
		t.Error(n, err)
	}
	wants(t, fmt.Sprint(reasons), "map["+strings.Join([]string{
		"a pattern of which not all is understood: AND:2",
		"a pattern of which not all is understood: MATCHES:2",
		"a pattern of which not all is understood: file:hashes.'SHA-256':1",
		"a pattern of which not all is understood: file:hashes.md5:3",
		"a pattern of which not all is understood: file:name:2",
		"a range of addresses: name each of them:4",
		"no host name: letters, digits, hyphens and underscores between dots, or an IP address:1", // a sentence
	}, " ")+"]")
}

// A newer version counts, whichever order the two stand in, and takes back what only the older one named.
func TestTheNewestVersionCounts(t *testing.T) {
	older := anIndicator(1, "2026-01-02T00:00:00Z", "[domain-name:value = 'a.example' OR domain-name:value = 'b.example']", "")
	newer := anIndicator(1, "2026-01-02T00:00:00.001Z", "[domain-name:value = 'b.example']", "")
	other := anIndicator(2, "2026-01-01T00:00:00Z", "[domain-name:value = 'c.example']", "")
	wants(t, said(t, readSTIX(stixOf(older, other, newer, older, newer), Preset{})), `
indicator--1, line 1 a.example/
indicator--1, line 1 b.example/
indicator--2, line 2 c.example/
indicator--1, line 3 a.example/ gone
indicator--1, line 3 b.example/
`)
	wants(t, said(t, readSTIX(stixOf(newer, older), Preset{})), "indicator--1, line 1 b.example/\n")
	red := anIndicator(1, "2026-01-03T00:00:00Z", "[domain-name:value = 'b.example']", `,"object_marking_refs":["marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"]`)
	wants(t, said(t, readSTIX(stixOf(newer, red), Preset{})), `
indicator--1, line 1 b.example/
indicator--1, line 2 b.example/ gone
indicator--1, line 2 refused: marked TLP:RED: it is not for us to keep
`)
}

// Objects come in bundles, in envelopes of TAXII a line each, in lists and alone.
func TestWhatObjectsComeIn(t *testing.T) {
	one := func(n int) string {
		return anIndicator(n, "2026-01-01T00:00:00Z", fmt.Sprintf("[domain-name:value = 'n%d.example']", n), "")
	}
	wants(t, said(t, readSTIX(strings.NewReader(`{"more":true,"next":"x","objects":[`+one(1)+`]}
{}
{"more":false}
{"objects":[`+one(2)+`],"more":false}
[`+one(3)+`]
`+one(4)+`
{"type":"bundle","id":"bundle--1"}{"id":"bundle--2","objects":null,"type":"bundle"}
{"type":"identity","id":"identity--1","name":"Invented"}`), Preset{})), `
indicator--1, line 1 n1.example/
indicator--2, line 2 n2.example/
indicator--3, line 3 n3.example/
indicator--4, line 4 n4.example/
`)
	for text, want := range map[string]string{
		``:                              "",
		`{"title":"Not found"}`:         "ended: the list is not of the shape that was expected: no objects of STIX\n",
		`"text"`:                        "ended: the list is not of the shape that was expected: no objects of STIX\n",
		`{"objects":{}}`:                "ended: the list is not of the shape that was expected: objects is no list\n",
		`{"type":"bundle","objects":[{`: "ended: the list is not of the shape that was expected: it ends in the middle\n",
		`<stix:STIX_Package/>`:          "ended: the list is not of the shape that was expected: invalid character '<' looking for beginning of value\n",
		`[1,{"type":"indicator","id":7},{"type":"indicator","id":"x","created":"yesterday"},{"type":"indicator"}]`: `line 1 refused: not an object as STIX has it
line 2 refused: not an object as STIX has it
x, line 3 refused: not an object as STIX has it
line 4 refused: not an object as STIX has it
`,
	} {
		wants(t, said(t, readSTIX(strings.NewReader(text), Preset{})), want)
	}
}

// What an indicator is marked with says to whom it may be told: by STIX's own markings, by those of the list itself,
// and by the narrowest of several.
func TestWhoMayBeTold(t *testing.T) {
	marked := func(refs string) string {
		return anIndicator(1, "2026-01-01T00:00:00Z", "[domain-name:value = 'a.example']", `,"object_marking_refs":[`+refs+`]`)
	}
	define := func(id, more string) string {
		return `{"type":"marking-definition","id":"` + id + `","created":"2026-01-01T00:00:00Z",` + more + `}`
	}
	v2 := `"extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":{"tlp_2_0":"red"}}`
	statement := `"definition_type":"statement","definition":{"statement":"Copyright"}`
	for _, c := range []struct{ objects, want string }{
		{marked(`"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9","marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"`), "indicator--1, line 1 a.example/ green\n"},
		{marked(`"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"`), "indicator--1, line 1 a.example/ amber\n"},
		{marked(`"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"`), "indicator--1, line 1 refused: marked TLP:RED: it is not for us to keep\n"},
		{define("m1", `"definition_type":"tlp","definition":{"tlp":"amber"}`) + "," + marked(`"m1"`), "indicator--1, line 2 a.example/ amber\n"},
		{define("m1", v2) + "," + marked(`"m1"`), "indicator--1, line 2 refused: marked TLP:RED: it is not for us to keep\n"},
		{marked(`"m1"`) + "," + define("m1", statement), "indicator--1, line 1 a.example/\n"},
		{marked(`"m1"`) + "," + define("m1", v2), "indicator--1, line 1 a.example/\nended: the list is not of the shape that was expected: what TLP:RED marks stands before it is said to\n"},
		{anIndicator(1, "2026-01-01T00:00:00Z", "[domain-name:value = 'a.example']", `,"granular_markings":[{"marking_ref":"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1","selectors":["pattern"]}]`),
			"indicator--1, line 1 refused: marked TLP:RED: it is not for us to keep\n"},
	} {
		wants(t, said(t, readSTIX(stixOf(c.objects), Preset{})), c.want)
	}
}

// What an indicator is there for, and how sure its source is.
func TestWhatAnIndicatorIsThereFor(t *testing.T) {
	for more, want := range map[string]string{
		`,"indicator_types":["malicious-activity","attribution"]`: "",
		`,"indicator_types":["attribution"]`:                      " context",
		`,"indicator_types":["anonymization"]`:                    " context",
		`,"indicator_types":["benign"]`:                           " disputed",
		`,"labels":["benign"]`:                                    " disputed",
		`,"indicator_types":["compromised"]`:                      " hacked",
		`,"indicator_types":[]`:                                   "",
		`,"confidence":29`:                                        " suspected",
		`,"confidence":0`:                                         " suspected",
		`,"confidence":30`:                                        "",
		`,"confidence":15,"indicator_types":["benign"]`:           " disputed",
		`,"revoked":true`:                                         " gone",
	} {
		got := said(t, readSTIX(stixOf(anIndicator(1, "2026-01-01T00:00:00Z", "[domain-name:value = 'a.example']", more)), Preset{}))
		if want = "indicator--1, line 1 a.example/" + want + "\n"; got != want {
			t.Errorf("%s: %s", more, got)
		}
	}
}

// Patterns that name things, and those of which not all is understood.
func TestPatterns(t *testing.T) {
	for _, c := range [][2]string{
		{`[ipv4-addr:value = '192.0.2.7']`, "192.0.2.7/"},
		{`[ipv4-addr:value='192.0.2.7/32']`, "192.0.2.7/"},
		{`[ipv4-addr:value = '192.0.2.0/24']`, "a range of addresses"},
		{`[ipv4-addr:value = '84900000001']`, "no host name"},
		{`[ipv6-addr:value = '2001:DB8::1']`, "[2001:db8::1]/"},
		{`[email-addr:value = 'Somebody@invented.example']`, "email:somebody@invented.example"},
		{`[email-addr:value = 'invented.example']`, "no host name"},
		{`[domain-name:value = 'a.example/x']`, "no host name"},
		{`[domain-name:value = 'Đầu-tư.example']`, "xn--u-t-uqa21fb58j.example/"},
		{`[url:value = 'HXXPS://A.example/x']`, "a.example/x"},
		{`([url:value = 'https://a.example/x']) OR [domain-name:value = 'b.example']`, "a.example/x b.example/"},
		{`[(domain-name:value = 'a.example') OR (url:value = 'http://b.example/' OR domain-name:value = 'a.example')]`, "a.example/ b.example/"},
		{`[user-account:account_type = 'telegram' AND user-account:account_login = '@an_invented_name']`, "telegram:user/an_invented_name"},
		{`[user-account:account_login = 'an.invented.name' AND user-account:account_type = 'Facebook']`, "facebook:user/aninventedname"},
		{`[user-account:account_type = 'twitter' AND user-account:user_id = '12345' AND user-account:account_login = 'invented']`, "x:id/12345"},
		{`[user-account:account_type = 'telegram' AND user-account:user_id = '12345']`, "an account that is not known by what is said of it: on telegram"},
		{`[user-account:account_type = 'unix' AND user-account:user_id = 'root']`, "an account that is not known by what is said of it: on unix"},
		{`[user-account:user_id = '12345']`, "an account that is not known"},
		{`[user-account:account_type = 'facebook' AND user-account:user_id = '../groups/1']`, "an account that is not known"},
		{`[user-account:account_type = 'facebook' AND domain-name:value = 'a.example']`, ": AND"},
		{`[domain-name:value = 'a.example' AND ipv4-addr:value = '192.0.2.1']`, ": AND"},
		{`[domain-name:value = 'a.example' AND (url:value = 'b' OR url:value = 'c')]`, ": AND with OR inside"},
		{`[domain-name:value = 'a.example'] FOLLOWEDBY [url:value = 'b']`, ": FOLLOWEDBY"},
		{`[domain-name:value = 'a.example'] REPEATS 5 TIMES`, ": REPEATS"},
		{`[domain-name:value = 'a.example'] WITHIN 300 SECONDS`, ": WITHIN"},
		{`[domain-name:value = 'a.example'] START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'`, ": START"},
		{`[domain-name:value != 'a.example']`, ": !="},
		{`[domain-name:value NOT = 'a.example']`, ": NOT"},
		{`[domain-name:value IN ('a.example', 'b.example')]`, ": IN"},
		{`[domain-name:value MATCHES '.*']`, ": MATCHES"},
		{`[ipv4-addr:value ISSUBSET '192.0.2.0/24']`, ": ISSUBSET"},
		{`[EXISTS domain-name:value]`, ": EXISTS"},
		{`[file:hashes.'SHA-256' = 'e3']`, ": file:hashes.'SHA-256'"},
		{`[domain-name:resolves_to_refs[*].value = '192.0.2.1']`, ": domain-name:resolves_to_refs[*].value"},
		{`[network-traffic:dst_port = 443]`, ": 443"},
		{`[url:value = 'a\b.example']`, "an escape that there is not"},
		{`[url:value = 'a.example`, ": '"},
		{`[url:value = 'a.example'`, "it ends in the middle"},
		{`[url:value`, "it ends in the middle"},
		{``, "it ends in the middle"},
		{strings.Repeat("(", 5000) + `[url:value = 'a.example']`, "too many brackets"},
	} {
		var got []string
		for claim, err := range readSTIX(stixOf(anIndicator(1, "2026-01-01T00:00:00Z", c[0], "")), Preset{}) {
			if refused, ok := errors.AsType[*Refused](err); ok {
				got = append(got, refused.Why.Error())
			} else if err != nil {
				t.Fatal(err)
			} else {
				got = append(got, string(claim.Subject))
			}
		}
		if all := strings.Join(got, " "); all != c[1] && !(len(got) == 1 && strings.Contains(all, " ") && strings.Contains(all, c[1])) {
			t.Errorf("%s: %s; want %s", cut(c[0], 100), all, c[1])
		}
	}
}

// A text of a gigabyte, millions of alternatives, a bundle in a bundle in a bundle: each ends or is refused, and none
// fills the memory.
func TestEndlessSTIX(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	long := io.MultiReader(strings.NewReader(`{"type":"bundle","objects":[{"type":"indicator","name":"`), io.LimitReader(of('a'), 200<<20), strings.NewReader(`"}]}`))
	wants(t, said(t, readSTIX(long, Preset{})), "ended: the list is not of the shape that was expected: an object is larger than 24 MB\n")
	many := "[" + strings.Repeat("domain-name:value = 'a.example' OR ", 100_000) + "domain-name:value = 'a.example']"
	wants(t, said(t, readSTIX(stixOf(anIndicator(1, "2026-01-01T00:00:00Z", many, "")), Preset{})),
		"indicator--1, line 1 refused: a pattern of which not all is understood: more than 10000 comparisons\n")
	deep := strings.Repeat(`{"objects":[`, 100_000)
	if got := said(t, readSTIX(strings.NewReader(deep), Preset{})); !strings.HasPrefix(got, "ended: the list is not of the shape") {
		t.Error(got)
	}
	runtime.ReadMemStats(&after)
	if used := after.Sys - before.Sys; after.Sys > before.Sys && used > 200<<20 {
		t.Errorf("%d MB", used>>20)
	}
}

func FuzzSTIX(f *testing.F) {
	f.Add(`{"objects":[` + anIndicator(1, "2026-01-01T00:00:00Z", "[domain-name:value = 'a.example' OR url:value = 'b']", `,"confidence":7,"labels":["x"]`) + `]}`)
	f.Add(`[` + anIndicator(1, "2026-01-01T00:00:00Z", "[user-account:account_type = 'x' AND user-account:user_id = '1']", `,"revoked":true`) + `]`)
	f.Fuzz(func(t *testing.T, text string) {
		for c, err := range readSTIX(strings.NewReader(text), Preset{}) {
			if err == nil {
				checkClaim(t, c)
			}
		}
	})
}

// A pattern that is understood is the same when it is written down and read again.
func FuzzPattern(f *testing.F) {
	for _, text := range []string{
		`[url:value = 'it\'s\\x']`, `[a:b = 'c' AND d:e.'f'[*].g = 'h'] OR ([a:b='c'])`, `[(a:b = '' OR a:c = 'd')]`, `[a:'b c' = '[]()=']`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parsePattern(text)
		if err != nil {
			if !errors.Is(err, ErrPattern) || all != nil {
				t.Fatal(all, err)
			}
			return
		}
		again, err := parsePattern(all.String())
		if err != nil || fmt.Sprint(again) != fmt.Sprint(all) || len(again) != len(all) {
			t.Fatalf("%q is %q, and that is %q: %v", text, all, again, err)
		}
		for i := range all {
			for j, c := range all[i] {
				if again[i][j] != c {
					t.Fatalf("%q is %q, and that is %q", text, c, again[i][j])
				}
			}
		}
	})
}
