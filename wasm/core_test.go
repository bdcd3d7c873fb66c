package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
	"golang.org/x/mod/sumdb/note"

	"khien/shared/checker"
	"khien/shared/pow"
	"khien/shared/release"
	"khien/shared/report"
	"khien/shared/set"
	"khien/shared/subject"
	"khien/shared/supplement"
	"khien/shared/wire"
)

const now = int64(1763900000)

// others is how many entries the release has besides the two that the story is about.
const others = 20_000

// book is who is well known in that release.
const book = "facebook.com | Facebook\nvietcombank.com.vn | Vietcombank | facebook:user/ilovevcb\n"

// published is a release that lists one page and one account.
type published struct {
	root             string
	keys, head, body []byte
	supplement       []byte
	bucket           []byte
}

func publish(t testing.TB) published {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	key := func(name string) (note.Signer, string) {
		secret, public, err := note.GenerateKey(rand.Reader, name)
		must(err)
		signer, err := note.NewSigner(secret)
		must(err)
		return signer, public
	}
	root, rootKey := key("khien-root")
	signer, releaseKey := key("khien-release")
	keys, err := release.Keys{Sequence: 1, Issued: now, Expires: now + 1e7, Release: []string{releaseKey}}.Sign(root)
	must(err)

	page := subject.Subject("scam.example/").Digest()
	account := subject.Subject("tiktok:user/an.invented.name").Digest()
	// As large as real ones are: each message has a bound of its own.
	entries := []set.Entry{{Prefix: set.Prefix(page), Class: 5}, {Prefix: set.Prefix(account), Class: 1}}
	var crowd wire.Entries
	for i := range others {
		d := subject.Subject(fmt.Sprintf("other%d.example/", i)).Digest()
		entries = append(entries, set.Entry{Prefix: set.Prefix(d)})
		if i < 200 {
			crowd = append(crowd, wire.Entry{Digest: d[:], Category: "other"})
		}
	}
	body, err := set.Build(entries, nil)
	must(err)
	leaf, err := append(crowd, wire.Entry{Digest: page[:], Category: "shop", FirstSeen: now - 5, Reference: "KH-2025-000001", Reason: []wire.Text{{Lang: "vi", Text: "không giao hàng"}}}).MarshalMsg(nil)
	must(err)
	bucket, err := (&wire.Bucket{Leaf: leaf}).MarshalMsg(nil)
	must(err)
	enriched, err := supplement.Encode(book, supplement.Body{Hot: []string{"scam.example"}})
	must(err)
	head, err := release.Head{
		Supplement: release.DigestOf(enriched), SupplementSize: uint64(len(enriched)),
		Sequence: 3, Issued: now, Expires: now + 1e5, Keys: release.DigestOf(keys), Set: release.DigestOf(body), SetSize: uint64(len(body)),
		Count: uint64(len(entries)), Deltas: 3, BucketRoot: release.NewBucketTree([]release.Digest{release.LeafHash(leaf)}).Root(),
	}.Sign(signer)
	must(err)
	return published{rootKey, keys, head, body, enriched, bucket}
}

// ask sends one request through answer and decodes the reply, or returns the code of the refusal.
func ask(t testing.TB, answer func(op int32, request, body []byte) []byte, op int32, request msgp.Marshaler, body []byte, reply msgp.Unmarshaler) string {
	t.Helper()
	message, err := request.MarshalMsg(nil)
	if err != nil {
		t.Fatal(err)
	}
	got := answer(op, message, body)
	var refused failure
	if rest, err := refused.UnmarshalMsg(got); err != nil || len(rest) > 0 {
		t.Fatalf("op %d: a reply that is no map: % x", op, got)
	}
	if refused.Error.Code != "" {
		return refused.Error.Code
	}
	if rest, err := reply.UnmarshalMsg(got); err != nil || len(rest) > 0 {
		t.Fatalf("op %d: %v", op, err)
	}
	return ""
}

