-- +goose Up

-- Which event lists what is there of a checkpoint, so that a later audit misses it.
CREATE TABLE checkpoint_lists (
    id        BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    what      TEXT    NOT NULL CHECK (what IN ('note', 'token', 'cosignature')),
    size      BIGINT  NOT NULL,
    sha256    BYTEA   NOT NULL CHECK (length(sha256) = 32),
    operation TEXT    NOT NULL,
    UNIQUE (what, size, sha256)
);
CREATE INDEX checkpoint_lists_operation ON checkpoint_lists (operation);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoint_lists FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE checkpoint_lists ENABLE ALWAYS TRIGGER append_only;
GRANT SELECT, INSERT ON checkpoint_lists TO absah_app;
ALTER TABLE checkpoint_lists ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON checkpoint_lists USING (current_setting('absah.organisation', true) <> '');
