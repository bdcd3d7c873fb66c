package limit

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"khien/shared/work"
)

const noon = 1_763_900_000

func TestWhoIsOneSender(t *testing.T) {
	l := New(Usual)
	f := func(a, b string, same bool) {
		t.Helper()
		x, y := l.Source(netip.MustParseAddr(a), noon), l.Source(netip.MustParseAddr(b), noon)
		if (x == y) != same {
			t.Errorf("%s and %s: one sender is %v, want %v", a, b, x == y, same)
		}
	}
	f("192.0.2.1", "192.0.2.1", true)
	f("192.0.2.1", "::ffff:192.0.2.1", true)
	f("192.0.2.1", "192.0.2.2", false)
	f("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true)
	f("2001:db8:1:2::1", "2001:db8:1:3::1", false)

	today := l.Source(netip.MustParseAddr("192.0.2.1"), noon)
	if l.Source(netip.MustParseAddr("192.0.2.1"), noon+day) == today {
		t.Error("the next day the sender is still known")
	}
	if New(Usual).Source(netip.MustParseAddr("192.0.2.1"), noon) == today {
		t.Error("another start of the server has the same key")
	}
}

func TestOneSenderCannotDrownOutTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Limits{Each: 1, EachBurst: 3, All: 1000, AllBurst: 1000})
		loud, quiet := Source{1}, Source{2}
		for range 3 {
			if l.Ask(loud, false) != Take {
				t.Fatal("refused within the burst")
			}
		}
		if l.Ask(loud, false) != Wait || l.Ask(loud, true) != Wait {
			t.Error("a fourth report at once was taken")
		}
		if l.Ask(quiet, false) != Take {
			t.Error("another sender was refused")
		}
		time.Sleep(time.Second)
		if l.Ask(loud, false) != Take || l.Ask(loud, false) != Wait {
			t.Error("after a second one more is taken, and no second")
		}
	})
}

// Twenty times more than is wanted comes from senders who do no work; who does is served.
func TestOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Limits{Each: 1, EachBurst: 60, All: 100, AllBurst: 100, Bits: 8})
		var honest, served int
		for tick := range 1000 { // ten seconds
			for i := range 20 {
				l.Ask(Source{1, byte(tick), byte(tick >> 8), byte(i)}, false)
			}
			honest++
			me := Source{2, byte(tick), byte(tick >> 8)}
			answer := l.Ask(me, false)
			if answer == Work {
				answer = l.Ask(me, true)
			}
			if answer == Take {
				served++
			}
			time.Sleep(10 * time.Millisecond)
		}
		if served < honest*95/100 {
			t.Errorf("%d of %d honest senders were served", served, honest)
		}
	})
}

func TestProofsOfWork(t *testing.T) {
	l := New(Limits{Each: 1, EachBurst: 1, All: rate.Inf, Bits: 8})
	challenge, zeros := l.Challenge(noon)
	id := []byte("0123456789abcdef")
	var number uint64
	for work.Zeros(challenge, id, number) < zeros {
		number++
	}
	f := func(what string, challenge, id []byte, number uint64, now int64, want bool) {
		t.Helper()
		if got := l.Worked(challenge, id, number, now); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	f("a proof", challenge, id, number, noon+5, true)
	f("for another report", challenge, []byte("0123456789abcdeg"), number, noon+5, false)
	f("an old challenge", challenge, id, number, noon+challengeLife+1, false)
	f("one from the future", challenge, id, number, noon-1, false)
	f("no challenge", nil, id, number, noon+5, false)
	other, _ := New(Limits{Bits: 0}).Challenge(noon)
	f("a challenge of another server", other, id, number, noon+5, false)
	forged := append([]byte(nil), challenge...)
	forged[7]++
	f("a challenge with another time", forged, id, number, noon+5, false)
	wrong := number + 1
	for work.Zeros(challenge, id, wrong) >= zeros {
		wrong++
	}
	f("too little work", challenge, id, wrong, noon+5, false)
}

// A flood from ever new senders costs bounded memory, and whoever keeps sending is not forgotten in it.
func TestManySenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Limits{Each: 1, EachBurst: 2, All: rate.Inf, AllBurst: 1})
		loud := Source{255, 255, 255, 255}
		l.Ask(loud, false)
		l.Ask(loud, false)
		for i := range 3 * maxSources {
			l.Ask(Source{byte(i), byte(i >> 8), byte(i >> 16)}, false)
			if i%1000 == 0 && l.Ask(loud, false) != Wait {
				t.Fatalf("after %d others the loud one may send again", i)
			}
			if n := len(l.young) + len(l.old); n > maxSources {
				t.Fatalf("%d senders are remembered", n)
			}
		}
	})
}
