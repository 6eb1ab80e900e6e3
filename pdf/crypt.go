package pdf

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/rand"
	"crypto/rc4"
	"fmt"
)

// cryptMethod is what a crypt filter does to bytes (ISO 32000-2 Table 25).
type cryptMethod int

const (
	methodIdentity cryptMethod = iota // bytes pass unchanged
	methodRC4                         // V2: RC4 with a key per object
	methodAES128                      // AESV2: AES-128-CBC with a key per object
	methodAES256                      // AESV3: AES-256-CBC with the file key
)

// crypt is an opened standard security handler (ISO 32000-2 §7.6.4): the file
// key and which method applies to what. It is immutable and may be shared.
type crypt struct {
	key      []byte
	filters  map[Name]cryptMethod // /CF and Identity; nil below V4
	strings  cryptMethod
	streams  cryptMethod
	embedded cryptMethod // embedded file streams
	metadata bool        // whether streams of /Type /Metadata are encrypted
}

// newCrypt opens the standard security handler that an encryption dictionary
// describes. The dictionary must be fully resolved and its strings as they
// stand in the file; id0 is the first element of the trailer's /ID (empty when
// there is none). The password is tried as user and as owner password, then
// the empty one.
//
// It returns a [PasswordError] when none of them opens the file, and a
// [MalformedError] with rule encrypt-unsupported for other handlers and
// methods than V 1, 2, 4, 5 and R 2–6, encrypt-dict for a dictionary that
// breaks §7.6, and encrypt-perms when /Perms contradicts /P.
func newCrypt(encrypt Dict, id0 []byte, password []byte) (*crypt, error) {
	h, err := parseHandler(encrypt)
	if err != nil {
		return nil, err
	}
	h.id0 = id0
	c := &crypt{metadata: h.metadata}
	if err := c.setMethods(encrypt, h.v); err != nil {
		return nil, err
	}
	if c.key, err = h.open(password); err != nil {
		return nil, err
	}
	return c, nil
}

// handler is the encryption dictionary's password part (Tables 20 and 21).
type handler struct {
	v, r     int64
	lengths  []int // candidate lengths of the file key in bytes, best first
	o, u     []byte
	oe, ue   []byte // R 5 and 6
	perms    []byte // R 5 and 6
	p        uint32
	metadata bool
	id0      []byte
}

func parseHandler(d Dict) (*handler, error) {
	filter, ok := d["Filter"].(Name)
	if !ok {
		return nil, cryptError("encrypt-dict", "no /Filter")
	}
	if filter == "Adobe.PubSec" { // §7.6.5
		return nil, &PasswordError{Recipients: true}
	}
	if filter != "Standard" {
		return nil, cryptError("encrypt-unsupported", "security handler /%.32s", string(filter))
	}
	v, err := cryptInt(d, "V", 0)
	if err != nil {
		return nil, err
	}
	r, err := cryptInt(d, "R", 0)
	if err != nil {
		return nil, err
	}
	switch {
	case (v == 1 || v == 2) && (r == 2 || r == 3), v == 4 && r == 4, v == 5 && (r == 5 || r == 6):
	default:
		return nil, cryptError("encrypt-unsupported", "/V %d /R %d", v, r)
	}
	h := &handler{v: v, r: r, metadata: true}
	p, ok := d["P"].(Integer)
	if !ok {
		return nil, cryptError("encrypt-dict", "/P is not an integer")
	}
	h.p = uint32(p) // some writers give the 32 bits as an unsigned number
	if v >= 4 {
		switch m := d["EncryptMetadata"].(type) {
		case nil, Null:
		case Boolean:
			h.metadata = bool(m)
		default:
			return nil, cryptError("encrypt-dict", "/EncryptMetadata is not a boolean")
		}
	}
	if err := h.setLengths(d); err != nil {
		return nil, err
	}
	return h, h.setStrings(d)
}

// setLengths decides the length of the file key. V 4 means 128 bits whatever
// /Length says, since writers leave it at its default of 40; a shorter one is
// tried only when the password does not fit otherwise.
func (h *handler) setLengths(d Dict) error {
	bits, err := cryptInt(d, "Length", 40)
	if err != nil {
		return err
	}
	switch h.v {
	case 1:
		h.lengths = []int{5}
	case 2:
		if bits < 40 || bits > 128 || bits%8 != 0 {
			return cryptError("encrypt-dict", "/Length %d", bits)
		}
		h.lengths = []int{int(bits / 8)}
	case 4:
		h.lengths = []int{16}
		if bits >= 40 && bits < 128 && bits%8 == 0 && d["Length"] != nil {
			h.lengths = append(h.lengths, int(bits/8))
		}
	case 5:
		h.lengths = []int{32}
	}
	return nil
}

