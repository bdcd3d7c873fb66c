package subject

import (
	"slices"
	"strings"
)

// How groups of digits become numbers, and which of them are sums of money.

// numeral is one of the numbers in a token.
type numeral struct {
	digits, raw string
	iban        Subject
}

// numbersIn are the numbers in a token, without sums of money.
func (r *reader) numbersIn(t *token, unit, glued bool) []numeral {
	groups := r.groups[t.from:t.to]
	if unit {
		groups = groups[:r.sumAt(groups, glued)]
	}
	if len(groups) == 0 {
		return nil
	}
	whole := r.join(groups)
	if len(whole.digits) == 26 { // of Poland, without its letters
		if s := fromIBAN("PL" + whole.digits); s != "" {
			return []numeral{{iban: s}}
		}
		return nil
	}
	if n := len(groups); n > 1 && len(r.join(groups[:n-1]).digits) >= 8 && r.size(groups[n-1]) >= 5 && isRound(r.join(groups[n-1:]).digits) {
		groups = groups[:n-1]
		whole = r.join(groups)
	}
	if len(whole.digits) <= 15 {
		return []numeral{whole}
	}
	var several []numeral // telephone numbers one behind the other
	for from, to := 0, 1; to <= len(groups); to++ {
		one := r.join(groups[from:to])
		if _, ok := appendVietnamese(nil, one.digits); ok {
			several = append(several, one)
			from = to
			if from == len(groups) {
				return several
			}
		}
	}
	if len(whole.digits) <= maxAccount {
		return []numeral{whole}
	}
	return nil
}

func (r *reader) size(group [2]int) int { return group[1] - group[0] }

func (r *reader) join(groups [][2]int) numeral {
	var b strings.Builder
	for _, g := range groups {
		b.WriteString(r.text[g[0]:g[1]])
	}
	return numeral{digits: b.String(), raw: r.text[groups[0][0]:groups[len(groups)-1][1]]}
}

// sumAt is where among groups of digits a sum of money begins that ends with them; behind them if there is none.
func (r *reader) sumAt(groups [][2]int, glued bool) int {
	j := len(groups) - 1
	for j > 0 {
		size, before := r.size(groups[j]), r.size(groups[j-1])
		between := r.text[groups[j-1][1]:groups[j][0]]
		thousands := size == 3 && before <= 3 && (r.text[groups[j][0]] == '0' || between == "." || before < 3)
		if !thousands && !(between == "." && before <= 2 && size < 3) {
			break
		}
		j--
	}
	most := 9
	if glued {
		most = 12
	}
	if r.text[groups[j][0]] == '0' && r.size(groups[j]) > 1 || r.size(groups[j]) > most {
		return len(groups)
	}
	return j
}

// isRound tells a number that is rather a sum of money: thousands, and nothing below them.
func isRound(digits string) bool {
	return len(digits) <= 9 && strings.HasSuffix(digits, "000") && digits[0] != '0'
}

// isSum tells the same of one that is written with points.
func isSum(raw string) bool {
	groups := strings.FieldsFunc(raw, func(c rune) bool { return c == '.' || c == ',' || c == ' ' })
	n := len(groups)
	if n < 2 || len(groups[0]) > 3 || groups[0][0] == '0' {
		return false
	}
	if few := n == 3 && len(groups[0]) < 3 && !strings.Contains(raw, " "); !few && !strings.HasSuffix(groups[n-1], "00") { // 12.345.678
		return false
	}
	return !slices.ContainsFunc(groups[1:], func(group string) bool { return len(group) != 3 || !digits(group) })
}
