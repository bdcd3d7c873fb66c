package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// upload writes what the stores are given: a zip for each browser, one of the sources from which
// anybody makes the same bytes again, and the sums of all three.
func (b build) upload(origin string, extensions map[string]files, bundled files, root string) error {
	if !b.local && !reachable(origin) {
		return fmt.Errorf("a release for %s would protect nobody: nothing answers there on other machines. Give the address of the server, such as SERVER=https://khien.org, or LOCAL=1 to try the packaging", origin)
	}
	version, err := b.version()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(b.stores); err != nil {
		return err
	}
	if err := os.MkdirAll(b.stores, 0o755); err != nil {
		return err
	}
	name := func(what string) string { return "khien-" + version + "-" + what + ".zip" }
	var sums bytes.Buffer
	put := func(what string, f files) error {
		path := filepath.Join(b.stores, name(what))
		if err := f.zip(path); err != nil {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(body), name(what))
		return nil
	}
	for _, browser := range browsers {
		if err := put(browser, extensions[browser]); err != nil {
			return err
		}
	}
	sources, err := tracked()
	if err != nil {
		return err
	}
	maps.Copy(sources, inputs(origin, bundled, root))
	sources[inputsFolder+"/SHA256SUMS"] = bytes.Clone(sums.Bytes())
	sources["BUILDING.md"] = sources["docs/store/building.md"]
	if err := put("source", sources); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.stores, "SHA256SUMS"), sums.Bytes(), 0o644)
}

// inputsFolder is what goes into a release and is not source: in the source zip, a data directory
// of one release and its public key alone, beside it the server's address and the version of Go, whose compilers
// do not all give the same bytes. scripts/rebuild.sh builds from it.
const inputsFolder = "release"

func inputs(origin string, bundled files, root string) files {
	in := files{
		inputsFolder + "/server":        []byte(origin + "\n"),
		inputsFolder + "/toolchain":     []byte(runtime.Version() + "\n"),
		inputsFolder + "/keys/root.pub": []byte(root + "\n"),
	}
	for name, body := range bundled {
		if name == "bundled/head" {
			in[inputsFolder+"/published/head"] = body
			continue
		}
		in[fmt.Sprintf("%s/published/blob/%x", inputsFolder, sha256.Sum256(body))] = body
	}
	return in
}

// tracked are the files of the project that git knows, but for the pictures: nothing that merely lies beside them,
// such as keys, is ever published with them.
func tracked() (files, error) {
	list, err := exec.Command("git", "ls-files", "-z", "--full-name", ":/").Output()
	if err != nil {
		return nil, fmt.Errorf("couldn't list the sources, which come from git: %w. To rebuild from a source zip, run scripts/rebuild.sh", err)
	}
	top, err := exec.Command("git", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		return nil, err
	}
	sources := files{}
	for name := range strings.SplitSeq(strings.TrimRight(string(list), "\x00"), "\x00") {
		if strings.HasPrefix(name, "docs/pictures/") || strings.HasPrefix(name, ".ci/") {
			continue
		}
		body, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(top)), filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed, and not yet committed
		} else if err != nil {
			return nil, err
		}
		sources[name] = body
	}
	return sources, nil
}

// version is the one of the manifest.
func (b build) version() (string, error) {
	text, err := os.ReadFile(filepath.Join(b.source, "manifest", "base.json"))
	if err != nil {
		return "", err
	}
	var manifest struct{ Version string }
	if err := json.Unmarshal(text, &manifest); err != nil {
		return "", fmt.Errorf("couldn't read manifest/base.json: %w", err)
	}
	return manifest.Version, nil
}

// reachable tells whether other machines could find a server at an origin: not where its name means
// this machine, a private network, or nothing at all (RFC 6761).
func reachable(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil {
		panic(err) // parseOrigin made it
	}
	host := u.Hostname()
	if ip := net.ParseIP(host); ip != nil {
		return !ip.IsLoopback() && !ip.IsPrivate() && !ip.IsUnspecified() && !ip.IsLinkLocalUnicast()
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	return strings.Contains(host, ".") && !slices.Contains([]string{"localhost", "example", "test", "invalid", "local", "internal"}, last)
}
