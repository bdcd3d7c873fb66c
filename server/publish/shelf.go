package publish

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"khien/server/blob"
	"khien/server/ledger"
	"khien/shared/release"
)

// Shelf hands out what is published: each thing as it was published, proven by what is signed or by the digest that the
// ledger keeps, or not at all. It is safe for concurrent use, beside whoever publishes. Its errors are
// blob.ErrNotFound, ErrDamaged and ErrUnknown; what should be there and is missing is both of the first.
type Shelf struct {
	Blobs  *blob.Dir
	Ledger *ledger.Ledger
	Root   string // verifier key of the root

	mu    sync.Mutex
	stock *stock
	known memory
}

// stock is what there is to be handed out.
type stock struct {
	seen  []byte // the head that lay in the directory when the ledger was asked
	note  []byte // the head in force
	err   error  // why there is none
	force release.Head
	heads map[uint64]release.Head
	sizes map[release.Digest]uint64 // of sets, supplements and lists of keys
	files map[string]release.Digest
}

// of is the stock of now: the ledger is asked again when another head lies in the directory.
func (s *Shelf) of(ctx context.Context) (*stock, error) {
	seen, err := s.Blobs.Head()
	if err != nil {
		seen = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stock == nil || !bytes.Equal(seen, s.stock.seen) {
		fresh, err := s.take(ctx)
		if err != nil {
			return nil, err
		}
		fresh.seen = seen
		s.stock = fresh
	}
	return s.stock, nil
}

func (s *Shelf) take(ctx context.Context) (*stock, error) {
	st := &stock{heads: map[uint64]release.Head{}, sizes: map[release.Digest]uint64{}}
	f, err := inForce(ctx, s.Ledger, s.Blobs, s.Root, nil)
	switch {
	case errors.Is(err, ErrUnknown):
		st.err = err
	case err != nil:
		return nil, err
	case f.Sequence == 0:
		st.err = blob.ErrNotFound
	}
	st.note, st.force = f.note, f.Head
	if st.files, err = f.files(ctx, s.Ledger, s.Blobs); err != nil {
		return nil, err
	}
	all, err := s.Ledger.Releases(ctx, 0)
	if err != nil {
		return nil, err
	}
	stock := func(h release.Head, keys []byte) {
		st.heads[h.Sequence] = h
		st.sizes[h.Set], st.sizes[h.Supplement], st.sizes[h.Keys] = h.SetSize, h.SupplementSize, uint64(len(keys))
	}
	for i, r := range all {
		if i > 0 && all[i-1].Issued < f.Issued-int64(reach.Seconds()) {
			break
		}
		if h, _, ok := signed(r.Head, r.Keys, s.Root); ok && agree(h, r) {
			stock(h, r.Keys)
		}
	}
	if f.Sequence > 0 {
		stock(f.Head, f.keys)
	}
	return st, nil
}

// Shelf hands out what the publisher publishes.
func (p *Publisher) Shelf() *Shelf {
	return &Shelf{Blobs: p.Blobs, Ledger: p.Ledger, Root: p.Keys.Root}
}

// Lock makes everybody else wait who publishes from this directory or this database, in this process and in others,
// until unlock.
func (s *Shelf) Lock(ctx context.Context) (unlock func(), err error) {
	free, err := s.Blobs.Lock() // first, so that of each process one waits in the database
	if err != nil {
		return nil, err
	}
	end, err := s.Ledger.Alone(ctx)
	if err != nil {
		free()
		return nil, err
	}
	return func() { end(); free() }, nil
}

// SetHead puts the head in force in its place, where whoever issued it was killed before. Nobody else may be
// publishing.
func (s *Shelf) SetHead(ctx context.Context) error {
	f, err := inForce(ctx, s.Ledger, s.Blobs, s.Root, nil)
	if err != nil || f.Sequence == 0 {
		return ignore(err, ErrUnknown)
	}
	if copied, err := s.Blobs.Head(); err == nil && bytes.Equal(copied, f.note) {
		return nil
	}
	return s.Blobs.SetHead(f.note)
}

// Head is the signed head in force.
func (s *Shelf) Head(ctx context.Context) ([]byte, error) {
	st, err := s.of(ctx)
	if err != nil {
		return nil, err
	}
	return st.note, st.err
}

// Blob is the set, the supplement or the list of keys with this digest.
func (s *Shelf) Blob(ctx context.Context, d release.Digest) ([]byte, error) {
	st, err := s.of(ctx)
	if err != nil {
		return nil, err
	}
	size, ok := st.sizes[d]
	if !ok {
		return nil, blob.ErrNotFound
	}
	return s.known.of("blob/"+d.String(), func() ([]byte, error) { return blobOf(s.Blobs, d, size) })
}

// Keys are the release keys that the root names in the release in force, which are good at now, in Unix seconds.
func (s *Shelf) Keys(ctx context.Context, now int64) (release.Keys, error) {
	st, err := s.of(ctx)
	if err == nil {
		err = st.err
	}
	if err != nil {
		return release.Keys{}, err
	}
	list, err := s.Blob(ctx, st.force.Keys)
	if err != nil {
		return release.Keys{}, err
	}
	return release.OpenKeys(list, s.Root, now)
}

// Delta leads from the set of release from to the set with the digest target.
func (s *Shelf) Delta(ctx context.Context, target release.Digest, from uint64) ([]byte, error) {
	st, err := s.of(ctx)
	if err != nil {
		return nil, err
	}
	name := deltaName(target, from)
	d, ok := st.files[name]
	if !ok {
		return nil, blob.ErrNotFound
	}
	return s.known.of(name+"/"+d.String(), func() ([]byte, error) { return fileOf(s.Blobs, name, d) })
}

// Bucket is one bucket of a release; prefix is the last part of its path.
func (s *Shelf) Bucket(ctx context.Context, sequence uint64, prefix string) ([]byte, error) {
	st, err := s.of(ctx)
	if err != nil {
		return nil, err
	}
	h, ok := st.heads[sequence]
	if !ok {
		return nil, blob.ErrNotFound
	}
	return s.known.of("bucket/"+h.BucketRoot.String()+"/"+prefix, func() ([]byte, error) { return Bucket(s.Blobs, h, prefix) })
}

// maxMemory bounds what a shelf keeps in memory, in bytes; it is more than a set of five million entries and all that
// is asked for beside it.
const maxMemory = 64 << 20

// memory keeps what was proven and handed out, by a name that its proof is a part of: whatever becomes of the files,
// these bytes are the ones that were published. It is empty at first, and safe for concurrent use.
type memory struct {
	mu   sync.Mutex
	all  *simplelru.LRU[string, []byte]
	size int // bytes
}

// of is what is kept under a name, or else what prove returns, which is kept. Nobody may change it.
func (m *memory) of(name string, prove func() ([]byte, error)) ([]byte, error) {
	m.mu.Lock()
	if m.all == nil {
		m.all, _ = simplelru.NewLRU(1<<20, func(_ string, body []byte) { m.size -= len(body) }) // the error is of a size below one
	}
	body, ok := m.all.Get(name)
	m.mu.Unlock()
	if ok {
		return body, nil
	}
	body, err := prove()
	if err != nil || len(body) > maxMemory/2 {
		return body, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.all.Contains(name) { // nor has anybody else proven it meanwhile
		m.all.Add(name, body)
		for m.size += len(body); m.size > maxMemory; {
			m.all.RemoveOldest()
		}
	}
	return body, nil
}
