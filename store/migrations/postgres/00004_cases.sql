-- +goose Up

-- Complaints. What people said, who they are and what was found is sealed.
CREATE TABLE cases (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL CHECK (organisation <> ''),
    year         BIGINT  NOT NULL,
    serial       BIGINT  NOT NULL CHECK (serial > 0),
    code         BYTEA   NOT NULL UNIQUE CHECK (length(code) = 32), -- SHA-256 of the complainant's secret
    kind         TEXT    NOT NULL CHECK (kind IN ('authentication', 'authenticity', 'repudiation', 'key-loss', 'conduct')),
    state        TEXT    NOT NULL CHECK (state IN ('received', 'examined', 'escalated', 'answered', 'closed')),
    opened_at    BIGINT  NOT NULL,
    due          BIGINT,
    file_sha256  BYTEA   CHECK (length(file_sha256) = 32),
    document     TEXT    NOT NULL,
    sealed       BYTEA   NOT NULL,
    version      BIGINT  NOT NULL,
    UNIQUE (organisation, year, serial)
);
CREATE INDEX cases_open ON cases (organisation, id) WHERE state <> 'closed';

CREATE TABLE case_events (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL,
    case_id      TEXT    NOT NULL REFERENCES cases (id),
    at           BIGINT  NOT NULL,
    sealed       BYTEA   NOT NULL
);
CREATE INDEX case_events_case ON case_events (case_id, at, id);

CREATE TABLE case_files (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL,
    case_id      TEXT    NOT NULL REFERENCES cases (id),
    kind         TEXT    NOT NULL CHECK (kind IN ('disputed', 'original', 'attachment', 'letter')),
    sha256       BYTEA   NOT NULL CHECK (length(sha256) = 32),
    size         BIGINT  NOT NULL,
    at           BIGINT  NOT NULL,
    name         BYTEA   NOT NULL, -- sealed
    data         BYTEA   NOT NULL  -- sealed
);
CREATE INDEX case_files_case ON case_files (case_id, at, id);

-- +goose StatementBegin
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['cases', 'case_events', 'case_files'] LOOP
        EXECUTE format('GRANT SELECT, INSERT ON %I TO absah_app', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY organisation ON %I USING (organisation = current_setting(''absah.organisation'', true)
            OR current_setting(''absah.organisation'', true) = ''*'')', t);
    END LOOP;
END
$$;
-- +goose StatementEnd
GRANT UPDATE ON cases TO absah_app;
