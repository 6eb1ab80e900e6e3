-- +goose Up

-- Members of OP staff, who sign in to the console.
CREATE TABLE staff (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL CHECK (organisation <> ''),
    username     TEXT    NOT NULL UNIQUE,
    name         TEXT    NOT NULL,
    role         TEXT    NOT NULL CHECK (role IN ('investigator', 'supervisor', 'auditor')),
    password     TEXT    NOT NULL, -- argon2id
    totp         BLOB    NOT NULL, -- sealed
    last_step    INTEGER NOT NULL,
    failures     INTEGER NOT NULL,
    not_before   INTEGER,
    status       TEXT    NOT NULL CHECK (status IN ('active', 'locked')),
    created_at   INTEGER NOT NULL,
    version      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Their sessions, by the SHA-256 of a token that only the browser has.
CREATE TABLE sessions (
    id           BLOB    PRIMARY KEY CHECK (length(id) = 32),
    organisation TEXT    NOT NULL,
    staff        TEXT    NOT NULL REFERENCES staff (id),
    created_at   INTEGER NOT NULL,
    seen_at      INTEGER NOT NULL,
    ended_at     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_staff ON sessions (staff) WHERE ended_at IS NULL;
CREATE INDEX sessions_created ON sessions (created_at);

-- What verifications came to, for the overview; the records have it too.
CREATE TABLE verdicts (
    operation    TEXT    NOT NULL,
    verdict      TEXT    NOT NULL,
    organisation TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    n            INTEGER NOT NULL CHECK (n > 0),
    PRIMARY KEY (operation, verdict)
) STRICT, WITHOUT ROWID;
CREATE INDEX verdicts_at ON verdicts (organisation, at);
