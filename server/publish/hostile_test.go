package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"khien/server/blob"
	"khien/server/db/dbtest"
	"khien/server/ledger"
	"khien/shared/checker"
	"khien/shared/release"
)

// shop is a publisher on a disk that somebody else can write to as well.
type shop struct {
	*Publisher
	dir   string
	t     *testing.T
	now   int64
	older map[string][]byte // files of the release before, by the kind of file
}

// newShop has published three releases, and nothing waits to be published. Its hosts begin with a name.
func newShop(t *testing.T, name string, now int64) *shop {
	t.Helper()
	dir := fleeting(t)
	if err := InitKeys(filepath.Join(dir, "keys"), filepath.Join(dir, "root.key"), now); err != nil {
		t.Fatal(err)
	}
	s := &shop{Publisher: open(t, dir), dir: dir, t: t, now: now}
	for n := range 3 {
		for i := range 20 {
			s.list(t, fmt.Sprintf("%s-%d-%d.example/", name, n, i))
		}
		if n == 2 {
			s.older = map[string][]byte{}
			for kind := range s.files() {
				s.older[kind] = s.read(kind)
			}
			if err := Rotate(filepath.Join(dir, "keys"), filepath.Join(dir, "root.key"), now); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(os.Mkdir(filepath.Join(dir, "official"), 0o755), os.WriteFile(filepath.Join(dir, "official", "ours.txt"), []byte(name+".example | A Bank\n"), 0o644)); err != nil {
				t.Fatal(err)
			}
			s.again(t)
		}
		s.mustPublish(t, now)
	}
	return s
}

// aboutFiles leaves a test to one engine that asks what lies on the disk.
func aboutFiles(t *testing.T) {
	if dbtest.OnPostgres {
		t.Skip("what lies on the disk does not depend on where the ledger is")
	}
}

