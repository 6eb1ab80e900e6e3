-- +goose Up

-- Times are microseconds since 1970, UTC. What a row lacks is NULL for times and
-- digests and '' for text.

-- One row for each record; never changed.
CREATE TABLE entries (
    id           BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organisation TEXT    NOT NULL,
    operation    TEXT    NOT NULL,
    phase        TEXT    NOT NULL CHECK (phase IN ('intent', 'outcome', 'event')),
    -- 0 for intent and outcome, which an operation has at most once; for events
    -- the start of the leaf, which no two share. One index serves uniqueness
    -- and search.
    slot         BIGINT  NOT NULL,
    kind         TEXT    NOT NULL,
    at           BIGINT  NOT NULL,
    promise      BIGINT  NOT NULL,
    salt         BYTEA   NOT NULL CHECK (length(salt) = 32),
    leaf         BYTEA   NOT NULL CHECK (length(leaf) = 32),
    record       BYTEA   NOT NULL,
    receipt      BYTEA,
    CHECK ((phase = 'event') = (slot <> 0)),
    UNIQUE (operation, phase, slot)
);

-- The place of an entry in the tree. A table of its own, so that giving an
-- entry its place changes no row. It and the next two name entries without a
-- foreign key, which would lock and, on PostgreSQL, rewrite the entries.
CREATE TABLE leaves (
    leaf_index BIGINT  PRIMARY KEY CHECK (leaf_index >= 0),
    entry      BIGINT  NOT NULL UNIQUE
);

-- Stored hashes (golang.org/x/mod/sumdb/tlog), several to a row: hashes holds
-- those with the indexes from first on, 32 bytes each.
CREATE TABLE tree_hashes (
    first  BIGINT  PRIMARY KEY CHECK (first >= 0),
    hashes BYTEA   NOT NULL CHECK (length(hashes) > 0 AND length(hashes) % 32 = 0)
);

CREATE TABLE log_head (
    id   BIGINT  PRIMARY KEY CHECK (id = 1),
    size BIGINT  NOT NULL,
    root BYTEA   NOT NULL CHECK (length(root) = 32)
);
INSERT INTO log_head (id, size, root) VALUES (1, 0, decode(repeat('00', 32), 'hex'));

-- Entries without a place, kept by a trigger.
CREATE TABLE pending (
    entry   BIGINT  PRIMARY KEY,
    promise BIGINT  NOT NULL
);
CREATE INDEX pending_promise ON pending (promise);

-- Intents without an outcome, kept by a trigger.
CREATE TABLE open_intents (
    operation TEXT    PRIMARY KEY,
    entry     BIGINT  NOT NULL,
    at        BIGINT  NOT NULL
);

CREATE TABLE checkpoints (
    size BIGINT  PRIMARY KEY CHECK (size >= 0),
    root BYTEA   NOT NULL CHECK (length(root) = 32),
    note BYTEA   NOT NULL,
    at   BIGINT  NOT NULL
);

CREATE TABLE checkpoint_tokens (
    size     BIGINT  PRIMARY KEY REFERENCES checkpoints (size),
    token    BYTEA   NOT NULL,
    material BYTEA   NOT NULL CHECK (length(material) % 32 = 0)
);

CREATE TABLE checkpoint_cosignatures (
    size BIGINT  NOT NULL REFERENCES checkpoints (size),
    line TEXT    NOT NULL,
    PRIMARY KEY (size, line)
);

-- Bytes that records name by digest. They can be erased: data becomes NULL.
CREATE TABLE artefacts (
    organisation TEXT    NOT NULL,
    sha256       BYTEA   NOT NULL CHECK (length(sha256) = 32),
    kind         TEXT    NOT NULL,
    size         BIGINT  NOT NULL,
    data         BYTEA,
    erased_at    BIGINT,
    PRIMARY KEY (sha256, organisation),
    CHECK ((data IS NULL) = (erased_at IS NOT NULL))
);

CREATE TABLE holds (
    organisation TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    sha256       BYTEA   NOT NULL CHECK (length(sha256) = 32),
    at           BIGINT  NOT NULL,
    PRIMARY KEY (sha256, organisation, reason)
);
CREATE INDEX holds_reason ON holds (organisation, reason);

-- The gateway works as absah_app, which owns nothing. Who migrates must be able
-- to create that role or find it made.
-- +goose StatementBegin
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'absah_app') THEN
        CREATE ROLE absah_app NOLOGIN;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO absah_app', current_schema());
END
$$;
-- +goose StatementEnd
GRANT SELECT ON goose_db_version TO absah_app;

-- +goose StatementBegin
CREATE FUNCTION entries_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pending (entry, promise) VALUES (NEW.id, NEW.promise);
    IF NEW.phase = 'intent' THEN
        INSERT INTO open_intents (operation, entry, at) VALUES (NEW.operation, NEW.id, NEW.at);
    ELSIF NEW.phase = 'outcome' THEN
        DELETE FROM open_intents WHERE operation = NEW.operation;
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER entries_added AFTER INSERT ON entries FOR EACH ROW EXECUTE FUNCTION entries_added();

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
$$;
-- +goose StatementEnd

-- A head goes forward only.
-- +goose StatementBegin
CREATE FUNCTION log_head_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.size <= OLD.size THEN
        RAISE EXCEPTION 'the head of the log goes forward only';
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER log_head_forward BEFORE UPDATE ON log_head FOR EACH ROW EXECUTE FUNCTION log_head_forward();
CREATE TRIGGER log_head_no_delete BEFORE DELETE OR TRUNCATE ON log_head FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ENABLE ALWAYS: also while session_replication_role is replica.
-- +goose StatementBegin
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['entries', 'leaves', 'tree_hashes', 'checkpoints', 'checkpoint_tokens', 'checkpoint_cosignatures'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER append_only', t);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO absah_app', t);
    END LOOP;
    ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_added;
    ALTER TABLE log_head ENABLE ALWAYS TRIGGER log_head_forward;
    ALTER TABLE log_head ENABLE ALWAYS TRIGGER log_head_no_delete;
END
$$;
-- +goose StatementEnd
GRANT SELECT, UPDATE ON log_head TO absah_app;
GRANT SELECT, INSERT, DELETE ON pending, open_intents TO absah_app;
GRANT SELECT, INSERT, UPDATE ON artefacts TO absah_app;
GRANT SELECT, INSERT, DELETE ON holds TO absah_app;

-- A transaction says in absah.organisation whose rows it works on; '*' stands
-- for all, and without it nothing is seen. Artefacts of organisation '' belong
-- to none, such as CRLs; what has no organisation at all is for '*'.
-- +goose StatementBegin
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['entries', 'artefacts', 'holds'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['entries', 'holds'] LOOP
        EXECUTE format('CREATE POLICY organisation ON %I USING (organisation = current_setting(''absah.organisation'', true)
            OR current_setting(''absah.organisation'', true) = ''*'')', t);
    END LOOP;
    CREATE POLICY organisation ON artefacts USING (organisation IN ('', current_setting('absah.organisation', true))
        AND current_setting('absah.organisation', true) <> '' OR current_setting('absah.organisation', true) = '*');
    FOREACH t IN ARRAY ARRAY['leaves', 'tree_hashes', 'log_head', 'pending', 'open_intents', 'checkpoints', 'checkpoint_tokens', 'checkpoint_cosignatures'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY scope ON %I USING (current_setting(''absah.organisation'', true) <> '''')', t);
    END LOOP;
END
$$;
-- +goose StatementEnd
