package api

import (
	"net/netip"
	"sync"

	"github.com/absah-id/absah/gateway"
)

// holder is whom an upload is for, and so whose share of the spool it takes.
type holder struct {
	// name of an application or a member of staff, or a stranger's address;
	// "" has no share of its own.
	name     string
	stranger bool // has shown no credentials
	signs    bool // the upload is to be signed, sealed, stamped or augmented
}

// signing is an application's upload that is to be signed or extended.
func signing(c gateway.Caller) holder { return holder{name: c.Application.ID, signs: true} }

// reading is an upload that is only looked at, or the bundle that a caller
// fetches; without an application it is a stranger's.
func reading(c gateway.Caller) holder {
	if c.Application.ID == "" {
		return stranger(c.Address)
	}
	return holder{name: c.Application.ID}
}

// stranger is whoever asks from an address without credentials. Those of one
// network of the size that a household has are one.
func stranger(address string) holder {
	return holder{name: household(address).String(), stranger: true}
}

// household is the network that counts as one address: all of a /64 belongs to
// whoever has one address of it. It is invalid for what is no address.
func household(address string) netip.Prefix {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}
	}
	bits := 32
	if addr = addr.Unmap(); addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.WithZone("").Prefix(bits)
	return prefix
}

// room shares out the bytes of the spool, so that nobody takes those of the
// others by sending much and never ending: half is for what is to be signed, one
// application or member of staff gets half at most, strangers a quarter together
// and a sixteenth each. Whoever may hold anything may hold one upload of the
// largest size. It may be used by several goroutines.
type room struct {
	total, unsigned, strangers int64 // what may be held: by all, by what is not to be signed, by strangers
	caller, address            int64 // by one application or member of staff, by one address

	mu   sync.Mutex
	used struct{ all, unsigned, strangers int64 } // guarded by mu
	own  map[holder]int64                         // by who, whatever it is for; guarded by mu
}

func newRoom(upload, total int64) *room {
	one := upload + 1 // that it is too large is seen by the first byte too many
	strangers := max(total/4, one)
	return &room{
		total: total, unsigned: max(total/2, one), strangers: strangers,
		caller: max(total/2, one), address: min(strangers, max(total/16, one)), own: map[holder]int64{},
	}
}

// take reserves n bytes for a holder and tells whether there was room.
func (r *room) take(who holder, n int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	share := r.caller
	if who.stranger {
		share = r.address
	}
	own := holder{name: who.name, stranger: who.stranger}
	switch {
	case r.used.all+n > r.total,
		!who.signs && r.used.unsigned+n > r.unsigned,
		who.stranger && r.used.strangers+n > r.strangers,
		who.name != "" && r.own[own]+n > share:
		return false
	}
	r.add(who, n)
	return true
}

// giveBack is the reverse of take.
func (r *room) giveBack(who holder, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(who, -n)
}

// add changes what is held by n bytes. The caller holds mu.
func (r *room) add(who holder, n int64) {
	r.used.all += n
	if !who.signs {
		r.used.unsigned += n
	}
	if who.stranger {
		r.used.strangers += n
	}
	own := holder{name: who.name, stranger: who.stranger}
	if r.own[own] += n; r.own[own] == 0 {
		delete(r.own, own)
	}
}

// held returns how many bytes are reserved.
func (r *room) held() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.used.all
}
