package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/time/rate"

	"khien/server/api"
	"khien/server/httpd"
	"khien/server/limit"
	"khien/server/public"
	"khien/server/takedown"
	"khien/shared/release"
	"khien/shared/subject"
)

func serveCommand(d *dir) *cobra.Command {
	var listen, client, pictures, evidenceOrigin, consoleListen, consoleOrigin string
	var demo bool
	limits := limit.Usual
	each, all := float64(limits.Each), float64(limits.All)
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve the published list and take reports",
		Long: `Serves what is published, takes reports, and shows a page that explains how to begin.
What another "khien publish" publishes is served at once. A head with less than half of
its life left is signed anew, at the start and every hour. Ctrl-C or SIGTERM lets the
requests under way finish.

What comes in floods is slowed: see --each and --all. Nothing about requests is logged.`,
		Example: `  $ khien serve --listen 127.0.0.1:8787 --demo`,
		Args:    none,
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8787", "the address to serve on")
	cmd.Flags().StringVar(&client, "client-header", "", "behind a proxy: the header in which it tells the client's address, such as X-Real-IP; of a list, as in X-Forwarded-For, the last counts")
	cmd.Flags().Float64Var(&each, "each", each, "reports a second that are taken from one sender in the long run")
	cmd.Flags().IntVar(&limits.EachBurst, "each-burst", limits.EachBurst, "reports that are taken from one sender at once")
	cmd.Flags().Float64Var(&all, "all", all, "reports a second from all senders, above which each needs a proof of work")
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
		defer desk.Close()
		store, err := d.evidence()
		if err != nil {
			return err
		}
		defer store.Close()
		takedowns, err := d.takedownsOf(desk)
		if err != nil {
			return err
		}
		defer takedowns.Close()
		l, err := net.Listen("tcp", listen)
		if err != nil {
			return fmt.Errorf("couldn't serve on %s: %w", listen, err)
		}
		log := slog.New(slog.NewTextHandler(words, nil))
		answers := &api.API{Blobs: blobs, Inbox: box, Desk: desk, Evidence: store, Platform: asked(takedowns)}
		if err := answers.Ready(ctx, time.Now().Unix()); err != nil {
			fmt.Fprintf(words, "khien: %v: run \"khien publish\"\n", err)
		}
		book, err := d.ledger()
		if err != nil {
			return err
		}
		defer book.Close()
		site := &public.Site{Ledger: book, Inbox: box, Desk: desk, Takedowns: takedowns, Log: log}
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
			follow(renewals, site, consoleListen == "", log)
		}()
		pruned := make(chan struct{})
		go func() {
			defer close(pruned)
			prunePictures(renewals, store, desk, log)
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
			go func() { shown <- httpd.NewEvidence(store, log).Run(renewals, pl) }()
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
			k, done, err := d.console(cl, consoleOrigin, box, store, strings.TrimSuffix(evidenceOrigin, "/"), log)
			if err != nil {
				l.Close()
				cl.Close()
				return err
			}
			defer done()
			fmt.Fprintf(words, "the console is at %s/\n", k.Address())
			go func() { maintained <- k.Run(renewals, cl) }()
		}
		fmt.Fprintf(words, "serving on http://%s/\n", l.Addr())
		limits.Each, limits.All, limits.AllBurst = rate.Limit(each), rate.Limit(all), int(2*all)
		err = httpd.New(httpd.Config{API: answers, Public: site, Limiter: limit.New(limits), ClientHeader: client, Demo: demo, Log: log}).Run(ctx, l)
		stop()
		<-renewed
		<-followed
		<-pruned
		err = errors.Join(err, <-maintained, <-shown)
		if err == nil {
			fmt.Fprintln(words, "stopped")
		}
		return err
	}
	return cmd
}

// asked tells when a platform was informed of a subject and when it removed it.
func asked(book *takedown.Book) func(context.Context, subject.Subject) (informed, removed int64, err error) {
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

// keepFresh renews the head now and every hour until ctx is done.
func keepFresh(ctx context.Context, d *dir, log *slog.Logger) {
	hourly := time.NewTicker(time.Hour)
	defer hourly.Stop()
	for {
		if err := renew(ctx, d, time.Now().Unix()); err != nil && ctx.Err() == nil {
			log.Error("couldn't renew the head", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-hourly.C:
		}
	}
}

// renew signs a new head when less than half of its life is left; what people have changed and nobody has published stays
// unpublished. Before the first release, and where the release key is kept elsewhere, there is nothing to do.
func renew(ctx context.Context, d *dir, now int64) error {
	blobs, err := d.blobs()
	if err != nil {
		return err
	}
	note, err := blobs.Head()
	if err != nil {
		return nil
	}
	head, err := release.ReadHead(note)
	if err != nil || now-head.Issued < (head.Expires-head.Issued)/2 {
		return err
	}
	p, done, err := d.publisher()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer done()
	desk, err := d.desk()
	if err != nil {
		return err
	}
	defer desk.Close()
	_, err = desk.KeepFresh(ctx, p, "khien serve", "the head is renewed when half of its life is over", now)
	return err
}