// story walks through what the extension asks of a core, from its first call on. It is told
// to the handler here and to the built reactor in reactor_test.go.
func story(t *testing.T, answer func(op int32, request, body []byte) []byte, made func() []byte) {
	p := publish(t)
	about := func(body []byte, op int32, request msgp.Marshaler, reply msgp.Unmarshaler, want string) {
		t.Helper()
		if code := ask(t, answer, op, request, body, reply); code != want {
			t.Fatalf("op %d: refused with %q, want %q", op, code, want)
		}
	}
	f := func(op int32, request msgp.Marshaler, reply msgp.Unmarshaler, want string) {
		t.Helper()
		about(nil, op, request, reply, want)
	}
	var hello helloReply
	if f(opHello, &subjectsRequest{}, &hello, ""); hello.Version != version {
		t.Errorf("version %d", hello.Version)
	}
	f(opCheck, &checkRequest{[]string{"https://scam.example/"}, now, "en"}, &checkReply{}, "not_open")
	sum := release.DigestOf(p.body)
	open := openRequest{p.root, p.keys, p.head, sum[:], now, p.supplement}
	forged := open
	forged.Head = bytes.Replace(p.head, []byte("sequence 3"), []byte("sequence 4"), 1)
	about(p.body, opOpen, &forged, &openReply{}, "signature")
	f(opCheck, &checkRequest{[]string{"https://scam.example/"}, now, "en"}, &checkReply{}, "not_open")
	f(opOpen, &open, &openReply{}, "truncated")
	f(opOpen, &openRequest{p.root, p.keys, p.head, sum[:9], now, p.supplement}, &openReply{}, "bad_request")
	wrong := release.DigestOf(nil)
	about(p.body, opOpen, &openRequest{p.root, p.keys, p.head, wrong[:], now, p.supplement}, &openReply{}, "digest")
	var opened openReply
	if about(p.body, opOpen, &open, &opened, ""); opened.Sequence != 3 || opened.Count != others+2 {
		t.Errorf("opened %+v", opened)
	}
	about(p.body, opOpen, &forged, &openReply{}, "signature") // and the one in use stays

	var checked checkReply
	f(opCheck, &checkRequest{[]string{
		"https://pay.scam.example/x", "https://www.tiktok.com/@An.Invented.Name/video/1", "https://good.example/", "about:blank", "nonsense",
	}, now, "vi"}, &checked, "")
	if name := checked.Findings[1].Shown; name != "Tài khoản TikTok an.invented.name" {
		t.Errorf("the account is called %q", name)
	}
	var told textReply
	f(opText, &textRequest{Selected: "xem tiktok.com/@An.Invented.Name, 0900 000 001", Now: now, Language: "en"}, &told, "")
	if len(told.Findings) != 2 || told.Findings[0].Verdict != "listed" || told.Findings[0].Shown != "TikTok account an.invented.name" {
		t.Errorf("the text: %+v", told.Findings)
	} else if last := told.Findings[len(told.Findings)-1]; last.Verdict != "unlisted" || last.Subject != "phone:+84900000001" || last.Shown != "Telephone number +84900000001" {
		t.Errorf("the number: %+v", last)
	}
	told = textReply{}
	f(opText, &textRequest{Selected: "hello", Now: now, Language: "en"}, &told, "")
	if got := told.Findings; len(got) != 1 || got[0].Verdict != "unknown" || got[0].Cause != "nothing" {
		t.Errorf("a text that names nothing: %+v", got)
	}
	told = textReply{}
	f(opText, &textRequest{Selected: strings.Repeat("0900000001 ", 1<<17), Now: now, Language: "en"}, &told, "")
	if got := told.Findings; len(got) != 1 || got[0].Verdict != "unknown" || got[0].Cause != "too_long" {
		t.Errorf("a text of a megabyte: %+v", got)
	}
	f(opText, &textRequest{Selected: "\xff", Now: now, Language: "en"}, &told, "subject")
	var resembling resembleReply
	f(opResemble, &resembleRequest{Href: "https://faceb00k.example/"}, &resembling, "")
	if got := resembling.Finding; got.Verdict != "caution" || got.Resembles != "facebook.com" || got.Rule != "letters" {
		t.Errorf("a host that looks like another: %+v", got)
	}
	resembling = resembleReply{}
	f(opResemble, &resembleRequest{Href: "https://good.example/", Name: "An Invented Bakery"}, &resembling, "")
	if got := resembling.Finding; got.Verdict != "unlisted" {
		t.Errorf("a host that looks like nobody's: %+v", got)
	}
	resembling = resembleReply{}
	f(opResemble, &resembleRequest{Href: "https://www.vietcombank.com.vn/", Name: "Vietcombank"}, &resembling, "")
	if got := resembling.Finding; got.Verdict != "unlisted" || got.Owner != "Vietcombank" {
		t.Errorf("the real one: %+v", got)
	}
	for _, href := range []string{"https://sites.google.com/view/a-scam", "https://www.facebook.com/a.scam", "https://www.google.com/", "https://a-bucket.s3.amazonaws.com/"} {
		resembling = resembleReply{}
		f(opResemble, &resembleRequest{Href: href}, &resembling, "")
		if got := resembling.Finding; got.Verdict != "unlisted" || got.Owner != "" {
			t.Errorf("%s, which may show anybody's page: %+v", href, got)
		}
	}
	if want := []byte{2, 2, 1, 0, 0}; !bytes.Equal(checked.Verdicts, want) {
		t.Errorf("verdicts %v, want %v", checked.Verdicts, want)
	}
	want := []string{"listed shop scam.example/", "listed phishing tiktok:user/an.invented.name", "unknown  ", "unknown  "}
	if len(checked.Findings) != len(want) {
		t.Fatalf("%d findings, want %d", len(checked.Findings), len(want))
	}
	for i, got := range checked.Findings {
		if line := got.Verdict + " " + got.Category + " " + got.Subject; line != want[i] {
			t.Errorf("finding %d: %q, want %q", i, line, want[i])
		}
	}
	if checked.Findings[2].Cause != "scheme" || checked.Findings[3].Cause != "not_normalised" {
		t.Errorf("causes %q and %q", checked.Findings[2].Cause, checked.Findings[3].Cause)
	}
	f(opCheck, &checkRequest{make([]string, maxHrefs+1), now, "en"}, &checkReply{}, "bad_request")

	var resolved resolveReply
	f(opResolve, &resolveRequest{"scam.example/", p.bucket, now, "en"}, &resolved, "")
	if r := resolved.Finding; r.Verdict != "listed" || !r.Confirmed || r.FirstSeen != now-5 || r.Reason["vi"] != "không giao hàng" {
		t.Errorf("resolved %+v", r)
	}
	f(opResolve, &resolveRequest{"scam.example/", []byte("<html>"), now, "en"}, &resolved, "bucket")
	f(opResolve, &resolveRequest{"SCAM.example/", p.bucket, now, "en"}, &resolved, "subject")

	var met meetReply
	f(opMeet, &meetRequest{Href: "https://late.example/a", Now: now}, &met, "")
	if len(met.Heads) != 6*checker.HeadSize || fmt.Sprint(met.Places) != "[web web web web web web]" { // with "www." and the slash
		t.Errorf("met %+v", met)
	}
	f(opMeet, &meetRequest{Href: "https://scam.example/a", Now: now}, &met, "")
	if len(met.Heads) != 0 || len(met.Places) != 0 {
		t.Errorf("of a listed page is kept %+v", met)
	}
	f(opMeet, &meetRequest{Selected: "MB Bank 0011000000001", Now: now}, &met, "")
	if fmt.Sprint(met.Places) != "[bank]" {
		t.Errorf("met %+v", met)
	}
	f(opMeet, &meetRequest{Href: "nonsense", Now: now}, &met, "not_normalised")
	listed := subject.Subject("scam.example/").Digest()
	heads := append(bytes.Repeat([]byte{7}, 2*checker.HeadSize), listed[:checker.HeadSize]...)
	var recalled recallReply
	f(opRecall, &recallRequest{heads, now}, &recalled, "")
	if fmt.Sprint(recalled.Listed) != "[2]" || len(recalled.Buckets) != 1 {
		t.Errorf("recalled %+v", recalled)
	}
	f(opRecall, &recallRequest{heads[1:], now}, &recalled, "bad_request")
	f(opRecall, &recallRequest{make([]byte, (maxHeads+1)*checker.HeadSize), now}, &recalled, "bad_request")
	var remembered resolveReply
	f(opRemember, &rememberRequest{listed[:checker.HeadSize], p.bucket, now, "en"}, &remembered, "")
	if r := remembered.Finding; r.Verdict != "listed" || !r.Confirmed || r.Reference != "KH-2025-000001" {
		t.Errorf("remembered %+v", r)
	}
	f(opRemember, &rememberRequest{listed[:5], p.bucket, now, "en"}, &remembered, "bad_request")
	f(opRemember, &rememberRequest{listed[:checker.HeadSize], []byte("<html>"), now, "en"}, &remembered, "bucket")

	var plan planReply
	if f(opPlan, &planRequest{"", p.head, nil, now}, &plan, ""); plan.Need != "nothing" || plan.Sequence != 3 {
		t.Errorf("plan %+v", plan)
	}
	f(opPlan, &planRequest{"", forged.Head, nil, now}, &plan, "signature")
	f(opPlan, &planRequest{"", p.head, nil, now + 1e6}, &plan, "expired")
	about(p.body[:20], opApply, &applyRequest{p.head, p.keys, "set", now}, &applyReply{}, "truncated")
	about(p.body, opApply, &applyRequest{p.head, p.keys, "program", now}, &applyReply{}, "kind")
	about(p.body, opApply, &applyRequest{p.head, p.keys, "delta", now}, &applyReply{}, "magic")
	var applied applyReply
	if about(p.body, opApply, &applyRequest{p.head, p.keys, "set", now}, &applied, ""); applied.Size != uint64(len(p.body)) || !bytes.Equal(made(), p.body) {
		t.Error("the set came back changed")
	}
	list, err := set.Open(p.body)
	if err != nil {
		t.Fatal(err)
	}
	same := set.Diff(list, sum, list)
	if about(same.Append(nil), opApply, &applyRequest{p.head, p.keys, "delta", now}, &applied, ""); !bytes.Equal(made(), p.body) {
		t.Error("a delta that changes nothing has changed something")
	}

	var sent reportReply
	f(opReport, &reportRequest{
		ID: bytes.Repeat([]byte{9}, 16), Kind: "scam", Href: "https://name:secret@www.tiktok.com/@An.Invented.Name?a=b#private", Title: strings.Repeat("Quà ", 100),
		Language: "vi-VN", Time: now + 77, Note: strings.Repeat("é", 2000),
	}, &sent, "")
	var r wire.Report
	if _, err := r.UnmarshalMsg(sent.Body); err != nil {
		t.Fatal(err)
	}
	if r.Href != "https://www.tiktok.com/@An.Invented.Name?a=b" || r.Subjects[0] != "tiktok:user/an.invented.name" {
		t.Errorf("the report says %q, %q", r.Href, r.Subjects)
	}
	if r.Time%3600 != 0 || now+77-r.Time >= 3600 || r.Language != "vi" {
		t.Errorf("the report tells the time %d and the language %q", r.Time, r.Language)
	}
	if len(r.Title) > report.MaxTitle || len(r.Note) > report.MaxNote || !strings.HasSuffix(r.Note, "é") {
		t.Errorf("a title of %d and a note of %d bytes", len(r.Title), len(r.Note))
	}
	f(opReport, &reportRequest{Href: "https://scam.example/a?" + strings.Repeat("x", 9000)}, &sent, "")
	if _, err := r.UnmarshalMsg(sent.Body); err != nil || r.Href != "https://scam.example/a" {
		t.Errorf("of a long address the report says %.50q, %v", r.Href, err)
	}
	f(opReport, &reportRequest{ID: bytes.Repeat([]byte{9}, 16), Kind: "scam", Href: "https://lucky-bank.example/", Links: []string{
		"https://collect.example/take?victim=900000000000001#top", "https://collect.example/take", "https://lucky-bank.example/help",
		"tel:+84900000001", "https://t.me/Invented_Boss", "javascript:alert(1)", "nonsense", "https://name:secret@pay.example/",
	}}, &sent, "")
	r = wire.Report{}
	if _, err := r.UnmarshalMsg(sent.Body); err != nil || fmt.Sprint(r.Links) != "[collect.example/take phone:+84900000001 telegram:user/invented_boss pay.example/]" {
		t.Errorf("links %q, %v", r.Links, err)
	}
	f(opReport, &reportRequest{Kind: "scam", Href: "https://www.facebook.com/invented.shop", Links: []string{"https://a-friend.example/", "tel:+84900000001"}}, &sent, "")
	r = wire.Report{}
	if _, err := r.UnmarshalMsg(sent.Body); err != nil || len(r.Links) != 0 {
		t.Errorf("of a page of a platform the report tells where it leads: %q, %v", r.Links, err)
	}
	many := make([]string, 300)
	for i := range many {
		many[i] = fmt.Sprintf("https://shop-%d.example/", i)
	}
	f(opReport, &reportRequest{Kind: "scam", Href: "https://lucky-bank.example/", Links: many}, &sent, "")
	if _, err := r.UnmarshalMsg(sent.Body); err != nil || len(r.Links) != wire.MaxLinks {
		t.Errorf("%d links, %v", len(r.Links), err)
	}

	// A proof of work is found in slices, and is one to whoever asked for it.
	challenge, id := bytes.Repeat([]byte{3}, 24), bytes.Repeat([]byte{9}, 16)
	var proof workReply
	for q := (workRequest{Challenge: challenge, ID: id, Tries: 500, Zeros: 12}); !proof.Found; q.From = proof.Number {
		f(opWork, &q, &proof, "")
	}
	if pow.Zeros(challenge, id, proof.Number) < 12 {
		t.Errorf("%d is no proof", proof.Number)
	}
	f(opWork, &workRequest{Challenge: challenge, ID: id, Tries: maxTries + 1}, &proof, "bad_request")
	f(opWork, &workRequest{Challenge: challenge, ID: id}, &proof, "bad_request")
	f(opWork, &workRequest{Challenge: challenge, ID: make([]byte, 41), Tries: 1}, &proof, "bad_request")
	f(opReport, &reportRequest{Kind: "mistake", Subject: "scam.example/"}, &sent, "")
	f(opReport, &reportRequest{Href: "chrome://settings/"}, &sent, "scheme")
	var named subjectsReply
	if f(opSubjects, &subjectsRequest{"https://a.b.example/c"}, &named, ""); fmt.Sprint(named.Subjects) != "[a.b.example/c a.b.example/ b.example/c b.example/]" {
		t.Errorf("subjects %q", named.Subjects)
	}
	f(99, &subjectsRequest{}, &named, "bad_request")
	f(-1, &subjectsRequest{}, &named, "bad_request")
}

