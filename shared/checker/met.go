package checker

import (
	"encoding/binary"
	"strings"

	"khien/shared/subject"
)

// What was met before it was listed. A client may keep the beginnings of the digests of what
// somebody met, and nothing that could be read as an address, and ask later whether any of it
// has been listed meanwhile.

// HeadSize is how much of a digest is kept, in bytes: as much as a set can tell apart.
const HeadSize = 16

// MaxMet bounds what is kept of one address or text.
const MaxMet = 48

// Met is one thing that somebody met.
type Met struct {
	Head  [HeadSize]byte // of the digest of the subject
	Place string         // where it belongs, such as "facebook", "phone" or "bank"; "web" for a page
}

// Meet is what an address names, to be recalled later, the narrowest first. It is nothing if
// any of it is listed now: about that, somebody is warned at once. The errors are those of
// subject.FromHref.
func (c *Checker) Meet(href string, now int64) ([]Met, error) {
	named, err := subject.FromHref(nil, href)
	if err != nil {
		return nil, err
	}
	return c.meet(nil, named, now), nil
}

// MeetText is Meet for what a text names (subject.Things); what of it is listed now is left out.
func (c *Checker) MeetText(text string, now int64, languages ...string) ([]Met, error) {
	things, err := subject.Things(text, languages...)
	var met []Met
	for _, thing := range things {
		met = c.meet(met, thing, now)
	}
	if len(things) > 0 {
		return met, nil
	}
	return met, err
}

func (c *Checker) meet(met []Met, named []subject.Subject, now int64) []Met {
	before := len(met)
	for _, s := range append(named, subject.Further(named)...) {
		if _, ok := c.listed(s, now); ok {
			return met[:before]
		}
		if len(met) < MaxMet {
			digest := s.Digest()
			met = append(met, Met{[HeadSize]byte(digest[:]), place(s)})
		}
	}
	return met
}

func place(s subject.Subject) string {
	if !s.IsAccount() {
		return "web"
	}
	name, _, _ := strings.Cut(string(s), ":")
	return name
}

// Recall answers whether what was met is listed now: Listed, with a bucket that tells more
// (RecallReason), or Unlisted or Unknown. The finding has no subject: nobody knows it any more.
func (c *Checker) Recall(head [HeadSize]byte, now int64) Finding {
	class, ok := c.set.LookupHead(binary.BigEndian.Uint64(head[:]), binary.BigEndian.Uint64(head[8:]))
	if !ok {
		return c.unlisted(now)
	}
	var digest [32]byte
	copy(digest[:], head[:])
	return c.found("", class, digest, now)
}

// RecallReason is Resolve for what Recall has found.
func (c *Checker) RecallReason(head [HeadSize]byte, bucket []byte, now int64) (Finding, error) {
	f := c.Recall(head, now)
	if f.Verdict != Listed {
		return f, nil
	}
	return c.confirm(f, head[:], bucket, now)
}
