package limit

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"khien/shared/pow"
)

const noon = 1_763_900_000

// alike are the same limits for each purpose.
func alike(limits Limits) (rules Rules) {
	for p := range rules {
		rules[p] = limits
	}
	return rules
}

// from is a sender in a network of its own.
func from(n int) Sender {
	var s Sender
	binary.BigEndian.PutUint64(s.One[:], uint64(n))
	binary.BigEndian.PutUint64(s.Network[:], uint64(n)|1<<63)
	return s
}

// within is a sender in a network of several.
func within(network, n int) Sender {
	s := from(network)
	s.One = from(network<<32 | n).One
	return s
}

func TestWhoIsOneSender(t *testing.T) {
	l := New(Usual)
	f := func(a, b string, one, network bool) {
		t.Helper()
		x, y := l.Sender(netip.MustParseAddr(a), noon), l.Sender(netip.MustParseAddr(b), noon)
		if (x.One == y.One) != one || (x.Network == y.Network) != network {
			t.Errorf("%s and %s: one sender is %v, one network %v", a, b, x.One == y.One, x.Network == y.Network)
		}
	}
	f("192.0.2.1", "192.0.2.1", true, true)
	f("192.0.2.1", "::ffff:192.0.2.1", true, true)
	f("192.0.2.1", "192.0.2.2", false, true)
	f("192.0.2.1", "192.0.3.1", false, false)
	f("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true, true)
	f("2001:db8:1:2::1", "2001:db8:1:3::1", false, true)
	f("2001:db8:1:2::1", "2001:db8:2:2::1", false, false)

	today := l.Sender(netip.MustParseAddr("192.0.2.1"), noon)
	if tomorrow := l.Sender(netip.MustParseAddr("192.0.2.1"), noon+day); tomorrow.One == today.One || tomorrow.Network == today.Network {
		t.Error("the next day the sender is still known")
	}
	if New(Usual).Sender(netip.MustParseAddr("192.0.2.1"), noon) == today {
		t.Error("another start of the server has the same key")
	}
}

func TestOneSenderCannotDrownOutTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(alike(Limits{Each: 1, EachBurst: 3, All: 1000, AllBurst: 1000, Bits: 8}))
		loud, quiet := from(1), from(2)
		for range 3 {
			if l.Ask(Reports, loud, false, 0) != Take {
				t.Fatal("refused within the burst")
			}
		}
		if l.Ask(Reports, loud, false, 0) != Wait || l.Ask(Reports, loud, true, 0) != Wait {
			t.Error("a fourth report at once was taken")
		}
		if l.Ask(Reports, quiet, false, 0) != Take {
			t.Error("another sender was refused")
		}
		time.Sleep(time.Second)
		if l.Ask(Reports, loud, false, 0) != Take || l.Ask(Reports, loud, false, 0) != Wait {
			t.Error("after a second one more is taken, and no second")
		}
		// From all the addresses of one network comes no more than from eight senders.
		taken := 0
		for i := range 10_000 {
			s := from(3)
			s.One = Source{9, byte(i), byte(i >> 8)}
			if l.Ask(Reports, s, true, 0) == Take {
				taken++
			}
		}
		if taken != crowd*3 {
			t.Errorf("%d were taken from one network at once", taken)
		}
	})
}

