package storetest

import (
	"context"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
)

var registerTests = map[string]func(*testing.T, *store.DB){
	"applications":                   applications,
	"credentials":                    credentials,
	"signers":                        signers,
	"keys and certificates":          keysAndCertificates,
	"certificates about to expire":   expiring,
	"documents":                      documents,
	"replaced and withdrawn":         documentStatus,
	"renewals":                       renewals,
	"another organisation's parents": foreignParents,
}

func application(organisation, name string) gateway.Application {
	return gateway.Application{ID: ID(Start), Organisation: organisation, Name: name, Role: gateway.RoleApplication, RequireMTLS: true,
		Policy:    gateway.Policy{Signers: []string{"*"}, Levels: []string{"B-B", "B-LTA"}, MaxPages: 9, MaxBytes: 1 << 30, RatePerMinute: 60, Fallback: true},
		CreatedAt: Start, ExpiresAt: Start.Add(time.Hour)}
}

func applications(t *testing.T, db *store.DB) {
	a := application(Org, "e-office")
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error { return tx.AddApplication(ctx, a) })
	update(t, db, Other, func(ctx context.Context, tx gateway.Tx) error {
		return tx.AddApplication(ctx, application(Other, "e-office"))
	})
	refused(t, db, Org, gateway.ErrExists, func(ctx context.Context, tx gateway.Tx) error {
		return tx.AddApplication(ctx, application(Org, "e-office"))
	})
	read := func() gateway.Application {
		return view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.Application, error) {
			return r.ApplicationByName(ctx, "e-office")
		})
	}
	if got := read(); !reflect.DeepEqual(got, a) {
		t.Errorf("got  %+v\nwant %+v", got, a)
	}
	changed := a
	changed.Role, changed.Policy, changed.RequireMTLS, changed.RevokedAt = gateway.RoleAuditor, gateway.Policy{}, false, Start
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error { return tx.UpdateApplication(ctx, changed) })
	refused(t, db, Org, gateway.ErrChanged, func(ctx context.Context, tx gateway.Tx) error { return tx.UpdateApplication(ctx, changed) })
	refused(t, db, Other, gateway.ErrNotFound, func(ctx context.Context, tx gateway.Tx) error { return tx.UpdateApplication(ctx, changed) })
	changed.Version++
	if got := read(); !reflect.DeepEqual(got, changed) {
		t.Errorf("got  %+v\nwant %+v", got, changed)
	}
	for scope, want := range map[gateway.Scope]int{Org: 1, Other: 1, gateway.AllOrganisations: 2} {
		all := view(t, db, scope, func(ctx context.Context, r gateway.Reader) ([]gateway.Application, error) {
			return r.Applications(ctx, gateway.Page{})
		})
		if len(all) != want {
			t.Errorf("scope %s lists %d, want %d", scope, len(all), want)
		}
	}
}

