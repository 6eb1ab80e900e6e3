// Package evidence is the record of what the gateway did: operation records, the
// append-only Merkle log over them, receipts and proofs.
//
// It hides canonical JSON (RFC 8785), the tree (RFC 6962), signed checkpoints
// (C2SP tlog-checkpoint), the tiles in which the log is published (C2SP
// tlog-tiles), cosignatures of witnesses (C2SP tlog-witness) and proofs (C2SP
// tlog-proof). docs/EVIDENCE.md describes every format, byte by byte.
//
// A leaf of the tree is SHA-256(salt || record), so what is published discloses
// nothing about the records. An entry is written in the SQL transaction of its
// operation and is durable before it has a place in the tree: [Log] gives places
// in batches, and several nodes may try at once.
//
// It trusts the store to be durable and not to be honest: who controls the
// database can destroy the log but cannot change what was signed, timestamped or
// cosigned without [Log.Audit] or a holder of an earlier proof or receipt seeing
// it. It trusts the log's keys.
//
// It reads the clock it is given, writes one small file ([Config].Floor), and
// reaches timestamp authority, witnesses and database through interfaces. It
// does not decide what is recorded or who may read it, and it does not look into
// artefacts.
package evidence