// Somebody sends twenty times more for each purpose than the server wants: from one place, from all addresses of one
// network, from ever new networks, and from new networks with all the work that is asked for. People who send honestly
// meanwhile, and bring work where they are asked for it, are served; what is sent for one purpose takes nothing from
// another; and who floods from one place gets no more than a place gets.
func TestTwentyTimesTooMuch(t *testing.T) {
	const (
		times, wanted = 20, 100
		ticks         = 1000 // hundredths of a second
	)
	f := func(what string, flooding Purpose, flood func(n int) (s Sender, worked bool), most int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			t.Helper()
			l := New(alike(Limits{Each: 1, EachBurst: 10, All: wanted, AllBurst: wanted, Bits: 8}))
			var honest, served, flooded, n int
			for tick := range ticks {
				for range times * wanted / 100 {
					n++
					s, worked := flood(n)
					if l.Ask(flooding, s, worked, 0) == Take {
						flooded++
					}
				}
				honest++
				me := from(1<<40 + tick)
				answer := l.Ask(flooding, me, false, 0)
				if answer == Work {
					answer = l.Ask(flooding, me, true, 0)
				}
				if answer == Take {
					served++
				}
				for p := range purposes {
					if p != flooding && l.Ask(p, me, false, 0) != Take {
						t.Fatalf("%s: purpose %d had nothing left", what, p)
					}
				}
				time.Sleep(10 * time.Millisecond)
			}
			if served < honest*95/100 {
				t.Errorf("%s, purpose %d: %d of %d people were served", what, flooding, served, honest)
			}
			if flooded > most {
				t.Errorf("%s, purpose %d: %d of the flood were taken", what, flooding, flooded)
			}
		})
	}
	const seconds = ticks / 100
	for _, p := range []Purpose{Reports, Appeals, Pictures, LookUps} {
		f("one place", p, func(int) (Sender, bool) { return from(1), false }, 10+seconds)
		f("one place that works", p, func(int) (Sender, bool) { return from(1), true }, 10+seconds)
		f("one network", p, func(n int) (Sender, bool) {
			s := from(1)
			s.One = from(n).One
			return s, true
		}, crowd*(10+seconds))
		f("new networks", p, func(n int) (Sender, bool) { return from(n), false }, wanted*(seconds+1))
		f("new networks that work", p, func(n int) (Sender, bool) { return from(n), true }, times*wanted*seconds)
	}
}

// The more of those who bring work come, the more work there is; and less again when they have gone.
func TestWorkGrowsWithTheFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(alike(Limits{Each: 1, EachBurst: 10, All: 10, AllBurst: 10, Bits: 8}))
		wants := func(p Purpose) (bits, wait int) {
			_, bits = l.Challenge(p, noon)
			_, wait = l.Ticket(p, nil, noon)
			return bits, wait
		}
		f := func(what string, p Purpose, bits, wait int) {
			t.Helper()
			if b, w := wants(p); b != bits || w != wait {
				t.Errorf("%s: %d bits and %d seconds, want %d and %d", what, b, w, bits, wait)
			}
		}
		f("at first", Appeals, 8, 5)
		n := 0
		for second := range 8 {
			for range 100 {
				n++
				l.Ask(Appeals, from(n), true, 0)
			}
			time.Sleep(time.Second)
			if second == 1 {
				f("after two seconds", Appeals, 10, 20)
			}
		}
		f("after eight seconds", Appeals, 13, 160)
		f("for another purpose", Reports, 8, 5)
		time.Sleep(3 * time.Second)
		f("three seconds later", Appeals, 10, 20)
		time.Sleep(time.Hour)
		f("an hour later", Appeals, 8, 5)
	})
}

// A part of what there is for all is kept for who has not sent lately, without work.
func TestWhoHasNotSentLately(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(alike(Limits{Each: 0.001, EachBurst: 100, All: 0.001, AllBurst: 40, Bits: 8}))
		loud := from(1)
		for range 30 {
			if l.Ask(Appeals, loud, false, 0) != Take {
				t.Fatal("refused while there was enough")
			}
		}
		if got := l.Ask(Appeals, loud, false, 0); got != Work {
			t.Errorf("the loud one: %v", got)
		}
		for i := range 10 {
			if got := l.Ask(Appeals, from(2+i), false, 0); got != Take {
				t.Errorf("quiet one %d: %v", i, got)
			}
		}
		if got := l.Ask(Appeals, from(99), false, 0); got != Work {
			t.Errorf("when that is used up too: %v", got)
		}
	})
}

