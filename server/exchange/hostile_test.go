package exchange

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"khien/server/feed"
)

// A key that is a part of the address is not told to where a server leads, by whatever header.
func TestAKeyInTheAddressIsNotToldToAnotherServer(t *testing.T) {
	d := open(t)
	told := ""
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told = fmt.Sprint(r.URL, r.Header)
		io.WriteString(w, "a.example\n")
	}))
	defer other.Close()
	d.served("one", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
		func(s *Source) { s.Address += "?key={key}" })
	d.roots.AddCert(other.Certificate())
	if err := d.SetCredentials(t.Context(), "mai", "one", Credentials{Key: "s3cret"}); err != nil {
		t.Fatal(err)
	}
	d.runs("one")
	if told == "" || strings.Contains(told, "s3cret") {
		t.Errorf("another server was told %q", told)
	}
}

// How a list is read, and to whom it may be told, counts from the next run on, though the server says that the list is
// the same.
func TestAnotherReadingOfAnUnchangedList(t *testing.T) {
	d := open(t)
	d.served("one", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		io.WriteString(w, "a.example\n")
	}, nil)
	d.runs("one")
	s, err := d.Get(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	s.TLP = feed.AmberStrict
	if err := d.Edit(t.Context(), "mai", s.Source); err != nil {
		t.Fatal(err)
	}
	if r := d.runs("one"); r.State != Accepted || r.Numbers.Changed != 1 {
		t.Errorf("%+v", r)
	}
	d.expect()
}

// swollenZip is an archive whose directory names a file again and again.
func swollenZip(t *testing.T, files int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if _, err := w.Create("a"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	all := b.Bytes()
	at := bytes.Index(all, []byte("PK\x01\x02"))
	end := bytes.Index(all, []byte("PK\x05\x06"))
	directory := bytes.Repeat(all[at:end], files)
	last := bytes.Clone(all[end:])
	binary.LittleEndian.PutUint16(last[8:], uint16(files))
	binary.LittleEndian.PutUint16(last[10:], uint16(files))
	binary.LittleEndian.PutUint32(last[12:], uint32(len(directory)))
	return append(append(bytes.Clone(all[:at]), directory...), last...)
}

// An archive that says to have millions of files is refused without a list of them.
func TestAnArchiveOfMillionsTakesNoMemory(t *testing.T) {
	d := open(t)
	bomb := swollenZip(t, 1<<20+7)
	for _, format := range []string{"lines", "xlsx"} {
		d.served(format, func(w http.ResponseWriter, r *http.Request) { w.Write(bomb) }, func(s *Source) {
			if s.Preset.Format = format; format == "xlsx" {
				s.Preset.Header, s.Preset.Value = true, feed.Values{"url"}
			}
		})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := d.Run(t.Context(), "mai", format, nil)
		runtime.ReadMemStats(&after)
		if taken := (after.TotalAlloc - before.TotalAlloc) >> 20; err == nil || taken > 250 {
			t.Errorf("%s: %d MB, %v", format, taken, err)
		}
		if format == "lines" && !errors.Is(err, errPacked) {
			t.Error(err)
		}
	}
}
