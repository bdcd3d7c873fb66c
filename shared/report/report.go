// Package report says what a report may hold. The extension writes one by Write, and the server takes what Check lets
// pass: whoever changes a bound changes it for both.
package report

// Bounds of a report's fields, in bytes if they say nothing else. A title or note that is longer is cut before it is
// sent.
const (
	MaxTitle    = 300
	MaxNote     = 2000
	maxLanguage = 35                 // RFC 5646 section 4.4.1
	maxLink     = 400                // what is longer names nothing that others lead to as well
	maxSubjects = 64                 // of them
	aYear       = 365 * 24 * 60 * 60 // seconds
)
