package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/time/rate"

	"khien/server/api"
	"khien/server/exchange"
	"khien/server/export"
	"khien/server/gate"
	"khien/server/httpd"
	"khien/server/ledger"
	"khien/server/limit"
	"khien/server/public"
	"khien/server/publish"
	"khien/server/stream"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/shared/release"
	"khien/shared/subject"
)

func serveCommand(d *dir) *cobra.Command {
	var listen, pictures, evidenceOrigin, consoleListen, consoleOrigin string
	var demo bool
	rules, conns, proxies := limit.Usual, gate.Usual, gate.Proxies{}
	var from []string
	reports := &rules[limit.Reports]
	each, all := float64(reports.Each), float64(reports.All)
	appeals, uploads := float64(rules[limit.Appeals].All), float64(rules[limit.Pictures].All)
	burst := reports.EachBurst
	var floor uint64
	var unread int64
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve the published list and take reports",
		Long: `Serves what is published, takes reports, and shows a page that explains how to begin.
What another "khien publish" publishes is served at once. A head with less than half of
its life left is signed anew, at the start and every hour, and what one person has proposed
goes out when its time has come and nobody has stopped it. Sources that are connected are asked when
they are due. Ctrl-C or SIGTERM lets the
requests under way finish.

What comes in floods is slowed: see --each, --all and --conns. How many connections may be open
is made to fit the number of open files that the system allows (ulimit -n). Nothing about
requests is logged. Put a proxy with TLS in front; see docs/operating.md.`,
		Example: `  $ khien serve --listen 127.0.0.1:8787 --demo`,
		Args:    none,
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8787", "the address to serve on")
	cmd.Flags().StringVar(&proxies.Header, "client-header", "", "behind a proxy: the header in which it tells the client's address, such as X-Real-IP, X-Forwarded-For or Forwarded; of a list, the last that no proxy has")
	cmd.Flags().StringSliceVar(&from, "proxy", []string{"127.0.0.0/8", "::1/128"}, "with --client-header: the `networks` of the proxies, from which alone that header is believed")
	cmd.Flags().IntVar(&conns.All, "conns", conns.All, "connections that may be open at once, less where the system allows fewer files")
	cmd.Flags().IntVar(&conns.Each, "conns-each", conns.Each, "of these, from one IPv4 address or IPv6 /64; a quarter of it as requests under way where a proxy asks for them")
	cmd.Flags().IntVar(&conns.Wide, "conns-wide", conns.Wide, "of these, from one IPv6 /48")
	cmd.Flags().Float64Var(&each, "each", each, "reports a second that are taken from one sender in the long run; objections, pictures and questions in proportion")
	cmd.Flags().IntVar(&burst, "each-burst", burst, "reports that are taken from one sender at once; the rest, and how much is taken in a day, in proportion")
	cmd.Flags().Float64Var(&all, "all", all, "reports a second from all senders, above which each needs a proof of work")
	cmd.Flags().Float64Var(&appeals, "all-appeals", appeals, "the same of objections, which draw on nothing that reports draw on")
	cmd.Flags().Float64Var(&uploads, "all-pictures", uploads, "the same of pictures")
	cmd.Flags().Uint64Var(&floor, "disk-floor", 512, "megabytes that stay free on the disk: with less, nothing more is taken; 0 is no bound")
	cmd.Flags().Int64Var(&unread, "unread-days", triage.UnreadDays, "after so many days a case of which one network alone spoke leaves the queue unread; 0 is never")
	cmd.Flags().StringVar(&consoleListen, "console", "", "serve the maintainers' console too, on this `address` of this machine, such as 127.0.0.1:8788")
	cmd.Flags().StringVar(&consoleOrigin, "console-origin", "", "how browsers see the console, such as https://console.example (default http://localhost:PORT)")
	cmd.Flags().StringVar(&pictures, "evidence", "", "serve the pictures that came with reports too, on this `address` of this machine, such as 127.0.0.1:8789")
	cmd.Flags().StringVar(&evidenceOrigin, "evidence-origin", "", "how browsers see those pictures; never the console's origin (default http://ADDRESS)")
	cmd.Flags().BoolVar(&demo, "demo", false, "serve the demo pages on *.localhost too")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx, words := cmd.Context(), cmd.ErrOrStderr()
		if consoleListen != "" {
			if err := loopback(consoleListen); err != nil {
				return err
			}
		}
		if conns.All < 1 || conns.Each < 1 || conns.Wide < 1 {
			return usagef("--conns, --conns-each and --conns-wide are 1 at least")
		}
		files, err := filesForConns()
		if err != nil {
			return err
		}
		if proxies.From, err = networks(from); err != nil {
			return err
		}
		box, err := d.inbox()
		if err != nil {
			return err
		}
		defer box.Close()
		blobs, err := d.blobs()
		if err != nil {
			return err
		}
		desk, err := d.desk()
		if err != nil {
			return err
		}
		store, err := d.evidence()
		if err != nil {
			return err
		}
		takedowns, err := d.takedownsOf(desk)
		if err != nil {
			return err
		}
		log := newLog(words)
		base, err := d.office()
		if err != nil {
			return err
		}
		book := ledger.Open(base)
		root, err := d.rootKey()
		if err != nil {
			return err
		}
		d.warnOfRoot(words)
		if less, err := d.fewer(ctx, desk); err != nil {
			log.Error("couldn't compare the popular pages with those before", "error", err)
		} else if less != "" {
			fmt.Fprintf(words, "khien: %s\n", less)
		}
		mend(ctx, d, log) // before anybody asks
		publishOverdue(ctx, d, log)
		shelf := &publish.Shelf{Blobs: blobs, Ledger: book, Root: root}
		answers := &api.API{Shelf: shelf, Inbox: box, Desk: desk, Evidence: store, Platform: asked(takedowns), Since: since(book), Log: log}
		if err := answers.Ready(ctx, time.Now().Unix()); err != nil {
			fmt.Fprintf(words, "khien: %v: run \"khien publish\"\n", err)
		}
		l, err := net.Listen("tcp", listen)
		if err != nil {
			return fmt.Errorf("couldn't serve on %s: %w", listen, err)
		}
		people, err := d.staff()
		if err != nil {
			l.Close()
			return err
		}
		alone := func() bool {
			register, err := people.Register(ctx, time.Now().Unix())
			return err == nil && register.Alone
		}
		site := &public.Site{Shelf: shelf, Ledger: book, Inbox: box, Desk: desk, Takedowns: takedowns, Exchange: exchange.Open(base, d.protection), Alone: alone, Log: log,
			Files: &export.Shelf{Folder: d.exportFolder(), Keys: func(ctx context.Context) (release.Keys, error) { return shelf.Keys(ctx, time.Now().Unix()) }}}
		collections, err := d.collections(stream.Open(base, site.Exchange, root), book)
		if err != nil {
			l.Close()
			return err
		}
		notices, err := d.notices()
		if err != nil {
			l.Close()
			return err
		}
		renewed := make(chan struct{})
		renewals, stop := context.WithCancel(ctx)
		defer stop()
		go func() {
			defer close(renewed)
			keepFresh(renewals, d, log)
		}()
		followed := make(chan struct{})
		go func() {
			defer close(followed)
			follow(renewals, site, stream.Open(base, site.Exchange, root), notices, consoleListen == "", log)
		}()
		told := make(chan struct{})
		go func() {
			defer close(told)
			notices.Run(renewals, log)
		}()
		exported := make(chan struct{})
		go func() {
			defer close(exported)
			keepExported(renewals, d, book, stream.Open(base, site.Exchange, root), log)
		}()
		pruned := make(chan struct{})
		go func() {
			defer close(pruned)
			tidy(renewals, base, store, desk, box, unread, log)
		}()
		sourced := make(chan struct{})
		go func() {
			defer close(sourced)
			(&exchange.Runner{Exchange: exchange.Open(base, d.protection), Actor: "khien serve", Log: log}).Run(renewals)
		}()
		counted := make(chan struct{})
		go func() {
			defer close(counted)
			if err := site.Begin(renewals); err != nil && renewals.Err() == nil { // whoever looks is told
				log.Error("couldn't count what is listed", "error", err)
			}
		}()
		shown := make(chan error, 1)
		if pictures == "" {
			shown <- nil
		} else {
			pl, err := listenEvidence(ctx, pictures)
			if err != nil {
				l.Close()
				return err
			}
			fmt.Fprintf(words, "pictures are at http://%s/\n", pl.Addr())
			if evidenceOrigin == "" {
				evidenceOrigin = "http://" + pl.Addr().String()
			}
			go func() { shown <- httpd.NewEvidence(store, few.Within(files/6), log).Run(renewals, pl) }()
		}
		maintained := make(chan error, 1)
		if consoleListen == "" {
			maintained <- nil
		} else {
			cl, err := net.Listen("tcp", consoleListen)
			if err != nil {
				l.Close()
				return fmt.Errorf("couldn't serve the console on %s: %w", consoleListen, err)
			}
			k, err := d.console(cl, consoleOrigin, few.Within(files/6), box, store, strings.TrimSuffix(evidenceOrigin, "/"), log)
			if err != nil {
				l.Close()
				cl.Close()
				return err
			}
			fmt.Fprintf(words, "the console is at %s/\n", k.Address())
			go func() { maintained <- k.Run(renewals, cl) }()
		}
		fmt.Fprintf(words, "serving on http://%s/\n", l.Addr())
		rules.Scale(each/float64(reports.Each), float64(burst)/float64(reports.EachBurst))
		for p, most := range map[limit.Purpose]float64{limit.Reports: all, limit.Appeals: appeals, limit.Pictures: uploads} {
			if rate.Limit(most) != rules[p].All {
				rules[p].All, rules[p].AllBurst = rate.Limit(most), int(2*most)
			}
		}
		disk := &limit.Disk{Path: d.path, Floor: floor << 20}
		err = httpd.New(httpd.Config{API: answers, Public: site, Limiter: limit.New(rules), Disk: disk, Proxies: proxies, Conns: conns.Within(files), TAXII: collections, Notices: notices, Demo: demo, Log: log}).Run(ctx, l)
		stop()
		<-renewed
		<-followed
		<-told
		<-pruned
		<-sourced
		<-exported
		<-counted
		err = errors.Join(err, <-maintained, <-shown)
		if err == nil {
			fmt.Fprintln(words, "stopped")
		}
		return err
	}
	return cmd
}

