package hsm

// #cgo LDFLAGS: -ldl
// #include <stdlib.h>
// #include "repeat.h"
import "C"

import (
	"sync/atomic"
	"unsafe"

	"github.com/miekg/pkcs11"
)

// Most requests are like the one before in the same session: sign with the
// same key. Those are answered by a loop in C from reading the request to
// writing the answer, since a Go runtime whose threads are nearly always in a
// library or in the kernel spends a good part of a signature on moving its
// scheduler from one thread to another. The loop decides nothing: whatever is
// not the very same request, and whatever goes wrong before C_Sign, it leaves
// to the code in Go, with the request still unanswered.

// signing are C_SignInit and C_Sign of the library. The zero value is none.
type signing struct {
	init C.sign_init_fn
	sign C.sign_fn
}

// signingOf finds the functions of a library that is loaded.
func signingOf(path string) (f signing, ok bool) {
	p := C.CString(path)
	defer C.free(unsafe.Pointer(p))
	ok = C.absah_signing(p, &f.init, &f.sign) != 0
	return f, ok
}

// shared is what Go and the loops in C both count. It lives in memory of C and
// as long as the process.
type shared struct{ c *C.struct_shared }

func newShared() shared {
	return shared{(*C.struct_shared)(C.calloc(1, C.sizeof_struct_shared))}
}

// busy is the number of requests being worked on.
func (s shared) busy() *atomic.Int64 { return (*atomic.Int64)(unsafe.Pointer(&s.c.busy)) }

// changes counts how often handles of keys became void.
func (s shared) changes() *atomic.Uint64 { return (*atomic.Uint64)(unsafe.Pointer(&s.c.changes)) }

// again is how the last request of a session was answered, when it can be
// repeated.
type again struct {
	like    []byte // op, key, algorithm and scheme: the request up to its message
	mech    *pkcs11.Mechanism
	key     pkcs11.ObjectHandle
	changes uint64 // before the handle was looked up
}

// repeat answers the requests on c that are like the last one, until another
// kind comes. It returns the error of a C_Sign that failed, which is the answer
// to a request; with nil, what to do next is in c.
func (w *worker) repeat(s *session, c *conn) error {
	a := s.again
	if a == nil || !w.canRepeat || !s.isOpen || c.in.start != c.in.end || len(c.in.buf) < len(a.like) {
		return nil
	}
	r := C.struct_repeat{
		init: w.signing.init, sign: w.signing.sign, shared: w.shared.c, changes: C.uint64_t(a.changes),
		fd: C.int(c.fd), session: C.ulong(s.h), key: C.ulong(a.key), mechanism: C.ulong(a.mech.Mechanism),
	}
	param := a.mech.Parameter
	var have C.size_t
	rv := C.absah_repeat(&r, unsafe.Pointer(unsafe.SliceData(param)), C.size_t(len(param)),
		(*C.uint8_t)(unsafe.SliceData(a.like)), C.size_t(len(a.like)),
		(*C.uint8_t)(unsafe.SliceData(c.in.buf)), C.size_t(len(c.in.buf)), &have)
	c.in.start, c.in.end = 0, int(have)
	if rv != 0 {
		return signFailed(s, pkcs11.Error(rv))
	}
	return nil
}