func credentials(t *testing.T, db *store.DB) {
	a := application(Org, "e-office")
	key := gateway.Credential{ID: ID(Start), Organisation: Org, Application: a.ID, Kind: gateway.CredentialKey, Lookup: "abk_1", Hash: Sum("secret"), CreatedAt: Start}
	cert := gateway.Credential{ID: ID(Start), Organisation: Org, Application: a.ID, Kind: gateway.CredentialMTLS, Lookup: "abk_1", CreatedAt: Start.Add(time.Second), ExpiresAt: Start.Add(time.Hour)}
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		return errors.Join(tx.AddApplication(ctx, a), tx.AddCredential(ctx, key), tx.AddCredential(ctx, cert))
	})
	twice := key
	twice.ID = ID(Start)
	refused(t, db, Org, gateway.ErrExists, func(ctx context.Context, tx gateway.Tx) error { return tx.AddCredential(ctx, twice) })
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		return errors.Join(tx.RevokeCredential(ctx, key.ID, Start), tx.RevokeCredential(ctx, key.ID, Start.Add(time.Hour)))
	})
	key.RevokedAt = Start
	err := db.View(t.Context(), gateway.AllOrganisations, func(r gateway.Reader) error {
		c, of, err := r.Credential(t.Context(), gateway.CredentialKey, "abk_1")
		if err != nil || !reflect.DeepEqual(c, key) || !reflect.DeepEqual(of, a) {
			t.Errorf("got %+v of %+v, %v", c, of, err)
		}
		all, err := r.Credentials(t.Context(), a.ID)
		if !reflect.DeepEqual(all, []gateway.Credential{key, cert}) {
			t.Errorf("got %+v", all)
		}
		for _, name := range noNames {
			if _, _, err := r.Credential(t.Context(), gateway.CredentialBasic, name); !errors.Is(err, gateway.ErrNotFound) {
				t.Errorf("%q: got %v, want ErrNotFound", name, err)
			}
		}
		if _, _, err := r.Credential(t.Context(), gateway.CredentialBasic, "abk_1"); !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("another kind: got %v, want ErrNotFound", err)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func signer(organisation, nik string) gateway.Signer {
	return gateway.Signer{ID: ID(Start), Organisation: organisation, Kind: gateway.SignerPersonal, Name: "Bupati Contoh", Office: "Kabupaten Contoh",
		NIKHash: []byte(nik), NIKSealed: []byte("sealed"), Status: gateway.SignerActive, CreatedAt: Start}
}

func signers(t *testing.T, db *store.DB) {
	s, seal := signer(Org, "hash"), gateway.Signer{ID: ID(Start), Organisation: Org, Kind: gateway.SignerSeal, Name: "Segel", Status: gateway.SignerActive, CreatedAt: Start}
	seal2 := seal
	seal2.ID = ID(Start)
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		return errors.Join(tx.AddSigner(ctx, s), tx.AddSigner(ctx, seal), tx.AddSigner(ctx, seal2))
	})
	refused(t, db, Org, gateway.ErrExists, func(ctx context.Context, tx gateway.Tx) error { return tx.AddSigner(ctx, signer(Org, "hash")) })
	update(t, db, Other, func(ctx context.Context, tx gateway.Tx) error { return tx.AddSigner(ctx, signer(Other, "hash")) })
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		return tx.SetSignerStatus(ctx, s.ID, gateway.SignerActive, gateway.SignerLocked)
	})
	refused(t, db, Org, gateway.ErrChanged, func(ctx context.Context, tx gateway.Tx) error {
		return tx.SetSignerStatus(ctx, s.ID, gateway.SignerActive, gateway.SignerRevoked)
	})
	refused(t, db, Other, gateway.ErrNotFound, func(ctx context.Context, tx gateway.Tx) error {
		return tx.SetSignerStatus(ctx, s.ID, gateway.SignerLocked, gateway.SignerActive)
	})
	s.Status = gateway.SignerLocked
	got := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.Signer, error) {
		return r.SignerByNIK(ctx, []byte("hash"))
	})
	if !reflect.DeepEqual(got, s) {
		t.Errorf("got  %+v\nwant %+v", got, s)
	}
	if all := view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]gateway.Signer, error) {
		return r.Signers(ctx, gateway.Page{})
	}); len(all) != 3 {
		t.Errorf("got %d signers, want 3", len(all))
	}
}

func keysAndCertificates(t *testing.T, db *store.DB) {
	s := signer(Org, "hash")
	k := gateway.Key{ID: Sum("spki"), Organisation: Org, Signer: s.ID, Algorithm: "RSA-2048", Sealed: []byte("sealed"), CreatedAt: Start}
	resident := gateway.Key{ID: Sum("spki 2"), Organisation: Org, Signer: s.ID, Algorithm: "P-256", Label: "seal", CreatedAt: Start.Add(time.Second)}
	c := gateway.Certificate{SHA256: Sum("der"), Organisation: Org, Key: k.ID, DER: []byte("der"), Chain: [][]byte{[]byte("ca"), {}, []byte("root")},
		NotBefore: Start, NotAfter: Start.Add(time.Hour)}
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		return errors.Join(tx.AddSigner(ctx, s), tx.AddKey(ctx, k), tx.AddKey(ctx, resident), tx.AddCertificate(ctx, c))
	})
	refused(t, db, Org, gateway.ErrExists, func(ctx context.Context, tx gateway.Tx) error { return tx.AddKey(ctx, k) })
	refused(t, db, Org, gateway.ErrExists, func(ctx context.Context, tx gateway.Tx) error { return tx.AddCertificate(ctx, c) })
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		return errors.Join(tx.RevokeCertificate(ctx, c.SHA256, Start, "lost"), tx.RevokeCertificate(ctx, c.SHA256, Start.Add(time.Hour), "later"))
	})
	c.RevokedLocallyAt, c.RevokedReason = Start, "lost"
	k.Certificates = []gateway.Certificate{c}
	got := view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]gateway.Key, error) { return r.Keys(ctx, s.ID) })
	if want := []gateway.Key{k, resident}; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	withKeys(t, db, Org, s, got)
	if got := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.Certificate, error) {
		return r.Certificate(ctx, c.SHA256)
	}); !reflect.DeepEqual(got, c) {
		t.Errorf("got  %+v\nwant %+v", got, c)
	}
	if got := view(t, db, Other, func(ctx context.Context, r gateway.Reader) ([]gateway.Key, error) { return r.Keys(ctx, s.ID) }); len(got) != 0 {
		t.Errorf("another organisation sees %d keys", len(got))
	}
	bare := signer(Org, "another hash")
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error { return tx.AddSigner(ctx, bare) })
	withKeys(t, db, Org, bare, nil)
	withKeys(t, db, gateway.AllOrganisations, bare, nil)
}

