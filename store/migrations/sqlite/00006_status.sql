-- +goose Up

-- Operations that released a signature when nobody could say whether its
-- certificate was revoked, and the event by which that was learnt later.
CREATE TABLE statuses_owed (
    operation    TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL,
    certificate  BLOB    NOT NULL CHECK (length(certificate) = 32),
    since        INTEGER NOT NULL,
    given_by     TEXT    NOT NULL -- '' while owed
) STRICT, WITHOUT ROWID;
CREATE INDEX statuses_owed_since ON statuses_owed (since, operation) WHERE given_by = '';
CREATE INDEX statuses_owed_certificate ON statuses_owed (certificate) WHERE given_by = '';
