-- +goose Up

-- The SHA-256 of the CMS that an operation made: a disputed file may hold the
-- signature and nothing else that is on record. Older operations have it from
-- their records.
ALTER TABLE operations ADD COLUMN cms_sha256 BYTEA CHECK (cms_sha256 IS NULL OR length(cms_sha256) = 32);
UPDATE operations SET cms_sha256 = (
    SELECT decode(a.value ->> 'sha256', 'hex')
    FROM entries e, json_array_elements(convert_from(e.record, 'UTF8')::json -> 'artefacts') a
    WHERE e.operation = operations.id AND e.phase = 'outcome' AND a.value ->> 'kind' = 'cms' LIMIT 1
) WHERE kind IN ('sign', 'seal') AND status = 'ok';
CREATE INDEX operations_cms ON operations (cms_sha256) WHERE cms_sha256 IS NOT NULL;
