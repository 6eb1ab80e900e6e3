package pdf_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/absah-id/absah/pdf"
)

// cryptVector is an encryption dictionary that qpdf 11.3 made for the user
// password "user" and the owner password "owner", with the file key it
// reports, the title (object 2) and the content stream (object 6).
type cryptVector struct {
	name          string
	v, r, length  int
	cfm           pdf.Name
	clear         bool // metadata
	o, u          string
	oe, ue, perms string
	key           string
	title, stream string
}

const (
	vectorID     = "31415926535897932384626433832795"
	vectorTitle  = "Surat Keputusan"
	vectorStream = "0 0 10 10 re f"
)

var cryptVectors = []cryptVector{
	{
		name: "R2 RC4-40", v: 1, r: 2, length: 40, cfm: "", clear: false,
		o:      "94e8094419662a774442fb072e3d9f19e9d130ec09a4d0061e78fe920f7ab62f",
		u:      "2aa12f26bcf1a217c0f1ee491745f646671475ae85bddf3e3c1a45a8457391cb",
		key:    "ee4fd3a223",
		title:  "ac462c147ba0d2ae7563a22556739d",
		stream: "79eab11ff39942541c8f35adeeee",
	},
	{
		name: "R3 RC4-128", v: 2, r: 3, length: 128, cfm: "", clear: false,
		o:      "0ba3835f88f90388e74e54584125ce142be0de24c6b0d37746e075b891756671",
		u:      "763f954d16622015ee88b60b3eb8f7590122456a91bae5134273a6db134c87c4",
		key:    "55831911f0f2b9a08ac3cbcc766166db",
		title:  "a8d4f46e76b133f169e6f9a6603c27",
		stream: "e09243aac8deec1bc24fd8413ca6",
	},
	{
		name: "R4 crypt filter V2", v: 4, r: 4, length: 128, cfm: "V2", clear: false,
		o:      "0ba3835f88f90388e74e54584125ce142be0de24c6b0d37746e075b891756671",
		u:      "763f954d16622015ee88b60b3eb8f7590122456a91bae5134273a6db134c87c4",
		key:    "55831911f0f2b9a08ac3cbcc766166db",
		title:  "a8d4f46e76b133f169e6f9a6603c27",
		stream: "e09243aac8deec1bc24fd8413ca6",
	},
	{
		name: "R4 AESV2", v: 4, r: 4, length: 128, cfm: "AESV2", clear: false,
		o:      "0ba3835f88f90388e74e54584125ce142be0de24c6b0d37746e075b891756671",
		u:      "763f954d16622015ee88b60b3eb8f7590122456a91bae5134273a6db134c87c4",
		key:    "55831911f0f2b9a08ac3cbcc766166db",
		title:  "fa6cb528fd744382194950b0e28f533fc9c8c426e69c73ea2f337e1a55dac5cc",
		stream: "621c5424c290ca3860f489bf74791059f32a44db39454d3190693de7a15842c5",
	},
	{
		name: "R4 AESV2, clear metadata", v: 4, r: 4, length: 128, cfm: "AESV2", clear: true,
		o:      "0ba3835f88f90388e74e54584125ce142be0de24c6b0d37746e075b891756671",
		u:      "fb8f3661d99bba02de37f0c770ae4d2a0122456a91bae5134273a6db134c87c4",
		key:    "ca7f4da6a3bdc51a30f25e233d3cb9fc",
		title:  "e02053bcb0508caaa490e739a9163e7b95283d2ab0b1e37f579e04d25c2fc55c",
		stream: "0b4f9e688af55ec60d4395351b1624e6f45936426b1dddcd46f09b5396d9b305",
	},
	{
		name: "R5 AESV3", v: 5, r: 5, length: 256, cfm: "AESV3", clear: false,
		o:      "69f74cf608587923eaa94a11cb2e6a53f1fce84b57ed830dc92190931a8379090585896cb153cc82abb4238505c38101",
		u:      "5a4a96d8afd8e480b3639143247d3374789161506b28bc4630d0c96bd556e06f41675b270f9d2883f878bef064454cd3",
		oe:     "31be210d83f66c30111bb9165385adf82ca9b253280a15e0b7d68c068c6853da",
		ue:     "87112404ec2864f63fa58659e43c334adc8afdc3aafc4e445ea0a37eda3b4ff8",
		perms:  "f4c8faa49500b5969f7fcfd20cf4ebb8",
		key:    "fa9257d3e7fd0e4c1ac616762716a4836855c30766f0ccbc53e031c9b8a107fc",
		title:  "3280cf15da31a96386a386bc1374a38100d1e34acc5901e36d0986632fb96a98",
		stream: "e47514faf39666e169266a7fc4af59abb1acc7272b25ee2461d25a3a63292b28",
	},
	{
		name: "R6 AESV3", v: 5, r: 6, length: 256, cfm: "AESV3", clear: false,
		o:      "d38ac9a44f5d1eb49e2cff775f6bf4b458a37de63a1f131296072d9eb788ee322012a69b55ed8827c7bcb6f2f1f5dad4",
		u:      "f185bf652b316bf552a136b99db409a9bca40d5094d3477818337e233e85843c822cd9760ec3afa5243e16efc8624f39",
		oe:     "16f6061cc7855f3d15b8cea4951db20f76d35424b26fb2785ee0b6655d2b501d",
		ue:     "06df32dd435ad3d67826eb46851233bf748def0db4d6ec1ea85c2e1ad673672b",
		perms:  "3d14d69940e0161cfda0276c315d62ee",
		key:    "99a68b5163ff18e4559657680db681e83929655456809fa8132db1ffae949c4c",
		title:  "25a26c73f23f6ff44d47ee40c924fdbbaf805b20622179450cfb39653a36d60b",
		stream: "a947c88433a2ddf54e83ef64d797aa3ef106905a3911bee6de5c89a21b7b48ed",
	},
	{
		name: "R6 AESV3, clear metadata", v: 5, r: 6, length: 256, cfm: "AESV3", clear: true,
		o:      "649517dfdf6b9310e879a95952a97f8104777f7c41cde5ea0a3a6c58244b8a0dc10045a20045ee6578b24bd35740e15e",
		u:      "9e264d25814f7ffb7db7f144084256b2161fb85e6864577ff9809943e017499b88fcd506f8091127a6faaef7a8dfb6f8",
		oe:     "50bcbc2e60d7c3add8d6d6c312170aeeb2f91c4c3457234a26c19eea86af0874",
		ue:     "d28737c74b911f151b6f9b2c4aea9720012cab3399a3c968a952afa8a9c630c5",
		perms:  "3405d5f0f0009b8296289b327a98a246",
		key:    "580b76ef717ce26d590ec4ca3781c31c6eed94fe99b2ecf26846c40046431f49",
		title:  "aefab937b11238c8294c9a2d868b225e79d8394958716f0f90da12440f238c11",
		stream: "d7d6de4d6c8bb8203ea64e20a4d22117882d40c96f64fc8b5c2ee969a898ad82",
	},
}

func cryptHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (v *cryptVector) dict(t testing.TB) pdf.Dict {
	d := pdf.Dict{
		"Filter": pdf.Name("Standard"), "V": pdf.Integer(v.v), "R": pdf.Integer(v.r),
		"Length": pdf.Integer(v.length), "P": pdf.Integer(-4),
		"O": pdf.String(cryptHex(t, v.o)), "U": pdf.String(cryptHex(t, v.u)),
	}
	if v.cfm != "" {
		d["CF"] = pdf.Dict{"StdCF": pdf.Dict{"CFM": v.cfm, "AuthEvent": pdf.Name("DocOpen")}}
		d["StmF"], d["StrF"] = pdf.Name("StdCF"), pdf.Name("StdCF")
	}
	if v.clear {
		d["EncryptMetadata"] = pdf.Boolean(false)
	}
	if v.oe != "" {
		d["OE"], d["UE"] = pdf.String(cryptHex(t, v.oe)), pdf.String(cryptHex(t, v.ue))
		d["Perms"] = pdf.String(cryptHex(t, v.perms))
	}
	return d
}

func (v *cryptVector) open(t testing.TB) *pdf.Crypt {
	t.Helper()
	c, err := pdf.NewCrypt(v.dict(t), cryptHex(t, vectorID), []byte("user"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCryptVectors(t *testing.T) {
	for _, v := range cryptVectors {
		t.Run(v.name, func(t *testing.T) {
			for _, password := range []string{"user", "owner"} {
				c, err := pdf.NewCrypt(v.dict(t), cryptHex(t, vectorID), []byte(password))
				if err != nil {
					t.Fatalf("password %q: %v", password, err)
				}
				if got := hex.EncodeToString(c.Key()); got != v.key {
					t.Errorf("password %q: key %s, want %s", password, got, v.key)
				}
				got, err := c.DecryptString(pdf.Ref{Num: 2}, cryptHex(t, v.title))
				if err != nil || string(got) != vectorTitle {
					t.Errorf("title %q, %v, want %q", got, err, vectorTitle)
				}
				got, err = c.DecryptStream(pdf.Ref{Num: 6}, pdf.Dict{}, cryptHex(t, v.stream))
				if err != nil || string(got) != vectorStream {
					t.Errorf("stream %q, %v, want %q", got, err, vectorStream)
				}
			}
			for _, password := range []string{"", "User", "user ", "\xff\xfe"} {
				if _, err := pdf.NewCrypt(v.dict(t), cryptHex(t, vectorID), []byte(password)); !errors.Is(err, pdf.ErrPassword) {
					t.Errorf("password %q: error %v, want ErrPassword", password, err)
				}
			}
		})
	}
}

func TestCryptRoundTrip(t *testing.T) {
	ref := pdf.Ref{Num: 0x123456, Gen: 7}
	for _, v := range cryptVectors {
		t.Run(v.name, func(t *testing.T) {
			c := v.open(t)
			for _, n := range []int{0, 1, 15, 16, 17, 1000} {
				plain := bytes.Repeat([]byte{0x10}, n) // looks like padding itself
				enc, err := c.EncryptString(ref, plain)
				if err != nil {
					t.Fatal(err)
				}
				got, err := c.DecryptString(ref, enc)
				if err != nil || !bytes.Equal(got, plain) {
					t.Errorf("string of %d bytes comes back as %d bytes, %v", n, len(got), err)
				}
				again, err := c.EncryptString(ref, plain)
				if err != nil {
					t.Fatal(err)
				}
				if aes := v.cfm == "AESV2" || v.cfm == "AESV3"; aes && bytes.Equal(enc, again) {
					t.Error("the initialisation vector does not change")
				}
				if !bytes.Equal(plain, bytes.Repeat([]byte{0x10}, n)) {
					t.Error("the input was changed")
				}
			}
		})
	}
}

// TestCryptStreamMethod decides by bytes alone whether a stream is encrypted.
func TestCryptStreamMethod(t *testing.T) {
	name := func(s string) pdf.Name { return pdf.Name(s) }
	identity := pdf.Dict{"Name": name("Identity")}
	tests := []struct {
		name      string
		vector    string
		dict      pdf.Dict
		encrypted bool
		rule      string
	}{
		{"plain stream", "R4 AESV2", pdf.Dict{}, true, ""},
		{"flate stream", "R4 AESV2", pdf.Dict{"Filter": name("FlateDecode")}, true, ""},
		{"xref stream", "R4 AESV2", pdf.Dict{"Type": name("XRef")}, false, ""},
		{"metadata", "R4 AESV2", pdf.Dict{"Type": name("Metadata")}, true, ""},
		{"clear metadata", "R4 AESV2, clear metadata", pdf.Dict{"Type": name("Metadata")}, false, ""},
		{"clear metadata, R6", "R6 AESV3, clear metadata", pdf.Dict{"Type": name("Metadata")}, false, ""},
		{"other stream beside clear metadata", "R6 AESV3, clear metadata", pdf.Dict{}, true, ""},
		{"Crypt without parameters", "R4 AESV2", pdf.Dict{"Filter": name("Crypt")}, false, ""},
		{"Crypt Identity", "R4 AESV2", pdf.Dict{"Filter": name("Crypt"), "DecodeParms": identity}, false, ""},
		{"Crypt Identity in an array", "R4 AESV2", pdf.Dict{"Filter": pdf.Array{name("Crypt"), name("FlateDecode")}, "DecodeParms": pdf.Array{identity, pdf.Null{}}}, false, ""},
		{"Crypt by name", "R6 AESV3", pdf.Dict{"Filter": pdf.Array{name("Crypt")}, "DecodeParms": pdf.Array{pdf.Dict{"Name": name("StdCF")}}}, true, ""},
		{"unknown crypt filter", "R4 AESV2", pdf.Dict{"Filter": name("Crypt"), "DecodeParms": pdf.Dict{"Name": name("X")}}, false, "encrypt-filter"},
		{"Crypt is not first", "R4 AESV2", pdf.Dict{"Filter": pdf.Array{name("FlateDecode"), name("Crypt")}}, false, "encrypt-filter"},
		{"crypt filter name is a number", "R4 AESV2", pdf.Dict{"Filter": name("Crypt"), "DecodeParms": pdf.Dict{"Name": pdf.Integer(1)}}, false, "encrypt-filter"},
	}
	plain := []byte("isi")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := cryptVectorNamed(t, tt.vector).open(t)
			ref := pdf.Ref{Num: 9}
			enc, err := c.EncryptStream(ref, tt.dict, plain)
			if tt.rule != "" {
				wantCryptRule(t, err, tt.rule)
				_, err = c.DecryptStream(ref, tt.dict, plain)
				wantCryptRule(t, err, tt.rule)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := !bytes.Equal(enc, plain); got != tt.encrypted {
				t.Errorf("encrypted = %v, want %v", got, tt.encrypted)
			}
			if got, err := c.DecryptStream(ref, tt.dict, enc); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("decrypted %q, %v, want %q", got, err, plain)
			}
		})
	}
}

