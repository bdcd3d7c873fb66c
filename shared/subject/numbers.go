package subject

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/mr-tron/base58"
	"golang.org/x/crypto/sha3"
)

// What people are told to call, to write to and to pay to: telephone numbers, email addresses,
// bank accounts and wallets.

// IsLink tells an address of another scheme than http and https whose scheme is known here,
// such as tel: and tg:.
func IsLink(href string) bool {
	if strings.HasPrefix(href, "http") || len(href) > MaxHref {
		return false
	}
	scheme, _, ok := strings.Cut(href[:min(len(href), 24)], ":")
	if !ok {
		return false
	}
	switch scheme {
	case "tel", "sms", "smsto", "callto", "facetime", "facetime-audio", "mailto":
		return true
	}
	return chainOfScheme(scheme) != "" || len(hostsOf(href[:len(scheme)+1])) > 0
}

// readLink adds what such an address names. The errors are ErrNotNormalised and ErrScheme:
// the latter is for what names nothing that is known.
func (n *Named) readLink(href string) error {
	if has(href, notInHref) {
		return ErrNotNormalised
	}
	scheme, rest, _ := strings.Cut(href, ":")
	before := n.numAccounts + len(n.leads)
	rules := hostsOf(href[:len(scheme)+1])
	switch {
	case len(rules) > 0:
		rest, fragment, _ := strings.Cut(strings.TrimLeft(rest, "/"), "#")
		path, query, _ := strings.Cut(rest, "?")
		n.visit = visit{
			host: href[:len(scheme)+1], domain: href[:len(scheme)+1],
			path: unescape(path), escaped: path, query: query, fragment: fragment,
		}
		if pf, group := n.visit.find(rules); pf != nil {
			n.readAccounts(pf, group, &n.visit)
		}
	case scheme == "mailto":
		to, _, _ := strings.Cut(rest, "?")
		for address := range strings.SplitSeq(to, ",") {
			n.take("email:", canonicalEmail(unescape(address)))
		}
	case chainOfScheme(scheme) != "":
		chain := chainOfScheme(scheme)
		to, _, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "?")
		if chain == "ethereum" { // EIP-681: "pay-" in front, "@chain/function" behind
			to = strings.TrimPrefix(to, "pay-")
			to = to[:len(to)-len(strings.TrimLeft(to, "x0123456789abcdefABCDEF"))]
		}
		if id := canonicalWallet(chain, unescape(to)); id != "" {
			n.take("wallet:"+chain+"/", id)
		}
	default:
		number := strings.TrimPrefix(rest, "//")
		if i := strings.IndexAny(number, ";?,&"); i >= 0 {
			number = number[:i]
		}
		if !n.phone(unescape(number)) {
			n.take("email:", canonicalEmail(unescape(number))) // facetime: and callto: have these, too
		}
	}
	if n.numAccounts+len(n.leads) == before {
		return ErrScheme
	}
	return nil
}

// take adds an account of a prefix and an id, unless that is empty.
func (n *Named) take(prefix, id string) {
	if id == "" {
		return
	}
	n.accountAt = len(n.accountText)
	n.accountText = append(append(n.accountText, prefix...), id...)
	n.end(false, false)
}

func (n *Named) phone(text string) bool {
	var room [24]byte
	id, ok := appendVietnamese(room[:0], strings.Map(unvisual, text))
	if ok {
		n.take("phone:", string(id))
	}
	return ok
}

// unvisual drops what stands between digits for the eye (RFC 3966 section 5.1.1).
func unvisual(r rune) rune {
	switch r {
	case ' ', '-', '.', '(', ')', '/', '\u00a0', '\u2010', '\u2011', '\u2012', '\u2013', '\u2014':
		return -1
	}
	return r
}

// appendPhone appends a number with its country, written with or without "+" or "00", as "+"
// and 8 to 15 digits (ITU-T E.164 section 6.2).
func appendPhone(dst []byte, text string) ([]byte, bool) {
	if rest, ok := strings.CutPrefix(text, "00"); ok {
		text = rest
	} else if text != "" && (text[0] == '+' || text[0] == ' ') { // a plus sign in a query is a blank
		text = text[1:]
	}
	if strings.HasPrefix(text, "840") { // the zero is for calls within Vietnam
		text = "84" + text[3:]
	}
	if len(text) < 8 || len(text) > 15 || !digits(text) || text[0] == '0' {
		return dst, false
	}
	if strings.HasPrefix(text, "84") && !isVietnamese(text[2:]) {
		return dst, false
	}
	return append(append(dst, '+'), text...), true
}

