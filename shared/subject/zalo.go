package subject

// Zalo shows a person under the telephone number, an official account under a long
// number, and a group under a code, in which case counts.
var zalo = platform{
	is:       hosts(`zalo.me www.zalo.me chat.zalo.me oa.zalo.me m.zalo.me`),
	accounts: zaloAccounts,
	kinds:    map[string]func(string) string{"oa": zaloOA, "group": zaloGroup, "user": zaloUser},
}

var (
	zaloOA    = numeral(12, 22)
	zaloGroup = opaque("-_", 4, 40)
	zaloName  = handle("._-", 3, 40, words(`
		about app business chat contact download features g help home login oa pc policy privacy qr s security
		sticker support terms video web`))
)

// zaloUser: a name with a letter in it; numbers are something else.
func zaloUser(id string) string {
	if id = zaloName(id); digits(id) {
		return ""
	}
	return id
}

func zaloAccounts(dst []Subject, v visit) []Subject {
	if v.word(0) == "g" {
		return add(dst, "zalo:group/", v.at(1), zaloGroup)
	}
	id := v.at(0)
	if v.host == "chat.zalo.me" || v.host == "oa.zalo.me" && !digits(id) {
		return v.addParam(dst, "phone:", "phone", vietnamese)
	}
	if vietnamese(id) != "" {
		return add(dst, "phone:", id, vietnamese)
	}
	if digits(id) {
		return add(dst, "zalo:oa/", id, zaloOA)
	}
	return add(dst, "zalo:user/", id, zaloUser)
}

// vietnamese brings a Vietnamese telephone number, written as 0901234567, 84901234567 or
// +84901234567, into its international form; "" if it is none.
func vietnamese(text string) string {
	if len(text) > 0 && (text[0] == '+' || text[0] == ' ') { // a plus sign in a query is a blank
		text = text[1:]
	}
	switch {
	case !digits(text):
		return ""
	case len(text) == 10 && text[0] == '0':
		text = text[1:]
	case len(text) == 11 && text[:2] == "84":
		text = text[2:]
	default:
		return ""
	}
	if text[0] < '3' { // mobile numbers begin with 3, 5, 7, 8 or 9
		return ""
	}
	return "+84" + text
}
