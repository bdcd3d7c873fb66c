package evidence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"khien/server/db/dbtest"
	"khien/server/office/officetest"
)

const noon = 1_763_900_000

func TestMain(m *testing.M) { dbtest.Main(m) }

func open(t *testing.T) *Store {
	t.Helper()
	s, err := Open(officetest.Open(t, Tables), filepath.Join(t.TempDir(), "evidence"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// screenshot has a red half and a half that can be seen through.
func screenshot(width, height int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width / 2 {
			m.Set(x, y, color.NRGBA{200, 20, 20, 255})
		}
	}
	return m
}

func asPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAPictureIsKeptWithItsReport(t *testing.T) {
	s := open(t)
	report, other := bytes.Repeat([]byte{1}, 16), bytes.Repeat([]byte{2}, 16)
	p, err := s.Add(t.Context(), report, asPNG(t, screenshot(60, 40)), noon)
	if err != nil || p.Width != 60 || p.Height != 40 || p.Received != noon {
		t.Fatalf("%+v, %v", p, err)
	}
	again, err := s.Add(t.Context(), report, asPNG(t, screenshot(60, 40)), noon+9)
	if err != nil || again.Digest != p.Digest || again.Received != noon {
		t.Errorf("sent again: %+v, %v", again, err)
	}
	if _, err := s.Add(t.Context(), other, asPNG(t, screenshot(60, 40)), noon); err != nil {
		t.Error(err)
	}
	list, err := s.Of(t.Context(), report, other, bytes.Repeat([]byte{3}, 16))
	if err != nil || len(list) != 2 || list[0].Digest != p.Digest || !bytes.Equal(list[1].Report, other) {
		t.Errorf("%+v, %v", list, err)
	}
	body, err := s.Read(p.Digest)
	if err != nil || int64(len(body)) != p.Size {
		t.Fatal(err)
	}
	got, err := jpeg.Decode(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	near := func(x int, want color.RGBA) {
		t.Helper()
		r, g, b, _ := got.At(x, 20).RGBA()
		for _, d := range []int{int(r>>8) - int(want.R), int(g>>8) - int(want.G), int(b>>8) - int(want.B)} {
			if d < -12 || d > 12 {
				t.Errorf("at %d: %d %d %d, want %v", x, r>>8, g>>8, b>>8, want)
			}
		}
	}
	near(10, color.RGBA{200, 20, 20, 255})
	near(50, color.RGBA{255, 255, 255, 255}) // what could be seen through is white
}

func TestAReportHasFewPictures(t *testing.T) {
	s := open(t)
	report := bytes.Repeat([]byte{1}, 16)
	for i := range MaxEach {
		if _, err := s.Add(t.Context(), report, asPNG(t, screenshot(10+i, 10)), noon); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Add(t.Context(), report, asPNG(t, screenshot(99, 10)), noon); !errors.Is(err, ErrEnough) {
		t.Errorf("one more: %v, want ErrEnough", err)
	}
	if _, err := s.Add(t.Context(), report, asPNG(t, screenshot(10, 10)), noon); err != nil {
		t.Errorf("one of them once more: %v", err)
	}
}

func TestManyAtOnce(t *testing.T) {
	s := open(t)
	picture := asPNG(t, screenshot(1200, 800))
	var mu sync.Mutex
	var kept, busy int
	var all sync.WaitGroup
	for i := range 4 * maxWaiting {
		all.Go(func() {
			_, err := s.Add(t.Context(), bytes.Repeat([]byte{byte(i)}, 16), picture, noon)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				kept++
			case errors.Is(err, ErrBusy):
				busy++
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if kept == 0 || kept+busy != 4*maxWaiting {
		t.Errorf("%d kept, %d busy", kept, busy)
	}
}

// chunk is one of a PNG, with its sum.
func chunk(kind string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// announced is a PNG whose header says how large it is, and which has nothing to show.
func announced(width, height uint32, depth, kind, interlaced byte) []byte {
	data := binary.BigEndian.AppendUint32(nil, width)
	data = binary.BigEndian.AppendUint32(data, height)
	return append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(data, depth, kind, 0, 0, interlaced))...)
}

func TestWhatIsNoPicture(t *testing.T) {
	f := func(what string, upload []byte, want error) {
		t.Helper()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, _, err := Clean(upload)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
			t.Errorf("%s: %d bytes were taken before it was refused", what, took)
		}
	}
	good := asPNG(t, screenshot(20, 20))
	f("nothing", nil, ErrPicture)
	f("a page", []byte("<html><script>alert(1)</script>"), ErrPicture)
	f("an SVG", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), ErrPicture)
	f("a GIF", []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), ErrPicture)
	f("half a picture", good[:len(good)/2], ErrPicture)
	f("a header alone", good[:33], ErrPicture)
	f("a bomb", announced(100_000, 100_000, 8, 6, 0), ErrTooLarge)
	f("a very wide one", announced(MaxPixels, 1, 8, 6, 0), ErrTooLarge)
	f("16 bits a channel", announced(4000, 4000, 16, 6, 0), ErrPicture)
	f("drawn in passes", announced(4000, 4000, 8, 6, 1), ErrPicture)
	f("too many bytes", append(good, make([]byte, MaxUpload)...), ErrTooLarge)
	progressive := asJPEG(t, screenshot(20, 20))
	progressive[bytes.Index(progressive, []byte{0xff, 0xc0})+1] = 0xc2
	f("a progressive JPEG", progressive, ErrPicture)
}

// Names, places and whatever else a program writes beside the pixels is gone.
func TestNothingButPixelsIsKept(t *testing.T) {
	secret := []byte("Camera of an invented person, 10.7769 N 106.7009 E")
	withText := append([]byte{}, asPNG(t, screenshot(20, 20))...)
	withText = append(withText[:33:33], append(chunk("tEXt", append([]byte("Comment\x00"), secret...)), withText[33:]...)...)
	plain := asJPEG(t, screenshot(20, 20))
	exif := append([]byte{0xff, 0xe1, 0, byte(2 + 6 + len(secret))}, append([]byte("Exif\x00\x00"), secret...)...)
	withExif := append(append(append([]byte{}, plain[:2]...), exif...), plain[2:]...)
	for what, upload := range map[string][]byte{"a PNG": withText, "a JPEG": withExif, "what follows": append(append([]byte{}, plain...), secret...)} {
		clean, _, _, err := Clean(upload)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if !bytes.Contains(upload, secret) || bytes.Contains(clean, secret) || bytes.Contains(clean, []byte("Exif")) {
			t.Errorf("%s: it is still there", what)
		}
	}
}

func TestOnlyADigestIsAName(t *testing.T) {
	s := open(t)
	p, err := s.Add(t.Context(), bytes.Repeat([]byte{1}, 16), asPNG(t, screenshot(10, 10)), noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "secret.jpg"), []byte("not for anybody"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "secret", "../secret", p.Digest[:63], p.Digest + "0", "index.db", p.Digest[:2] + "/../../index.db" + p.Digest[:49], "0" + p.Digest[1:63] + "g"} {
		if body, err := s.Read(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %d bytes, %v", name, len(body), err)
		}
	}
}

// Somebody writes into the folder: another picture, a pipe, or nothing at all in its place is never shown as what was
// sent.
func TestAnotherPictureIsNotShown(t *testing.T) {
	s := open(t)
	p, err := s.Add(t.Context(), bytes.Repeat([]byte{1}, 16), asPNG(t, screenshot(30, 20)), noon)
	if err != nil {
		t.Fatal(err)
	}
	file := s.file(p.Digest)
	for what, put := range map[string]func() error{
		"another":  func() error { return os.WriteFile(file, asJPEG(t, screenshot(10, 10)), 0o600) },
		"a pipe":   func() error { return errors.Join(os.Remove(file), syscall.Mkfifo(file, 0o600)) },
		"a link":   func() error { return errors.Join(os.Remove(file), os.Symlink("/dev/zero", file)) },
		"a folder": func() error { return errors.Join(os.Remove(file), os.Mkdir(file, 0o700)) },
		"nothing":  func() error { return os.RemoveAll(file) },
	} {
		os.RemoveAll(file)
		if err := errors.Join(os.WriteFile(file, nil, 0o600), put()); err != nil {
			t.Fatal(err)
		}
		if body, err := s.Read(p.Digest); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %d bytes, %v", what, len(body), err)
		}
	}
}

// Whatever is sent, what is kept is a picture, of the announced size, and little memory was needed to find out.
func FuzzClean(f *testing.F) {
	f.Add(asPNG(f, screenshot(30, 20)))
	f.Add(asJPEG(f, screenshot(30, 20)))
	f.Add(asPNG(f, image.NewPaletted(image.Rect(0, 0, 9, 9), color.Palette{color.Black, color.Transparent})))
	f.Add(asPNG(f, image.NewGray(image.Rect(0, 0, 9, 9))))
	f.Add(announced(4000, 4000, 8, 3, 0))
	f.Fuzz(func(t *testing.T, upload []byte) {
		if c, _, err := header(upload); err == nil && c.Width*c.Height > 1<<20 {
			return // sound and large: slow, and covered by the bounds
		}
		clean, width, height, err := Clean(upload)
		if err != nil {
			if !errors.Is(err, ErrPicture) && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("an error without a name: %v", err)
			}
			return
		}
		m, err := jpeg.Decode(bytes.NewReader(clean))
		if err != nil || m.Bounds() != image.Rect(0, 0, width, height) {
			t.Fatalf("what is kept is %v, %v; announced were %d by %d", m, err, width, height)
		}
		if twice, _, _, err := Clean(clean); err != nil || len(twice) == 0 {
			t.Fatalf("what is kept would not be taken: %v", err)
		}
	})
}
