package takedown

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"khien/server/audit"
)

// says lets the platform say something by its machine.
func (o *office) says(m Move) (Request, error) {
	o.t.Helper()
	o.now += 3600
	c := o.of(shop)
	m.Actor = "invented-platform"
	err := o.desk.Recorded(context.Background(), func(tx *sql.Tx) ([]audit.Act, error) {
		act, err := o.book.MoveIn(context.Background(), tx, c.ID, m, o.now)
		return []audit.Act{act}, err
	})
	return o.of(shop), err
}

func TestWhatAPlatformSaysLastCounts(t *testing.T) {
	o := newOffice(t)
	o.lists(shop)
	o.release()
	o.moves(shop, Sent)
	asked := o.of(shop).Sent

	f := func(m Move, want func(Request) bool) {
		t.Helper()
		if c, err := o.says(m); err != nil || c.State != m.To || !want(c) {
			t.Errorf("%+v: %+v, %v", m, c, err)
		}
	}
	f(Move{To: NeedMore}, func(c Request) bool { return c.Due == o.now+day && c.State.Ours() })
	if c := o.moves(shop, Sent); c.Asked != 1 || c.Sent != asked {
		t.Errorf("to write more about the same counts as asked anew: %+v", c)
	}
	f(Move{To: Restricted, Territory: "VN PL", Until: o.now + 30*day, Theirs: "FB-1"}, func(c Request) bool {
		return c.Due == c.Until && c.Territory == "VN PL" && c.Acted == o.now && c.Answered == 1 && c.Theirs == "FB-1" && !c.State.Open()
	})
	f(Move{To: ActionTaken}, func(c Request) bool { return c.Due == 0 && c.Territory == "" && c.Until == 0 && c.Answered == 1 })
	f(Move{To: Restored}, func(c Request) bool { return c.Due == o.now+7*day && c.State.Ours() && c.State.Open() })
	f(Move{To: Refused}, func(c Request) bool { return c.Due == o.now+7*day })
	f(Move{To: ActionTaken}, func(c Request) bool { return c.Answered == 1 }) // Miscounted holds the rest
	if c, err := o.book.Undo(t.Context(), o.of(shop).ID, "mai", "", o.now+1); err != nil || c.State != Refused {
		t.Errorf("taken back: %+v, %v", c, err)
	}

	if err := o.list.Withdraw(t.Context(), "linh", shop, map[string]string{"en": "an honest shop"}); err != nil {
		t.Fatal(err)
	}
	o.release()
	if _, err := o.says(Move{To: ActionTaken}); !errors.Is(err, ErrState) {
		t.Errorf("of what is withdrawn nothing is taken: %v", err)
	}
}

func TestACaseAsksForSomethingOnceATurn(t *testing.T) {
	o := newOffice(t)
	o.lists(shop)
	o.release()
	var last int64
	turns := func(want ...State) (list []Turn) {
		t.Helper()
		err := o.base.Change(t.Context(), func(tx *sql.Tx) (err error) {
			list, last, err = o.book.Turns(t.Context(), tx, last, 100)
			return err
		})
		if err != nil || len(list) != len(want) {
			t.Fatalf("%+v, %v, want %v", list, err, want)
		}
		for i, turn := range list {
			if turn.State != want[i] || turn.Step == 0 {
				t.Errorf("%+v, want %s", turn, want[i])
			}
		}
		return list
	}
	first := turns(Prepared)
	turns()
	o.moves(shop, Sent)
	turns()
	if _, err := o.book.Undo(t.Context(), o.of(shop).ID, "mai", "", o.now); err != nil {
		t.Fatal(err)
	}
	if again := turns(Prepared); again[0].Step != first[0].Step {
		t.Errorf("to take a step back begins no other turn: %d, then %d", first[0].Step, again[0].Step)
	}
}
