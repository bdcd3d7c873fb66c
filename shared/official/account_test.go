package official

import (
	"strings"
	"testing"
)

const accounts = `
bank-of-inventions.example | Bank of Inventions; Ngân hàng Sáng chế | facebook:user/inventedbank facebook:id/900000000000001 youtube:handle/inventedbank | VN
ministry-of-ideas.example  | Bộ Sáng kiến                           | facebook:user/ideas
momi.vn                    | MoMi | facebook:user/momi | VN
agro.example               | AGRO
parcels.example            | Parcels of the World | facebook:user/parcels+ x:user/parcelsus+
| Ann Invented; An Bịa     | x:user/anninvented facebook:user/anninvented+
`

func TestAnAccountThatIsNotTheirs(t *testing.T) {
	b, err := Read(strings.NewReader(accounts))
	if err != nil {
		t.Fatal(err)
	}
	f := func(title, real string, called ...string) {
		t.Helper()
		got, ok := b.Account(title, called)
		if ok != (real != "") || got.Account != real || ok && got.Rule != Account {
			t.Errorf("%q of %v passes itself off as %+v, %t; want %s", title, called, got, ok, real)
		}
	}
	const facebook, youtube, telegram = "facebook:user/inventedbank", "youtube:handle/inventedbank", "telegram:user/a"
	// Their name on a platform where their account is known, and this is another one.
	f("Bank of Inventions | Facebook", facebook, "facebook:user/a")
	f("(3) Bank of Inventions - Trang chủ | Facebook", facebook, "facebook:id/900000000000009")
	f("Ngân Hàng Sáng Chế", facebook, "facebook:group/a")
	f("Ngan hang Sang che Official", facebook, "facebook:user/a")
	f("Bank of Inventions - YouTube", youtube, "youtube:handle/a")
	f("BΑNK OF INVENTΙΟNS - hỗ trợ", facebook, "facebook:user/a") // Greek letters
	f("Bank 0f Inventi0ns", facebook, "facebook:user/a")
	for _, title := range []string{
		"Bank of Inventionѕ", "Bаnк of Inventions", "Ｂａｎｋ ｏｆ Ｉｎｖｅｎｔｉｏｎｓ", "𝗕𝗮𝗻𝗸 of Inventions", "ʙᴀɴᴋ ᴏꜰ ɪɴᴠᴇɴᴛɪᴏɴꜱ", "🅑🅐🅝🅚 of Inventions",
		"Bank\u200b of Inven\u200btions", "Bank of Inven\u00adtions", "BankofInventions", "B a n k of Inventions", "Bank-of-Inventions", "★ Bank of Inventions ★", "Bank of Inventions ✅",
		"Bank of Inventions ✓ Verified", "Bank of Inventions CSKH 24h", "Hỗ trợ khách hàng Bank of Inventions 24/7", "Chăm sóc khách hàng 24/7 Bank of Inventions", "Tuyển cộng tác viên Bank of Inventions", "Bank of Inventions trúng thưởng", "Bánk Of Ínventions", "NGÂN HÀNG TMCP SÁNG CHẾ", "Ngan Hang Sang Che Viet Nam",
		"Bank of Inventions Fanpage", "@Bank_of_Inventions",
	} {
		f(title, facebook, "facebook:user/a")
	}
	// Where they have more accounts than these, theirs may go by the plain name; by what only a swindler says, or hides,
	// none does.
	const parcels = "facebook:user/parcels"
	f("Parcels of the World", "", "facebook:user/parcelsvietnam")
	f("Parcels of the World Việt Nam", "", "facebook:user/parcelsvietnam")
	f("Parcels of the World - hoàn tiền", parcels, "facebook:user/a")
	f("Parcels of the Wor\u200bld", parcels, "facebook:user/a")
	f("Parcels of the World", "", "tiktok:user/a")
	f("Parcels of the World refund", "x:user/parcelsus", "x:user/a")
	// By the name that the account is called by, whatever its page says.
	f("Hỗ trợ khách hàng 24/7", facebook, "facebook:user/bankofinventionshotro")
	f("", "x:user/parcelsus", "x:user/parcelsoftheworld_refund")
	f("Parcels of the World", "", "x:user/parcelsoftheworld_uk")
	// A short name is that of others too, unless something says who is meant.
	f("Momi", "", "facebook:user/a")
	f("Momi Shop", "", "facebook:group/a")
	f("Momis", "", "facebook:user/a")
	f("MoMi hỗ trợ", "facebook:user/momi", "facebook:user/a")
	f("Momi Official", "facebook:user/momi", "facebook:user/a")
	// A person has no host. Others have pages about them, and the same name.
	f("Ann Invented (@anninvented1) / X", "x:user/anninvented", "x:user/anninvented1")
	f("Ann Invented Giveaway", "facebook:user/anninvented", "facebook:user/a")
	f("Ann Invented", "", "facebook:user/a")
	f("An Bia tặng quà", "facebook:user/anninvented", "facebook:user/a")
	f("Ann Invented", "", "x:user/anninvented")
	// The real ones, by any of their names.
	f("Bank of Inventions | Facebook", "", facebook)
	f("Bank of Inventions", "", "facebook:id/900000000000001")
	f("Bank of Inventions", "", "facebook:id/900000000000009", facebook) // evidence in the page
	// Where the book has no account of theirs, they may have one.
	f("Telegram: Contact @a", "", telegram)
	f("Bank of Inventions", "", telegram)
	f("Bank of Inventions Official", "", telegram)
	f("Bank of Inventions Hỗ trợ 24", facebook, telegram)
	f("Bank of Inventions CSKH", facebook, telegram)
	f("Bank of Іnventions", facebook, telegram) // a Cyrillic letter
	f("Bộ Sáng Kiến", "", "zalo:oa/9000000000000000001")
	f("Bo Sang kien xac minh", "facebook:user/ideas", "zalo:oa/9000000000000000001")
	// Who speaks about them does not speak as them.
	f("I work at Bank of Inventions | Facebook", "", "facebook:user/a")
	f("Customers of the Bank of Inventions", "", "facebook:group/a")
	f("", "", "facebook:user/a")
	f("Bank of Inventions", "")
	for account, want := range map[string]string{facebook: "Bank of Inventions", "facebook:user/ideas": "Bộ Sáng kiến", "facebook:user/a": ""} {
		if got, ok := b.AccountOwner([]string{"facebook:user/b", account}); got != want || ok != (want != "") {
			t.Errorf("%s is of %q, %t; want %q", account, got, ok, want)
		}
	}
}

