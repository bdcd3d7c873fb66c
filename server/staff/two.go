package staff

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"khien/server/db"
)

// Wait is how long the word of somebody who is new waits, and so does what the command line does alone, in seconds: 72
// hours, in which the others can see it and stop it.
const Wait = 72 * 60 * 60

// proposalLife is how long what was proposed can be confirmed, in seconds.
const proposalLife = 7 * 24 * 60 * 60

var (
	// ErrTwo is what takes two people, wanted where only one can be.
	ErrTwo = errors.New("two people must agree on this: an admin proposes it in the console under People, and another person confirms it there")
	// ErrSame is a role that a person has already.
	ErrSame = errors.New("the person has this role already")
	// ErrSamePerson is a proposal that is confirmed by who has made it, or by whom it is about.
	ErrSamePerson = errors.New("another person must confirm this, and not the one whom it is about")
	// ErrMay is an act of somebody who may not do it, or whose word does not count yet.
	ErrMay = errors.New("this person may not do that, or not yet")
	// ErrNotAlone is what the command line wants to do alone where two people in the console can do it.
	ErrNotAlone = errors.New("two people in the console can do this: it is proposed and confirmed there, under People")
)

// Shell is whoever has the command line: one person, whatever name they give.
func Shell(name string) Person { return Person{Name: name} }

func (p Person) shell() bool { return p.Handle == nil }

// Proposal is what one person wants to be done about another.
type Proposal struct {
	ID   int64
	Name string // whom it is about
	Role Role
	Was  Role   // of somebody who is in; empty for who is not
	By   string // who proposes it
	Made int64  // Unix seconds
	Due  int64  // Unix seconds from which the command line may do it alone, unless somebody stops it; 0 is never
	by   []byte
	term int64
}

// Alone tells whether the command line will do it alone.
func (p Proposal) Alone() bool { return p.Due != 0 }

// Invite lets a person in, or gives one who is in another role. What gives nobody a say is done at once, by one person:
// then there is a link, which is good once; earlier links of the person are not any more. A role that weighs, any
// change of a role, and whoever was suspended, only is proposed, and another person confirms it (Vouch). Where nobody
// but the one who invites has ever come in or is invited, the first further one is let in by that person alone: there
// is nobody else.
//
// Nobody gets a link to a passkey of somebody who has one: whoever invites could come in as that person. Another
// passkey is for the person alone to make (Another); who has lost theirs leaves and is invited anew.
func (b *Store) Invite(ctx context.Context, by Person, name string, role Role) (link string, proposed Proposal, err error) {
	if err := Check(name, role); err != nil {
		return "", proposed, err
	}
	err = b.db.Change(ctx, func(tx *sql.Tx) error {
		if err := may(ctx, tx, by, Invite); err != nil {
			return err
		}
		p, err := named(ctx, tx, name)
		if err != nil {
			return err
		}
		enrolled := p.Left == 0 && len(p.Passkeys) > 0
		if enrolled && p.In() && p.Role == role {
			return ErrSame
		}
		if role.Weighs() || enrolled {
			alone, err := alone(ctx, tx, by, name)
			if err != nil {
				return err
			}
			if enrolled || !alone {
				if by.shell() {
					return ErrTwo
				}
				proposed, err = propose(ctx, tx, by, p, name, role, 0)
				return err
			}
		}
		link, err = let(ctx, tx, name, role)
		return err
	})
	if err != nil {
		return "", proposed, fmt.Errorf("couldn't invite %s: %w", name, err)
	}
	return link, proposed, nil
}

