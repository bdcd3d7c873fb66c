// Package checker decides: what does this address name, is any of it listed, may
// this update be believed. It is what the browser asks through package wasm, and
// what the server's own tools ask.
//
//	href ── subject.FromHref ──> subjects ── set ──> a hit? ── no ──> Unlisted
//	             │                                      │
//	          no sense                                 yes ──> Listed, of a category
//	             v                                      │
//	          Unknown                    bucket ── Resolve ──> Listed with the reason
//	                                                      └──> Unlisted after all
//
// Nothing here fetches, stores or reads a clock.
package checker

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"khien/shared/category"
	"khien/shared/official"
	"khien/shared/release"
	"khien/shared/set"
	"khien/shared/subject"
	"khien/shared/supplement"
	"khien/shared/wire"
)

// Verdict is what is known about a subject. The zero value is Unknown.
type Verdict uint8

const (
	// Unknown: the address makes no sense, or the list is too old to say "nothing known".
	Unknown Verdict = iota
	// Unlisted: nothing is known. It is not "safe".
	Unlisted
	// Listed: known for scams.
	Listed
	// Caution: suspicious, but not confirmed. Resemble gives it, and no other check.
	Caution
)

func (v Verdict) String() string {
	return [...]string{"unknown", "unlisted", "listed", "caution"}[v]
}

var (
	// ErrBucket is a bucket that cannot be read; one that can and is not part of
	// the release is release.ErrProof.
	ErrBucket = errors.New("not a bucket of this format")
	// ErrKind is a body of a kind other than "delta" and "set".
	ErrKind = errors.New("an update is a delta or a set")
)

// Finding is the answer about one address or subject.
type Finding struct {
	Verdict  Verdict
	Subject  subject.Subject   // what is listed; empty if nothing is
	Category category.Category // of the scam; meaningful if Listed
	Bucket   string            // the path that tells more about a hit; empty without one
	Within   bool              // the address is of something in the subject, such as a post, and not about it; only Check tells
	Stale    bool              // the list has expired
	Cause    error             // why Unknown

	// Whom it passes itself off as; meaningful if Caution.
	Resembles official.Resemblance
	// Whose official page it is; empty if it is nobody's who is well known. Only Resemble tells.
	Owner string

	// Known after Resolve only.
	Confirmed bool
	FirstSeen int64 // Unix seconds
	Reference string
	Source    string
	Reason    []wire.Text
}

// ErrStale is the cause of Unknown where nothing is listed in a list that has expired.
var ErrStale = errors.New("the list is out of date")

// Checker is one release, opened. It never changes and is safe for concurrent use.
type Checker struct {
	root string
	keys release.Keys
	head release.Head
	set  set.Set

	keysMsg    []byte
	supplement *supplement.Supplement
}

// Open opens a release that a client has stored: verified in everything but
// its expiry, since an old list still warns. The slices must not change afterwards.
// Sum is the SHA-256 of body, which the caller has made: a browser does so five
// times faster than Go in wasm.
func Open(root string, keys, head, body []byte, sum release.Digest, supplementBody []byte, now int64) (*Checker, error) {
	k, err := release.OpenKeys(keys, root, now)
	if err != nil && !untimely(err) {
		return nil, fmt.Errorf("couldn't open the key list: %w", err)
	}
	h, err := release.OpenHead(head, k, now)
	if err != nil && !untimely(err) {
		return nil, fmt.Errorf("couldn't open the head: %w", err)
	}
	if release.DigestOf(keys) != h.Keys {
		return nil, fmt.Errorf("couldn't open the head: %w", release.ErrKeys)
	}
	if err := release.CheckBlob(body, sum, h.Set, h.SetSize); err != nil {
		return nil, fmt.Errorf("couldn't open the set: %w", err)
	}
	s, err := set.Open(body)
	if err != nil {
		return nil, fmt.Errorf("couldn't open the set: %w", err)
	}
	if uint64(s.Len()) != h.Count {
		return nil, fmt.Errorf("couldn't open the set: %w", set.ErrCorrupt)
	}
	if err := release.CheckBlob(supplementBody, release.DigestOf(supplementBody), h.Supplement, h.SupplementSize); err != nil {
		return nil, fmt.Errorf("couldn't open the supplement: %w", err)
	}
	g, err := supplement.Open(supplementBody)
	if err != nil {
		return nil, fmt.Errorf("couldn't open the supplement: %w", err)
	}
	return &Checker{root, k, h, s, keys, g}, nil
}

