-- +goose Up

-- Times are microseconds since 1970, UTC. What a row lacks is NULL for times and
-- digests and '' for text.

-- One row for each record; never changed.
CREATE TABLE entries (
    id           INTEGER PRIMARY KEY,
    organisation TEXT    NOT NULL,
    operation    TEXT    NOT NULL,
    phase        TEXT    NOT NULL CHECK (phase IN ('intent', 'outcome', 'event')),
    -- 0 for intent and outcome, which an operation has at most once; for events
    -- the start of the leaf, which no two share. One index serves uniqueness
    -- and search.
    slot         INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    promise      INTEGER NOT NULL,
    salt         BLOB    NOT NULL CHECK (length(salt) = 32),
    leaf         BLOB    NOT NULL CHECK (length(leaf) = 32),
    record       BLOB    NOT NULL,
    receipt      BLOB,
    CHECK ((phase = 'event') = (slot <> 0)),
    UNIQUE (operation, phase, slot)
) STRICT;

-- The place of an entry in the tree. A table of its own, so that giving an
-- entry its place changes no row. It and the next two name entries without a
-- foreign key, which would lock and, on PostgreSQL, rewrite the entries.
CREATE TABLE leaves (
    leaf_index INTEGER PRIMARY KEY CHECK (leaf_index >= 0),
    entry      INTEGER NOT NULL UNIQUE
) STRICT;

-- Stored hashes (golang.org/x/mod/sumdb/tlog), several to a row: hashes holds
-- those with the indexes from first on, 32 bytes each.
CREATE TABLE tree_hashes (
    first  INTEGER PRIMARY KEY CHECK (first >= 0),
    hashes BLOB    NOT NULL CHECK (length(hashes) > 0 AND length(hashes) % 32 = 0)
) STRICT;

CREATE TABLE log_head (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    size INTEGER NOT NULL,
    root BLOB    NOT NULL CHECK (length(root) = 32)
) STRICT;
INSERT INTO log_head (id, size, root) VALUES (1, 0, zeroblob(32));

-- Entries without a place, kept by a trigger.
CREATE TABLE pending (
    entry   INTEGER PRIMARY KEY,
    promise INTEGER NOT NULL
) STRICT;
CREATE INDEX pending_promise ON pending (promise);

-- Intents without an outcome, kept by a trigger.
CREATE TABLE open_intents (
    operation TEXT    PRIMARY KEY,
    entry     INTEGER NOT NULL,
    at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
    size INTEGER PRIMARY KEY CHECK (size >= 0),
    root BLOB    NOT NULL CHECK (length(root) = 32),
    note BLOB    NOT NULL,
    at   INTEGER NOT NULL
) STRICT;

CREATE TABLE checkpoint_tokens (
    size     INTEGER PRIMARY KEY REFERENCES checkpoints (size),
    token    BLOB    NOT NULL,
    material BLOB    NOT NULL CHECK (length(material) % 32 = 0)
) STRICT;

CREATE TABLE checkpoint_cosignatures (
    size INTEGER NOT NULL REFERENCES checkpoints (size),
    line TEXT    NOT NULL,
    PRIMARY KEY (size, line)
) STRICT, WITHOUT ROWID;

-- Bytes that records name by digest. They can be erased: data becomes NULL.
CREATE TABLE artefacts (
    organisation TEXT    NOT NULL,
    sha256       BLOB    NOT NULL CHECK (length(sha256) = 32),
    kind         TEXT    NOT NULL,
    size         INTEGER NOT NULL,
    data         BLOB,
    erased_at    INTEGER,
    PRIMARY KEY (sha256, organisation),
    CHECK ((data IS NULL) = (erased_at IS NOT NULL))
) STRICT;

CREATE TABLE holds (
    organisation TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    sha256       BLOB    NOT NULL CHECK (length(sha256) = 32),
    at           INTEGER NOT NULL,
    PRIMARY KEY (sha256, organisation, reason)
) STRICT, WITHOUT ROWID;
CREATE INDEX holds_reason ON holds (organisation, reason);

-- +goose StatementBegin
CREATE TRIGGER entries_added AFTER INSERT ON entries
BEGIN
    INSERT INTO pending (entry, promise) VALUES (NEW.id, NEW.promise);
    INSERT INTO open_intents (operation, entry, at) SELECT NEW.operation, NEW.id, NEW.at WHERE NEW.phase = 'intent';
    DELETE FROM open_intents WHERE operation = NEW.operation AND NEW.phase = 'outcome';
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER leaves_no_update BEFORE UPDATE ON leaves BEGIN SELECT RAISE(ABORT, 'leaves is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER leaves_no_delete BEFORE DELETE ON leaves BEGIN SELECT RAISE(ABORT, 'leaves is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER tree_hashes_no_update BEFORE UPDATE ON tree_hashes BEGIN SELECT RAISE(ABORT, 'tree_hashes is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER tree_hashes_no_delete BEFORE DELETE ON tree_hashes BEGIN SELECT RAISE(ABORT, 'tree_hashes is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checkpoints_no_update BEFORE UPDATE ON checkpoints BEGIN SELECT RAISE(ABORT, 'checkpoints is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checkpoints_no_delete BEFORE DELETE ON checkpoints BEGIN SELECT RAISE(ABORT, 'checkpoints is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checkpoint_tokens_no_update BEFORE UPDATE ON checkpoint_tokens BEGIN SELECT RAISE(ABORT, 'checkpoint_tokens is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checkpoint_tokens_no_delete BEFORE DELETE ON checkpoint_tokens BEGIN SELECT RAISE(ABORT, 'checkpoint_tokens is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checkpoint_cosignatures_no_update BEFORE UPDATE ON checkpoint_cosignatures BEGIN SELECT RAISE(ABORT, 'checkpoint_cosignatures is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checkpoint_cosignatures_no_delete BEFORE DELETE ON checkpoint_cosignatures BEGIN SELECT RAISE(ABORT, 'checkpoint_cosignatures is append-only'); END;
-- +goose StatementEnd
-- A head goes forward only.
-- +goose StatementBegin
CREATE TRIGGER log_head_forward BEFORE UPDATE ON log_head WHEN NEW.size <= OLD.size BEGIN SELECT RAISE(ABORT, 'the head of the log goes forward only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER log_head_no_delete BEFORE DELETE ON log_head BEGIN SELECT RAISE(ABORT, 'the head of the log goes forward only'); END;
-- +goose StatementEnd