// Alone is how whoever has the command line gets somebody in where no two people in the console can, such as the only
// admin after a loss: what it wants waits first, where everybody who is in sees it and can stop it. Called again after
// that it is done, and the person makes a passkey anew. Where two people can do it, it is ErrNotAlone.
func (b *Store) Alone(ctx context.Context, shell, name string, role Role) (link string, waits Proposal, err error) {
	if err := Check(name, role); err != nil {
		return "", waits, err
	}
	err = b.db.Change(ctx, func(tx *sql.Tx) error {
		all, err := people(ctx, tx, ``)
		if err != nil {
			return err
		}
		now := time.Now().Unix()
		for _, p := range all {
			for _, other := range all {
				if p.Name != name && other.Name != name && p.Name != other.Name && p.May(Invite, now) && other.May(Vouch, now) {
					return ErrNotAlone
				}
			}
		}
		p, err := named(ctx, tx, name)
		if err != nil {
			return err
		}
		open, err := proposals(ctx, tx)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(open, func(o Proposal) bool { return o.Name == name && o.Role == role && o.Alone() })
		if at < 0 {
			waits, err = propose(ctx, tx, Shell(shell), p, name, role, now+Wait)
			return err
		}
		if waits = open[at]; now < waits.Due {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM passkey WHERE handle = (SELECT handle FROM person WHERE name = ?)`, name); err != nil {
			return err
		}
		link, err = let(ctx, tx, name, role)
		return err
	})
	if err != nil {
		return "", waits, fmt.Errorf("couldn't let %s in: %w", name, err)
	}
	return link, waits, nil
}

// Vouch confirms what another has proposed, and returns a link where the person has no passkey. What is no more as it
// was proposed, or by whom, is ErrNotFound.
func (b *Store) Vouch(ctx context.Context, by Person, id int64) (link string, p Proposal, err error) {
	err = b.db.Change(ctx, func(tx *sql.Tx) error {
		if err := may(ctx, tx, by, Vouch); err != nil {
			return err
		}
		if p, err = proposal(ctx, tx, id); err != nil {
			return err
		}
		switch {
		case p.Alone():
			return ErrNotFound
		case bytes.Equal(p.by, by.Handle), p.Name == by.Name:
			return ErrSamePerson
		}
		link, err = let(ctx, tx, p.Name, p.Role)
		return err
	})
	if err != nil {
		return "", p, fmt.Errorf("couldn't confirm a proposal: %w", err)
	}
	return link, p, nil
}

// Stop takes a proposal away: anybody who is in can.
func (b *Store) Stop(ctx context.Context, id int64) (p Proposal, err error) {
	err = b.db.Change(ctx, func(tx *sql.Tx) error {
		if p, err = proposal(ctx, tx, id); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM member_proposal WHERE id = ?`, id)
		return err
	})
	return p, err
}

// Proposals are those that can be confirmed or stopped, the oldest first.
func (b *Store) Proposals(ctx context.Context) ([]Proposal, error) { return proposals(ctx, b.db) }

// proposals leaves out what is too old, what is about somebody who is another by now, and what nobody stands for who
// may still propose.
func proposals(ctx context.Context, q db.Reader) ([]Proposal, error) {
	now := time.Now().Unix()
	rows, err := q.QueryContext(ctx, `SELECT proposal.id, proposal.name, proposal.role, coalesce(CASE WHEN about.gone = 0 AND about.counts > 0 THEN about.role END, ''),
			by_name, proposal.made, due, by, by_term
		FROM member_proposal proposal LEFT JOIN person about ON about.name = proposal.name
		WHERE max(proposal.made, due) > ? AND proposal.term = coalesce(about.term, 0) ORDER BY proposal.id`, now-proposalLife)
	if err != nil {
		return nil, fmt.Errorf("couldn't read what is proposed: %w", err)
	}
	defer rows.Close()
	var all []Proposal
	for rows.Next() {
		var p Proposal
		if err := rows.Scan(&p.ID, &p.Name, &p.Role, &p.Was, &p.By, &p.Made, &p.Due, &p.by, &p.term); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(p Proposal) bool {
		return !p.Alone() && may(ctx, q, Person{Handle: p.by, Term: p.term}, Invite) != nil
	}), nil
}