func untimely(err error) bool {
	return errors.Is(err, release.ErrExpired) || errors.Is(err, release.ErrNotYet)
}

// Head is the head of the release.
func (c *Checker) Head() release.Head { return c.head }

// Supplement is the supplement of the release.
func (c *Checker) Supplement() *supplement.Supplement { return c.supplement }

func (c *Checker) stale(now int64) bool { return now > c.head.Expires }

// Check answers for an address in the browser's normalised form: the first of the subjects it names that is listed, or
// else of those that subject.Further has. What cannot be read is Unknown, and so is what is not listed in a list that
// has expired.
func (c *Checker) Check(href string, now int64) Finding {
	return c.CheckNext(new(subject.Named), href, now)
}

// CheckNext is Check for one address after the other, as they come in a feed: named is used
// for each of them.
func (c *Checker) CheckNext(named *subject.Named, href string, now int64) Finding {
	if err := named.Read(href); err != nil {
		return Finding{Verdict: Unknown, Cause: err, Stale: c.stale(now)}
	}
	i, class := Find(&c.set, named)
	if i < 0 {
		return c.unlisted(now)
	}
	s := named.Subject(i)
	f := c.found(s, class, s.Digest(), now)
	f.Within = named.IsWithin(i)
	return f
}

// Find is which of the things that a list is asked for because of an address a set has, the first of them, and its
// class; -1 where it has none.
func Find(list *set.Set, named *subject.Named) (at int, class uint8) {
	for i := range named.Asked() {
		if class, ok := list.LookupHead(named.Head(i)); ok {
			return i, class
		}
	}
	return -1, 0
}

// Resemble answers whether a page passes itself off as somebody well known: by the host of its
// address, and by the title that it goes by if that is not empty. On a platform, the title is compared with the
// names of those in the book; also are addresses of the same account, by what the platform says of it.
// It is Caution or Unlisted, which says nothing of what is listed, but whose page it is if that is
// official, or Unknown for what cannot be read.
func (c *Checker) Resemble(href, title string, also ...string) Finding {
	book := c.supplement.Book()
	host, err := subject.Host(href)
	if err != nil {
		return Finding{Verdict: Unknown, Cause: err}
	}
	r, ok := book.Host(host)
	var owner string
	switch {
	case ok:
	case subject.IsPlatform(host): // there, a page may be anybody's
		accounts := profile(href)
		for _, address := range also {
			for _, other := range profile(address) {
				if len(accounts) > 0 && samePlatform(accounts[0], other) {
					accounts = append(accounts, other)
				}
			}
		}
		if owner, ok = book.AccountOwner(accounts); !ok {
			r, ok = book.Account(title, accounts)
		} else {
			ok = false
		}
	default:
		if title != "" {
			r, ok = book.Name(title, host)
		}
		owner, _ = book.Owner(host)
	}
	if ok {
		return Finding{Verdict: Caution, Resembles: r}
	}
	return Finding{Verdict: Unlisted, Owner: owner}
}

func samePlatform(a, b string) bool {
	platform, _, _ := strings.Cut(a, ":")
	return strings.HasPrefix(b, platform+":")
}

// profile are the names of the account whose page an address shows, where it is one that a person or an
// organisation speaks from.
func profile(href string) (accounts []string) {
	var n subject.Named
	if n.Read(href) != nil {
		return nil
	}
	for i := range n.Len() {
		if s := n.Subject(i); s.IsProfile() {
			accounts = append(accounts, string(s))
		}
	}
	return accounts
}

// CheckSubject answers for one subject.
func (c *Checker) CheckSubject(s subject.Subject, now int64) Finding {
	if f, ok := c.listed(s, now); ok {
		return f
	}
	return c.unlisted(now)
}

