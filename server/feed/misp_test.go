package feed

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// The event of somebody else: two domains are listed, two accounts wait for a person, a real site is context, what is
// told to nobody is not kept, and an account at a bank that nobody knows is refused by that.
func TestAnEventOfOthers(t *testing.T) {
	got := strings.ReplaceAll(said(t, readMISP(vector(t, "exchange/misp-event/event.json"), Preset{})), "5f0f4c1a-0000-4000-8000-0000000000", "")
	wants(t, got, `
11, line 1 fake-jobs.example/ amber+strict
12, line 2 refused: marked TLP:RED: it is not for us to keep
13, line 3 www.bank.example/ context amber+strict
14, line 4 a.fake-jobs.example/ amber+strict
15, line 5 struck.example/ gone amber+strict
16, line 6 phone:+84900000001 context amber+strict
17, line 7 refused: a type of attribute that names nothing that could be listed: sha256
21, line 8 facebook:group/999999999999998 suspected amber+strict
31, line 9 telegram:user/invented_channel suspected amber+strict
41, line 10 refused: not an account number beside the name of a bank that is known
`)
	for c, err := range readMISP(vector(t, "exchange/misp-event/event.json"), Preset{}) {
		if err == nil && c.Place.Line == 1 && (c.Category.Slug() != "phishing" || c.First != 1795750000 || c.Text != "landing page" || c.ID != c.Place.Name) {
			t.Errorf("%+v", c)
		}
	}
}

func TestAFeedOfOthers(t *testing.T) {
	list := readMISP(vector(t, "exchange/misp-feed/33333a27-d369-5a1f-bc49-2fd546de6217.json"), Preset{})
	var got []string
	for line := range strings.Lines(said(t, list)) {
		_, line, _ = strings.Cut(line, ", ")
		got = append(got, line)
	}
	wants(t, strings.Join(got, ""), `
line 1 lucky-gift.example/ clear
line 2 pay.lucky-gift.example/ clear
line 3 xn--vit-5kz.example/ clear
line 4 1.2.3.4.example/ clear
line 5 sites.example.org/view/it's-a-gift/?id=1&x='y' clear
line 6 shared-host.example.net/u/*bank^login|x clear
line 7 sold.example/ context gone clear
line 8 email:gift@lucky-gift.example clear
line 9 with_underscore.example/ clear
line 10 facebook:id/999999999999999 suspected clear
line 11 facebook:user/aninventedpage suspected clear
`)
	wants(t, said(t, readMISP(vector(t, "exchange/misp-feed/manifest.json"), Preset{})), "ended: the list is not of the shape that was expected: no events of MISP\n")
}

// anAttribute is one of MISP, with more members.
func anAttribute(kind, value, more string) string {
	return fmt.Sprintf(`{"uuid":"u","type":%q,"value":%q,"to_ids":true%s}`, kind, value, more)
}

// anObject is one of MISP; each attribute is "relation type value".
func anObject(name string, attributes ...string) string {
	var all []string
	for _, a := range attributes {
		f := strings.SplitN(a, " ", 3)
		all = append(all, fmt.Sprintf(`{"uuid":"a","object_relation":%q,"type":%q,"value":%q,"to_ids":false}`, f[0], f[1], f[2]))
	}
	return fmt.Sprintf(`{"uuid":"o","name":%q,"Attribute":[%s]}`, name, strings.Join(all, ","))
}

