-- +goose Up

-- What SQLite needs against INSERT OR REPLACE; here ON CONFLICT DO UPDATE fires the
-- triggers that refuse updates.
SELECT 1;
