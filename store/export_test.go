package store

import "github.com/absah-id/absah/evidence"

// SetMaxWAL changes the size at which SQLite's write-ahead log is emptied.
// Nobody may be writing.
func SetMaxWAL(db *DB, bytes int64) {
	w := db.engine.(*sqliteDB).writer
	w.maxWAL, w.walLimit = bytes, bytes
}

// ForgetfulBeside is [DB.Beside] that remembers no more artefacts than most.
func ForgetfulBeside(db *DB, most int) evidence.Beside {
	b := db.Beside().(*beside)
	b.most = most
	return b
}

// JoinChain and SplitChain are how a chain of certificates stands in a row.
var (
	JoinChain  = joinChain
	SplitChain = splitChain
)
