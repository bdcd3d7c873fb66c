package exchange

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"

	"khien/server/feed"
)

// Bounds on what is fetched.
const (
	maxList   = 256 << 20        // unpacked
	maxQuiet  = 60 * time.Second // without a byte
	maxWhole  = 10 * time.Minute // in all
	redirects = 5
	resumes   = 3 // attempts to have the rest of what was cut off
)

var (
	errLarge   = errors.New("the list is larger than 256 MB unpacked")
	errQuiet   = errors.New("the server sent nothing for 60 seconds")
	errLong    = errors.New("the list did not come within 10 minutes")
	errPrivate = errors.New("the address is of this machine or of a private network, which is not allowed for this source (khien source edit NAME --allow-private)")
	errPlain   = errors.New("the server leads to an address of http, which is not allowed for this source (khien source edit NAME --allow-http)")
	errTurns   = errors.New("the server leads from address to address")
	errNoFile  = errors.New("this is no plain file: links, pipes, devices and folders are not read")
	errPacked  = errors.New("the list is packed in a way that is not understood")
)

// Fetched is what is known of a list that was fetched.
type Fetched struct {
	File      string `json:"file"` // SHA-256 of the list, unpacked, in hex
	Size      int64  `json:"size"`
	Tag       string `json:"tag,omitempty"`
	Modified  string `json:"modified,omitempty"`
	Pin       string `json:"pin,omitempty"` // SHA-256 of the public key of the server, in hex
	Cursor    string `json:"cursor,omitempty"`
	Cut       bool   `json:"cut,omitempty"`  // its end is missing
	Page      bool   `json:"page,omitempty"` // it is a web page
	Unchanged bool   `json:"-"`              // as its server says; nothing was fetched
}

// laterError is a server that asks to be left alone for so many seconds.
type laterError struct {
	error
	seconds int64
}

// Look fetches the list of a source that nobody keeps, into a file that is gone when it is closed. The source needs no
// more than an address.
func Look(ctx context.Context, s Source, c Credentials, progress Progress) (*os.File, Fetched, error) {
	s = s.Usual()
	s.Name, s.Preset.Format = cmp.Or(s.Name, "look"), cmp.Or(s.Preset.Format, "lines")
	if err := s.check(); err != nil {
		return nil, Fetched{}, err
	}
	folder, err := os.MkdirTemp("", "khien-look-*")
	if err != nil {
		return nil, Fetched{}, err
	}
	defer os.RemoveAll(folder)
	h := &holder{Exchange: &Exchange{now: time.Now, folder: folder, quiet: maxQuiet, whole: maxWhole}, ctx: ctx}
	got, err := h.fetch(ctx, Status{Source: s}, c, progress)
	if err != nil {
		return nil, got, err
	}
	file, err := os.Open(filepath.Join(folder, got.File))
	return file, got, err
}

// fetch fetches the list of a source into a file.
func (h *holder) fetch(ctx context.Context, s Status, c Credentials, progress Progress) (got Fetched, err error) {
	if err := os.MkdirAll(h.folder, 0o700); err != nil {
		return got, err
	}
	raw, err := os.CreateTemp(h.folder, ".part-*")
	if err != nil {
		return got, err
	}
	defer raw.Close()
	if err := os.Remove(raw.Name()); err != nil {
		return got, err
	}
	packing := ""
	if pull := pullers[s.Preset.Pull]; pull != nil && s.remote() {
		got, err = h.pull(ctx, pull, s, c, raw, progress)
	} else if s.remote() {
		got, packing, err = h.download(ctx, s, c, raw, progress)
	} else {
		err = copyLocal(s.Address, raw)
	}
	if err != nil || got.Unchanged {
		return got, err
	}
	return got, h.unpack(&got, raw, packing, s.Preset.Format)
}

