package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"code.dny.dev/ssrf"
)

// allowList holds host or host:port in lower case.
type allowList map[string]bool

func parseAllow(entries []string) (allowList, error) {
	a := make(allowList)
	for _, e := range entries {
		host, port, err := net.SplitHostPort(e)
		if err != nil {
			host, port = e, ""
		}
		_, perr := strconv.ParseUint(port, 10, 16)
		if host == "" || strings.ContainsAny(host, "/@ ") || err == nil && perr != nil {
			return nil, fmt.Errorf("fetch: allow-list entry %q is not host or host:port", e)
		}
		a[strings.ToLower(join(host, port))] = true
	}
	return a, nil
}

func join(host, port string) string {
	host = strings.Trim(host, "[]")
	if port == "" {
		return host
	}
	return net.JoinHostPort(host, port)
}

// allows reports whether host:port was named by the operator: either so, or
// as a host alone with a standard port.
func (a allowList) allows(host, port string) bool {
	host = strings.ToLower(host)
	return a[join(host, port)] || (port == "80" || port == "443") && a[host]
}

// checkURL refuses what may not be asked for before anything is resolved.
func (a allowList) checkURL(raw string) (*url.URL, error) {
	if len(raw) > maxURL {
		return nil, errors.New("address too long")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("not a URL")
	}
	port := u.Port()
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("scheme %q", u.Scheme)
	case u.User != nil || u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("not a plain host")
	case port == "" || port == "80" || port == "443" || a.allows(u.Hostname(), port):
		return u, nil
	}
	return nil, fmt.Errorf("port %s is neither 80 nor 443, and %s is not allowed by name", port, u.Host)
}

// transport dials with the guard, except for hosts on the list. The address
// that is dialled is checked, not the name: a name may resolve to something
// else each time it is asked for.
func (a allowList) transport(timeout time.Duration) *http.Transport {
	open := &net.Dialer{Timeout: timeout}
	guarded := &net.Dialer{Timeout: timeout, Control: ssrf.New().Safe}
	return &http.Transport{
		Proxy: nil, // the environment must not redirect what we verify
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if host, port, err := net.SplitHostPort(addr); err == nil && a.allows(host, port) {
				return open.DialContext(ctx, network, addr)
			}
			return guarded.DialContext(ctx, network, addr)
		},
		DisableCompression:     true, // a cap on what is read is a cap on what was sent
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           32,
		MaxIdleConnsPerHost:    maxPerHost,
		MaxConnsPerHost:        maxPerHost,
		IdleConnTimeout:        30 * time.Second,
		TLSHandshakeTimeout:    timeout,
		MaxResponseHeaderBytes: 16 << 10,
	}
}

// prohibited reports that the guard refused the connection.
func prohibited(err error) bool {
	return errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedPort) || errors.Is(err, ssrf.ErrProhibitedNetwork) || errors.Is(err, ssrf.ErrInvalidHostPort)
}
