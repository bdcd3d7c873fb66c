package feed

import "iter"
import "io"

// Preset says how a list is read, as data: a file of JSON. Presets of known sources are part of the program.
type Preset struct {
	Name    string  `json:"name"`
	Title   string  `json:"title,omitempty"` // what people call the source
	Format  string  `json:"format"`          // lines, hosts, csv, tsv, json, jsonl, xlsx, adblock, rpz, stix, misp
	Meaning Meaning `json:"meaning,omitempty"`
}

// Meaning is what it means that an entry is in the list no more.
type Meaning string

const (
	Full     Meaning = "full"     // the list is all that the source says: what is not in it is taken back
	Window   Meaning = "window"   // the list is what is new: what left it stays until it lapses
	Append   Meaning = "append"   // the list only grows
	Explicit Meaning = "explicit" // what is taken back is marked so
)

// Reader reads a list, entry by entry. The errors are *Refused, behind which it goes on, and others, which end it.
type Reader func(io.Reader, Preset) iter.Seq2[Claim, error]
