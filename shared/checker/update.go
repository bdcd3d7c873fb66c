package checker

import (
	"fmt"

	"khien/shared/release"
	"khien/shared/set"
)

// What a Download needs.
const (
	NeedNothing = "nothing" // the release is the newest
	NeedKeys    = "keys"    // the key list at Path, and then Plan again
	NeedDelta   = "delta"   // the delta at Path
	NeedSet     = "set"     // the whole set at Path
)

// Download is what a client fetches next: at most Limit bytes from Path, and the supplement where it has changed. Where
// a delta cannot be had or fails, the whole set is at SetPath.
type Download struct {
	Need     string
	Path     string
	Limit    uint64
	Sequence uint64 // of the release it leads to
	Set      release.Digest
	SetPath  string
	SetSize  uint64

	Supplement     release.Digest // of the release it leads to
	SupplementPath string         // where that is; empty if the open release has the same
	SupplementSize uint64
}

// Before is the state of a client that has no release yet of those that lead back to a root key. It can do nothing but
// Plan.
func Before(root string) *Checker { return &Checker{root: root} }

// Plan reads a head that was just fetched and tells what to fetch next. Keys is
// the key list that the head names, or nil for the one in use. A head that is not
// believed is one of the errors of package release.
func (c *Checker) Plan(head, keys []byte, now int64) (Download, error) {
	h, step, err := c.accept(head, &keys, now)
	if err != nil || step.Need != "" {
		return step, err
	}
	step = Download{Sequence: h.Sequence, Set: h.Set, SetPath: release.BlobPath(h.Set), SetSize: h.SetSize, Supplement: h.Supplement, SupplementSize: h.SupplementSize}
	if h.Supplement != c.head.Supplement {
		step.SupplementPath = release.BlobPath(h.Supplement)
	}
	switch {
	case h == c.head:
		step.Need = NeedNothing
	case h.Deltas <= c.head.Sequence && c.head.Sequence < h.Sequence:
		// A delta larger than the set is not worth having; a small set's may be, by its header.
		step.Need, step.Path, step.Limit = NeedDelta, release.DeltaPath(h.Set, c.head.Sequence), h.SetSize+set.DeltaOverhead
	default:
		step.Need, step.Path, step.Limit = NeedSet, step.SetPath, h.SetSize
	}
	return step, nil
}

// accept verifies a head and the key list it names. Where the list is missing it
// returns the step that fetches it.
func (c *Checker) accept(head []byte, keys *[]byte, now int64) (release.Head, Download, error) {
	named, err := release.ReadHead(head)
	if err != nil {
		return named, Download{}, fmt.Errorf("couldn't accept the head: %w", err)
	}
	if len(*keys) == 0 {
		if named.Keys != c.head.Keys {
			return named, Download{Need: NeedKeys, Path: release.BlobPath(named.Keys), Limit: release.MaxKeys}, nil
		}
		*keys = c.keysMsg
	}
	if release.DigestOf(*keys) != named.Keys {
		return named, Download{}, fmt.Errorf("couldn't accept the key list: %w", release.ErrKeys)
	}
	// Who has nothing is better off with what is out of date, as in Open.
	serious := func(err error) bool { return err != nil && (c.head.Sequence > 0 || !untimely(err)) }
	k, err := release.OpenKeys(*keys, c.root, now)
	if serious(err) {
		return named, Download{}, fmt.Errorf("couldn't accept the key list: %w", err)
	}
	if k.Sequence < c.keys.Sequence {
		return named, Download{}, fmt.Errorf("couldn't accept the key list: %w", release.ErrOlder)
	}
	h, err := release.OpenHead(head, k, now)
	if serious(err) {
		return named, Download{}, fmt.Errorf("couldn't accept the head: %w", err)
	}
	if err := h.Follows(c.head); err != nil {
		return named, Download{}, fmt.Errorf("couldn't accept the head: %w", err)
	}
	return h, Download{}, nil
}

// Apply returns the bytes of the set that Plan led to, made of the body that was fetched;
// kind is what the step needed. Their digest is not compared here but by Open, once they
// are stored: a delta that leads elsewhere is ErrDigest there. It never changes c. The
// errors are those of packages release and set, and ErrKind.
func (c *Checker) Apply(head, keys []byte, kind string, body []byte, now int64) ([]byte, error) {
	h, step, err := c.accept(head, &keys, now)
	if err != nil {
		return nil, err
	}
	if step.Need != "" {
		return nil, fmt.Errorf("couldn't accept the key list: %w", release.ErrKeys)
	}
	switch kind {
	case NeedSet:
	case NeedDelta:
		if body, err = set.Apply(c.set, c.head.Set, body); err != nil {
			return nil, fmt.Errorf("couldn't apply the delta: %w", err)
		}
	default:
		return nil, ErrKind
	}
	if err := release.CheckSize(body, h.SetSize); err != nil {
		return nil, fmt.Errorf("couldn't accept the set: %w", err)
	}
	return body, nil
}
