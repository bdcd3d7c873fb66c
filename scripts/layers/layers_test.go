// Package layers holds the import rules of the house as a test.
package layers

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layers are the rooms from the ground up. A package may import what stands in a lower
// row, never its own row or a higher one; what no row names may be imported by nobody else.
var layers = [][]string{
	{"khien/shared/texts"},
	{"khien/shared/subject", "khien/shared/category", "khien/shared/set", "khien/shared/official", "khien/shared/pow", "khien/shared/report"},
	{"khien/shared/release", "khien/shared/wire", "khien/shared/supplement"},
	{"khien/shared/checker", "khien/shared/report", "khien/server/platform", "khien/server/db", "khien/server/db/dbtest", "khien/server/bidi", "khien/server/phone"},
	{"khien/server/words"},
	{"khien/wasm", "khien/server/ledger", "khien/server/inbox", "khien/server/blob", "khien/server/staff", "khien/server/limit", "khien/server/gate", "khien/server/campaign", "khien/server/audit"},
	{"khien/server/feed", "khien/server/evidence"},
	{"khien/server/publish"},
	{"khien/server/triage"},
	{"khien/server/takedown", "khien/server/exchange"},
	{"khien/server/stream"},
	{"khien/server/partner"},
	{"khien/server/export"},
	{"khien/server/taxii", "khien/server/notice"},
	{"khien/server/public"},
	{"khien/server/api"},
	{"khien/server/httpd", "khien/server/console", "khien/server/office", "khien/server/backup"},
	{"khien/server/cmd/khien", "khien/server/office/officetest"}, // which only tests import
}

// bans name what a part of the tree must not import, directly or through others, and why.
var bans = []struct{ part, pkg, why string }{
	{"khien/shared/", "net/http", "adds 0.8 MB to the core, and the core never fetches"},
	{"khien/shared/", "net/url", "reads addresses otherwise than browsers do; the browser has already parsed"},
	{"khien/shared/", "os/exec", "the core takes bytes and time and returns bytes"},
	{"khien/shared/", "log", "the core never logs: a log line about a visit is a leak"},
	{"khien/shared/", "log/slog", "the core never logs: a log line about a visit is a leak"},
	{"khien/shared/", "golang.org/x/net/publicsuffix", "1.4 MB; public suffixes are the publisher's matter"},
	{"khien/wasm", "net/http", "adds 0.8 MB to the core, and the core never fetches"},
	{"khien/wasm", "net/url", "reads addresses otherwise than browsers do; the browser has already parsed"},
	{"khien/server/cmd/khien", "github.com/nyaruka/phonenumbers", "unpacks its rules at every start of the program; server/phone has what is needed of them"},
}

// direct names packages that only one room may import, and why.
var direct = []struct{ pkg, only, why string }{
	{"github.com/valyala/fasthttp", "khien/server/httpd", "one room knows the transport"},
	{"syscall/js", "khien/server/cmd/edge", "the browser's core is a WASI reactor"},
	{"encoding/json", "khien/server/", "not in the core: reflection and size"},
	{"os", "khien/server/", "the core takes bytes and returns bytes"},
}

// toolRooms build and test; they are outside the house.
const toolRooms = "khien/scripts/"

type pkg struct {
	ImportPath    string
	Imports, Deps []string
	Module        *struct{ Path string }
}