// The popup and the menu ask the core and the command asks the same package: for the texts of the project's table, both
// name the same.
func TestATextNamesWhatTheCommandSays(t *testing.T) {
	table, err := os.ReadFile("../server/cmd/khien/testdata/wild/texts.tsv")
	if err != nil {
		t.Fatal(err)
	}
	p := publish(t)
	var c core
	answer := func(op int32, request, body []byte) []byte { return c.answer(op, request, body) }
	sum := release.DigestOf(p.body)
	if code := ask(t, answer, opOpen, &openRequest{p.root, p.keys, p.head, sum[:], now, p.supplement}, p.body, &openReply{}); code != "" {
		t.Fatal(code)
	}
	language := regexp.MustCompile(` \(language ([a-z]+)\)$`)
	n := 0
	for line := range strings.Lines(string(table)) {
		part := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(part) != 4 || part[1] != "subject" {
			continue
		}
		q := textRequest{Selected: strings.NewReplacer(`\t`, "\t", `\n`, "\n", `\r`, "\r").Replace(part[2]), Now: now, Language: "en"}
		if m := language.FindStringSubmatch(q.Selected); m != nil {
			q.Selected, q.Speaks = strings.TrimSuffix(q.Selected, m[0]), []string{m[1]}
		}
		var told textReply
		if code := ask(t, answer, opText, &q, nil, &told); code != "" {
			t.Fatalf("%q: %s", part[2], code)
		}
		var named []string
		for _, f := range told.Findings {
			named = append(named, f.Subject)
			if f.Subject == "" && (f.Verdict != "unknown" || f.Cause != "nothing") {
				t.Errorf("%q: %+v", part[2], f)
			}
		}
		for want := range strings.SplitSeq(part[3], " + ") {
			want, not := strings.CutPrefix(want, "!")
			want, isBank := strings.CutPrefix(want, "an account of bank ")
			if slices.ContainsFunc(named, func(s string) bool { return s == want || isBank && strings.HasPrefix(s, "bank:"+want+"/") }) == not {
				t.Errorf("%q names %q, and not as the command %q", part[2], named, part[3])
			}
		}
		n++
	}
	if n < 60 {
		t.Errorf("only %d texts", n)
	}
}

