package feed

import (
	"errors"
	"fmt"

	"khien/shared/category"
	"khien/shared/subject"
)

// Claim is what a source says about one thing. Which source that is, whoever reads it knows.
type Claim struct {
	Subject   subject.Subject
	Address   string            // as the source wrote it, in the form in which a browser has it; empty where the subject says as much
	ID        string            // by which the source knows it; may be empty. Of two claims with one id about one thing, the later holds
	First     int64             // Unix seconds since when the source has it; 0 where it does not say
	Last      int64             // Unix seconds when it was last seen; 0 where the source does not say
	Lapses    int64             // Unix seconds until when the source says so; 0 where it does not say
	Gone      bool              // the source has taken it back
	Weight    Weight            // what the source wants done with it
	Hacked    bool              // an honest site on which others have put something
	Sure      int               // percent, as the source says; 0 where it does not
	TLP       TLP               // to whom it may be told; empty where the source does not say
	Category  category.Category // Other where the source says none
	Reference string            // page of the source about it; may be empty
	Text      string            // the source's own words; may be empty
	Place     Place             // where in the list it stands
}

// Weight is what a source wants done with what it names.
type Weight uint8

const (
	Lists    Weight = iota // it is a scam
	Context                // it has to do with one, and is not to be listed
	Disputes               // it is none
	Suspects               // it may be one: for a person to decide about, whatever the source is trusted with
)

// TLP is to whom something may be told: the Traffic Light Protocol 2.0 of FIRST.
type TLP string

// The labels, in the order in which they narrow. White of version 1 is Clear.
const (
	Clear       TLP = "clear"
	Green       TLP = "green"
	Amber       TLP = "amber"
	AmberStrict TLP = "amber+strict"
	Red         TLP = "red"
)

// Place is where something stands in a list: a line of a text counted from 1, or the number of a record.
type Place struct {
	Line int
	Name string // of what is read, where it has parts: a sheet, an object's id; may be empty
}

func (p Place) String() string {
	switch {
	case p.Name == "":
		return fmt.Sprint("line ", p.Line)
	case p.Line == 0:
		return p.Name
	}
	return fmt.Sprintf("%s, line %d", p.Name, p.Line)
}

// Refused is an entry of which nothing is taken. Reading goes on behind it.
type Refused struct {
	Place
	Value string // what stands there, cut to 200 bytes, for whoever tries a list out; never for a log
	Why   error
}

func (r *Refused) Error() string { return fmt.Sprintf("%s: %v", r.Place, r.Why) }
func (r *Refused) Unwrap() error { return r.Why }

// ErrShape is a list that is not of the shape that its preset says: nothing of it is to be used.
var ErrShape = errors.New("the list is not of the shape that was expected")
