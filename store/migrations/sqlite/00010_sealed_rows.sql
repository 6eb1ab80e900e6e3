-- +goose Up

-- What a row says of who may do what counts with its MAC alone, under a key that
-- the gateway's HSM gives: HMAC-SHA256 over all other columns (store/seal.go).
ALTER TABLE applications ADD COLUMN mac BLOB;
ALTER TABLE credentials ADD COLUMN mac BLOB;
ALTER TABLE staff ADD COLUMN mac BLOB;
ALTER TABLE proposals ADD COLUMN mac BLOB;
ALTER TABLE attempts ADD COLUMN mac BLOB;
