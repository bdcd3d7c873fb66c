package set

import (
	"cmp"
	"math/bits"
	"slices"
)

// classes is how many classes an entry can have.
const classes = 64

// maxCode bounds the length of a class's code in bits, so that a length fits four bits.
const maxCode = 15

// classCode is a canonical Huffman code over the classes (Huffman 1952; canonical
// form as in RFC 1951 section 3.2.2). Its lengths follow from how often each class
// occurs, by a rule without choices, so the same entries have the same code.
// A single class has the empty code.
type classCode struct {
	length [classes]uint8  // 0 where the class does not occur, or is the only one
	code   [classes]uint16 // with its bits in the order of the stream: first bit lowest
	only   uint8           // the class, where only one occurs
	min    uint8           // the shortest and
	max    uint8           // the longest length; 0 for the empty code

	// For reading: codes of length l, left-aligned to 16 bits, are below limit[l];
	// first[l] is the smallest of them, unaligned, and from[l] its place in order.
	limit  [maxCode + 1]uint32
	first  [maxCode + 1]uint16
	from   [maxCode + 1]uint8
	order  [classes]uint8
	number int // of classes in order

	// fast is, for the next fastBits bits, a class and 6 bits further the length of its
	// code; 0 where the code is longer.
	fast [1 << fastBits]uint16
}

const fastBits = 8

// codeFor derives the code from the number of entries of each class.
func codeFor(counts *[classes]uint32) classCode {
	weights := *counts
	for {
		lengths, ok := huffman(&weights)
		if ok {
			c, _ := codeOf(&lengths, onlyClass(counts))
			return c
		}
		for i, w := range weights { // flatten until no code is too long
			if w > 0 {
				weights[i] = w/2 + 1
			}
		}
	}
}

func onlyClass(counts *[classes]uint32) uint8 {
	for i, n := range counts {
		if n > 0 {
			return uint8(i)
		}
	}
	return 0
}

// huffman returns the code lengths for these weights; false if one is above maxCode.
// Among equal weights the one that was made first is merged first, classes in order
// before what was merged from them.
func huffman(weights *[classes]uint32) (lengths [classes]uint8, ok bool) {
	type node struct {
		weight      uint64
		made        int
		left, right int // -1 for a class
	}
	var nodes []node
	var queue []int
	var class []int
	for i, w := range weights {
		if w > 0 {
			queue = append(queue, len(nodes))
			class = append(class, i)
			nodes = append(nodes, node{uint64(w), len(nodes), -1, -1})
		}
	}
	if len(queue) < 2 {
		return lengths, true
	}
	order := func(a, b int) int {
		return cmp.Or(cmp.Compare(nodes[a].weight, nodes[b].weight), cmp.Compare(nodes[a].made, nodes[b].made))
	}
	for len(queue) > 1 {
		slices.SortFunc(queue, order)
		nodes = append(nodes, node{nodes[queue[0]].weight + nodes[queue[1]].weight, len(nodes), queue[0], queue[1]})
		queue = append(queue[2:], len(nodes)-1)
	}
	ok = true
	var walk func(at int, depth uint8)
	walk = func(at int, depth uint8) {
		if nodes[at].left < 0 {
			lengths[class[at]] = depth
			ok = ok && depth <= maxCode
			return
		}
		walk(nodes[at].left, depth+1)
		walk(nodes[at].right, depth+1)
	}
	walk(queue[0], 0)
	return lengths, ok
}