// What comes in a day is bounded: from each sender and each network, so that none fills the disk, and from all; the
// last of it is for those who work, and for each no more than an even share of what is left.
func TestWhatComesInADay(t *testing.T) {
	l := New(alike(Limits{Each: rate.Inf, EachBurst: 1000, All: rate.Inf, AllBurst: 1, Bits: 8, EachDay: 160, AllDay: 400, EachLast: 40}))
	f := func(what string, s Sender, worked bool, size int, want Answer) {
		t.Helper()
		if got := l.Ask(Pictures, s, worked, size); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	l.Sender(netip.Addr{}, noon)
	f("a sender's share", within(1, 0), false, 20, Take)
	f("one byte more", within(1, 0), true, 1, Full)
	f("as much beside it", within(1, 1), false, 18, Full)
	f("a share of what is left", within(1, 1), false, 17, Take)
	for i := range 13 {
		f("of other networks", from(100+i), false, 20, Take)
	}
	f("of the last quarter", from(3), false, 10, Work)
	f("with work", within(3, 0), true, 10, Take)
	f("of who had of it", within(3, 0), true, 3, Full)
	f("and without work", within(3, 0), false, 3, Full)
	f("of one beside", within(3, 1), true, 10, Take)
	f("of a third of that network", within(3, 2), true, 8, Full)
	f("a share of what is left", within(3, 2), true, 7, Take)
	f("of a network that had much before", within(1, 7), true, 9, Take)
	f("of another", from(4), true, 9, Full)
	f("a share of what is left", from(4), true, 8, Take)
	for i := range 1000 {
		for size := 8; size > 0; size-- {
			l.Ask(Pictures, from(1000+i), true, size)
		}
	}
	if today := l.buckets[Pictures].today; today < 380 || today > 400 {
		t.Errorf("all together: %d", today)
	}
	if got := l.Ask(Reports, from(6), false, 1); got != Take {
		t.Errorf("reports are full of pictures: %v", got)
	}
	l.Sender(netip.Addr{}, noon+day)
	f("the next day", within(1, 0), false, 20, Take)
}

// greedy has somebody send all that is taken, with work, in as large pieces as are.
func (l *Limiter) greedy(p Purpose, s Sender) {
	for size := int(Usual[p].EachDay); size > 64; {
		switch l.Ask(p, s, true, size) {
		case Full:
			size /= 2
		case Wait:
			time.Sleep(time.Minute)
		}
	}
}

// Thousands of networks send all day, from several addresses each and with all the work that is wanted: people
// elsewhere can still report, object and send a picture until midnight, for what is left is never given to those who
// have had theirs.
func TestFewNetworksDoNotFillADay(t *testing.T) {
	f := func(p Purpose, networks, honest int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			t.Helper()
			l := New(Usual)
			for n := range networks {
				for i := range crowd {
					l.greedy(p, within(n, i))
				}
			}
			for n := range 100 {
				if got := l.Ask(p, from(1<<50+n), true, honest); got != Take {
					t.Fatalf("purpose %d, after %d networks person %d: %v", p, networks, n, got)
				}
			}
			if today := l.buckets[p].today; today > Usual[p].AllDay {
				t.Errorf("purpose %d, after %d networks: %d bytes", p, networks, today)
			}
		})
	}
	f(Reports, 400, 500)
	f(Reports, 10_000, 500)
	f(Appeals, 400, 500)
	f(Appeals, 2500, 500)
	f(Pictures, 200, 128<<10)
	f(Pictures, 600, 128<<10)
}

// Addresses send all that is taken from them: who is beside them in the same network is heard, on a quiet day and in
// the last quarter of a loud one.
func TestAddressesDoNotFillTheirNetworksDay(t *testing.T) {
	for p, honest := range map[Purpose]int{Reports: 500, Appeals: 500, Pictures: 32 << 10} {
		for loud, most := range map[bool]int{false: 20, true: 5} {
			synctest.Test(t, func(t *testing.T) {
				l := New(Usual)
				if loud {
					l.buckets[p].today = Usual[p].AllDay / reserved * (reserved - 1)
				}
				for i := range most {
					l.greedy(p, within(1, i))
					if got := l.Ask(p, within(1, 1000+i), true, honest); got != Take {
						t.Errorf("purpose %d, a loud day %v: who is beside %d of them: %v", p, loud, i+1, got)
					}
				}
			})
		}
	}
}

