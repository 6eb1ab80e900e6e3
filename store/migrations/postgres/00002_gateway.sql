-- +goose Up

CREATE TABLE applications (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL CHECK (organisation <> ''),
    name         TEXT    NOT NULL,
    role         TEXT    NOT NULL CHECK (role IN ('application', 'investigator', 'auditor', 'operator')),
    require_mtls BOOLEAN NOT NULL,
    policy       TEXT    NOT NULL,
    created_at   BIGINT  NOT NULL,
    expires_at   BIGINT,
    revoked_at   BIGINT,
    version      BIGINT  NOT NULL,
    UNIQUE (organisation, name)
);

CREATE TABLE credentials (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL,
    application  TEXT    NOT NULL REFERENCES applications (id),
    kind         TEXT    NOT NULL CHECK (kind IN ('key', 'basic', 'mtls')),
    lookup       TEXT    NOT NULL,
    hash         BYTEA   CHECK (hash IS NULL OR length(hash) = 32),
    created_at   BIGINT  NOT NULL,
    expires_at   BIGINT,
    revoked_at   BIGINT,
    UNIQUE (kind, lookup)
);
CREATE INDEX credentials_application ON credentials (application);

CREATE TABLE signers (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL CHECK (organisation <> ''),
    kind         TEXT    NOT NULL CHECK (kind IN ('personal', 'seal')),
    name         TEXT    NOT NULL,
    office       TEXT    NOT NULL,
    nik_hash     BYTEA,
    nik_sealed   BYTEA,
    status       TEXT    NOT NULL CHECK (status IN ('active', 'locked', 'revoked')),
    created_at   BIGINT  NOT NULL,
    UNIQUE (organisation, nik_hash)
);

CREATE TABLE signer_keys (
    id           BYTEA   PRIMARY KEY CHECK (length(id) = 32),
    organisation TEXT    NOT NULL,
    signer       TEXT    NOT NULL REFERENCES signers (id),
    algorithm    TEXT    NOT NULL,
    sealed       BYTEA,
    label        TEXT    NOT NULL,
    created_at   BIGINT  NOT NULL,
    CHECK ((sealed IS NULL) <> (label = ''))
);
CREATE INDEX signer_keys_signer ON signer_keys (signer);

CREATE TABLE certificates (
    sha256             BYTEA   PRIMARY KEY CHECK (length(sha256) = 32),
    organisation       TEXT    NOT NULL,
    signer_key         BYTEA   NOT NULL REFERENCES signer_keys (id),
    der                BYTEA   NOT NULL,
    chain              BYTEA   NOT NULL,
    not_before         BIGINT  NOT NULL,
    not_after          BIGINT  NOT NULL,
    revoked_locally_at BIGINT,
    revoked_reason     TEXT    NOT NULL
);
CREATE INDEX certificates_key ON certificates (signer_key);
CREATE INDEX certificates_end ON certificates (not_after, sha256);

CREATE TABLE activations (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL,
    token_hash   BYTEA   NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    application  TEXT    NOT NULL,
    signer       TEXT    NOT NULL,
    signer_key   BYTEA   NOT NULL CHECK (length(signer_key) = 32),
    level        TEXT    NOT NULL,
    binding      BYTEA   NOT NULL,
    sealed       BYTEA,
    created_at   BIGINT  NOT NULL,
    expires_at   BIGINT  NOT NULL,
    revoked_at   BIGINT 
);
CREATE INDEX activations_sealed ON activations (expires_at) WHERE sealed IS NOT NULL;

CREATE TABLE activation_documents (
    organisation TEXT NOT NULL,
    activation   TEXT NOT NULL REFERENCES activations (id),
    sha256       BYTEA   NOT NULL CHECK (length(sha256) = 32),
    operation    TEXT NOT NULL, -- '' while unused
    PRIMARY KEY (activation, sha256)
);

-- What operations are found by. All of it is also in the evidence.
CREATE TABLE operations (
    id            TEXT    PRIMARY KEY,
    organisation  TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    status        TEXT    NOT NULL CHECK (status IN ('pending', 'ok', 'refused', 'failed', 'unknown')),
    code          TEXT    NOT NULL,
    application   TEXT    NOT NULL,
    user_name     TEXT    NOT NULL,
    node          TEXT    NOT NULL,
    signer        TEXT    NOT NULL,
    certificate   BYTEA,
    level         TEXT    NOT NULL,
    document      TEXT    NOT NULL,
    activation    TEXT    NOT NULL,
    batch         TEXT    NOT NULL,
    started_at    BIGINT  NOT NULL,
    finished_at   BIGINT,
    input_sha256  BYTEA,
    output_sha256 BYTEA,
    CHECK ((status = 'pending') = (finished_at IS NULL))
);
CREATE INDEX operations_started ON operations (organisation, started_at);
CREATE INDEX operations_application ON operations (application, id) WHERE application <> '';
CREATE INDEX operations_signer ON operations (signer, id) WHERE signer <> '';
CREATE INDEX operations_document ON operations (document, id) WHERE document <> '';
CREATE INDEX operations_batch ON operations (batch, id) WHERE batch <> '';
CREATE INDEX operations_certificate ON operations (certificate, id) WHERE certificate IS NOT NULL;
CREATE INDEX operations_input ON operations (input_sha256) WHERE input_sha256 IS NOT NULL;
CREATE INDEX operations_output ON operations (output_sha256) WHERE output_sha256 IS NOT NULL;
CREATE INDEX operations_pending ON operations (started_at) WHERE status = 'pending';

