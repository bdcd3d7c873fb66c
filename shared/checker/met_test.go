package checker

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"khien/shared/category"
	"khien/shared/release"
	"khien/shared/subject"
)

// Somebody opens a page on Tuesday that nobody knows. On Friday it is listed: what was kept of it says so.
func TestALateWarning(t *testing.T) {
	w := demo(t)
	c := w.client()
	met, err := c.Meet("https://www.shop.late.example/view/deal?id=7", now)
	if err != nil || len(met) < 6 {
		t.Fatalf("%d things, %v", len(met), err)
	}
	for _, m := range met {
		if f := c.Recall(m.Head, now); f.Verdict != Unlisted {
			t.Fatalf("before: %+v", f)
		}
	}

	w.subjects["late.example/"] = category.Shop
	w.publish()
	c = w.client()
	var hits []Met
	for _, m := range met {
		if c.Recall(m.Head, now).Verdict == Listed {
			hits = append(hits, m)
		}
	}
	if len(hits) != 1 || hits[0].Place != "web" {
		t.Fatalf("hits: %v", hits)
	}
	found := c.Recall(hits[0].Head, now)
	f, err := c.RecallReason(hits[0].Head, w.served[found.Bucket], now)
	if err != nil || !f.Confirmed || f.Verdict != Listed || f.Category != category.Shop || f.Reference != "KH-2025-000042" || f.Subject != "" {
		t.Errorf("%+v, %v", f, err)
	}
	// A mirror can neither make a warning up nor talk it away.
	for path, body := range w.served {
		if strings.HasPrefix(path, "/v1/bucket/") && path != found.Bucket {
			if f, err := c.RecallReason(hits[0].Head, body, now); !errors.Is(err, release.ErrProof) || f.Confirmed {
				t.Errorf("the bucket of %s: %+v, %v", path, f, err)
			}
		}
	}
	// Now that it is listed, a visit is warned about at once and kept nowhere.
	if met, err := c.Meet("https://late.example/other", now); err != nil || len(met) != 0 {
		t.Errorf("kept of a listed page: %v, %v", met, err)
	}
}

// Whoever shares 128 bits with a listed subject is that subject; whoever shares 40 is told apart by the bucket.
func TestALateChanceHit(t *testing.T) {
	w := demo(t)
	c := w.client()
	d := subject.Subject("scam.example/").Digest()
	head := [HeadSize]byte(d[:])
	head[HeadSize-1] ^= 1 // the set, which has 40 bits, takes it for the same
	found := c.Recall(head, now)
	if found.Verdict != Listed {
		t.Fatalf("%+v", found)
	}
	if f, err := c.RecallReason(head, w.served[found.Bucket], now); err != nil || f.Verdict != Unlisted || !f.Confirmed {
		t.Errorf("%+v, %v", f, err)
	}
}

// Of what somebody asked about, each thing is kept that is not known yet.
func TestWhatWasAskedAbout(t *testing.T) {
	w := demo(t)
	w.subjects["phone:+84900000001"] = category.Impersonation
	w.publish()
	met, err := w.client().MeetText("0900 000 001, Vietcombank 0011000000001, t.me/invented_name", now)
	if err != nil {
		t.Fatal(err)
	}
	var places []string
	for _, m := range met {
		if len(places) == 0 || places[len(places)-1] != m.Place {
			places = append(places, m.Place)
		}
	}
	if fmt.Sprint(places) != "[telegram web bank]" {
		t.Errorf("%v: the number is listed, and was told so at once", places)
	}
}

func FuzzMeet(f *testing.F) {
	w := demo(f)
	c := w.client()
	for _, href := range []string{"https://late.example/a/b?c", "https://m.facebook.com/profile.php?id=1", "https://scam.example/", "tel:+84900000001"} {
		f.Add(href)
	}
	f.Fuzz(func(t *testing.T, href string) {
		met, err := c.Meet(href, now)
		named, namedErr := subject.FromHref(nil, href)
		if (err != nil) != (namedErr != nil) || len(met) > MaxMet {
			t.Fatalf("%d things, %v and %v", len(met), err, namedErr)
		}
		named = append(named, subject.Further(named)...)
		if c.Check(href, now).Verdict == Listed != (err == nil && len(met) == 0) {
			t.Fatalf("%q is listed or kept, never both: %d things", href, len(met))
		}
		for i, m := range met {
			d := named[i].Digest()
			if !slices.Equal(m.Head[:], d[:HeadSize]) || c.Recall(m.Head, now).Verdict == Listed {
				t.Fatalf("%q: %v", named[i], m)
			}
			if strings.Trim(m.Place, "abcdefghijklmnopqrstuvwxyz") != "" || len(m.Place) > 12 {
				t.Fatalf("the place %q says more than a place", m.Place)
			}
		}
	})
}
