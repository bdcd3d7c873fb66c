package staff

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/go-webauthn/webauthn/webauthn"
)

func open(t *testing.T) *Book {
	t.Helper()
	b, err := Open(filepath.Join(t.TempDir(), "staff.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func invite(t *testing.T, b *Book, name string, role Role) string {
	t.Helper()
	link, err := b.Invite(t.Context(), name, role)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

func TestALinkIsGoodOnce(t *testing.T) {
	b, ctx := open(t), t.Context()
	link := invite(t, b, "mai", Admin)
	p, err := b.Invited(ctx, link)
	if err != nil || p.Name != "mai" || p.Role != Admin || len(p.Passkeys) != 0 {
		t.Fatalf("%+v, %v", p, err)
	}
	if err := b.Enrol(ctx, link, webauthn.Credential{ID: []byte("a")}); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"used twice": b.Enrol(ctx, link, webauthn.Credential{ID: []byte("b")}),
		"made up":    b.Enrol(ctx, "AAAA", webauthn.Credential{ID: []byte("c")}),
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
	if _, err := b.db.Exec(`UPDATE invitation SET expires = expires - 86401`); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Invited(ctx, link); !errors.Is(err, ErrNotFound) {
		t.Errorf("a link of yesterday: %v", err)
	}
	if err := b.Enrol(ctx, link, webauthn.Credential{ID: []byte("a")}); !errors.Is(err, ErrNotFound) {
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
	if err := b.Leave(ctx, "linh"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ByHandle(ctx, p.Handle); !errors.Is(err, ErrNotFound) {
		t.Errorf("came in after leaving: %v", err)
	}
	if _, err := b.Invited(ctx, link); !errors.Is(err, ErrNotFound) {
		t.Errorf("an old link still works: %v", err)
	}
	if err := b.Leave(ctx, "mai"); !errors.Is(err, ErrLast) {
		t.Errorf("the last admin left: %v", err)
	}
	if _, err := b.Invite(ctx, "mai", Auditor); !errors.Is(err, ErrLast) {
		t.Errorf("the last admin became an auditor: %v", err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	b, ctx := open(t), t.Context()
	if _, err := b.Invite(ctx, "mai", Maintainer); !errors.Is(err, ErrLast) {
		t.Errorf("the first is no admin: %v", err)
	}
	for _, name := range []string{"", "m", "Mai", "mai linh", "<b>", "1mai"} {
		if _, err := b.Invite(ctx, name, Admin); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v, want ErrName", name, err)
		}
	}
	if _, err := b.Invite(ctx, "mai", "king"); !errors.Is(err, ErrRole) {
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
	if err := b.Enrol(ctx, kept, webauthn.Credential{ID: []byte("x")}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a link that was replaced: %v", err)
	}
	p, err := b.Invited(ctx, given)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Enrol(ctx, given, webauthn.Credential{ID: []byte("a")}); err != nil {
		t.Fatal(err)
	}
	if link := invite(t, b, "linh", Approver); link != "" {
		t.Error("there is a link to another passkey")
	}
	if p, err = b.ByHandle(ctx, p.Handle); err != nil || p.Role != Approver || len(p.Passkeys) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	// The person may make one more, and remove it, but not the last.
	link, err := b.Another(ctx, p.Handle)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Enrol(ctx, link, webauthn.Credential{ID: []byte("b")}); err != nil {
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
	if err := b.Leave(ctx, "linh"); err != nil {
		t.Fatal(err)
	}
	if link := invite(t, b, "linh", Maintainer); link == "" {
		t.Error("there is no link for who has left")
	}
}
