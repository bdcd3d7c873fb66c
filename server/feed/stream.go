package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxObject is how large one object of a list of JSON may be, with the pictures and files that are in it.
const maxObject = 24 << 20

// errObject is an object that is larger.
var errObject = fmt.Errorf("%w: an object is larger than 24 MB", ErrShape)

// stream reads a list of JSON piece by piece; values may stand behind one another, a line each or as they come.
type stream struct {
	*json.Decoder
	in *piece
	n  int // objects so far
}

// piece is what may be read before the next piece begins.
type piece struct {
	r    io.Reader
	left int
}

func (p *piece) Read(b []byte) (int, error) {
	if p.left <= 0 {
		return 0, errObject
	}
	n, err := p.r.Read(b)
	p.left -= n
	return n, err
}

func newStream(r io.Reader) *stream {
	in := &piece{r, maxObject}
	return &stream{Decoder: json.NewDecoder(in), in: in}
}

func (s *stream) token() (json.Token, error) {
	s.in.left = maxObject
	return s.Token()
}

// decode reads the next value. One that is of another shape is read over, and is an error that broken tells apart.
func (s *stream) decode(into any) error {
	s.in.left = maxObject
	return s.Decode(into)
}

// skip reads over the next value.
func (s *stream) skip() error { return s.decode(&skipped{}) }

type skipped struct{}

func (*skipped) UnmarshalJSON([]byte) error { return nil }

// members goes through an object whose bracket was read, and through its last bracket.
func (s *stream) members(member func(name string) error) error {
	for s.More() {
		name, err := s.token()
		if err == nil {
			err = member(name.(string))
		}
		if err != nil {
			return err
		}
	}
	_, err := s.token()
	return err
}

// elements goes through a list whose bracket was read, and through its last bracket.
func (s *stream) elements(element func() error) error {
	for s.More() {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := s.token()
	return err
}

// rest is an object whose bracket was read, without the members that take has taken out of the stream.
func (s *stream) rest(take func(name string) (taken bool, err error)) (map[string]json.RawMessage, error) {
	whole, size := map[string]json.RawMessage{}, 0
	err := s.members(func(name string) error {
		if taken, err := take(name); taken || err != nil {
			return err
		}
		var member json.RawMessage
		err := s.decode(&member)
		if size += len(name) + len(member); size > maxObject {
			return errObject
		}
		whole[name] = member
		return err
	})
	return whole, err
}

// again reads what rest has read into something else.
func again(whole map[string]json.RawMessage, into any) error {
	text, err := json.Marshal(whole)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// broken tells what ends a list from a value that is of another shape than others.
func broken(err error) bool {
	_, shape := errors.AsType[*json.UnmarshalTypeError](err)
	return err != nil && !shape
}
