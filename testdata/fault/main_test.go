// Package fault_test kills the gateway between its writes, under load, and looks
// at what is left. It drives the real program, built with the tag "fault", as
// processes of their own before SoftHSM, on SQLite and on PostgreSQL.
//
// "make fault" runs it for an hour; in CI it is a few minutes:
//
//	go test ./testdata/fault -v -timeout 0 -operations 500 -kills 1
//
// What goes wrong is said with the seed and the point that show it again:
//
//	go test ./testdata/fault -v -timeout 0 -run TestKills/SQLite -points '^floor' -kills 100 -seed 7
package fault_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/absah-id/absah/hsm/hsmtest"
)

var (
	operations = flag.Int("operations", 500, "signatures asked for on each database, at least")
	kills      = flag.Int("kills", 1, "kills at each point")
	clients    = flag.Int("clients", 8, "clients at once, 8 to 16")
	seed       = flag.Uint64("seed", uint64(time.Now().UnixNano())%1_000_000, "of every choice that the test makes")
	only       = flag.String("points", "", "`expression` for the points to kill at; all by default")
)

// program is the gateway with the points in it.
var program string

func TestMain(m *testing.M) {
	hsmtest.RunIfWorker()
	if os.Getenv(supervised) != "" {
		becomeSupervised()
	}
	flag.Parse()
	os.Exit(run(m))
}

// run builds the program, and runs the tests with it.
func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "absah-fault-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "absah")
	build := exec.Command("go", "build", "-tags", "fault", "-o", program, "../../cmd/absah")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if _, err := regexp.Compile(*only); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	fmt.Printf("seed %d\n", *seed)
	return m.Run()
}
