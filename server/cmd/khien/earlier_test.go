package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"khien/server/db"
	"khien/server/db/dbtest"
	"khien/server/office"
	"khien/shared/checker"
	"khien/shared/release"
)

const dayOfRelease4 = 1795949108 // Unix seconds

// device has a release of a list, as an extension has it.
type device struct {
	t       *testing.T
	root    string
	keys    []byte
	checker *checker.Checker
}

// update brings a device to the release that a server has, as the extension does it, and tells by what.
func (d *device) update(server string, now int64) (need string) {
	d.t.Helper()
	head := d.get(server, release.HeadPath)
	plan, err := d.checker.Plan(head, nil, now)
	if err == nil && plan.Need == checker.NeedKeys {
		d.keys = d.get(server, plan.Path)
		plan, err = d.checker.Plan(head, d.keys, now)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	if plan.SupplementPath == "" {
		plan.SupplementPath = release.BlobPath(plan.Supplement)
	}
	supplement := d.get(server, plan.SupplementPath)
	body, err := d.checker.Apply(head, d.keys, plan.Need, d.get(server, plan.Path), now)
	if err != nil {
		d.t.Fatal(err)
	}
	had := d.checker.Head().Sequence
	if d.checker, err = checker.Open(d.root, d.keys, head, body, release.DigestOf(body), supplement, now); err != nil {
		d.t.Fatal(err)
	}
	if d.checker.Head().Sequence <= had {
		d.t.Errorf("from release %d to %d", had, d.checker.Head().Sequence)
	}
	return plan.Need
}

func (d *device) get(server, path string) []byte {
	d.t.Helper()
	resp, err := http.Get("http://" + server + path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		d.t.Fatalf("%s: %s, %v", path, resp.Status, err)
	}
	return body
}

// An installation of 5b5ab6c goes on, in files or in PostgreSQL. A device that has its release 3 gets by a delta to its
// release 4 and by another one to what is published next; so does one that sleeps over release 4.
func TestADeviceGetsOnFromAnEarlierRelease(t *testing.T) {
	dir := t.TempDir()
	khien := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("khien", append(args, "--data", dir)...).CombinedOutput()
		if err != nil {
			t.Fatalf("khien %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	verified := func(deltas int) {
		t.Helper()
		if out := khien("verify"); !strings.Contains(out, fmt.Sprintf("from release 1 on, %d applied", deltas)) {
			t.Errorf("not %d deltas: %s", deltas, out)
		}
	}
	check(exec.Command("tar", "-xzf", "../../office/testdata/data-5b5ab6c.tar.gz", "-C", dir).Run())
	third := atRelease3(t, dir)
	sleeper := *third
	if dbtest.OnPostgres {
		khien("migrate", "--to", dbtest.Postgres(t))
	}
	verified(3)
	served := start(t, dir)
	if need := third.update(served.addr, dayOfRelease4); need != checker.NeedDelta || third.checker.Head().Sequence != 4 {
		t.Errorf("to release %d by a %s", third.checker.Head().Sequence, need)
	}
	list := filepath.Join(t.TempDir(), "list.txt")
	check(os.WriteFile(list, []byte("http://shop-of-later.example/\n"), 0o600))
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
	verified(4)
	for _, d := range []*device{third, &sleeper} {
		if need := d.update(served.addr, time.Now().Unix()); need != checker.NeedDelta || d.checker.Head().Sequence != 5 {
			t.Errorf("to release %d by a %s", d.checker.Head().Sequence, need)
		}
		said := d.checker.Check("http://shop-of-later.example/", time.Now().Unix())
		if said.Verdict != checker.Listed {
			t.Errorf("what is new is %s", said.Verdict)
		}
		d.get(served.addr, said.Bucket)
	}
	if db.IsPostgres(place) != dbtest.OnPostgres {
		t.Errorf("it is at %s", place)
	}
}

// atRelease3 is a device that has release 3 of the installation in dir, whose head is signed as it was then.
func atRelease3(t *testing.T, dir string) *device {
	t.Helper()
	file := func(name string) []byte {
		t.Helper()
		body, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	d := &device{t: t, root: strings.TrimSpace(string(file("keys/root.pub"))), keys: file("keys/keys.note")}
	list := file("published/blob/6c859dd301c973355dc3b51e452e2a83b6b076b1bbd69858b014896a272615ba")
	supplement := file("published/blob/b8a88f001537c56780707ede9ab3fa9b850716af8e7abec7957d0ef4aa8488c8")
	signer, err := note.NewSigner(strings.TrimSpace(string(file("keys/release-1.key"))))
	if err != nil {
		t.Fatal(err)
	}
	head, err := release.Head{
		Sequence: 3, Issued: dayOfRelease4, Expires: dayOfRelease4 + 604800, Keys: release.DigestOf(d.keys),
		Set: release.DigestOf(list), SetSize: uint64(len(list)), Count: 14, Deltas: 1,
		Supplement: release.DigestOf(supplement), SupplementSize: uint64(len(supplement)), Wait: 300, Spread: 60,
	}.Sign(signer)
	if err == nil {
		d.checker, err = checker.Open(d.root, d.keys, head, list, release.DigestOf(list), supplement, dayOfRelease4)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}
