-- +goose Up

-- Complaints. What people said, who they are and what was found is sealed.
CREATE TABLE cases (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL CHECK (organisation <> ''),
    year         INTEGER NOT NULL,
    serial       INTEGER NOT NULL CHECK (serial > 0),
    code         BLOB    NOT NULL UNIQUE CHECK (length(code) = 32), -- SHA-256 of the complainant's secret
    kind         TEXT    NOT NULL CHECK (kind IN ('authentication', 'authenticity', 'repudiation', 'key-loss', 'conduct')),
    state        TEXT    NOT NULL CHECK (state IN ('received', 'examined', 'escalated', 'answered', 'closed')),
    opened_at    INTEGER NOT NULL,
    due          INTEGER,
    file_sha256  BLOB    CHECK (length(file_sha256) = 32),
    document     TEXT    NOT NULL,
    sealed       BLOB    NOT NULL,
    version      INTEGER NOT NULL,
    UNIQUE (organisation, year, serial)
) STRICT;
CREATE INDEX cases_open ON cases (organisation, id) WHERE state <> 'closed';

CREATE TABLE case_events (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL,
    case_id      TEXT    NOT NULL REFERENCES cases (id),
    at           INTEGER NOT NULL,
    sealed       BLOB    NOT NULL
) STRICT;
CREATE INDEX case_events_case ON case_events (case_id, at, id);

CREATE TABLE case_files (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL,
    case_id      TEXT    NOT NULL REFERENCES cases (id),
    kind         TEXT    NOT NULL CHECK (kind IN ('disputed', 'original', 'attachment', 'letter')),
    sha256       BLOB    NOT NULL CHECK (length(sha256) = 32),
    size         INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    name         BLOB    NOT NULL, -- sealed
    data         BLOB    NOT NULL  -- sealed
) STRICT;
CREATE INDEX case_files_case ON case_files (case_id, at, id);

-- +goose StatementBegin
CREATE TRIGGER case_events_no_update BEFORE UPDATE ON case_events BEGIN SELECT RAISE(ABORT, 'case_events is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER case_events_no_delete BEFORE DELETE ON case_events BEGIN SELECT RAISE(ABORT, 'case_events is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER case_files_no_update BEFORE UPDATE ON case_files BEGIN SELECT RAISE(ABORT, 'case_files is append-only'); END;
-- +goose StatementEnd
