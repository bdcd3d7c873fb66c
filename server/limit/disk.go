package limit

import (
	"sync"
	"syscall"
	"time"
)

// Disk tells whether there is room for more on a disk. It is safe for concurrent use.
type Disk struct {
	Path  string
	Floor uint64 // bytes that stay free; 0 is no bound

	mu     sync.Mutex
	looked time.Time
	enough bool
}

// Enough tells whether more may be written. It looks once a second at most; where it can't be known, there is room.
func (d *Disk) Enough() bool {
	if d == nil || d.Floor == 0 {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := time.Now(); d.looked.IsZero() || now.Sub(d.looked) >= time.Second {
		var on syscall.Statfs_t
		err := syscall.Statfs(d.Path, &on)
		d.looked, d.enough = now, err != nil || on.Bavail*uint64(on.Bsize) >= d.Floor
	}
	return d.enough
}
