// Package limit keeps a few senders from drowning out the others, without knowing who anybody is.
//
// A sender is the prefix of an address: a whole IPv4 address, or the 64 bits of an IPv6 one that a household has; a
// network is the /24 or the /48 around it. Both are hashed with a key that exists in memory only and is replaced every
// day, so that what is stored beside a report tells whether two reports of one day came from one network, and the next
// day nothing.
//
// What is sent for one purpose takes nothing from another (Purpose). For each, a sender draws from a bucket of its own,
// then from that of its network, and only then from the one for all: whoever sends too much empties what is theirs. A
// part of what there is for all is kept for those who have not sent lately. Where it is empty, each must bring work: a
// proof of work, or time that it has waited with a ticket (work.go). That costs one person little, and who sends
// thousands a great deal.
package limit

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Purpose is what is sent for. Each has buckets of its own.
type Purpose int

// The purposes.
const (
	Reports  Purpose = iota // of scams
	Appeals                 // reports of mistakes, from an extension or the form
	Pictures                // to reports
	LookUps                 // in the register
	Receipts                // what became of reports
	purposes
)

// Source is a sender or a network, for one day. It tells nothing about the address.
type Source [8]byte

// Sender is who sends something.
type Sender struct{ One, Network Source }

const (
	day = 24 * 60 * 60

	// maxSources bounds the senders that are remembered for one purpose, and the networks: some 10 MB together. They are
	// in two generations; when the younger one is full, the older one is forgotten, and whoever sends is young again.
	maxSources = 25_000

	// crowd is how many times more than one sender a network may send: many people may be behind it.
	crowd = 8

	// few is the same for the part of a day that is kept.
	few = 4

	// reserved is the part of what there is for all, one in so many, that is kept for those who have not sent lately. The
	// same part of what may come in a day is kept for those who bring work, and have had no more than their share of it.
	reserved = 4
)

// Limits are how much is taken for one purpose.
type Limits struct {
	Each      rate.Limit // a second from one sender in the long run
	EachBurst int        // from one sender at once
	All       rate.Limit // a second from all together before work is asked for
	AllBurst  int
	Bits      int // of the proof of work, while few bring one; 0 where none is taken
	EachDay   int64
	AllDay    int64 // bytes that come in a day from one network and from all together; 0 is no bound
	EachLast  int64 // of them, those of the part that is kept, from the first network; for each further one it is as much less as that part is
}

// Rules are the limits of each purpose.
type Rules [purposes]Limits

// Usual is what one server of two cores takes with ease: a person who reports a whole feed is no flood.
var Usual = Rules{
	Reports:  {Each: 0.2, EachBurst: 60, All: 2000, AllBurst: 4000, Bits: 17, EachDay: 8 << 20, AllDay: 2 << 30, EachLast: 64 << 10},
	Appeals:  {Each: 0.1, EachBurst: 30, All: 50, AllBurst: 100, Bits: 17, EachDay: 1 << 20, AllDay: 256 << 20, EachLast: 32 << 10},
	Pictures: {Each: 0.1, EachBurst: 12, All: 4, AllBurst: 16, Bits: 17, EachDay: 64 << 20, AllDay: 4 << 30, EachLast: 1 << 20},
	LookUps:  {Each: 0.5, EachBurst: 60, All: 200, AllBurst: 400, Bits: 17},
	Receipts: {Each: 1, EachBurst: 60, All: 500, AllBurst: 1000},
}

// Scale takes so many times as much from each sender in the long run, and so many times as much at once and in a day.
func (r *Rules) Scale(each, burst float64) {
	for p := range r {
		l := &r[p]
		l.Each *= rate.Limit(each)
		l.EachBurst = max(1, int(float64(l.EachBurst)*burst))
		l.EachDay = int64(float64(l.EachDay) * max(1, burst))
		l.EachLast = int64(float64(l.EachLast) * max(1, burst))
	}
}

// Limiter is safe for concurrent use.
type Limiter struct {
	secret [32]byte // key of challenges and tickets

	mu      sync.Mutex
	day     int64
	key     [32]byte // of the sources, for this day
	buckets [purposes]buckets
	spent   spent
}