func TestTheHandler(t *testing.T) {
	var c core
	story(t, c.answer, func() []byte { return c.made })
}

// A mistake of ours is an answer like any other: the next call works.
func TestAPanicIsAnAnswer(t *testing.T) {
	var broken *core // asked for its checker, it panics
	if code := ask(t, broken.answer, opCheck, &checkRequest{}, nil, &checkReply{}); code != "panic" {
		t.Errorf("code %q", code)
	}
	var hello helloReply
	if code := ask(t, broken.answer, opHello, &checkRequest{}, nil, &hello); code != "" || hello.Version != version {
		t.Errorf("afterwards: %q", code)
	}
}

// hostile seeds a fuzz target with a request for each call, and what it is about.
func hostile(f *testing.F, p published, add func(op int32, request, body []byte)) {
	f.Helper()
	sum := release.DigestOf(p.body)
	for op, request := range map[int32]msgp.Marshaler{
		opOpen:     &openRequest{p.root, p.keys, p.head, sum[:], now, p.supplement},
		opCheck:    &checkRequest{[]string{"https://scam.example/"}, now, "en"},
		opResolve:  &resolveRequest{"scam.example/", p.bucket, now, "en"},
		opPlan:     &planRequest{"", p.head, p.keys, now},
		opApply:    &applyRequest{p.head, p.keys, "delta", now},
		opReport:   &reportRequest{ID: make([]byte, 16), Kind: "scam", Href: "https://scam.example/", Links: []string{"tel:+84900000001"}},
		opSubjects: &subjectsRequest{"https://a.b.example/c"},
		opText:     &textRequest{Selected: "Vietcombank 0011000000001, t.me/invented_name", Now: now, Language: "vi"},
		opResemble: &resembleRequest{Href: "https://xn--fceplace-16gd.example/", Name: "FacePalace"},
		opWork:     &workRequest{Challenge: make([]byte, 24), ID: make([]byte, 16), Tries: maxTries, Zeros: 64},
		opMeet:     &meetRequest{Selected: "Vietcombank 0011000000001", Now: now},
		opRecall:   &recallRequest{make([]byte, checker.HeadSize), now},
		opRemember: &rememberRequest{make([]byte, checker.HeadSize), p.bucket, now, "vi"},
	} {
		message, err := request.MarshalMsg(nil)
		if err != nil {
			f.Fatal(err)
		}
		add(op, message, p.body[:200])
	}
	for _, op := range []int32{opHello, opSupplement, 0, -1, 16, 1 << 30} {
		add(op, []byte{0x80}, nil)
	}
}

