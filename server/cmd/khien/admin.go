package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"khien/server/audit"
	"khien/server/console"
	"khien/server/evidence"
	"khien/server/exchange"
	"khien/server/gate"
	"khien/server/inbox"
	"khien/server/partner"
	"khien/server/staff"
	"khien/server/triage"
)

// consoleAt is where the console is, unless it is told otherwise.
const consoleAt = "http://localhost:8788"

func (d *dir) staff() (*staff.Store, error) {
	base, err := d.office()
	if err != nil {
		return nil, err
	}
	return staff.Open(base), nil
}

func adminCommand(d *dir) *cobra.Command {
	cmd := group("admin", "Say who may enter the console", `  $ khien admin invite mai --role admin
  $ khien admin list
  $ khien admin suspend mai`)
	cmd.AddCommand(adminInvite(d), adminList(d), adminSuspend(d), adminLeave(d), adminDelay(d))
	return cmd
}

func roles() string {
	var names []string
	for _, r := range staff.Roles {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

func adminInvite(d *dir) *cobra.Command {
	var role, origin, why string
	var alone bool
	cmd := &cobra.Command{
		Use: "invite NAME", Short: "Let somebody into the console",
		Long: `Prints a link that is good once and for a day. Behind it the browser makes a passkey, which
lets the person in from then on. The first person is an admin, who can invite others, and a
maintainer is invited where --role says nothing else.

Nobody gives a say to anybody alone. Whoever has the command line is one person, by whatever
name: it lets in the first admin, and beside a single member one more, whose word counts 72
hours after the passkey was made. Everybody else who is to decide, to agree or to invite, and
every other role of somebody who is in, is proposed in the console by an admin and confirmed
there by another person.

Where no two people can do that, such as after the only admin has lost the passkey, --alone
with --why starts it: for 72 hours everybody who is in sees it and can stop it. Run again after
that, it prints the link; an earlier passkey of the person is gone then.`,
		Example: `  $ khien admin invite mai --role admin
  http://localhost:8788/invite/X3vP…
  $ khien admin invite mai --role admin --alone --why "the security key is lost"`,
		Args: exactly(1, "one person"),
	}
	cmd.Flags().StringVar(&role, "role", "", roles()+" (default maintainer, and admin for the first person)")
	cmd.Flags().StringVar(&origin, "console-origin", consoleAt, "how browsers see the console, as for \"khien serve\"")
	cmd.Flags().BoolVar(&alone, "alone", false, "where no two people in the console can do it: wait 72 hours, then let the person in; needs --why")
	cmd.Flags().StringVar(&why, "why", "", "for the audit log")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name := args[0]
		switch err := staff.Check(name, cmp.Or(staff.Role(role), staff.Maintainer)); err {
		case nil:
		case staff.ErrRole:
			return usagef("--role is one of %s", roles())
		default:
			return usagef("%w", err)
		}
		if alone && why == "" {
			return usagef("say with --why why no two people can do it")
		}
		book, err := d.staff()
		if err != nil {
			return err
		}
		people, err := book.All(cmd.Context())
		switch {
		case err != nil:
			return err
		case role == "" && len(people) == 0:
			role = string(staff.Admin)
		case role == "":
			role = string(staff.Maintainer)
		}
		var link string
		var waits staff.Proposal
		act := audit.Act{Verb: audit.Invite, Object: person(name), Args: audit.Args{Role: role, Alone: alone}, Why: audit.Why{Text: why}}
		err = d.act(cmd.Context(), act, func() (err error) {
			if alone {
				link, waits, err = book.Alone(cmd.Context(), actor(), name, staff.Role(role))
			} else {
				link, _, err = book.Invite(cmd.Context(), staff.Shell(actor()), name, staff.Role(role))
			}
			return err
		})
		switch {
		case err != nil:
			return err
		case link == "" && alone:
			fmt.Fprintf(cmd.ErrOrStderr(), "%s may enter as %s from %s UTC on, unless somebody in the console stops it: run this again then\n", name, role, minute(waits.Due))
			return nil
		case link == "":
			fmt.Fprintf(cmd.ErrOrStderr(), "%s may enter again as %s, with the passkey that is there already\n", name, role)
			return nil
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s may enter as %s; the link is good once, until this time tomorrow:\n", name, role)
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s/invite/%s\n", strings.TrimSuffix(origin, "/"), link)
		return err
	}
	return cmd
}

func adminList(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List who may enter the console, who might once, and what is proposed",
		Long: `COUNTS says from when on the word of somebody who is new counts: 72 hours after the passkey
was made or the role changed.`,
		Example: `  $ khien admin list
  NAME  ROLE      SINCE             PASSKEYS  COUNTS
  mai   admin     2026-11-24 09:14  1         yes
  linh  approver  2026-11-28 10:02  1         from 2026-12-01 10:07`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			book, err := d.staff()
			if err != nil {
				return err
			}
			people, err := book.All(cmd.Context())
			if err != nil {
				return err
			}
			if len(people) == 0 {
				fmt.Fprintln(cmd.ErrOrStderr(), "nobody yet: \"khien admin invite NAME --role admin\"")
				return nil
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "NAME\tROLE\tSINCE\tPASSKEYS\tCOUNTS")
			now := time.Now().Unix()
			for _, p := range people {
				passkeys := fmt.Sprint(len(p.Passkeys))
				counts := "yes"
				switch waits := p.Waits(now); {
				case !p.In() || p.Counts == 0:
					counts = "-"
				case !p.Role.Weighs():
					counts = "has no say"
				case waits != 0:
					counts = "from " + minute(waits)
				}
				switch {
				case p.Left != 0:
					passkeys = "left " + minute(p.Left)
				case p.Suspended != 0:
					passkeys = "suspended " + minute(p.Suspended)
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", p.Name, p.Role, minute(p.Made), passkeys, counts)
			}
			if err := table.Flush(); err != nil {
				return err
			}
			proposed, err := book.Proposals(cmd.Context())
			if err != nil {
				return err
			}
			for _, p := range proposed {
				waits := "another person confirms it in the console"
				if p.Alone() {
					waits = "done on the command line from " + minute(p.Due) + " on, unless somebody stops it"
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "proposed by %s: %s as %s; %s\n", p.By, p.Name, p.Role, waits)
			}
			return nil
		},
	}
}

func adminSuspend(d *dir) *cobra.Command {
	return d.locks(&cobra.Command{
		Use: "suspend NAME", Short: "Lock somebody out at once, as after the loss of a laptop",
		Long: `Who is in is out, and the passkeys let nobody in; they stay. Two people let the person in again:
an admin proposes it in the console, with the same role, and another one confirms it. It changes
nothing about how many must agree to anything. The only admin, too, can be suspended here:
"khien admin invite NAME --role admin --alone" gets one in again.`,
		Example: `  $ khien admin suspend mai`,
	}, audit.Suspend, "is locked out", (*staff.Store).Suspend)
}

func adminLeave(d *dir) *cobra.Command {
	return d.locks(&cobra.Command{
		Use: "leave NAME", Short: "Let somebody in no more",
		Long:    `The passkeys and invitations are gone at once, and who is in is out. What the person decided stays.`,
		Example: `  $ khien admin leave mai`,
	}, audit.Leave, "may not enter any more", (*staff.Store).Leave)
}

func person(name string) audit.Object { return audit.Object{Kind: audit.OfPerson, ID: name} }

// locks makes the command of one that locks somebody out.
func (d *dir) locks(cmd *cobra.Command, verb audit.Verb, done string, do func(*staff.Store, context.Context, staff.Person, string) error) *cobra.Command {
	cmd.Args = exactly(1, "one person")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		book, err := d.staff()
		if err != nil {
			return err
		}
		desk, err := d.desk()
		if err != nil {
			return err
		}
		ctx := context.WithoutCancel(cmd.Context())
		err = d.act(ctx, audit.Act{Verb: verb, Object: person(args[0])}, func() error {
			if err := do(book, ctx, staff.Shell(actor()), args[0]); err != nil {
				return err
			}
			return desk.Hold(ctx, time.Now().Unix()+staff.Wait)
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s %s\n", args[0], done)
		return nil
	}
	return cmd
}

func adminDelay(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "delay HOURS", Short: "Say how long a release of one person waits for the others",
		Long: `What one person has proposed to publish goes out by itself after this time, unless somebody
stops it: a day, if nobody says otherwise, and never less than an hour. Where several people
decide, a shorter time holds only after the present one, and everybody in the console sees it
come and can keep the present one.`,
		Example: `  $ khien admin delay 12h`,
		Args:    exactly(1, "a time, such as 12h"),
		RunE: func(cmd *cobra.Command, args []string) error {
			delay, err := time.ParseDuration(args[0])
			if err != nil {
				return usagef("%w", err)
			}
			people, err := d.staff()
			if err != nil {
				return err
			}
			var now staff.Register
			err = d.act(cmd.Context(), audit.Act{Verb: audit.Delay, Object: audit.Object{Kind: audit.OfRegister}, Args: audit.Args{Minutes: int64(delay / time.Minute)}}, func() (err error) {
				now, err = people.SetDelay(cmd.Context(), delay, time.Now().Unix())
				return err
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "what one person proposes waits %s\n", hours(now.Delay))
			if now.Next != 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "and %s from %s on, unless somebody in the console keeps it as it is\n", hours(now.Next), minute(now.Since))
			}
			return nil
		},
	}
}