// codeOf builds the code with these lengths; false if they do not make a complete
// prefix code. Where all are zero the code is empty and only is the class it stands for.
func codeOf(lengths *[classes]uint8, only uint8) (c classCode, ok bool) {
	c.length = *lengths
	c.only = only
	var perLength [maxCode + 1]uint32
	for _, l := range lengths {
		if l > 0 {
			perLength[l]++
			c.number++
		}
	}
	if c.number == 0 {
		return c, true
	}
	next, place := uint32(0), uint8(0)
	for l := 1; l <= maxCode; l++ {
		next <<= 1
		c.first[l], c.from[l] = uint16(next), place
		for class, have := range lengths {
			if int(have) == l {
				c.code[class] = uint16(bits.Reverse16(uint16(next) << (16 - l)))
				c.order[place] = uint8(class)
				place++
				next++
			}
		}
		c.limit[l] = next << (16 - l)
		if next > 1<<l {
			return c, false
		}
		if perLength[l] > 0 {
			if c.min == 0 {
				c.min = uint8(l)
			}
			c.max = uint8(l)
		}
	}
	if next != 1<<maxCode {
		return c, false
	}
	c.makeFast()
	return c, true
}

// makeFast fills in fast.
func (c *classCode) makeFast() {
	for class, l := range c.length {
		for rest := 0; l > 0 && l <= fastBits && rest < 1<<(fastBits-l); rest++ {
			c.fast[int(c.code[class])|rest<<l] = uint16(class) | uint16(l)<<6
		}
	}
}

// read decodes one class; a code that is none reads as the last class.
func (c *classCode) read(r *bitReader) uint8 {
	if c.max == 0 {
		return c.only
	}
	next := load(r.data, r.at)
	if fast := c.fast[next&(1<<fastBits-1)]; fast != 0 {
		r.at += uint64(fast >> 6)
		return uint8(fast & 63)
	}
	word := bits.Reverse16(uint16(next))
	l := c.min
	for l < c.max && uint32(word) >= c.limit[l] {
		l++
	}
	r.at += uint64(l)
	place := int(c.from[l]) + int(word>>(16-l)) - int(c.first[l])
	if uint(place) >= uint(c.number) {
		place = c.number - 1
	}
	return c.order[place]
}

func (c *classCode) write(w *bitWriter, class uint8) {
	if c.max != 0 {
		w.write(uint64(c.code[class]), uint(c.length[class]))
	}
}

// tableSize is the length of a code in a header: the only class, then a length of four bits for each class.
const tableSize = 1 + classes/2

func (c *classCode) append(dst []byte) []byte {
	dst = append(dst, c.only)
	for i := 0; i < classes; i += 2 {
		dst = append(dst, c.length[i]|c.length[i+1]<<4)
	}
	return dst
}

// parseCode reads a table of tableSize bytes; false if it is no code.
func parseCode(table []byte) (classCode, bool) {
	var lengths [classes]uint8
	for i, b := range table[1:tableSize] {
		lengths[2*i], lengths[2*i+1] = b&15, b>>4
	}
	if table[0] >= classes {
		return classCode{}, false
	}
	return codeOf(&lengths, table[0])
}

// classing is how the classes of a set are coded.
type classing struct {
	common uint8 // the commonest class
	runs   uint8 // Rice parameter of its runs, or noRuns
	code   classCode
}

// classingFor derives it from the number of entries of each class.
func classingFor(counts *[classes]uint32) classing {
	var all, most uint64
	c := classing{runs: noRuns}
	for class, n := range counts {
		all += uint64(n)
		if uint64(n) > most {
			most, c.common = uint64(n), uint8(class)
		}
	}
	if coded := *counts; 2*most > all && most < all {
		c.runs = uint8(riceParameter(most, all-most))
		coded[c.common] = 0
		c.code = codeFor(&coded)
	} else {
		c.code = codeFor(counts)
	}
	return c
}

func (c *classing) append(dst []byte) []byte {
	return c.code.append(append(dst, c.common, c.runs))
}

// parseClassing reads 2 + tableSize bytes; false if they are none.
func parseClassing(b []byte) (c classing, ok bool) {
	c.common, c.runs = b[0], b[1]
	c.code, ok = parseCode(b[2:])
	return c, ok && c.common < classes && (c.runs < PrefixBits || c.runs == noRuns)
}