// withKeys holds one question against two.
func withKeys(t *testing.T, db *store.DB, scope gateway.Scope, s gateway.Signer, keys []gateway.Key) {
	t.Helper()
	view(t, db, scope, func(ctx context.Context, r gateway.Reader) (bool, error) {
		got, all, err := r.SignerWithKeys(ctx, s.ID)
		if !reflect.DeepEqual(got, s) || !reflect.DeepEqual(all, keys) {
			t.Errorf("together: got  %+v, %+v\nwant %+v, %+v", got, all, s, keys)
		}
		return true, err
	})
	view(t, db, "nobody", func(ctx context.Context, r gateway.Reader) (bool, error) {
		if _, _, err := r.SignerWithKeys(ctx, s.ID); !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("another organisation: got %v, want ErrNotFound", err)
		}
		return true, nil
	})
}

func expiring(t *testing.T, db *store.DB) {
	s := signer(Org, "hash")
	k := gateway.Key{ID: Sum("spki"), Organisation: Org, Signer: s.ID, Label: "k", CreatedAt: Start}
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		err := errors.Join(tx.AddSigner(ctx, s), tx.AddKey(ctx, k))
		for i, days := range []int{30, 10, 10, 20, 5} {
			c := gateway.Certificate{SHA256: Sum(string(rune('a' + i))), Organisation: Org, Key: k.ID, DER: []byte("der"), NotBefore: Start, NotAfter: Start.AddDate(0, 0, days)}
			if i == 4 {
				c.RevokedLocallyAt = Start
			}
			err = errors.Join(err, tx.AddCertificate(ctx, c))
		}
		return err
	})
	var days []int
	for after := ""; ; {
		page := view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]gateway.Certificate, error) {
			return r.Expiring(ctx, Start.AddDate(0, 0, 25), gateway.Page{After: after, Limit: 2})
		})
		for _, c := range page {
			days = append(days, int(c.NotAfter.Sub(Start)/(24*time.Hour)))
			after = hex.EncodeToString(c.SHA256[:])
		}
		if len(page) < 2 {
			break
		}
	}
	if want := []int{10, 10, 20}; !reflect.DeepEqual(days, want) {
		t.Errorf("got %v, want %v", days, want)
	}
}

func document(id string) gateway.Document {
	return gateway.Document{PublicID: id, Organisation: Org, Application: "e-office", Nomor: "800/1/2026", Perihal: "Undangan", Tanggal: "2026-11-21",
		Pages: 2, Confidential: true, Status: gateway.DocumentReserved, CreatedAt: Start, ChangedAt: Start}
}

func documents(t *testing.T, db *store.DB) {
	d := document("public-id")
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error { return tx.ReserveDocument(ctx, d) })
	refused(t, db, Org, gateway.ErrExists, func(ctx context.Context, tx gateway.Tx) error { return tx.ReserveDocument(ctx, d) })
	for i := range 2 {
		b := Begin(Org, Start.Add(time.Duration(i)*time.Minute))
		b.Operation.Document = d.PublicID
		begin(t, db, b)
		f := Finish(b)
		v := gateway.DocumentVersion{SHA256: f.OutputSHA256, Size: 1000, Operation: b.Operation.ID, CreatedAt: f.At}
		f.Version = &v
		finish(t, db, Org, f)
		d.Versions = append(d.Versions, v)
	}
	d.Status, d.ChangedAt = gateway.DocumentValid, d.Versions[0].CreatedAt
	got := view(t, db, gateway.AllOrganisations, func(ctx context.Context, r gateway.Reader) (gateway.Document, error) {
		return r.Document(ctx, d.PublicID)
	})
	if !reflect.DeepEqual(got, d) {
		t.Errorf("got  %+v\nwant %+v", got, d)
	}
	for _, v := range d.Versions {
		found := view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]gateway.Document, error) {
			return r.DocumentsBySHA256(ctx, v.SHA256)
		})
		if !reflect.DeepEqual(found, []gateway.Document{d}) {
			t.Errorf("by digest: got %+v", found)
		}
	}
	if found := view(t, db, Other, func(ctx context.Context, r gateway.Reader) ([]gateway.Document, error) {
		return r.DocumentsBySHA256(ctx, d.Versions[0].SHA256)
	}); len(found) != 0 {
		t.Errorf("another organisation finds %d", len(found))
	}
}