// buckets are those of one purpose.
type buckets struct {
	limits        Limits
	senders       sources // apart, so that all the senders of one network push no network out of memory
	networks      sources
	common, fresh *rate.Limiter // for all: the greater part for anybody, the rest for those who have not sent lately
	difficulty    difficulty
	today, last   int64 // bytes that were taken, and those of the part of the day that is kept
}

// sources are those that are remembered.
type sources struct{ young, old map[Source]*budget }

// budget is what a sender, or a network, may still send.
type budget struct {
	bucket *rate.Limiter
	burst  float64
	today  int64 // bytes that were taken
	last   int64 // of these, of the part of the day that is kept
}

// New makes a limiter with keys of its own.
func New(rules Rules) *Limiter {
	l := &Limiter{}
	for p, limits := range rules {
		// At least one of each part, so that a bucket can ever be drawn from.
		part := max(limits.AllBurst/reserved, min(1, limits.AllBurst))
		l.buckets[p] = buckets{
			limits: limits,
			common: rate.NewLimiter(limits.All*(reserved-1)/reserved, limits.AllBurst-part), fresh: rate.NewLimiter(limits.All/reserved, part),
			difficulty: difficulty{wanted: limits.All},
		}
	}
	rand.Read(l.secret[:])
	rand.Read(l.key[:])
	return l
}

// Sender is who is behind an address, at now in Unix seconds.
func (l *Limiter) Sender(addr netip.Addr, now int64) Sender {
	addr = addr.Unmap().WithZone("")
	single, wide := 32, 24
	if addr.Is6() {
		single, wide = 64, 48
	}
	key := l.turn(now)
	hashed := func(length int) Source {
		prefix, _ := addr.Prefix(length) // of the zero address none, and all those are one sender
		text, _ := prefix.MarshalBinary()
		h := hmac.New(sha256.New, key[:])
		h.Write(text)
		return Source(h.Sum(nil)[:8])
	}
	return Sender{hashed(single), hashed(wide)}
}

// Holder is who holds a receipt, at now in Unix seconds, of a report from a network of today; nil where that can't be
// told.
func (l *Limiter) Holder(receipt, network []byte, now int64) (s Sender) {
	l.turn(now)
	copy(s.One[:], receipt)
	copy(s.Network[:], network)
	return s
}

// turn begins a day with what nobody has used, and returns its key.
func (l *Limiter) turn(now int64) (key [32]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Who has read the clock just before midnight does not turn the day back; a clock that was days ahead and is put right
	// does.
	if today := now / day; today > l.day || today < l.day-1 {
		l.day = today
		rand.Read(l.key[:])
		for p := range l.buckets {
			b := &l.buckets[p]
			b.senders, b.networks, b.today, b.last = sources{}, sources{}, 0, 0
		}
	}
	return l.key
}

// Answer is what may happen with what somebody sends.
type Answer int

// The answers.
const (
	Take Answer = iota
	Work        // it must come again with work
	Wait        // the sender, or its network, has sent too many; later
	Full        // so much has come today, from its network or from all, that no more is kept; tomorrow
)

// Ask counts something that a sender sends, of so many bytes, and tells what may happen with it; worked tells whether
// it brings work. Only what is taken is drawn from any bucket.
func (l *Limiter) Ask(p Purpose, s Sender, worked bool, size int) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := &l.buckets[p]
	answer := b.begin(s, worked, int64(size))
	if answer == Take {
		b.book(s, int64(size))
	}
	return answer
}

// Begin is Ask about so many bytes that somebody says will come. They count when they have (Came), and not where only
// their number did.
func (l *Limiter) Begin(p Purpose, s Sender, worked bool, size int) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buckets[p].begin(s, worked, int64(size))
}

// Came counts the bytes of what was begun, and tells whether there is still room for them today.
func (l *Limiter) Came(p Purpose, s Sender, size int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := &l.buckets[p]
	if one, network := b.of(s); b.full(one, network, int64(size)) {
		return false
	}
	b.book(s, int64(size))
	return true
}

