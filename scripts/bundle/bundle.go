package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"khien/scripts/parts"
	"khien/server/blob"
	"khien/shared/category"
	"khien/shared/checker"
	"khien/shared/release"
	"khien/shared/report"
)

// build is one run of the bundler.
type build struct {
	source, out, server, data, core string
	now                             int64 // Unix seconds

	stores string // folder for what the stores are given; none if empty
	local  bool   // even if the server is this machine
}

// files are what goes into an extension, by their path in it.
type files map[string][]byte

var browsers = []string{"chromium", "firefox"}

func (b build) run() error {
	origin, err := parseOrigin(b.server)
	if err != nil {
		return err
	}
	if err := b.installed(); err != nil {
		return err
	}
	root, sequence, bundled, err := b.release()
	if err != nil {
		return err
	}
	core, err := os.ReadFile(b.core)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no core at %s: build it with \"make build\"", b.core)
	} else if err != nil {
		return err
	}
	all := files{"core.wasm": core}
	maps.Copy(all, bundled)
	metafiles, err := b.scripts(all, origin, root, sequence)
	if err != nil {
		return err
	}
	inside, err := b.notices(all, metafiles)
	if err != nil {
		return err
	}
	if err := b.styles(); err != nil {
		return err
	}
	if err := b.pages(all); err != nil {
		return err
	}
	if err := b.messages(all); err != nil {
		return err
	}
	extensions := map[string]files{}
	for _, browser := range browsers {
		one := maps.Clone(all)
		if one["manifest.json"], err = b.manifest(browser, origin); err != nil {
			return err
		}
		if err := one.write(filepath.Join(b.out, browser)); err != nil {
			return err
		}
		if err := one.zip(filepath.Join(b.out, "khien-"+browser+".zip")); err != nil {
			return err
		}
		extensions[browser] = one
	}
	if b.stores == "" {
		return nil
	}
	return b.upload(origin, extensions, bundled, root, inside)
}

// top is the folder of go.mod.
func (b build) top() string { return filepath.Dir(filepath.Clean(b.source)) }

// notices puts inside under which terms the extension may be passed on, and what of others is in it, and returns that.
func (b build) notices(all files, metafiles []string) ([]parts.Component, error) {
	core, err := parts.Go(b.top(), "./wasm", "GOOS=wasip1", "GOARCH=wasm")
	if err != nil {
		return nil, err
	}
	scripts, err := parts.NPM(b.source, metafiles...)
	if err != nil {
		return nil, err
	}
	inside := parts.Join(core, scripts)
	all["NOTICES.txt"] = parts.Notices("Khiên", inside)
	all["LICENSE"], err = os.ReadFile(filepath.Join(b.top(), "LICENSE"))
	return inside, err
}

