// Package phone reads telephone numbers of all countries by Google's rules, as the library libphonenumber does. Of those
// rules it has what tells a number and whether everybody may call it, and nothing is worked out before it is asked.
package phone

//go:generate sh -c "go run ../../scripts/phones > plans_gen.go.new && mv plans_gen.go.new plans_gen.go"

import (
	"math/bits"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Number is a telephone number in the form of E.164: "+", a calling code, and the number in that country.
type Number string

// plan are the rules of a country.
type plan struct {
	code          int    // the calling code
	region        string // ISO 3166
	international string // a pattern of what is dialled there before a calling code
	national      string // a pattern of what is dialled before a number that is not of the same place
	transform     string // what becomes of a number with that, where it does not just fall away
	leading       string // a pattern that tells the numbers of this country from those of others with the same code
	local         uint32 // the lengths of what can be dialled within a place alone
	general       rule
	kinds         []kind
}

// kind are the numbers for one purpose; the first kind that a number fits is its own.
type kind struct {
	forAll bool // a firm has it for everybody, at no or at a shared cost
	rule
}

// rule is what numbers look like: a pattern, and a bit for each of their lengths, none where the pattern says it all.
type rule struct {
	pattern string
	lengths uint32
}

func (r rule) fits(national string) bool {
	return (r.lengths == 0 || r.lengths>>len(national)&1 == 1) && whole(r.pattern).MatchString(national)
}

const (
	minNational = 2
	maxNational = 17
	maxText     = 250
)

// Parse reads a number that stands alone in a text: of the country where it names no other; of one that it names where
// region is "". It need not be one that there can be (IsValid).
func Parse(text, region string) (Number, bool) {
	first := strings.IndexAny(text, "+0123456789")
	if first < 0 || len(text) > maxText {
		return "", false
	}
	text = text[first:]
	signs := strings.TrimLeft(text, "+")
	digits := strings.Map(onlyDigits, signs)
	if strings.Trim(signs, digitsAndSigns) != "" || len(digits) < 3 && len(text) != minNational {
		return "", false
	}
	home := planOf(region)
	p, national, ok := home.abroad(digits, len(signs) < len(text))
	if !ok {
		return "", false
	}
	if p == nil {
		if p, national = home, digits; p == nil {
			return "", false
		}
	}
	if cut := p.cut(national); p.mayBe(len(cut)) {
		national = cut
	}
	if len(national) < minNational || len(national) > maxNational {
		return "", false
	}
	return Number("+" + strconv.Itoa(p.code) + national), true
}

const digitsAndSigns = "0123456789 -.()/\u00a0"

func onlyDigits(r rune) rune {
	if r < '0' || r > '9' {
		return -1
	}
	return r
}

// abroad takes off what says of which country a number is, and is nil where nothing does.
func (p *plan) abroad(digits string, plus bool) (of *plan, national string, ok bool) {
	if plus {
		if len(digits) <= minNational {
			return nil, "", false
		}
		if of, national = coded(digits); of != nil {
			return of, national, true
		}
		of, national, ok = p.abroad(digits, false) // somebody writes +00
		return of, national, ok && of != nil
	}
	if p == nil {
		return nil, "", true
	}
	if at := pattern(p.international).FindStringIndex(digits); at != nil && at[0] == 0 && !strings.HasPrefix(digits[at[1]:], "0") {
		if len(digits)-at[1] <= minNational {
			return nil, "", false
		}
		of, national = coded(digits[at[1]:])
		return of, national, of != nil
	}
	if rest, ok := strings.CutPrefix(digits, strconv.Itoa(p.code)); ok {
		rest = p.cut(rest)
		if general := whole(p.general.pattern); !general.MatchString(digits) && general.MatchString(rest) || len(digits) >= bits.Len32(p.general.lengths) {
			return first(p.code), rest, true
		}
	}
	return nil, "", true
}

// coded is the country whose calling code the digits begin with.
func coded(digits string) (*plan, string) {
	for n := 1; n <= min(3, len(digits)) && digits[0] != '0'; n++ {
		code, _ := strconv.Atoi(digits[:n])
		if p := first(code); p != nil {
			return p, digits[n:]
		}
	}
	return nil, ""
}

// cut takes off what is dialled before a number within the country.
func (p *plan) cut(national string) string {
	if p.national == "" {
		return national
	}
	prefix := pattern("^(?:" + p.national + ")")
	at := prefix.FindStringSubmatchIndex(national)
	if at == nil {
		return national
	}
	rest := national[at[1]:]
	if p.transform != "" && at[len(at)-2] >= 0 {
		rest = prefix.ReplaceAllString(national, p.transform)
	}
	if general := whole(p.general.pattern); general.MatchString(national) && !general.MatchString(rest) {
		return national
	}
	return rest
}

// mayBe is false for lengths that are too short for a number of the country, or lie between what some have.
func (p *plan) mayBe(length int) bool {
	longer := bits.Len32(p.general.lengths) <= length
	return p.local>>length&1 == 0 && (longer || p.general.lengths>>length&1 == 1)
}

// IsValid tells whether there can be such a number by the rules of its country.
func (n Number) IsValid() bool { return n.kind() != nil }

// IsForAll tells a number that a firm or an office has for everybody who calls it, at no or at a shared cost.
func (n Number) IsForAll() bool {
	k := n.kind()
	return k != nil && k.forAll
}

func (n Number) kind() *kind {
	p, national := coded(strings.TrimPrefix(string(n), "+"))
	if p == nil {
		return nil
	}
	for i := range plans {
		of := &plans[i]
		if of.code != p.code || of.leading != "" && !pattern("^(?:"+of.leading+")").MatchString(national) {
			continue
		}
		if kind := of.kind(national); kind != nil || of.leading != "" {
			return kind
		}
	}
	return nil
}

func (p *plan) kind(national string) *kind {
	if !p.general.fits(national) {
		return nil
	}
	for i := range p.kinds {
		if p.kinds[i].fits(national) {
			return &p.kinds[i]
		}
	}
	return nil
}

// first is the plan of a calling code by which its numbers are read.
func first(code int) *plan {
	for i := range plans {
		if plans[i].code == code {
			return &plans[i]
		}
	}
	return nil
}

func planOf(region string) *plan {
	for i := range plans {
		if plans[i].region == region && region != nowhere {
			return &plans[i]
		}
	}
	return nil
}

// nowhere is the region of services that are of no country.
const nowhere = "001"

var patterns sync.Map // those that were needed, by their text

func pattern(text string) *regexp.Regexp {
	if p, ok := patterns.Load(text); ok {
		return p.(*regexp.Regexp)
	}
	p := regexp.MustCompile(text)
	patterns.Store(text, p)
	return p
}

func whole(text string) *regexp.Regexp { return pattern("^(?:" + text + ")$") }
