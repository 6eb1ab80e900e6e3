-- +goose Up

-- The case that an operation is about, "" for none: whoever may not see a case
-- does not find its records either.
ALTER TABLE operations ADD COLUMN case_id TEXT NOT NULL DEFAULT '';
UPDATE operations SET case_id = coalesce((SELECT json_extract(CAST(e.record AS TEXT), '$.detail.case') FROM entries e
    WHERE e.operation = operations.id LIMIT 1), '') WHERE kind LIKE 'case.%';

-- Who keeps out of a case, such as the member of staff that it is about.
CREATE TABLE case_recusals (
    case_id      TEXT    NOT NULL REFERENCES cases (id),
    organisation TEXT    NOT NULL,
    staff        TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    PRIMARY KEY (case_id, staff)
) STRICT, WITHOUT ROWID;

-- The last number of a year. The row is locked by whoever takes the next.
CREATE TABLE case_numbers (
    organisation TEXT    NOT NULL,
    year         INTEGER NOT NULL,
    last         INTEGER NOT NULL,
    PRIMARY KEY (organisation, year)
) STRICT, WITHOUT ROWID;
INSERT INTO case_numbers (organisation, year, last) SELECT organisation, year, max(serial) FROM cases GROUP BY organisation, year;

CREATE INDEX cases_due ON cases (organisation, due, id) WHERE state <> 'closed';
