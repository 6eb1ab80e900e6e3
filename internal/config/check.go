package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"time"
)

// checker collects problems.
type checker struct{ problems []Problem }

func (c *checker) must(ok bool, key, format string, args ...any) {
	if !ok {
		c.problems = append(c.problems, Problem{Key: key, Text: fmt.Sprintf(format, args...)})
	}
}

// between demands low ≤ v ≤ high.
func between[T int | Size | time.Duration | float64](c *checker, key string, v, low, high T) {
	c.must(low <= v && v <= high, key, "%v is not between %v and %v", v, low, high)
}

// oneOf demands one of a few words.
func (c *checker) oneOf(key, v string, words ...string) {
	for _, w := range words {
		if v == w {
			return
		}
	}
	c.must(false, key, "%q is none of %s", v, strings.Join(words, ", "))
}

// check judges what can be judged without touching the file system.
func (cfg *Config) check() []Problem {
	c := &checker{}
	walk(reflect.ValueOf(cfg).Elem(), "", func(key string, field reflect.StructField, v reflect.Value) {
		if field.Tag.Get("required") == "true" {
			c.must(!v.IsZero() && (v.Kind() != reflect.Slice || v.Len() > 0), key, "is required")
		}
	})
	cfg.checkServer(c)
	cfg.checkStorage(c)
	cfg.checkKeys(c)
	cfg.checkServices(c)
	cfg.checkLimits(c)
	return c.problems
}

var organisationID = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (cfg *Config) checkServer(c *checker) {
	if id := cfg.Organisation.ID; id != "" {
		c.must(organisationID.MatchString(id), "organisation.id", "%q must be lower-case letters, digits and hyphens, at most 63", id)
	}
	c.oneOf("organisation.zone", cfg.Organisation.Zone, "Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura", "UTC")

	s := cfg.Server
	host := c.address("server.listen", s.Listen)
	if s.PublicURL != "" {
		c.httpURL("server.public_url", s.PublicURL)
	}
	c.must((s.TLS.Certificate == "") == (s.TLS.Key == ""), "server.tls", "certificate and key belong together")
	c.must(s.TLS.ClientCA == "" || s.TLS.Certificate != "", "server.tls.client_ca", "client certificates need TLS: name certificate and key")
	if s.TLS.Certificate == "" && host != "" {
		c.must(isLoopback(host) || len(s.TrustedProxies) > 0, "server.listen",
			"without server.tls only a loopback address, or one behind server.trusted_proxies, may be listened on")
	}
	for i, p := range s.TrustedProxies {
		network, err := netip.ParsePrefix(p)
		_, single := netip.ParseAddr(p)
		if single == nil {
			err = nil
		}
		key := fmt.Sprintf("server.trusted_proxies[%d]", i)
		c.must(err == nil, key, "%q is neither an address nor a network such as 10.1.0.0/16", p)
		c.must(err != nil || single == nil || !everybody(network), key,
			"%q is so large that anybody could say who he is: name the addresses of the proxies", p)
	}
	between(c, "server.shutdown", s.Shutdown, time.Second, 10*time.Minute)
	if cfg.Admin.Listen != "off" {
		if host := c.address("admin.listen", cfg.Admin.Listen); host != "" {
			addr, err := netip.ParseAddr(host)
			c.must(host == "localhost" || err == nil && (addr.IsLoopback() || addr.IsPrivate()), "admin.listen", "%q is neither a loopback nor a private address", host)
		}
	}
}

// everybody tells whether a network is larger than anybody's own: than 10.0.0.0/8,
// or fc00::/7.
func everybody(n netip.Prefix) bool {
	if n.Addr().Unmap().Is4() {
		return n.Bits()-(n.Addr().BitLen()-32) < 8
	}
	return n.Bits() < 7
}

