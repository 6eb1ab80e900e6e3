package hsm_test

import (
	"context"
	"crypto"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/absah-id/absah/hsm"
)

func ExampleStart() {
	// In main, before anything else:
	if len(os.Args) == 2 && os.Args[1] == hsm.WorkerCommand {
		if err := hsm.RunWorker(); err != nil {
			log.Fatal(err)
		}
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	m, err := hsm.Start(ctx, hsm.Config{
		Module:  "/usr/lib/softhsm/libsofthsm2.so",
		Token:   "absah",
		PINFile: "/run/credentials/absah.service/pin",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	seal, err := m.Key(ctx, "seal")
	if err != nil {
		log.Fatal(err)
	}
	sig, err := seal.WithContext(ctx).SignMessage(nil, []byte("signed attributes"), crypto.SHA256)
	fmt.Println(len(sig), err)
}

func ExampleModule_Vault() {
	var m *hsm.Module // from Start
	ctx := context.Background()
	v, err := m.Vault(ctx, hsm.VaultConfig{})
	if err != nil {
		log.Fatal(err)
	}
	w, err := v.GenerateWrapped(ctx, "signer-7", hsm.P256, []byte("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	// w.Sealed goes into the database. Later, with the passphrase:
	key, err := v.Activate(ctx, "signer-7", w.Sealed, []byte("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	defer key.Close()
}
