package main

import (
	"testing"
	"time"

	"khien/server/audit"
)

// Whoever reads the log of the invented week reads it from its first day on, and the release in force is of today.
func TestTheInventedWeekRunsForwards(t *testing.T) {
	d := &dir{path: t.TempDir(), asked: begins(t)}
	defer d.close()
	if _, err := d.init(t.Context(), d.rootFile(), false); err != nil {
		t.Fatal(err)
	}
	now := time.Now().Unix()
	if n, err := d.week(t.Context(), now); err != nil || n < 100 {
		t.Fatalf("%d reports, %v", n, err)
	}
	desk, err := d.desk()
	if err != nil {
		t.Fatal(err)
	}
	last, asked, published := now-7*day, 0, int64(0)
	for a, err := range desk.Acts(t.Context(), audit.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if a.Time < last || a.Time > now {
			t.Errorf("entry %d, %s %s, is of %s, after one of %s", a.Seq, a.Verb, a.Object, time.Unix(a.Time, 0), time.Unix(last, 0))
		}
		last = a.Time
		if a.Object.Kind == audit.OfTakedown {
			asked++
		}
		if a.Verb == audit.Publish {
			published = a.Time
		}
	}
	if asked < 10 || published != now {
		t.Errorf("platforms were asked %d times, the last release is of %s", asked, time.Unix(published, 0))
	}
}
