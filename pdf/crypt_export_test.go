package pdf

// Crypt opens the standard security handler to the tests of this package.
type Crypt struct{ c *crypt }

// NewCrypt is newCrypt.
func NewCrypt(encrypt Dict, id0, password []byte) (*Crypt, error) {
	c, err := newCrypt(encrypt, id0, password)
	return &Crypt{c}, err
}

func (c *Crypt) Key() []byte { return c.c.key }
func (c *Crypt) DecryptString(ref Ref, b []byte) ([]byte, error) {
	return c.c.decryptString(ref, b)
}
func (c *Crypt) EncryptString(ref Ref, b []byte) ([]byte, error) {
	return c.c.encryptString(ref, b)
}
func (c *Crypt) DecryptStream(ref Ref, d Dict, b []byte) ([]byte, error) {
	return c.c.decryptStream(ref, d, b)
}
func (c *Crypt) EncryptStream(ref Ref, d Dict, b []byte) ([]byte, error) {
	return c.c.encryptStream(ref, d, b)
}
