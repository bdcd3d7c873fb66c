package office

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/inbox"
	"khien/server/triage"
	"khien/shared/subject"
)

// lists makes the ledger of an earlier khien, on which the cases have put something.
func lists(t *testing.T, path string, names ...string) {
	t.Helper()
	tables, err := fs.Sub(before, "before/ledger")
	if err != nil {
		t.Fatal(err)
	}
	book, err := db.Open(path, db.Tables{Package: "ledger", Files: tables})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		_, err := book.ExecContext(t.Context(), `INSERT INTO indicator (subject, category, source, reference, reason, first_seen, lapses) VALUES (?, 1, 'report', 'KH-C5', '{}', 150, 0)`, name)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := book.Close(); err != nil {
		t.Fatal(err)
	}
}

// A desk from before cases had several subjects is upgraded with all it holds: what was merged, split off, listed,
// objected to, and decided anew; and its kits are joined when reports are gathered next.
func TestAnOlderDesk(t *testing.T) {
	folder := t.TempDir()
	older := fstest.MapFS{}
	for _, name := range []string{"0001_cases.sql", "0002_progress.sql", "0003_appeals.sql", "0004_earlier.sql"} {
		text, err := before.ReadFile("before/triage/tables/" + name)
		if err != nil {
			t.Fatal(err)
		}
		older["triage/"+name] = &fstest.MapFile{Data: text}
	}
	db, err := db.Open(filepath.Join(folder, "triage.db"), db.Tables{Package: "triage", Files: older})
	if err != nil {
		t.Fatal(err)
	}
	const one = `INSERT INTO cases (id, subject, platform, state, opened, latest, changed, reports, appeals, sources, category, protected, score, burst, noted, action, lists, decided, settled, published, earlier, appealed) VALUES `
	const member = `INSERT INTO members (report, id, case_id, kind, received, source, category, noted) VALUES `
	for _, step := range []string{
		one + `(1, 'one.example/', '', 'open', 100, 120, 100, 2, 0, 2, 'shop', 0, 9, 1, 1, '', '', '', 0, 0, '', 0)`,
		one + `(2, 'two.example/', '', 'open', 110, 110, 110, 1, 0, 1, '', 0, 9, 1, 0, '', '', '', 0, 0, '', 0)`,
		one + `(3, 'facebook:user/merged', 'facebook', 'open', 100, 140, 100, 2, 0, 2, '', 0, 9, 1, 0, '', '', '', 0, 0, '', 0)`,
		one + `(4, 'facebook:id/9', 'facebook', 'merged', 140, 140, 140, 0, 0, 0, '', 0, 9, 1, 0, '', '', '', 0, 0, '', 0)`,
		one + `(5, 'listed.example/', '', 'accepted', 150, 160, 170, 1, 1, 1, 'shop', 0, 9, 1, 0, 'list', 'listed.example/pay', 'mai', 1, 7, '', 160)`,
		one + `(6, 'leaving.example/', '', 'accepted', 150, 160, 170, 1, 1, 1, 'shop', 0, 9, 1, 0, 'withdraw', 'leaving.example/', 'mai', 0, 0,
			json_object('state', 'accepted', 'action', 'list', 'lists', 'leaving.example/', 'category', 'shop', 'reason', '{}', 'lapses', 0, 'ruled', 1, 'decided', 'linh', 'seconded', '', 'published', 3, 'changed', 155), 160)`,
		one + `(7, 'apart.example/', '', 'open', 100, 100, 100, 1, 0, 1, '', 0, 9, 1, 0, '', '', '', 0, 0, '', 0)`,
		`UPDATE cases SET into_case = 3 WHERE id = 4`,
		`INSERT INTO names VALUES ('one.example/', 1), ('two.example/', 2), ('facebook:user/merged', 3), ('facebook:id/9', 3), ('listed.example/', 5), ('leaving.example/', 6), ('apart.example/', 7)`,
		member + `(1, x'01', 1, 'scam', 100, x'aa', 'shop', 1), (2, x'02', 1, 'scam', 120, x'ab', '', 0), (3, x'03', 2, 'scam', 110, x'aa', '', 0)`,
		member + `(4, x'04', 3, 'scam', 100, x'aa', '', 0), (5, x'05', 3, 'scam', 140, x'ac', '', 0), (6, x'06', 5, 'scam', 150, x'aa', '', 0), (7, x'07', 5, 'mistake', 160, x'ba', '', 0)`,
		member + `(8, x'08', 6, 'scam', 150, x'aa', '', 0), (9, x'09', 6, 'mistake', 160, x'ba', '', 0), (10, x'0a', 7, 'scam', 100, x'aa', '', 0)`,
		`INSERT INTO leads VALUES (1, 'telegram:user/boss'), (2, 'telegram:user/boss'), (3, 'telegram:user/boss'), (10, 'telegram:user/boss')`,
		`INSERT INTO audit VALUES (1, 100, 'mai', 'split off case 7', 'case 1', '', zeroblob(32))`,
	} {
		if _, err := db.ExecContext(t.Context(), step); err != nil {
			t.Fatalf("%s: %v", step, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	lists(t, filepath.Join(folder, "ledger.db"), "listed.example/pay", "leaving.example/")

	base, err := Open(t.Context(), folder, folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { base.Close() })
	desk := triage.Open(base)
	box, err := inbox.Open(filepath.Join(folder, "inbox.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	if _, err := desk.Gather(t.Context(), box); err != nil {
		t.Fatal(err)
	}
	f := func(id int64, subjects, reports, sources, appeals int) triage.Case {
		t.Helper()
		c, err := desk.Get(t.Context(), id)
		if err != nil || c.Subjects != subjects || c.Reports != reports || c.Sources != sources || c.Appeals != appeals {
			t.Errorf("%+v, %v", c, err)
		}
		return c
	}
	f(1, 2, 3, 2, 0) // joined with case 2
	if c := f(2, 0, 0, 0, 0); c.State != triage.StateMerged || c.Into != 1 {
		t.Errorf("%+v", c)
	}
	f(3, 2, 2, 2, 0)
	f(4, 0, 0, 0, 0)
	if c := f(5, 1, 1, 1, 1); fmt.Sprint(c.Lists) != "[{listed.example/ listed.example/pay 150}]" || c.Published != 7 {
		t.Errorf("%+v", c)
	}
	f(6, 1, 1, 1, 1)
	if c, err := desk.Undo(t.Context(), 6, "linh", audit.Why{}); err != nil || c.Action != triage.List || fmt.Sprint(c.About()) != "[leaving.example/]" {
		t.Errorf("%+v, %v", c, err)
	}
	for id, want := range map[int64]string{5: "listed.example/pay", 6: "leaving.example/"} {
		if off, err := desk.Replaced(t.Context(), triage.Case{ID: id, Ruling: triage.Ruling{Action: triage.Reject}}); err != nil || len(off) != 1 || string(off[0].Lists) != want {
			t.Errorf("case %d has on the list: %v, %v", id, off, err)
		}
	}
	f(7, 1, 1, 1, 0)
	about := func(id int64) map[subject.Subject]triage.Subject {
		t.Helper()
		subjects, err := desk.Subjects(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		all := map[subject.Subject]triage.Subject{}
		for _, s := range subjects {
			all[s.Name] = s
		}
		return all
	}
	if s := about(1)["one.example/"]; s.Reports != 2 || s.Noted != 1 || s.Opened != 100 || s.Latest != 120 || s.Sure() {
		t.Errorf("%+v", s)
	}
	if s := about(3)["facebook:user/merged"]; s.Reports != 2 || s.Bound != triage.ByHand {
		t.Errorf("%+v", s)
	}
	if s := about(7)["apart.example/"]; s.Bound != triage.Apart {
		t.Errorf("%+v", s)
	}
	if c, err := desk.Of(t.Context(), []byte{3}); err != nil || c.ID != 1 {
		t.Errorf("%+v, %v", c, err)
	}
	var broken int
	if err := base.QueryRowContext(t.Context(), `SELECT count(*) FROM pragma_foreign_key_check`).Scan(&broken); err != nil || broken > 0 {
		t.Errorf("%d rows belong to nothing, %v", broken, err)
	}
}