// setStrings reads the fixed-length strings. Longer ones are cut: writers pad
// them with zeros up to 127 bytes.
func (h *handler) setStrings(d Dict) error {
	type field struct {
		dst *[]byte
		key Name
		n   int
	}
	fields := []field{{&h.o, "O", 32}, {&h.u, "U", 32}}
	if h.r >= 5 {
		fields = []field{{&h.o, "O", 48}, {&h.u, "U", 48}, {&h.oe, "OE", 32}, {&h.ue, "UE", 32}, {&h.perms, "Perms", 16}}
	}
	for _, f := range fields {
		s, ok := d[f.key].(String)
		if !ok || len(s) < f.n {
			return cryptError("encrypt-dict", "/%s is not a string of %d bytes", f.key, f.n)
		}
		*f.dst = []byte(s[:f.n])
	}
	return nil
}

// setMethods reads /CF, /StmF, /StrF and /EFF (§7.6.6), which exist from V 4.
func (c *crypt) setMethods(d Dict, v int64) error {
	if v < 4 {
		c.strings, c.streams, c.embedded = methodRC4, methodRC4, methodRC4
		return nil
	}
	c.filters = map[Name]cryptMethod{"Identity": methodIdentity}
	switch cf := d["CF"].(type) {
	case nil, Null:
	case Dict:
		for name, o := range cf {
			if name == "Identity" {
				continue // Table 26: the standard filter cannot be redefined
			}
			m, err := parseFilter(o, v)
			if err != nil {
				return err
			}
			c.filters[name] = m
		}
	default:
		return cryptError("encrypt-dict", "/CF is not a dictionary")
	}
	var err error
	if c.streams, err = c.filter(d, "StmF", methodIdentity); err != nil {
		return err
	}
	if c.strings, err = c.filter(d, "StrF", methodIdentity); err != nil {
		return err
	}
	c.embedded, err = c.filter(d, "EFF", c.streams)
	return err
}

func (c *crypt) filter(d Dict, key Name, absent cryptMethod) (cryptMethod, error) {
	switch name := d[key].(type) {
	case nil, Null:
		return absent, nil
	case Name:
		if m, ok := c.filters[name]; ok {
			return m, nil
		}
		return 0, cryptError("encrypt-dict", "/%s names the unknown crypt filter %.32q", key, string(name))
	}
	return 0, cryptError("encrypt-dict", "/%s is not a name", key)
}

// parseFilter reads a crypt filter dictionary. A method that does not belong
// to the version is refused: mixing them would use a key of the wrong length.
func parseFilter(o Object, v int64) (cryptMethod, error) {
	d, ok := o.(Dict)
	if !ok {
		return 0, cryptError("encrypt-dict", "crypt filter is not a dictionary")
	}
	cfm, ok := d["CFM"].(Name)
	switch {
	case !ok || cfm == "None":
		return 0, cryptError("encrypt-unsupported", "crypt filter without a method")
	case cfm == "V2" && v == 4:
		return methodRC4, nil
	case cfm == "AESV2" && v == 4:
		return methodAES128, nil
	case cfm == "AESV3" && v == 5:
		return methodAES256, nil
	}
	return 0, cryptError("encrypt-unsupported", "crypt filter method /%.32s with /V %d", string(cfm), v)
}

// decryptString returns the plain bytes of a string in the object ref, which
// must not stand in an object stream. b is not changed. An error is a
// [MalformedError] without an offset.
func (c *crypt) decryptString(ref Ref, b []byte) ([]byte, error) {
	return c.decrypt(c.strings, ref, b)
}

// decryptStream returns the plain bytes of the stream ref with dictionary d.
// Cross-reference streams, clear-text metadata and streams under an Identity
// crypt filter come back as they are. /Filter and /DecodeParms of d must be
// resolved.
func (c *crypt) decryptStream(ref Ref, d Dict, b []byte) ([]byte, error) {
	m, err := c.streamMethod(d)
	if err != nil {
		return nil, err
	}
	return c.decrypt(m, ref, b)
}

// encryptString is the inverse of decryptString; AES takes a new random
// initialisation vector.
func (c *crypt) encryptString(ref Ref, b []byte) ([]byte, error) {
	return c.encrypt(c.strings, ref, b)
}

// encryptStream is the inverse of decryptStream.
func (c *crypt) encryptStream(ref Ref, d Dict, b []byte) ([]byte, error) {
	m, err := c.streamMethod(d)
	if err != nil {
		return nil, err
	}
	return c.encrypt(m, ref, b)
}

// streamMethod decides which method applies to a stream (§7.6.2, §7.6.6): an
// explicit Crypt filter wins over the defaults, a cross-reference stream is
// never encrypted.
func (c *crypt) streamMethod(d Dict) (cryptMethod, error) {
	typ, _ := d["Type"].(Name)
	if typ == "XRef" {
		return methodIdentity, nil
	}
	if name, ok, err := cryptFilterName(d); err != nil {
		return 0, err
	} else if ok {
		m, known := c.filters[name]
		if !known {
			return 0, cryptError("encrypt-filter", "stream names the unknown crypt filter %.32q", string(name))
		}
		return m, nil
	}
	switch {
	case typ == "Metadata" && !c.metadata:
		return methodIdentity, nil
	case typ == "EmbeddedFile":
		return c.embedded, nil
	}
	return c.streams, nil
}

