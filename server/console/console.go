// Package console is the maintainers' web pages: they sign in with a passkey, read the queue, decide about cases and
// publish.
//
// A page is four things, and this is how another is added:
//
//  1. One line in a table of routes, such as {"GET /takedowns", staff.Takedown, takedowns}: method and path as
//     net/http's ServeMux has them, the right that it takes (a right of package staff, or seen for whoever may enter),
//     and a function. Put the tables of an area into its own file and add them to routes in routes.go. A route without
//     a right does not start, and the role matrix test takes it in by itself.
//  2. A func(v *visit) error. v.show("takedowns", data) writes templates/takedowns.html; v.back("/takedowns", "key")
//     goes there after a POST and says the message "key" on top. An error becomes a page: see problem in visit.go.
//  3. A template that defines "title" and "main"; the dot is a page, with the data in .D. {{t "key"}} is a message,
//     {{n "key" 3}} one with a number, {{.May "decide"}} a right, {{about .S}} a subject in words, {{defang .S}} an
//     address that is no link. There is no inline script or style: a class in static/console.css, an attribute that
//     static/console.js knows (data-key="x" gives a link or button a key).
//  4. Messages in console.AREA.txt of each language in package texts, one "key = text" a line. A test wants each in all of them, and used.
//
// What is published is confirmed with a passkey over exactly what will change: v.confirmed in confirm.go.
package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"khien/server/evidence"
	"khien/server/exchange"
	"khien/server/gate"
	"khien/server/inbox"
	"khien/server/partner"
	"khien/server/publish"
	"khien/server/staff"
	"khien/server/takedown"
	"khien/server/triage"
)

const (
	sessionLife = 8 * time.Hour    // then the passkey is asked for again
	sessionIdle = 30 * time.Minute // without a request
	entering    = 5 * time.Minute  // for signing in
	maxForm     = 1 << 20          // bytes of a request's body
)

// sessionCookie is the name of the session's cookie. Browsers take it only from this very host, for all of its paths,
// and never from a page that was not sent securely; http://localhost counts as secure to them.
const sessionCookie = "__Host-khien-console"

// Config says where the console works and on what.
type Config struct {
	// Origin is how browsers see the console, such as http://localhost:8788 or https://console.example: passkeys
	// are bound to its host name.
	Origin    string
	Staff     *staff.Store
	Desk      *triage.Desk
	Inbox     *inbox.Inbox
	Publisher *publish.Publisher
	Takedowns *takedown.Store
	Exchange  *exchange.Exchange // what sources say
	Partners  *partner.Store
	Evidence  *evidence.Store
	// Pictures is the origin that serves what people have sent as evidence, such as http://127.0.0.1:8789; empty where
	// it isn't served.
	Pictures string
	Letters  string // the folder of what letters to platforms need; see takedown.Operator
	Impact   triage.Impact
	Conns    gate.Limits
	Log      *slog.Logger // told about faults of the server, never about what is in reports
}

// Console answers requests.
type Console struct {
	Config
	origin   *url.URL
	passkeys *webauthn.WebAuthn
	sessions *scs.SessionManager
	handler  http.Handler
	mux      *http.ServeMux // of the routes
	// deciding is held for reading while a case is decided, and for writing while a release is made: what is
	// confirmed is what is published.
	deciding sync.RWMutex
	sketches sketches
}