// copyLocal copies a plain file, or the newest one of a folder.
func copyLocal(path string, to *os.File) error {
	info, err := os.Lstat(path)
	if err != nil {
		return plainly(err)
	}
	if info.IsDir() {
		if path, err = newest(path); err != nil {
			return err
		}
	}
	// A pipe is not waited for, and a link not followed, whatever has taken the place of what was looked at.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return plainly(err)
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil || !info.Mode().IsRegular() {
		return errors.Join(errNoFile, err)
	}
	if _, err := io.Copy(to, &bounded{file, maxList}); err != nil {
		return err
	}
	after, err := file.Stat()
	if err == nil && (after.Size() != info.Size() || !after.ModTime().Equal(info.ModTime())) {
		err = errors.New("the file was written while it was read")
	}
	return err
}

// plainly is an error without the path, which is in the source.
func plainly(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		if errors.Is(e.Err, syscall.ELOOP) {
			return errNoFile
		}
		return fmt.Errorf("the file can't be read: %w", e.Err)
	}
	return err
}

// newest is the plain file of a folder that was written last. What begins with a dot or ends with .part or .tmp is
// being written still.
func newest(folder string) (string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", plainly(err)
	}
	var found fs.FileInfo
	for _, e := range entries {
		name := e.Name()
		if !e.Type().IsRegular() || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".part") || strings.HasSuffix(name, ".tmp") {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // it was taken away
		}
		if found == nil || !info.ModTime().Before(found.ModTime()) {
			found = info
		}
	}
	if found == nil {
		return "", errors.New("there is no plain file in the folder")
	}
	return filepath.Join(folder, found.Name()), nil
}

// bounded fails where a reader goes on after left bytes.
type bounded struct {
	io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errLarge
	}
	return n, err
}

// download has the list sent, and its rest where the connection ends too early.
func (h *holder) download(ctx context.Context, s Status, credentials Credentials, to *os.File, progress Progress) (got Fetched, packing string, err error) {
	ctx, done := context.WithTimeoutCause(ctx, h.whole, errLong)
	defer done()
	client, pin := h.client(s, credentials)
	defer client.CloseIdleConnections()
	var at int64
	for try := 0; ; try++ {
		header := http.Header{}
		if at > 0 {
			header.Set("Range", fmt.Sprintf("bytes=%d-", at))
			header.Set("If-Range", ranged(got))
		} else if s.base != 0 && !s.stale(h.unix()) {
			if s.tag != "" {
				header.Set("If-None-Match", s.tag)
			}
			if s.modified != "" {
				header.Set("If-Modified-Since", s.modified)
			}
		}
		response, err := h.request(ctx, client, s, credentials, header)
		if err != nil {
			return got, "", withoutAddress(ctx, err)
		}
		switch {
		case response.StatusCode == http.StatusNotModified && at == 0 && (s.tag != "" || s.modified != ""):
			response.Body.Close()
			return Fetched{Unchanged: true}, "", nil
		case response.StatusCode == http.StatusPartialContent && at > 0 && strings.HasPrefix(response.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", at)):
		case response.StatusCode == http.StatusOK:
			at, packing = 0, response.Header.Get("Content-Encoding")
			got = Fetched{Tag: response.Header.Get("ETag"), Modified: response.Header.Get("Last-Modified"), Pin: *pin}
			if err := to.Truncate(0); err != nil {
				response.Body.Close()
				return got, "", err
			}
		default:
			response.Body.Close()
			return got, "", refusedBy(response)
		}
		n, err := h.save(ctx, response, to, at, progress)
		at += n
		if err == nil {
			return got, packing, nil
		}
		if !cutOff(err) {
			return got, "", withoutAddress(ctx, err)
		}
		if try >= resumes || at == 0 || ranged(got) == "" || response.Header.Get("Accept-Ranges") == "none" {
			got.Cut = true
			return got, packing, nil
		}
	}
}

// ranged is by what the rest of a list is asked for, so that it is of the same list; empty where there is nothing.
func ranged(got Fetched) string {
	if got.Tag != "" && !strings.HasPrefix(got.Tag, "W/") {
		return got.Tag
	}
	return got.Modified
}

// cutOff tells whether a connection has ended before the list has.
func cutOff(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// withoutAddress is an error of a request without its address, which may have a credential in it.
func withoutAddress(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	for _, known := range []error{errPrivate, errPlain, errTurns, errQuiet} {
		if errors.Is(err, known) {
			return known
		}
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("the server can't be reached: %w", e.Err)
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return errors.New("the server can't be reached: nobody knows its name")
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return errors.New("the certificate of the server is not one that this machine trusts")
	}
	return err
}

// refusedBy says what an answer means that has no list.
func refusedBy(r *http.Response) error {
	err := fmt.Errorf("the server answers %d", r.StatusCode)
	switch r.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: it wants other credentials", err)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		seconds, bad := strconv.ParseInt(r.Header.Get("Retry-After"), 10, 64)
		if at, wrong := http.ParseTime(r.Header.Get("Retry-After")); bad != nil && wrong == nil {
			seconds = int64(time.Until(at) / time.Second)
		}
		return &laterError{err, max(seconds, 0)}
	}
	return err
}

// save writes the body of an answer behind what is there, and returns how much that was.
func (h *holder) save(ctx context.Context, r *http.Response, to *os.File, at int64, progress Progress) (n int64, err error) {
	defer r.Body.Close()
	quiet := time.AfterFunc(h.quiet, func() { r.Body.Close() })
	defer quiet.Stop()
	buffer := make([]byte, 64<<10)
	for {
		size, err := r.Body.Read(buffer)
		running := quiet.Reset(h.quiet)
		if at+n+int64(size) > maxList {
			return n, errLarge
		}
		if _, err := to.WriteAt(buffer[:size], at+n); err != nil {
			return n, err
		}
		n += int64(size)
		progress.at("fetch", int(at+n))
		switch {
		case err != nil && !running: // whatever is told of a body that was closed
			return n, errQuiet
		case err == io.EOF:
			return n, nil
		case err != nil:
			return n, err
		}
		if err := ctx.Err(); err != nil {
			return n, err
		}
	}
}

// request asks for the list.
func (h *holder) request(ctx context.Context, client *http.Client, s Status, credentials Credentials, header http.Header) (*http.Response, error) {
	address := strings.ReplaceAll(s.Address, "{key}", url.QueryEscape(credentials.Key))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("the address can't be read")
	}
	request.Header = header
	header.Set("User-Agent", "khien")
	header.Set("Accept-Encoding", "gzip, zstd")
	for name, value := range credentials.Headers {
		header.Set(name, value)
	}
	return client.Do(request)
}