// begin draws from the buckets what is taken.
func (b *buckets) begin(s Sender, worked bool, size int64) Answer {
	answer, from := b.look(s, worked, size)
	if answer != Take {
		return answer
	}
	if from != nil {
		from.Allow()
	} else {
		b.difficulty.count(time.Now())
	}
	one, network := b.of(s)
	one.bucket.Allow()
	network.bucket.Allow()
	return Take
}

// Would tells what Ask would, of something that brings no work, and counts nothing.
func (l *Limiter) Would(p Purpose, s Sender, size int) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	answer, _ := l.buckets[p].look(s, false, int64(size))
	return answer
}

// look tells what may happen with something, and from which bucket for all it is drawn; nil where work takes its place.
func (b *buckets) look(s Sender, worked bool, size int64) (Answer, *rate.Limiter) {
	one, network := b.of(s)
	switch {
	case spentAll(one, network):
		return Wait, nil
	case b.full(one, network, size):
		return Full, nil
	case !worked && b.isLast(size):
		return b.refusal(), nil
	case b.common.Tokens() >= 1:
		return Take, b.common
	case worked:
		return Take, nil
	case one.idle() && network.roomy() && b.fresh.Tokens() >= 1:
		return Take, b.fresh
	}
	return b.refusal(), nil
}

// may tells whether a sender and its network may send something now.
func (l *Limiter) may(p Purpose, s Sender) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !spentAll(l.buckets[p].of(s))
}

func spentAll(one, network *budget) bool {
	return one.bucket.Tokens() < 1 || network.bucket.Tokens() < 1
}

// refusal is the answer to who brings no work where it is wanted.
func (b *buckets) refusal() Answer {
	if b.limits.Bits == 0 {
		return Wait
	}
	return Work
}

// isLast tells whether so many bytes are of the part of the day that is kept.
func (b *buckets) isLast(size int64) bool {
	return b.limits.AllDay > 0 && b.today+size > b.limits.AllDay/reserved*(reserved-1)
}

// full tells whether so many bytes are more than what is left today for a network, or for a sender. Each has an even
// part of what the others have left: a sender one in a crowd of what its network has in a day, and one in a few of what
// that has of the part that is kept. So who comes later has less, and something.
func (b *buckets) full(one, network *budget, size int64) bool {
	l := &b.limits
	if l.EachDay > 0 && one.today+size > (l.EachDay-network.today+one.today)/crowd {
		return true
	}
	if l.EachLast == 0 || !b.isLast(size) {
		return l.AllDay > 0 && b.today+size > l.AllDay
	}
	kept := l.AllDay / reserved
	share := (kept - b.last + network.last) / max(1, kept/l.EachLast)
	return network.last+size > share || one.last+size > (share-network.last+one.last)/few
}

// book counts bytes that were taken.
func (b *buckets) book(s Sender, size int64) {
	last := b.isLast(size)
	one, network := b.of(s)
	b.today += size
	if last {
		b.last += size
	}
	for _, o := range []*budget{one, network} {
		o.today += size
		if last {
			o.last += size
		}
	}
}

// of is what a sender and its network may still send.
func (b *buckets) of(s Sender) (one, network *budget) {
	return b.senders.of(s.One, b.limits.Each, b.limits.EachBurst), b.networks.of(s.Network, crowd*b.limits.Each, crowd*b.limits.EachBurst)
}

// of is what a source may still send.
func (m *sources) of(s Source, each rate.Limit, burst int) *budget {
	o := m.young[s]
	if o != nil {
		return o
	}
	if o = m.old[s]; o == nil {
		o = &budget{bucket: rate.NewLimiter(each, burst), burst: float64(burst)}
	}
	if len(m.young) >= maxSources/2 || m.young == nil {
		m.young, m.old = map[Source]*budget{}, m.young
	}
	m.young[s] = o
	return o
}

// idle tells whether a sender has not sent lately, and roomy whether its network has sent little.
func (o *budget) idle() bool  { return o.bucket.Tokens() >= o.burst-0.5 }
func (o *budget) roomy() bool { return o.bucket.Tokens() >= o.burst/2 }
