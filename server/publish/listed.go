package publish

import (
	"bytes"
	"context"
	"errors"

	"khien/server/blob"
	"khien/server/ledger"
	"khien/shared/category"
	"khien/shared/release"
	"khien/shared/subject"
	"khien/shared/wire"
)

// Listed is what the release in force says of a subject, out of one bucket; ledger.ErrNotFound where it says nothing,
// or there is none.
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

// said is what the release before says of what a person has taken off, or whose time is over: what else an edition goes
// without is left out by the guard, and is no matter of the register. Of a release that is damaged nobody can tell.
func (p *Publisher) said(e *Edition) (left []ledger.Indicator, err error) {
	if len(e.gone) == 0 {
		return nil, nil
	}
	err = checkPack(p.Blobs, e.last.Head, func(entries wire.Entries) error {
		for _, one := range entries {
			if s, ok := e.gone[[32]byte(one.Digest)]; ok {
				left = append(left, indicator(s, one))
			}
		}
		return nil
	})
	return left, ignore(err, ErrDamaged)
}

func ignore(err, what error) error {
	if errors.Is(err, what) {
		return nil
	}
	return err
}
