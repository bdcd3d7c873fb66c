package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const invented = `# Invented for a test.
platform plaza Plaza
network Plaza plaza.example plaza.test
cards
reach 2
owns plaza.example plaza-pictures.example
things room
takedown 777
  where https://plaza.example/report
  menu en Fraud
  menu vi Lừa đảo
hosts plaza.example www.plaza.example

kind user handle _ 3..20
  open https://plaza.example/{id}
  en Plaza account {id}
  vi Tài khoản Plaza {id}
  pl Konto na Plaza {id}

kind room number 4..9
  open https://plaza.example/r/{id}
  en Plaza room {id}
  vi Phòng Plaza {id}
  pl Pokój na Plaza {id}

form /r/{room}
form /{user}
`

// What is known of a platform comes from its one file of rules: with another file, each table has another row.
func TestAnotherPlatformIsOneFile(t *testing.T) {
	rules, err := filepath.Abs("../../shared/subject/platforms")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.CopyFS(folder, os.DirFS(rules)); err != nil {
		t.Fatal(err)
	}
	before := generated()
	if err := os.WriteFile(folder+"plaza.rules", []byte(invented), 0o644); err != nil {
		t.Fatal(err)
	}
	after := generated()
	for name, wants := range map[string][]string{
		"platforms_gen.go":                                    {`"plaza:user/"`, `"plaza.example"`},
		"../../docs/subjects.md":                              {"### Plaza"},
		"../../server/platform/platforms_gen.go":              {`Title: "Plaza", Reach: 2, HasCards: true`, `"plaza.test"`, `"plaza-pictures.example"`, `Where: "https://plaza.example/report"`, "Hours: 777"},
		"../../extension/src/shared/platforms_gen.ts":         {`| "plaza" |`, `domains: ["plaza.example", "plaza.test"], platform: "plaza"`, `"plaza.test": "plaza"`, `"plaza:room/"`},
		"../../extension/src/content/evidence/readers_gen.ts": {`import { plaza } from "./plaza";`},
	} {
		for _, want := range wants {
			if strings.Contains(string(before[name]), want) || !strings.Contains(string(after[name]), want) {
				t.Errorf("%s has no %s of its own", name, want)
			}
		}
	}
	if len(after) != 5 {
		t.Errorf("%d files are made, and this test knows five", len(after))
	}
}

// What only the server and the extension ask is no part of what names the rules.
func TestTheNameOfTheRulesIsThatOfAddresses(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	write(trackingFile, "")
	write(folder+"plaza.rules", invented)
	name := version()
	write(folder+"plaza.rules", strings.NewReplacer("reach 2", "reach 3", "Fraud", "Scam", "takedown 777", "takedown 24", "cards\n", "").Replace(invented))
	if other := version(); other != name {
		t.Errorf("it is %s, and %s with another reach", name, other)
	}
	write(folder+"plaza.rules", strings.Replace(invented, "3..20", "3..21", 1))
	if version() == name {
		t.Error("longer names have not changed it")
	}
}
