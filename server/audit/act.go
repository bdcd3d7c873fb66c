// Package audit is the log of what people did, and of what happened by itself: who, what, to what, why and when, each
// entry with a hash over itself and the one before, so that none can be changed, left out or put in later without
// breaking all that follow.
//
// An entry is an act: a verb, an object and arguments, never a sentence. What, Because and Object.Text write it down in
// the language of whoever reads, and nothing reads that back. Entries of before that are sentences (Said), stay as they
// are, and so do their hashes.
package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"khien/shared/subject"
	"khien/shared/texts"
)

// ErrAct is an act that the log does not take: a verb, a kind or an argument that it does not know, or a text that is
// too long.
var ErrAct = errors.New("the audit log does not take this")

// Act is one entry.
type Act struct {
	Seq    int64 // from 1, without gaps
	Time   int64 // Unix seconds
	Actor  string
	Verb   Verb
	Object Object
	Args   Args
	Why    Why
	Hash   [32]byte // over this entry and the hash of the one before

	args string // as they are kept; of an entry of before, what was said
	odd  bool   // whether no act is written so
}

// Why is why somebody did something, and what proves it.
type Why struct {
	Text string // what the person wrote
	Proof
}

// Proof is what an act rests on.
type Proof struct {
	Passkey string `json:"passkey,omitempty"` // short name of the passkey that confirmed it
	Digest  string `json:"digest,omitempty"`  // SHA-256 over what was confirmed, in hex
	Report  string `json:"report,omitempty"`  // by which somebody on the command line found the case
}

// Args are what a verb says beside its object. What says nothing is the zero value.
type Args struct {
	Names   []subject.Subject `json:"names,omitempty"` // what is listed, taken off the list, or split off
	Off     []subject.Subject `json:"off,omitempty"`   // what leaves the list with that
	Left    []subject.Subject `json:"left,omitempty"`  // what is not decided about, and goes on in the case Rest
	Rest    int64             `json:"rest,omitempty"`
	From    int64             `json:"from,omitempty"`  // the case that this one was taken out of
	Case    int64             `json:"case,omitempty"`  // another one, that was merged or split off
	Two     string            `json:"two,omitempty"`   // why it takes two people: see TakesTwo
	Of      string            `json:"of,omitempty"`    // what Two speaks of
	Far     subject.Subject   `json:"far,omitempty"`   // which subject reaches far
	Alone   bool              `json:"alone,omitempty"` // one person did what takes two
	Guard   string            `json:"guard,omitempty"` // why Names may not be listed: see Guarded
	Cause   string            `json:"cause,omitempty"` // of what happens by itself
	Count   int               `json:"count,omitempty"`
	Added   int               `json:"added,omitempty"`
	Changed int               `json:"changed,omitempty"`
	Removed int               `json:"removed,omitempty"`
	Beside  []string          `json:"beside,omitempty"` // what a release changes beside the list
	Draft   string            `json:"draft,omitempty"`  // SHA-256 over what is proposed, in hex
	By      string            `json:"by,omitempty"`     // who has proposed it
	Made    int64             `json:"made,omitempty"`   // Unix seconds since when nobody has stopped it
	Clock   bool              `json:"clock,omitempty"`  // somebody says that the clock is right, though it looks wrong
	Role    string            `json:"role,omitempty"`
	Key     string            `json:"key,omitempty"` // short name of a passkey
	Format  string            `json:"format,omitempty"`
	Source  string            `json:"source,omitempty"`
	State   string            `json:"state,omitempty"`
	Theirs  string            `json:"theirs,omitempty"` // a platform's reference
	Minutes int64             `json:"minutes,omitempty"`
	Failed  bool              `json:"failed,omitempty"` // it was begun, and nothing came of it
}

// Verb is what somebody did. There are these and no others.
type Verb string