func proposal(ctx context.Context, q db.Reader, id int64) (Proposal, error) {
	open, err := proposals(ctx, q)
	if err != nil {
		return Proposal{}, err
	}
	if at := slices.IndexFunc(open, func(p Proposal) bool { return p.ID == id }); at >= 0 {
		return open[at], nil
	}
	return Proposal{}, ErrNotFound
}

// propose keeps a proposal in place of any other about the same person.
func propose(ctx context.Context, tx *sql.Tx, by, about Person, name string, role Role, due int64) (Proposal, error) {
	if _, err := tx.ExecContext(ctx, `DELETE FROM member_proposal WHERE name = ?`, name); err != nil {
		return Proposal{}, err
	}
	var id int64
	if err := tx.QueryRowContext(ctx, `INSERT INTO member_proposal (name, term, role, by, by_term, by_name, made, due) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		name, about.Term, role, by.Handle, by.Term, by.Name, time.Now().Unix(), due).Scan(&id); err != nil {
		return Proposal{}, err
	}
	return proposal(ctx, tx, id)
}

// let lets somebody in, as what is said. Whoever has a passkey keeps it, and there is no link, not even of before;
// their word waits as that of somebody new.
func let(ctx context.Context, tx *sql.Tx, name string, role Role) (link string, err error) {
	now := time.Now().Unix()
	var handle [32]byte
	rand.Read(handle[:])
	if _, err := tx.ExecContext(ctx, `INSERT INTO person (handle, name, role, made) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT (name) DO UPDATE SET role = ?3, gone = 0, suspended = 0, invented = 0, term = person.term + 1, counts = CASE person.counts WHEN 0 THEN 0 ELSE ?4 + ?5 END`,
		handle[:], name, role, now, Wait); err != nil {
		return "", err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM member_proposal WHERE name = ?`, name); err != nil {
		return "", err
	}
	p, err := named(ctx, tx, name)
	if err != nil {
		return "", err
	}
	if len(p.Passkeys) == 0 {
		link, err = invitation(ctx, tx, p.Handle)
	} else {
		_, err = tx.ExecContext(ctx, `DELETE FROM invitation WHERE handle = ?`, p.Handle)
	}
	if err != nil {
		return "", err
	}
	return link, someoneInvites(ctx, tx)
}

// may tells whether somebody may do something now, in the term in which they want it.
func may(ctx context.Context, q db.Reader, by Person, what Right) error {
	if by.shell() {
		return nil
	}
	now, err := people(ctx, q, ` WHERE handle = ?`, by.Handle)
	if err != nil {
		return err
	}
	if len(now) != 1 || now[0].Term != by.Term || !now[0].May(what, time.Now().Unix()) {
		return ErrMay
	}
	return nil
}

// Stands tells whether somebody still stands for what they said at a time, in Unix seconds: they may enter, may do
// that, and their word has counted since.
func (b *Store) Stands(ctx context.Context, name string, what Right, when int64) (bool, error) {
	p, err := named(ctx, b.db, name)
	return err == nil && p.In() && p.Role.May(what) && p.Counts <= when, err
}

// Publishers tells who may publish, and might already at a time.
func (b *Store) Publishers() func(ctx context.Context, name string, when int64) (bool, error) {
	return func(ctx context.Context, name string, when int64) (bool, error) {
		return b.Stands(ctx, name, Publish, when)
	}
}

// named is the person of a name, or the zero value.
func named(ctx context.Context, q db.Reader, name string) (Person, error) {
	all, err := people(ctx, q, ` WHERE name = ?`, name)
	if err != nil || len(all) == 0 {
		return Person{}, err
	}
	return all[0], nil
}