func list(t *testing.T, env ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps,Module", "./...")
	cmd.Dir = root
	cmd.Env = append(cmd.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	var pkgs []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

const root = "../.."

// The rules hold on the machine and for the build that runs in the browser.
func house(t *testing.T) []pkg {
	return append(list(t), list(t, "GOOS=wasip1", "GOARCH=wasm")...)
}

func TestImportsRunOneWay(t *testing.T) {
	row := map[string]int{}
	for i, names := range layers {
		for _, name := range names {
			row[name] = i
		}
	}
	for _, p := range house(t) {
		if strings.HasPrefix(p.ImportPath, toolRooms) {
			continue
		}
		mine, ok := row[p.ImportPath]
		if !ok {
			t.Errorf("%s stands in no row of the house: give it a place", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if !strings.HasPrefix(imp, "khien/") {
				continue
			}
			theirs, ok := row[imp]
			if !ok || theirs >= mine {
				t.Errorf("%s imports %s, which stands beside or above it", p.ImportPath, imp)
			}
			if strings.HasPrefix(p.ImportPath, "khien/shared/") && !strings.HasPrefix(imp, "khien/shared/") {
				t.Errorf("%s imports %s: shared builds into the core and knows nothing outside shared", p.ImportPath, imp)
			}
		}
	}
}

func TestTheCoreImportsOnlyTheChecker(t *testing.T) {
	// Besides the checker: the report's body, its proof of work, and the errors that have a name across the boundary.
	allowed := []string{"khien/shared/checker", "khien/shared/wire", "khien/shared/subject", "khien/shared/release", "khien/shared/set", "khien/shared/supplement", "khien/shared/official", "khien/shared/pow", "khien/shared/report"}
	for _, p := range house(t) {
		if p.ImportPath != "khien/wasm" {
			continue
		}
		for _, imp := range p.Imports {
			if strings.HasPrefix(imp, "khien/") && !slices.Contains(allowed, imp) {
				t.Errorf("khien/wasm imports %s; what the browser asks goes through the checker", imp)
			}
		}
	}
}

func TestBans(t *testing.T) {
	for _, p := range house(t) {
		for _, ban := range bans {
			if strings.HasPrefix(p.ImportPath, ban.part) && slices.Contains(p.Deps, ban.pkg) {
				t.Errorf("%s depends on %s: %s", p.ImportPath, ban.pkg, ban.why)
			}
		}
		for _, d := range direct {
			if slices.Contains(p.Imports, d.pkg) && !strings.HasPrefix(p.ImportPath, d.only) && !strings.HasPrefix(p.ImportPath, toolRooms) {
				t.Errorf("%s imports %s, which belongs to %s: %s", p.ImportPath, d.pkg, d.only, d.why)
			}
		}
	}
}

// Time comes in as an argument, so that a test can be any day and the core can be asked twice.
func TestTheCoreReadsNoClock(t *testing.T) {
	for _, part := range []string{"shared", "wasm"} {
		err := filepath.WalkDir(filepath.Join(root, part), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			for _, imp := range f.Imports {
				if imp.Path.Value == `"time"` {
					t.Errorf("%s imports time: the core never reads a clock", path)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestPackageNamesSaySomething(t *testing.T) {
	for _, p := range house(t) {
		switch name := p.ImportPath[strings.LastIndex(p.ImportPath, "/")+1:]; name {
		case "util", "utils", "common", "helper", "helpers", "types", "models", "misc":
			t.Errorf("%s: the name %q says nothing about what is inside", p.ImportPath, name)
		}
	}
}

// What people report is looked at by people. A server that fetched it would tell the scammer who looks, and could be
// sent to the machines beside it. There are three clients: that of the commands that a person gives an address to, the
// one that asks the sources that a person has connected, and the one that tells partners what was agreed, where a person
// has said; the last two lead to no machine beside it.
func TestTheServerFetchesNothing(t *testing.T) {
	clients := map[string]int{"server/cmd/khien/client.go": 0, "server/exchange/fetch.go": 0, "server/notice/deliver.go": 0}
	fetches := map[string][]string{
		"http":     {"Get", "Head", "Post", "PostForm", "Client", "DefaultClient", "Transport", "DefaultTransport", "NewRequest", "NewRequestWithContext"},
		"fasthttp": {"Client", "HostClient", "PipelineClient", "LBClient", "Do", "DoTimeout", "Get", "Post", "Dial"},
		"net":      {"Dial", "DialTimeout", "Dialer", "DialTCP", "LookupHost", "LookupIP", "LookupAddr", "Resolver", "DefaultResolver"},
		"tls":      {"Dial", "Dialer"},
		"exec":     {"Command", "CommandContext"},
	}
	err := filepath.WalkDir(filepath.Join(root, "server"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || d.Name() == "dbtest.go" {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := call.X.(*ast.Ident)
			if !ok || pkg.Obj != nil || !slices.Contains(fetches[pkg.Name], call.Sel.Name) {
				return true
			}
			name := strings.TrimPrefix(filepath.ToSlash(path), root+"/")
			if _, may := clients[name]; may {
				clients[name]++
				return true
			}
			t.Errorf("%s: %s.%s: the server fetches nothing", path, pkg.Name, call.Sel.Name)
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for client, seen := range clients {
		if seen == 0 {
			t.Errorf("%s was not recognised as a client: this test sees nothing", client)
		}
	}
}

// A file that takes the place of another is on the disk before it has that name: after a loss of power there is the old
// one or the new one, and never an empty one.
func TestWhatIsRenamedIsSynced(t *testing.T) {
	elsewhere := map[string]string{
		"server/publish/keys.go InitKeys":           "a folder, whose files save has synced",
		"server/office/movein.go MoveIn":            "a database that fill has synced",
		"server/office/movein.go copyAside":         "a folder, whose files copyFile has synced",
		"server/office/migrate.go toFiles":          "a note that Remember has synced, into a folder that is synced before",
		"server/office/migrate.go settleInPostgres": "databases that were in use",
		"server/office/migrate.go settleInFiles":    "databases that toFiles has synced",
		"server/export/files.go write":              "a folder, whose files place and file.Close have synced, and a link to it",
		"server/backup/backup.go finish":            "a folder, whose files copyFile and its folders finish have synced",
	}
	seen := 0
	err := filepath.WalkDir(filepath.Join(root, "server"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range f.Decls {
			what, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			renames, syncs := false, false
			ast.Inspect(what, func(n ast.Node) bool {
				if call, ok := n.(*ast.SelectorExpr); ok {
					pkg, _ := call.X.(*ast.Ident)
					renames = renames || call.Sel.Name == "Rename" && pkg != nil && pkg.Name == "os"
					syncs = syncs || call.Sel.Name == "Sync"
				}
				return true
			})
			if !renames {
				continue
			}
			seen++
			name := strings.TrimPrefix(filepath.ToSlash(path), root+"/") + " " + what.Name.Name
			if _, ok := elsewhere[name]; !ok && !syncs {
				t.Errorf("%s renames what may not be on the disk: use blob.WritePlain", name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 4 {
		t.Errorf("only %d were found: this test sees nothing", seen)
	}
}

// Every fuzz target of every package is one that "make fuzz" runs, and so are those of the extension.
func TestEveryFuzzTargetRuns(t *testing.T) {
	out, err := exec.Command("../fuzz.sh", "list").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	runs := strings.Split(strings.TrimSpace(string(out)), "\n")
	n := 0
	want := func(target string) {
		t.Helper()
		if n++; !slices.Contains(runs, target) {
			t.Errorf("scripts/fuzz.sh does not run %s", target)
		}
	}
	for _, name := range sources(t) {
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") {
				want(path.Dir(name) + " " + f.Name.Name)
			}
		}
	}
	want("extension test/messages.test.mjs")
	want("extension test/codes.test.mjs")
	if n < 40 || n != len(runs) {
		t.Errorf("%d targets are found, %d run", n, len(runs))
	}
}
