package notice

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/exchange"
	"khien/server/partner"
	"khien/server/takedown"
)

// How notices are sent.
const (
	patience  = 30 * time.Second
	lease     = 90       // seconds for which nobody else sends to the same partner
	maxAnswer = 64 << 10 // bytes of what the partner's server answers
	firstWait = 5        // seconds after the first failure, three times as long after each other
	maxWait   = 6 * 60 * 60
	maxTime   = 3 * 24 * 60 * 60
	maxUnread = 5 // tries of what the partner's server says that it can't read
)

// Errors of SetHook.
var (
	ErrAddress = errors.New("the address of a webhook begins with https://, and names a server of the public network")
	ErrPlain   = errors.New("without https, notices are sent to this machine alone (http://127.0.0.1:PORT/), and only where that is asked for")
)

// Signature is that of a message of Standard Webhooks, by a secret without its prefix.
func Signature(secret []byte, id string, at int64, body []byte) string {
	sum := hmac.New(sha256.New, secret)
	fmt.Fprintf(sum, "%s.%d.", id, at)
	sum.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(sum.Sum(nil))
}

// Hook is where notices to a partner are sent.
type Hook struct {
	Partner  string
	Address  string
	Plain    bool  // to this machine, without https
	Failures int   // since the last one that was taken
	Again    int64 // Unix seconds before which nothing is tried
}

const selectHook = `SELECT partner, address, plain, failures, again FROM notice_hook`

func scanHook(row db.Row) (h Hook, err error) {
	return h, row.Scan(&h.Partner, &h.Address, &h.Plain, &h.Failures, &h.Again)
}

// SetHook says where notices to a partner are sent from now on, and returns the secret by which they are signed, as
// Standard Webhooks write it.
func (b *Store) SetHook(ctx context.Context, by partner.Actor, name, address string, plain bool) (secret string, err error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || len(address) > 2000 || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		return "", ErrAddress
	case u.Scheme == "http" && !plain:
		return "", ErrPlain
	}
	if at, err := netip.ParseAddr(u.Hostname()); err == nil && !may(at, plain) || u.Scheme == "http" && (err != nil || !at.IsLoopback()) {
		if u.Scheme == "http" {
			return "", ErrPlain
		}
		return "", ErrAddress
	}
	key, err := b.partners.Webhook(name)
	if err != nil {
		return "", err
	}
	err = b.desk.Recorded(ctx, func(tx *sql.Tx) ([]audit.Act, error) {
		s, err := b.partners.Get(ctx, name)
		if err == nil && s.Notice == "" {
			err = errors.New("the agreement with this partner has no notices")
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `INSERT INTO notice_hook (partner, address, plain) VALUES (?, ?, ?)
				ON CONFLICT (partner) DO UPDATE SET address = excluded.address, plain = excluded.plain, failures = 0, again = 0`, name, address, plain)
		}
		return []audit.Act{{Time: b.now().Unix(), Actor: by.Name, Verb: audit.SetWebhook, Object: audit.Object{Kind: audit.OfPartner, ID: name}, Why: by.Why}}, err
	})
	if err != nil {
		return "", fmt.Errorf("couldn't set the webhook: %w", err)
	}
	return "whsec_" + base64.StdEncoding.EncodeToString(key), nil
}

// HookOf returns where notices to a partner are sent; ok is false where that was not said.
func (b *Store) HookOf(ctx context.Context, name string) (h Hook, ok bool, err error) {
	h, err = scanHook(b.db.QueryRowContext(ctx, selectHook+` WHERE partner = ?`, name))
	if errors.Is(err, sql.ErrNoRows) {
		return h, false, nil
	}
	return h, err == nil, err
}

// may tells whether notices may go to an address of the network.
func may(at netip.Addr, plain bool) bool { return exchange.Public(at) || plain && at.IsLoopback() }

// errPrivate is a server that is in a private network.
var errPrivate = errors.New("the server is in a private network")

