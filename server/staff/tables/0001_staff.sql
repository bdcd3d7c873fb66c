-- Who may enter the console.
CREATE TABLE person (
    handle    BLOB    NOT NULL PRIMARY KEY, -- 32 random bytes, the user handle of the passkeys (WebAuthn section 4)
    name      TEXT    NOT NULL UNIQUE,
    role      TEXT    NOT NULL,
    made      INTEGER NOT NULL, -- Unix seconds
    gone      INTEGER NOT NULL DEFAULT 0, -- Unix seconds; 0: may still enter
    counts    INTEGER NOT NULL DEFAULT 0, -- Unix seconds from which the person's word counts; 0: has never made a passkey
    term      INTEGER NOT NULL DEFAULT 1, -- goes up with each change of what the person is here: sessions and proposals are of one
    suspended INTEGER NOT NULL DEFAULT 0, -- Unix seconds; 0: is not
    invented  INTEGER NOT NULL DEFAULT 0 CHECK (invented IN (0, 1)) -- 1: of an invented installation, where nobody waits
) STRICT;

CREATE TABLE passkey (
    id         BLOB    NOT NULL PRIMARY KEY,
    handle     BLOB    NOT NULL REFERENCES person (handle),
    credential TEXT    NOT NULL, -- JSON of go-webauthn's Credential
    made       INTEGER NOT NULL,
    used       INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX passkey_by_person ON passkey (handle);

-- A link that is good once, for one person. The name in the link is random; only its SHA-256 is kept.
CREATE TABLE invitation (
    digest  BLOB    NOT NULL PRIMARY KEY,
    handle  BLOB    NOT NULL REFERENCES person (handle),
    expires INTEGER NOT NULL
) STRICT;

-- What one person wants to be done about another, until a second one confirms it.
CREATE TABLE member_proposal (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT    NOT NULL UNIQUE, -- whom it is about
    term    INTEGER NOT NULL, -- of that person; 0: there is none of the name
    role    TEXT    NOT NULL,
    by      BLOB    REFERENCES person (handle), -- NULL: the command line, where nobody can confirm
    by_term INTEGER NOT NULL,
    by_name TEXT    NOT NULL,
    made    INTEGER NOT NULL,
    due     INTEGER NOT NULL DEFAULT 0 -- Unix seconds from which the command line may do it alone, unless somebody stops it
) STRICT;

-- How many people a release takes. One row.
CREATE TABLE register (
    id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    alone INTEGER NOT NULL, -- one person runs all of this, and says so
    delay INTEGER NOT NULL, -- seconds in which another member can stop a release that one person has proposed
    next  INTEGER NOT NULL DEFAULT 0, -- a shorter delay that somebody has asked for; 0 for none
    since INTEGER NOT NULL DEFAULT 0 -- Unix seconds from when it holds
) STRICT;

INSERT INTO register (id, alone, delay) VALUES (1, 0, 86400);

-- It ends by itself, whoever brings the second one in and by whatever way, and does not come back when others leave.
CREATE TRIGGER together_by_name AFTER INSERT ON person
    WHEN (SELECT count(*) FROM person WHERE gone = 0 AND role IN ('maintainer', 'approver')) > 1
    BEGIN UPDATE register SET alone = 0; END;
CREATE TRIGGER together_by_role AFTER UPDATE ON person
    WHEN (SELECT count(*) FROM person WHERE gone = 0 AND role IN ('maintainer', 'approver')) > 1
    BEGIN UPDATE register SET alone = 0; END;
