// Package wire holds the bodies that cross the network, as MessagePack maps.
//
// A report travels from the extension to the server, a receipt back, and a
// bucket tells the reason behind a hit. Field names are part of the protocol;
// a field is never renamed and a new one must be optional. Decoding is bounded
// by the limits on each field and by the caller's bound on the whole body.
//
// A bucket on the wire, with one entry and a tree of one leaf:
//
//	82                       map of 2
//	a4 leaf  c4 <n> <bytes>  the entries, encoded: the exact bytes under the Merkle tree
//	a5 proof 90              the sibling hashes, none for a tree of one leaf
package wire

//go:generate go tool msgp -file wire.go -o wire_gen.go -io=false -tests=false

//msgp:limit arrays:4096

// MaxReport bounds an encoded Report in bytes.
const MaxReport = 16 << 10

// IDSize is the length of a report's id in bytes.
const IDSize = 16

// MaxBucket bounds an encoded Bucket in bytes.
const MaxBucket = 1 << 20

// Bucket answers a question about one bucket of the hash space.
type Bucket struct {
	Leaf  []byte   `msg:"leaf,limit=1048576"` // Entries, encoded
	Proof [][]byte `msg:"proof"`              // 32-byte hashes from the leaf to the root that the head signs (RFC 6962 section 2.1.1)
}

// Entries are the indicators of one bucket, sorted by digest.
type Entries []Entry

// Entry is what is public about one indicator; Digest names its subject without telling it.
type Entry struct {
	Digest    []byte `msg:"digest"`     // SHA-256 of the subject's canonical text
	Category  string `msg:"category"`   // slug of package category
	FirstSeen int64  `msg:"first_seen"` // Unix seconds
	Lapses    int64  `msg:"lapses"`     // Unix seconds; 0 is never
	Reference string `msg:"reference"`  // case number
	Source    string `msg:"source"`     // who listed it; behind AlsoSaid, who says so too
	Reason    []Text `msg:"reason"`     // sorted by language; may be empty
}

// AlsoSaid stands in an entry's source between who listed it and who says so too: readers from before there was anybody
// else show all of it.
const AlsoSaid = "; "

// Text is a sentence in one language. A sorted list of them, rather than a map, gives
// the same entries the same bytes.
type Text struct {
	Lang string `msg:"lang" json:"lang"` // such as "vi"
	Text string `msg:"text" json:"text"`
}

// Kinds of report.
const (
	KindScam    = "scam"    // this should be listed
	KindMistake = "mistake" // this is listed and should not be
)

// Report is what a person sends with one click. It holds no identity.
type Report struct {
	ID       []byte   `msg:"id" json:"id"`             // 16 random bytes made by the sender; the same on every retry
	Kind     string   `msg:"kind" json:"kind"`         // KindScam or KindMistake
	Subjects []string `msg:"subjects" json:"subjects"` // canonical, accounts first
	Href     string   `msg:"href" json:"href"`         // normalised, without fragment
	Title    string   `msg:"title" json:"title"`       // of the page, at most 300 bytes
	Language string   `msg:"language" json:"language"` // of the person's browser, such as "vi"
	Time     int64    `msg:"time" json:"time"`         // Unix seconds by the sender's clock
	Category string   `msg:"category" json:"category"` // slug, or empty
	Note     string   `msg:"note" json:"note"`         // plain text, at most 2000 bytes

	// What links on the page lead to, as canonical subjects; at most MaxLinks.
	Links []string `msg:"links,omitempty" json:"links,omitempty"`
}

// MaxLinks bounds the links of a report.
const MaxLinks = 16

// States of a report, as a receipt shows them. A scam goes from the first to the last, or ends with rejected; a
// mistake ends with accepted (what was listed by mistake no longer is) or rejected.
const (
	StateReceived  = "received"  // on disk, nobody has looked yet
	StateReview    = "review"    // a person looks at it
	StateAccepted  = "accepted"  // will be in the next release
	StateRejected  = "rejected"  // not listed; the reason says why
	StateListed    = "listed"    // is in the current release
	StateInformed  = "informed"  // the platform has been told
	StateRemoved   = "removed"   // the platform has removed it
	StateWithdrawn = "withdrawn" // was listed, and is no longer
	StateUnread    = "unread"    // nobody else reported it, and nobody has looked
	StateUnknown   = "unknown"   // nobody holds such a receipt here
)

// Receipt acknowledges a report and later tells what became of it.
type Receipt struct {
	Receipt string       `msg:"receipt" json:"receipt"`                     // 32 hex digits, random: only its holder knows it
	State   string       `msg:"state" json:"state"`                         // one of the states above
	Time    int64        `msg:"time" json:"time"`                           // Unix seconds of the last change
	Reason  string       `msg:"reason,omitempty" json:"reason,omitempty"`   // why it was rejected or listed, in English
	Subject string       `msg:"subject,omitempty" json:"subject,omitempty"` // what was listed
	Reasons []Text       `msg:"reasons,omitempty" json:"reasons,omitempty"` // the reason in each language there is, sorted by it; under review, what is asked of who reported it
	Steps   []Transition `msg:"steps,omitempty" json:"steps,omitempty"`     // the way to State, the oldest first; empty in an acknowledgement
}

// Transition is when a report came to a state.
type Transition struct {
	State string `msg:"state" json:"state"`
	Time  int64  `msg:"time" json:"time"` // Unix seconds
}

// MaxReceipts bounds the receipts of one question.
const MaxReceipts = 50

// MaxFollow bounds an encoded Follow in bytes.
const MaxFollow = 4 << 10

// Follow asks what became of reports.
type Follow struct {
	Receipts []string `msg:"receipts" json:"receipts"` // at most MaxReceipts, in any order
}

// Followed answers a Follow: one receipt for each different one that was asked for, sorted by its name. What nobody
// holds is StateUnknown.
type Followed struct {
	Receipts []Receipt `msg:"receipts" json:"receipts"`
}
