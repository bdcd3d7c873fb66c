// Command later makes the people of a test's data directory, and what they have proposed, so many hours older, for
// stories in which somebody waits.
//
//	go run ./scripts/later DATA HOURS
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/ncruces/go-sqlite3/driver"
)

func main() {
	if err := later(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func later(data, hours string) error {
	n, err := strconv.Atoi(hours)
	if err != nil {
		return err
	}
	const earlier = ` SET made = made - ?1, due = CASE due WHEN 0 THEN 0 ELSE due - ?1 END`
	return older(filepath.Join(data, "office.db"), n, `UPDATE person SET counts = max(1, counts - ?1) WHERE counts > 0`, `UPDATE register SET since = since - ?1 WHERE next > 0`,
		`UPDATE member_proposal`+earlier, `UPDATE proposal`+earlier+` WHERE state = 'open'`)
}

func older(file string, hours int, changes ...string) error {
	if _, err := os.Stat(file); err != nil {
		return nil // it is made when it is needed
	}
	db, err := driver.Open(file)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, change := range changes {
		if _, err := db.Exec(change, hours*60*60); err != nil {
			return err
		}
	}
	return nil
}
