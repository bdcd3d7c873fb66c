package triage

import (
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"

	"khien/shared/set"
	"khien/shared/subject"
)

// Impact tells what reaches so far that two people must agree on it.
type Impact struct {
	Popular  func() *set.Set            // what popular pages name now (khien popular), or nil where nothing is known
	Verified func(subject.Subject) bool // whether an account is somebody's official one, or nil
}

// Reach is why two people must agree; the zero value where one is enough.
type Reach struct {
	Rule Rule
	What string // how many subjects there are, or the suffix of a host; else empty
}

// Rule is what a Reach goes by.
type Rule string

// The rules, in the order in which they are looked at.
const (
	ManyAtOnce Rule = "many"     // more than 50 subjects at once
	Popular    Rule = "popular"  // a host among the popular names that the operator has given, or www. before one of them
	Suffix     Rule = "suffix"   // a host directly under a suffix that a company rents out (a private one of publicsuffix.org)
	Official   Rule = "official" // an account that is somebody's official one
)

// String is the reason in English, for the audit log.
func (r Reach) String() string {
	switch r.Rule {
	case ManyAtOnce:
		return r.What + " subjects at once"
	case Popular:
		return "a popular host"
	case Suffix:
		return "a host of " + r.What
	case Official:
		return "an official account"
	}
	return ""
}

// maxAtOnce is how many subjects one person may list, take off the list or publish at once.
const maxAtOnce = 50

// OfAll is Of for all that one decision names, together with more others: the first reason that there is.
func (i Impact) OfAll(subjects []subject.Subject, more int) Reach {
	for _, s := range subjects {
		if why := i.Of(s, len(subjects)+more); why != (Reach{}) {
			return why
		}
	}
	return Reach{}
}

// Of returns why a second person must agree that a subject is listed, or taken off the list, together with n - 1 others.
func (i Impact) Of(s subject.Subject, n int) Reach {
	if n > maxAtOnce {
		return Reach{ManyAtOnce, strconv.Itoa(n)}
	}
	if s.IsAccount() {
		if i.Verified != nil && i.Verified(s) {
			return Reach{Rule: Official}
		}
		return Reach{}
	}
	host, path, _ := strings.Cut(string(s), "/")
	if path == "" && i.popular(s) {
		return Reach{Rule: Popular}
	}
	suffix, icann := publicsuffix.PublicSuffix(host)
	if !icann && strings.Contains(suffix, ".") && path == "" && strings.Count(host, ".") == strings.Count(suffix, ".")+1 {
		return Reach{Suffix, suffix}
	}
	return Reach{}
}

func (i Impact) popular(s subject.Subject) bool {
	if i.Popular == nil {
		return false
	}
	names := i.Popular()
	if names == nil {
		return false
	}
	for _, name := range []subject.Subject{s, subject.Subject(strings.TrimPrefix(string(s), "www."))} { // rankings leave www. out
		if _, ok := names.Lookup(name.Digest()); ok {
			return true
		}
	}
	return false
}
