package publish

import (
	"fmt"
	"testing"

	"khien/shared/release"
)

// Whatever order they come in: each is found under its own digest, once, and nothing else is.
func TestWhatWasSaidIsTakenOnce(t *testing.T) {
	const n = 20_000
	digest := func(i int) [32]byte { return release.DigestOf(fmt.Append(nil, i)) }
	var list []printed
	for i := range n {
		d := digest(i)
		list = append(list, printed{nameOf(d), uint64(i), int64(i)})
	}
	edge := name{}
	list = append(list, printed{edge, n, n})
	for i := range edge {
		edge[i] = 0xff
	}
	list = append(list, printed{edge, n + 1, n + 1})
	e := newEarlier(list)
	for i := range n {
		if said, ok := e.take(digest(i)); !ok || said.lapses != int64(i) {
			t.Fatalf("number %d: %+v, %t", i, said, ok)
		}
		if _, again := e.take(digest(i)); again || e.has(digest(i)) {
			t.Fatalf("number %d is taken twice", i)
		}
		if e.has(digest(n + i)) {
			t.Fatalf("number %d was never said", n+i)
		}
	}
	if e.left != 2 || !e.has([32]byte{}) || !e.has([32]byte(append(edge[:], edge[:]...))) {
		t.Errorf("%d are left, want the first and the last", e.left)
	}
}