// client is one that goes only where the source may, and sees the public key of the server that it was sent to.
func (h *holder) client(s Status, credentials Credentials) (*http.Client, *string) {
	pin := new(string)
	see := func(state *tls.ConnectionState) {
		if *pin == "" && state != nil && len(state.PeerCertificates) > 0 {
			sum := sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo)
			*pin = hex.EncodeToString(sum[:])
		}
	}
	dialer := &net.Dialer{Timeout: 30 * time.Second, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		if at, err := netip.ParseAddrPort(address); err != nil || !s.Private && !Public(at.Addr()) {
			return errPrivate
		}
		return nil
	}}
	transport := &http.Transport{
		DialContext: dialer.DialContext, DisableCompression: true, TLSHandshakeTimeout: 30 * time.Second, ResponseHeaderTimeout: h.quiet,
		MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: h.roots, MinVersion: tls.VersionTLS12},
	}
	return &http.Client{Transport: seeing{transport, see}, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		switch {
		case len(via) > redirects:
			return errTurns
		case next.URL.Scheme != "https" && !s.Plain:
			return errPlain
		}
		if next.URL.Host != via[0].URL.Host { // who gave the credentials did not give them to another
			for name := range credentials.Headers {
				next.Header.Del(name)
			}
			next.Header.Del("Referer") // which has the address, and a key in it
		}
		return nil
	}}, pin
}

// seeing is a transport that shows the connection of each answer.
type seeing struct {
	*http.Transport
	see func(*tls.ConnectionState)
}

func (t seeing) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.Transport.RoundTrip(r)
	if err == nil {
		t.see(response.TLS)
	}
	return response, err
}

// notPublic are the networks, beside those that netip knows, in which nobody has a server for everybody.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("fec0::/10"),
}

// Public tells whether an address is one of the public network.
func Public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Zone() != "" {
		return false
	}
	for _, net := range notPublic {
		if net.Contains(ip) {
			return false
		}
	}
	return true
}