// Somebody whose accounts nobody knows has none that would help or give; the real one is a host.
func TestAnAccountOfSomebodyWhoHasNoneInTheBook(t *testing.T) {
	b, err := Read(strings.NewReader(accounts))
	if err != nil {
		t.Fatal(err)
	}
	for title, want := range map[string]string{"AGRO": "", "AGRO Việt Nam": "", "AGRO hỗ trợ": "agro.example", "ΑGRΟ": "agro.example"} {
		if got, ok := b.Account(title, []string{"facebook:user/a"}); got.Official != want || ok != (want != "") || got.Account != "" {
			t.Errorf("%q passes itself off as %+v, %t; want %q", title, got, ok, want)
		}
	}
}

func TestWhomAPageAboutAPersonResembles(t *testing.T) {
	b, err := Read(strings.NewReader(accounts))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Ann Invented": "", "Ann Invented - news": "", "Ann Invented Airdrop": "x:user/anninvented", "Ann Ιnvented": "x:user/anninvented"} {
		got, ok := b.Name(name, "a.example")
		if got.Official != want || got.Account != want || ok != (want != "") {
			t.Errorf("%q resembles %+v, %t; want %q", name, got, ok, want)
		}
	}
	if r, ok := b.Host("anninvented.example"); ok {
		t.Errorf("a host resembles %+v", r)
	}
}

func TestWhomALineIsAbout(t *testing.T) {
	for line, want := range map[string]string{
		"a.example b.example | A | facebook:user/a": "a.example", "| A | x:user/a+ x:user/b | VN": "x:user/a", " |A| ": "", "": "", "a.example": "a.example",
	} {
		if got := Who(line); got != want {
			t.Errorf("%q is about %q, want %q", line, got, want)
		}
	}
}

func TestTheNameInATitle(t *testing.T) {
	for title, want := range map[string]string{
		"A Bank | Facebook": "A Bank", "(20+) A Bank | Facebook": "A Bank", "A Bank (@abank) • Instagram photos and videos": "A Bank",
		"A Bank (@abank) | TikTok": "A Bank", "A Bank (@abank) / X": "A Bank", "A Bank - YouTube": "A Bank", "Zalo - A Bank": "A Bank",
		"Telegram: Contact @abank": "abank", "A Bank | LinkedIn": "A Bank", "A Bank: Overview | LinkedIn": "A Bank", "  A Bank  ": "A Bank", "": "",
		"(": "(", "(2)": "", "(@": "(@",
	} {
		if got := DisplayName(title); got != want {
			t.Errorf("%q is of %q, want %q", title, got, want)
		}
	}
}

func TestAccountsThatCannotBeRead(t *testing.T) {
	for _, line := range []string{
		"a.example | A | facebook | VN", "a.example | A | facebook:user | VN", "a.example | A | :user/a | VN", "a.example | A | facebook:user/a | vn",
		"a.example | A | facebook:user/a | VN | more", "| A | | VN", "| | facebook:user/a | VN", "a.example | A | facebook:user+ | VN", "a.example | A |" + strings.Repeat(" facebook:user/a", maxAccounts+1),
	} {
		if _, err := Read(strings.NewReader(line)); err == nil {
			t.Errorf("%q was read", line)
		}
	}
}
