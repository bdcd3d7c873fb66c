package staff

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"khien/server/db/dbtest"
	"khien/server/office/officetest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func open(t *testing.T) *Store {
	t.Helper()
	return Open(officetest.Open(t, Tables))
}

var shell = Shell("root@shell")

func invite(t *testing.T, b *Store, name string, role Role) string {
	t.Helper()
	link, _, err := b.Invite(t.Context(), shell, name, role)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// enrol makes a passkey, whose id and key are new.
func enrol(t *testing.T, b *Store, link string) Person {
	t.Helper()
	p, err := b.Invited(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	id := []byte(link)
	if err := b.Enrol(t.Context(), link, webauthn.Credential{ID: id, PublicKey: id}); err != nil {
		t.Fatal(err)
	}
	if p, err = b.ByHandle(t.Context(), p.Handle); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestALinkIsGoodOnce(t *testing.T) {
	b, ctx := open(t), t.Context()
	link := invite(t, b, "mai", Admin)
	p, err := b.Invited(ctx, link)
	if err != nil || p.Name != "mai" || p.Role != Admin || len(p.Passkeys) != 0 {
		t.Fatalf("%+v, %v", p, err)
	}
	if err := b.Enrol(ctx, link, webauthn.Credential{ID: []byte("a"), PublicKey: []byte("a")}); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"used twice": b.Enrol(ctx, link, webauthn.Credential{ID: []byte("b"), PublicKey: []byte("b")}),
		"made up":    b.Enrol(ctx, "AAAA", webauthn.Credential{ID: []byte("c"), PublicKey: []byte("c")}),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("a link %s: %v, want ErrNotFound", what, err)
		}
	}
	if p, err := b.ByHandle(ctx, p.Handle); err != nil || len(p.Passkeys) != 1 || string(p.Passkeys[0].ID) != "a" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestALinkIsGoodForADay(t *testing.T) {
	b, ctx := open(t), t.Context()
	link := invite(t, b, "mai", Admin)
	if _, err := b.db.ExecContext(t.Context(), `UPDATE invitation SET expires = expires - 86401`); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Invited(ctx, link); !errors.Is(err, ErrNotFound) {
		t.Errorf("a link of yesterday: %v", err)
	}
	if err := b.Enrol(ctx, link, webauthn.Credential{ID: []byte("a"), PublicKey: []byte("a")}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a link of yesterday: %v", err)
	}
}

func TestWhoHasLeftComesInNoMore(t *testing.T) {
	b, ctx := open(t), t.Context()
	invite(t, b, "mai", Admin)
	link := invite(t, b, "linh", Maintainer)
	p, err := b.Invited(ctx, link)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Leave(ctx, shell, "linh"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ByHandle(ctx, p.Handle); !errors.Is(err, ErrNotFound) {
		t.Errorf("came in after leaving: %v", err)
	}
	if _, err := b.Invited(ctx, link); !errors.Is(err, ErrNotFound) {
		t.Errorf("an old link still works: %v", err)
	}
	if err := b.Leave(ctx, shell, "mai"); !errors.Is(err, ErrLast) {
		t.Errorf("the last admin left: %v", err)
	}
	if _, _, err := b.Invite(ctx, shell, "mai", Auditor); !errors.Is(err, ErrLast) {
		t.Errorf("the last admin became an auditor: %v", err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	b, ctx := open(t), t.Context()
	if _, _, err := b.Invite(ctx, shell, "mai", Maintainer); !errors.Is(err, ErrLast) {
		t.Errorf("the first is no admin: %v", err)
	}
	for _, name := range []string{"", "m", "Mai", "mai linh", "<b>", "1mai"} {
		if _, _, err := b.Invite(ctx, shell, name, Admin); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v, want ErrName", name, err)
		}
	}
	if _, _, err := b.Invite(ctx, shell, "mai", "king"); !errors.Is(err, ErrRole) {
		t.Errorf("%v, want ErrRole", err)
	}
}

// Who decides invites nobody, and who invites decides nothing.
func TestRoles(t *testing.T) {
	for _, role := range Roles {
		if role.May(Invite) && (role.May(Decide) || role.May(Second)) {
			t.Errorf("%s may do both", role)
		}
		if role.May(Second) && !role.May(Decide) {
			t.Errorf("%s may second and not decide", role)
		}
	}
	if Role("king").May(Decide) {
		t.Error("a role that is none may decide")
	}
}

// An admin invites somebody who is in already, or keeps a second link: with either they could come in as that person.
func TestNobodyElseMakesAPasskeyForSomebody(t *testing.T) {
	b, ctx := open(t), t.Context()
	invite(t, b, "mai", Admin)
	kept, given := invite(t, b, "linh", Maintainer), invite(t, b, "linh", Maintainer)
	if err := b.Enrol(ctx, kept, webauthn.Credential{ID: []byte("x"), PublicKey: []byte("x")}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a link that was replaced: %v", err)
	}
	p, err := b.Invited(ctx, given)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Enrol(ctx, given, webauthn.Credential{ID: []byte("a"), PublicKey: []byte("a")}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Invite(ctx, shell, "linh", Approver); !errors.Is(err, ErrTwo) {
		t.Errorf("another role on the command line: %v", err)
	}
	if p, err = b.ByHandle(ctx, p.Handle); err != nil || p.Role != Maintainer || len(p.Passkeys) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	// The person may make one more, and remove it, but not the last.
	link, err := b.Another(ctx, p.Handle)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Enrol(ctx, link, webauthn.Credential{ID: []byte("b"), PublicKey: []byte("b")}); err != nil {
		t.Fatal(err)
	}
	if list, err := b.Passkeys(ctx, p.Handle); err != nil || len(list) != 2 || list[0].Made == 0 || list[0].Used != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if err := b.Forget(ctx, []byte("somebody else"), []byte("a")); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed somebody else's: %v", err)
	}
	if err := b.Forget(ctx, p.Handle, []byte("a")); err != nil {
		t.Fatal(err)
	}
	if err := b.Forget(ctx, p.Handle, []byte("b")); !errors.Is(err, ErrLastPasskey) {
		t.Errorf("removed the last: %v", err)
	}
	// Who has lost it leaves and is invited anew, which locks the one before out.
	if err := b.Leave(ctx, shell, "linh"); err != nil {
		t.Fatal(err)
	}
	if link := invite(t, b, "linh", Maintainer); link == "" {
		t.Error("there is no link for who has left")
	}
}

// What one has proposed goes out by itself only where another one could have stopped it.
func TestWhoCouldStopARelease(t *testing.T) {
	b := open(t)
	now := time.Now().Unix()
	f := func(what, by string, want bool) {
		t.Helper()
		if could, err := b.Opposable(t.Context(), by, now); err != nil || could != want {
			t.Errorf("%s, proposed by %s: %t, %v", what, by, could, err)
		}
	}
	change := func(text string) {
		t.Helper()
		if _, err := b.db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	f("nobody on record", "root@shell", false)
	enrol(t, b, invite(t, b, "mai", Admin))
	change(`UPDATE person SET counts = 1`)
	f("alone", "mai", false)
	f("beside one, who may be the same person", "root@shell", false)
	link := invite(t, b, "linh", Approver)
	f("beside who has never come in", "mai", false)
	enrol(t, b, link)
	f("beside who is new", "mai", false)
	change(`UPDATE person SET counts = 1`)
	f("beside another", "mai", true)
	f("beside two", "root@shell", true)
	for _, puppet := range []Role{Liaison, Auditor} { // whom one person lets in
		change(`UPDATE person SET role = '` + string(puppet) + `' WHERE name = 'linh'`)
		f("beside "+string(puppet), "mai", false)
		f("beside one and "+string(puppet), "root@shell", false)
	}
	change(`UPDATE person SET role = 'approver' WHERE name = 'linh'`)
	change(fmt.Sprintf(`UPDATE person SET suspended = %d WHERE name = 'linh'`, time.Now().Unix()-3600))
	f("right after somebody was locked out", "root@shell", false)
	change(`UPDATE person SET suspended = 1 WHERE name = 'linh'`)
	f("long after the other was locked out", "mai", false)
	f("long after the other was locked out", "root@shell", false)
	change(`UPDATE person SET suspended = 0, gone = 1 WHERE name = 'linh'`)
	f("after the other left", "mai", false)
	change(`UPDATE person SET gone = 0`)
	change(`DELETE FROM passkey`)
	f("where nobody has a passkey", "mai", false)
}

// Whatever page asks for it: who has proposed something does not confirm it, and neither does whom it is about.
func TestWhoProposesDoesNotConfirm(t *testing.T) {
	b, ctx := open(t), t.Context()
	mai := enrol(t, b, invite(t, b, "mai", Admin))
	enrol(t, b, invite(t, b, "linh", Approver))
	for _, name := range []string{"puppet", "mai"} {
		_, p, err := b.Invite(ctx, mai, name, Approver)
		if err != nil || p.ID == 0 {
			t.Fatalf("%s is not proposed: %+v, %v", name, p, err)
		}
		if link, _, err := b.Vouch(ctx, mai, p.ID); !errors.Is(err, ErrSamePerson) || link != "" {
			t.Errorf("%s: %v, want ErrSamePerson", name, err)
		}
	}
}
