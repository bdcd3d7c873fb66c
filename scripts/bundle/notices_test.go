package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Whoever unpacks the extension finds under which terms it is passed on, and those of all that is inside: the libraries
// of package.json, which esbuild has taken in, and what Go has linked into the core.
func TestTheExtensionNamesWhatIsInside(t *testing.T) {
	var manifest struct{ Dependencies map[string]string }
	if err := json.Unmarshal([]byte(read(t, "../../extension/package.json")), &manifest); err != nil {
		t.Fatal(err)
	}
	if house.installed() != nil {
		t.Skip("the extension's packages are not installed: run scripts/npm.sh")
	}
	all := files{}
	metafiles, err := house.scripts(all, "https://khien.example", "root", 1)
	if err != nil {
		t.Fatal(err)
	}
	inside, err := house.notices(all, metafiles)
	if err != nil {
		t.Fatal(err)
	}
	notices := string(all["NOTICES.txt"])
	for name, version := range manifest.Dependencies {
		if !strings.Contains(notices, "- "+name+" "+version+": ") {
			t.Errorf("NOTICES.txt has no %s %s", name, version)
		}
	}
	for _, part := range inside {
		if strings.HasPrefix(part.PURL, "pkg:npm/") && manifest.Dependencies[part.Name] == "" {
			t.Errorf("%s is inside, and package.json does not name it for that", part.Name)
		}
	}
	for _, line := range []string{"- Go 1.", "- golang.org/x/text ", "- Unicode confusables (UTS #39) "} {
		if !strings.Contains(notices, line) {
			t.Errorf("NOTICES.txt has no %q", line)
		}
	}
	if strings.Contains(notices, "fasthttp") {
		t.Error("NOTICES.txt has what is in the server alone")
	}
	if !bytes.Contains(all["LICENSE"], []byte("Apache License")) {
		t.Error("the licence is not inside")
	}
}

// What makes bytes that others must be able to make again runs the Go that go.mod names, whatever the machine would
// have taken.
func TestTheToolchainIsPinned(t *testing.T) {
	found := regexp.MustCompile(`(?m)^toolchain (go1\.\d+\.\d+)$`).FindStringSubmatch(read(t, "../../go.mod"))
	if found == nil {
		t.Fatal("go.mod names no toolchain")
	}
	if err := pinned("../.."); (err == nil) != (runtime.Version() == found[1]) {
		t.Errorf("a release with %s, where go.mod names %s: %v", runtime.Version(), found[1], err)
	}
	for _, script := range []string{"build.sh", "release.sh", "rebuild.sh", "reproduce.sh"} {
		if !slices.Contains(strings.Split(read(t, "../"+script), "\n"), ". scripts/toolchain.sh") {
			t.Errorf("scripts/%s takes any Go", script)
		}
	}
	// A stand-in for go says with which version it was asked to build.
	folder := t.TempDir()
	said := filepath.Join(folder, "said")
	if err := os.WriteFile(filepath.Join(folder, "go"), []byte("#!/bin/sh\necho \"$GOTOOLCHAIN $1\" >>"+said+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("sh", "../build.sh")
	build.Env = append(os.Environ(), "GOTOOLCHAIN=local", "PATH="+folder+":"+os.Getenv("PATH"))
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	calls := strings.Split(strings.TrimSpace(read(t, said)), "\n")
	if want := []string{found[1] + " build", found[1] + " build", found[1] + " run"}; !slices.Equal(calls, want) {
		t.Errorf("go was asked: %q, want %q", calls, want)
	}
}