// isVietnamese tells whether the digits behind +84 are a number of the plan of Vietnam (Circular
// 22/2014/TT-BTTTT): nine for a mobile, ten for a fixed line or a mobile of machines, and the
// services 1800 and 1900.
func isVietnamese(s string) bool {
	switch {
	case strings.HasPrefix(s, "1800"), strings.HasPrefix(s, "1900"):
		return len(s) >= 8 && len(s) <= 10
	case s[0] == '2':
		return len(s) == 10
	case s[0] == '3', s[0] == '5', s[0] == '7', s[0] == '8', s[0] == '9':
		return len(s) == 9
	}
	return false
}

// appendVietnamese takes a number as it is written in Vietnam too: 0901234567, 84901234567.
func appendVietnamese(dst []byte, text string) ([]byte, bool) {
	switch {
	case strings.HasPrefix(text, "00"), strings.HasPrefix(text, "+"):
		return appendPhone(dst, text)
	case !digits(strings.TrimPrefix(text, " ")):
		return dst, false
	case text[0] == '0' && len(text) > 9 && len(text) < 12 && isVietnamese(text[1:]):
		return append(append(dst, "+84"...), text[1:]...), true
	case strings.HasPrefix(text, "1800"), strings.HasPrefix(text, "1900"):
		if isVietnamese(text) {
			return append(append(dst, "+84"...), text...), true
		}
	case strings.HasPrefix(text, "84"), strings.HasPrefix(text, " 84"):
		return appendPhone(dst, text)
	}
	return dst, false
}

// canonicalEmail is an address in lower case; "" if it is none. Gmail takes dots and what follows a
// plus sign for nothing.
func canonicalEmail(text string) string {
	text = lowerASCII(strings.TrimSpace(text))
	local, host, ok := strings.Cut(text, "@")
	if !ok || local == "" || len(text) > 254 || len(local) > 64 || strings.Trim(local, lower+number10+".!#$%&'*+-=?^_`{|}~") != "" ||
		strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") ||
		strings.Trim(host, lower+number10+".-") != "" || !isHostname(host) {
		return ""
	}
	if host == "gmail.com" || host == "googlemail.com" {
		local, _, _ = strings.Cut(local, "+")
		if local, host = strings.ReplaceAll(local, ".", ""), "gmail.com"; local == "" {
			return ""
		}
	}
	return local + "@" + host
}

const (
	lower    = "abcdefghijklmnopqrstuvwxyz"
	number10 = "0123456789"
)

// canonicalBank is BIN/ACCOUNT; "" if it is none. The BIN has six digits (NAPAS), the account up to 19 characters
// (NAPAS, "QR code specification for NAPAS247 fast transfer", consumer account). Of an account in international form
// (IBAN), the BIN is the identifier of the bank in it.
func canonicalBank(bin, account string) string {
	if bin != "" && bin == ibanBank(account) {
		return bin + "/" + account
	}
	if len(bin) != 6 || !digits(bin) || len(account) < 4 || len(account) > 19 ||
		strings.Trim(account, number10+strings.ToUpper(lower)) != "" {
		return ""
	}
	return bin + "/" + account
}

func chainOfScheme(scheme string) string {
	switch scheme {
	case "bitcoin", "ethereum", "litecoin", "dogecoin", "tron", "solana", "ton":
		return scheme
	}
	return ""
}

// canonicalWallet is the one form of an address on a chain; "" if its checksum is wrong.
func canonicalWallet(chain, text string) string {
	switch chain {
	case "bitcoin":
		return base58Or(text, "bc", 0x00, 0x05)
	case "litecoin":
		return base58Or(text, "ltc", 0x30, 0x32)
	case "dogecoin":
		return base58Or(text, "", 0x1e, 0x16)
	case "tron":
		return base58Or(text, "", 0x41)
	case "ethereum":
		return ethereum(text)
	case "solana": // 32 bytes without a checksum
		if len(text) < 32 || len(text) > 44 {
			return ""
		}
		if key, err := base58.Decode(text); err == nil && len(key) == 32 && base58.Encode(key) == text {
			return text
		}
	case "ton":
		return ton(text)
	}
	return ""
}

