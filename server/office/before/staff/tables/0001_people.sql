-- Who may enter the console.
CREATE TABLE person (
    handle  BLOB    NOT NULL PRIMARY KEY, -- 32 random bytes, the user handle of the passkeys (WebAuthn section 4)
    name    TEXT    NOT NULL UNIQUE,
    role    TEXT    NOT NULL,
    made    INTEGER NOT NULL, -- Unix seconds
    left    INTEGER NOT NULL DEFAULT 0 -- Unix seconds; 0: may still enter
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