// sound fails unless reply is a map and no mistake of ours.
func sound(t *testing.T, op int32, request, reply []byte) {
	t.Helper()
	var r failure
	if rest, err := r.UnmarshalMsg(reply); err != nil || len(rest) > 0 {
		t.Fatalf("op %d: % x", op, reply)
	}
	if r.Error.Code == "panic" || r.Error.Code == "internal" {
		t.Fatalf("op %d: %q on % x", op, r.Error.Code, request)
	}
}

// Whatever bytes come, with whatever they are about, a reply goes out that is a map, a refusal has a name, and the
// release in use stays in use.
func FuzzAnswer(f *testing.F) {
	p := publish(f)
	var c core
	sum := release.DigestOf(p.body)
	if code := ask(f, c.answer, opOpen, &openRequest{p.root, p.keys, p.head, sum[:], now, p.supplement}, p.body, &openReply{}); code != "" {
		f.Fatal(code)
	}
	hostile(f, p, func(op int32, request, body []byte) { f.Add(op, request, body) })
	f.Fuzz(func(t *testing.T, op int32, request, body []byte) {
		sound(t, op, request, c.answer(op, request, body))
		sound(t, op, request, c.answer(op, request, p.body))
		var checked checkReply
		if ask(t, c.answer, opCheck, &checkRequest{[]string{"https://scam.example/"}, now, "en"}, nil, &checked); !bytes.Equal(checked.Verdicts, []byte{2}) {
			t.Fatalf("after op %d the list is another", op)
		}
	})
}