// installed refuses to bundle without the libraries that package.json names.
func (b build) installed() error {
	text, err := os.ReadFile(filepath.Join(b.source, "package.json"))
	if err != nil {
		return err
	}
	var manifest struct{ Dependencies map[string]string }
	if err := json.Unmarshal(text, &manifest); err != nil {
		return fmt.Errorf("couldn't read package.json: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(manifest.Dependencies)) {
		var have struct{ Version string }
		text, err := os.ReadFile(filepath.Join(b.source, "node_modules", name, "package.json"))
		if err == nil {
			err = json.Unmarshal(text, &have)
		}
		if want := manifest.Dependencies[name]; err != nil || have.Version != want {
			return fmt.Errorf("%s %s is not installed: run \"npm ci --ignore-scripts\" in %s", name, want, b.source)
		}
	}
	return nil
}

// release reads the root key and the newest release, and refuses what the extension would refuse.
func (b build) release() (root string, sequence uint64, bundled files, err error) {
	text, err := os.ReadFile(filepath.Join(b.data, "keys", "root.pub"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", 0, nil, fmt.Errorf("there is no root key in %s: make one with \"khien init --data %s\"", b.data, b.data)
	} else if err != nil {
		return "", 0, nil, err
	}
	root = strings.TrimSpace(string(text))
	blobs, err := blob.Open(filepath.Join(b.data, "published"))
	if err != nil {
		return "", 0, nil, err
	}
	head, err := blobs.Head()
	if errors.Is(err, blob.ErrNotFound) {
		return "", 0, nil, fmt.Errorf("nothing is published in %s: run \"khien publish --data %s\"", b.data, b.data)
	} else if err != nil {
		return "", 0, nil, err
	}
	named, err := release.ReadHead(head)
	if err != nil {
		return "", 0, nil, fmt.Errorf("couldn't read the head: %w", err)
	}
	keys, err := blobs.Get("blob/"+named.Keys.String(), release.MaxKeys)
	if err != nil {
		return "", 0, nil, fmt.Errorf("couldn't read the key list: %w", err)
	}
	set, err := blobs.Get("blob/"+named.Set.String(), release.MaxSet)
	if err != nil {
		return "", 0, nil, fmt.Errorf("couldn't read the set: %w", err)
	}
	supplement, err := blobs.Get("blob/"+named.Supplement.String(), release.MaxSupplement)
	if err != nil {
		return "", 0, nil, fmt.Errorf("couldn't read the supplement: %w", err)
	}
	if _, err := checker.Open(root, keys, head, set, release.DigestOf(set), supplement, b.now); err != nil {
		return "", 0, nil, fmt.Errorf("the newest release cannot go inside: %w", err)
	}
	return root, named.Sequence, files{"bundled/keys": keys, "bundled/head": head, "bundled/set": set, "bundled/guide": supplement}, nil
}

// background are the scripts that belong to no page: the worker, and what runs in pages of others.
var background = []string{
	"src/worker/worker.ts",
	"src/content/overlay.ts",
	"src/content/feed.ts",
	"src/content/banner.ts",
}

// onDemand are modules that a page of ours imports when it first needs them, by a name that ends in ".js", so that it
// opens without them.
var onDemand = []string{"src/shared/qr.ts"}

// beside has what is imported on demand looked for where it lies in the extension: all scripts are in one folder there.
var beside = api.Plugin{Name: "beside", Setup: func(build api.PluginBuild) {
	build.OnResolve(api.OnResolveOptions{Filter: `^\.\.?/.*\.js$`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
		name := strings.TrimSuffix(path.Base(args.Path), ".js") + ".ts"
		isOurs := args.Kind == api.ResolveJSDynamicImport && slices.ContainsFunc(onDemand, func(module string) bool { return path.Base(module) == name })
		if !isOurs {
			return api.OnResolveResult{}, nil
		}
		return api.OnResolveResult{Path: "./" + path.Base(args.Path), External: true}, nil
	})
}}

// scripts bundles the scripts of the background, of each page the one with its name, and the modules on demand. It
// returns what esbuild says of what it took into them.
func (b build) scripts(all files, origin, root string, sequence uint64) (metafiles []string, err error) {
	var slugs []string
	for _, c := range category.All() {
		slugs = append(slugs, c.Slug())
	}
	source, err := filepath.Abs(b.source)
	if err != nil {
		return nil, err
	}
	languages, err := b.languages()
	if err != nil {
		return nil, err
	}
	entries := slices.Clone(background)
	pages, err := filepath.Glob(filepath.Join(source, "pages", "*.html"))
	if err != nil {
		return nil, err
	}
	for _, page := range pages {
		entries = append(entries, "src/pages/"+strings.TrimSuffix(filepath.Base(page), ".html")+".ts")
	}
	options := api.BuildOptions{
		AbsWorkingDir: source,
		Outdir:        "out", // only names the outputs; nothing is written
		Bundle:        true,
		Plugins:       []api.Plugin{beside},
		Charset:       api.CharsetUTF8,
		Metafile:      true,
		LegalComments: api.LegalCommentsInline,
		Loader:        map[string]api.Loader{".css": api.LoaderText},
		Engines:       []api.Engine{{Name: api.EngineChrome, Version: "120"}, {Name: api.EngineFirefox, Version: "140"}},
		Define: map[string]string{
			"KHIEN_SERVER":     quoted(origin),
			"KHIEN_ROOT":       quoted(root),
			"KHIEN_SEQUENCE":   quoted(sequence),
			"KHIEN_CATEGORIES": quoted(slugs),
			"KHIEN_LANGUAGES":  languages,
			"KHIEN_REPORT":     quoted(map[string]int{"title": report.MaxTitle, "note": report.MaxNote}),
		},
	}
	for _, kind := range []struct {
		format  api.Format
		entries []string
	}{{api.FormatIIFE, entries}, {api.FormatESModule, onDemand}} {
		options.Format, options.EntryPoints = kind.format, kind.entries
		result := api.Build(options)
		if len(result.Errors) > 0 {
			return nil, errors.New(strings.Join(api.FormatMessages(result.Errors, api.FormatMessagesOptions{Kind: api.ErrorMessage}), ""))
		}
		metafiles = append(metafiles, result.Metafile)
		for _, out := range result.OutputFiles {
			all[filepath.Base(out.Path)] = out.Contents
		}
	}
	return metafiles, nil
}

// quoted writes a value as a JavaScript literal.
func quoted(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // strings always have a literal
	}
	return string(text)
}