// otherFiles are for databases, pictures and what is published.
const otherFiles = 128

// few are the connections of those who maintain.
var few = gate.Limits{All: 256, Each: 256, Wide: 256}

// filesForConns is how many files may be connections. Go has raised the limit as far as it can be by itself.
func filesForConns() (int, error) {
	var most syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &most); err != nil {
		return 0, fmt.Errorf("couldn't ask how many files may be open: %w", err)
	}
	if most.Cur < 2*otherFiles {
		return 0, fmt.Errorf("the system allows %d open files, and a server needs %d at least: raise it, as with \"ulimit -n\"", most.Cur, 2*otherFiles)
	}
	return int(min(most.Cur, 1<<20)) - otherFiles, nil
}

// networks reads addresses and networks.
func networks(list []string) (all []netip.Prefix, err error) {
	for _, text := range list {
		one, err := netip.ParsePrefix(text)
		if err != nil {
			addr, bad := netip.ParseAddr(text)
			if bad != nil {
				return nil, usagef("--proxy: %q is no network such as 192.0.2.0/24 or 2001:db8::1", text)
			}
			one = netip.PrefixFrom(addr, addr.BitLen())
		}
		if addr := one.Addr(); addr.Is4In6() && one.Bits() >= 96 {
			one = netip.PrefixFrom(addr.Unmap(), one.Bits()-96)
		}
		all = append(all, one)
	}
	return all, nil
}

