package main

import (
	"bytes"
	"crypto/sha256"
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

	"golang.org/x/mod/modfile"

	"khien/scripts/parts"
	"khien/server/platform"
	"khien/server/publish"
	"khien/shared/release"
	"khien/shared/texts"
)

// upload writes what the stores are given: a zip for each browser, one of the sources from which
// anybody makes the same bytes again, the list of what of others is inside, and the sums of all, plain and signed.
func (b build) upload(origin string, extensions map[string]files, bundled files, root string, inside []parts.Component) error {
	if !b.local && !reachable(origin) {
		return fmt.Errorf("a release for %s would protect nobody: nothing answers there on other machines. Give the address of the server, such as SERVER=https://khien.org, or LOCAL=1 to try the packaging", origin)
	}
	if err := pinned(b.top()); err != nil {
		return err
	}
	keys, err := publish.LoadKeys(filepath.Join(b.data, "keys"))
	if err != nil {
		return fmt.Errorf("a release is signed with the release key of its data directory: %w", err)
	}
	version, err := parts.Version(b.top())
	if err != nil {
		return err
	}
	if err := os.RemoveAll(b.stores); err != nil {
		return err
	}
	if err := os.MkdirAll(b.stores, 0o755); err != nil {
		return err
	}
	sums := release.Sums{}
	put := func(what string, f files) error {
		name := "khien-" + version + "-" + what + ".zip"
		path := filepath.Join(b.stores, name)
		if err := f.zip(path); err != nil {
			return err
		}
		body, err := os.ReadFile(path)
		sums[name] = release.DigestOf(body)
		return err
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
	sources[inputsFolder+"/SHA256SUMS"] = []byte(sums.Text())
	sources["BUILDING.md"] = sources["docs/store/building.md"]
	if err := put("source", sources); err != nil {
		return err
	}
	bom, err := parts.BOM("khien-extension", version, inside)
	if err != nil {
		return err
	}
	list := "khien-" + version + ".cdx.json"
	sums[list] = release.DigestOf(bom)
	signed, err := keys.SignSums(sums)
	if err != nil {
		return err
	}
	out, err := b.storeTexts()
	if err != nil {
		return err
	}
	maps.Copy(out, map[string][]byte{list: bom, "SHA256SUMS": []byte(sums.Text()), "SHA256SUMS.signed": signed, "keys.note": keys.Note})
	for name, body := range out {
		if err := os.WriteFile(filepath.Join(b.stores, name), body, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// storeTexts are what the stores are told in each language that has a store.md, which leaves a place for the networks.
func (b build) storeTexts() (map[string][]byte, error) {
	var networks []string
	for _, p := range platform.All() {
		for _, network := range p.Networks {
			networks = append(networks, network.Name)
		}
	}
	told := map[string][]byte{}
	for _, lang := range texts.All() {
		text, err := os.ReadFile(filepath.Join(b.top(), "shared", "texts", lang, "store.md"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		told["store-"+lang+".md"] = bytes.ReplaceAll(text, []byte("{networks}"), []byte(strings.Join(networks, ", ")))
	}
	return told, nil
}

// pinned refuses another version of Go than the one that go.mod names: its compilers do not all give the same bytes,
// nor do its archives.
func pinned(top string) error {
	text, err := os.ReadFile(filepath.Join(top, "go.mod"))
	if err != nil {
		return err
	}
	module, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		return err
	}
	if want := module.Toolchain.Name; runtime.Version() != want {
		return fmt.Errorf("a release is made with %s, which go.mod names, and this is %s: use \"make release\"", want, runtime.Version())
	}
	return nil
}

// inputsFolder is what goes into a release and is not source: in the source zip, a data directory
// of one release and its public key alone, and beside it the server's address. scripts/rebuild.sh builds from it.
const inputsFolder = "release"

func inputs(origin string, bundled files, root string) files {
	in := files{
		inputsFolder + "/server":        []byte(origin + "\n"),
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
