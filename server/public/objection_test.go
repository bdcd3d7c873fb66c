package public

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"khien/server/audit"
	"khien/server/triage"
)

func TestAnObjectionToItsEnd(t *testing.T) {
	w := newWorld(t)
	w.lists("shop.example/", map[string]string{"en": "never delivers"})
	blank := w.Appeal("en", noTickets)
	w.sees(blank, 200, "within 3 working days")
	id := regexp.MustCompile(`name="id" value="([0-9a-f]{32})"`).FindSubmatch(blank.Body)
	if id == nil || blank.Cache != "no-store" {
		t.Fatalf("no id in the form, or it is kept: %q", blank.Cache)
	}
	send := func(fields ...string) Page {
		return w.TakeAppeal(t.Context(), "vi", form(fields...), noTickets, []byte("source"), time.Now().Unix())
	}
	mine := []string{"id", string(id[1]), "about", "https://shop.example/about", "note", "It is mine.\r\nAsk the trade register."}
	p := send(mine...)
	w.sees(p, 200, "Chúng tôi đã nhận khiếu nại", "shop.example")
	receipt := number.FindString(text(p))
	if receipt == "" {
		t.Fatal("there is no number")
	}
	// The same form again, as when a page is loaded anew, is the same objection.
	if again := number.FindString(text(send(mine...))); again != receipt {
		t.Errorf("sent twice it has the numbers %s and %s", receipt, again)
	}
	if _, total, _ := w.Inbox.List(t.Context(), "", 10); total != 1 {
		t.Errorf("%d reports", total)
	}
	// With other words it is mended; about something else it is another one, which takes a new form.
	mine[5] = "other words"
	if again := number.FindString(text(send(mine...))); again != receipt {
		t.Errorf("mended it has the number %s", again)
	}
	w.lists("third.example/", nil)
	w.sees(send("id", string(id[1]), "about", "third.example", "note", "these words"), 409, "đã được dùng", "these words")

	// It is a report of a mistake, in its case, with the clock running.
	if _, err := w.Desk.Gather(t.Context(), w.Inbox); err != nil {
		t.Fatal(err)
	}
	waiting, err := w.Desk.First(t.Context(), triage.PartAppealed, 100)
	if err != nil || len(waiting) != 1 || waiting[0].Subject != "shop.example/" {
		t.Fatalf("%+v, %v", waiting, err)
	}
	ask := func(lang, number string) Page { return w.Receipt(t.Context(), lang, form("number", number)) }
	w.sees(ask("en", receipt), 200, "A person has not answered yet", "Answer by", "!We are late")
	w.sees(ask("en", " "+strings.ToUpper(strings.ReplaceAll(receipt, " ", "-"))+" "), 200, "A person has not answered yet")

	_, err = w.Desk.Decide(t.Context(), waiting[0].ID, triage.Decision{Actor: "linh", Action: triage.Withdraw, Lists: triage.Only("shop.example/"),
		Reason: map[string]string{"en": "an honest shop", "vi": "cửa hàng thật"}})
	var cases []triage.Case
	if err == nil {
		cases, err = w.Desk.Pending(t.Context())
	}
	if err == nil {
		err = w.Desk.Settle(t.Context(), w.Ledger, w.Inbox, cases)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.publishes()
	w.sees(ask("vi", receipt), 200, "Bạn đúng", "cửa hàng thật", "!Trả lời trước")
	w.sees(ask("en", receipt), 200, "You were right", "an honest shop")
	w.sees(w.LookUp(t.Context(), "en", form("about", "shop.example")), 200, "Taken off the list", "an honest shop")
}

func TestAnObjectionThatIsRefused(t *testing.T) {
	w := newWorld(t)
	w.lists("shop.example/", nil)
	p := w.TakeAppeal(t.Context(), "en", form("id", newTurn(noTickets).ID, "about", "shop.example", "note", "mine"), noTickets, nil, time.Now().Unix()-8*day)
	receipt := number.FindString(text(p))
	w.Desk.Gather(t.Context(), w.Inbox)
	w.sees(w.Receipt(t.Context(), "en", form("number", receipt)), 200, "We are late")
	waiting, err := w.Desk.First(t.Context(), triage.PartAppealed, 100)
	if err != nil || len(waiting) != 1 {
		t.Fatalf("%+v, %v", waiting, err)
	}
	if _, err := w.Desk.Uphold(t.Context(), w.Inbox, waiting[0].ID, "linh", map[string]string{"en": "it still cheats", "vi": "vẫn lừa"}, audit.Why{}); err != nil {
		t.Fatal(err)
	}
	w.sees(w.Receipt(t.Context(), "vi", form("number", receipt)), 200, "vẫn ở trong danh sách", "vẫn lừa")

	// It leaves the list later, for another reason, and is not said to stay there.
	w.withdraws("shop.example/", nil)
	w.sees(w.Receipt(t.Context(), "en", form("number", receipt)), 200, "it is not listed", "!it stays on the list", "!it still cheats")
}

func TestObjectionsThatAreNone(t *testing.T) {
	w := newWorld(t)
	w.lists("shop.example/", nil)
	f := func(want string, status int, fields ...string) {
		t.Helper()
		w.sees(w.TakeAppeal(t.Context(), "en", form(fields...), noTickets, nil, time.Now().Unix()), status, want)
	}
	f("Nothing on the list is about this", 422, "id", newTurn(noTickets).ID, "about", "honest.example", "note", "x")
	f("Write down why", 422, "id", newTurn(noTickets).ID, "about", "shop.example", "note", " \n ")
	f("at most 2,000 bytes", 422, "id", newTurn(noTickets).ID, "about", "shop.example", "note", strings.Repeat("x", 2001))
	f("at most 2,000 bytes", 422, "id", newTurn(noTickets).ID, "about", "shop.example", "note", "\xff")
	f("used already", 422, "about", "shop.example", "note", "x")
	f("used already", 422, "id", "zz", "about", "shop.example", "note", "x")
	f("names nothing", 422, "id", newTurn(noTickets).ID, "about", "what is this", "note", "x")
	if _, total, _ := w.Inbox.List(t.Context(), "", 10); total != 0 {
		t.Errorf("%d reports", total)
	}
	for _, bad := range []string{"", "0000", strings.Repeat("0", 32), strings.Repeat("z", 32), "%", strings.Repeat("0", 5000)} {
		w.sees(w.Receipt(t.Context(), "en", form("number", bad)), 404, "no such number")
	}
}