// asked tells when a platform was informed of a subject and when it removed it.
func asked(book *takedown.Store) func(context.Context, subject.Subject) (informed, removed int64, err error) {
	return func(ctx context.Context, s subject.Subject) (informed, removed int64, err error) {
		c, err := book.Of(ctx, s)
		switch {
		case errors.Is(err, takedown.ErrNotFound):
			return 0, 0, nil
		case err == nil && c.State == takedown.ActionTaken:
			removed = c.Acted
		}
		return c.Sent, removed, err
	}
}

// since tells when a subject was put on the list.
func since(book *ledger.Ledger) func(context.Context, subject.Subject) (int64, error) {
	return func(ctx context.Context, s subject.Subject) (at int64, err error) {
		history, err := book.History(ctx, s)
		on := false
		for _, d := range history { // what is said about it may change while it is there
			if now := d.Action != "withdraw"; now != on {
				on, at = now, d.Time
			}
		}
		return at, err
	}
}

// listenEvidence refuses to serve what strangers have sent to anybody but the people on this machine.
func listenEvidence(ctx context.Context, address string) (net.Listener, error) {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("couldn't serve the pictures on %s: %w", address, err)
	}
	if at, ok := l.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		l.Close()
		return nil, usagef("pictures are served on this machine only, such as 127.0.0.1:8789: put a proxy in front that knows the maintainers")
	}
	return l, nil
}

