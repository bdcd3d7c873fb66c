package partner

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"khien/server/audit"
	"khien/server/db/dbtest"
	"khien/server/ledger"
	"khien/server/office/officetest"
	"khien/server/triage"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// house is a store with a clock of its own.
type house struct {
	*Store
	t  testing.TB
	at time.Time
}

func open(t testing.TB) *house {
	t.Helper()
	office := officetest.Open(t, ledger.Tables, triage.Tables, Tables)
	h := &house{Store: Open(office, triage.Open(office)), t: t, at: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}
	h.now = func() time.Time { return h.at }
	return h
}

func person(name string) Actor { return Actor{Name: name} }

// agreed makes an agreement that two have agreed on.
func (h *house) agreed(a Agreement) {
	h.t.Helper()
	p, err := h.Propose(h.t.Context(), person("mai"), a)
	if err == nil {
		_, err = h.Agree(h.t.Context(), person("linh"), p.ID)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) wants(err, want error) {
	h.t.Helper()
	if !errors.Is(err, want) {
		h.t.Fatalf("%v, not %v", err, want)
	}
}

func TestTwoPeopleAgree(t *testing.T) {
	h, ctx := open(t), t.Context()
	p, err := h.Propose(ctx, person("mai"), agreed(nil))
	h.wants(err, nil)
	_, err = h.Get(ctx, "bank-one")
	h.wants(err, ErrNotFound)
	_, err = h.Propose(ctx, person("linh"), agreed(nil))
	h.wants(err, ErrProposed)
	_, err = h.Agree(ctx, person("mai"), p.ID)
	h.wants(err, ErrSame)
	_, err = h.Agree(ctx, Actor{Name: "root (shell)", Shell: true}, p.ID)
	h.wants(err, ErrSame)
	if needs, err := h.Agree(ctx, person("linh"), p.ID); err != nil || needs != 0 {
		t.Fatal(needs, err)
	}
	s, err := h.Get(ctx, "bank-one")
	if err != nil || s.Version != 1 || !slices.Equal(s.People, []string{"mai", "linh"}) || !s.Stands(h.at.Unix()) {
		t.Errorf("%+v, %v", s, err)
	}
	_, err = h.Agree(ctx, person("linh"), p.ID)
	h.wants(err, ErrNothing)
}

// Whoever has the command line may also be somebody of the console: proposing there and agreeing here is one person.
func TestTheCommandLineIsNoSecondPerson(t *testing.T) {
	h, ctx := open(t), t.Context()
	p, err := h.Propose(ctx, Actor{Name: "mai (shell)", Shell: true}, agreed(nil))
	h.wants(err, nil)
	if needs, err := h.Agree(ctx, person("mai"), p.ID); err != nil || needs != 1 {
		t.Fatal(needs, err)
	}
	_, err = h.Get(ctx, "bank-one")
	h.wants(err, ErrNotFound)
	_, err = h.Agree(ctx, person("mai"), p.ID)
	h.wants(err, ErrSame)
	if needs, err := h.Agree(ctx, person("linh"), p.ID); err != nil || needs != 0 {
		t.Fatal(needs, err)
	}
}

func TestAChangeIsOfWhatWasSeen(t *testing.T) {
	h, ctx := open(t), t.Context()
	h.agreed(agreed(nil))
	wider := agreed(func(a *Agreement) { a.Personal = map[string]Personal{"phone": Plain} })
	p, err := h.Propose(ctx, person("mai"), wider)
	h.wants(err, nil)
	if s, _ := h.Get(ctx, "bank-one"); s.Personal != nil {
		t.Error("a proposal holds already")
	}
	h.wants(h.Stop(ctx, person("linh"), p.ID), nil)
	_, err = h.Agree(ctx, person("linh"), p.ID)
	h.wants(err, ErrNothing)
	h.agreed(wider)
	if s, _ := h.Get(ctx, "bank-one"); s.Version != 2 || s.Personal["phone"] != Plain {
		t.Errorf("%+v", s)
	}
}

func TestOnePersonEndsItAtOnce(t *testing.T) {
	h, ctx := open(t), t.Context()
	h.agreed(agreed(nil))
	key, err := h.MakeKey(ctx, person("mai"), "bank-one", ToRead)
	h.wants(err, nil)
	h.wants(h.End(ctx, person("mai"), "bank-one"), nil)
	_, err = h.Admit(ctx, "Bearer "+key, ToRead)
	h.wants(err, ErrKey)
	_, err = h.MakeKey(ctx, person("mai"), "bank-one", ToRead)
	h.wants(err, ErrEnded)
	h.wants(h.End(ctx, person("mai"), "bank-one"), ErrEnded)
	h.agreed(agreed(nil)) // again, by two
	_, err = h.Admit(ctx, "Bearer "+key, ToRead)
	h.wants(err, nil)
}

func TestWhereOnePersonRunsItNobodyElseMustAgree(t *testing.T) {
	h := open(t)
	p, err := h.Propose(t.Context(), Actor{Name: "mai (shell)", Shell: true, Alone: true}, agreed(nil))
	if err != nil || p.ID != 0 {
		t.Fatalf("%+v, %v", p, err)
	}
	if s, err := h.Get(t.Context(), "bank-one"); err != nil || s.Version != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestAKeyIsGoodForWhatItWasMade(t *testing.T) {
	h, ctx := open(t), t.Context()
	h.agreed(agreed(nil))
	h.agreed(agreed(func(a *Agreement) { a.Name = "bank-two" }))
	key, err := h.MakeKey(ctx, person("mai"), "bank-one", ToRead)
	h.wants(err, nil)
	f := func(authorization string, scope Scope, want error) {
		t.Helper()
		s, err := h.Admit(ctx, authorization, scope)
		if !errors.Is(err, want) || err == nil && s.Name != "bank-one" {
			t.Errorf("%.12s…: %v, %v", authorization, s.Name, err)
		}
	}
	basic := func(name, key string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+key))
	}
	f("Bearer "+key, ToRead, nil)
	f("bearer  "+key, ToRead, nil)
	f("Token "+key, ToRead, nil)
	f(basic("bank-one", key), ToRead, nil)
	f(basic("bank-two", key), ToRead, ErrKey)
	f(basic("", key), ToRead, ErrKey)
	f("Bearer "+key, ToAnswer, ErrKey)
	f("Bearer "+key[:len(key)-1], ToRead, ErrKey)
	f("Bearer "+strings.ToUpper(key), ToRead, ErrKey)
	f("Digest "+key, ToRead, ErrKey)
	f("Basic !", ToRead, ErrKey)
	f("", ToRead, ErrKey)
	f("Bearer "+key+strings.Repeat(" ", maxAuthorization), ToRead, ErrKey)
	h.at = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	f("Bearer "+key, ToRead, ErrKey)
	h.at = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	keys, err := h.Keys(ctx, "bank-one")
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	h.wants(h.Revoke(ctx, person("mai"), "bank-two", keys[0].ID), ErrNoKey)
	h.wants(h.Revoke(ctx, person("mai"), "bank-one", keys[0].ID), nil)
	f("Bearer "+key, ToRead, ErrKey)
	if err := h.Revoke(ctx, person("mai"), "bank-one", keys[0].ID); err == nil {
		t.Error("it was revoked twice")
	}
}

