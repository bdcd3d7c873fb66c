package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"khien/server/console"
	"khien/server/evidence"
	"khien/server/inbox"
	"khien/server/staff"
	"khien/server/triage"
)

// consoleAt is where the console is, unless it is told otherwise.
const consoleAt = "http://localhost:8788"

func (d *dir) staff() (*staff.Book, error) {
	if err := d.exists(); err != nil {
		return nil, err
	}
	return staff.Open(filepath.Join(d.path, "staff.db"))
}

func adminCommand(d *dir) *cobra.Command {
	cmd := group("admin", "Say who may enter the console", `  $ khien admin invite mai --role admin
  $ khien admin list
  $ khien admin leave mai`)
	cmd.AddCommand(adminInvite(d), adminList(d), adminLeave(d))
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
	var role, origin string
	cmd := &cobra.Command{
		Use: "invite NAME", Short: "Let somebody into the console",
		Long: `Prints a link that is good once and for a day. Behind it the browser makes a passkey, which
lets the person in from then on. Somebody who has a passkey only gets the new role: another
passkey the person makes in the console. Who has lost theirs leaves first ("khien admin
leave") and is invited anew. The first person is an admin, who can invite others, and a
maintainer is invited where --role says nothing else.`,
		Example: `  $ khien admin invite mai --role admin
  http://localhost:8788/invite/X3vP…`,
		Args: exactly(1, "one person"),
	}
	cmd.Flags().StringVar(&role, "role", "", roles()+" (default maintainer, and admin for the first person)")
	cmd.Flags().StringVar(&origin, "console-origin", consoleAt, "how browsers see the console, as for \"khien serve\"")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch err := staff.Check(args[0], cmp.Or(staff.Role(role), staff.Maintainer)); err {
		case nil:
		case staff.ErrRole:
			return usagef("--role is one of %s", roles())
		default:
			return usagef("%w", err)
		}
		book, err := d.staff()
		if err != nil {
			return err
		}
		defer book.Close()
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
		err = d.act(cmd.Context(), "invite as "+role, "person "+args[0], "", func() (err error) {
			link, err = book.Invite(cmd.Context(), args[0], staff.Role(role))
			return err
		})
		if err != nil {
			return err
		}
		if link == "" {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s is %s from now on, and has a passkey already\n", args[0], role)
			return nil
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s may enter as %s; the link is good once, until this time tomorrow:\n", args[0], role)
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s/invite/%s\n", strings.TrimSuffix(origin, "/"), link)
		return err
	}
	return cmd
}

func adminList(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List who may enter the console, and who might once",
		Example: `  $ khien admin list
  NAME  ROLE   SINCE             PASSKEYS
  mai   admin  2026-11-24 09:14  1`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			book, err := d.staff()
			if err != nil {
				return err
			}
			defer book.Close()
			people, err := book.All(cmd.Context())
			if err != nil {
				return err
			}
			if len(people) == 0 {
				fmt.Fprintln(cmd.ErrOrStderr(), "nobody yet: \"khien admin invite NAME --role admin\"")
				return nil
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "NAME\tROLE\tSINCE\tPASSKEYS")
			for _, p := range people {
				passkeys := fmt.Sprint(len(p.Passkeys))
				if p.Left != 0 {
					passkeys = "left " + minute(p.Left)
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", p.Name, p.Role, minute(p.Made), passkeys)
			}
			return table.Flush()
		},
	}
}

func adminLeave(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "leave NAME", Short: "Let somebody in no more",
		Long:    `The passkeys and invitations are gone at once, and who is in is out. What the person decided stays.`,
		Example: `  $ khien admin leave mai`,
		Args:    exactly(1, "one person"),
		RunE: func(cmd *cobra.Command, args []string) error {
			book, err := d.staff()
			if err != nil {
				return err
			}
			defer book.Close()
			err = d.act(cmd.Context(), "leave", "person "+args[0], "", func() error { return book.Leave(cmd.Context(), args[0]) })
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s may not enter any more\n", args[0])
			return nil
		},
	}
}

// console is ready to serve on l; close it afterwards. Impact is empty where no popular names are known.
func (d *dir) console(l net.Listener, origin string, box *inbox.Inbox, store *evidence.Store, pictures string, log *slog.Logger) (k *console.Console, close func(), err error) {
	var open []interface{ Close() error }
	close = func() {
		for _, one := range open {
			one.Close()
		}
	}
	defer func() {
		if err != nil {
			close()
		}
	}()
	people, err := d.staff()
	if err != nil {
		return nil, nil, err
	}
	open = append(open, people)
	desk, err := d.desk()
	if err != nil {
		return nil, nil, err
	}
	open = append(open, desk)
	takedowns, err := d.takedownsOf(desk)
	if err != nil {
		return nil, nil, err
	}
	open = append(open, takedowns)
	p, done, err := d.publisher()
	if err != nil {
		return nil, nil, err
	}
	open = append(open, closer(done))
	if origin == "" {
		_, port, _ := net.SplitHostPort(l.Addr().String())
		origin = "http://localhost:" + port
	}
	k, err = console.New(console.Config{
		Origin: origin, Staff: people, Desk: desk, Inbox: box, Publisher: p, Evidence: store, Pictures: pictures, Takedowns: takedowns, Letters: d.letters(),
		Impact: triage.Impact{Popular: p.Popular, Verified: p.Verified}, Log: log,
	})
	return k, close, err
}

type closer func()

func (c closer) Close() error { c(); return nil }

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
