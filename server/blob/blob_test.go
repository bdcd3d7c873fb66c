package blob

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestPublished(t *testing.T) {
	d, err := Open(filepath.Join(t.TempDir(), "published"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Put("delta/ab/7", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := d.Put("delta/ab/7", []byte("one")); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if got, err := d.Get("delta/ab/7", 3); err != nil || string(got) != "one" {
		t.Errorf("got %q, %v", got, err)
	}
	open, err := d.Open("delta/ab/7")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	if got, err := open.Slice(1, 2); err != nil || string(got) != "ne" {
		t.Errorf("slice: %q, %v", got, err)
	}
	for _, r := range [][2]int64{{2, 2}, {-1, 2}, {0, 4}, {1, -1}, {1 << 62, 1 << 62}, {1, 1<<63 - 1}} {
		if _, err := open.Slice(r[0], r[1]); !errors.Is(err, ErrNoBlob) {
			t.Errorf("slice %v: %v", r, err)
		}
	}
	if names, err := d.Names("delta"); err != nil || len(names) != 1 || names[0] != "delta/ab/7" {
		t.Errorf("names: %q, %v", names, err)
	}
	if err := d.Delete("delta/ab/7"); err != nil {
		t.Error(err)
	}
	if _, err := d.Get("delta/ab/7", 3); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	if _, err := os.Stat(filepath.Join(d.path, "delta/ab")); err == nil {
		t.Error("an empty folder stays behind")
	}
}

func TestTheHeadIsReplaced(t *testing.T) {
	d, _ := Open(t.TempDir())
	if _, err := d.Head(); !errors.Is(err, ErrNotFound) {
		t.Errorf("before the first: %v", err)
	}
	for _, head := range []string{"first", "second"} {
		if err := d.SetHead([]byte(head)); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Head(); err != nil || string(got) != head {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

// The name comes from a request. None may lead out of the directory.
func TestNamesThatLeadElsewhere(t *testing.T) {
	d, _ := Open(t.TempDir())
	for _, name := range []string{"", "/", "../x", "a/../../x", "a//b", "/etc/passwd", "a\\b", "a.b", "A", "a/", ".new-1", "head", "a\x00"} {
		if err := d.Put(name, nil); !errors.Is(err, ErrName) {
			t.Errorf("put %q: %v", name, err)
		}
		if _, err := d.Get(name, 10); !errors.Is(err, ErrNotFound) {
			t.Errorf("get %q: %v", name, err)
		}
	}
}

func TestWhatACrashLeavesIsSwept(t *testing.T) {
	d, _ := Open(t.TempDir())
	if err := d.Put("blob/ab", bytes.Repeat([]byte("x"), 1000)); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(d.path, "blob", ".new-123")
	if err := os.WriteFile(half, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if names, err := d.Names("blob"); err != nil || len(names) != 1 {
		t.Errorf("half a blob is listed: %q, %v", names, err)
	}
	writing, err := d.Draft()
	if err != nil {
		t.Fatal(err)
	}
	defer writing.Discard()
	if err := d.Sweep(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(half); err == nil {
		t.Error("it is still there")
	}
	if err := writing.Put("blob/cd"); err != nil {
		t.Errorf("what another is writing was swept: %v", err)
	}
	if _, err := d.Get("blob/ab", 1000); err != nil {
		t.Error("a whole blob was swept:", err)
	}
}

// Whoever can write into the directory puts something else in the place of a blob, of a folder and of the head. None of
// it is read, waited for or taken into memory, and what is put takes its place.
func TestWhatWasNeverPut(t *testing.T) {
	body := []byte("what was put")
	plant := map[string]func(file string) error{
		"a folder":                func(file string) error { return os.MkdirAll(filepath.Join(file, "below"), 0o755) },
		"a pipe without a writer": func(file string) error { return syscall.Mkfifo(file, 0o644) },
		"a link to something endless": func(file string) error {
			return os.Symlink("/dev/zero", file)
		},
		"a link to a secret": func(file string) error {
			secret := filepath.Join(t.TempDir(), "root.key")
			return errors.Join(os.WriteFile(secret, []byte("PRIVATE KEY"), 0o600), os.Symlink(secret, file))
		},
		"a terabyte": func(file string) error { return errors.Join(os.WriteFile(file, nil, 0o644), os.Truncate(file, 1<<40)) },
	}
	for what, planted := range plant {
		t.Run(what, func(t *testing.T) {
			d, err := Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(os.Mkdir(filepath.Join(d.path, "blob"), 0o755), planted(filepath.Join(d.path, "blob", "ab")), planted(filepath.Join(d.path, "head"))); err != nil {
				t.Fatal(err)
			}
			if got, err := d.Get("blob/ab", 1<<20); !errors.Is(err, ErrNoBlob) {
				t.Errorf("read %q, %v", got, err)
			}
			if got, err := d.Head(); !errors.Is(err, ErrNoBlob) {
				t.Errorf("the head is %q, %v", got, err)
			}
			if err := errors.Join(d.Put("blob/ab", body), d.SetHead(body)); err != nil {
				t.Fatal(err)
			}
			if got, err := d.Get("blob/ab", 1<<20); err != nil || !bytes.Equal(got, body) {
				t.Errorf("read %q, %v", got, err)
			}
			if got, err := d.Head(); err != nil || !bytes.Equal(got, body) {
				t.Errorf("the head is %q, %v", got, err)
			}
		})
	}

	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"delta", "blob"} {
		if err := os.WriteFile(filepath.Join(d.path, folder), []byte("a file where a folder was"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := d.Names("delta"); err != nil || len(names) > 0 {
		t.Errorf("%q, %v", names, err)
	}
	if err := d.Put("delta/ab/7", body); err != nil {
		t.Error(err)
	}
	draft, err := d.Draft()
	if err != nil {
		t.Fatal(err)
	}
	defer draft.Discard()
	if err := draft.Put("blob/ab"); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(d.path, "blob", "Read me.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if names, err := d.Names("blob"); err != nil || len(names) != 1 {
		t.Errorf("%q, %v", names, err)
	}
}
