package publish

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"khien/server/blob"
	"khien/server/ledger"
	"khien/shared/category"
	"khien/shared/release"
	"khien/shared/subject"
	"khien/shared/wire"
)

// Listed is what the release in force says of a subject, out of one bucket; ledger.ErrNotFound where it says nothing, or there is none.
func (s *Shelf) Listed(ctx context.Context, name subject.Subject) (ledger.Indicator, error) {
	h, err := s.InForce(ctx)
	if err != nil || h.Sequence == 0 {
		return ledger.Indicator{}, errors.Join(err, ledger.ErrNotFound)
	}
	digest := name.Digest()
	body, err := s.Bucket(ctx, h.Sequence, release.BucketName(h.BucketBits, release.BucketIndex(h.BucketBits, digest)))
	if err != nil {
		return ledger.Indicator{}, err
	}
	var b wire.Bucket
	var entries wire.Entries
	if _, err = b.UnmarshalMsg(body); err == nil {
		_, err = entries.UnmarshalMsg(b.Leaf)
	}
	if err != nil {
		return ledger.Indicator{}, errors.Join(ErrDamaged, err)
	}
	for _, e := range entries {
		if bytes.Equal(e.Digest, digest[:]) {
			return indicator(name, e), nil
		}
	}
	return ledger.Indicator{}, ledger.ErrNotFound
}

// All gives the entries of the release in force to take, which keeps none of them; where there is none, nothing.
func (s *Shelf) All(ctx context.Context, take func(wire.Entries) error) error {
	h, err := s.InForce(ctx)
	if err != nil || h.Sequence == 0 {
		return err
	}
	return checkPack(s.Blobs, h, take)
}

// InForce is the head in force, or the zero head where there is none.
func (s *Shelf) InForce(ctx context.Context) (release.Head, error) {
	st, err := s.of(ctx)
	if err != nil {
		return release.Head{}, err
	}
	if errors.Is(st.err, blob.ErrNotFound) {
		return release.Head{}, nil
	}
	return st.force, st.err
}

// indicator is what an entry says of its subject.
func indicator(name subject.Subject, e wire.Entry) ledger.Indicator {
	i := ledger.Indicator{Subject: name, Source: e.Source, Reference: e.Reference, FirstSeen: e.FirstSeen, Lapses: e.Lapses, Reason: map[string]string{}}
	i.Category, _ = category.Parse(e.Category)
	for _, t := range e.Reason {
		i.Reason[t.Lang] = t.Text
	}
	return i
}

// left is what everybody has and a list, in order, has no more, as it was said. What a person did not take off, and whose time is not over, is
// left out by the guard and is no matter of the register. Of a release that is damaged nobody can tell.
func (p *Publisher) left(ctx context.Context, list []row, at int64) (left []ledger.Entry, err error) {
	f, err := inForce(ctx, p.Ledger, p.Blobs, p.Keys.Root, p.Keys.Note) // also where the release is built upon nothing
	if err != nil || f.Sequence == 0 {
		return nil, ignore(err, ErrUnknown)
	}
	was := map[[32]byte]wire.Entry{}
	err = checkPack(p.Blobs, f.Head, func(entries wire.Entries) error {
		for _, e := range entries {
			digest := [32]byte(e.Digest)
			if _, has := slices.BinarySearchFunc(list, digest, func(r row, d [32]byte) int { return bytes.Compare(r.digest[:], d[:]) }); !has {
				e.Reason = slices.Clone(e.Reason)
				was[digest] = e
			}
		}
		return nil
	})
	if err != nil || len(was) == 0 {
		return nil, ignore(err, ErrDamaged)
	}
	for i, err := range p.Ledger.Gone(ctx, at) {
		if err != nil {
			return nil, err
		}
		if e, ok := was[i.Subject.Digest()]; ok {
			left = append(left, ledger.Entry{Indicator: indicator(i.Subject, e)})
		}
	}
	for i := range left {
		one, err := p.Ledger.Entry(ctx, left[i].Subject)
		if err != nil {
			return nil, err
		}
		left[i].Withdrawn, left[i].Taken = one.Withdrawn, one.Taken
	}
	return left, nil
}

func ignore(err, what error) error {
	if errors.Is(err, what) {
		return nil
	}
	return err
}
