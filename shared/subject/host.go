package subject

import "strings"

// Bounds of a DNS name in bytes (RFC 1035 section 2.3.4), without the dot at its end.
const (
	maxHost  = 253
	maxLabel = 63
)

// IsHost tells whether a host is one that a list may hold, written as in a URL expression: a DNS name, or an IP
// address. A name has labels of lower-case letters, digits, hyphens and underscores, internationalised ones in their
// xn-- form (RFC 5890 section 2.3.1), and the last of them is no number. Browsers open more than that; it can be
// visited and checked, and not listed.
func IsHost(host string) bool {
	canonical, isIP, err := canonicalHost(host)
	if err != nil || canonical != host {
		return false
	}
	if isIP {
		return true
	}
	if len(host) > maxHost {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if len(label) > maxLabel || label == "xn--" {
			return false
		}
	}
	for _, c := range []byte(host) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// IsListable tells whether a list may hold a subject as far as its host goes: an account, or what is on a host that
// IsHost takes.
func (s Subject) IsListable() bool {
	host, _, _ := strings.Cut(string(s), "/")
	return s.IsAccount() || IsHost(host)
}
