-- +goose Up

-- Operations that released a signature when nobody could say whether its
-- certificate was revoked, and the event by which that was learnt later.
CREATE TABLE statuses_owed (
    operation    TEXT   PRIMARY KEY,
    organisation TEXT   NOT NULL,
    certificate  BYTEA  NOT NULL CHECK (length(certificate) = 32),
    since        BIGINT NOT NULL,
    given_by     TEXT   NOT NULL -- '' while owed
);
CREATE INDEX statuses_owed_since ON statuses_owed (since, operation) WHERE given_by = '';
CREATE INDEX statuses_owed_certificate ON statuses_owed (certificate) WHERE given_by = '';
GRANT SELECT, INSERT, UPDATE ON statuses_owed TO absah_app;
ALTER TABLE statuses_owed ENABLE ROW LEVEL SECURITY;
CREATE POLICY organisation ON statuses_owed USING (organisation = current_setting('absah.organisation', true)
    OR current_setting('absah.organisation', true) = '*');