CREATE TABLE idempotency (
    organisation   TEXT    NOT NULL,
    application    TEXT    NOT NULL,
    idem_key       TEXT    NOT NULL,
    request_sha256 BYTEA   NOT NULL CHECK (length(request_sha256) = 32),
    operation      TEXT    NOT NULL UNIQUE,
    tail           BYTEA,
    expires_at     BIGINT  NOT NULL,
    PRIMARY KEY (application, idem_key)
);
CREATE INDEX idempotency_expires ON idempotency (expires_at);

CREATE TABLE attempts (
    organisation TEXT    NOT NULL,
    signer       TEXT    NOT NULL,
    application  TEXT    NOT NULL,
    failures     BIGINT  NOT NULL,
    not_before   BIGINT,
    locked_at    BIGINT,
    PRIMARY KEY (organisation, signer, application)
);

-- Attempts under way.
CREATE TABLE attempt_reservations (
    id           BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organisation TEXT    NOT NULL,
    signer       TEXT    NOT NULL,
    application  TEXT    NOT NULL,
    expires_at   BIGINT  NOT NULL
);
CREATE INDEX attempt_reservations_of ON attempt_reservations (organisation, signer, application);

-- Wrong passphrases, for the alert over a whole organisation.
CREATE TABLE attempt_failures (
    id           BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organisation TEXT    NOT NULL,
    at           BIGINT  NOT NULL
);
CREATE INDEX attempt_failures_at ON attempt_failures (organisation, at);

CREATE TABLE documents (
    public_id    TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL,
    application  TEXT    NOT NULL,
    nomor        TEXT    NOT NULL,
    perihal      TEXT    NOT NULL,
    tanggal      TEXT    NOT NULL,
    pages        BIGINT  NOT NULL,
    confidential BOOLEAN NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN ('reserved', 'valid', 'replaced', 'withdrawn')),
    replaced_by  TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    created_at   BIGINT  NOT NULL,
    changed_at   BIGINT  NOT NULL
);

CREATE TABLE document_versions (
    id           BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organisation TEXT    NOT NULL,
    document     TEXT    NOT NULL REFERENCES documents (public_id),
    sha256       BYTEA   NOT NULL CHECK (length(sha256) = 32),
    size         BIGINT  NOT NULL,
    operation    TEXT    NOT NULL,
    created_at   BIGINT  NOT NULL,
    UNIQUE (document, sha256)
);
CREATE INDEX document_versions_sha256 ON document_versions (sha256);

CREATE TABLE renewals (
    operation    TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL,
    document     TEXT    NOT NULL,
    sha256       BYTEA   NOT NULL CHECK (length(sha256) = 32),
    due          BIGINT  NOT NULL,
    done_by      TEXT    NOT NULL -- '' while due
);
CREATE INDEX renewals_due ON renewals (due, operation) WHERE done_by = '';
CREATE INDEX renewals_sha256 ON renewals (sha256) WHERE done_by = '';

CREATE TABLE proposals (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    payload      BYTEA   NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN ('pending', 'approved', 'rejected')),
    proposed_by  TEXT    NOT NULL,
    proposed_at  BIGINT  NOT NULL,
    expires_at   BIGINT  NOT NULL,
    decided_by   TEXT    NOT NULL,
    decided_at   BIGINT,
    reason       TEXT    NOT NULL,
    CHECK (status <> 'approved' OR decided_by <> proposed_by)
);

-- Anonymous verifications that no record counts yet.
CREATE TABLE tallies (
    organisation TEXT    NOT NULL,
    sha256       BYTEA   NOT NULL CHECK (length(sha256) = 32),
    verdict      TEXT    NOT NULL,
    n            BIGINT  NOT NULL,
    PRIMARY KEY (sha256, verdict, organisation)
);

CREATE TABLE time_floor (
    id BIGINT  PRIMARY KEY CHECK (id = 1),
    at BIGINT  NOT NULL
);
INSERT INTO time_floor (id, at) VALUES (1, 0);

-- +goose StatementBegin
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['applications', 'credentials', 'signers', 'signer_keys', 'certificates', 'activations',
        'activation_documents', 'operations', 'idempotency', 'attempts', 'attempt_reservations', 'attempt_failures',
        'documents', 'document_versions', 'renewals', 'proposals', 'tallies'] LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO absah_app', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY organisation ON %I USING (organisation = current_setting(''absah.organisation'', true)
            OR current_setting(''absah.organisation'', true) = ''*'')', t);
    END LOOP;
END
$$;
-- +goose StatementEnd
GRANT DELETE ON idempotency, attempts, attempt_reservations, attempt_failures, tallies TO absah_app;
GRANT SELECT, UPDATE ON time_floor TO absah_app;
ALTER TABLE time_floor ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON time_floor USING (current_setting('absah.organisation', true) <> '');
