package official

import (
	"strings"
	"testing"
)

const accounts = `
bank-of-inventions.example | Bank of Inventions; Ngân hàng Sáng chế | facebook:user/inventedbank facebook:id/900000000000001 youtube:handle/inventedbank | VN
ministry-of-ideas.example  | Bộ Sáng kiến                           | facebook:user/ideas
momi.vn                    | MoMi
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
	// Who speaks about them does not speak as them, and whose accounts nobody knows is nobody.
	f("I work at Bank of Inventions | Facebook", "", "facebook:user/a")
	f("Customers of the Bank of Inventions", "", "facebook:group/a")
	f("MoMi hỗ trợ", "", "facebook:user/a")
	f("", "", "facebook:user/a")
	f("Bank of Inventions", "")
	for account, want := range map[string]string{facebook: "Bank of Inventions", "facebook:user/ideas": "Bộ Sáng kiến", "facebook:user/a": ""} {
		if got, ok := b.AccountOwner([]string{"facebook:user/b", account}); got != want || ok != (want != "") {
			t.Errorf("%s is of %q, %t; want %q", account, got, ok, want)
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
		"a.example | A | facebook:user/a | VN | more", "a.example | A |" + strings.Repeat(" facebook:user/a", maxAccounts+1),
	} {
		if _, err := Read(strings.NewReader(line)); err == nil {
			t.Errorf("%q was read", line)
		}
	}
}