// cryptFilterName returns the crypt filter that a stream's own /Filter names
// (Table 14); ok is false when it has none.
func cryptFilterName(d Dict) (name Name, ok bool, err error) {
	parms := d["DecodeParms"]
	switch f := d["Filter"].(type) {
	case Name:
		if f != "Crypt" {
			return "", false, nil
		}
		if a, isArray := parms.(Array); isArray && len(a) > 0 {
			parms = a[0]
		}
	case Array:
		// Crypt must come first: bytes of another filter cannot be encrypted
		// below it.
		if len(f) == 0 || f[0] != Name("Crypt") {
			for _, g := range f {
				if g == Name("Crypt") {
					return "", false, cryptError("encrypt-filter", "the Crypt filter is not the first filter")
				}
			}
			return "", false, nil
		}
		if a, isArray := parms.(Array); isArray && len(a) > 0 {
			parms = a[0]
		}
	default:
		return "", false, nil
	}
	p, isDict := parms.(Dict)
	if !isDict {
		return "Identity", true, nil
	}
	switch n := p["Name"].(type) {
	case nil, Null:
		return "Identity", true, nil
	case Name:
		return n, true, nil
	}
	return "", false, cryptError("encrypt-filter", "/Name of the Crypt filter is not a name")
}

// objectKey is Algorithm 1 and 1.A.
func (c *crypt) objectKey(m cryptMethod, ref Ref) []byte {
	if m == methodAES256 {
		return c.key
	}
	h := md5.New()
	h.Write(c.key)
	h.Write([]byte{byte(ref.Num), byte(ref.Num >> 8), byte(ref.Num >> 16), byte(ref.Gen), byte(ref.Gen >> 8)})
	if m == methodAES128 {
		h.Write([]byte("sAlT"))
	}
	return h.Sum(nil)[:min(len(c.key)+5, 16)]
}

func (c *crypt) decrypt(m cryptMethod, ref Ref, b []byte) ([]byte, error) {
	switch m {
	case methodIdentity:
		return b, nil
	case methodRC4:
		return rc4XOR(c.objectKey(m, ref), b), nil
	}
	if len(b) == 0 {
		return b, nil // writers leave empty strings and streams empty
	}
	if len(b) < 2*aes.BlockSize || len(b)%aes.BlockSize != 0 {
		return nil, cryptError("encrypt-length", "object %s: %d bytes are no AES-CBC data", ref, len(b))
	}
	block, err := aes.NewCipher(c.objectKey(m, ref))
	if err != nil {
		return nil, cryptError("encrypt-dict", "object %s: %w", ref, err)
	}
	out := make([]byte, len(b)-aes.BlockSize)
	cipher.NewCBCDecrypter(block, b[:aes.BlockSize]).CryptBlocks(out, b[aes.BlockSize:])
	n := int(out[len(out)-1])
	if n < 1 || n > aes.BlockSize {
		return nil, cryptError("encrypt-padding", "object %s", ref)
	}
	for _, p := range out[len(out)-n:] {
		if int(p) != n {
			return nil, cryptError("encrypt-padding", "object %s", ref)
		}
	}
	return out[:len(out)-n], nil
}

func (c *crypt) encrypt(m cryptMethod, ref Ref, b []byte) ([]byte, error) {
	switch m {
	case methodIdentity:
		return b, nil
	case methodRC4:
		return rc4XOR(c.objectKey(m, ref), b), nil
	}
	block, err := aes.NewCipher(c.objectKey(m, ref))
	if err != nil {
		return nil, cryptError("encrypt-dict", "object %s: %w", ref, err)
	}
	pad := aes.BlockSize - len(b)%aes.BlockSize
	out := make([]byte, aes.BlockSize+len(b)+pad)
	iv, text := out[:aes.BlockSize], out[aes.BlockSize:]
	if _, err := rand.Read(iv); err != nil {
		return nil, fmt.Errorf("initialisation vector: %w", err)
	}
	copy(text, b)
	for i := len(b); i < len(text); i++ {
		text[i] = byte(pad)
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)
	return out, nil
}

// rc4XOR returns b under RC4 with a key of 5 to 16 bytes.
func rc4XOR(key, b []byte) []byte {
	c, err := rc4.NewCipher(key)
	if err != nil {
		panic(err) // lengths are checked in setLengths
	}
	out := make([]byte, len(b))
	c.XORKeyStream(out, b)
	return out
}

func cryptInt(d Dict, key Name, absent int64) (int64, error) {
	switch n := d[key].(type) {
	case nil, Null:
		return absent, nil
	case Integer:
		return int64(n), nil
	}
	return 0, cryptError("encrypt-dict", "/%s is not an integer", key)
}

func cryptError(rule, format string, args ...any) error {
	return &MalformedError{Offset: -1, Rule: rule, Err: fmt.Errorf(format, args...)}
}