// address checks host:port and returns the host, empty when it is faulty.
func (c *checker) address(key, address string) string {
	host, port, err := net.SplitHostPort(address)
	c.must(err == nil && port != "", key, "%q is not an address such as 127.0.0.1:8080", address)
	if err != nil {
		return ""
	}
	if host == "" {
		return "0.0.0.0"
	}
	return host
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// httpURL checks an address. It does not repeat it: a password may be in it.
func (c *checker) httpURL(key, raw string) {
	u, err := url.Parse(raw)
	c.must(err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "",
		key, "is not an address such as https://contoh.go.id/jalur, without user, query and fragment")
}

func (cfg *Config) checkStorage(c *checker) {
	d := cfg.Database
	scheme, rest, _ := strings.Cut(d.URL, ":")
	switch scheme {
	case "sqlite":
		c.must(rest != "", "database.url", "names no file: sqlite:/var/lib/absah/absah.db")
		for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
			c.must(rest == "" || filepath.Clean(rest)+suffix != filepath.Clean(cfg.Evidence.Floor), "evidence.floor",
				"is the database: keep it where a restored database does not bring its own")
		}
		c.must(d.PasswordFile == "", "database.password_file", "SQLite has no password")
		c.must(d.MigrationURL == "", "database.migration_url", "SQLite has no roles")
	case "postgres", "postgresql":
		c.postgresURL("database.url", d.URL, "database.password_file")
		if d.MigrationURL != "" {
			c.postgresURL("database.migration_url", d.MigrationURL, "database.migration_password_file")
		}
	default:
		c.must(false, "database.url", "must begin with sqlite: or postgres:")
	}
	c.must(d.MigrationPasswordFile == "" || d.MigrationURL != "", "database.migration_password_file", "belongs to database.migration_url")
	between(c, "database.connections", cfg.Database.Connections, 2, 1000)
	between(c, "spool.upload", cfg.Spool.Upload, 1<<20, 1<<30)
	c.must(cfg.Spool.Total >= 2*cfg.Spool.Upload, "spool.total", "must hold at least two documents of spool.upload")
}

// postgresURL checks an address of PostgreSQL, whose password has a file.
func (c *checker) postgresURL(key, raw, passwordKey string) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" { // the text of err would repeat a password
		c.must(false, key, "is not an address such as postgres://absah@127.0.0.1:5432/absah")
		return
	}
	_, inURL := u.User.Password()
	c.must(!inURL && !u.Query().Has("password"), key, "holds a password: put it into a file and name it in %s", passwordKey)
	mode := u.Query().Get("sslmode")
	for _, host := range postgresHosts(u) {
		c.must(local(host) || mode == "verify-full" || mode == "verify-ca", key,
			"%q is another machine: say sslmode=verify-full, with sslrootcert where its authority is your own", host)
	}
}

// postgresHosts returns where a database may be; "" is a socket at its usual
// place.
func postgresHosts(u *url.URL) (hosts []string) {
	for _, part := range strings.Split(u.Host, ",") {
		if host, _, err := net.SplitHostPort(part); err == nil {
			part = host
		}
		hosts = append(hosts, strings.Trim(part, "[]"))
	}
	if q := u.Query(); q.Has("host") { // it counts instead
		hosts = strings.Split(q.Get("host"), ",")
	}
	return hosts
}

// local tells whether a host is this machine: a loopback address or a socket.
func local(host string) bool {
	return host == "" || strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || isLoopback(host)
}

func (cfg *Config) checkKeys(c *checker) {
	between(c, "hsm.sessions", cfg.HSM.Sessions, 1, 256)
	between(c, "hsm.timeout", cfg.HSM.Timeout, 100*time.Millisecond, time.Minute)
	for i, entry := range cfg.HSM.Environment {
		name, _, _ := strings.Cut(entry, "=")
		c.must(name != "" && !strings.Contains(name, " "), fmt.Sprintf("hsm.environment[%d]", i), "must be NAME or NAME=value")
	}
	seen := map[string]string{}
	own := func(key, label string) {
		if label == "" {
			return
		}
		c.must(seen[label] == "", key, "%q is also the label of %s: each key has one purpose", label, seen[label])
		seen[label] = key
	}
	k := cfg.Keys
	for _, required := range []struct{ key, label string }{
		{"keys.log", k.Log}, {"keys.receipt", k.Receipt}, {"keys.wrapping", k.Wrapping}, {"keys.pepper", k.Pepper}, {"keys.health", k.Health},
	} {
		c.must(required.label != "", required.key, "is required")
		own(required.key, required.label)
	}
	own("keys.tsa.key", k.TSA.Key)
	c.must((k.TSA.Key == "") == (k.TSA.Certificate == ""), "keys.tsa", "key and certificate belong together")
	if k.TSA.Policy != "" {
		c.must(oid.MatchString(k.TSA.Policy), "keys.tsa.policy", "%q is not an object identifier", k.TSA.Policy)
	} else {
		c.must(k.TSA.Key == "", "keys.tsa.policy", "is required when the gateway is an authority")
	}
	ids := map[string]bool{}
	for i, s := range k.Seals {
		own(fmt.Sprintf("keys.seals[%d].key", i), s.Key)
		c.must(!ids[s.ID], fmt.Sprintf("keys.seals[%d].id", i), "%q occurs twice", s.ID)
		ids[s.ID] = true
	}
	seal := cfg.Verification.ReportSeal
	c.must(seal == "" || ids[seal], "verification.report_seal", "%q is none of keys.seals", seal)
}