// console is ready to serve on l. Impact is empty where no popular names are known.
func (d *dir) console(l net.Listener, origin string, conns gate.Limits, box *inbox.Inbox, store *evidence.Store, pictures string, log *slog.Logger) (*console.Console, error) {
	people, err := d.staff()
	if err != nil {
		return nil, err
	}
	desk, err := d.desk()
	if err != nil {
		return nil, err
	}
	takedowns, err := d.takedownsOf(desk)
	if err != nil {
		return nil, err
	}
	base, err := d.office()
	if err != nil {
		return nil, err
	}
	p, err := d.publisher()
	if err != nil {
		return nil, err
	}
	if origin == "" {
		_, port, _ := net.SplitHostPort(l.Addr().String())
		origin = "http://localhost:" + port
	}
	return console.New(console.Config{
		Origin: origin, Staff: people, Desk: desk, Inbox: box, Publisher: p, Evidence: store, Pictures: pictures, Takedowns: takedowns, Letters: d.letters(),
		Exchange: exchange.Open(base, d.protection), Partners: partner.Open(base, desk),
		Impact: triage.Impact{Popular: p.Popular, Verified: p.Verified}, Conns: conns, Log: log,
	})
}

// loopback refuses to serve the console to other machines as it is.
func loopback(address string) error {
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return usagef("--console: %w", err)
	}
	if !at.IP.IsLoopback() {
		return usagef("the console is served on this machine only, such as 127.0.0.1:8788: put a proxy with TLS in front, and name its address with --console-origin")
	}
	return nil
}
