-- +goose Up

-- When a case was closed, and when what people gave and said was erased.
ALTER TABLE cases ADD COLUMN closed_at BIGINT;
ALTER TABLE cases ADD COLUMN erased_at BIGINT;
UPDATE cases SET closed_at = (SELECT max(at) FROM case_events WHERE case_id = cases.id) WHERE state = 'closed';
CREATE INDEX cases_kept ON cases (organisation, id) WHERE state = 'closed' AND erased_at IS NULL;

-- A line of the history, and a file, change once: when they are erased.
ALTER TABLE case_events ADD COLUMN erased_at BIGINT;
ALTER TABLE case_files ADD COLUMN erased_at BIGINT;

-- +goose StatementBegin
CREATE FUNCTION case_part_erase_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.erased_at IS NOT NULL OR NEW.erased_at IS NULL OR NEW.id <> OLD.id OR NEW.organisation <> OLD.organisation OR NEW.case_id <> OLD.case_id
        OR NEW.at <> OLD.at THEN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
    END IF;
    IF TG_TABLE_NAME = 'case_files' THEN
        IF NEW.kind <> OLD.kind OR NEW.sha256 <> OLD.sha256 OR NEW.size <> OLD.size OR length(NEW.data) <> 0 OR length(NEW.name) <> 0 THEN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
        END IF;
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['case_events', 'case_files'] LOOP
        EXECUTE format('CREATE TRIGGER erase_only BEFORE UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION case_part_erase_only()', t);
        EXECUTE format('CREATE TRIGGER no_delete BEFORE DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER erase_only', t);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER no_delete', t);
    END LOOP;
END
$$;
-- +goose StatementEnd
GRANT UPDATE (sealed, erased_at) ON case_events TO absah_app;
GRANT UPDATE (name, data, erased_at) ON case_files TO absah_app;