var oid = regexp.MustCompile(`^[0-2](\.(0|[1-9][0-9]{0,18})){2,30}$`)

func (cfg *Config) checkServices(c *checker) {
	for i, s := range cfg.Timestamps.Sources {
		key := fmt.Sprintf("timestamps.sources[%d].", i)
		if s.URL != "" {
			c.httpURL(key+"url", s.URL)
		}
		c.must((s.Username == "") == (s.PasswordFile == ""), key+"username", "username and password_file belong together")
	}
	between(c, "timestamps.timeout", cfg.Timestamps.Timeout, 100*time.Millisecond, time.Minute)
	between(c, "timestamps.drift", cfg.Timestamps.Drift, time.Second, 10*time.Minute)
	between(c, "revocation.timeout", cfg.Revocation.Timeout, 100*time.Millisecond, time.Minute)
	between(c, "revocation.max_age", cfg.Revocation.MaxAge, 0, 24*time.Hour)
	cfg.Cases.check(c)
	c.oneOf("verification.policy", cfg.Verification.Policy, "gov", "forms")
	between(c, "verification.parallel", cfg.Verification.Parallel, 0, 1024)
	between(c, "verification.timeout", cfg.Verification.Timeout, time.Second, 10*time.Minute)
	between(c, "evidence.interval", cfg.Evidence.Interval, 10*time.Millisecond, time.Hour)
	between(c, "evidence.stamp", cfg.Evidence.Stamp, 0, 24*time.Hour)
	c.must(cfg.Evidence.Promise >= 2*cfg.Evidence.Interval && cfg.Evidence.Promise >= time.Minute && cfg.Evidence.Promise <= 7*24*time.Hour,
		"evidence.promise", "%v is not between a minute (or two intervals) and seven days", cfg.Evidence.Promise)
	between(c, "evidence.reconcile", cfg.Evidence.Reconcile, time.Second, 24*time.Hour)
	c.must(cfg.Evidence.Floor != "", "evidence.floor", "is required: without it a restored database cannot be told from the present one")
	for i, w := range cfg.Evidence.Witnesses {
		if w.URL != "" {
			c.httpURL(fmt.Sprintf("evidence.witnesses[%d].url", i), w.URL)
		}
	}
}

func (k *Cases) check(c *checker) {
	for _, d := range []struct {
		key  string
		n    int
		from int
	}{
		{"examine", k.Examine, 0}, {"answer", k.Answer, 1}, {"close", k.Close, 0}, {"assistance", k.Assistance, 0},
		{"loss", k.Loss, 0}, {"incident", k.Incident, 0}, {"soon", k.Soon, 0},
	} {
		between(c, "cases."+d.key, d.n, d.from, 366)
	}
	between(c, "cases.retention", k.Retention, 0, 36_525)
	between(c, "cases.work_days", k.WorkDays, 5, 6)
	for i, day := range k.Holidays {
		_, err := time.Parse(time.DateOnly, day)
		c.must(err == nil, fmt.Sprintf("cases.holidays[%d]", i), "%q is not a date such as 2026-12-25", day)
	}
	kinds := []string{"authentication", "authenticity", "repudiation", "key-loss", "conduct"}
	for i, kind := range k.Incidents {
		c.oneOf(fmt.Sprintf("cases.incidents[%d]", i), kind, kinds...)
	}
	for i, kind := range k.MustEscalate {
		c.oneOf(fmt.Sprintf("cases.must_escalate[%d]", i), kind, kinds...)
	}
	for i, r := range k.Recipients {
		c.must(r.Name != "", fmt.Sprintf("cases.recipients[%d].name", i), "is required")
	}
	for i, r := range k.Supervisors {
		c.must(r.Name != "", fmt.Sprintf("cases.supervisors[%d].name", i), "is required")
	}
}

