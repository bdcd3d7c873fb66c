package exchange

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
)

// sorter brings records into the order of their keys, however many they are: what does not fit into its memory lies in
// files without a name. Records of one key stay in the order in which they came.
type sorter struct {
	folder string
	held   []record
	size   int
	runs   []*os.File
}

type record struct {
	key  string
	body []byte
}

// most is how many bytes of records are held in memory.
const most = 24 << 20

func (s *sorter) add(r record) error {
	s.held = append(s.held, r)
	if s.size += len(r.key) + len(r.body) + 64; s.size < most {
		return nil
	}
	return s.spill()
}

func (s *sorter) order() {
	slices.SortStableFunc(s.held, func(a, b record) int { return strings.Compare(a.key, b.key) })
}

func (s *sorter) spill() error {
	s.order()
	file, err := os.CreateTemp(s.folder, ".part-*")
	if err != nil {
		return err
	}
	s.runs = append(s.runs, file)
	if err := os.Remove(file.Name()); err != nil {
		return err
	}
	w := bufio.NewWriterSize(file, 1<<18)
	var size [binary.MaxVarintLen64]byte
	for _, r := range s.held {
		w.Write(size[:binary.PutUvarint(size[:], uint64(len(r.key)))])
		w.WriteString(r.key)
		w.Write(size[:binary.PutUvarint(size[:], uint64(len(r.body)))])
		w.Write(r.body)
	}
	clear(s.held)
	s.held, s.size = s.held[:0], 0
	return w.Flush()
}

func (s *sorter) close() {
	for _, f := range s.runs {
		f.Close()
	}
}

// all yields what was added, in order. It may be asked again.
func (s *sorter) all() iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		s.order()
		ways := &merge{}
		for i, f := range s.runs {
			way := &way{at: i, in: bufio.NewReaderSize(io.NewSectionReader(f, 0, 1<<62), 1<<16)}
			if more, err := way.next(); err != nil {
				yield(record{}, err)
				return
			} else if more {
				*ways = append(*ways, way)
			}
		}
		if last := (&way{at: len(s.runs), held: s.held}); len(s.held) > 0 {
			last.next()
			*ways = append(*ways, last)
		}
		heap.Init(ways)
		for ways.Len() > 0 {
			first := (*ways)[0]
			if !yield(first.first, nil) {
				return
			}
			more, err := first.next()
			switch {
			case err != nil:
				yield(record{}, err)
				return
			case more:
				heap.Fix(ways, 0)
			default:
				heap.Pop(ways)
			}
		}
	}
}

// way is one sorted run of records that is merged with others.
type way struct {
	at    int
	in    *bufio.Reader
	held  []record
	first record
}

// next reads its next record, and tells whether there is one.
func (w *way) next() (bool, error) {
	if w.in == nil {
		if len(w.held) == 0 {
			return false, nil
		}
		w.first, w.held = w.held[0], w.held[1:]
		return true, nil
	}
	key, err := w.piece()
	if err == io.EOF {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	body, err := w.piece()
	w.first = record{string(key), body}
	return err == nil, err
}

func (w *way) piece() ([]byte, error) {
	n, err := binary.ReadUvarint(w.in)
	if err != nil {
		return nil, err
	}
	b := make([]byte, n)
	_, err = io.ReadFull(w.in, b)
	return b, err
}

// merge is a heap of ways by their first records.
type merge []*way

func (m merge) Len() int { return len(m) }
func (m merge) Less(a, b int) bool {
	return cmp.Or(strings.Compare(m[a].first.key, m[b].first.key), cmp.Compare(m[a].at, m[b].at)) < 0
}
func (m merge) Swap(a, b int) { m[a], m[b] = m[b], m[a] }
func (m *merge) Push(x any)   { *m = append(*m, x.(*way)) }
func (m *merge) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}
