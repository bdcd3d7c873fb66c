package console

import (
	"strings"
	"sync"

	"github.com/ncruces/go-sqlite3"
)

// statement is one statement that ran, with its cost.
type statement struct {
	SQL            string
	Steps, Scanned int // steps of SQLite's machine, and rows of a table that was read from end to end
}

var (
	watching sync.Once
	counting sync.Mutex
	counted  *[]statement // where statements are noted; nil while nobody counts
)

// watch has each database that is opened from now on count its statements.
func watch() {
	watching.Do(func() {
		sqlite3.AutoExtension(func(c *sqlite3.Conn) error { return c.Trace(sqlite3.TRACE_PROFILE, note) })
	})
}

func note(_ sqlite3.TraceEvent, ran, _ any) error {
	s := ran.(*sqlite3.Stmt)
	one := statement{strings.Join(strings.Fields(s.SQL()), " "), s.Status(sqlite3.STMTSTATUS_VM_STEP, true), s.Status(sqlite3.STMTSTATUS_FULLSCAN_STEP, true)}
	counting.Lock()
	defer counting.Unlock()
	if counted != nil {
		*counted = append(*counted, one)
	}
	return nil
}

// during returns the statements that ran while f did.
func during(f func()) []statement {
	var all []statement
	counting.Lock()
	counted = &all
	counting.Unlock()
	f()
	counting.Lock()
	defer counting.Unlock()
	counted = nil
	return all
}