// The verbs.
const (
	Said Verb = "said" // an entry of before there were verbs

	List     Verb = "list"
	Withdraw Verb = "withdraw"
	Reject   Verb = "reject"
	Ask      Verb = "ask"
	Second   Verb = "second"
	Undo     Verb = "undo"
	WantUndo Verb = "want-undo"
	Reopen   Verb = "reopen"
	Merge    Verb = "merge"
	Split    Verb = "split"
	Uphold   Verb = "uphold"
	Unanswer Verb = "unanswer"
	Expire   Verb = "expire"

	Publish   Verb = "publish"
	Renew     Verb = "renew"
	Propose   Verb = "propose"
	Adopt     Verb = "adopt"
	Stop      Verb = "stop"
	TakeBack  Verb = "take-back"
	Outdate   Verb = "outdate"
	Delay     Verb = "delay"
	KeepDelay Verb = "keep-delay"
	Rotate    Verb = "rotate"

	Invite        Verb = "invite"
	LetIn         Verb = "let-in"
	ProposeInvite Verb = "propose-invite"
	ProposeRole   Verb = "propose-role"
	AgreeInvite   Verb = "agree-invite"
	AgreeRole     Verb = "agree-role"
	StopPerson    Verb = "stop-person"
	Suspend       Verb = "suspend"
	Leave         Verb = "leave"
	AskPasskey    Verb = "ask-passkey"
	MakePasskey   Verb = "make-passkey"
	RemovePasskey Verb = "remove-passkey"
	SignIn        Verb = "sign-in"

	DraftCard    Verb = "draft-card"
	PublishCard  Verb = "publish-card"
	WithdrawCard Verb = "withdraw-card"

	Move     Verb = "move" // a takedown case
	MoveBack Verb = "move-back"

	Import         Verb = "import"
	ImportHelp     Verb = "import-help"
	ImportOfficial Verb = "import-official"
	RemoveOfficial Verb = "remove-official"
	NamePopular    Verb = "name-popular"
	DeletePictures Verb = "delete-pictures"
	Export         Verb = "export"

	AddSource      Verb = "add-source"
	EditSource     Verb = "edit-source"
	SetCredentials Verb = "set-credentials"
	PauseSource    Verb = "pause-source"
	ResumeSource   Verb = "resume-source"
	RemoveSource   Verb = "remove-source"
	RestoreSource  Verb = "restore-source"
	TakeRun        Verb = "take-run" // by the rule of the source
	AcceptRun      Verb = "accept-run"
	DropRun        Verb = "drop-run"

	ProposePartner   Verb = "propose-partner" // an agreement
	AgreePartner     Verb = "agree-partner"
	StopPartner      Verb = "stop-partner"
	EndPartner       Verb = "end-partner"
	MakePartnerKey   Verb = "make-partner-key"
	RevokePartnerKey Verb = "revoke-partner-key"
	MakeNotice       Verb = "make-notice" // to a partner
	ApproveNotice    Verb = "approve-notice"
	ReplayNotice     Verb = "replay-notice"
	SetWebhook       Verb = "set-webhook"
)

