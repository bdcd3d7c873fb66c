package console

import (
	"fmt"
	"testing"
	"time"

	"khien/server/ledger"
	"khien/server/takedown"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/wire"
)

// To follow what was decided costs as much beside a list of four times the length: it reads what was decided and
// reported since, and no more.
func TestToFollowDoesNotGrowWithTheList(t *testing.T) {
	watch()
	account := func(n int) subject.Subject { return subject.Subject(fmt.Sprintf("facebook:user/invented%05d", n)) }
	costs := func(listed int) (statements, steps int) {
		o := newOffice(t)
		list := make([]ledger.Indicator, listed)
		for n := range list {
			list[n] = ledger.Indicator{Subject: account(n), Category: category.Shop, Source: "invented list"}
		}
		if _, _, err := o.Publisher.Ledger.Import(t.Context(), "mai", list); err != nil {
			t.Fatal(err)
		}
		if done := o.followed(); done.Made != listed {
			t.Fatalf("%+v", done)
		}
		for id := range int64(listed) { // the platform has acted on all of them
			if _, err := o.Takedowns.Move(t.Context(), id+1, takedown.Move{Actor: "mai", To: takedown.ActionTaken}, time.Now().Unix()-60); err != nil {
				t.Fatal(err)
			}
		}
		o.report(wire.Report{Href: "https://www.facebook.com/invented00007"}, "a")
		if err := o.Publisher.Ledger.Withdraw(t.Context(), "linh", account(3), nil); err != nil {
			t.Fatal(err)
		}
		if err := o.Publisher.Ledger.List(t.Context(), "mai", ledger.Indicator{Subject: "tiktok:user/an.invented.name", Source: "report"}); err != nil {
			t.Fatal(err)
		}
		var done takedown.Followed
		for _, one := range during(func() { done = o.followed() }) {
			statements, steps = statements+1, steps+one.Steps
		}
		if done != (takedown.Followed{Made: 1, Withdrawn: 1, ReAppeared: 1}) {
			t.Errorf("%+v", done)
		}
		return statements, steps
	}
	few, small := costs(100)
	many, large := costs(400)
	if many != few || large > small+small/4 {
		t.Errorf("%d statements with %d steps, where a quarter of the list takes %d with %d", many, large, few, small)
	}
}