// CheckThing answers for one thing by all that it is called, the narrowest first: Listed if any of it is.
// Where nothing is, but it is a page whose host passes itself off as somebody well known, it is Caution.
func (c *Checker) CheckThing(thing []subject.Subject, now int64) Finding {
	for _, names := range [...][]subject.Subject{thing, subject.Further(thing)} {
		for _, s := range names {
			if f, ok := c.listed(s, now); ok {
				return f
			}
		}
	}
	f := c.unlisted(now)
	if len(thing) > 0 && !thing[0].IsAccount() {
		if like := c.Resemble("http://"+string(thing[0]), ""); like.Verdict == Caution {
			like.Stale = f.Stale
			return like
		}
	}
	return f
}

// ErrNothing is the cause of Unknown for a text that names nothing.
var ErrNothing = errors.New("there is nothing in it that can be checked")

// CheckText answers for each thing that a text names (subject.Things), as CheckThing does; the subject of a finding is
// then never empty. The last one is Unknown and has none where something could not be checked: its cause is ErrNothing,
// subject.ErrTooLong or subject.ErrSubject.
func (c *Checker) CheckText(text string, now int64, languages ...string) []Finding {
	things, err := subject.Things(text, languages...)
	var found []Finding
	for _, thing := range things {
		f := c.CheckThing(thing, now)
		if f.Subject == "" {
			f.Subject = thing[0]
		}
		found = append(found, f)
	}
	if err == nil && len(found) == 0 {
		err = ErrNothing
	}
	if err != nil {
		found = append(found, Finding{Verdict: Unknown, Cause: err, Stale: c.stale(now)})
	}
	return found
}

func (c *Checker) unlisted(now int64) Finding {
	if c.stale(now) {
		return Finding{Verdict: Unknown, Cause: ErrStale, Stale: true}
	}
	return Finding{Verdict: Unlisted}
}

func (c *Checker) listed(s subject.Subject, now int64) (Finding, bool) {
	digest := s.Digest()
	class, ok := c.set.Lookup(digest)
	if !ok {
		return Finding{}, false
	}
	return c.found(s, class, digest, now), true
}

func (c *Checker) found(s subject.Subject, class uint8, digest [32]byte, now int64) Finding {
	return Finding{
		Verdict: Listed, Subject: s, Category: category.Category(class), Stale: c.stale(now),
		Bucket: release.BucketPath(c.head.Sequence, c.head.BucketBits, digest),
	}
}

// Resolve answers for a subject that was found Listed, with the body of the path
// that the finding names: Listed and confirmed with the reason, or Unlisted if the set
// hit another subject with the same prefix. The errors are ErrBucket and release.ErrProof;
// the finding then stands as it was.
func (c *Checker) Resolve(s subject.Subject, bucket []byte, now int64) (Finding, error) {
	f, hit := c.listed(s, now)
	if !hit {
		return c.unlisted(now), nil
	}
	digest := s.Digest()
	return c.confirm(f, digest[:], bucket, now)
}

// confirm looks in a bucket for the entry whose digest begins so.
func (c *Checker) confirm(f Finding, head, bucket []byte, now int64) (Finding, error) {
	if len(bucket) > wire.MaxBucket {
		return f, release.ErrOversized
	}
	var b wire.Bucket
	if rest, err := b.UnmarshalMsg(bucket); err != nil || len(rest) > 0 {
		return f, ErrBucket
	}
	index := release.BucketIndex(c.head.BucketBits, [32]byte(append(bytes.Clone(head), make([]byte, 32-len(head))...)))
	if err := release.CheckBucket(b.Leaf, b.Proof, index, c.head.BucketBits, c.head.BucketRoot); err != nil {
		return f, err
	}
	var entries wire.Entries
	if rest, err := entries.UnmarshalMsg(b.Leaf); err != nil || len(rest) > 0 {
		return f, ErrBucket
	}
	for _, e := range entries {
		if len(e.Digest) == 32 && bytes.HasPrefix(e.Digest, head) {
			if known, ok := category.Parse(e.Category); ok {
				f.Category = known
			}
			f.Confirmed, f.FirstSeen, f.Reference, f.Source, f.Reason = true, e.FirstSeen, e.Reference, e.Source, e.Reason
			return f, nil
		}
	}
	f = c.unlisted(now)
	f.Confirmed = true
	return f, nil
}
