package subject

import (
	"slices"
	"strings"
)

// Which account belongs to which bank.

// How sure it is that a number is the one of an account.
const (
	noAccount = iota
	maybePhone
	plainNumber
	saidAccount
)

// rankOf says how sure it is.
func rankOf(it *item) int {
	_, phone := appendVietnamese(nil, it.digits)
	phone = phone && (!strings.HasPrefix(it.digits, "00") || strings.HasPrefix(it.digits, "0084"))
	hotline := strings.HasPrefix(it.digits, "1800") || strings.HasPrefix(it.digits, "1900")
	if it.digits[0] == '+' && !phone || len(it.digits) > maxAccount {
		return noAccount
	}
	switch it.says {
	case isAccount:
		if !it.again || !phone && len(it.digits) >= 8 && !isRound(it.digits) && !isSum(it.raw) {
			return saidAccount
		}
		return noAccount
	case isOther, isContent:
		return noAccount
	case isOtherNext:
		if it.next || it.soon && len(it.digits) < 10 {
			return noAccount
		}
	case isMoney:
		if it.next && it.digits[0] != '0' { // no sum begins with it
			return noAccount
		}
	case isPhone:
		if phone || len(it.digits) == 9 {
			return noAccount
		}
	}
	switch {
	case phone && !hotline:
		return maybePhone
	case phone, isRound(it.digits), isSum(it.raw), isCard(it.digits), isDay(it.digits):
		return noAccount
	}
	return plainNumber
}

