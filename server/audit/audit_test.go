package audit

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"khien/server/bidi"
	"khien/server/db"
	"khien/server/db/dbtest"
	"khien/shared/subject"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// older is the table as it was when an entry was a sentence, with three of them, as the program wrote them then.
const older = `
CREATE TABLE audit (seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, object TEXT NOT NULL, why TEXT NOT NULL, hash BLOB NOT NULL) STRICT;
INSERT INTO audit VALUES (1, 100, 'mai', 'list shop.example/', 'case 1', 'took money', x'fab9ed805fec1815ff52bc14a7542c1a1c98f5f6bf0b3b6f44a585bf3e8105c8');
INSERT INTO audit VALUES (2, 101, 'linh', 'second', 'case 1', '', x'68abd2583075d9d7e63d5a53a798da8f0149cdadf51d33f71ba90874d362d0be');
INSERT INTO audit VALUES (3, 102, 'root@shell', 'import csv: 2 indicators', 'the demo list', '', x'ac9e2334b7c9e26b3f35361295a331cd2a2b726bbcaa1ac02285ba67f176b8fb');
`

// book opens a log; with sentences, one that goes on from entries of before.
func book(t *testing.T, sentences string) *db.DB {
	t.Helper()
	acts, err := os.ReadFile("../triage/tables/0004_acts.sql")
	if err != nil {
		t.Fatal(err)
	}
	store, err := db.Open(dbtest.Place(t, "audit.db"), db.Tables{Package: "audit", Files: fstest.MapFS{"a/1.sql": {Data: []byte(sentences)}, "a/2.sql": {Data: acts}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func (a Act) in(t *testing.T, store *db.DB) error {
	t.Helper()
	return store.Change(t.Context(), func(tx *sql.Tx) error { return Record(t.Context(), tx, a) })
}

// three things that people did, each about another thing than the one before.
func three() []Act {
	return []Act{
		{Time: 103, Actor: "mai", Verb: List, Object: Numbered[int64](OfCase, 1), Args: Args{Names: []subject.Subject{"shop.example/"}}, Why: Why{Text: "took money"}},
		{Time: 104, Actor: "linh", Verb: Second, Object: Numbered[int64](OfCase, 1), Why: Why{Proof: Proof{Passkey: "0a1b2c3d", Digest: strings.Repeat("0", 64)}}},
		{Time: 105, Actor: "mai", Verb: Publish, Object: Numbered[uint64](OfRelease, 2), Args: Args{Count: 12, Added: 1}},
	}
}

func filled(t *testing.T, sentences string) *db.DB {
	t.Helper()
	store := book(t, sentences)
	for _, a := range three() {
		if err := a.in(t, store); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// Whoever changes the log behind the program's back is found out, and so is who knows how the hashes are made but not
// what a mark elsewhere says.
func TestAttacksOnTheLog(t *testing.T) {
	store := filled(t, older)
	if last, err := Verify(t.Context(), store); err != nil || last.Seq != 6 {
		t.Fatalf("%v, %v", last, err)
	}
	for what, attack := range map[string]string{
		"another name":                      `UPDATE audit SET actor = 'somebody' WHERE seq = 5`,
		"another time":                      `UPDATE audit SET time = time + 1 WHERE seq = 4`,
		"another verb":                      `UPDATE audit SET verb = 'withdraw' WHERE seq = 4`,
		"another object":                    `UPDATE audit SET object = 'case 2' WHERE seq = 4`,
		"another kind of object":            `UPDATE audit SET object = 'report 1' WHERE seq = 4`,
		"another argument":                  `UPDATE audit SET args = '{"names":["honest.example/"]}' WHERE seq = 4`,
		"a number more":                     `UPDATE audit SET args = '{"count":12,"added":11}' WHERE seq = 6`,
		"another passkey":                   `UPDATE audit SET args = replace(args, '0a1b2c3d', '0a1b2c3e') WHERE seq = 5`,
		"another reason":                    `UPDATE audit SET why = 'took nothing' WHERE seq = 4`,
		"an argument moved into the reason": `UPDATE audit SET why = args || why, args = '{}' WHERE seq = 4`,
		"a letter moved over":               `UPDATE audit SET actor = actor || 'l', verb = 'ist' WHERE seq = 4`,
		"a sentence changed":                `UPDATE audit SET args = 'list honest.example/' WHERE seq = 1`,
		"a letter of a sentence moved over": `UPDATE audit SET args = args || 'c', object = substr(object, 2) WHERE seq = 2`,
		"an act made a sentence":            `UPDATE audit SET verb = 'said', args = 'list shop.example/' WHERE seq = 4`,
		"a sentence made an act":            `UPDATE audit SET verb = 'list', args = '{"names":["shop.example/"]}' WHERE seq = 1`,
		"an entry put in before the first":  `INSERT INTO audit (seq, time, actor, verb, object, args, why, hash) SELECT 0, time, 'linh', verb, object, args, why, hash FROM audit WHERE seq = 4`,
		"an entry put in long before":       `INSERT INTO audit (seq, time, actor, verb, object, args, why, hash) SELECT -7, time, 'linh', verb, object, args, why, hash FROM audit WHERE seq = 4`,
		"an entry before all times":         `INSERT INTO audit (seq, time, actor, verb, object, args, why, hash) SELECT 7, -9223372036854775808, 'linh', verb, object, args, why, hash FROM audit WHERE seq = 4`,
		"an entry left out":                 `DELETE FROM audit WHERE seq = 5`,
		"the first left out":                `DELETE FROM audit WHERE seq = 1`,
		"entries exchanged":                 `UPDATE audit SET seq = CASE seq WHEN 4 THEN -5 ELSE -4 END WHERE seq IN (4, 5); UPDATE audit SET seq = -seq WHERE seq < 0`,
		"a sentence and an act exchanged":   `UPDATE audit SET seq = CASE seq WHEN 3 THEN -4 ELSE -3 END WHERE seq IN (3, 4); UPDATE audit SET seq = -seq WHERE seq < 0`,
	} {
		err := store.Change(t.Context(), func(tx *sql.Tx) error {
			if _, err := tx.Exec(attack); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			_, err := Verify(t.Context(), tx)
			return err // and nothing of it stays
		})
		if !errors.Is(err, ErrAudit) {
			t.Errorf("%s: %v, want ErrAudit", what, err)
		}
	}
}

// Who can make the hashes anew still can't have the log hold what no act says, nor go back to sentences once there are
// acts.
func TestAttacksByWhoMakesTheHashesAnew(t *testing.T) {
	store := filled(t, older)
	noted, err := Last(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	forge := func(tx *sql.Tx) {
		var before [32]byte
		all := []Act{}
		for a, err := range Acts(t.Context(), tx, Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, a)
		}
		for _, a := range all {
			before = a.sum(before)
			if _, err := tx.Exec(`UPDATE audit SET hash = ? WHERE seq = ?`, before[:], a.Seq); err != nil {
				t.Fatal(err)
			}
		}
	}
	for what, attack := range map[string]string{
		"a verb of their own":            `UPDATE audit SET verb = 'bless' WHERE seq = 5`,
		"an argument of another verb":    `UPDATE audit SET args = '{"count":1}' WHERE seq = 5`,
		"the same argument twice":        `UPDATE audit SET args = '{"names":["a.example/"],"names":["shop.example/"]}' WHERE seq = 4`,
		"the arguments in another order": `UPDATE audit SET args = '{"added":1,"count":12}' WHERE seq = 6`,
		"a blank more":                   `UPDATE audit SET args = '{"names": ["shop.example/"]}' WHERE seq = 4`,
		"an object of no kind":           `UPDATE audit SET object = 'nothing 1' WHERE seq = 4`,
		"back to sentences":              `UPDATE audit SET verb = 'said', args = 'agree' WHERE seq = 5`,
	} {
		err := store.Change(t.Context(), func(tx *sql.Tx) error {
			if _, err := tx.Exec(attack); err != nil {
				t.Fatal(err)
			}
			forge(tx)
			for a, err := range Acts(t.Context(), tx, Filter{}) { // it can be read all the same
				if err != nil || a.What("vi") == "" {
					t.Errorf("%s: %+v, %v", what, a, err)
				}
			}
			_, err := Verify(t.Context(), tx)
			return err
		})
		if broken, ok := errors.AsType[*Broken](err); !ok || broken.What != "changed" {
			t.Errorf("%s: %v, want what was changed", what, err)
		}
	}
	err = store.Change(t.Context(), func(tx *sql.Tx) error { // what an act may say is found out by the mark alone
		if _, err := tx.Exec(`UPDATE audit SET why = 'gave nothing' WHERE seq = 4`); err != nil {
			t.Fatal(err)
		}
		forge(tx)
		if _, err := Verify(t.Context(), tx); err != nil {
			t.Errorf("without a mark: %v", err)
		}
		_, err := Verify(t.Context(), tx, noted)
		return err
	})
	if broken, ok := errors.AsType[*Broken](err); !ok || broken.What != "noted" || broken.Entry != 6 {
		t.Errorf("%v", err)
	}
}

// No two acts have the bytes of one, wherever a text ends and the next begins.
func TestNoTwoActsHaveOneHash(t *testing.T) {
	long := Args{Names: []subject.Subject{"a.example/", "b.example/"}}
	acts := []Act{
		{Actor: "mai", Verb: List, Object: Object{OfCase, "1"}, Args: long},
		{Actor: "mail", Verb: "ist", Object: Object{OfCase, "1"}, Args: long},
		{Actor: "mai", Verb: List, Object: Object{OfCase, "1"}, Args: Args{Names: []subject.Subject{"a.example/,b.example/"}}},
		{Actor: "mai", Verb: List, Object: Object{OfCase, "1"}, Args: Args{Names: []subject.Subject{`a.example/","b.example/`}}},
		{Actor: "mai", Verb: List, Object: Object{OfCase, "1"}, Args: Args{Off: long.Names}},
		{Actor: "mai", Verb: List, Object: Object{OfCase, "1"}, Args: Args{Names: long.Names[:1], Off: long.Names[1:]}},
		{Actor: "mai", Verb: List, Object: Object{OfCase, "1"}, Args: long, Why: Why{Text: "x"}},
		{Actor: "mai", Verb: List, Object: Object{OfCase, "1"}, Args: long, Why: Why{Proof: Proof{Passkey: "x"}}},
		{Actor: "mai", Verb: List, Object: Object{OfCase, "1"}, Args: long, Why: Why{Proof: Proof{Digest: "x"}}},
		{Actor: "mai", Verb: List, Object: Object{OfCase, "11"}, Args: long},
		{Actor: "mai", Verb: List, Object: Object{OfCard, "1"}, Args: long},
		{Actor: "mai", Verb: Said, Object: Object{OfCase, "1"}},
	}
	seen := map[[32]byte]int{}
	for i, a := range acts {
		if a.args = a.encode(); a.Verb == Said {
			a.args = "list"
		}
		sum := a.sum([32]byte{})
		if other, twice := seen[sum]; twice {
			t.Errorf("%d and %d have the same hash", other, i)
		}
		seen[sum] = i
	}
}

// What was said before there were verbs is read as it is, proved, and gone on from.
func TestEntriesOfBefore(t *testing.T) {
	store := book(t, older)
	before, err := Verify(t.Context(), store)
	if err != nil || before.Seq != 3 {
		t.Fatalf("%v, %v", before, err)
	}
	if err := three()[0].in(t, store); err != nil {
		t.Fatal(err)
	}
	if last, err := Verify(t.Context(), store, before); err != nil || last.Seq != 4 {
		t.Errorf("%v, %v", last, err)
	}
	acts, err := Newest(t.Context(), store, Filter{Object: "case 1"}, 10)
	if err != nil || len(acts) != 3 {
		t.Fatalf("%+v, %v", acts, err)
	}
	if old := acts[2]; old.Verb != Said || old.What("vi") != "list shop.example/" || old.Because("vi") != "took money" || old.Object.Text("vi") != "vụ 1" {
		t.Errorf("%+v", old)
	}
	if all, err := Newest(t.Context(), store, Filter{Actor: "root@shell"}, 10); err != nil || len(all) != 1 || all[0].Object.Text("pl") != "the demo list" {
		t.Errorf("%+v, %v", all, err)
	}
	if err := (Act{Actor: "mai", Verb: Said, Object: Object{OfCase, "1"}}).in(t, store); !errors.Is(err, ErrAct) {
		t.Errorf("a sentence now: %v", err)
	}
}

func TestWhatTheLogDoesNotTake(t *testing.T) {
	store := book(t, older)
	f := func(a Act, want bool) {
		t.Helper()
		if a.Actor == "" {
			a.Actor = "mai"
		}
		if err := a.in(t, store); errors.Is(err, ErrAct) == want || err != nil && !errors.Is(err, ErrAct) {
			t.Errorf("%+v: %v", a, err)
		}
	}
	one := Object{OfCase, "1"}
	f(Act{Verb: Reject, Object: one}, true)
	f(Act{Verb: "bless", Object: one}, false)
	f(Act{Verb: "", Object: one}, false)
	f(Act{Verb: Reject, Object: Object{"nothing", "1"}}, false)
	f(Act{Verb: Reject, Object: Object{OfCase, ""}}, false)
	f(Act{Verb: Reject, Object: Object{OfQueue, "1"}}, false)
	f(Act{Verb: Reject, Object: one, Args: Args{Count: 1}}, false)
	f(Act{Verb: Move, Object: Object{OfTakedown, "1"}, Args: Args{State: "sent"}}, true)
	f(Act{Verb: Move, Object: Object{OfTakedown, "1"}, Args: Args{State: "lost"}}, false)
	f(Act{Verb: Reject, Object: one, Why: Why{Text: strings.Repeat("x", maxText)}}, true)
	f(Act{Verb: Reject, Object: one, Why: Why{Text: strings.Repeat("x", maxText+1)}}, false)
	f(Act{Verb: List, Object: one, Args: Args{Names: make([]subject.Subject, maxNames)}}, true)
	f(Act{Verb: List, Object: one, Args: Args{Names: make([]subject.Subject, maxNames+1)}}, false)
	f(Act{Verb: DraftCard, Object: Object{OfCard, "a\xff\x00b"}}, true) // is written down as text
	f(Act{Verb: List, Object: one, Args: Args{Names: []subject.Subject{"a\xffb", "\\ufffd\u2028"}, Of: "\xe9"}}, true)
	if last, err := Verify(t.Context(), store); err != nil || last.Seq != 9 {
		t.Errorf("%v, %v", last, err)
	}
}

// An act is read as it was written; nothing else is read as it, and no two are written alike.
func FuzzArguments(f *testing.F) {
	for _, a := range three() {
		f.Add(a.encode(), string(a.Args.By), a.Args.Case)
	}
	f.Add(`{"names":["a","b"],"alone":true}`, "a<b>&\u2028\u202e", int64(-1))
	f.Add(`{"count":1e0}`, "\"", int64(0))
	f.Fuzz(func(t *testing.T, text, by string, number int64) {
		var a Act
		if err := a.decode(text); err == nil && a.encode() != text {
			t.Errorf("%q is read, and written as %q", text, a.encode())
		}
		b := a
		b.Args.By, b.Args.Case = strings.ToValidUTF8(by, "?"), number
		var again Act
		if err := again.decode(b.encode()); err != nil || !reflect.DeepEqual(again.Args, normal(b.Args)) || again.Why.Passkey != b.Why.Passkey {
			t.Errorf("%+v is read as %+v, %v", b, again, err)
		}
		if same := a.Args.By == b.Args.By && a.Args.Case == b.Args.Case; same != (a.encode() == b.encode()) {
			t.Errorf("%q and %q", a.encode(), b.encode())
		}
	})
}

// normal has no list that is empty and there: what says nothing is the zero value.
func normal(a Args) Args {
	for _, list := range []*[]subject.Subject{&a.Names, &a.Off, &a.Left} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	if len(a.Beside) == 0 {
		a.Beside = nil
	}
	return a
}

// Every verb and all that may be said of it, every word of the program, every kind of object and every way in which a
// log is broken can be read in every language, with the same places.
func TestEverythingIsReadInEveryLanguage(t *testing.T) {
	const every = `{"names":["x","y"],"off":["x"],"left":["x"],"rest":7,"from":7,"case":7,"of":"7","far":"x","alone":true,"count":7,"added":7,"changed":7,"removed":7,
		"draft":"x","by":"x","made":7,"clock":true,"key":"x","format":"x","source":"x","theirs":"x","minutes":7,"two":"","guard":"","cause":"","beside":"","role":"","state":""}`
	var samples map[string]any
	if err := json.Unmarshal([]byte(every), &samples); err != nil || len(samples)+1 != reflect.TypeFor[Args]().NumField() {
		t.Fatalf("%d arguments, %v", len(samples), err)
	}
	list := map[string][]string{} // the words of the program by the argument
	most := 0
	for _, name := range closed {
		for key := range said.Keys("en") {
			if word, ok := strings.CutPrefix(key, name+"."); ok {
				list[name] = append(list[name], word)
			}
		}
		most = max(most, len(list[name]))
	}
	for _, lang := range said.Languages {
		f := func(text string) {
			t.Helper()
			if text == "" || strings.ContainsAny(text, "⟦⟧{}") {
				t.Errorf("%s: %q", lang, text)
			}
		}
		for _, verb := range slices.Sorted(maps.Keys(verbs)) {
			for n := range most {
				args := map[string]any{"failed": n%2 == 1}
				for _, name := range verbs[verb] {
					if args[name] = samples[name]; samples[name] == nil {
						t.Fatalf("%s may have %q, which is no argument", verb, name)
					}
					if words := list[name]; name == "beside" {
						args[name] = words
					} else if len(words) > 0 {
						args[name] = words[n%len(words)]
					}
				}
				text, err := json.Marshal(args)
				if err != nil {
					t.Fatal(err)
				}
				a := Act{Actor: "mai", Verb: verb, Object: Object{OfCase, "1"}, Why: Why{Text: "x", Proof: Proof{Passkey: "x", Digest: "x", Report: "x"}}}
				if err := json.Unmarshal(text, &a.Args); err != nil {
					t.Fatal(err)
				}
				if err := a.check(); err != nil {
					t.Fatalf("%s: %v", verb, err)
				}
				f(a.What(lang))
				f(a.Because(lang))
			}
		}
		for kind := range kinds {
			f(Object{kind, "1"}.Text(lang))
		}
		for _, what := range []string{"changed", "noted", "missing", "none"} {
			f((&Broken{What: what, Entry: 5, Left: 4}).Text(lang))
		}
		for key, text := range said.Keys(lang) { // that there are all, and all plural forms, package words tests
			plain, _, _ := strings.Cut(key, "[")
			if !slices.Equal(places(text), places(said.Text("en", plain))) {
				t.Errorf("%s has other places in %s: %q", lang, key, text)
			}
		}
	}
}

func places(text string) (all []string) {
	for {
		_, rest, found := strings.Cut(text, "{")
		if !found {
			slices.Sort(all)
			return all
		}
		var place string
		place, text, _ = strings.Cut(rest, "}")
		all = append(all, place)
	}
}

func TestWordsOfActs(t *testing.T) {
	f := func(lang string, a Act, want string) {
		t.Helper()
		got := a.What(lang)
		if because := a.Because(lang); because != "" {
			got += " | " + because
		}
		if got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
	listed := Act{Verb: List, Args: Args{Names: []subject.Subject{"shop.example/", "other.example/"}, Off: []subject.Subject{"old.example/"}, Two: "suffix", Of: "github.io"}, Why: Why{Text: "100 {names} ⟦x⟧"}}
	f("en", listed, "list shop.example/, other.example/ | 100 {names} ⟦x⟧; takes off the list: old.example/; a second person must agree: a host of github.io")
	f("vi", listed, "đưa vào danh sách shop.example/, other.example/ | 100 {names} ⟦x⟧; gỡ khỏi danh sách: old.example/; cần người thứ hai đồng ý: một trang thuộc github.io")
	f("pl", listed, "wpisano na listę shop.example/, other.example/ | 100 {names} ⟦x⟧; zdejmuje z listy: old.example/; musi się zgodzić druga osoba: host w github.io")
	for n, want := range map[int][2]string{
		0: {"delete 0 pictures", "usunięto 0 obrazów"}, 1: {"delete 1 picture", "usunięto 1 obraz"}, 2: {"delete 2 pictures", "usunięto 2 obrazy"},
		5: {"delete 5 pictures", "usunięto 5 obrazów"}, 12: {"delete 12 pictures", "usunięto 12 obrazów"}, 22: {"delete 22 pictures", "usunięto 22 obrazy"},
		1112: {"delete 1,112 pictures", "usunięto 1\u00a0112 obrazów"},
	} {
		f("en", Act{Verb: DeletePictures, Args: Args{Count: n}}, want[0])
		f("pl", Act{Verb: DeletePictures, Args: Args{Count: n}}, want[1])
	}
	f("vi", Act{Verb: Publish, Args: Args{Count: 34467, Added: 1200}}, "phát hành 34.467 mục, thêm 1.200, gỡ 0")
	f("en", Act{Verb: Merge, Args: Args{Case: 12345}}, "put case 12345 into this one")
	f("en", Act{Verb: Delay, Args: Args{Minutes: 720}}, "let releases wait 12 hours")
	f("en", Act{Verb: Delay, Args: Args{Minutes: 90}}, "let releases wait 90 minutes")
	f("en", Act{Verb: Publish, Args: Args{Count: 1, By: "mai", Made: 1763900000}}, "publish 1 entry, 0 added, 0 taken off | proposed by mai at 2025-11-23 12:13 UTC, and stopped by nobody")
	f("en", Act{Verb: Publish, Args: Args{Count: 2, Alone: true, Two: "many", Of: "61"}, Why: Why{Text: "the national list"}}, "publish 2 entries, 0 added, 0 taken off | the national list; alone: 61 subjects at once")
	f("en", Act{Verb: Invite, Args: Args{Role: "admin", Alone: true, Failed: true}}, "failed: invite as admin | alone")
	f("en", Act{Verb: "bless"}, "⟦verb.bless⟧")
	f("tlh", Act{Verb: Reject}, "reject")
	// What others wrote turns nothing around it: it is set apart until it is on a page.
	hebrew := Act{Verb: Merge, Why: Why{Text: "\u05d0 \u202e"}}
	if got := bidi.Plain(hebrew.Because("en")); got != "\u2068\u05d0 [U+202E]\u2069" {
		t.Errorf("%q", got)
	}
}

// The log that is written for others holds all that its hashes are made of.
func TestTheLogForOthers(t *testing.T) {
	store := filled(t, older)
	var lines, table bytes.Buffer
	cell := func(text string) string { return "'" + text }
	if err := Write(&lines, "jsonl", cell, Acts(t.Context(), store, Filter{Actor: "mai"})); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		`{"seq":1,"time":100,"actor":"mai","verb":"said","object":"case 1","args":"list shop.example/","why":"took money","hash":"`,
		`{"seq":4,"time":103,"actor":"mai","verb":"list","object":"case 1","args":{"names":["shop.example/"]},"why":"took money","hash":"`,
		`{"seq":6,"time":105,"actor":"mai","verb":"publish","object":"release 2","args":{"count":12,"added":1},"why":"","hash":"`,
	} {
		if line := strings.Split(lines.String(), "\n")[i]; !strings.HasPrefix(line, want) {
			t.Errorf("%s, want %s", line, want)
		}
	}
	if err := Write(&table, "csv", cell, Acts(t.Context(), store, Filter{Since: 105})); err != nil {
		t.Fatal(err)
	}
	if got := table.String(); !strings.HasPrefix(got, "seq,time,actor,verb,object,what,why,hash\n6,1970-01-01T00:01:45Z,'mai,'publish,'release 2,\"'publish 12 entries, 1 added, 0 taken off\",',") {
		t.Errorf("%s", got)
	}
}

// Whoever leafs through what somebody did, or through what was done lately, meets each act once, the latest first, also
// where a clock went back.
func TestThePagesOfOneWhoActed(t *testing.T) {
	store := book(t, strings.SplitAfter(older, "STRICT;")[0])
	for n := range int64(40) {
		a := Act{Time: 1000 + n, Actor: []string{"mai", "linh"}[n%2], Verb: Withdraw, Object: Numbered[int64](OfCase, n%3)}
		if n > 30 {
			a.Time -= 20
		}
		if err := a.in(t, store); err != nil {
			t.Fatal(err)
		}
	}
	f := func(filter Filter, want int) {
		t.Helper()
		last := Act{Time: 1 << 40}
		met := 0
		for {
			acts, err := Newest(t.Context(), store, filter, 7)
			if err != nil {
				t.Fatal(err)
			}
			if len(acts) == 0 {
				break
			}
			for _, a := range acts {
				later := a.Time > last.Time || a.Time == last.Time && a.Seq >= last.Seq
				if filter.Object != "" {
					later = met > 0 && a.Seq >= last.Seq
				}
				if later || filter.Actor != "" && a.Actor != filter.Actor || a.Time < filter.Since || filter.Object != "" && a.Object.String() != filter.Object {
					t.Errorf("%+v shows %+v after %+v", filter, a, last)
				}
				last = a
				met++
			}
			filter.Before = last.Seq
		}
		if met != want {
			t.Errorf("%+v: %d acts, want %d", filter, met, want)
		}
	}
	f(Filter{Actor: "mai"}, 20)
	f(Filter{Since: 1015}, 21)
	f(Filter{Actor: "linh", Since: 1015}, 11)
	f(Filter{Actor: "mai", Object: "case 1"}, 6)
	f(Filter{Object: "case 1", Since: 1010}, 10)
	f(Filter{Actor: "nobody"}, 0)
}
