package store

// SetMaxWAL changes the size at which SQLite's write-ahead log is emptied.
// Nobody may be writing.
func SetMaxWAL(db *DB, bytes int64) {
	w := db.engine.(*sqliteDB).writer
	w.maxWAL, w.walLimit = bytes, bytes
}

// JoinChain and SplitChain are how a chain of certificates stands in a row.
var (
	JoinChain  = joinChain
	SplitChain = splitChain
)
