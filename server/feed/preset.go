package feed

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // presets name zones, and not every machine has them

	"golang.org/x/text/encoding/htmlindex"

	"khien/shared/category"
)

// Preset says how a list is read, as data: a file of JSON. Presets of known sources are part of the program.
//
// A field is the name of a column; of JSON the way to a member, such as descriptors.data.status, on which lists are
// gone through; @key, the name by which an object has the record; or "." for a record that is a text itself. Without a
// header, and in a list within a list, columns are called 1, 2 and so on. Where one text is wanted, it may have fields
// in braces: "https://line.me/ti/p/~{account}".
type Preset struct {
	Name     string   `json:"name"`
	Title    string   `json:"title,omitempty"`    // what people call the source
	Address  string   `json:"address,omitempty"`  // where it is found, if that is public
	Interval Duration `json:"interval,omitempty"` // how often it is worth asking
	Format   string   `json:"format"`             // one of ClaimFormats
	Pull     string   `json:"pull,omitempty"`     // how a server is asked that has more than one file: taxii, misp
	Meaning  Meaning  `json:"meaning,omitempty"`
	Encoding string   `json:"encoding,omitempty"` // as the WHATWG names it, such as windows-1258; UTF-8 where it is empty

	// Of a table.
	Separator   string   `json:"separator,omitempty"`    // one sign; found out where it is empty
	Header      bool     `json:"header,omitempty"`       // a line names the columns; it may be a comment, and stand below titles
	HeaderLines int      `json:"header_lines,omitempty"` // that it has, if more than one; a column may have either name
	Columns     []string `json:"columns,omitempty"`      // exactly these, or the list is refused
	Comment     string   `json:"comment,omitempty"`      // with what one begins; # where it is empty
	Sheet       string   `json:"sheet,omitempty"`        // of a spreadsheet; the first where it is empty

	// Of JSON, and of lines.
	Records string `json:"records,omitempty"` // the way to the records, with * for any name: data, or * for {"id": [record]}
	Each    string `json:"each,omitempty"`    // the way to lists in a record of which each is one; ^field is then of the record
	Pattern string `json:"pattern,omitempty"` // a regular expression whose named groups are the fields of a line

	// What the fields say.
	Value     Values              `json:"value,omitempty"`    // what is named; the first that says something
	ValueBy   *Choice             `json:"value_by,omitempty"` // the same, by what another field says; "" where that is none of ours
	Beside    string              `json:"beside,omitempty"`   // the bank of an account number
	Strip     []string            `json:"strip,omitempty"`    // what is taken away at both ends of a value, such as *. and /*
	Split     string              `json:"split,omitempty"`    // signs that part several things in one value; without them it is refused
	ID        string              `json:"id,omitempty"`
	First     *Moment             `json:"first_seen,omitempty"`
	Last      *Moment             `json:"last_seen,omitempty"`
	Lapses    *Moment             `json:"lapses,omitempty"`
	Only      Conditions          `json:"only,omitempty"`     // what of the list is wanted
	Gone      Conditions          `json:"gone,omitempty"`     // what the source has taken back
	Context   Conditions          `json:"context,omitempty"`  // what is not to be listed
	Disputed  Conditions          `json:"disputed,omitempty"` // what the source says is no scam
	Hacked    Conditions          `json:"hacked,omitempty"`   // an honest site on which others have put something
	Category  *Choice             `json:"category,omitempty"`
	TLP       *Choice             `json:"tlp,omitempty"`
	Sure      *Share              `json:"confidence,omitempty"`
	Reference string              `json:"reference,omitempty"`
	Text      string              `json:"text,omitempty"`
	Also      map[string][]string `json:"also,omitempty"`     // other names that a field may have
	Nothing   []string            `json:"nothing,omitempty"`  // words for nothing, beside None, null, N/A and -
	Optional  []string            `json:"optional,omitempty"` // fields that a list may lack altogether
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

// Values are fields of which the first that says something counts; one of them is written as a text.
type Values []string

// Choice is what a field says, in our words.
type Choice struct {
	Field   string            `json:"field,omitempty"`
	Map     map[string]string `json:"map,omitempty"`
	Default string            `json:"default,omitempty"` // where the field says nothing that is known
}

// Share is how sure a source says that it is.
type Share struct {
	Field   string         `json:"field,omitempty"`
	Map     map[string]int `json:"map,omitempty"`     // words, in percent
	Of      float64        `json:"of,omitempty"`      // the number that is certain; 100 where it is 0
	Default int            `json:"default,omitempty"` // percent where the field says nothing that is known
}

// Moment is a field that says when. Layouts are those of Go's package time, or unix, unix-ms, and days as a
// spreadsheet counts them; without any, what is like RFC 3339 is read. Where a time names no zone, it is in Zone, or
// UTC.
type Moment struct {
	Field   string   `json:"field"`
	Layouts []string `json:"layouts,omitempty"`
	Zone    string   `json:"zone,omitempty"`
	Era     int      `json:"era,omitempty"` // what the years of a calendar lack: 1911 for Taiwan's, -543 for Thailand's
}

// Condition is met by a record of which everything holds that it says.
type Condition struct {
	Field string      `json:"field,omitempty"`
	In    []string    `json:"in,omitempty"`
	NotIn []string    `json:"not_in,omitempty"`
	Match string      `json:"match,omitempty"` // a regular expression
	Set   *bool       `json:"set,omitempty"`   // it says anything at all
	Min   *float64    `json:"min,omitempty"`
	Max   *float64    `json:"max,omitempty"`
	All   []Condition `json:"all,omitempty"`
}

// Conditions are met where any of them is; one of them is written without a list around it.
type Conditions []Condition

// Duration is one as text: 5m, 24h.
type Duration time.Duration

func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

func (v *Values) UnmarshalJSON(data []byte) error {
	if data[0] == '[' {
		return strictly(data, (*[]string)(v))
	}
	*v = Values{""}
	return strictly(data, &(*v)[0])
}

func (v Values) MarshalJSON() ([]byte, error) {
	if len(v) == 1 {
		return json.Marshal(v[0])
	}
	return json.Marshal([]string(v))
}

func (c *Conditions) UnmarshalJSON(data []byte) error {
	if data[0] == '[' {
		return strictly(data, (*[]Condition)(c))
	}
	*c = Conditions{{}}
	return strictly(data, &(*c)[0])
}

func (c Conditions) MarshalJSON() ([]byte, error) {
	if len(c) == 1 {
		return json.Marshal(c[0])
	}
	return json.Marshal([]Condition(c))
}

// A field alone is written as a text, in each of these.

func (c *Choice) UnmarshalJSON(data []byte) error {
	type plain Choice
	if data[0] == '"' {
		return strictly(data, &c.Field)
	}
	return strictly(data, (*plain)(c))
}

func (s *Share) UnmarshalJSON(data []byte) error {
	type plain Share
	if data[0] == '"' {
		return strictly(data, &s.Field)
	}
	return strictly(data, (*plain)(s))
}

func (m *Moment) UnmarshalJSON(data []byte) error {
	type plain Moment
	if data[0] == '"' {
		return strictly(data, &m.Field)
	}
	return strictly(data, (*plain)(m))
}

// strictly decodes JSON that has nothing but what its place has.
func strictly(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something stands behind the preset")
	}
	return nil
}

