package api_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/absah-id/absah/api"
	"github.com/absah-id/absah/gateway"
)

// TestShares: whoever uploads much and ends nothing takes a share, and signing
// goes on.
func TestShares(t *testing.T) {
	const upload, total = 1 << 20, 32 << 20
	app := func(id string) gateway.Caller { return gateway.Caller{Application: gateway.Application{ID: id}} }
	stranger := func(n int) api.Holder { return api.Stranger(fmt.Sprintf("198.51.100.%d", n)) }
	for _, test := range []struct {
		name string
		who  func(n int) api.Holder // of the n-th upload
		room int                    // uploads that fit
	}{
		{"one address", func(int) api.Holder { return stranger(1) }, 2},
		{"one household with IPv6", func(n int) api.Holder { return api.Stranger(fmt.Sprintf("2001:db8::%x", n)) }, 2},
		{"what is no address", func(int) api.Holder { return api.Stranger("") }, 2},
		{"many addresses", stranger, 8},
		{"verifications of one application", func(int) api.Holder { return api.Reading(app("a")) }, 16},
		{"verifications of many applications", func(n int) api.Holder { return api.Reading(app(fmt.Sprint(n))) }, 16},
		{"what one application has signed", func(int) api.Holder { return api.Signing(app("a")) }, 16},
		{"what one application has signed and verified", func(n int) api.Holder {
			if n%2 == 0 {
				return api.Reading(app("a"))
			}
			return api.Signing(app("a"))
		}, 16},
		{"what many applications have signed", func(n int) api.Holder { return api.Signing(app(fmt.Sprint(n))) }, 32},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := api.NewSpool(t.TempDir(), upload, total)
			if err != nil {
				t.Fatal(err)
			}
			content := make([]byte, upload)
			var held []*api.Upload
			for n := 0; ; n++ {
				u, err := s.ReceiveFor(test.who(n), bytes.NewReader(content))
				if errors.Is(err, api.ErrSpoolFull) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				held = append(held, u)
			}
			if len(held) != test.room {
				t.Errorf("uploads: got %d, want %d", len(held), test.room)
			}
			if got, want := s.Used(), int64(test.room)*upload; got != want {
				t.Errorf("room taken: got %d, want %d", got, want)
			}
			if test.room < total/upload {
				u, err := s.ReceiveFor(api.Signing(app("honest")), bytes.NewReader(content))
				if err != nil {
					t.Fatalf("to be signed for somebody else: %v", err)
				}
				u.Close()
			}
			for _, u := range held {
				u.Close()
			}
			if n := s.Used(); n != 0 {
				t.Errorf("room taken after the end: got %d", n)
			}
			u, err := s.ReceiveFor(test.who(0), bytes.NewReader(content))
			if err != nil {
				t.Fatalf("after the end: %v", err)
			}
			u.Close()
		})
	}
}

// TestSharesOfTheLeastSpool: whoever may upload can upload one file of the
// largest size.
func TestSharesOfTheLeastSpool(t *testing.T) {
	const upload = 1 << 20
	s, err := api.NewSpool(t.TempDir(), upload, 2*upload)
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []api.Holder{api.Stranger("198.51.100.1"), api.Reading(gateway.Caller{Application: gateway.Application{ID: "a"}})} {
		u, err := s.ReceiveFor(who, bytes.NewReader(make([]byte, upload)))
		if err != nil {
			t.Fatalf("%+v: %v", who, err)
		}
		u.Close()
	}
}

// TestPace: a body must keep coming. What came fast earns no silence later.
func TestPace(t *testing.T) {
	for _, test := range []struct {
		name  string
		send  func(w io.Writer)
		size  int
		after time.Duration // when the connection is given up; 0: never
	}{
		{"nothing comes", func(io.Writer) {}, 100, 30 * time.Second},
		{"all but the last byte", func(w io.Writer) { w.Write(make([]byte, 4<<20-1)) }, 4 << 20, 30 * time.Second},
		{"drops", func(w io.Writer) {
			w.Write(make([]byte, 4<<20-60))
			for range 60 {
				time.Sleep(20 * time.Second)
				if _, err := w.Write([]byte{0}); err != nil {
					return
				}
			}
		}, 4 << 20, 40 * time.Second},
		{"as slowly as is allowed", func(w io.Writer) {
			for range 200 {
				time.Sleep(time.Second)
				w.Write(make([]byte, 4<<10))
			}
		}, 200 * 4 << 10, 0},
		{"in bursts", func(w io.Writer) {
			for range 20 {
				time.Sleep(15 * time.Second)
				w.Write(make([]byte, 100<<10))
			}
		}, 20 * 100 << 10, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				got := make(chan error, 1)
				var ended time.Duration
				began := time.Now()
				gin.SetMode(gin.ReleaseMode)
				e := gin.New()
				e.POST("/", func(c *gin.Context) {
					api.Pace(c)
					_, err := io.Copy(io.Discard, c.Request.Body)
					ended = time.Since(began)
					got <- err
				})
				l := &oneConnection{conn: server, done: make(chan struct{})}
				s := &http.Server{Handler: e}
				var wg sync.WaitGroup
				wg.Go(func() { s.Serve(l) })
				wg.Go(func() { io.Copy(io.Discard, client) })
				wg.Go(func() {
					fmt.Fprintf(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", test.size)
					test.send(client)
				})
				err := <-got
				if test.after == 0 && err != nil {
					t.Errorf("after %v: %v", ended, err)
				}
				if test.after != 0 && (err == nil || ended > test.after) {
					t.Errorf("got %v after %v, want an error within %v", err, ended, test.after)
				}
				client.Close()
				s.Close()
				wg.Wait()
			})
		})
	}
}

// TestPaceLeavesRecordersAlone: what has no deadlines is read all the same.
func TestPaceLeavesRecordersAlone(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	c.Request = httptest.NewRequest(http.MethodPost, "/", strings.NewReader("kirim"))
	api.Pace(c)
	if b, err := io.ReadAll(c.Request.Body); err != nil || string(b) != "kirim" {
		t.Errorf("got %q, %v", b, err)
	}
}

// oneConnection is a listener that accepts one connection.
type oneConnection struct {
	conn net.Conn
	done chan struct{}
}

func (l *oneConnection) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.done
	return nil, net.ErrClosed
}

func (l *oneConnection) Close() error {
	close(l.done)
	return nil
}

func (l *oneConnection) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// TestAddressLimiter: an address has so many requests a minute, and no others are
// concerned. What is no address has none.
func TestAddressLimiter(t *testing.T) {
	at := time.Date(2026, 11, 16, 3, 0, 0, 0, time.UTC)
	l := api.NewAddressLimiter(3)
	for i, c := range []struct {
		address string
		waits   bool
	}{
		{"192.0.2.1", false},
		{"192.0.2.1", false},
		{"::ffff:192.0.2.1", false},
		{"192.0.2.1", true},
		{"192.0.2.2", false},
		{"2001:db8::1", false},
		{"2001:db8::2", false},
		{"2001:db8::3%eth0", false},
		{"2001:db8::4", true},
		{"2001:db8:0:1::4", false},
		{"", true},
	} {
		if wait := l.Take(c.address, at); wait > 0 != c.waits {
			t.Errorf("%d: %s waits %v", i, c.address, wait)
		}
	}
	if wait := l.Take("192.0.2.1", at.Add(20*time.Second)); wait != 0 {
		t.Errorf("a third of a minute later: %v", wait)
	}
}