func TestWhoAsksTooOftenWaits(t *testing.T) {
	h, ctx := open(t), t.Context()
	h.agreed(agreed(nil))
	key, err := h.MakeKey(ctx, person("mai"), "bank-one", ToRead)
	h.wants(err, nil)
	for range burst {
		_, err := h.Admit(ctx, "Bearer "+key, ToRead)
		h.wants(err, nil)
	}
	_, err = h.Admit(ctx, "Bearer "+key, ToRead)
	h.wants(err, ErrBusy)
	h.at = h.at.Add(time.Second)
	_, err = h.Admit(ctx, "Bearer "+key, ToRead)
	h.wants(err, nil)
}

func TestEachPartnerHasADigestKeyOfItsOwn(t *testing.T) {
	h := open(t)
	one, err1 := h.Digests("bank-one")
	again, err2 := h.Digests("bank-one")
	other, err3 := h.Digests("bank-two")
	if errors.Join(err1, err2, err3) != nil || !slices.Equal(one, again) || slices.Equal(one, other) || len(one) != 32 {
		t.Error(one, again, other, err1, err2, err3)
	}
}

func TestAllOfItStandsInTheLog(t *testing.T) {
	h, ctx := open(t), t.Context()
	h.agreed(agreed(nil))
	key, err := h.MakeKey(ctx, person("mai"), "bank-one", ToRead)
	h.wants(err, nil)
	keys, err := h.Keys(ctx, "bank-one")
	h.wants(err, nil)
	h.wants(h.Revoke(ctx, person("linh"), "bank-one", keys[0].ID), nil)
	h.wants(h.End(ctx, person("linh"), "bank-one"), nil)
	var got []string
	for a, err := range h.desk.Acts(ctx, audit.Filter{}) {
		h.wants(err, nil)
		if a.Object.Kind == audit.OfPartner {
			got = append(got, a.Actor+" "+string(a.Verb)+" "+a.Object.ID)
		}
	}
	want := []string{"mai propose-partner bank-one", "linh agree-partner bank-one", "mai make-partner-key bank-one", "linh revoke-partner-key bank-one", "linh end-partner bank-one"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	_ = key
}
