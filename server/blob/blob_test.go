package blob

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestPublishedIsImmutable(t *testing.T) {
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
	if err := d.Put("delta/ab/7", []byte("two")); !errors.Is(err, ErrDiffers) {
		t.Errorf("other bytes: %v", err)
	}
	if got, err := d.Get("delta/ab/7"); err != nil || string(got) != "one" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := d.Slice("delta/ab/7", 1, 2); err != nil || string(got) != "ne" {
		t.Errorf("slice: %q, %v", got, err)
	}
	for _, r := range [][2]int64{{2, 2}, {-1, 2}, {0, 4}, {1, -1}, {1 << 62, 1 << 62}} {
		if _, err := d.Slice("delta/ab/7", r[0], r[1]); !errors.Is(err, ErrNotFound) {
			t.Errorf("slice %v: %v", r, err)
		}
	}
	if names, err := d.Names("delta"); err != nil || len(names) != 1 || names[0] != "delta/ab/7" {
		t.Errorf("names: %q, %v", names, err)
	}
	if err := d.Delete("delta/ab/7"); err != nil {
		t.Error(err)
	}
	if _, err := d.Get("delta/ab/7"); !errors.Is(err, ErrNotFound) {
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
		if _, err := d.Get(name); !errors.Is(err, ErrNotFound) {
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
	if err := d.Sweep(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(half); err == nil {
		t.Error("it is still there")
	}
	if _, err := d.Get("blob/ab"); err != nil {
		t.Error("a whole blob was swept:", err)
	}
}
