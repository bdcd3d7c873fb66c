package supplement

import "github.com/tinylib/msgp/msgp"

// shape is what a value may be at most: a text or bytes, a list of values, a map of fields, or else a number.
// It bounds a supplement in the core, without the codec of all its types, which would be 21 kB there.
type shape struct {
	max    int // bytes of a text or of bytes, values of a list
	of     *shape
	fields []field
}

type field struct {
	name string
	shape
}

func texts(max int) shape {
	return shape{max: maxTexts, of: &shape{fields: []field{{"lang", shape{max: maxLang}}, {"text", shape{max: max}}}}}
}

func slugs(max int) shape { return shape{max: max, of: &shape{max: maxID}} }

// bodyShape is that of Body.
var bodyShape = shape{fields: []field{
	{"help", shape{max: MaxHelp, of: &shape{fields: []field{
		{"country", shape{max: 2}},
		{"checked", shape{max: maxDate}},
		{"steps", shape{max: MaxSteps * 3, of: &shape{fields: []field{{"case", shape{max: maxID}}, {"text", texts(MaxText)}}}}},
		{"hotlines", shape{max: MaxHotlines, of: &shape{fields: []field{
			{"kind", shape{max: maxID}},
			{"value", shape{max: MaxLink}},
			{"name", texts(maxWhat)},
			{"what", texts(maxWhat)},
			{"cases", slugs(maxSlugs)},
			{"source", shape{max: maxSource}},
		}}}},
	}}}},
	{"cards", shape{max: MaxCards, of: &shape{fields: []field{
		{"id", shape{max: maxID}},
		{"title", texts(MaxTitle)},
		{"text", texts(MaxText)},
		{"picture", shape{max: MaxPicture}},
		{"alt", texts(maxWhat)},
		{"link", shape{max: MaxLink}},
		{"categories", slugs(maxSlugs)},
		{"platforms", slugs(maxPlatforms)},
		{"from", shape{}},
		{"to", shape{}},
	}}}},
	{"hot", shape{max: MaxHot, of: &shape{max: maxHost}}},
	{"hot_at", shape{}},
}}

// check reads one value and returns what follows it, or ErrFormat where it is of another kind, and ErrBound where it
// is too long. A field that this build does not know is passed over.
func (s *shape) check(b []byte) (rest []byte, err error) {
	switch {
	case s.fields != nil:
		n, b, err := msgp.ReadMapHeaderBytes(b)
		if err != nil {
			return nil, ErrFormat
		}
		for range n {
			var key []byte
			if key, b, err = msgp.ReadStringZC(b); err != nil {
				return nil, ErrFormat
			}
			if b, err = s.field(string(key)).check(b); err != nil {
				return nil, err
			}
		}
		return b, nil
	case s.of != nil:
		if rest, err := msgp.ReadNilBytes(b); err == nil {
			return rest, nil
		}
		n, b, err := msgp.ReadArrayHeaderBytes(b)
		if err != nil {
			return nil, ErrFormat
		}
		if int64(n) > int64(s.max) {
			return nil, ErrBound
		}
		for range n {
			if b, err = s.of.check(b); err != nil {
				return nil, err
			}
		}
		return b, nil
	case s.max > 0:
		text, rest, err := msgp.ReadStringZC(b)
		if err != nil {
			text, rest, err = msgp.ReadBytesZC(b)
		}
		if err != nil {
			return nil, ErrFormat
		}
		if len(text) > s.max {
			return nil, ErrBound
		}
		return rest, nil
	}
	if rest, err = msgp.Skip(b); err != nil {
		return nil, ErrFormat
	}
	return rest, nil
}

var unknown shape

func (s *shape) field(name string) *shape {
	for i := range s.fields {
		if s.fields[i].name == name {
			return &s.fields[i].shape
		}
	}
	return &unknown
}
