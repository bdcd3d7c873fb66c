package console

import (
	"time"

	"github.com/alexedwards/scs/v2/memstore"
	lru "github.com/hashicorp/golang-lru/v2"
)

// mostEntering is how many who are not signed in may be about to: some 50 MB. Who floods the entrance takes the places
// there, and neither the memory of the server nor the session of anybody who is in.
const mostEntering = 50_000

// sessions keeps those that last longer than it takes to come in, and of the others the newest.
type sessions struct {
	*memstore.MemStore
	entering *lru.Cache[string, begun]
}

type begun struct {
	body   []byte
	expiry time.Time
}

func newSessions() sessions {
	entering, _ := lru.New[string, begun](mostEntering) // the error is of a size below one
	return sessions{memstore.New(), entering}
}

func (s sessions) Find(token string) ([]byte, bool, error) {
	if one, ok := s.entering.Peek(token); ok {
		return one.body, time.Now().Before(one.expiry), nil
	}
	return s.MemStore.Find(token)
}

func (s sessions) Commit(token string, body []byte, expiry time.Time) error {
	if time.Until(expiry) > entering {
		return s.MemStore.Commit(token, body, expiry)
	}
	s.entering.Add(token, begun{body, expiry})
	return s.MemStore.Delete(token)
}

func (s sessions) Delete(token string) error {
	s.entering.Remove(token)
	return s.MemStore.Delete(token)
}
