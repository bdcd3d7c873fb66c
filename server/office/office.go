// Package office opens the one database of all that is decided: what is listed, the cases, what is asked of platforms,
// the advice cards, who may decide, and the index of the pictures. It takes over what an earlier program kept in a file
// for each of them (movein.go), and a data directory remembers where its own is (where.go).
package office

import (
	"context"
	"fmt"

	"khien/server/campaign"
	"khien/server/db"
	"khien/server/evidence"
	"khien/server/exchange"
	"khien/server/ledger"
	"khien/server/notice"
	"khien/server/partner"
	"khien/server/staff"
	"khien/server/stream"
	"khien/server/takedown"
	"khien/server/triage"
)

// Tables are those of every package that keeps something in the database, in the order in which they are brought up.
var Tables = []db.Tables{ledger.Tables, triage.Tables, takedown.Tables, campaign.Tables, staff.Tables, evidence.Tables, exchange.Tables, stream.Tables, partner.Tables, notice.Tables}

// File is the name of the database in the data directory.
const File = "office.db"

// Open opens the database of a data directory, which is at a place that Where has told, making it where it is missing.
func Open(ctx context.Context, folder, place string) (*db.DB, error) {
	if !db.IsPostgres(place) {
		if err := MoveIn(ctx, folder); err != nil {
			return nil, fmt.Errorf("couldn't take over what an earlier khien has kept: %w", err)
		}
	}
	office, err := db.Open(db.In(place, "office"), Tables...)
	if err != nil {
		return nil, fmt.Errorf("couldn't open the office: %w", err)
	}
	office.Folder = folder
	return office, nil
}