// fleeting is a folder in memory where the system has such: hundreds of publishers wait for no disk.
func fleeting(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "khien-test-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// again opens what there is.
func (s *shop) again(t *testing.T) {
	t.Helper()
	s.Publisher, s.t = open(t, s.dir), t
	s.Official = filepath.Join(s.dir, "official")
}

// copied is a shop with the same keys, ledger and files.
func (s *shop) copied(t *testing.T) *shop {
	t.Helper()
	other := &shop{dir: fleeting(t), now: s.now, older: s.older}
	err := os.CopyFS(other.dir, os.DirFS(s.dir))
	if err == nil && dbtest.OnPostgres {
		if err = os.Remove(filepath.Join(other.dir, "office.db")); err == nil {
			err = office(t, other.dir).Fill(t.Context(), office(t, s.dir), func(int64) {})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	other.again(t)
	return other
}

// files are the published files of the release in force, by their kind.
func (s *shop) files() map[string]string {
	f, err := s.inForce(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	m := map[string]string{
		"the head": "head", "the list of keys": "blob/" + f.Keys.String(), "the set": "blob/" + f.Set.String(), "the supplement": "blob/" + f.Supplement.String(),
		"the buckets": packName(f.Sequence), "a delta": deltaName(f.Set, f.Sequence-1), "a step of the history": stepName(f.Sequence),
	}
	if f.Sequence == 3 {
		m["an older step"], m["an older delta"] = stepName(2), deltaName(f.Set, 1)
	}
	return m
}

func (s *shop) path(kind string) string {
	return filepath.Join(s.dir, "published", filepath.FromSlash(s.files()[kind]))
}

func (s *shop) read(kind string) []byte {
	body, err := os.ReadFile(s.path(kind))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.t.Fatal(err)
	}
	return body
}

// served asks for everything as clients do: each answer is an error, or what was signed.
func (s *shop) served() (errs []error) {
	shelf := &Shelf{Blobs: s.Blobs, Ledger: s.Ledger, Root: s.Keys.Root}
	ctx := s.t.Context()
	f, err := s.inForce(ctx)
	if err != nil {
		return []error{err}
	}
	check := func(what string, err error, same bool) {
		s.t.Helper()
		if err == nil && !same {
			s.t.Errorf("%s was handed out, and is not what was published", what)
		}
		if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, blob.ErrNotFound) && !errors.Is(err, ErrUnknown) {
			s.t.Errorf("%s: %v", what, err)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	head, err := shelf.Head(ctx)
	check("the head", err, bytes.Equal(head, f.note))
	for _, d := range []release.Digest{f.Keys, f.Set, f.Supplement} {
		body, err := shelf.Blob(ctx, d)
		check("a blob", err, release.DigestOf(body) == d)
	}
	files, err := s.Ledger.Files(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	for from := f.Deltas; from < f.Sequence; from++ {
		if _, ok := files[deltaName(f.Set, from)]; !ok { // a number that a crash took
			continue
		}
		body, err := shelf.Delta(ctx, f.Set, from)
		check("a delta", err, release.DigestOf(body) == files[deltaName(f.Set, from)])
	}
	for i := range uint32(1) << f.BucketBits {
		body, err := shelf.Bucket(ctx, f.Sequence, release.BucketName(f.BucketBits, i))
		check("a bucket", err, len(body) > 0)
	}
	return errs
}

// attack is what somebody does to a file; body is what was published, older the same kind of the release before,
// foreign that of another installation.
type attack func(file string, body, older, foreign []byte) error

func writes(change func(body, older, foreign []byte) []byte) attack {
	return func(file string, body, older, foreign []byte) error {
		return os.WriteFile(file, change(body, older, foreign), 0o644)
	}
}

var attacks = map[string]attack{
	"missing":      func(file string, _, _, _ []byte) error { return os.Remove(file) },
	"empty":        writes(func(_, _, _ []byte) []byte { return nil }),
	"zero-filled":  writes(func(body, _, _ []byte) []byte { return make([]byte, len(body)) }),
	"all ones":     writes(func(body, _, _ []byte) []byte { return bytes.Repeat([]byte{0xff}, len(body)) }),
	"cut":          writes(func(body, _, _ []byte) []byte { return body[:len(body)/2] }),
	"cut to 4":     writes(func(body, _, _ []byte) []byte { return body[:min(4, len(body))] }),
	"one bit":      writes(func(body, _, _ []byte) []byte { b := bytes.Clone(body); b[len(b)/2] ^= 1; return b }),
	"the last bit": writes(func(body, _, _ []byte) []byte { b := bytes.Clone(body); b[len(b)-1] ^= 1; return b }),
	"the first bit": writes(func(body, _, _ []byte) []byte {
		b := bytes.Clone(body)
		b[0] ^= 1
		return b
	}),
	"a byte more":             writes(func(body, _, _ []byte) []byte { return append(bytes.Clone(body), 0) }),
	"of the release before":   writes(func(_, older, _ []byte) []byte { return older }),
	"of another installation": writes(func(_, _, foreign []byte) []byte { return foreign }),
	"a terabyte":              func(file string, _, _, _ []byte) error { return os.Truncate(file, 1<<40) },
	"a folder": func(file string, _, _, _ []byte) error {
		return errors.Join(os.Remove(file), os.MkdirAll(filepath.Join(file, "below"), 0o755))
	},
	"unreadable": func(file string, _, _, _ []byte) error { return os.Chmod(file, 0) },
	"a pipe": func(file string, _, _, _ []byte) error {
		return errors.Join(os.Remove(file), syscall.Mkfifo(file, 0o644))
	},
	"a link to something endless": func(file string, _, _, _ []byte) error {
		return errors.Join(os.Remove(file), os.Symlink("/dev/zero", file))
	},
}

// Whoever can write to the disk puts something else in the place of each published file in turn. Nothing of it is
// handed out or signed: the next renewal puts back what was published, or issues it anew, and every client gets along.
func TestEachFileIsAttacked(t *testing.T) {
	aboutFiles(t)
	const now = 1_790_000_000
	ours, stranger := newShop(t, "scam", now), newShop(t, "other", now)
	foreign := map[string][]byte{}
	for kind := range stranger.files() {
		foreign[kind] = stranger.read(kind)
	}
	for kind := range foreign {
		for name, attack := range attacks {
			if testing.Short() && name != "cut" {
				continue // one after the other: no races to find, and minutes to lose
			}
			t.Run(kind+" is "+name, func(t *testing.T) {
				s := ours.copied(t)
				before := s.client(t, now)
				plan, err := s.Draft(t.Context(), now, nil, nil)
				if err != nil || !plan.Empty() {
					t.Fatalf("%+v, %v", plan, err)
				}
				body := s.read(kind)
				if err := attack(s.path(kind), body, s.older[kind], foreign[kind]); err != nil {
					t.Fatal(err)
				}
				s.served()
				damaged, err := Damaged(t.Context(), s.Ledger, s.Blobs, s.Keys.Root)
				readable := name == "unreadable" && os.Geteuid() == 0
				if err != nil || !readable && !slices.Contains(damaged, s.files()[kind]) {
					t.Errorf("it is not noticed: %q, %v", damaged, err)
				}

				// Nobody has changed anything, and no plan may say so. Where it cannot be told, everything shows as new, and two
				// must confirm it.
				if again, err := s.Draft(t.Context(), now, nil, nil); err != nil || again.Set != plan.Set || again.Root != plan.Root || again.Added.Count+again.Removed.Count > 0 {
					t.Errorf("the plan is %+v, %v", again, err)
				}
				if r, err := s.Renew(t.Context(), now+60, Alone); err != nil || r.Added+r.Removed > 0 {
					t.Fatalf("%+v, %v", r, err)
				}
				if damaged, err := Damaged(t.Context(), s.Ledger, s.Blobs, s.Keys.Root); err != nil || len(damaged) > 0 {
					t.Errorf("still damaged: %q, %v", damaged, err)
				}
				if errs := s.served(); len(errs) > 0 {
					t.Errorf("after it was mended: %v", errs)
				}
				c := s.client(t, now+60)
				if h := c.Head(); h.Set != before.Head().Set || h.BucketRoot != before.Head().BucketRoot || h.Supplement != before.Head().Supplement {
					t.Errorf("what is in force is %+v, was %+v", h, before.Head())
				}
				if f := c.Check("https://scam-1-1.example/", now); f.Verdict != checker.Listed {
					t.Errorf("%v", f.Verdict)
				}
				s.list(t, "next.example/")
				if r := s.mustPublish(t, now+120); !r.Published || r.Added != 1 || r.Removed != 0 {
					t.Errorf("the release after it: %+v", r)
				}
				if errs := s.served(); len(errs) > 0 {
					t.Errorf("after the next release: %v", errs)
				}
			})
		}
	}
}

// The same, while something waits for a person to publish it: a renewal signs what is in force, if it is all there, and
// nothing else. What it cannot make without publishing what nobody has confirmed it refuses to sign, and says so; then
// a person publishes.
func TestEachFileIsAttackedWhileSomethingWaits(t *testing.T) {
	aboutFiles(t)
	const now = 1_790_000_000
	ours, stranger := newShop(t, "scam", now), newShop(t, "other", now)
	foreign := map[string][]byte{}
	for kind := range stranger.files() {
		foreign[kind] = stranger.read(kind)
	}
	for kind := range foreign {
		for _, name := range []string{"missing", "zero-filled", "cut", "of the release before", "of another installation"} {
			attack := attacks[name]
			if testing.Short() && name != "cut" {
				continue
			}
			t.Run(kind+" is "+name, func(t *testing.T) {
				s := ours.copied(t)
				before := s.client(t, now).Head()
				s.list(t, "waits.example/")
				if err := s.Ledger.Withdraw(t.Context(), "mai", "scam-1-1.example/", nil); err != nil {
					t.Fatal(err)
				}
				if err := attack(s.path(kind), s.read(kind), s.older[kind], foreign[kind]); err != nil {
					t.Fatal(err)
				}
				for at := int64(now + 60); at < now+20*24*60*60; at += 4 * 24 * 60 * 60 {
					if _, err := s.Renew(t.Context(), at, Alone); err != nil && !errors.Is(err, ErrDamaged) {
						t.Fatal(err)
					}
					f, err := s.inForce(t.Context())
					if err != nil || f.Set != before.Set || f.BucketRoot != before.BucketRoot || f.Supplement != before.Supplement {
						t.Fatalf("signed unseen: %+v, %v", f.Head, err)
					}
					s.served()
				}
				if _, err := s.Draft(t.Context(), now+20*24*60*60, nil, nil); err != nil {
					t.Fatal(err)
				}
				s.mustPublish(t, now+20*24*60*60)
				if errs := s.served(); len(errs) > 0 {
					t.Error(errs)
				}
				c := s.client(t, now+20*24*60*60)
				for href, want := range map[string]checker.Verdict{"https://waits.example/": checker.Listed, "https://scam-1-1.example/": checker.Unlisted, "https://scam-1-2.example/": checker.Listed} {
					if f := c.Check(href, now+20*24*60*60); f.Verdict != want {
						t.Errorf("%s: %v", href, f.Verdict)
					}
				}
			})
		}
	}
}

// Folders are attacked like files.
func TestFoldersAreAttacked(t *testing.T) {
	aboutFiles(t)
	const now = 1_790_000_000
	ours := newShop(t, "scam", now)
	for _, folder := range []string{"blob", "buckets", "delta", "history"} {
		for what, put := range map[string]func(path string) error{
			"a file":                    func(path string) error { return os.WriteFile(path, []byte("no folder"), 0o644) },
			"missing":                   func(string) error { return nil },
			"a link that leads nowhere": func(path string) error { return os.Symlink(path+"-gone", path) },
			"a link to itself":          func(path string) error { return os.Symlink(path, path) },
			"full of what is not ours": func(path string) error {
				return errors.Join(os.MkdirAll(filepath.Join(path, "IMG_1.JPG"), 0o755), os.WriteFile(filepath.Join(path, "a b.txt"), nil, 0o644))
			},
		} {
			t.Run(folder+" is "+what, func(t *testing.T) {
				s := ours.copied(t)
				path := filepath.Join(s.dir, "published", folder)
				if err := errors.Join(os.RemoveAll(path), put(path)); err != nil {
					t.Fatal(err)
				}
				s.served()
				if r, err := s.Renew(t.Context(), now, Alone); err != nil || r.Added+r.Removed > 0 {
					t.Fatalf("%+v, %v", r, err)
				}
				if errs := s.served(); len(errs) > 0 {
					t.Error(errs)
				}
			})
		}
	}
}

// Several of them at once, and all that is published: it is mended once, and then there is nothing more to mend. So it
// is where something else is published by the way: another entry, or another official name beside the same list.
func TestSeveralFoldersAreTakenAway(t *testing.T) {
	aboutFiles(t)
	const now = 1_790_000_000
	ours := newShop(t, "scam", now)
	folders := []string{"blob", "buckets", "delta", "history", "head"}
	for n := range 1 << len(folders) {
		var gone []string
		for i, name := range folders {
			if n>>i&1 != 0 {
				gone = append(gone, name)
			}
		}
		for with, change := range map[string]func(s *shop){
			"":          func(*shop) {},
			" an entry": func(s *shop) { s.list(t, "next.example/") },
			" a name": func(s *shop) {
				if err := os.WriteFile(filepath.Join(s.Official, "ours.txt"), []byte("another.example | Another Bank\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			},
		} {
			t.Run(strings.Join(gone, "+")+with, func(t *testing.T) {
				s := ours.copied(t)
				for _, name := range gone {
					if err := os.RemoveAll(filepath.Join(s.dir, "published", name)); err != nil {
						t.Fatal(err)
					}
				}
				change(s)
				r := s.mustPublish(t, now)
				if damaged, err := Damaged(t.Context(), s.Ledger, s.Blobs, s.Keys.Root); err != nil || len(damaged) > 0 {
					t.Errorf("still damaged after %+v: %q, %v", r, damaged, err)
				}
				if errs := s.served(); len(errs) > 0 {
					t.Error(errs)
				}
				if r := s.mustPublish(t, now+60); r.Published {
					t.Errorf("it is mended again: %+v", r)
				}
			})
		}
	}
}

// sign signs a head with the release key in use, as a thief or a second server with the same key could.
func (s *shop) sign(change func(*release.Head)) []byte {
	s.t.Helper()
	f, err := s.inForce(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	change(&f.Head)
	msg, err := f.Sign(s.Keys.signer)
	if err != nil {
		s.t.Fatal(err)
	}
	return msg
}

// A head that was signed with our key and that the ledger does not know is not built upon, handed out or silently put
// away: a person looks, and says that it goes on anew, with a number above it, so that no client that has seen it is
// lost.
func TestASignedHeadThatTheLedgerDoesNotKnow(t *testing.T) {
	aboutFiles(t)
	const now = 1_790_000_000
	ours := newShop(t, "scam", now)
	for name, change := range map[string]func(*release.Head){
		"of the next release":     func(h *release.Head) { h.Sequence++ },
		"of a far release":        func(h *release.Head) { h.Sequence += 1 << 40 },
		"with another set":        func(h *release.Head) { h.Sequence++; h.Set[0] ^= 1 },
		"with another supplement": func(h *release.Head) { h.Sequence++; h.Supplement[0] ^= 1 },
		"with other buckets":      func(h *release.Head) { h.Sequence++; h.BucketRoot[0] ^= 1 },
		"that is good for a year": func(h *release.Head) { h.Sequence++; h.Expires += 365 * 24 * 60 * 60 },
	} {
		t.Run(name, func(t *testing.T) {
			s := ours.copied(t)
			forged := s.sign(change)
			if err := s.Blobs.SetHead(forged); err != nil {
				t.Fatal(err)
			}
			s.list(t, "next.example/")
			if _, err := s.Publish(t.Context(), now+60); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "khien publish --anew") {
				t.Errorf("published: %v", err)
			}
			if _, err := s.Renew(t.Context(), now+60, Alone); !errors.Is(err, ErrUnknown) {
				t.Errorf("renewed: %v", err)
			}
			if _, err := s.Draft(t.Context(), now+60, nil, nil); !errors.Is(err, ErrUnknown) {
				t.Errorf("planned: %v", err)
			}
			shelf := &Shelf{Blobs: s.Blobs, Ledger: s.Ledger, Root: s.Keys.Root}
			if got, err := shelf.Head(t.Context()); !errors.Is(err, ErrUnknown) {
				t.Errorf("handed out %q, %v", got, err)
			}
			lies, err := release.ReadHead(forged)
			if err != nil {
				t.Fatal(err)
			}
			s.Anew = true
			if r, err := s.Publish(t.Context(), now+60); err != nil || r.Sequence <= lies.Sequence || r.Added != r.Count {
				t.Errorf("anew: %+v, %v", r, err)
			}
			s.Anew = false
			if errs := s.served(); len(errs) > 0 {
				t.Error(errs)
			}
			s.client(t, now+60)
		})
	}
}

// A head of the same number or an older one, whoever has signed it, is not in force; neither is one whose number leaves
// none for another.
func TestAHeadThatIsNotInForce(t *testing.T) {
	aboutFiles(t)
	const now = 1_790_000_000
	last := func(s *shop) []byte { // what Sign refuses to sign, by hand
		f, err := s.inForce(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		text, _, _ := bytes.Cut(f.note, []byte("\n\n"))
		text = bytes.Replace(text, []byte("sequence 3\n"), []byte("sequence 9223372036854775807\n"), 1)
		msg, err := note.Sign(&note.Note{Text: string(text) + "\n"}, s.Keys.signer)
		if err != nil || !bytes.Contains(msg, []byte("9223372036854775807")) {
			s.t.Fatal(err)
		}
		return msg
	}
	ours := newShop(t, "scam", now)
	for name, forge := range map[string]func(s *shop) []byte{
		"the same number, another set":    func(s *shop) []byte { return s.sign(func(h *release.Head) { h.Set[0] ^= 1 }) },
		"of the release before, once set": func(s *shop) []byte { return s.older["the head"] },
		"the number 2^63-1":               last,
		"the highest number, by a key that is no longer in use": func(s *shop) []byte {
			old, err := LoadKeys(filepath.Join(s.dir, "keys"))
			if err != nil {
				s.t.Fatal(err)
			}
			if err := Rotate(filepath.Join(s.dir, "keys"), filepath.Join(s.dir, "root.key"), now); err != nil {
				s.t.Fatal(err)
			}
			if s.Keys, err = LoadKeys(filepath.Join(s.dir, "keys")); err != nil {
				s.t.Fatal(err)
			}
			s.mustPublish(s.t, now)
			f, err := s.inForce(s.t.Context())
			if err != nil {
				s.t.Fatal(err)
			}
			f.Sequence, f.Head.Keys = release.MaxSequence, release.DigestOf(old.Note)
			msg, err := f.Sign(old.signer)
			if err != nil {
				s.t.Fatal(err)
			}
			return msg
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := ours.copied(t)
			forged := forge(s)
			want, err := s.Blobs.Head()
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Blobs.SetHead(forged); err != nil {
				t.Fatal(err)
			}
			shelf := &Shelf{Blobs: s.Blobs, Ledger: s.Ledger, Root: s.Keys.Root}
			if got, err := shelf.Head(t.Context()); err != nil || !bytes.Equal(got, want) {
				t.Errorf("handed out %q, %v", got, err)
			}
			if r, err := s.Renew(t.Context(), now, Alone); err != nil || !slices.Equal(r.Back, []string{"head"}) {
				t.Errorf("%+v, %v", r, err)
			}
			if got, err := s.Blobs.Head(); err != nil || !bytes.Equal(got, want) {
				t.Errorf("the head is %q, %v", got, err)
			}
			s.list(t, "next.example/")
			if r := s.mustPublish(t, now+60); r.Added != 1 {
				t.Errorf("%+v", r)
			}
		})
	}

	s := ours.copied(t)
	if err := s.Ledger.Issue(t.Context(), ledger.Issue{Seq: -1, Release: ledger.Release{Sequence: release.MaxSequence, Issued: now, Expires: now + 1}}); err != nil {
		t.Fatal(err)
	}
	s.list(t, "next.example/")
	if _, err := s.Publish(t.Context(), now+60); !errors.Is(err, ErrNumbers) {
		t.Errorf("after the last number: %v", err)
	}
}

// What was proven once comes from memory: whoever overwrites the file afterwards, in place, with a file of the same
// size and time, changes nothing of what is handed out, and a server that has not proven it hands out nothing. The
// memory has an end.
func TestWhatWasProvenOnceIsHandedOut(t *testing.T) {
	p := newPublisher(t)
	now := time.Now().Unix()
	p.mustPublish(t, now)
	h := p.client(t, now).Head()
	shelf := &Shelf{Blobs: p.Blobs, Ledger: p.Ledger, Root: p.Keys.Root}
	before, err := shelf.Blob(t.Context(), h.Set)
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Clone(before)
	zeros := make([]byte, len(want))
	if err := errors.Join(p.Blobs.Delete("blob/"+h.Set.String()), p.Blobs.Put("blob/"+h.Set.String(), zeros)); err != nil {
		t.Fatal(err)
	}
	if got, err := shelf.Blob(t.Context(), h.Set); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if got, err := (&Shelf{Blobs: p.Blobs, Ledger: p.Ledger, Root: p.Keys.Root}).Blob(t.Context(), h.Set); !errors.Is(err, ErrDamaged) {
		t.Errorf("unproven: %d bytes, %v", len(got), err)
	}
	var m memory
	for i := range 10 {
		if _, err := m.of(fmt.Sprint(i), func() ([]byte, error) { return make([]byte, maxMemory/4), nil }); err != nil || m.size > maxMemory {
			t.Fatalf("%d bytes are kept, %v", m.size, err)
		}
	}
	if _, err := m.of("damaged", func() ([]byte, error) { return nil, ErrDamaged }); !errors.Is(err, ErrDamaged) || m.all.Contains("damaged") || m.all.Contains("1") || !m.all.Contains("9") {
		t.Errorf("kept: %v, %v", m.all.Keys(), err)
	}
}
