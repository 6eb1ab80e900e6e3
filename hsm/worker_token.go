package hsm

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/pkcs11"
)

// worker is the state of the worker process.
type worker struct {
	lib     *pkcs11.Ctx
	slot    uint
	serial  string
	pinFile string
	offers  map[uint]bool // mechanisms
	shared  shared

	signing   signing
	canRepeat bool // signing is set

	// keeper owns the session objects of activated keys: they live as long as
	// it does. It also keeps the login alive when other sessions come and go.
	keeper *session

	loginMu sync.Mutex
	epoch   atomic.Uint64         // of the login; written under loginMu
	refused atomic.Pointer[error] // the PIN was refused, for good; written under loginMu

	mu      sync.Mutex
	handles map[string]pkcs11.ObjectHandle // keys of the token by cacheKey; guarded by mu, as all below
	finding map[string]*sync.Mutex         // one search for a key at a time
	objects map[uint64]pkcs11.ObjectHandle // activated keys
	lastObj uint64
}

// How often and after which pause the token is looked for again. A login to
// SoftHSM 2.6 rewrites the token's file; a process that reads it meanwhile
// finds no token, or one without a PIN, until it loads the library anew.
const (
	openAttempts = 12
	openPause    = 40 * time.Millisecond
)

// openToken loads the library, finds the token and logs in. about is the body
// of the answer to the parent. What another process may cause for a moment
// counts only when it stays; a refused PIN counts at once.
func openToken(h hello) (w *worker, about []byte, err error) {
	for attempt := 1; ; attempt++ {
		lib, err := loadLibrary(h.module)
		if err != nil {
			return nil, nil, err
		}
		w, about, err = openTokenIn(lib, h)
		if err == nil {
			return w, about, nil
		}
		if attempt == openAttempts || !errors.Is(err, errNoToken) && !isClass(err, ClassDevice) && !isClass(err, ClassTokenGone) {
			return nil, nil, err
		}
		_ = lib.Finalize() // it says nothing that the next attempt does not
		lib.Destroy()
		time.Sleep(openPause)
	}
}

func openTokenIn(lib *pkcs11.Ctx, h hello) (w *worker, about []byte, err error) {
	w = &worker{
		lib: lib, pinFile: h.pinFile, shared: newShared(),
		offers:  make(map[uint]bool),
		handles: make(map[string]pkcs11.ObjectHandle),
		finding: make(map[string]*sync.Mutex),
		objects: make(map[uint64]pkcs11.ObjectHandle),
	}
	w.keeper = &session{w: w, rw: true}
	var ti pkcs11.TokenInfo
	if w.slot, ti, err = findToken(lib, h.token); err != nil {
		return nil, nil, err
	}
	w.serial = ti.SerialNumber
	mechs, err := lib.GetMechanismList(w.slot)
	if err != nil {
		return nil, nil, pkcs11Error("C_GetMechanismList", err)
	}
	for _, m := range mechs {
		w.offers[m.Mechanism] = true
	}
	if err := w.keeper.open(); err != nil {
		return nil, nil, err
	}
	if err := w.login(w.keeper); err != nil {
		return nil, nil, err
	}
	w.signing, w.canRepeat = signingOf(h.module)
	info, err := lib.GetInfo()
	if err != nil {
		return nil, nil, pkcs11Error("C_GetInfo", err)
	}
	name := fmt.Sprintf("%s %s %d.%d", strings.TrimSpace(info.ManufacturerID),
		strings.TrimSpace(info.LibraryDescription), info.LibraryVersion.Major, info.LibraryVersion.Minor)
	return w, appendBytes(appendBytes(nil, name), strings.TrimSpace(ti.SerialNumber)), nil
}

func loadLibrary(path string) (*pkcs11.Ctx, error) {
	lib := pkcs11.New(path)
	if lib == nil {
		return nil, fmt.Errorf("%w: %s is no PKCS#11 library or cannot be loaded", ErrUnavailable, path)
	}
	if err := lib.Initialize(); err != nil {
		return nil, pkcs11Error("C_Initialize", err)
	}
	return lib, nil
}

// errNoToken says that no slot holds the token that was asked for.
var errNoToken = errors.New("token not found")

// findToken returns the only slot whose token has the label.
func findToken(lib *pkcs11.Ctx, label string) (slot uint, info pkcs11.TokenInfo, err error) {
	slots, err := lib.GetSlotList(true)
	if err != nil {
		return 0, info, pkcs11Error("C_GetSlotList", err)
	}
	n := 0
	for _, s := range slots {
		ti, err := lib.GetTokenInfo(s)
		if err != nil || ti.Flags&pkcs11.CKF_TOKEN_INITIALIZED == 0 || strings.TrimRight(ti.Label, " \x00") != label {
			continue // another token in trouble is not ours
		}
		slot, info = s, ti
		n++
	}
	switch n {
	case 0:
		return 0, info, fmt.Errorf("%w: %w: %q", ErrUnavailable, errNoToken, label)
	case 1:
		return slot, info, nil
	}
	return 0, info, fmt.Errorf("%w: %d tokens have the label %q", ErrUnavailable, n, label)
}