// verbs are the arguments that each verb may have, by their names.
var verbs = map[Verb][]string{
	List: {"names", "off", "left", "rest", "from", "two", "of"}, Withdraw: {"names", "from", "two", "of"}, Reject: {"off", "from"}, Ask: {"from"},
	Second: nil, Undo: {"by", "names", "guard"}, WantUndo: nil, Reopen: {"by", "names", "guard"}, Merge: {"case"}, Split: {"case", "names"},
	Uphold: {"count"}, Unanswer: nil, Expire: {"count", "cause"},
	Publish: {"count", "added", "removed", "by", "made", "clock", "alone", "two", "of", "far"}, Renew: {"count", "removed", "cause"},
	Propose: {"added", "changed", "removed", "beside", "draft", "clock"}, Adopt: {"draft"}, Stop: nil, TakeBack: nil, Outdate: nil, Delay: {"minutes"}, KeepDelay: nil, Rotate: nil,
	Invite: {"role", "alone"}, LetIn: {"role"}, ProposeInvite: {"role"}, ProposeRole: {"role"}, AgreeInvite: {"role", "by"}, AgreeRole: {"role", "by"},
	StopPerson: {"by"}, Suspend: nil, Leave: nil, AskPasskey: nil, MakePasskey: {"key", "role"}, RemovePasskey: {"key"}, SignIn: nil,
	DraftCard: nil, PublishCard: nil, WithdrawCard: nil, Move: {"state", "theirs", "cause", "names"}, MoveBack: {"state"},
	Import: {"count", "format", "source"}, ImportHelp: {"count"}, ImportOfficial: {"count"}, RemoveOfficial: nil, NamePopular: {"count"},
	DeletePictures: {"count", "cause"}, Export: {"format"},
	AddSource: nil, EditSource: nil, SetCredentials: nil, PauseSource: nil, ResumeSource: nil, RemoveSource: nil, RestoreSource: nil,
	TakeRun: {"added", "changed", "removed"}, AcceptRun: {"added", "changed", "removed"}, DropRun: {"added", "changed", "removed"},
	ProposePartner: nil, AgreePartner: {"by", "alone"}, StopPartner: {"by"}, EndPartner: nil, MakePartnerKey: nil, RevokePartnerKey: nil,
	MakeNotice: {"names"}, ApproveNotice: {"count"}, ReplayNotice: {"count"}, SetWebhook: nil,
}

// always are the arguments that every verb may have.
var always = []string{"passkey", "digest", "report", "failed"}

// Kind is what sort of thing an object is.
type Kind string

// The kinds.
const (
	OfCase     Kind = "case"
	OfReport   Kind = "report"
	OfEntry    Kind = "entry" // of the list
	OfTakedown Kind = "takedown"
	OfRelease  Kind = "release"
	OfProposal Kind = "proposal"
	OfCard     Kind = "card"
	OfPerson   Kind = "person"
	OfFile     Kind = "file"
	OfRegister Kind = "register"
	OfQueue    Kind = "queue"
	OfEvidence Kind = "evidence"
	OfKey      Kind = "key"
	OfDemo     Kind = "demo"
	OfLog      Kind = "log"
	OfSource   Kind = "source"
	OfPartner  Kind = "partner"
)

// kinds are all of them, and whether there are several of the kind, so that an object has an id.
var kinds = map[Kind]bool{
	OfCase: true, OfReport: true, OfEntry: true, OfTakedown: true, OfRelease: true, OfProposal: true, OfCard: true, OfPerson: true, OfFile: true, OfSource: true, OfPartner: true,
	OfRegister: false, OfQueue: false, OfEvidence: false, OfKey: false, OfDemo: false, OfLog: false,
}

// Object is what something is done to.
type Object struct {
	Kind Kind
	ID   string
}

// Numbered is the object of a kind whose ids are numbers.
func Numbered[N int64 | uint64](kind Kind, id N) Object { return Object{kind, fmt.Sprint(id)} }

// String is how an object is kept, and asked for: its kind, a blank and its id, such as "case 17". No kind has a blank.
func (o Object) String() string {
	if o.ID == "" {
		return string(o.Kind)
	}
	return string(o.Kind) + " " + o.ID
}

// objectOf reads what String wrote; what it never writes, as older entries have it, is all kind.
func objectOf(text string) Object {
	kind, id, _ := strings.Cut(text, " ")
	if o := (Object{Kind(kind), id}); o.String() == text {
		return o
	}
	return Object{Kind: Kind(text)}
}

// Bounds of an act, in bytes and in names.
const (
	maxText  = 16 << 10
	maxNames = 1000
)

