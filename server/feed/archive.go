package feed

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
)

// maxDirectory is how many bytes are read to find out what an archive has. Each entry takes many times its size in
// memory, and whatever number an archive says, it may have millions of them.
const maxDirectory = 1 << 20

var errDirectory = errors.New("an archive of more files than any list has")

// OpenZIP opens an archive that has no more files than a list or a spreadsheet may.
func OpenZIP(r io.ReaderAt, size int64) (*zip.Reader, error) {
	if _, err := zip.NewReader(&glance{r: r}, size); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrShape, err)
	}
	return zip.NewReader(r, size)
}

// glance reads maxDirectory bytes of a file, wherever they are.
type glance struct {
	r    io.ReaderAt
	read int
}

func (g *glance) ReadAt(p []byte, at int64) (int, error) {
	if g.read += len(p); g.read > maxDirectory {
		return 0, errDirectory
	}
	return g.r.ReadAt(p, at)
}
