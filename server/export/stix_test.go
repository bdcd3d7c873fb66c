package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"khien/server/feed"
	"khien/server/partner"
)

// part is one bundle of a list, in memory.
type part struct{ bytes.Buffer }

func (*part) Close() error { return nil }

// bundles are those of a list.
func bundles(t *testing.T, list List) (all []*part, left Left) {
	t.Helper()
	left, err := NewSTIX(head).Bundles(list, func(int) (io.WriteCloser, error) {
		all = append(all, &part{})
		return all[len(all)-1], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, left
}

// things are subjects of every kind.
var things = []string{"scam.example/", "shared.example/it\\ https://shared.example:8443/it%5C", "shared.example/it's", "192.0.2.7/", "[2001:db8::1]/", "facebook:id/999999999999999",
	"facebook:group/invented", "telegram:user/invented_name", "email:invented@scam.example", "short:bit.ly/Ab", "phone:+84900000001"}

func TestWhatIsWrittenIsSTIX(t *testing.T) {
	root := "../../../shared/vectors/stix2.1/schemas"
	if _, err := os.Stat(root); err != nil {
		t.Skip("the schemas of OASIS are not beside the project:", err)
	}
	c := jsonschema.NewCompiler()
	byID := map[string]string{}
	if err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return err
		}
		id, _ := schema.(map[string]any)["$id"].(string)
		byID[strings.TrimSuffix(filepath.Base(path), ".json")] = id
		return c.AddResource(id, schema)
	}); err != nil {
		t.Fatal(err)
	}
	check := func(kind string, text []byte) {
		t.Helper()
		schema, err := c.Compile(byID[kind])
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err == nil {
			err = schema.Validate(value)
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", kind, err, text)
		}
	}
	all, _ := bundles(t, list(func(g *partner.Given) {
		switch g.Position {
		case 2:
			g.Lapses = g.FirstSeen - 10
		case 3:
			g.Withdrawn = g.FirstSeen + 10
		case 4:
			g.TLP = feed.AmberStrict
		}
	}))
	check("bundle", all[0].Bytes())
	var b struct{ Objects []json.RawMessage }
	if err := json.Unmarshal(all[0].Bytes(), &b); err != nil || len(b.Objects) != len(things)+5 {
		t.Fatalf("%d objects, %v", len(b.Objects), err)
	}
	for _, o := range b.Objects {
		var head struct{ Type string }
		if err := json.Unmarshal(o, &head); err != nil {
			t.Fatal(err)
		}
		check(head.Type, o)
	}
}

// list is one of every kind, each changed.
func list(change func(*partner.Given)) List {
	return func(yield func(partner.Given, error) bool) {
		for g, err := range given(things...) {
			change(&g)
			if !yield(g, err) {
				return
			}
		}
	}
}

func TestTheOtherSideReadsWhatWeMeant(t *testing.T) {
	all, left := bundles(t, list(func(*partner.Given) {}))
	if len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	var got []string
	for c, err := range feed.Claims(bytes.NewReader(all[0].Bytes()), feed.Preset{Name: "ours", Format: "stix"}) {
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		text := string(c.Subject)
		if c.Address != "" {
			text += " " + c.Address
		}
		got = append(got, text)
	}
	if !slices.Equal(got, things) {
		t.Errorf("read\n%q\nnot\n%q", got, things)
	}
}

func TestAnIdNeverChangesAndIsOfTheOperator(t *testing.T) {
	var first, second partner.Given
	for g := range given("scam.example/") {
		first = g
	}
	second = first
	second.Added, second.Position, second.Withdrawn = first.Added+1000, 99, 5
	one, other := NewSTIX(head), NewSTIX(Head{Operator: head.Operator, Root: "another"})
	later := head
	later.Now++
	if one.ID(first) != one.ID(second) || one.ID(first) != NewSTIX(later).ID(first) || one.ID(first) == other.ID(first) {
		t.Errorf("%s %s %s", one.ID(first), one.ID(second), other.ID(first))
	}
	text, _ := one.Indicator(second)
	var i indicator
	if err := json.Unmarshal(text, &i); err != nil || !i.Revoked || i.Modified <= i.Created {
		t.Errorf("%s, %v", text, err)
	}
}

func TestALargeListComesInParts(t *testing.T) {
	all, _ := bundles(t, func(yield func(partner.Given, error) bool) {
		for i := range MaxObjects + 1 {
			for g := range given(fmt.Sprintf("s%d.example/", i)) {
				if !yield(g, nil) {
					return
				}
			}
		}
	})
	if len(all) != 2 {
		t.Fatalf("%d parts", len(all))
	}
	for i, want := range []int{MaxObjects, 1} {
		var b struct{ Objects []struct{ Type string } }
		if err := json.Unmarshal(all[i].Bytes(), &b); err != nil || len(b.Objects) != want+5 || b.Objects[0].Type != "identity" {
			t.Errorf("part %d has %d objects, %v", i, len(b.Objects), err)
		}
	}
	if bytes.Equal(all[0].Bytes()[:80], all[1].Bytes()[:80]) {
		t.Error("two parts have one id")
	}
}

func TestAPatternEscapesAQuoteAndABackslashAlone(t *testing.T) {
	for g := range given(`a.example/it's\x https://a.example/it's\x%22`) {
		if p, why := pattern(g); p != `[url:value = 'https://a.example/it\'s\\x%22']` && p != `[url:value = 'http://a.example/it\'s\\x']` || why != "" {
			t.Errorf("%s %s", p, why)
		}
	}
}
