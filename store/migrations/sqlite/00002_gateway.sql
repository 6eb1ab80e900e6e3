-- +goose Up

CREATE TABLE applications (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL CHECK (organisation <> ''),
    name         TEXT    NOT NULL,
    role         TEXT    NOT NULL CHECK (role IN ('application', 'investigator', 'auditor', 'operator')),
    require_mtls INTEGER NOT NULL CHECK (require_mtls IN (0, 1)),
    policy       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    version      INTEGER NOT NULL,
    UNIQUE (organisation, name)
) STRICT;

CREATE TABLE credentials (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL,
    application  TEXT    NOT NULL REFERENCES applications (id),
    kind         TEXT    NOT NULL CHECK (kind IN ('key', 'basic', 'mtls')),
    lookup       TEXT    NOT NULL,
    hash         BLOB    CHECK (hash IS NULL OR length(hash) = 32),
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    UNIQUE (kind, lookup)
) STRICT;
CREATE INDEX credentials_application ON credentials (application);

CREATE TABLE signers (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL CHECK (organisation <> ''),
    kind         TEXT    NOT NULL CHECK (kind IN ('personal', 'seal')),
    name         TEXT    NOT NULL,
    office       TEXT    NOT NULL,
    nik_hash     BLOB,
    nik_sealed   BLOB,
    status       TEXT    NOT NULL CHECK (status IN ('active', 'locked', 'revoked')),
    created_at   INTEGER NOT NULL,
    UNIQUE (organisation, nik_hash)
) STRICT;

CREATE TABLE signer_keys (
    id           BLOB    PRIMARY KEY CHECK (length(id) = 32),
    organisation TEXT    NOT NULL,
    signer       TEXT    NOT NULL REFERENCES signers (id),
    algorithm    TEXT    NOT NULL,
    sealed       BLOB,
    label        TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    CHECK ((sealed IS NULL) <> (label = ''))
) STRICT;
CREATE INDEX signer_keys_signer ON signer_keys (signer);

CREATE TABLE certificates (
    sha256             BLOB    PRIMARY KEY CHECK (length(sha256) = 32),
    organisation       TEXT    NOT NULL,
    signer_key         BLOB    NOT NULL REFERENCES signer_keys (id),
    der                BLOB    NOT NULL,
    chain              BLOB    NOT NULL,
    not_before         INTEGER NOT NULL,
    not_after          INTEGER NOT NULL,
    revoked_locally_at INTEGER,
    revoked_reason     TEXT    NOT NULL
) STRICT;
CREATE INDEX certificates_key ON certificates (signer_key);
CREATE INDEX certificates_end ON certificates (not_after, sha256);

CREATE TABLE activations (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL,
    token_hash   BLOB    NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    application  TEXT    NOT NULL,
    signer       TEXT    NOT NULL,
    signer_key   BLOB    NOT NULL CHECK (length(signer_key) = 32),
    level        TEXT    NOT NULL,
    binding      BLOB    NOT NULL,
    sealed       BLOB,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    revoked_at   INTEGER
) STRICT;
CREATE INDEX activations_sealed ON activations (expires_at) WHERE sealed IS NOT NULL;

CREATE TABLE activation_documents (
    organisation TEXT NOT NULL,
    activation   TEXT NOT NULL REFERENCES activations (id),
    sha256       BLOB NOT NULL CHECK (length(sha256) = 32),
    operation    TEXT NOT NULL, -- '' while unused
    PRIMARY KEY (activation, sha256)
) STRICT, WITHOUT ROWID;

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
    certificate   BLOB,
    level         TEXT    NOT NULL,
    document      TEXT    NOT NULL,
    activation    TEXT    NOT NULL,
    batch         TEXT    NOT NULL,
    started_at    INTEGER NOT NULL,
    finished_at   INTEGER,
    input_sha256  BLOB,
    output_sha256 BLOB,
    CHECK ((status = 'pending') = (finished_at IS NULL))
) STRICT, WITHOUT ROWID;
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
    request_sha256 BLOB    NOT NULL CHECK (length(request_sha256) = 32),
    operation      TEXT    NOT NULL UNIQUE,
    tail           BLOB,
    expires_at     INTEGER NOT NULL,
    PRIMARY KEY (application, idem_key)
) STRICT;
CREATE INDEX idempotency_expires ON idempotency (expires_at);

