package db

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

type thing struct {
	size, id int64
	name     string
}

var things = List[thing]{
	Select: `SELECT size, id, name FROM thing WHERE kind = ?`, Order: []string{"size", "id"},
	Scan:   func(row Row) (t thing, err error) { return t, row.Scan(&t.size, &t.id, &t.name) },
	Key:    func(t thing) []any { return []any{t.size, t.id} },
	Weight: func(t thing) int { return len(t.name) },
}

// A list of ten, by fours: there and back; what others take away or add before and behind moves nobody's page, and what
// is gone is the nearest page that there is.
func TestPagesOfAList(t *testing.T) {
	db, err := Open(filepath.Join(t.TempDir(), "things.db"), Tables{Package: "things", Files: fstest.MapFS{"things/1.sql": {Data: []byte(`CREATE TABLE thing (id INTEGER PRIMARY KEY, kind TEXT, size INTEGER, name TEXT)`)}}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	change := func(statement string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	f := func(at Place, want ...int64) Page[thing] {
		t.Helper()
		page, err := things.Page(t.Context(), db, at, 4, "round")
		var got []int64
		for _, one := range page.Rows {
			got = append(got, one.id)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%v: %v, %v, want %v", at, got, err, want)
		}
		return page
	}
	if page := f(Place{}); page.Before != "" || page.After != "" {
		t.Errorf("around nothing is %+v", page)
	}
	for id := range 10 {
		change(`INSERT INTO thing VALUES (?, 'round', ?, '')`, id+1, -id/3) // several of a size
	}
	change(`INSERT INTO thing VALUES (99, 'square', 0, '')`)
	first := f(Place{}, 10, 7, 8, 9)
	second := f(Place{Key: first.After}, 4, 5, 6, 1)
	third := f(Place{Key: second.After}, 2, 3)
	if first.Before != "" || third.After != "" {
		t.Errorf("before the first is %q, after the last %q", first.Before, third.After)
	}
	back := f(Place{third.Before, true}, 4, 5, 6, 1)
	if back.Before != second.Before || back.After != second.After {
		t.Errorf("the way back is %+v", back)
	}
	if begin := f(Place{back.Before, true}, 10, 7, 8, 9); begin.Before != "" {
		t.Errorf("before the first is %q", begin.Before)
	}
	change(`DELETE FROM thing WHERE id IN (7, 1, 6)`) // 6 and 1 were shown last
	f(Place{Key: second.After}, 2, 3)
	f(Place{second.Before, true}, 10, 8, 9, 4) // three are left before: the begin of the list
	change(`DELETE FROM thing WHERE id IN (2, 3)`)
	if last := f(Place{Key: second.After}, 8, 9, 4, 5); last.Before == "" || last.After == "" {
		t.Errorf("the last page is %+v", last)
	}
	for _, bad := range []string{"x", "1", "1.2.3", "1.", "1.9999999999999999999999"} {
		if _, err := things.Page(t.Context(), db, Place{Key: bad}, 4, "round"); !errors.Is(err, ErrPlace) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Who fills a list with the longest names makes more pages, and none that is longer; nothing is left out.
func TestAPageHasSoManyBytes(t *testing.T) {
	db, err := Open(filepath.Join(t.TempDir(), "things.db"), Tables{Package: "things", Files: fstest.MapFS{"things/1.sql": {Data: []byte(`CREATE TABLE thing (id INTEGER PRIMARY KEY, kind TEXT, size INTEGER, name TEXT)`)}}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for id := range 9 {
		if _, err := db.ExecContext(t.Context(), `INSERT INTO thing VALUES (?, 'round', 0, ?)`, id, strings.Repeat("x", pageBytes/3)); err != nil {
			t.Fatal(err)
		}
	}
	walk := func(at Place, on func(Page[thing]) Place) (lengths []int) {
		for {
			page, err := things.Page(t.Context(), db, at, 100, "round")
			if err != nil {
				t.Fatal(err)
			}
			lengths = append(lengths, len(page.Rows))
			if at = on(page); at.Key == "" {
				return lengths
			}
		}
	}
	if got := walk(Place{}, func(p Page[thing]) Place { return Place{Key: p.After} }); fmt.Sprint(got) != "[3 3 3]" {
		t.Errorf("there: %v", got)
	}
	if got := walk(Place{"0.9", true}, func(p Page[thing]) Place { return Place{p.Before, true} }); fmt.Sprint(got) != "[3 3 3]" {
		t.Errorf("back: %v", got)
	}
}

// A list may be in the order of names: what stands in a key is the name, and nothing else is taken for one.
func TestPagesInTheOrderOfNames(t *testing.T) {
	db, err := Open(filepath.Join(t.TempDir(), "things.db"), Tables{Package: "things", Files: fstest.MapFS{"things/1.sql": {Data: []byte(`CREATE TABLE thing (id INTEGER PRIMARY KEY, kind TEXT, size INTEGER, name TEXT)`)}}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	names := []string{"an", "bình", "mai.x", "zoë"}
	for _, name := range names {
		if _, err := db.ExecContext(t.Context(), `INSERT INTO thing (kind, size, name) VALUES ('round', 1, ?)`, name); err != nil {
			t.Fatal(err)
		}
	}
	named := things
	named.Order, named.Key = []string{"size", "name"}, func(t thing) []any { return []any{t.size, t.name} }
	var met []string
	for at := (Place{}); ; {
		page, err := named.Page(t.Context(), db, at, 1, "round")
		if err != nil {
			t.Fatal(err)
		}
		met = append(met, page.Rows[0].name)
		if at.Key = page.After; at.Key == "" {
			break
		}
	}
	if !slices.Equal(met, names) {
		t.Errorf("met %q", met)
	}
	named.Down = true
	page, err := named.Page(t.Context(), db, Place{}, 2, "round")
	if err != nil || page.Rows[0].name != "zoë" || page.Rows[1].name != "mai.x" {
		t.Fatalf("from the largest: %+v, %v", page, err)
	}
	if page, err = named.Page(t.Context(), db, Place{Key: page.After}, 2, "round"); err != nil || page.Rows[0].name != "bình" || page.Rows[1].name != "an" || page.After != "" {
		t.Fatalf("from the largest on: %+v, %v", page, err)
	}
	if page, err = named.Page(t.Context(), db, Place{page.Before, true}, 2, "round"); err != nil || page.Rows[0].name != "zoë" || page.Rows[1].name != "mai.x" || page.Before != "" {
		t.Errorf("and back: %+v, %v", page, err)
	}
	for _, bad := range []string{"an", "1.an!", "1.YW4.YW4", "1./w", "1._w", "1.AA", "YW4.1"} {
		if _, err := named.Page(t.Context(), db, Place{Key: bad}, 1, "round"); !errors.Is(err, ErrPlace) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
