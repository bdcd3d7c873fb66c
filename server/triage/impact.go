package triage

import (
	"fmt"
	"strings"

	"golang.org/x/net/publicsuffix"

	"khien/shared/set"
	"khien/shared/subject"
)

// Impact tells which decisions two people must agree on.
type Impact struct {
	Popular  *set.Set                   // what popular pages name (khien popular), or nil
	Verified func(subject.Subject) bool // whether an account is somebody's official one, or nil
}

// maxAtOnce is how many subjects one person may list at once.
const maxAtOnce = 50

// Of returns why a second person must agree that a subject is listed, together with n - 1 others; empty if one is
// enough. The rules, in order:
//
//   - more than 50 subjects at once
//   - a host among the popular names that the operator has given
//   - a host directly under a suffix that a company rents out (a private one of publicsuffix.org)
//   - an account that is somebody's official one
func (i Impact) Of(s subject.Subject, n int) string {
	if n > maxAtOnce {
		return fmt.Sprintf("%d subjects at once", n)
	}
	if s.IsAccount() {
		if i.Verified != nil && i.Verified(s) {
			return "an official account"
		}
		return ""
	}
	host, path, _ := strings.Cut(string(s), "/")
	if i.Popular != nil && path == "" {
		if _, ok := i.Popular.Lookup(s.Digest()); ok {
			return "a popular host"
		}
	}
	suffix, icann := publicsuffix.PublicSuffix(host)
	if !icann && strings.Contains(suffix, ".") && path == "" && strings.Count(host, ".") == strings.Count(suffix, ".")+1 {
		return "a host of " + suffix
	}
	return ""
}
