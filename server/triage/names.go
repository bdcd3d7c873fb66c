package triage

import (
	"context"
	"errors"
	"slices"

	"khien/server/inbox"
	"khien/server/ledger"
	"khien/shared/subject"
)

// Names are what a device asks its list for where somebody opens what a report is about: what its address names, as the
// core reads it now, and the same pages as others write them. Whoever knows that one of them is listed is warned, and
// nobody else is. The address came with the report; an objection may come without, and then brings the names.
func Names(r *inbox.Report) []subject.Subject {
	var all []subject.Subject
	var named subject.Named
	if r.Href != "" && named.Read(r.Href) == nil {
		for i := range named.Asked() {
			all = append(all, named.Subject(i))
		}
		return all
	}
	for _, s := range r.Subjects {
		all = append(all, subject.Subject(s))
	}
	return append(all, subject.Further(all)...)
}

// firstOf is the first of some names that is among others; empty where none is.
func firstOf(names, among []subject.Subject) subject.Subject {
	if at := slices.IndexFunc(names, func(s subject.Subject) bool { return slices.Contains(among, s) }); at >= 0 {
		return names[at]
	}
	return ""
}

// OnList tells whether any of some names is on the list.
func OnList(ctx context.Context, book *ledger.Ledger, names []subject.Subject) (bool, error) {
	for _, name := range names {
		if _, err := book.Get(ctx, name); err == nil {
			return true, nil
		} else if !errors.Is(err, ledger.ErrNotFound) {
			return false, err
		}
	}
	return false, nil
}

// about are the things that a decision speaks of for a subject of its case. A case from before there were several has
// one thing for all of its names.
func (r Ruling) about(name subject.Subject) (all []subject.Subject) {
	for _, one := range r.Lists {
		if one.Of == name {
			all = append(all, one.Lists)
		}
	}
	if len(all) == 0 {
		all = r.About()
	}
	return all
}
