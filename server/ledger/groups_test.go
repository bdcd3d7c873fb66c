package ledger

import (
	"fmt"
	"slices"
	"testing"

	"khien/shared/category"
	"khien/shared/subject"
)

// Each subject is counted as what it is, whatever stands in its path.
func TestGroups(t *testing.T) {
	l, err := Open(t.TempDir() + "/ledger.db")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for s, kind := range map[subject.Subject]category.Category{
		"a.example/": category.Shop, "[2001:db8::1]/": category.Shop, "a.example/b": category.Shop, "a.example/b:c": category.Shop, "[2001:db8::1]/x": category.Job,
		"facebook:user/a": category.Shop, "facebook:id/1": category.Shop, "phone:+84900000001": category.Shop, "wallet:bitcoin/x": category.Shop, "gone.example/": category.Shop, "old.example/": category.Shop,
	} {
		i := Indicator{Subject: s, Category: kind}
		if s == "old.example/" {
			i.Lapses = 50
		}
		if err := l.List(t.Context(), "mai", i); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Withdraw(t.Context(), "mai", "gone.example/", nil); err != nil {
		t.Fatal(err)
	}
	groups, err := l.Groups(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range groups {
		got = append(got, fmt.Sprint(g.Category.Slug(), " ", g.Sort, " ", g.Count, " ", g.Withdrawn))
	}
	slices.Sort(got)
	want := []string{"job page/ 1 0", "shop facebook 2 0", "shop host/ 2 1", "shop page/ 2 0", "shop phone 1 0", "shop wallet 1 0"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