func documentStatus(t *testing.T, db *store.DB) {
	d, next := document("old"), document("new")
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		return errors.Join(tx.ReserveDocument(ctx, d), tx.ReserveDocument(ctx, next))
	})
	d.Status, d.ReplacedBy, d.Reason, d.ChangedAt = gateway.DocumentReplaced, "nothing", "salah nomor", Start.Add(time.Hour)
	refused(t, db, Org, gateway.ErrNotFound, func(ctx context.Context, tx gateway.Tx) error {
		return tx.SetDocumentStatus(ctx, d, gateway.DocumentReserved)
	})
	d.ReplacedBy = "new"
	refused(t, db, Org, gateway.ErrChanged, func(ctx context.Context, tx gateway.Tx) error {
		return tx.SetDocumentStatus(ctx, d, gateway.DocumentValid)
	})
	refused(t, db, Other, gateway.ErrNotFound, func(ctx context.Context, tx gateway.Tx) error {
		return tx.SetDocumentStatus(ctx, d, gateway.DocumentReserved)
	})
	update(t, db, Org, func(ctx context.Context, tx gateway.Tx) error {
		return tx.SetDocumentStatus(ctx, d, gateway.DocumentReserved)
	})
	got := view(t, db, Org, func(ctx context.Context, r gateway.Reader) (gateway.Document, error) { return r.Document(ctx, "old") })
	if !reflect.DeepEqual(got, d) {
		t.Errorf("got  %+v\nwant %+v", got, d)
	}
}

func renewals(t *testing.T, db *store.DB) {
	release := func(b gateway.Begin, due time.Time) gateway.Finish {
		begin(t, db, b)
		f := Finish(b)
		f.Renewal = &gateway.Renewal{SHA256: f.OutputSHA256, Due: due}
		finish(t, db, Org, f)
		return f
	}
	first, second := Begin(Org, Start), Begin(Org, Start)
	f := release(first, Start.AddDate(1, 0, 0))
	release(second, Start.AddDate(2, 0, 0))
	due := func(before time.Time) (ids []string) {
		for after := ""; ; {
			page := view(t, db, Org, func(ctx context.Context, r gateway.Reader) ([]gateway.Renewal, error) {
				return r.Renewals(ctx, before, gateway.Page{After: after, Limit: 1})
			})
			if len(page) == 0 {
				return ids
			}
			after = page[0].Operation
			ids = append(ids, after)
		}
	}
	if got, want := due(Start.AddDate(3, 0, 0)), []string{first.Operation.ID, second.Operation.ID}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	augment := Begin(Org, Start.AddDate(1, 0, 0))
	augment.Operation.InputSHA256 = f.OutputSHA256
	release(augment, Start.AddDate(5, 0, 0))
	if got, want := due(Start.AddDate(3, 0, 0)), []string{second.Operation.ID}; !reflect.DeepEqual(got, want) {
		t.Errorf("still due: got %v, want %v", got, want)
	}
	if got, want := due(Start.AddDate(9, 0, 0)), []string{second.Operation.ID, augment.Operation.ID}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func foreignParents(t *testing.T, db *store.DB) {
	a, s := application(Other, "e-office"), signer(Other, "hash")
	update(t, db, Other, func(ctx context.Context, tx gateway.Tx) error {
		return errors.Join(tx.AddApplication(ctx, a), tx.AddSigner(ctx, s))
	})
	for name, fn := range map[string]func(ctx context.Context, tx gateway.Tx) error{
		"credential": func(ctx context.Context, tx gateway.Tx) error {
			return tx.AddCredential(ctx, gateway.Credential{ID: ID(Start), Organisation: Org, Application: a.ID, Kind: gateway.CredentialKey, Lookup: "x", CreatedAt: Start})
		},
		"key": func(ctx context.Context, tx gateway.Tx) error {
			return tx.AddKey(ctx, gateway.Key{ID: Sum("x"), Organisation: Org, Signer: s.ID, Label: "x", CreatedAt: Start})
		},
	} {
		for _, scope := range []gateway.Scope{Org, gateway.AllOrganisations} {
			if err := db.Update(t.Context(), scope, func(tx gateway.Tx) error { return fn(t.Context(), tx) }); err == nil {
				t.Errorf("a %s was given to another organisation's parent in scope %s", name, scope)
			}
		}
	}
}