func (cfg *Config) checkLimits(c *checker) {
	between(c, "activation.memory", cfg.Activation.Memory, 46<<20, 1<<30)
	between(c, "activation.passes", cfg.Activation.Passes, 1, 16)
	between(c, "activation.parallel", cfg.Activation.Parallel, 1, 64)
	between(c, "activation.attempts", cfg.Activation.Attempts, 1, 20)
	between(c, "activation.alarm", cfg.Activation.Alarm, 1, 1_000_000)
	between(c, "activation.lifetime", cfg.Activation.Lifetime, time.Minute, 24*time.Hour)
	between(c, "limits.requests", cfg.Limits.Requests, 1, 10_000)
	between(c, "limits.applications", cfg.Limits.Applications, 1, 1_000_000)
	between(c, "limits.anonymous", cfg.Limits.Anonymous, 0, 1_000_000)
	between(c, "limits.failures", cfg.Limits.Failures, 1, 1_000_000)
	between(c, "limits.tail", cfg.Limits.Tail, time.Minute, 7*24*time.Hour)
	c.oneOf("log.level", cfg.Log.Level, "debug", "info", "warn", "error")
	c.oneOf("log.format", cfg.Log.Format, "json", "text")
	if cfg.Tracing.Endpoint != "" {
		c.httpURL("tracing.endpoint", cfg.Tracing.Endpoint)
	}
	between(c, "tracing.sample", cfg.Tracing.Sample, 0, 1)
}

// CheckHSMFiles does what CheckFiles does for the section hsm alone: it is all that
// is needed to make the keys, before there are certificates for them.
func (cfg *Config) CheckHSMFiles() error {
	c := &checker{}
	c.file("hsm.module", "read", cfg.HSM.Module)
	c.file("hsm.pin_file", "secret", cfg.HSM.PINFile)
	return cfg.source.error(c.problems)
}

// CheckFiles looks whether the files that the configuration names are there
// and, where they hold secrets, have something in them and are kept from others.
// The error is an *Error.
func (cfg *Config) CheckFiles() error {
	c := &checker{}
	walk(reflect.ValueOf(cfg).Elem(), "", func(key string, field reflect.StructField, v reflect.Value) {
		kind := field.Tag.Get("file")
		if kind == "" {
			return
		}
		switch p := v.Addr().Interface().(type) {
		case *string:
			if *p != "" {
				c.file(key, kind, *p)
			}
		case *[]string:
			for _, path := range *p {
				c.file(key, kind, path)
			}
		}
	})
	if path, ok := strings.CutPrefix(cfg.Database.URL, "sqlite:"); ok {
		c.file("database.url", "write", path)
	}
	return cfg.source.error(c.problems)
}

// file checks one path for the use that the tag names: read, secret (read,
// and nobody else may) or write (its folder exists).
func (c *checker) file(key, kind, path string) {
	if kind == "write" {
		info, err := os.Stat(filepath.Dir(path))
		c.must(err == nil && info.IsDir(), key, "the folder %s does not exist", filepath.Dir(path))
		return
	}
	info, err := os.Stat(path)
	if err != nil {
		c.must(false, key, "%v", err)
		return
	}
	if kind == "secret" {
		c.must(info.Mode().IsRegular(), key, "%s is not a regular file", path)
		c.must(info.Mode().Perm()&0o007 == 0, key, "every user of this machine can reach %s: chmod o= it", path)
		c.must(!isBlank(path, info), key, "%s holds nothing on its first line", path)
	}
}

// isBlank tells whether the first line of a regular file is empty. Of what may
// not be read here, only the size is looked at.
func isBlank(path string, info os.FileInfo) bool {
	if !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return info.Size() == 0
	}
	defer f.Close()
	first := make([]byte, 4096)
	n, err := io.ReadFull(f, first)
	defer clear(first)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return info.Size() == 0
	}
	line, _, _ := bytes.Cut(first[:n], []byte("\n"))
	return len(bytes.TrimSpace(line)) == 0
}

// Engine is the kind of database, without the path or address: SQLite or
// PostgreSQL.
func (d Database) Engine() string {
	if strings.HasPrefix(d.URL, "sqlite:") {
		return "SQLite"
	}
	return "PostgreSQL"
}
