package supplement

//go:generate go tool msgp -file body.go -o body_gen.go -io=false -tests=false

//msgp:limit arrays:512

// Text is a text in one language. A list of them is sorted by language.
type Text struct {
	Lang string `msg:"lang" json:"lang"` // such as "vi"
	Text string `msg:"text" json:"text"`
}

// Body is what people are told.
type Body struct {
	Help  []Help   `msg:"help" json:"help"`
	Cards []Card   `msg:"cards" json:"cards"`
	Hot   []string `msg:"hot" json:"hot"`       // hosts that were listed last, the newest first
	HotAt int64    `msg:"hot_at" json:"hot_at"` // when that list was made, in Unix seconds
}

// Help is for the people of one country.
type Help struct {
	Country  string        `msg:"country" json:"country"` // ISO 3166-1 alpha-2 such as "VN"; empty for all that have none of their own
	Checked  string        `msg:"checked" json:"checked"` // the day on which the hotlines were looked up, such as "2026-11-24"
	Steps    []Instruction `msg:"steps" json:"steps"`     // where a case has none, those of the empty country are meant
	Hotlines []Hotline     `msg:"hotlines" json:"hotlines"`
}

// Instruction is one thing to do, in the order of the list.
type Instruction struct {
	Harm string `msg:"case" json:"case"` // one of Harms
	Text []Text `msg:"text" json:"text"`
}

// Hotline is who can help.
type Hotline struct {
	Kind   string   `msg:"kind" json:"kind"`     // Phone, SMS or Web
	Value  string   `msg:"value" json:"value"`   // the number as it is dialled in that country, or an https address
	Name   []Text   `msg:"name" json:"name"`     // who answers
	What   []Text   `msg:"what" json:"what"`     // what for
	Harms  []string `msg:"cases" json:"cases"`   // of Harms; empty for all
	Source string   `msg:"source" json:"source"` // where it says so
}

// Card is a piece of advice. It is for those who read one of the languages of its title.
type Card struct {
	ID         string   `msg:"id" json:"id"` // lower-case letters, digits and dashes; stays when the card is changed
	Title      []Text   `msg:"title" json:"title"`
	Text       []Text   `msg:"text" json:"text"`
	Picture    []byte   `msg:"picture,limit=24576" json:"picture"` // PNG or JPEG, or empty
	Alt        []Text   `msg:"alt" json:"alt"`                     // what the picture shows
	Link       string   `msg:"link" json:"link"`                   // https, or empty
	Categories []string `msg:"categories" json:"categories"`       // slugs of package category; empty for none in particular
	Platforms  []string `msg:"platforms" json:"platforms"`         // such as "facebook"; empty for everywhere
	From       int64    `msg:"from" json:"from"`                   // Unix seconds; 0 is always
	To         int64    `msg:"to" json:"to"`                       // Unix seconds, exclusive; 0 is for ever
}
