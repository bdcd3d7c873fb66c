// The calls between the browser and the core; extension/src/shared/protocol.ts is the same in TypeScript.

package main

import "khien/shared/checker"

//go:generate go tool msgp -file protocol.go -o protocol_gen.go -io=false -tests=false -unexported

//msgp:limit arrays:4096

// version is raised with each change that an older extension would misread.
const version = 8

// What can be asked.
const (
	opHello      = 1
	opOpen       = 2
	opCheck      = 3
	opResolve    = 4
	opPlan       = 5
	opApply      = 6
	opReport     = 7
	opSubjects   = 8
	opResemble   = 9
	opText       = 10
	opSupplement = 11
	opWork       = 12
	opMeet       = 13
	opRecall     = 14
	opRemember   = 15
)

type failure struct {
	Error reason `msg:"error"`
}

type reason struct {
	Code string `msg:"code"`
	Text string `msg:"text"`
}

type helloReply struct {
	Version int `msg:"version"`
}

// openRequest is about the set that is attached, or the one that the core made last.
type openRequest struct {
	Root string `msg:"root"`
	Keys []byte `msg:"keys,limit=8192"`
	Head []byte `msg:"head,limit=8192"`
	Sum  []byte `msg:"sum"` // SHA-256 of the set
	Now  int64  `msg:"now"`

	Supplement []byte `msg:"supplement,limit=524289"`
}

type openReply struct {
	Sequence uint64 `msg:"sequence"`
	Issued   int64  `msg:"issued"`
	Expires  int64  `msg:"expires"`
	Count    uint64 `msg:"count"`
	Wait     uint64 `msg:"wait"`   // seconds to the next check for a newer head
	Spread   uint64 `msg:"spread"` // and up to how many more at random
}

// maxHrefs bounds a batch.
const maxHrefs = 2000

type checkRequest struct {
	Hrefs    []string `msg:"hrefs"`
	Now      int64    `msg:"now"`
	Language string   `msg:"language"` // of names
}

// checkReply has a byte for each address, in their order, and a finding for each of those whose byte
// is not unlisted: of a thousand links of a feed, nearly all are.
type checkReply struct {
	Verdicts []byte    `msg:"verdicts"`
	Findings []finding `msg:"findings"`
}

// unlisted is the byte of what is unlisted.
const unlisted = byte(checker.Unlisted)

// finding leaves out what is empty.
type finding struct {
	Verdict   string            `msg:"verdict"`
	Subject   string            `msg:"subject,omitempty"`
	Shown     string            `msg:"shown,omitempty"` // the subject, to a person
	Category  string            `msg:"category,omitempty"`
	Bucket    string            `msg:"bucket,omitempty"`
	Within    bool              `msg:"within,omitempty"` // the address is of something in the subject, and not about it
	Stale     bool              `msg:"stale,omitempty"`
	Cause     string            `msg:"cause,omitempty"`
	Confirmed bool              `msg:"confirmed,omitempty"`
	FirstSeen int64             `msg:"first_seen,omitempty"`
	Reference string            `msg:"reference,omitempty"`
	Source    string            `msg:"source,omitempty"`
	Reason    map[string]string `msg:"reason,omitempty"`
	Resembles string            `msg:"resembles,omitempty"` // the address of the real one, without its scheme
	Real      string            `msg:"real,omitempty"`      // and its name
	Rule      string            `msg:"rule,omitempty"`
	Owner     string            `msg:"owner,omitempty"` // whose official page it is
}

type resolveRequest struct {
	Subject  string `msg:"subject"`
	Bucket   []byte `msg:"bucket,limit=1048577"`
	Now      int64  `msg:"now"`
	Language string `msg:"language"`
}

type resolveReply struct {
	Finding finding `msg:"finding"`
}

type planRequest struct {
	Root string `msg:"root"` // of another server, of which nothing is there yet; empty for the one that is open
	Head []byte `msg:"head,limit=8192"`
	Keys []byte `msg:"keys,limit=8192"`
	Now  int64  `msg:"now"`
}

