package triage

import (
	"context"
	"strconv"
	"strings"

	"khien/server/audit"
	"khien/server/bidi"
	"khien/server/publish"
	"khien/shared/set"
	"khien/shared/subject"
)

// Impact tells what reaches so far that two people must agree on it.
type Impact struct {
	Popular func() *set.Set // what popular pages name now (khien popular), or nil where nothing is known

	// Verified reads the operator's files and tells of each subject whether it is an account that is somebody's official
	// one, or a page on an official host; or it is nil.
	Verified func() func(subject.Subject) bool
}

// Now is the impact by the operator's files as they are now, read once for many subjects.
func (i Impact) Now() Impact {
	if i.Verified != nil {
		verified := i.Verified()
		i.Verified = func() func(subject.Subject) bool { return verified }
	}
	return i
}

// now is Now, by what the release in force says is official too.
func (i Impact) now(ctx context.Context, p *publish.Publisher) Impact {
	i = i.Now()
	files, said := i.verified, p.VerifiedInForce(ctx)
	i.Verified = func() func(subject.Subject) bool {
		return func(s subject.Subject) bool { return said(s) || files(s) }
	}
	return i
}

// names is how many popular pages are named.
func (i Impact) names() int {
	if i.Popular == nil {
		return 0
	}
	names := i.Popular()
	if names == nil {
		return 0
	}
	return names.Len()
}

func (i Impact) verified(s subject.Subject) bool { return i.Verified != nil && i.Verified()(s) }

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
	Popular    Rule = "popular"  // anything of a host that many people know, by publish.ReachesFar or by the names that the operator has given
	Suffix     Rule = "suffix"   // a host under one that a company rents out, by publish.Customer, or a folder of it
	Official   Rule = "official" // somebody's official account, a number for all who call, mail of a bank or a state; see publish.Protection.Verified
	ByTwo      Rule = "bytwo"    // two people decided what this takes back
)

// Rules are all of them.
var Rules = []Rule{ManyAtOnce, Popular, Suffix, Official, ByTwo}

// Text is the reason in words, in a language; empty where one person is enough.
func (r Reach) Text(lang string) string {
	if r == (Reach{}) {
		return ""
	}
	return audit.TakesTwo(lang, string(r.Rule), r.What)
}

func (r Reach) String() string { return bidi.Bare(r.Text("en")) }

// MaxAtOnce is how many subjects one person may list, take off the list or publish at once.
const MaxAtOnce = 50

// OfAll is Of for all that one decision names, together with more others: the first reason that there is.
func (i Impact) OfAll(subjects []subject.Subject, more int) Reach {
	i = i.Now()
	for _, s := range subjects {
		if why := i.Of(s, len(subjects)+more); why != (Reach{}) {
			return why
		}
	}
	return Reach{}
}

// Of returns why a second person must agree that a subject is listed, or taken off the list, together with n - 1
// others.
func (i Impact) Of(s subject.Subject, n int) Reach {
	if n > MaxAtOnce {
		return Reach{ManyAtOnce, strconv.Itoa(n)}
	}
	if s.IsAccount() {
		if i.verified(s) {
			return Reach{Rule: Official}
		}
		return Reach{}
	}
	host, path, _ := strings.Cut(string(s), "/")
	if publish.ReachesFar(s) || i.popular(host) || i.verified(s) {
		return Reach{Rule: Popular}
	}
	page, _, _ := strings.Cut(path, "?")
	if of, ok := publish.Customer(host); ok && (page == "" || strings.HasSuffix(page, "/")) {
		return Reach{Suffix, of}
	}
	return Reach{}
}

// popular tells whether a host, or one that it is below, is among the names that the operator has given. Where the
// pages are others', it says nothing about any of them.
func (i Impact) popular(host string) bool {
	if i.Popular == nil || publish.SharesPages(host) {
		return false
	}
	names := i.Popular()
	if names == nil {
		return false
	}
	owned, ok := publish.Ranked(host)
	for at := host; ; {
		if _, known := names.Lookup(subject.Subject(at + "/").Digest()); known {
			return true
		}
		if !ok || len(at) <= len(owned) {
			return false
		}
		_, at, _ = strings.Cut(at, ".")
	}
}
