-- +goose Up

-- Members of OP staff, who sign in to the console.
CREATE TABLE staff (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL CHECK (organisation <> ''),
    username     TEXT    NOT NULL UNIQUE,
    name         TEXT    NOT NULL,
    role         TEXT    NOT NULL CHECK (role IN ('investigator', 'supervisor', 'auditor')),
    password     TEXT    NOT NULL, -- argon2id
    totp         BYTEA   NOT NULL, -- sealed
    last_step    BIGINT  NOT NULL,
    failures     BIGINT  NOT NULL,
    not_before   BIGINT,
    status       TEXT    NOT NULL CHECK (status IN ('active', 'locked')),
    created_at   BIGINT  NOT NULL,
    version      BIGINT  NOT NULL
);

-- Their sessions, by the SHA-256 of a token that only the browser has.
CREATE TABLE sessions (
    id           BYTEA   PRIMARY KEY CHECK (length(id) = 32),
    organisation TEXT    NOT NULL,
    staff        TEXT    NOT NULL REFERENCES staff (id),
    created_at   BIGINT  NOT NULL,
    seen_at      BIGINT  NOT NULL,
    ended_at     BIGINT
);
CREATE INDEX sessions_staff ON sessions (staff) WHERE ended_at IS NULL;
CREATE INDEX sessions_created ON sessions (created_at);

-- What verifications came to, for the overview; the records have it too.
CREATE TABLE verdicts (
    operation    TEXT    NOT NULL,
    verdict      TEXT    NOT NULL,
    organisation TEXT    NOT NULL,
    at           BIGINT  NOT NULL,
    n            BIGINT  NOT NULL CHECK (n > 0),
    PRIMARY KEY (operation, verdict)
);
CREATE INDEX verdicts_at ON verdicts (organisation, at);

-- +goose StatementBegin
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['staff', 'sessions', 'verdicts'] LOOP
        EXECUTE format('GRANT SELECT, INSERT ON %I TO absah_app', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY organisation ON %I USING (organisation = current_setting(''absah.organisation'', true)
            OR current_setting(''absah.organisation'', true) = ''*'')', t);
    END LOOP;
END
$$;
-- +goose StatementEnd
GRANT UPDATE ON staff TO absah_app;
GRANT UPDATE, DELETE ON sessions TO absah_app;