// ErrPreset is a preset by which no list can be read.
var ErrPreset = errors.New("not a preset")

// ParsePreset reads the file of a preset. What it doesn't know it refuses by its name. The error is ErrPreset.
func ParsePreset(data []byte) (p Preset, err error) {
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	if len(data) == 0 || data[0] != '{' {
		return p, fmt.Errorf("%w: an object of JSON is wanted", ErrPreset)
	}
	if err := strictly(data, &p); err != nil {
		return p, fmt.Errorf("%w: %s", ErrPreset, strings.TrimPrefix(err.Error(), "json: "))
	}
	return p, p.Check()
}

// Check tells whether a list can be read by the preset. The error is ErrPreset.
func (p Preset) Check() error {
	if err := p.check(); err != nil {
		return fmt.Errorf("%w: %w", ErrPreset, err)
	}
	return nil
}

func (p Preset) check() error {
	if readers[p.Format] == nil {
		return fmt.Errorf("there is no format %q: it is one of %s", p.Format, strings.Join(ClaimFormats(), ", "))
	}
	if !slices.Contains([]Meaning{"", Full, Window, Append, Explicit}, p.Meaning) {
		return fmt.Errorf("there is no meaning %q: it is full, window, append or explicit", p.Meaning)
	}
	if format := map[string]string{"": p.Format, "taxii": "stix", "misp": "misp"}[p.Pull]; format != p.Format {
		return fmt.Errorf("pull: %q is taxii, for the format stix, or misp, for misp", p.Pull)
	}
	if p.Encoding != "" {
		if _, err := htmlindex.Get(p.Encoding); err != nil {
			return fmt.Errorf("there is no encoding %q", p.Encoding)
		}
	}
	if p.Separator != "" && (len([]rune(p.Separator)) != 1 || strings.ContainsAny(p.Separator, "\"\r\n\ufffd")) {
		return fmt.Errorf("separator: one sign is wanted, and %q is not", p.Separator)
	}
	if p.isMapped() && len(p.Value) == 0 && p.ValueBy == nil {
		return errors.New(`"value" is missing: the field that has the address`)
	}
	pattern, err := regexp.Compile(p.Pattern)
	if err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	for _, name := range p.needed() {
		if p.Pattern != "" && pattern.SubexpIndex(name) < 0 {
			return fmt.Errorf("pattern: it has no group %s", name)
		}
	}
	for name, c := range map[string]Conditions{"only": p.Only, "gone": p.Gone, "context": p.Context, "disputed": p.Disputed, "hacked": p.Hacked} {
		if err := c.check(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for name, m := range map[string]*Moment{"first_seen": p.First, "last_seen": p.Last, "lapses": p.Lapses} {
		if m == nil {
			continue
		}
		if m.Field == "" {
			return fmt.Errorf("%s: \"field\" is missing", name)
		}
		if _, err := time.LoadLocation(m.Zone); err != nil {
			return fmt.Errorf("%s: there is no zone %q", name, m.Zone)
		}
	}
	for _, slug := range p.Category.all() {
		if _, known := category.Parse(slug); !known {
			return fmt.Errorf("category: there is no %q", slug)
		}
	}
	for _, label := range p.TLP.all() {
		if _, known := ParseTLP(label); !known {
			return fmt.Errorf("tlp: there is no %q", label)
		}
	}
	return nil
}

// isMapped tells whether the entries of the format are records with fields.
func (p Preset) isMapped() bool {
	return slices.Contains([]string{"csv", "tsv", "json", "jsonl", "xlsx"}, p.Format) || p.Pattern != ""
}

func (c *Choice) all() []string {
	var all []string
	if c == nil {
		return nil
	}
	for _, to := range c.Map {
		all = append(all, to)
	}
	if c.Default != "" {
		all = append(all, c.Default)
	}
	return all
}

func (c Conditions) check() error {
	for _, c := range c {
		if _, err := regexp.Compile(c.Match); err != nil {
			return err
		}
		says := c.In != nil || c.NotIn != nil || c.Match != "" || c.Set != nil || c.Min != nil || c.Max != nil
		if says != (c.Field != "") || !says && c.All == nil {
			return errors.New(`a "field" is wanted, and "in", "not_in", "match", "set", "min" or "max"`)
		}
		if err := Conditions(c.All).check(); err != nil {
			return err
		}
	}
	return nil
}

//go:embed presets/*.json
var presetFiles embed.FS

// Presets are those of known sources, by name.
var Presets = sync.OnceValue(func() []Preset {
	files, err := presetFiles.ReadDir("presets")
	if err != nil {
		panic(err)
	}
	var all []Preset
	for _, file := range files {
		data, err := presetFiles.ReadFile("presets/" + file.Name())
		if err != nil {
			panic(err)
		}
		p, err := ParsePreset(data)
		if err != nil {
			panic(fmt.Errorf("%s: %w", file.Name(), err))
		}
		all = append(all, p)
	}
	return all
})