// keepFresh renews the head every hour until ctx is done, and publishes what is overdue.
func keepFresh(ctx context.Context, d *dir, log *slog.Logger) {
	hourly, often := time.NewTicker(time.Hour), time.NewTicker(10*time.Second)
	defer hourly.Stop()
	defer often.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hourly.C:
			mend(ctx, d, log)
		case <-often.C:
			publishOverdue(ctx, d, log)
		}
	}
}

// publishOverdue publishes what one person has proposed and nobody has stopped in time, and says so.
func publishOverdue(ctx context.Context, d *dir, log *slog.Logger) {
	r, o, err := overdue(ctx, d, time.Now().Unix())
	switch {
	case ctx.Err() != nil || errors.Is(err, publish.ErrChanged): // another server is at it
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, ledger.ErrImporting): // the release key is kept elsewhere, and khien publish does it there; or half of a list is there
	case err != nil:
		log.Error("couldn't publish what was proposed", "error", err)
	case o.State == triage.Unopposed:
		log.Info("published what was proposed and nobody has stopped", "release", r.Sequence)
		if r.Behind != nil {
			log.Warn("what could not be done behind a release follows by itself", "error", r.Behind)
		}
	case o.State == triage.Outdated:
		log.Warn("what was proposed is not what was decided any more, and does not go out")
	}
}

func overdue(ctx context.Context, d *dir, now int64) (r publish.Result, o triage.Proposal, err error) {
	desk, err := d.desk()
	if err != nil {
		return r, o, err
	}
	if o, err := desk.Proposed(ctx); err != nil || o.Due == 0 || now < o.Due {
		if errors.Is(err, triage.ErrNotProposed) {
			err = nil
		}
		return r, triage.Proposal{}, err
	}
	p, err := d.publisher()
	if err != nil {
		return r, o, err
	}
	box, err := d.inbox()
	if err != nil {
		return r, o, err
	}
	defer box.Close()
	people, err := d.staff()
	if err != nil {
		return r, o, err
	}
	impact, err := d.impact()
	if err != nil {
		return r, o, err
	}
	return desk.Overdue(ctx, p, box, impact, people.Publishers(), opposable(people), "khien serve", now)
}

// mend renews the head, and tells what was damaged and what cannot be helped.
func mend(ctx context.Context, d *dir, log *slog.Logger) {
	back, err := renew(ctx, d, time.Now().Unix())
	if err != nil && ctx.Err() == nil && !errors.Is(err, publish.ErrChanged) { // as another server has done
		log.Error("couldn't renew the head", "error", err)
	}
	if len(back) > 0 {
		log.Warn("what is published was damaged, and was put back", "files", back)
	}
}

// renew signs a new head when less than half of its life is left, and mends what is damaged of what is published; what
// people have changed and nobody has published stays unpublished. Before the first release, and where the release key
// is kept elsewhere, there is nothing to do.
func renew(ctx context.Context, d *dir, now int64) (back []string, err error) {
	p, err := d.publisher()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	desk, err := d.desk()
	if err != nil {
		return nil, err
	}
	box, unread := d.inbox() // a head is renewed without it
	if unread == nil {
		defer box.Close()
	}
	r, err := desk.KeepFresh(ctx, p, box, "khien serve", now)
	return r.Back, errors.Join(err, r.Behind, unread)
}