type planReply struct {
	Need     string `msg:"need"`
	Path     string `msg:"path"`
	Limit    uint64 `msg:"limit"`
	Sequence uint64 `msg:"sequence"`
	Set      []byte `msg:"set"` // SHA-256 of the set it leads to
	SetPath  string `msg:"set_path"`
	SetSize  uint64 `msg:"set_size"`

	SupplementPath string `msg:"supplement_path"` // where its supplement is; empty if it is the one that is open
	SupplementSize uint64 `msg:"supplement_size"`
	Supplement     []byte `msg:"supplement"` // SHA-256
}

// applyRequest is about the delta or set that is attached.
type applyRequest struct {
	Head []byte `msg:"head,limit=8192"`
	Keys []byte `msg:"keys,limit=8192"`
	Kind string `msg:"kind"`
	Now  int64  `msg:"now"`
}

// applyReply tells the length of what was made.
type applyReply struct {
	Size uint64 `msg:"size"`
}

type reportRequest struct {
	ID       []byte `msg:"id"`
	Kind     string `msg:"kind"`
	Href     string `msg:"href"`
	Subject  string `msg:"subject"` // instead of an href: what a mistake is about
	Title    string `msg:"title"`
	Language string `msg:"language"`
	Time     int64  `msg:"time"`
	Category string `msg:"category"`
	Note     string `msg:"note"`

	Links []string `msg:"links,omitempty"` // that were found on the page, as the browser writes them
}

type reportReply struct {
	Body     []byte   `msg:"body"`
	Subjects []string `msg:"subjects"`
}

type subjectsRequest struct {
	Href string `msg:"href"`
}

type subjectsReply struct {
	Subjects []string `msg:"subjects"`
}

// resembleRequest is about a page and the title that it goes by.
type resembleRequest struct {
	Href string   `msg:"href"`
	Name string   `msg:"name"`
	Also []string `msg:"also"` // other addresses of the same account, as the platform gives them
}

type resembleReply struct {
	Finding finding `msg:"finding"`
}

// The reply to opSupplement, whose request is empty, is supplement.Body.

// textRequest is about a text that a person has selected or pasted.
type textRequest struct {
	Selected string   `msg:"selected"`
	Now      int64    `msg:"now"`
	Language string   `msg:"language"`
	Speaks   []string `msg:"speaks"` // the languages of the person and of the place, as BCP 47 tags: how numbers are written there
}

// textReply is what is known about each thing that the text names. A finding without a subject is about what could not
// be checked, and has the cause.
type textReply struct {
	Findings []finding `msg:"findings"`
}

// maxTries bounds the numbers that one call tries: a few milliseconds.
const maxTries = 4096

// workRequest is about a proof of work (package work) for a challenge of the server's.
type workRequest struct {
	Challenge []byte `msg:"challenge,limit=64"`
	ID        []byte `msg:"id,limit=64"`
	From      uint64 `msg:"from"`  // the first number to try
	Tries     int    `msg:"tries"` // how many; at most maxTries
	Zeros     int    `msg:"zeros"`
}

// workReply has the number that was found, or the one to go on from.
type workReply struct {
	Number uint64 `msg:"number"`
	Found  bool   `msg:"found"`
}

// meetRequest is about an address or, where that is empty, a text.
type meetRequest struct {
	Href     string   `msg:"href"`
	Selected string   `msg:"selected"`
	Now      int64    `msg:"now"`
	Speaks   []string `msg:"speaks"` // as of a textRequest
}

// meetReply is what is to be kept, to be recalled later.
type meetReply struct {
	Heads  []byte   `msg:"heads"`  // the beginnings of digests, of checker.HeadSize bytes each
	Places []string `msg:"places"` // where each belongs, in the same order
}

// maxHeads bounds what is recalled at once.
const maxHeads = 4096

// recallRequest asks which of what was met is listed now.
type recallRequest struct {
	Heads []byte `msg:"heads,limit=65536"`
	Now   int64  `msg:"now"`
}

type recallReply struct {
	Listed  []uint32 `msg:"listed"`  // by their place among the heads
	Buckets []string `msg:"buckets"` // the path that tells more about each
}

// rememberRequest is about one of them, and the body of its path. The reply is a resolveReply.
type rememberRequest struct {
	Head     []byte `msg:"head"`
	Bucket   []byte `msg:"bucket,limit=1048577"`
	Now      int64  `msg:"now"`
	Language string `msg:"language"`
}