// base58Or is an address in Base58Check of one of the versions, or of a SegWit program behind
// the prefix (BIP 173, BIP 350).
func base58Or(text, prefix string, versions ...byte) string {
	if prefix != "" && len(text) > len(prefix) && strings.EqualFold(text[:len(prefix)+1], prefix+"1") {
		return segwit(text, prefix)
	}
	if len(text) < 26 || len(text) > 36 {
		return ""
	}
	b, err := base58.Decode(text)
	if err != nil || len(b) != 25 || base58.Encode(b) != text {
		return ""
	}
	once := sha256.Sum256(b[:21])
	twice := sha256.Sum256(once[:])
	if string(twice[:4]) != string(b[21:]) {
		return ""
	}
	for _, v := range versions {
		if b[0] == v {
			return text
		}
	}
	return ""
}

// segwit verifies the checksum of a SegWit address, which is in lower or in upper case.
func segwit(text, prefix string) string {
	const charset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	low := strings.ToLower(text)
	if len(text) > 90 || text != low && text != strings.ToUpper(text) {
		return ""
	}
	data := low[len(prefix)+1:]
	if len(data) < 14 {
		return ""
	}
	sum := uint32(1)
	step := func(v int) {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(v)
		for i, g := range [...]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	for i := range len(prefix) {
		step(int(prefix[i] >> 5))
	}
	step(0)
	for i := range len(prefix) {
		step(int(prefix[i] & 31))
	}
	version := strings.IndexByte(charset, data[0])
	for i := range len(data) {
		v := strings.IndexByte(charset, data[i])
		if v < 0 {
			return ""
		}
		step(v)
	}
	program := (len(data) - 7) * 5 / 8
	switch {
	case version > 16, program < 2, program > 40,
		version == 0 && (sum != 1 || program != 20 && program != 32),
		version > 0 && sum != 0x2bc830a3:
		return ""
	}
	return low
}

// ethereum is an address in lower case. One with letters of both cases has a checksum in them
// (EIP-55).
func ethereum(text string) string {
	digits, ok := strings.CutPrefix(text, "0x")
	if !ok {
		digits, ok = strings.CutPrefix(text, "0X")
	}
	low := strings.ToLower(digits)
	if _, err := hex.DecodeString(low); !ok || len(digits) != 40 || err != nil {
		return ""
	}
	if digits != low && digits != strings.ToUpper(digits) {
		h := sha3.NewLegacyKeccak256()
		h.Write([]byte(low))
		sum := h.Sum(nil)
		for i := range len(low) {
			upper := sum[i/2]>>(4*(1-i%2))&8 != 0
			if low[i] >= 'a' && (digits[i] != low[i]) != upper {
				return ""
			}
		}
	}
	return "0x" + low
}

// ton is a user-friendly address (TEP-2): a tag, a workchain, a hash and a CRC-16, of which
// the form that does not bounce stands for the other too.
func ton(text string) string {
	if len(text) != 48 {
		return ""
	}
	b, err := base64.URLEncoding.DecodeString(strings.NewReplacer("+", "-", "/", "_").Replace(text))
	if err != nil || len(b) != 36 || b[0]&^0x80 != 0x11 && b[0]&^0x80 != 0x51 || crc16(0, b[:34]) != uint16(b[34])<<8|uint16(b[35]) {
		return ""
	}
	b[0] = 0x51
	sum := crc16(0, b[:34])
	b[34], b[35] = byte(sum>>8), byte(sum)
	return base64.URLEncoding.EncodeToString(b)
}

// crc16 is CRC-16 with the polynomial 0x1021, not reflected.
func crc16(crc uint16, data []byte) uint16 {
	for _, c := range data {
		crc ^= uint16(c) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

// canonicalNumber tells whether a text is the canonical form of a number, wallet or the like.
func canonicalNumber(name, rest string) bool {
	switch name {
	case "phone":
		id, ok := appendPhone(nil, rest)
		return ok && string(id) == rest
	case "email":
		return rest != "" && canonicalEmail(rest) == rest
	}
	kind, id, _ := strings.Cut(rest, "/")
	switch name {
	case "bank":
		return canonicalBank(kind, id) == rest && rest != ""
	case "wallet":
		return id != "" && canonicalWallet(kind, id) == id
	case "short":
		return isShortLink(rest)
	}
	return false
}