// What servers answer, and what lists are made of: events in a list, attributes with and without one, a line each.
func TestWhatEventsComeIn(t *testing.T) {
	one := anAttribute("domain", "a.example", "")
	two := anAttribute("domain", "b.example", `,"to_ids":"0","deleted":"1","timestamp":1795143660`)
	wants(t, said(t, readMISP(strings.NewReader(`{"response":[{"Event":{"info":"x","Attribute":[`+one+`],"Tag":[{"name":"tlp:green"}]}},{"Event":{"Attribute":[]}}]}
{"response":{"Attribute":[`+one+`,`+two+`]}}
{"response":{"Attribute":[]}}
{"response":[{"Object":`+anObject("telegram-account", "username text an_invented_name")+`}]}
[{"Event":{"Attribute":[`+one+`]}}]
{"Attribute":`+one+`}
{"Event":{"Attribute":null,"Object":null}}
{"response":[]}
[]`), Preset{})), `
u, line 1 a.example/ green
u, line 2 a.example/
u, line 3 b.example/ context gone
o, line 4 telegram:user/an_invented_name suspected
u, line 5 a.example/
u, line 6 a.example/
`)
	for text, want := range map[string]string{
		``: "",
		`{"name":"Authentication failed.","message":"x","url":"/events/restSearch"}`: "no events of MISP",
		`{"response":7}`:              "no events of MISP",
		`{"Event":[]}`:                "no events of MISP",
		`{"Event":{"Attribute":7}}`:   "no list of MISP",
		`{"Event":{"Attribute":[`:     "it ends in the middle",
		`[[[[[[{"Event":{}}]]]]]]`:    "no events of MISP",
		`{"Event":{"Attribute":[7]}}`: "one that can't be read",
	} {
		if got := said(t, readMISP(strings.NewReader(text), Preset{})); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// Each type of attribute names its own kind of thing, or is refused by its name.
func TestAttributes(t *testing.T) {
	for _, c := range []struct{ kind, value, more, want string }{
		{"hostname", "a.example", "", "a.example/"},
		{"hostname|port", "a.example|443", "", "a.example/"},
		{"ip-dst|port", "192.0.2.7|443", "", "192.0.2.7/"},
		{"ip-src", "2001:db8::1", "", "[2001:db8::1]/"},
		{"ip-dst", "192.0.2.0/24", "", "refused: a range of addresses: name each of them"},
		{"url", "https://t.me/an_invented_name", "", "telegram:user/an_invented_name"},
		{"twitter-id", "@invented", "", "x:user/invented"},
		{"email-src", "Gift@a.example", "", "email:gift@a.example"},
		{"email-dst", "victim@a.example", "", "email:victim@a.example context"},
		{"phone-number", "a.example", "", "refused: a type of attribute that names nothing that could be listed: phone-number"},
		{"iban", "PL61109010140000071219812874", "", "bank:10901014/PL61109010140000071219812874"},
		{"bank-account-nr", "0000000001", "", "refused: not an account number beside the name of a bank that is known"},
		{"btc", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "", "wallet:bitcoin/1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"},
		{"domain", "a.example/x", "", "refused: no host name: letters, digits, hyphens and underscores between dots, or an IP address"},
		{"md5", "x", "", "refused: a type of attribute that names nothing that could be listed: md5"},
		{"domain", "a.example", `,"warnings":[{"warninglist_name":"Top 1000"}]`, "a.example/ context"},
		{"domain", "a.example", `,"warninglist":{"3":"x"}`, "a.example/ context"},
		{"domain", "a.example", `,"warnings":[]`, "a.example/"},
		{"domain", "a.example", `,"Tag":[{"name":"tlp:white"},{"name":"TLP:AMBER"}]`, "a.example/ amber"},
		{"domain", "a.example", `,"Tag":[{"name":"tlp:violet"}]`, "refused: marked TLP:RED: it is not for us to keep"},
		{"domain", "a.example", `,"Tag":[{"name":"tlp:ex:chr"}]`, "a.example/"},
	} {
		got := said(t, readMISP(strings.NewReader(`{"Attribute":`+anAttribute(c.kind, c.value, c.more)+`}`), Preset{}))
		wants(t, got, "u, line 1 "+c.want+"\n")
	}
}

// An object that is an account is one thing: by the address that leads to it, or by its number or name.
func TestObjects(t *testing.T) {
	for object, want := range map[string]string{
		anObject("facebook-group", "id text 999999999999998", "group-name text Việc nhẹ"):                                         "facebook:group/999999999999998 suspected",
		anObject("facebook-group", "group-name text Việc nhẹ"):                                                                    "refused: an account that is not known by what is said of it: on facebook-group",
		anObject("facebook-page", "page-id text aninventedpage", "team-member text Somebody", "contact-detail url http://a.exam"): "facebook:user/aninventedpage suspected",
		anObject("facebook-page", "link link https://web.archive.org/x", "page-id text 999999999999999"):                          "facebook:id/999999999999999 suspected",
		anObject("instagram-account", "account-name text invented.name"):                                                          "instagram:user/invented.name suspected",
		anObject("twitter-account", "id text 12345", "name text invented"):                                                        "x:id/12345 suspected",
		anObject("youtube-channel", "channel-id text UCaaaaaaaaaaaaaaaaaaaaaa"):                                                   "youtube:channel/UCaaaaaaaaaaaaaaaaaaaaaa suspected",
		anObject("telegram-account", "id text 12345", "phone text +84900000001"):                                                  "refused: an account that is not known by what is said of it: on telegram-account",
		anObject("user-account", "account-type text Telegram", "username text an_invented_name"):                                  "telegram:user/an_invented_name suspected",
		anObject("user-account", "account-type text unix", "username text root"):                                                  "refused: an account that is not known by what is said of it: on unix",
		anObject("social-media-group", "platform text Telegram", "link link https://t.me/an_invented_name"):                       "telegram:user/an_invented_name suspected",
		anObject("bank-account", "iban iban PL61109010140000071219812874"):                                                        "bank:10901014/PL61109010140000071219812874 suspected",
		anObject("bank-account", "account bank-account-nr 000 000 0001", "institution-name text Vietcombank"):                     "bank:970436/0000000001 suspected",
		anObject("bank-account", "account bank-account-nr 0000000001", "institution-code text 970436"):                            "bank:970436/0000000001 suspected",
		anObject("phone", "msisdn text +84900000001", "text text whose"):                                                          "phone:+84900000001 suspected",
		anObject("phishing", "target text Bank", "phishtank-detail-url link https://tank.example/1"):                              "tank.example/1 context",
		anObject("domain-ip", "domain domain a.example", "first-seen datetime 2026-01-01"):                                        "a.example/ context",
	} {
		got := said(t, readMISP(strings.NewReader(`{"Object":[`+object+`]}`), Preset{}))
		if _, got, _ = strings.Cut(strings.TrimSpace(got), "line 1 "); got != want {
			t.Errorf("%s: %s; want %s", object, got, want)
		}
	}
	marked := strings.ReplaceAll(anObject("facebook-account", "account-id text 999999999999999", "url url https://a.example/x"), `"to_ids":false`, `"to_ids":true`)
	wants(t, said(t, readMISP(strings.NewReader(`{"Object":[`+marked+`,`+strings.Replace(marked, `"uuid":"o"`, `"uuid":"o","deleted":true`, 1)+`]}`), Preset{})), `
o, line 1 facebook:id/999999999999999
a, line 1 a.example/x
o, line 2 facebook:id/999999999999999 gone
a, line 2 a.example/x gone
`)
}

// An event without an end, and one with a text without an end: each is refused, and none fills the memory.
func TestEndlessEvents(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	one := anAttribute("domain", "a.example", "")
	many := `{"Event":{"Attribute":[` + strings.Repeat(one+",", maxHeld) + one + `]}}` + `{"Event":{"Attribute":[` + one + `]}}`
	wants(t, said(t, readMISP(strings.NewReader(many), Preset{})), `
line 100001 refused: an event of more than 100,000 attributes
u, line 100002 a.example/
`)
	long := io.MultiReader(strings.NewReader(`{"Event":{"Attribute":[{"data":"`), io.LimitReader(of('a'), 200<<20), strings.NewReader(`"}]}}`))
	wants(t, said(t, readMISP(long, Preset{})), "ended: the list is not of the shape that was expected: an object is larger than 24 MB\n")
	if got := said(t, readMISP(strings.NewReader(strings.Repeat(`{"response":[`, 100_000)), Preset{})); !strings.HasPrefix(got, "ended: ") {
		t.Error(got)
	}
	runtime.ReadMemStats(&after)
	if after.Sys > before.Sys+250<<20 {
		t.Errorf("%d MB", (after.Sys-before.Sys)>>20)
	}
}

func FuzzMISP(f *testing.F) {
	f.Add(`{"Event":{"info":"x","Tag":[{"name":"tlp:amber"}],"Attribute":[` + anAttribute("domain|ip", "a.example|192.0.2.1", `,"deleted":1`) + `],"Object":[` +
		anObject("facebook-account", "account-id text 1", "link link https://www.facebook.com/a") + `]}}`)
	f.Add(`{"response":{"Attribute":[` + anAttribute("url", "http://a.example", `,"warnings":[1]`) + `]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		for c, err := range readMISP(strings.NewReader(text), Preset{}) {
			if err == nil {
				checkClaim(t, c)
			} else if refused, ok := errors.AsType[*Refused](err); ok && refused.Why == nil {
				t.Fatal("refused without a reason")
			}
		}
	})
}