// New makes a console.
func New(c Config) (*Console, error) {
	origin, err := url.Parse(c.Origin)
	if err != nil || origin.Host == "" || origin.Scheme != "https" && origin.Hostname() != "localhost" {
		return nil, fmt.Errorf("the console's origin is https://NAME or http://localhost:PORT, because browsers give passkeys to no other")
	}
	origin.Path = ""
	k := &Console{Config: c, origin: origin, sketches: sketches{long: long, last: map[bool]*sketch{}}}
	k.Desk.Stands = func(ctx context.Context, name string, when int64) (bool, error) {
		return k.Staff.Stands(ctx, name, staff.Decide, when)
	}
	k.passkeys, err = webauthn.New(&webauthn.Config{
		RPID: origin.Hostname(), RPDisplayName: "Khiên", RPOrigins: []string{origin.String()},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{
			Login:        webauthn.TimeoutConfig{Enforce: true, Timeout: entering, TimeoutUVD: entering},
			Registration: webauthn.TimeoutConfig{Enforce: true, Timeout: entering, TimeoutUVD: entering},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't prepare passkeys: %w", err)
	}
	k.sessions = scs.New()
	k.sessions.Store = newSessions()
	k.sessions.Lifetime, k.sessions.IdleTimeout = sessionLife, sessionIdle
	k.sessions.HashTokenInStore = true
	k.sessions.Cookie.Name, k.sessions.Cookie.Persist = sessionCookie, false
	k.sessions.Cookie.SameSite, k.sessions.Cookie.Secure = http.SameSiteStrictMode, true
	k.sessions.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		k.Log.Error("couldn't keep a session", "error", err)
		plainly(w, r, http.StatusInternalServerError, "problem.fault")
	}
	if k.handler, err = k.routing(); err != nil {
		return nil, err
	}
	return k, nil
}

// Address is how browsers see the console, without a slash at the end.
func (k *Console) Address() string { return k.origin.String() }

// Run serves on l until ctx is done, and gathers reports into cases meanwhile.
func (k *Console) Run(ctx context.Context, l net.Listener) error {
	l = gate.Listen(l, k.Conns, gate.Proxies{}, k.Log)
	server := &http.Server{
		Handler: admitted(k), ConnContext: withConn, ReadTimeout: 15 * time.Second, WriteTimeout: 2 * time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), // it prints addresses of clients
	}
	gathered := make(chan struct{})
	go func() {
		defer close(gathered)
		k.gather(ctx)
	}()
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		err = server.Shutdown(drain)
	}
	<-gathered
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// connKey is under which the context of a request has its connection.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// admitted answers who has not sent too much ahead.
func admitted(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn := r.Context().Value(connKey{}).(*gate.Conn)
		if !conn.Begin(netip.Addr{}) {
			w.Header().Set("Connection", "close")
			w.Header().Set("Retry-After", "60")
			plainly(w, r, http.StatusTooManyRequests, "problem.busy")
			return
		}
		defer conn.End()
		handler.ServeHTTP(w, r)
	})
}

// gather puts what comes in into cases every few seconds.
func (k *Console) gather(ctx context.Context) {
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	for {
		if _, err := k.Desk.Gather(ctx, k.Inbox); err != nil && ctx.Err() == nil {
			k.Log.Error("couldn't gather reports into cases", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// policy lets a page load what lies here, and nothing else from anywhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// unkept is an answer that nobody may keep, whatever is said about that on the way: the sessions add words of their
// own, and an error takes them away.
type unkept struct{ http.ResponseWriter }

func (w unkept) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w unkept) WriteHeader(status int) {
	w.Header().Set("Cache-Control", "no-store")
	w.ResponseWriter.WriteHeader(status)
}

func (w unkept) Write(b []byte) (int, error) {
	w.Header().Set("Cache-Control", "no-store")
	return w.ResponseWriter.Write(b)
}

// ServeHTTP answers one request. Nothing about it is logged.
func (k *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	w = unkept{w}
	defer func() { w.Header().Set("Cache-Control", "no-store") }() // where nothing was written
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=(), geolocation=()")
	// Under another name it would be another origin: a page elsewhere whose name was made to point here.
	if r.Host != k.origin.Host {
		if r.Method == http.MethodGet {
			http.Redirect(w, r, k.origin.String()+"/", http.StatusFound)
			return
		}
		plainly(w, r, http.StatusMisdirectedRequest, "problem.elsewhere", k.origin.String())
		return
	}
	k.handler.ServeHTTP(w, r)
}
