// Package category is the taxonomy of scams: what an indicator is listed for, and how a person is told.
//
// A code is published inside every set and every bucket, so a code is never
// reused and never changes its meaning; new ones are added at the end.
// Codes 0 to 63 fit the class of a set entry.
package category

// Category is a kind of scam. The zero value is Other: a scam whose kind nobody has named yet.
type Category uint8

// The codes as published.
const (
	Other         Category = 0
	Phishing      Category = 1
	Impersonation Category = 2
	Investment    Category = 3
	Job           Category = 4
	Shop          Category = 5
	Loan          Category = 6
	Gambling      Category = 7
	Prize         Category = 8
	Romance       Category = 9
	Recovery      Category = 10
	Malware       Category = 11
	Support       Category = 12
	Gaming        Category = 13
	Charity       Category = 14
	Travel        Category = 15
	Deepfake      Category = 16
	Sim           Category = 17
	Receipt       Category = 18
	Emergency     Category = 19
	Talent        Category = 20
	Sms           Category = 21
	Hijacked      Category = 22
	Authority     Category = 23
	Identity      Category = 24
	Transfer      Category = 25
	Otp           Category = 26
	Hoax          Category = 27
	Unlock        Category = 28
	Lottery       Category = 29
)

// slugs stand apart from the words, which the core does not carry.
var slugs = [...]string{
	"other", "phishing", "impersonation", "investment", "job", "shop", "loan", "gambling", "prize", "romance", "recovery", "malware", "support",
	"gaming", "charity", "travel", "deepfake", "sim", "receipt", "emergency", "talent", "sms", "hijacked", "authority", "identity", "transfer",
	"otp", "hoax", "unlock", "lottery",
}

// Limit is one more than the largest code a published class can carry.
const Limit = 64

// Slug is the stable name used in files, bodies and command lines, such as "phishing".
// A code that this build does not know yet has the slug of Other.
func (c Category) Slug() string { return slugs[c.known()] }

func (c Category) known() Category {
	if int(c) < len(slugs) {
		return c
	}
	return Other
}

// Parse finds the category with this slug.
func Parse(slug string) (Category, bool) {
	for c := range slugs {
		if slugs[c] == slug {
			return Category(c), true
		}
	}
	return Other, false
}

// All lists every category in the order of its code.
func All() []Category {
	all := make([]Category, len(slugs))
	for c := range slugs {
		all[c] = Category(c)
	}
	return all
}