// The day of pictures is full, and it is midnight: nothing else comes in, and the next picture is taken all the same.
func TestADayOfPicturesEndsAtMidnight(t *testing.T) {
	l := New(alike(Limits{Each: rate.Inf, EachBurst: 1000, All: rate.Inf, AllBurst: 1, AllDay: 100}))
	holder := func(now int64) Sender { return l.Holder([]byte("a receipt"), []byte("a source"), now) }
	for _, want := range []Answer{Take, Full} {
		if got := l.Ask(Pictures, holder(noon), true, 100); got != want {
			t.Fatalf("%v, want %v", got, want)
		}
	}
	if got := l.Ask(Pictures, holder(noon+day), true, 100); got != Take {
		t.Errorf("the next day: %v", got)
	}
}

// A network that has sent much of its day is not forgotten because another sends from each of its sixty-five thousand
// addresses.
func TestOneNetworkMakesNoOtherForgotten(t *testing.T) {
	l := New(Usual)
	share := int(Usual[Appeals].EachDay / crowd)
	if got := l.Ask(Appeals, within(1, 1), true, share); got != Take {
		t.Fatal(got)
	}
	for i := range 1 << 16 {
		l.Ask(Appeals, within(2, i), true, 1)
	}
	if got := l.Ask(Appeals, within(1, 99), true, share); got != Full {
		t.Errorf("the first network: %v", got)
	}
}

func TestRoomOnTheDisk(t *testing.T) {
	f := func(d *Disk, want bool) {
		t.Helper()
		if got := d.Enough(); got != want {
			t.Errorf("%v", got)
		}
	}
	f(nil, true)
	f(&Disk{Path: t.TempDir()}, true)
	f(&Disk{Path: t.TempDir(), Floor: 1}, true)
	f(&Disk{Path: t.TempDir(), Floor: 1 << 62}, false)
	f(&Disk{Path: "/nowhere", Floor: 1 << 62}, true)
}

func TestProofsOfWork(t *testing.T) {
	l := New(alike(Limits{Each: 1, EachBurst: 1, All: rate.Inf, Bits: 8}))
	challenge, zeros := l.Challenge(Appeals, noon)
	id := []byte("0123456789abcdef")
	number, _ := pow.Search(challenge, id, 0, 1<<20, zeros)
	f := func(what string, p Purpose, challenge, id []byte, number uint64, now int64, want bool) {
		t.Helper()
		if got := l.Worked(p, challenge, id, number, now); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	f("for another report", Appeals, challenge, []byte("0123456789abcdeg"), number, noon+5, false)
	f("for another purpose", Pictures, challenge, id, number, noon+5, false)
	f("an old challenge", Appeals, challenge, id, number, noon+challengeLife+1, false)
	f("one from the future", Appeals, challenge, id, number, noon-1, false)
	f("no challenge", Appeals, nil, id, number, noon+5, false)
	other, _ := New(alike(Limits{Bits: 0})).Challenge(Appeals, noon)
	f("a challenge of another server", Appeals, other, id, number, noon+5, false)
	for i := range challenge {
		forged := append([]byte(nil), challenge...)
		forged[i] ^= 1
		f(fmt.Sprintf("a challenge with another byte %d", i), Appeals, forged, id, number, noon+5, false)
	}
	wrong := number + 1
	for pow.Zeros(challenge, id, wrong) >= zeros {
		wrong++
	}
	f("too little work", Appeals, challenge, id, wrong, noon+5, false)
	f("a proof", Appeals, challenge, id, number, noon+5, true)
	f("the same again", Appeals, challenge, id, number, noon+5, false)
	next, _ := pow.Search(challenge, id, number+1, 1<<20, zeros)
	f("another number for the same", Appeals, challenge, id, next, noon+5, false)
}

// A ticket counts for one form, once, and when it was held: also for somebody whose telephone has come into another
// network meanwhile.
func TestTickets(t *testing.T) {
	l := New(alike(Limits{Each: 1, EachBurst: 1, All: rate.Inf, Bits: 8}))
	id, me := []byte("0123456789abcdef"), from(1)
	ticket, wait := l.Ticket(Appeals, id, noon)
	f := func(what string, p Purpose, s Sender, ticket string, id []byte, now int64, want bool) {
		t.Helper()
		if got := l.Waited(p, s, ticket, id, now); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	then := noon + int64(wait)
	f("too early", Appeals, me, ticket, id, then-1, false)
	f("too late", Appeals, me, ticket, id, noon+ticketLife+1, false)
	f("from the future", Appeals, me, ticket, id, noon-1, false)
	f("for another form", Appeals, me, ticket, []byte("0123456789abcdeg"), then, false)
	f("for another purpose", LookUps, me, ticket, id, then, false)
	f("none", Appeals, me, "", id, then, false)
	f("half of one", Appeals, me, ticket[:20], id, then, false)
	challenge, _ := l.Challenge(Appeals, noon)
	f("a challenge", Appeals, me, fmt.Sprintf("%x", challenge), id, then, false)
	f("from another network", Appeals, from(2), ticket, id, then, true)
	f("again", Appeals, me, ticket, id, then, false)
	f("again from there", Appeals, from(2), ticket, id, then, false)
}

// Somebody collects ten thousand tickets and uses them from one place, hands them to all addresses of a network, or
// shows each to two networks: nobody is taken more often than without any flood, and no ticket twice. Who has sent too
// much keeps theirs for later.
func TestTicketsInBulk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(alike(Limits{Each: 0.001, EachBurst: 5, Bits: 8}))
		n := 0
		taken := func(at func(i int) Sender, tickets map[string][]byte) (taken int) {
			for ticket, id := range tickets {
				s := at(n)
				n++
				if l.Ask(Appeals, s, l.Waited(Appeals, s, ticket, id, noon+60), 0) == Take {
					taken++
				}
			}
			return taken
		}
		bulk := map[string][]byte{}
		for i := range 10_000 {
			id := fmt.Appendf(nil, "%016d", i)
			ticket, _ := l.Ticket(Appeals, id, noon)
			bulk[ticket] = id
		}
		if got := taken(func(int) Sender { return from(1) }, bulk); got != 5 {
			t.Errorf("%d were taken from one place", got)
		}
		if got := taken(func(i int) Sender { return within(2, i) }, bulk); got != crowd*5 {
			t.Errorf("%d were taken from one network", got)
		}
		// All the others were kept by who could not use them, and count once.
		if got := taken(from, bulk); got != 10_000-5-crowd*5 {
			t.Errorf("%d were taken from as many networks", got)
		}
		if got := taken(from, bulk); got != 0 {
			t.Errorf("%d were taken twice", got)
		}
	})
}

