-- +goose Up

-- Which event lists what is there of a checkpoint, so that a later audit misses it.
CREATE TABLE checkpoint_lists (
    id        INTEGER PRIMARY KEY,
    what      TEXT    NOT NULL CHECK (what IN ('note', 'token', 'cosignature')),
    size      INTEGER NOT NULL,
    sha256    BLOB    NOT NULL CHECK (length(sha256) = 32),
    operation TEXT    NOT NULL,
    UNIQUE (what, size, sha256)
) STRICT;
CREATE INDEX checkpoint_lists_operation ON checkpoint_lists (operation);
-- +goose StatementBegin
CREATE TRIGGER checkpoint_lists_no_update BEFORE UPDATE ON checkpoint_lists BEGIN SELECT RAISE(ABORT, 'checkpoint_lists is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checkpoint_lists_no_delete BEFORE DELETE ON checkpoint_lists BEGIN SELECT RAISE(ABORT, 'checkpoint_lists is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checkpoint_lists_no_replace BEFORE INSERT ON checkpoint_lists
WHEN EXISTS (SELECT 1 FROM checkpoint_lists WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM checkpoint_lists WHERE what = NEW.what AND size = NEW.size AND sha256 = NEW.sha256)
BEGIN SELECT RAISE(IGNORE); END;
-- +goose StatementEnd
