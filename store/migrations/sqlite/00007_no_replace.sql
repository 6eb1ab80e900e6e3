-- +goose Up

-- INSERT OR REPLACE deletes without the triggers that refuse deletion, unless the
-- connection asks for them. So a row whose key is taken is not inserted at all,
-- which is what ON CONFLICT DO NOTHING wants too.

-- +goose StatementBegin
CREATE TRIGGER entries_no_replace BEFORE INSERT ON entries
WHEN EXISTS (SELECT 1 FROM entries WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM entries WHERE operation = NEW.operation AND phase = NEW.phase AND slot = NEW.slot)
BEGIN SELECT RAISE(IGNORE); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER leaves_no_replace BEFORE INSERT ON leaves
WHEN EXISTS (SELECT 1 FROM leaves WHERE leaf_index = NEW.leaf_index) OR EXISTS (SELECT 1 FROM leaves WHERE entry = NEW.entry)
BEGIN SELECT RAISE(IGNORE); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checkpoints_no_replace BEFORE INSERT ON checkpoints
WHEN EXISTS (SELECT 1 FROM checkpoints WHERE size = NEW.size)
BEGIN SELECT RAISE(IGNORE); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checkpoint_tokens_no_replace BEFORE INSERT ON checkpoint_tokens
WHEN EXISTS (SELECT 1 FROM checkpoint_tokens WHERE size = NEW.size)
BEGIN SELECT RAISE(IGNORE); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER tree_hashes_no_replace BEFORE INSERT ON tree_hashes
WHEN EXISTS (SELECT 1 FROM tree_hashes WHERE first = NEW.first)
BEGIN SELECT RAISE(ABORT, 'tree_hashes is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER log_head_no_replace BEFORE INSERT ON log_head
WHEN EXISTS (SELECT 1 FROM log_head WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the head of the log goes forward only'); END;
-- +goose StatementEnd