CREATE TABLE attempts (
    organisation TEXT    NOT NULL,
    signer       TEXT    NOT NULL,
    application  TEXT    NOT NULL,
    failures     INTEGER NOT NULL,
    not_before   INTEGER,
    locked_at    INTEGER,
    PRIMARY KEY (organisation, signer, application)
) STRICT, WITHOUT ROWID;

-- Attempts under way.
CREATE TABLE attempt_reservations (
    id           INTEGER PRIMARY KEY,
    organisation TEXT    NOT NULL,
    signer       TEXT    NOT NULL,
    application  TEXT    NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX attempt_reservations_of ON attempt_reservations (organisation, signer, application);

-- Wrong passphrases, for the alert over a whole organisation.
CREATE TABLE attempt_failures (
    id           INTEGER PRIMARY KEY,
    organisation TEXT    NOT NULL,
    at           INTEGER NOT NULL
) STRICT;
CREATE INDEX attempt_failures_at ON attempt_failures (organisation, at);

CREATE TABLE documents (
    public_id    TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL,
    application  TEXT    NOT NULL,
    nomor        TEXT    NOT NULL,
    perihal      TEXT    NOT NULL,
    tanggal      TEXT    NOT NULL,
    pages        INTEGER NOT NULL,
    confidential INTEGER NOT NULL CHECK (confidential IN (0, 1)),
    status       TEXT    NOT NULL CHECK (status IN ('reserved', 'valid', 'replaced', 'withdrawn')),
    replaced_by  TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE document_versions (
    id           INTEGER PRIMARY KEY,
    organisation TEXT    NOT NULL,
    document     TEXT    NOT NULL REFERENCES documents (public_id),
    sha256       BLOB    NOT NULL CHECK (length(sha256) = 32),
    size         INTEGER NOT NULL,
    operation    TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    UNIQUE (document, sha256)
) STRICT;
CREATE INDEX document_versions_sha256 ON document_versions (sha256);

CREATE TABLE renewals (
    operation    TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL,
    document     TEXT    NOT NULL,
    sha256       BLOB    NOT NULL CHECK (length(sha256) = 32),
    due          INTEGER NOT NULL,
    done_by      TEXT    NOT NULL -- '' while due
) STRICT, WITHOUT ROWID;
CREATE INDEX renewals_due ON renewals (due, operation) WHERE done_by = '';
CREATE INDEX renewals_sha256 ON renewals (sha256) WHERE done_by = '';

CREATE TABLE proposals (
    id           TEXT    PRIMARY KEY,
    organisation TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    payload      BLOB    NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN ('pending', 'approved', 'rejected')),
    proposed_by  TEXT    NOT NULL,
    proposed_at  INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    decided_by   TEXT    NOT NULL,
    decided_at   INTEGER,
    reason       TEXT    NOT NULL,
    CHECK (status <> 'approved' OR decided_by <> proposed_by)
) STRICT, WITHOUT ROWID;

-- Anonymous verifications that no record counts yet.
CREATE TABLE tallies (
    organisation TEXT    NOT NULL,
    sha256       BLOB    NOT NULL CHECK (length(sha256) = 32),
    verdict      TEXT    NOT NULL,
    n            INTEGER NOT NULL,
    PRIMARY KEY (sha256, verdict, organisation)
) STRICT, WITHOUT ROWID;

CREATE TABLE time_floor (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
) STRICT;
INSERT INTO time_floor (id, at) VALUES (1, 0);
