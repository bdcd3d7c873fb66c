package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"khien/server/blob"
	"khien/server/db"
	"khien/server/db/dbtest"
	"khien/server/office"
	"khien/shared/release"
	"khien/shared/set"
)

// An installation of 5b5ab6c goes on, in files or in PostgreSQL, and an extension that has its release 3 gets to its
// release 4, and to what is published next: by a delta, or the whole where there is none.
func TestAnExtensionGetsOnFromAnEarlierRelease(t *testing.T) {
	dir := t.TempDir()
	khien := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("khien", append(args, "--data", dir)...).CombinedOutput(); err != nil {
			t.Fatalf("khien %v: %v\n%s", args, err, out)
		}
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(exec.Command("tar", "-xzf", "../../office/testdata/data-5b5ab6c.tar.gz", "-C", dir).Run())
	if dbtest.OnPostgres {
		khien("migrate", "--to", dbtest.Postgres(t))
	}
	list := filepath.Join(t.TempDir(), "list.txt")
	check(os.WriteFile(list, []byte("http://shop-of-later.example/\n"), 0o600))
	published, err := blob.Open(filepath.Join(dir, "published"))
	check(err)
	body, err := published.Get("blob/6c859dd301c973355dc3b51e452e2a83b6b076b1bbd69858b014896a272615ba", release.MaxSet) // of release 3
	check(err)
	had, err := set.Open(body)
	check(err)
	next := func() release.Head {
		t.Helper()
		khien("verify")
		signed, err := published.Head()
		check(err)
		head, err := release.ReadHead(signed)
		check(err)
		if head.Deltas > 3 { // it fetches the whole
			_, err = published.Get("blob/"+head.Set.String(), release.MaxSet)
			check(err)
			return head
		}
		delta, err := published.Get(fmt.Sprintf("delta/%s/3", head.Set), release.MaxSet)
		check(err)
		if now, err := set.Apply(had, release.DigestOf(body), delta); err != nil || release.DigestOf(now) != head.Set {
			t.Errorf("from release 3 to %d: %v", head.Sequence, err)
		}
		return head
	}
	if head := next(); head.Sequence != 4 || head.Deltas > 3 {
		t.Errorf("release %d has deltas from %d", head.Sequence, head.Deltas)
	}
	khien("import", "urls", list)
	khien("publish") // proposes it; then the day in which somebody could have stopped it goes by
	place, err := office.Where(dir, "")
	check(err)
	base, err := office.Open(t.Context(), dir, place)
	check(err)
	defer base.Close()
	for _, statement := range []string{
		`UPDATE person SET counts = 1`,
		`INSERT INTO passkey (id, handle, credential, made) SELECT handle, handle, '{}', 1 FROM person`, // who could have stopped it
		`UPDATE proposal SET made = made - 90000, due = due - 90000 WHERE state = 'open'`,
	} {
		_, err := base.ExecContext(t.Context(), statement)
		check(err)
	}
	khien("publish")
	if head := next(); head.Sequence != 5 || db.IsPostgres(place) != dbtest.OnPostgres {
		t.Errorf("release %d is published", head.Sequence)
	}
}