// A flood from ever new senders, and of ever new proofs, costs bounded memory, and whoever keeps sending is not
// forgotten in it.
func TestManySenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(alike(Limits{Each: 1, EachBurst: 2, All: rate.Inf, AllBurst: 1}))
		loud := from(-1)
		l.Ask(Reports, loud, false, 0)
		l.Ask(Reports, loud, false, 0)
		for i := range 3 * maxSources {
			l.Ask(Reports, from(i), false, 0)
			if i%1000 == 0 && l.Ask(Reports, loud, false, 0) != Wait {
				t.Fatalf("after %d others the loud one may send again", i)
			}
			for _, m := range []sources{l.buckets[Reports].senders, l.buckets[Reports].networks} {
				if n := len(m.young) + len(m.old); n > maxSources {
					t.Fatalf("%d senders or networks are remembered", n)
				}
			}
			l.spend(fmt.Append(nil, i), nil)
			if n := len(l.spent.young) + len(l.spent.old); n > maxSpent {
				t.Fatalf("%d proofs are remembered", n)
			}
		}
	})
}

// Somebody has read the clock before midnight and is looked at after it: nobody's day begins anew. A clock that was
// days ahead, and is put right, is believed.
func TestTheDayDoesNotTurnBack(t *testing.T) {
	l := New(Usual)
	a := netip.MustParseAddr("192.0.2.1")
	const midnight = int64(20_001 * day)
	s := l.Sender(a, midnight)
	for l.Came(Appeals, s, 1000) {
	}
	l.Sender(a, midnight-1)
	if l.Sender(a, midnight) != s || l.Came(Appeals, s, 1000) {
		t.Error("the day was turned back")
	}
	if l.Sender(a, midnight-5*day) == s {
		t.Error("a clock that is put right begins no day")
	}
}
