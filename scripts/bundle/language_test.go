package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Somebody adds a language: copies the folder of English, translates a little of it, and runs go generate. All else is
// as it was, and the program, its pages, its errors and the extension speak it, and English where they cannot yet.
func TestALanguageIsOneFolder(t *testing.T) {
	tree := filepath.Join(t.TempDir(), "khien")
	copyTree(t, tree)
	english, folder := filepath.Join(tree, "shared/texts/en"), filepath.Join(tree, "shared/texts/eo")
	if err := os.CopyFS(folder, os.DirFS(english)); err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct{ file, english, said string }{
		{"language.txt", "name = English\nrank = 1", "name = Esperanto\nrank = 9"},
		{"public.txt", "\nnav.rules = Rules\n", "\nnav.rules = Reguloj\n"},
		{"public.txt", "\nnav.appeal = ", "\n# not said yet: "},
		{"welcome.txt", "= Warned before you are cheated.", "= Averto antaŭ trompo."},
		{"console.console.txt", "signin.title = ", "signin.title = Saluton. "},
		{"api.txt", "\n", "\nThere is nothing under this address. = Ĉi tie estas nenio.\n"},
		{"category.txt", "shop = Fake shop", "shop = Falsa butiko"},
		{"subject.txt", "phone = Telephone number {id}", "phone = Telefonnumero {id}\nfacebook:user = Konto {id} ĉe Facebook"},
		{"help.txt", "all.paid.1 = ", "all.paid.1 = Telefonu. "},
		{"extension.json", `"stopPage": { "message": "`, `"stopPage": { "message": "Haltu! `},
		{"extension.json", "  \"leave\": { \"message\": \"Leave\" },\n", ""},
	} {
		path := filepath.Join(folder, one.file)
		text := read(t, path)
		if !strings.Contains(text, one.english) {
			t.Fatalf("%s has no %q", one.file, one.english)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(text, one.english, one.said, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = tree, append(os.Environ(), "CGO_ENABLED=0")
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, said.String())
		}
		return string(out)
	}
	sees := func(where, text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q: %.2000s", where, want, text)
			}
		}
	}
	run("go", "generate", "./shared/subject/platform.go")
	run("go", "build", "-o", "build/khien", "./server/cmd/khien")

	// The command line.
	khien := filepath.Join(tree, "build/khien")
	sees("a kind of scam", run(khien, "categories"), `"eo":"Falsa butiko"`)
	sees("a number", run(khien, "subject", "--describe", "eo", "tel:+84900000101", "https://www.facebook.com/an.invented.name", "https://t.me/khien_demo"),
		"Telefonnumero +84900000101", "Konto aninventedname ĉe Facebook", "Telegram account khien_demo")
	sees("a reason", run(khien, "withdraw", "--help"), "--reason-eo")

	// The server.
	data := filepath.Join(tree, "data")
	run(khien, "init", "--demo", "--data", data)
	sees("the help", run(khien, "hotlines", "show", "--data", data), `"eo": "Telefonu. `)
	serve := exec.Command(khien, "serve", "--data", data, "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0")
	errors, err := serve.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	at := map[string]string{}
	lines := bufio.NewScanner(errors)
	for at["serving on "] == "" && lines.Scan() {
		for _, said := range []string{"serving on ", "the console is at "} {
			if rest, ok := strings.CutPrefix(lines.Text(), said); ok {
				at[said] = strings.TrimSuffix(strings.TrimSpace(rest), "/")
			}
		}
	}
	t.Cleanup(func() {
		serve.Process.Signal(syscall.SIGTERM)
		io.Copy(io.Discard, errors)
		serve.Wait()
	})
	get := func(address string) string {
		t.Helper()
		req, err := http.NewRequest("GET", address, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Language", "eo")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	site, console := at["serving on "], at["the console is at "]
	sees("the page at /", get(site+"/"), `<html lang="eo">`, "Averto antaŭ trompo.")
	sees("the page at / in English", get(site+"/?lang=en"), `hreflang="eo">Esperanto</a>`)
	sees("a public page", get(site+"/register"), `<html lang="eo">`, ">Reguloj</a>", ">Report a mistake</a>")
	sees("an error", get(site+"/v1/nothing"), "Ĉi tie estas nenio.")
	sees("an error that is not translated", get(site+"/v1/blob/x"), `"message":"`)
	sees("the console", get(console+"/signin"), `<html lang="eo">`, "Saluton. ")

	// The extension.
	run("go", "run", "./scripts/bundle", "--server", "http://127.0.0.1:8787", "--data", data, "--core", "go.mod") // any core will do
	var words map[string]message
	for _, browser := range browsers {
		if err := json.Unmarshal([]byte(read(t, filepath.Join(tree, "build/extension", browser, "_locales/eo/messages.json"))), &words); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(words["stopPage"].Message, "Haltu! ") || words["category_shop"].Message != "Falsa butiko" || words["leave"].Message != "Leave" {
			t.Errorf("%s: says %q, %q and %q", browser, words["stopPage"].Message, words["category_shop"].Message, words["leave"].Message)
		}
		sees("the options of "+browser, read(t, filepath.Join(tree, "build/extension", browser, "options.js")), "Esperanto")
	}
}

// copyTree copies what is written by hand and generated, and leads to the libraries of the extension where they are.
func copyTree(t *testing.T, to string) {
	t.Helper()
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	libraries := filepath.Join(top, "extension/node_modules")
	if _, err := os.Stat(libraries); err != nil {
		t.Skip("the libraries of the extension are not here: run scripts/npm.sh")
	}
	err = filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(top, path)
		switch {
		case e.IsDir() && (e.Name() == "node_modules" || name == "build" || name == "data" || name == ".git" || name == "docs/pictures"), name == ".git":
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		case !e.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), text, 0o644)
	})
	if err == nil {
		err = os.Symlink(libraries, filepath.Join(to, "extension/node_modules"))
	}
	if err != nil {
		t.Fatal(err)
	}
}
