package subject

import "strings"

// languageOf is the index of a language in which a platform can say what an id is; of the first, where it cannot.
func languageOf(tag string) int {
	base, _, _ := strings.Cut(strings.ToLower(tag), "-")
	for i, lang := range tongues {
		if lang == base {
			return i
		}
	}
	return 0
}

// plainly is what subjects that are no platform's are called, by the word that they begin with; %s is the id.
type plainly struct {
	name string
	says [languages]string
}

// chains are the names of the chains of wallets.
var chains = map[string]string{
	"bitcoin": "Bitcoin", "ethereum": "Ethereum", "litecoin": "Litecoin", "dogecoin": "Dogecoin", "tron": "TRON",
	"solana": "Solana", "ton": "TON",
}

// Describe says what a subject is, to a person who reads lang, a BCP 47 tag: in the languages of package texts, and in
// English for all others.
func (s Subject) Describe(lang string) string {
	l := languageOf(lang)
	text := string(s)
	say := func(name, id string) string {
		for i := range plain {
			if plain[i].name == name {
				return strings.Replace(plain[i].says[l], "%s", id, 1)
			}
		}
		return text
	}
	if !s.IsAccount() {
		if host, ok := strings.CutSuffix(text, "/"); ok && !strings.Contains(host, "/") {
			return say("host", host)
		}
		return say("page", text)
	}
	if pf, k, id := parseAccount(text); k != nil {
		return shown(pf, k, k.says[l], id, func(text string) string { return text })
	}
	name, rest, _ := strings.Cut(text, ":")
	kind, id, _ := strings.Cut(rest, "/")
	switch name {
	case "bank":
		title := bankOf(kind)
		if ibanBank(id) == kind {
			title = polishBank(id)
			id = grouped(id)
			if title == "" {
				return say(name, id)
			}
		}
		if title == "" {
			title = kind
		}
		return say(name, id+" ("+title+")")
	case "wallet":
		return say(name, id+" ("+chains[kind]+")")
	}
	return say(name, rest)
}

// shown puts an id, or its parts, into a template.
func shown(pf *platform, k *kind, template, id string, write func(string) string) string {
	var c captures
	if k.parts != "" && !c.match(pf, k.parts, id) {
		return ""
	}
	var b strings.Builder
	for template != "" {
		if n := literal(template); n > 0 {
			b.WriteString(template[:n])
			template = template[n:]
			continue
		}
		if template[0] == capture {
			b.WriteString(write(string(c.get(template[1] &^ 0x80))))
			template = template[2:]
			continue
		}
		b.WriteString(write(id))
		template = template[1:]
	}
	return b.String()
}

// Address is an address that shows the subject in a browser, or "" if there is none. What it
// names first is the subject again, unless it is a link that says which page it leads to: that names the page first.
func (s Subject) Address() string {
	text := string(s)
	if !s.IsAccount() {
		return "http://" + text
	}
	if pf, k, id := parseAccount(text); k != nil {
		return shown(pf, k, k.open, id, escapedID)
	}
	name, rest, _ := strings.Cut(text, ":")
	switch name {
	case "phone":
		return "tel:" + rest
	case "email":
		return "mailto:" + escapedID(rest)
	case "short":
		return "https://" + rest
	case "wallet":
		chain, id, _ := strings.Cut(rest, "/")
		return chain + ":" + id
	}
	return ""
}

// escapedID escapes an id for an address.
func escapedID(id string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(id) {
		c := id[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~:/@'+", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hex[c>>4], hex[c&15]})
	}
	return b.String()
}