// login gives the PIN to the token once. Whatever was known of private objects
// is void afterwards: PKCS #11 v2.40 §5.6 lets go of their handles at logout.
func (w *worker) login(s *session) error {
	if err := w.refused.Load(); err != nil {
		return *err
	}
	pin, err := readPIN(w.pinFile)
	if err != nil {
		w.refused.Store(&err)
		return err
	}
	err = pkcs11Error("C_Login", w.lib.Login(s.h, pkcs11.CKU_USER, pin))
	if e, ok := errors.AsType[*Error](err); ok && e.Code == pkcs11.CKR_USER_ALREADY_LOGGED_IN {
		err = nil
	}
	if isClass(err, ClassPIN) {
		w.refused.Store(&err)
	}
	if err != nil {
		return err
	}
	w.mu.Lock()
	clear(w.handles)
	clear(w.objects)
	w.mu.Unlock()
	w.shared.changes().Add(1)
	w.epoch.Add(1)
	return nil
}

// relogin logs in again unless somebody did since epoch seen.
func (w *worker) relogin(s *session, seen uint64) error {
	w.loginMu.Lock()
	defer w.loginMu.Unlock()
	if w.epoch.Load() != seen {
		return nil
	}
	return w.login(s)
}

// session is one PKCS#11 session, opened when it is needed. It belongs to one
// goroutine.
type session struct {
	w      *worker
	rw     bool
	h      pkcs11.SessionHandle
	isOpen bool
	again  *again // nil when the last request cannot be repeated
}

func (s *session) open() error {
	if s.isOpen {
		return nil
	}
	flags := uint(pkcs11.CKF_SERIAL_SESSION)
	if s.rw {
		flags |= pkcs11.CKF_RW_SESSION
	}
	h, err := s.w.lib.OpenSession(s.w.slot, flags)
	if err != nil {
		return pkcs11Error("C_OpenSession", err)
	}
	s.h, s.isOpen = h, true
	return nil
}

// drop closes the session, and with it any operation half-way and any session
// object that it owns. Its errors say nothing: a dead session is the reason.
func (s *session) drop() {
	if s.isOpen {
		_ = s.w.lib.CloseSession(s.h)
		s.isOpen = false
	}
	if s == s.w.keeper {
		s.w.mu.Lock()
		clear(s.w.objects)
		s.w.mu.Unlock()
	}
}

// try runs f, which must be harmless to repeat, with an open session. What its
// error says is mended, once of each kind, and f run again: a new session, a
// new login, or, for a stale handle, forget.
func (s *session) try(f func() error, forget func()) error {
	var mended [classes]bool
	for {
		if err := s.open(); err != nil {
			return err
		}
		epoch := s.w.epoch.Load()
		err := f()
		e, ok := errors.AsType[*Error](err)
		if !ok {
			return err
		}
		if e.Class == ClassSession {
			s.drop()
		}
		if mended[e.Class] {
			return err
		}
		mended[e.Class] = true
		switch {
		case e.Class == ClassSession:
		case e.Class == ClassLogin:
			if err := s.w.relogin(s, epoch); err != nil {
				return err
			}
		case e.Class == ClassHandle && forget != nil:
			forget()
		default:
			return err
		}
	}
}

// initToken is the worker's part of InitToken.
func initToken(h hello) error {
	lib, err := loadLibrary(h.module)
	if err != nil {
		return err
	}
	defer lib.Finalize()
	if _, _, err := findToken(lib, h.token); !errors.Is(err, errNoToken) {
		if err == nil {
			err = fmt.Errorf("%w: %q", ErrTokenExists, h.token)
		}
		return err
	}
	pin, err := readPIN(h.pinFile)
	if err != nil {
		return err
	}
	slot, err := freeSlot(lib)
	if err != nil {
		return err
	}
	if err := lib.InitToken(slot, h.soPIN, h.token); err != nil {
		return pkcs11Error("C_InitToken", err)
	}
	sh, err := lib.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		return pkcs11Error("C_OpenSession", err)
	}
	if err := lib.Login(sh, pkcs11.CKU_SO, h.soPIN); err != nil {
		return pkcs11Error("C_Login", err)
	}
	return pkcs11Error("C_InitPIN", lib.InitPIN(sh, pin))
}

// freeSlot returns a slot whose token is not initialised.
func freeSlot(lib *pkcs11.Ctx) (uint, error) {
	slots, err := lib.GetSlotList(true)
	if err != nil {
		return 0, pkcs11Error("C_GetSlotList", err)
	}
	for _, s := range slots {
		ti, err := lib.GetTokenInfo(s)
		if err == nil && ti.Flags&pkcs11.CKF_TOKEN_INITIALIZED == 0 {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%w: no slot has a token that is not initialised", ErrUnavailable)
}
