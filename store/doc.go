// Package store keeps what the gateway and the evidence log need to remember,
// in SQLite or PostgreSQL, behind the interfaces that those packages declare.
//
// It hides SQL, drivers, migrations and how a write becomes durable. What it
// promises is the same on both engines and one suite (store/storetest) holds
// both to it:
//
//   - Update returns nil only when the writes survive the loss of the process
//     and of power. All writes of one Update are there, or none.
//   - Entries, leaves, tree hashes and checkpoints are only ever added. Triggers
//     refuse changes even to the database's administrator, who can remove the
//     triggers; the log (package evidence) is what finds that out.
//   - A transaction sees rows of its scope's organisation only. On PostgreSQL
//     the database enforces this by row-level security.
//
// On SQLite one goroutine owns the one writing connection. It puts the Updates
// that are waiting into one transaction and answers all of them after COMMIT:
// fsync is what costs, and it is paid once for all. It runs their functions
// itself, so that a caller is woken once; a panic in one becomes its caller's,
// with the place where it was. When one fails after it has written, the others
// of its transaction run again. Readers have connections of their own and wait
// for nobody. The file must not be on a network file system.
//
// On PostgreSQL transactions run at READ COMMITTED; what must not happen twice
// is a unique constraint or a compare-and-set. The session works as the role
// absah_app, which owns nothing and may only insert and read evidence. Open
// refuses a server that runs with fsync, full_page_writes or synchronous_commit
// off. Without a synchronous replica "durable" means on that one server's disk.
//
// The package trusts the database's answers; whether the log was rewritten is
// for package evidence to find. It reads no clock: moments come from callers.
// It encrypts nothing: what is secret arrives sealed or hashed.
//
// A DB may be used by several goroutines, and one database by several
// processes, at once.
package store