// TestCryptEmbedded: with the default filters Identity only attachments are
// encrypted.
func TestCryptEmbedded(t *testing.T) {
	d := cryptVectorNamed(t, "R4 AESV2").dict(t)
	delete(d, "StrF")
	d["StmF"], d["EFF"] = pdf.Name("Identity"), pdf.Name("StdCF")
	c, err := pdf.NewCrypt(d, cryptHex(t, vectorID), []byte("user"))
	if err != nil {
		t.Fatal(err)
	}
	ref, plain := pdf.Ref{Num: 3}, []byte("lampiran")
	for _, tt := range []struct {
		name      string
		encrypt   func() ([]byte, error)
		encrypted bool
	}{
		{"string", func() ([]byte, error) { return c.EncryptString(ref, plain) }, false},
		{"stream", func() ([]byte, error) { return c.EncryptStream(ref, pdf.Dict{}, plain) }, false},
		{"embedded file", func() ([]byte, error) {
			return c.EncryptStream(ref, pdf.Dict{"Type": pdf.Name("EmbeddedFile")}, plain)
		}, true},
	} {
		got, err := tt.encrypt()
		if err != nil || bytes.Equal(got, plain) == tt.encrypted {
			t.Errorf("%s: %q, %v, want encrypted = %v", tt.name, got, err, tt.encrypted)
		}
	}
}

