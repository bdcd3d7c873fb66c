package triage

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"khien/shared/wire"
)

// On a machine that is slow just now a change does less, and more again when it is not.
func TestTheNextChangeIsNoLongerThanPeopleWait(t *testing.T) {
	o := newOffice(t)
	p := pace{n: 1000, most: 3000}
	for _, one := range []struct {
		takes time.Duration
		least int
		most  int
	}{{0, 2000, 2000}, {0, 3000, 3000}, {600 * time.Millisecond, 500, 1500}, {0, 1000, 3000}} {
		if err := o.desk.paced(t.Context(), &p, func(*sql.Tx) error {
			<-time.After(one.takes) // what it does takes so long
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if p.n < one.least || p.n > one.most {
			t.Errorf("after %v the next one does %d", one.takes, p.n)
		}
	}
}

// Whoever gathered was killed when the reports were in their cases, and nothing else was done. Who gathers next joins
// and ranks them, though no report comes any more.
func TestGatheringGoesOnWhereItWasKilled(t *testing.T) {
	o := newOffice(t)
	for i := range 4 {
		for _, from := range []string{"a", "b"} {
			o.sent(fmt.Sprintf("https://shop-%d.example/", i), fmt.Sprint(from, i), boss)
		}
	}
	reports, err := o.box.After(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.desk.change(t.Context(), func(tx *sql.Tx) error { return o.desk.put(t.Context(), tx, o.box, reports) }); err != nil {
		t.Fatal(err)
	}
	o.gather()
	if c := o.called("shop-3.example/"); c.Subjects != 4 || c.Reports != 8 || c.Sources != 8 || c.Score < 10 {
		t.Errorf("%+v", c)
	}
}

// Many things, from networks that speak of a few of them each, with notes, objections and links: whether that is
// gathered at once or little by little makes no difference to what is counted.
func TestHowReportsAreDealtOutMakesNoDifference(t *testing.T) {
	if testing.Short() {
		t.Skip("it is one goroutine: no races to find")
	}
	all := func(o *office, most int) []Case {
		var flood []wire.Report
		for n := range 600 {
			host := fmt.Sprintf("shop-%d.example/", n%150)
			r := wire.Report{ID: fmt.Appendf(nil, "%016d", n), Kind: wire.KindScam, Href: "https://" + host, Subjects: []string{host}, Time: o.time}
			switch n % 5 {
			case 1:
				r.Kind, r.Note = wire.KindMistake, "it is mine"
			case 2:
				r.Note, r.Links = "never sent it", []string{fmt.Sprintf("telegram:user/sales_of_%d", n%150/9)}
			case 3:
				r.Category = "shop"
			}
			flood = append(flood, r)
			if _, _, err := o.box.Accept(t.Context(), r, fmt.Append(nil, "from ", n*7%89), o.time); err != nil {
				t.Fatal(err)
			}
			if n == 300 {
				o.time += 24 * 60 * 60
			}
		}
		for n := 0; n < len(flood); {
			some, err := o.desk.GatherUpTo(t.Context(), o.box, most)
			if err != nil {
				t.Fatal(err)
			}
			n += some
		}
		o.gather()
		cases, err := list(o.desk.db.QueryContext(t.Context(), selectCase+` WHERE state <> 'merged' ORDER BY subject`))
		if err != nil {
			t.Fatal(err)
		}
		for i := range cases {
			cases[i].ID, cases[i].Changed, cases[i].Into = 0, 0, 0 // which was first depends on it
		}
		return cases
	}
	once, dealt := all(newOffice(t), 600), all(newOffice(t), 17)
	if len(once) != len(dealt) || len(once) < 100 {
		t.Fatalf("%d cases at once, %d by 17", len(once), len(dealt))
	}
	for i := range once {
		if fmt.Sprint(once[i]) != fmt.Sprint(dealt[i]) {
			t.Errorf("at once %+v\nby 17  %+v", once[i], dealt[i])
		}
	}
}