// encode is the one way in which the arguments of an act are written: as a JSON object with the members of Args and
// Proof in their order, without those that say nothing, and without blanks.
func (a Act) encode() string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(struct {
		Args
		Proof
	}{a.Args, a.Why.Proof})
	if err != nil {
		panic(err) // strings, numbers and lists of strings
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// decode reads what encode wrote, and nothing else.
func (a *Act) decode(text string) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	all := struct {
		*Args
		*Proof
	}{&a.Args, &a.Why.Proof}
	if err := d.Decode(&all); err != nil {
		return fmt.Errorf("%w: %w", ErrAct, err)
	}
	if a.encode() != text {
		return fmt.Errorf("%w: the arguments are written otherwise", ErrAct)
	}
	return nil
}

// check tells what is wrong with an act: the log holds only what every reader can be told.
func (a Act) check() error {
	may, known := verbs[a.Verb]
	several, kind := kinds[a.Object.Kind]
	switch {
	case !known:
		return fmt.Errorf("%w: there is no verb %q", ErrAct, a.Verb)
	case !kind || several != (a.Object.ID != ""):
		return fmt.Errorf("%w: there is no object %q", ErrAct, a.Object)
	case a.Actor == "":
		return fmt.Errorf("%w: nobody did it", ErrAct)
	}
	if len(a.Args.Names) > maxNames || len(a.Args.Off) > maxNames || len(a.Args.Left) > maxNames {
		return fmt.Errorf("%w: it names more than %d", ErrAct, maxNames)
	}
	for _, text := range []string{a.Actor, a.Object.ID, a.Why.Text} {
		if err := checkText(text); err != nil {
			return err
		}
	}
	for name, value := range a.values() {
		if !slices.Contains(may, name) && !slices.Contains(always, name) {
			return fmt.Errorf("%w: %q has no argument %q", ErrAct, a.Verb, name)
		}
		for _, one := range textsOf(value) {
			if err := checkText(one); err != nil {
				return err
			}
			if slices.Contains(closed, name) && said.Text(texts.Fallback, name+"."+one) == "" {
				return fmt.Errorf("%w: %q is no %s", ErrAct, one, name)
			}
		}
	}
	return nil
}

func checkText(text string) error {
	switch {
	case len(text) > maxText:
		return fmt.Errorf("%w: a text has more than %d bytes", ErrAct, maxText)
	case !utf8.ValidString(text) || strings.Contains(text, "\x00"):
		return fmt.Errorf("%w: a text is not UTF-8, or has a zero byte", ErrAct)
	}
	return nil
}

// values are the arguments that say something, by their names: a json.Number, a string, true, or a list of strings.
func (a Act) values() map[string]any {
	if a.args == "" {
		a.args = a.encode()
	}
	all := map[string]any{}
	d := json.NewDecoder(strings.NewReader(a.args))
	d.UseNumber()
	if err := d.Decode(&all); err != nil {
		panic(err) // it was written so, or has been read
	}
	return all
}

// textsOf are the texts of one value.
func textsOf(value any) (texts []string) {
	switch value := value.(type) {
	case string:
		return []string{value}
	case []any:
		for _, one := range value {
			texts = append(texts, one.(string))
		}
	}
	return texts
}

// acted stands in what is hashed of an act where an entry of before has its number, and no number has its first bit:
// none of the one sort has the bytes of one of the other.
const acted = 1<<63 | 2

// sum is SHA-256 over the hash of the entry before, the number acted, the entry's number and time in eight bytes each,
// the most significant first, and actor, verb, object, arguments and what somebody wrote, each with its length in
// front. An entry of before has neither acted nor a verb, and what was said for arguments.
func (a Act) sum(before [32]byte) [32]byte {
	b := append([]byte(nil), before[:]...)
	numbers, texts := []uint64{acted, uint64(a.Seq), uint64(a.Time)}, []string{a.Actor, string(a.Verb), a.Object.String(), a.args, a.Why.Text}
	if a.Verb == Said {
		numbers, texts = numbers[1:], []string{a.Actor, a.args, a.Object.String(), a.Why.Text}
	}
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	for _, text := range texts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(text)))
		b = append(b, text...)
	}
	return sha256.Sum256(b)
}