// isCard tells the number of a card (ISO/IEC 7812): of NAPAS, or of the schemes that the whole world has, with its
// check digit.
func isCard(number string) bool {
	if len(number) != 16 && len(number) != 19 {
		return false
	}
	if strings.HasPrefix(number, "9704") {
		return true
	}
	if strings.IndexByte("2345", number[0]) < 0 {
		return false
	}
	sum := 0
	for i := range len(number) {
		n := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

// isDay tells a date without signs in it: 24112026, 20261124.
func isDay(number string) bool {
	if len(number) != 8 {
		return false
	}
	return dateAt(number[:2]+"/"+number[2:4]+"/"+number[4:]) > 0 || dateAt(number[6:]+"/"+number[4:6]+"/"+number[:4]) > 0
}

// account is the subject of a number at a bank; "" if it can be none.
func account(b *bank, it *item) Subject {
	number := it.digits
	phone, ok := appendVietnamese(nil, number)
	if ok && isWallet(b.bin) {
		number = "0" + string(phone[len("+84"):])
	}
	if id := canonicalBank(b.bin, number); id != "" {
		return Subject("bank:" + id)
	}
	return ""
}

// accounts pairs the banks of a text with their numbers.
func (r *reader) accounts() []Subject {
	for i := range r.items {
		if it := &r.items[i]; it.kind == anAccount {
			it.rank = rankOf(it)
		}
	}
	r.dropUnsure()
	var bins []*bank
	wallet := false
	for _, it := range r.items {
		if it.kind == aBank && !slices.Contains(bins, it.bank) {
			bins = append(bins, it.bank)
			wallet = wallet || isWallet(it.bank.bin)
		}
	}
	if wallet { // whose account is the telephone number
		for i := range r.items {
			if it := &r.items[i]; it.kind == anAccount && it.says == isPhone && it.rank == noAccount {
				it.rank = maybePhone
			}
		}
	}
	switch len(bins) {
	case 0:
		return nil
	case 1:
		return r.ofOne(bins[0])
	}
	return r.ofSeveral()
}

// dropUnsure drops names of banks that are other words, too, and don't stand beside a number; a number with six or
// seven digits that does not stand behind a bank; and banks that money comes from.
func (r *reader) dropUnsure() {
	beside := func(i, step int) *item { // the next bank or number, if nothing but signs and words that say something stand between
		for j := i + step; j >= 0 && j < len(r.items); j += step {
			switch it := &r.items[j]; {
			case it.line != r.items[i].line || it.words != r.items[i].words:
				return nil
			case it.kind != aPart:
				return it
			}
		}
		return nil
	}
	for i := range r.items {
		it := &r.items[i]
		if it.kind == anAccount && it.rank == plainNumber && len(it.digits) < 8 {
			if b := beside(i, -1); b == nil || b.kind != aBank {
				it.rank = noAccount
			}
		}
	}
	others := false
	for _, it := range r.items {
		others = others || it.kind == aBank && it.into
	}
	r.items = slices.DeleteFunc(slices.Clone(r.items), func(it item) bool { return it.kind == aBank && it.from && others })
	var unsure []int
	for i, it := range r.items {
		if it.kind != aBank || !it.weak {
			continue
		}
		isSure := func(number *item) bool { return number != nil && number.kind == anAccount && number.rank > maybePhone }
		if !isSure(beside(i, -1)) && !isSure(beside(i, 1)) {
			unsure = append(unsure, i)
		}
	}
	for _, i := range unsure {
		r.items[i].kind = aPart
	}
}

// near is how many lines a number may be away from the only bank.
const near = 3

// ofOne are the accounts in a text about one bank.
func (r *reader) ofOne(b *bank) []Subject {
	var said, found []Subject
	for i := range r.items {
		if it := &r.items[i]; it.kind == anAccount && it.rank == saidAccount {
			said = appendAccount(said, b, it)
		}
	}
	if len(said) > 0 {
		return said
	}
	// Else what stands in a line with its name, or in one of the next lines.
	lines := map[int]bool{}
	for _, it := range r.items {
		if it.kind == aBank {
			lines[it.line] = true
		}
	}
	for _, rank := range [...]int{plainNumber, maybePhone} {
		if found = r.besideIt(b, rank); len(found) > 0 {
			return found
		}
	}
	for away := 1; away <= near; away++ {
		for _, side := range [...]int{away, -away} {
			for i := range r.items {
				it := &r.items[i]
				if it.kind == anAccount && lines[it.line-side] && !lines[it.line] && (it.rank == plainNumber || it.rank == maybePhone && away == 1) {
					found = appendAccount(found, b, it)
				}
			}
			if len(found) > 0 {
				return found
			}
		}
	}
	return nil
}

// besideIt are the numbers of a rank that stand in a line with the only bank.
func (r *reader) besideIt(b *bank, rank int) (found []Subject) {
	const far = 1 << 30
	following := make([]bool, len(r.items)) // the next bank of the line is near, and is not one to which the money goes by another number
	next, awaits := far, false
	for i := len(r.items) - 1; i >= 0; i-- {
		it := &r.items[i]
		if i+1 < len(r.items) && r.items[i+1].line != it.line {
			next, awaits = far, false
		}
		switch it.kind {
		case aBank:
			next = it.words
			if awaits = false; it.into {
				for j := i + 1; j < len(r.items) && r.items[j].line == it.line && r.items[j].words == it.words && r.items[j].kind != aBank && !awaits; j++ {
					awaits = r.items[j].kind == anAccount && r.items[j].rank > noAccount
				}
			}
		case anAccount:
			following[i] = next-it.words <= maxAway && !awaits
		}
	}
	last := -far
	for i := range r.items {
		it := &r.items[i]
		if i > 0 && r.items[i-1].line != it.line {
			last = -far
		}
		switch {
		case it.kind == aBank:
			last = it.words
		case it.kind == anAccount && it.rank == rank && (following[i] || it.words-last <= maxAway):
			found = appendAccount(found, b, it)
		}
	}
	return found
}

// maxAway is how many words may stand between a bank and a number in its line.
const maxAway = 12

func appendAccount(list []Subject, b *bank, it *item) []Subject {
	if s := account(b, it); s != "" && len(list) <= maxFound && !slices.Contains(list, s) {
		list = append(list, s)
	}
	return list
}

// ofSeveral pairs numbers with banks where a text names several: in each line, and over lines that have only the one or
// only the other.
func (r *reader) ofSeveral() []Subject {
	var found []Subject
	var open []item // of lines that have only the one or the other
	flush := func() {
		pairs, _ := pair(open)
		found = append(found, pairs...)
		open = nil
	}
	for from := 0; from < len(r.items); {
		to := from
		banks, numbers := 0, 0
		for to < len(r.items) && r.items[to].line == r.items[from].line {
			switch it := &r.items[to]; {
			case it.kind == aBank:
				banks++
			case it.kind == anAccount && it.rank > noAccount:
				numbers++
			}
			to++
		}
		line := r.items[from:to]
		switch {
		case banks > 0 && numbers > 0:
			flush()
			found = append(found, pairLine(line)...)
		case banks > 0 || numbers > 0:
			open = append(open, line...)
		}
		from = to
	}
	flush()
	return found
}

// pairLine pairs what stands in one line, as it follows one another or part by part.
func pairLine(line []item) []Subject {
	if pairs, ok := pair(line); ok {
		return pairs
	}
	var found []Subject
	whole := true
	for from := 0; from <= len(line); {
		to := from
		for to < len(line) && line[to].kind != aPart {
			to++
		}
		if part := line[from:to]; slices.ContainsFunc(part, func(it item) bool { return it.kind == aBank }) {
			pairs, ok := pair(part)
			whole = whole && ok
			found = append(found, pairs...)
		}
		from = to + 1
	}
	if whole {
		return found
	}
	// Whose account a number is would be a guess, unless it is said where the money goes.
	found = nil
	for i, it := range line {
		if it.kind == aBank && it.into {
			for j := i + 1; j < len(line) && line[j].kind != aBank; j++ {
				if line[j].kind == anAccount && line[j].rank > noAccount && line[j].words == it.words {
					found = appendAccount(found, it.bank, &line[j])
					break
				}
			}
		}
	}
	return found
}

// pair gives each number to the bank before it, or each to the bank behind it, and tells whether every bank then has
// one.
func pair(items []item) ([]Subject, bool) {
	var row []item // banks and numbers, of those between two banks the surest
	first := 0     // where the numbers begin behind the last bank
	for i, it := range items {
		n := len(row)
		switch {
		case it.kind == aBank:
			if n > 0 && row[n-1].kind == aBank && row[n-1].bank == it.bank {
				continue
			}
			if n == first+1 && first > 0 && row[first-1].bank == it.bank && !leads(items[i+1:]) { // named before its number, and behind it again
				continue
			}
			row = append(row, it)
			first = n + 1
		case it.kind == anAccount && it.rank > noAccount:
			if first < n && row[first].rank < it.rank {
				row = row[:first]
			} else if first < n && row[first].rank > it.rank {
				continue
			}
			row = append(row, it)
		}
	}
	if len(row) < 2 {
		return nil, false
	}
	if row[0].kind != aBank {
		slices.Reverse(row)
		if row[0].kind != aBank {
			return nil, false
		}
		pairs, ok := inOrder(row)
		slices.Reverse(pairs)
		return pairs, ok
	}
	return inOrder(row)
}

// leads tells whether a number comes before any bank.
func leads(items []item) bool {
	for _, it := range items {
		if it.kind == aBank || it.kind == anAccount && it.rank > noAccount {
			return it.kind == anAccount
		}
	}
	return false
}

// inOrder pairs a row that begins with a bank.
func inOrder(row []item) ([]Subject, bool) {
	var found []Subject
	for i, it := range row {
		if it.kind == aBank && (i+1 == len(row) || row[i+1].kind == aBank) {
			return nil, false
		}
		for j := i + 1; it.kind == aBank && j < len(row) && row[j].kind == anAccount; j++ {
			found = appendAccount(found, it.bank, &row[j])
		}
	}
	return found, true
}

// polishPlan are the first two digits of the numbers of Poland (Plan numeracji krajowej, Dz.U. 2014 poz. 1194); all of
// them have nine.
const polishPlan = " 12 13 14 15 16 17 18 21 22 23 24 25 26 29 32 33 34 39 41 42 43 44 45 46 47 48 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 69 70 71 72 73 74 75 76 77 78 79 80 81 82 83 84 85 86 87 88 89 91 94 95 "

func isPolishNumber(number string) bool {
	return len(number) == 9 && digits(number) && strings.Contains(polishPlan, " "+number[:2]+" ")
}

// phonesIn are the telephone numbers that a number is.
func (r *reader) phonesIn(it *item) []string {
	if it.says == isOther || it.says == isOtherNext && it.next && !it.bill || it.says == isMoney && it.next {
		return nil
	}
	number := it.digits
	if strings.HasPrefix(number, "00") && !strings.HasPrefix(number, "0084") && it.says != isPhone && !strings.HasPrefix(number, "0048") {
		return nil // rather the number of an account
	}
	polish := (r.speaksPolish || r.looksPolish && (it.says == isPhone || !r.namesBank)) && it.says != isAccount && it.says != isContent && (it.says == isPhone || !isSum(it.raw) || !isRound(number))
	if id, ok := appendVietnamese(nil, number); ok && !isSum(it.raw) && !(polish && isPolishNumber(number)) {
		if strings.HasPrefix(number, "0048") && (it.says == isAccount || !isPolishNumber(number[4:])) {
			return nil
		}
		return []string{string(id)}
	}
	if !polish {
		return nil
	}
	if rest, ok := strings.CutPrefix(number, "48"); ok && isPolishNumber(rest) {
		number = rest
	}
	if isPolishNumber(number) {
		return []string{"+48" + number}
	}
	return nil
}
