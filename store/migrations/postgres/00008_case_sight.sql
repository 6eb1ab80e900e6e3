-- +goose Up

-- The case that an operation is about, "" for none: whoever may not see a case
-- does not find its records either.
ALTER TABLE operations ADD COLUMN case_id TEXT NOT NULL DEFAULT '';
UPDATE operations SET case_id = coalesce((SELECT convert_from(e.record, 'UTF8')::jsonb -> 'detail' ->> 'case' FROM entries e
    WHERE e.operation = operations.id LIMIT 1), '') WHERE kind LIKE 'case.%';

-- Who keeps out of a case, such as the member of staff that it is about.
CREATE TABLE case_recusals (
    case_id      TEXT    NOT NULL REFERENCES cases (id),
    organisation TEXT    NOT NULL,
    staff        TEXT    NOT NULL,
    at           BIGINT  NOT NULL,
    PRIMARY KEY (case_id, staff)
);

-- The last number of a year. The row is locked by whoever takes the next.
CREATE TABLE case_numbers (
    organisation TEXT    NOT NULL,
    year         BIGINT  NOT NULL,
    last         BIGINT  NOT NULL,
    PRIMARY KEY (organisation, year)
);
INSERT INTO case_numbers (organisation, year, last) SELECT organisation, year, max(serial) FROM cases GROUP BY organisation, year;

CREATE INDEX cases_due ON cases (organisation, due, id) WHERE state <> 'closed';

-- +goose StatementBegin
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['case_recusals', 'case_numbers'] LOOP
        EXECUTE format('GRANT SELECT, INSERT ON %I TO absah_app', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY organisation ON %I USING (organisation = current_setting(''absah.organisation'', true)
            OR current_setting(''absah.organisation'', true) = ''*'')', t);
    END LOOP;
END
$$;
-- +goose StatementEnd
GRANT DELETE ON case_recusals TO absah_app;
GRANT UPDATE ON case_numbers TO absah_app;
