-- +goose Up

-- When a case was closed, and when what people gave and said was erased.
ALTER TABLE cases ADD COLUMN closed_at INTEGER;
ALTER TABLE cases ADD COLUMN erased_at INTEGER;
UPDATE cases SET closed_at = (SELECT max(at) FROM case_events WHERE case_id = cases.id) WHERE state = 'closed';
CREATE INDEX cases_kept ON cases (organisation, id) WHERE state = 'closed' AND erased_at IS NULL;

-- A line of the history, and a file, change once: when they are erased.
ALTER TABLE case_events ADD COLUMN erased_at INTEGER;
ALTER TABLE case_files ADD COLUMN erased_at INTEGER;
DROP TRIGGER case_events_no_update;
DROP TRIGGER case_files_no_update;

-- +goose StatementBegin
CREATE TRIGGER case_events_erase_only BEFORE UPDATE ON case_events
WHEN OLD.erased_at IS NOT NULL OR NEW.erased_at IS NULL OR NEW.id <> OLD.id OR NEW.organisation <> OLD.organisation OR NEW.case_id <> OLD.case_id
    OR NEW.at <> OLD.at
BEGIN SELECT RAISE(ABORT, 'case_events is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER case_files_erase_only BEFORE UPDATE ON case_files
WHEN OLD.erased_at IS NOT NULL OR NEW.erased_at IS NULL OR NEW.id <> OLD.id OR NEW.organisation <> OLD.organisation OR NEW.case_id <> OLD.case_id
    OR NEW.at <> OLD.at OR NEW.kind <> OLD.kind OR NEW.sha256 <> OLD.sha256 OR NEW.size <> OLD.size OR length(NEW.data) <> 0 OR length(NEW.name) <> 0
BEGIN SELECT RAISE(ABORT, 'case_files is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER case_files_no_delete BEFORE DELETE ON case_files BEGIN SELECT RAISE(ABORT, 'case_files is append-only'); END;
-- +goose StatementEnd
