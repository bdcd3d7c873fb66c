package export

import (
	"io"
	"strings"
	"time"

	"khien/server/partner"
)

// writeAdblock writes a list of filters as uBlock Origin, AdGuard and the like read it. A host is blocked with all below
// it, a page with whatever is asked of it, a folder with what is in it; each at the address at which it was seen, and at
// the same without a port.
func writeAdblock(w io.Writer, list List, h Head) (Left, error) {
	l, left := newLines(w), Left{}
	l.printf("! Title: %s\n! Last modified: %s\n! Expires: 1 hour\n", oneLine(h.Operator), time.Unix(h.Now, 0).UTC().Format(time.RFC3339))
	if h.Home != "" {
		l.printf("! Homepage: %s\n", oneLine(h.Home))
	}
	for g, err := range inForce(list, h, left) {
		if err != nil {
			return nil, l.end(err)
		}
		name, why := host(g)
		switch {
		case why == "" && h.hosts.cover(name):
			left[Covered]++
		case why == "":
			l.printf("||%s^\n", name)
		case g.Kind != partner.Page || g.HMAC != "":
			left[NoPage]++
		default:
			rules := pageRules(g)
			if len(rules) == 0 {
				left[NoExact]++
			}
			for _, rule := range rules {
				l.printf("%s\n", rule)
			}
		}
	}
	return left, l.end(nil)
}

// pageRules are the filters of a page, or none where filters can't say exactly which it is: in them an asterisk is
// anything, a caret is any end of a name, and a bar the end of an address.
func pageRules(g partner.Given) (rules []string) {
	_, rest, ok := strings.Cut(g.Open(), "://")
	if !ok {
		return nil
	}
	rest, _, _ = strings.Cut(rest, "#")
	authority, path, _ := strings.Cut(rest, "/")
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	name, port, ported := strings.Cut(authority, ":")
	if !isName(name) || ported && strings.Trim(port, "0123456789") != "" {
		return nil
	}
	if path, ok = exactPath(g, path); !ok {
		return nil
	}
	sites := []string{name}
	if ported {
		sites = append(sites, authority)
	}
	for _, site := range sites {
		page := "||" + site + "/" + path
		switch {
		case strings.HasSuffix(path, "/"):
			rules = append(rules, page+"$all") // what is below it, too
		case strings.Contains(path, "?"):
			rules = append(rules, page+"|$all")
		default:
			rules = append(rules, page+"|$all", page+"?$all")
		}
	}
	return rules
}

// exactPath is the path and query of a page as a filter has it. Those of the address at which it was seen may say more
// than what is listed, such as how somebody came there: then it is what the subject says.
func exactPath(g partner.Given, path string) (string, bool) {
	if _, listed, _ := strings.Cut(string(g.Subject), "/"); strings.Contains(path, "?") && !strings.Contains(listed, "?") {
		path, _, _ = strings.Cut(path, "?")
	}
	for _, c := range []byte(path) {
		if c <= ' ' || c >= 0x7f || c == '*' || c == '^' || c == '|' || c == ',' {
			return "", false
		}
	}
	return path, true
}
