// Package platform says of each platform what the server must know beside how its addresses are read. All of it stands
// in the rules of the platform (shared/subject/platforms), from which scripts/platforms writes the table.
package platform

import "slices"

// Platform is where many people have accounts.
type Platform struct {
	Name     string // as in subjects, such as "facebook"
	Title    string
	Networks []Network
	HasCards bool     // whether advice cards may be for it
	Owns     []string // domains that are its own, with everything below them
	Reach    int      // how many people meet something there, from 1 to 3; 0 where nobody has said

	// How something is taken down there; without hours nothing is.
	Where string            // the address of its form for such reports, or of its help pages; empty where each server has its own
	Mail  string            // empty where it takes no letters
	Hours int               // how long it has to act
	Menu  map[string]string // what to choose in its form, by language
}

// Network is what people call a platform, or a part of it, and the domains below which the extension has its scripts
// run.
type Network struct {
	Name    string
	Domains []string
}

// All are the platforms that rules are known for, by their names.
func All() []Platform { return all }

// ByName returns the platform of this name; of one that is not known, nothing is.
func ByName(name string) Platform {
	i := slices.IndexFunc(all, func(p Platform) bool { return p.Name == name })
	if i < 0 {
		return Platform{}
	}
	return all[i]
}