// client goes to servers of the public network alone, and where they say, but not on from there.
func client(plain bool) *http.Client {
	dialer := &net.Dialer{Timeout: patience, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		if at, err := netip.ParseAddrPort(address); err != nil || !may(at.Addr().Unmap(), plain) {
			return errPrivate
		}
		return nil
	}}
	return &http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: patience, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
			IdleConnTimeout: time.Minute}}
}

// Run sends what is ready until ctx is done. Each partner is sent to apart from all others.
func (b *Store) Run(ctx context.Context, log *slog.Logger) {
	var mu sync.Mutex
	var all sync.WaitGroup
	defer all.Wait()
	busy := map[string]bool{}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		due, err := b.due(ctx)
		if err != nil && ctx.Err() == nil {
			log.Error("couldn't look for notices", "error", err)
		}
		for _, name := range due {
			mu.Lock()
			free := !busy[name]
			busy[name] = true
			mu.Unlock()
			if !free {
				continue
			}
			all.Go(func() {
				if err := b.Deliver(ctx, name); err != nil && ctx.Err() == nil {
					log.Error("couldn't send notices", "partner", name, "error", err)
				}
				mu.Lock()
				delete(busy, name)
				mu.Unlock()
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// due are the partners to whom something can be sent now.
func (b *Store) due(ctx context.Context) ([]string, error) {
	now := b.now().Unix()
	return db.All(func(row db.Row) (name string, err error) { return name, row.Scan(&name) })(b.db.QueryContext(ctx, `SELECT partner FROM notice_hook AS h
		WHERE again <= ? AND lease < ? AND EXISTS (SELECT 1 FROM notice AS n WHERE n.partner = h.partner AND n.state = 'ready') ORDER BY partner`, now, now))
}

// Deliver sends what is ready to one partner, in its order, until nothing is or the partner does not take it. A failure
// of the partner is no error: it is kept beside the notice, which is tried again later.
func (b *Store) Deliver(ctx context.Context, name string) error {
	var h Hook
	var sender *http.Client
	defer func() {
		if sender != nil {
			sender.CloseIdleConnections()
			b.db.ExecContext(context.WithoutCancel(ctx), `UPDATE notice_hook SET lease = 0 WHERE partner = ?`, name)
		}
	}()
	for ctx.Err() == nil {
		now := b.now().Unix()
		taken := `UPDATE notice_hook SET lease = ?1 WHERE partner = ?2 AND again <= ?3 AND lease < ?3 RETURNING partner, address, plain, failures, again`
		if sender != nil {
			taken = `UPDATE notice_hook SET lease = ?1 WHERE partner = ?2 AND again <= ?3 RETURNING partner, address, plain, failures, again`
		}
		err := b.db.Change(ctx, func(tx *sql.Tx) (err error) {
			h, err = scanHook(tx.QueryRowContext(ctx, taken, now+lease, name, now))
			return err
		})
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if sender == nil {
			sender = client(h.Plain)
		}
		s, err := b.partners.Get(ctx, name)
		if err != nil || !s.Stands(now) || s.Notice == "" { // nothing leaves without an agreement
			return err
		}
		n, err := scan(b.db.QueryRowContext(ctx, selectNotice+` WHERE partner = ? AND state = 'ready' ORDER BY id LIMIT 1`, name))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if more, err := b.deliver(ctx, sender, h, n, now); err != nil || !more {
			return err
		}
	}
	return nil
}

// deliver sends one notice, and tells whether the next one can be sent at once.
func (b *Store) deliver(ctx context.Context, sender *http.Client, h Hook, n Notice, now int64) (more bool, err error) {
	stale, err := b.stale(ctx, n)
	if err != nil {
		return false, err
	}
	if stale {
		_, err := b.db.ExecContext(ctx, `UPDATE notice SET state = 'dropped', problem = 'overtaken' WHERE id = ? AND state = 'ready'`, n.ID)
		return true, err
	}
	status, problem := b.post(ctx, sender, h, n, now)
	if ctx.Err() != nil {
		return false, nil // as if it had not been tried
	}
	if problem == "" {
		return true, b.taken(ctx, n, now)
	}
	unread := slices.Contains([]int{400, 413, 415, 422}, status) && n.Tries+1 >= maxUnread // it stops none behind it
	wait := int64(firstWait)
	for range min(h.Failures, 10) {
		wait = min(3*wait, maxWait)
	}
	state := Ready
	if unread || now-n.Ready > maxTime {
		state = Failed
	}
	if unread {
		wait = 0
	}
	return unread, b.db.Change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE notice SET state = ?, tries = tries + 1, problem = ? WHERE id = ? AND state = 'ready'`, string(state), problem, n.ID)
		_, more := tx.ExecContext(ctx, `UPDATE notice_hook SET failures = failures + 1, again = ? WHERE partner = ?`, now+wait, h.Partner)
		return errors.Join(err, more)
	})
}

// stale tells whether a notice says what is so no more: the case has gone on, or is withdrawn.
func (b *Store) stale(ctx context.Context, n Notice) (stale bool, err error) {
	err = b.db.Change(ctx, func(tx *sql.Tx) error {
		t, err := b.cases.Turn(ctx, tx, n.Takedown)
		stale = t.Step != n.Step && (n.Sent == 0 || t.State == takedown.Withdrawn)
		return err
	})
	return stale, err
}

// taken notes that the partner has a notice: its case is sent.
func (b *Store) taken(ctx context.Context, n Notice, now int64) error {
	return b.desk.Recorded(ctx, func(tx *sql.Tx) (acts []audit.Act, err error) {
		if _, err := tx.ExecContext(ctx, `UPDATE notice SET state = 'sent', sent = CASE sent WHEN 0 THEN ? ELSE sent END, tries = tries + 1, problem = '' WHERE id = ?`, now, n.ID); err != nil {
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE notice_hook SET failures = 0, again = 0 WHERE partner = ?`, n.Partner); err != nil {
			return nil, err
		}
		t, err := b.cases.Turn(ctx, tx, n.Takedown)
		if err != nil || t.Step != n.Step || t.State == takedown.Withdrawn {
			return nil, err
		}
		act, err := b.cases.MoveIn(ctx, tx, n.Takedown, takedown.Move{Actor: takedown.Robot, To: takedown.Sent, Clock: int64(n.Hours) * 60 * 60}, now)
		return []audit.Act{act}, err
	})
}

// HandOver notes that notices which are ready are given to the partner otherwise, as a file, and returns those that say
// what still is so.
func (b *Store) HandOver(ctx context.Context, list []Notice) (given []Notice, err error) {
	now := b.now().Unix()
	for _, n := range list {
		if n.State != Ready {
			continue
		}
		stale, err := b.stale(ctx, n)
		if err == nil && !stale {
			err = b.taken(ctx, n, now)
			if n.Sent == 0 {
				n.Sent = now
			}
			given = append(given, n)
		}
		if err != nil {
			return nil, err
		}
	}
	return given, nil
}

// post sends a notice, and says in a few words what went wrong, without any address.
func (b *Store) post(ctx context.Context, sender *http.Client, h Hook, n Notice, now int64) (status int, problem string) {
	m, text, err := b.message(n, now)
	if err != nil {
		return 0, "it can't be written"
	}
	secret, err := b.partners.Webhook(h.Partner)
	if err != nil {
		return 0, "the secret of the partners can't be read"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.Address, bytes.NewReader(text))
	if err != nil {
		return 0, "the address can't be read"
	}
	id := "msg_" + strings.ReplaceAll(m.ID, "-", "")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "khien")
	r.Header.Set("webhook-id", id)
	r.Header.Set("webhook-timestamp", strconv.FormatInt(now, 10))
	r.Header.Set("webhook-signature", Signature(secret, id, now, text))
	answer, err := sender.Do(r)
	if err != nil {
		return 0, failure(err)
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	switch {
	case answer.StatusCode < 200 || answer.StatusCode > 299:
		return answer.StatusCode, fmt.Sprintf("the server answers %d", answer.StatusCode)
	case err != nil:
		return 0, "the answer of the server breaks off"
	}
	return answer.StatusCode, ""
}

// failure says why a server was not reached.
func failure(err error) string {
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return "the server does not answer in time"
	}
	if errors.Is(err, errPrivate) {
		return errPrivate.Error()
	}
	return "the server can't be reached"
}
