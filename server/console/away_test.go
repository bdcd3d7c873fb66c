package console

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"khien/server/db"
	"khien/server/db/dbtest"
	officedb "khien/server/office"
	"khien/server/staff"
	"khien/shared/wire"
)

// The database goes away while somebody works. Every page says so in the reader's language and when to come again;
// nobody is signed out, and when it is back everything goes on by itself.
func TestTheDatabaseIsAway(t *testing.T) {
	dbtest.Only(t, "a file does not go away")
	door := dbtest.NewDoor(t, dbtest.Postgres(t))
	base, err := db.Open(db.In(door.Place, "office"), officedb.Tables...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { base.Close() })
	o := officeIn(t, t.TempDir(), base, db.In(door.Place, "inbox"))
	an := o.person("ann", staff.Admin)
	o.report(wire.Report{Href: "https://shop.example/a"}, "a")
	if status, _, _ := o.ask("GET", "/queue", an, nil); status != http.StatusOK {
		t.Fatal(status)
	}

	door.Shut()
	says := map[string]string{"en": "The database can&#39;t be reached just now", "vi": "Hiện không kết nối được cơ sở dữ liệu"}
	for _, one := range routes {
		method, path, _ := strings.Cut(strings.NewReplacer("{$}", "", "{id}", "1", "{link}", "none", "{role}", "none").Replace(one.Pattern), " ")
		for lang, text := range says {
			status, body, h := o.ask(method, path, an+"; "+lookCookie+"lang="+lang, nil)
			if status != http.StatusServiceUnavailable || h.Get("Retry-After") != "60" || !strings.Contains(body, text) {
				t.Errorf("%s in %s is %d, again after %q:\n%s", one.Pattern, lang, status, h.Get("Retry-After"), body)
			}
			if !strings.Contains(body, "<main") {
				t.Errorf("%s in %s is no page", one.Pattern, lang)
			}
		}
	}
	if status, _, _ := o.ask("GET", "/signin", "", nil); status != http.StatusOK {
		t.Errorf("the entrance is %d", status)
	}

	door.Open()
	if !slices.ContainsFunc(make([]int, 10), func(int) bool { // each connection that was lost may fail once
		status, _, _ := o.ask("GET", "/queue", an, nil)
		if status != http.StatusOK && status != http.StatusServiceUnavailable {
			t.Errorf("back again, the queue is %d", status)
		}
		return status == http.StatusOK
	}) {
		t.Error("the database is back, and nobody gets in")
	}
	if status, _, _ := o.ask("POST", "/cases/1/reject", an, nil); status >= 500 {
		t.Errorf("back again, a decision is %d", status)
	}
}