func TestCryptDamagedData(t *testing.T) {
	ref := pdf.Ref{Num: 4}
	for _, name := range []string{"R4 AESV2", "R6 AESV3"} {
		c := cryptVectorNamed(t, name).open(t)
		good, err := c.EncryptString(ref, []byte("sepuluh kata"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.DecryptString(ref, good[:31])
		wantCryptRule(t, err, "encrypt-length")
		_, err = c.DecryptString(ref, good[:16])
		wantCryptRule(t, err, "encrypt-length")
		bad := bytes.Clone(good)
		bad[15] ^= 0x40 // of the initialisation vector: the last byte of padding
		_, err = c.DecryptString(ref, bad)
		wantCryptRule(t, err, "encrypt-padding")
		bad = bytes.Clone(good)
		bad[13] ^= 1 // inside the padding
		_, err = c.DecryptString(ref, bad)
		wantCryptRule(t, err, "encrypt-padding")
		if got, err := c.DecryptString(ref, nil); err != nil || len(got) != 0 {
			t.Errorf("%s: empty string: %q, %v", name, got, err)
		}
	}
}

func TestCryptRefusedDictionaries(t *testing.T) {
	tests := []struct {
		name, vector string
		change       func(pdf.Dict)
		rule         string
	}{
		{"no filter", "R3 RC4-128", func(d pdf.Dict) { delete(d, "Filter") }, "encrypt-dict"},
		{"unknown handler", "R3 RC4-128", func(d pdf.Dict) { d["Filter"] = pdf.Name("Contoh") }, "encrypt-unsupported"},
		{"no V", "R3 RC4-128", func(d pdf.Dict) { delete(d, "V") }, "encrypt-unsupported"},
		{"V 3", "R3 RC4-128", func(d pdf.Dict) { d["V"] = pdf.Integer(3) }, "encrypt-unsupported"},
		{"V 5 with R 3", "R3 RC4-128", func(d pdf.Dict) { d["V"] = pdf.Integer(5) }, "encrypt-unsupported"},
		{"R 7", "R6 AESV3", func(d pdf.Dict) { d["R"] = pdf.Integer(7) }, "encrypt-unsupported"},
		{"V is a name", "R3 RC4-128", func(d pdf.Dict) { d["V"] = pdf.Name("2") }, "encrypt-dict"},
		{"no P", "R3 RC4-128", func(d pdf.Dict) { delete(d, "P") }, "encrypt-dict"},
		{"Length 0", "R3 RC4-128", func(d pdf.Dict) { d["Length"] = pdf.Integer(0) }, "encrypt-dict"},
		{"Length 129", "R3 RC4-128", func(d pdf.Dict) { d["Length"] = pdf.Integer(129) }, "encrypt-dict"},
		{"Length 2^40", "R3 RC4-128", func(d pdf.Dict) { d["Length"] = pdf.Integer(1 << 40) }, "encrypt-dict"},
		{"short O", "R3 RC4-128", func(d pdf.Dict) { d["O"] = pdf.String("x") }, "encrypt-dict"},
		{"no U", "R6 AESV3", func(d pdf.Dict) { delete(d, "U") }, "encrypt-dict"},
		{"short UE", "R6 AESV3", func(d pdf.Dict) { d["UE"] = pdf.String("x") }, "encrypt-dict"},
		{"no Perms", "R6 AESV3", func(d pdf.Dict) { delete(d, "Perms") }, "encrypt-dict"},
		{"P raised", "R6 AESV3", func(d pdf.Dict) { d["P"] = pdf.Integer(-1) }, "encrypt-perms"},
		{"EncryptMetadata changed", "R6 AESV3", func(d pdf.Dict) { d["EncryptMetadata"] = pdf.Boolean(false) }, "encrypt-perms"},
		{"EncryptMetadata is a number", "R6 AESV3", func(d pdf.Dict) { d["EncryptMetadata"] = pdf.Integer(0) }, "encrypt-dict"},
		{"unknown StmF", "R4 AESV2", func(d pdf.Dict) { d["StmF"] = pdf.Name("X") }, "encrypt-dict"},
		{"StrF is a string", "R4 AESV2", func(d pdf.Dict) { d["StrF"] = pdf.String("StdCF") }, "encrypt-dict"},
		{"CF is an array", "R4 AESV2", func(d pdf.Dict) { d["CF"] = pdf.Array{} }, "encrypt-dict"},
		{"filter without method", "R4 AESV2", func(d pdf.Dict) { d["CF"] = pdf.Dict{"StdCF": pdf.Dict{}} }, "encrypt-unsupported"},
		{"AESV3 in V 4", "R4 AESV2", func(d pdf.Dict) { d["CF"] = pdf.Dict{"StdCF": pdf.Dict{"CFM": pdf.Name("AESV3")}} }, "encrypt-unsupported"},
		{"AESV2 in V 5", "R6 AESV3", func(d pdf.Dict) { d["CF"] = pdf.Dict{"StdCF": pdf.Dict{"CFM": pdf.Name("AESV2")}} }, "encrypt-unsupported"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := cryptVectorNamed(t, tt.vector).dict(t)
			tt.change(d)
			_, err := pdf.NewCrypt(d, cryptHex(t, vectorID), []byte("user"))
			wantCryptRule(t, err, tt.rule)
		})
	}
}

// TestCryptTolerated: deviations that real writers have.
func TestCryptTolerated(t *testing.T) {
	tests := []struct {
		name, vector string
		change       func(pdf.Dict)
	}{
		{"P as an unsigned number", "R3 RC4-128", func(d pdf.Dict) { d["P"] = pdf.Integer(1<<32 - 4) }},
		{"V 4 without Length", "R4 AESV2", func(d pdf.Dict) { delete(d, "Length") }},
		{"V 4 with Length 40", "R4 AESV2", func(d pdf.Dict) { d["Length"] = pdf.Integer(40) }},
		{"U padded to 127 bytes", "R6 AESV3", func(d pdf.Dict) {
			d["U"] = d["U"].(pdf.String) + pdf.String(make([]byte, 79))
			d["O"] = d["O"].(pdf.String) + pdf.String(make([]byte, 79))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := cryptVectorNamed(t, tt.vector)
			d := v.dict(t)
			tt.change(d)
			c, err := pdf.NewCrypt(d, cryptHex(t, vectorID), []byte("owner"))
			if err != nil {
				t.Fatal(err)
			}
			if got := hex.EncodeToString(c.Key()); got != v.key {
				t.Errorf("key %s, want %s", got, v.key)
			}
		})
	}
}

func FuzzCryptDict(f *testing.F) {
	for _, v := range cryptVectors {
		f.Add(v.v, v.r, v.length, -4, string(v.cfm), cryptHex(f, v.o), cryptHex(f, v.u), cryptHex(f, v.oe), cryptHex(f, v.perms), []byte("user"), cryptHex(f, v.title))
	}
	f.Fuzz(func(t *testing.T, v, r, length, p int, cfm string, o, u, e, perms, password, data []byte) {
		d := pdf.Dict{
			"Filter": pdf.Name("Standard"), "V": pdf.Integer(v), "R": pdf.Integer(r),
			"Length": pdf.Integer(length), "P": pdf.Integer(p), "O": pdf.String(o), "U": pdf.String(u),
			"OE": pdf.String(e), "UE": pdf.String(e), "Perms": pdf.String(perms),
			"CF":   pdf.Dict{"F": pdf.Dict{"CFM": pdf.Name(cfm)}},
			"StmF": pdf.Name("F"), "StrF": pdf.Name("F"),
		}
		c, err := pdf.NewCrypt(d, data, password)
		if err != nil {
			var m *pdf.MalformedError
			if !errors.Is(err, pdf.ErrPassword) && !errors.As(err, &m) {
				t.Errorf("untyped error %v", err)
			}
			return
		}
		enc, err := c.EncryptString(pdf.Ref{Num: 1}, data)
		if err != nil {
			return // a key length that AES does not have
		}
		got, err := c.DecryptString(pdf.Ref{Num: 1}, enc)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("round trip gives %x, %v, want %x", got, err, data)
		}
	})
}

func cryptVectorNamed(t testing.TB, name string) *cryptVector {
	t.Helper()
	for i := range cryptVectors {
		if cryptVectors[i].name == name {
			return &cryptVectors[i]
		}
	}
	t.Fatalf("no vector %q", name)
	return nil
}

func wantCryptRule(t *testing.T, err error, rule string) {
	t.Helper()
	var m *pdf.MalformedError
	if !errors.As(err, &m) || m.Rule != rule {
		t.Errorf("error %v, want rule %q", err, rule)
	}
}