// unpack writes what was fetched into the file that is called by its digest: without the packing that the server says,
// and without the one that the file itself has.
func (h *holder) unpack(got *Fetched, raw *os.File, packing, format string) error {
	in, err := opened(raw, packing)
	if err != nil {
		return err
	}
	head := bufio.NewReaderSize(in, 4096)
	first, _ := head.Peek(512)
	in = head
	if packing == "" || packing == "identity" {
		switch {
		case bytes.HasPrefix(first, []byte("\x1f\x8b\x08")):
			in, err = opened(raw, "gzip")
		case bytes.HasPrefix(first, []byte("\x28\xb5\x2f\xfd")):
			in, err = opened(raw, "zstd")
		case bytes.HasPrefix(first, []byte("PK\x03\x04")) && format != "xlsx":
			in, err = zipped(raw)
		}
		if err != nil {
			return err
		}
	} else if bytes.HasPrefix(first, []byte("\x1f\x8b\x08")) { // list.gz, sent as such and packed once more
		if in, err = gzip.NewReader(head); err != nil {
			return err
		}
	}
	out, err := os.CreateTemp(h.folder, ".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	sum := sha256.New()
	body := bufio.NewReaderSize(&bounded{in, maxList}, 64<<10)
	begin, _ := body.Peek(1024)
	got.Page = isPage(begin)
	if got.Size, err = io.Copy(io.MultiWriter(out, sum), body); err != nil {
		if errors.Is(err, errLarge) || !damaged(err) {
			return err
		}
		got.Cut = true // what came of it is there to be looked at
	}
	if info, err := out.Stat(); err == nil {
		got.Size = info.Size()
	}
	if err := out.Sync(); err != nil {
		return err
	}
	got.File = hex.EncodeToString(sum.Sum(nil))
	return os.Rename(out.Name(), filepath.Join(h.folder, got.File))
}

// damaged tells whether what is packed ends too early or is not what it should be.
func damaged(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, zlib.ErrChecksum) ||
		errors.Is(err, zip.ErrChecksum) || errors.Is(err, zstd.ErrCRCMismatch) || strings.HasPrefix(err.Error(), "flate: corrupt input")
}

// opened unpacks a file from its beginning.
func opened(raw *os.File, packing string) (io.Reader, error) {
	in := io.NewSectionReader(raw, 0, maxList+1)
	switch strings.ToLower(strings.TrimSpace(packing)) {
	case "", "identity":
		return in, nil
	case "gzip", "x-gzip":
		return gzip.NewReader(in)
	case "deflate":
		return zlib.NewReader(in)
	case "zstd":
		r, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20), zstd.WithDecoderMaxWindow(32<<20))
		if err != nil {
			return nil, err
		}
		return r.IOReadCloser(), nil
	}
	return nil, errPacked
}

// zipped is the one file of an archive.
func zipped(raw *os.File) (io.Reader, error) {
	info, err := raw.Stat()
	if err != nil {
		return nil, err
	}
	archive, err := feed.OpenZIP(raw, info.Size())
	if err != nil {
		return nil, errors.Join(errPacked, err)
	}
	if slices.ContainsFunc(archive.File, func(f *zip.File) bool { return f.Name == "[Content_Types].xml" }) { // a spreadsheet
		return io.NewSectionReader(raw, 0, info.Size()), nil
	}
	if len(archive.File) != 1 || !archive.File[0].Mode().IsRegular() {
		return nil, fmt.Errorf("%w: the archive has more than one file", errPacked)
	}
	return archive.File[0].Open()
}

// isPage tells whether a text begins as a web page does.
func isPage(begin []byte) bool {
	text := strings.ToLower(string(bytes.TrimLeft(bytes.TrimPrefix(begin, []byte("\ufeff")), " \t\r\n")))
	for strings.HasPrefix(text, "<!--") {
		_, rest, ok := strings.Cut(text, "-->")
		if !ok {
			break
		}
		text = strings.TrimLeft(rest, " \t\r\n")
	}
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<body", "<script", "<title"} {
		if strings.HasPrefix(text, tag) {
			return true
		}
	}
	return false
}
