package public

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"khien/server/blob"
	"khien/server/db/dbtest"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/office"
	"khien/server/office/officetest"
	"khien/server/publish"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/subject"
)

// What the figures cost each ten minutes with a hundred thousand entries, and a question to the register.
func BenchmarkSite(b *testing.B) {
	dir := b.TempDir()
	s := &Site{Log: slog.New(slog.DiscardHandler)}
	var err error
	base := officetest.Open(b, office.Tables...)
	s.Ledger, s.Desk = ledger.Open(base), triage.Open(base)
	s.Takedowns = takedown.Open(base, s.Desk)
	if s.Inbox, err = inbox.Open(dbtest.Place(b, "inbox.db")); err != nil {
		b.Fatal(err)
	}
	defer s.Inbox.Close()
	list := make([]ledger.Indicator, 100_000)
	for i := range list {
		list[i] = ledger.Indicator{Subject: subject.Subject(fmt.Sprintf("scam-%06d.example/", i)), Category: category.Shop, Source: "invented list", Reason: map[string]string{"en": "never delivers"}}
	}
	if _, _, err := s.Ledger.Import(b.Context(), "mai", list); err != nil {
		b.Fatal(err)
	}
	blobs, err := blob.Open(filepath.Join(dir, "published"))
	if err != nil {
		b.Fatal(err)
	}
	if err := publish.InitKeys(filepath.Join(dir, "keys"), filepath.Join(dir, "root.key"), time.Now().Unix()); err != nil {
		b.Fatal(err)
	}
	keys, err := publish.LoadKeys(filepath.Join(dir, "keys"))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := (&publish.Publisher{Ledger: s.Ledger, Blobs: blobs, Keys: keys}).Publish(b.Context(), time.Now().Unix()); err != nil {
		b.Fatal(err)
	}
	s.Shelf = &publish.Shelf{Blobs: blobs, Ledger: s.Ledger, Root: keys.Root}
	b.Run("figures", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.countAnew(b.Context(), time.Now().Unix()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("question", func(b *testing.B) {
		for b.Loop() {
			if p := s.LookUp(b.Context(), "vi", form("about", "https://pay.scam-050000.example/a/b?c=d")); p.Status != 200 {
				b.Fatal(p.Status)
			}
		}
	})
}