// alone tells whether nobody else has ever come in or is invited, but whom this is about. On the command line, where
// nobody knows who that is, one person may be there.
func alone(ctx context.Context, q db.Reader, by Person, name string) (bool, error) {
	var others int
	err := q.QueryRowContext(ctx, `SELECT count(*) FROM person WHERE name <> ?1 AND handle IS DISTINCT FROM ?2
		AND (counts > 0 OR EXISTS (SELECT 1 FROM invitation WHERE invitation.handle = person.handle AND expires > ?3))`, name, by.Handle, time.Now().Unix()).Scan(&others)
	if by.shell() {
		others--
	}
	return others <= 0, err
}

// Suspend locks somebody out at once, as after the loss of a device: one admin can, and so can the command line. The
// passkeys stay, and who may enter again is for two people to say (Invite, Vouch). It changes nothing about how many
// others must agree to anything.
func (b *Store) Suspend(ctx context.Context, by Person, name string) error {
	return b.lock(ctx, by, name, `UPDATE person SET suspended = ?, term = term + 1 WHERE name = ? AND gone = 0 AND suspended = 0`, "invitation")
}

// Leave lets somebody in no more: the passkeys and links are gone at once. Who was here once is never forgotten, so
// that nobody becomes the only one by it.
func (b *Store) Leave(ctx context.Context, by Person, name string) error {
	return b.lock(ctx, by, name, `UPDATE person SET gone = ?, term = term + 1 WHERE name = ? AND gone = 0`, "invitation", "passkey")
}

// lock changes a person, and removes what they have in some tables. The console must keep an admin who can come in; the
// command line may lock the last one out, since it gets one in again (Alone).
func (b *Store) lock(ctx context.Context, by Person, name, change string, tables ...string) error {
	return b.db.Change(ctx, func(tx *sql.Tx) error {
		if err := may(ctx, tx, by, Invite); err != nil {
			return err
		}
		done, err := tx.ExecContext(ctx, change, time.Now().Unix(), name)
		if err != nil {
			return err
		}
		if n, _ := done.RowsAffected(); n != 1 {
			return ErrNotFound
		}
		for _, table := range tables {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE handle = (SELECT handle FROM person WHERE name = ?)`, name); err != nil {
				return err
			}
		}
		if by.shell() && slices.Equal(tables, []string{"invitation"}) {
			return nil
		}
		return someoneInvites(ctx, tx)
	})
}

// someoneInvites refuses a change after which there is no admin who can come in, once there is one who could.
func someoneInvites(ctx context.Context, tx *sql.Tx) error {
	var someone bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM person WHERE gone = 0 AND suspended = 0 AND role = 'admin'
		AND (EXISTS (SELECT 1 FROM passkey WHERE passkey.handle = person.handle) OR EXISTS (SELECT 1 FROM invitation WHERE invitation.handle = person.handle)))`).Scan(&someone); err != nil {
		return err
	}
	if !someone {
		return ErrLast
	}
	return nil
}

// Cast lets somebody into an invented installation, of which nobody is a real member: nobody confirms it, and nobody
// waits. Where there is anybody else, it is ErrTwo.
func (b *Store) Cast(ctx context.Context, name string, role Role) (link string, err error) {
	if err := Check(name, role); err != nil {
		return "", err
	}
	err = b.db.Change(ctx, func(tx *sql.Tx) error {
		var real bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM person WHERE invented = 0) OR EXISTS (SELECT 1 FROM passkey)`).Scan(&real); err != nil {
			return err
		}
		if real {
			return ErrTwo
		}
		var handle [32]byte
		rand.Read(handle[:])
		if _, err := tx.ExecContext(ctx, `INSERT INTO person (handle, name, role, made, counts, invented) VALUES (?, ?, ?, ?, 1, 1) ON CONFLICT (name) DO NOTHING`,
			handle[:], name, role, time.Now().Unix()); err != nil {
			return err
		}
		p, err := named(ctx, tx, name)
		if err == nil {
			link, err = invitation(ctx, tx, p.Handle)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("couldn't invite %s: %w", name, err)
	}
	return link, nil
}
