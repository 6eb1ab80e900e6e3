package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/absah-id/absah/api"
	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/internal/config"
	"github.com/absah-id/absah/internal/fault"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/store"
	"github.com/absah-id/absah/verifier"
)

// gatewayService is a running gateway with everything under it.
type gatewayService struct {
	cfg    *config.Config
	logger *slog.Logger

	db      *store.DB
	module  *hsm.Module
	source  *fetch.Client
	stamper *tsp.Client     // nil without timestamp sources
	stamps  *watchedStamper // the same, watched
	anchors anchorSets
	keys    *keys
	log     *evidence.Log
	gateway *gateway.Gateway
	metrics *prometheus.Registry
	api     *api.Server

	health struct {
		mu   sync.Mutex
		last health // guarded by mu
	}

	closers []func() error // in the order of opening
}

// anchorSets are the trust anchors by what they are trusted for.
type anchorSets struct{ signers, tsas, responders *pki.Anchors }

// openService opens everything up to the gateway, whose anchors must have been
// approved. Close it, unless there is an error.
func openService(ctx context.Context, cfg *config.Config, logger *slog.Logger) (*gatewayService, error) {
	s, err := openUntrusted(ctx, cfg, logger)
	if err != nil {
		return nil, err
	}
	if err := s.checkAnchors(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// openUntrusted opens one part after the other, as they need each other.
func openUntrusted(ctx context.Context, cfg *config.Config, logger *slog.Logger) (_ *gatewayService, err error) {
	s := &gatewayService{cfg: cfg, logger: logger, metrics: prometheus.NewRegistry()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	return s, inTurn(ctx, []step{
		{"trust", s.openTrust},
		{"database", s.openDatabase},
		{"HSM", s.openHSM},
		{"services", s.openServices},
		{"log", s.openLog},
		{"gateway", s.openGateway},
	})
}

// openPublic opens what faces outside.
func (s *gatewayService) openPublic(ctx context.Context) error {
	return inTurn(ctx, []step{{"seals", s.openSeals}, {"HTTP", s.openAPI}})
}

type step struct {
	what string
	open func(context.Context) error
}

func inTurn(ctx context.Context, steps []step) error {
	for _, step := range steps {
		if err := step.open(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
		fault.Point("start.step")
	}
	return nil
}

// close ends in the reverse order.
func (s *gatewayService) close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}

func (s *gatewayService) openTrust(context.Context) (err error) {
	s.anchors, err = readTrust(s.cfg.Trust)
	return err
}

// readTrust reads the anchors that a configuration names.
func readTrust(t config.Trust) (a anchorSets, err error) {
	if a.signers, err = readAuthorities("trust.signers", t.Signers); err != nil {
		return a, err
	}
	a.tsas = a.signers
	if len(t.Timestamps) > 0 {
		if a.tsas, err = readAuthorities("trust.timestamps", t.Timestamps); err != nil {
			return a, err
		}
	}
	if a.responders, err = readAnchors(t.Responders); err != nil {
		return a, usageErrorf("trust.responders: %v", err)
	}
	return a, nil
}

// readAuthorities refuses anchors that may certify nobody: whose certificate is
// trusted by itself is trusted whoever has revoked it.
func readAuthorities(key string, paths []string) (*pki.Anchors, error) {
	anchors, err := readAnchors(paths)
	if err != nil {
		return nil, usageErrorf("%s: %v", key, err)
	}
	if anchors == nil {
		return nil, nil
	}
	for _, cert := range anchors.Certificates() {
		if cert.Version >= 3 && !(cert.BasicConstraintsValid && cert.IsCA) {
			return nil, usageErrorf("%s: %q is not the certificate of an authority", key, cert.Subject.CommonName)
		}
	}
	return anchors, nil
}

func (s *gatewayService) openDatabase(ctx context.Context) (err error) {
	var (
		d = s.cfg.Database
		o store.Options
	)
	if path, ok := strings.CutPrefix(d.URL, "sqlite:"); ok {
		if err := checkUser(path); err != nil {
			return err
		}
	}
	if o.URL, err = withPassword(d.URL, d.PasswordFile); err != nil {
		return fmt.Errorf("database.url: %w", err)
	}
	if o.MigrationURL, err = withPassword(d.MigrationURL, d.MigrationPasswordFile); err != nil {
		return fmt.Errorf("database.migration_url: %w", err)
	}
	if d.Engine() != "SQLite" {
		o.Connections = d.Connections
	}
	if s.db, err = store.Open(ctx, o); err != nil {
		return err
	}
	s.closers = append(s.closers, s.db.Close)
	owner, err := s.db.Owned(ctx)
	if owner && s.logger != nil {
		s.logger.WarnContext(ctx, "the role of database.url owns the tables and can take the guards off the evidence: name absah_app there, and the owner in database.migration_url")
	}
	return err
}

// withPassword puts the password in a file, "" for none, into an address.
func withPassword(address, file string) (string, error) {
	if file == "" {
		return address, nil
	}
	password, err := readSecret(file)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", errors.New("is not an address")
	}
	u.User = url.UserPassword(u.User.Username(), string(password))
	return u.String(), nil
}

func (s *gatewayService) openHSM(ctx context.Context) (err error) {
	if s.module, err = s.startHSM(ctx); err != nil {
		return err
	}
	s.closers = append(s.closers, s.module.Close)
	vault, err := s.module.Vault(ctx, vaultConfig(s.cfg))
	if err != nil {
		return fmt.Errorf("%w; \"absah init CONFIG\" makes the keys that are missing", err)
	}
	s.keys = &keys{module: s.module, vault: vault}
	if s.db == nil { // nothing is read or written but the log
		return nil
	}
	secret, err := vault.Derive(ctx, "rows")
	if err != nil {
		return err
	}
	s.db.SealRows([32]byte(secret))
	return nil
}

func (s *gatewayService) startHSM(ctx context.Context) (*hsm.Module, error) {
	c := s.cfg.HSM
	return hsm.Start(ctx, hsm.Config{
		Module: c.Module, Token: c.Token, PINFile: c.PINFile, Sessions: c.Sessions, Timeout: c.Timeout,
		HealthKey: s.cfg.Keys.Health, Env: c.Environment, Logger: s.logger,
	})
}

func vaultConfig(cfg *config.Config) hsm.VaultConfig {
	a := cfg.Activation
	return hsm.VaultConfig{
		WrapKey: cfg.Keys.Wrapping, Pepper: cfg.Keys.Pepper, Concurrency: a.Parallel,
		Argon2: hsm.Argon2{Time: uint32(a.Passes), MemoryKiB: uint32(a.Memory >> 10), Threads: 1},
	}
}

// newSource is the client for OCSP, CRLs and issuers' certificates.
func newSource(r config.Revocation) (*fetch.Client, error) {
	age := r.MaxAge
	if age == 0 {
		age = -1 // what package fetch takes for nothing; its zero is a default
	}
	return fetch.New(fetch.Config{Allow: r.Allow, Timeout: r.Timeout, MaxAge: age})
}

func (s *gatewayService) openServices(context.Context) (err error) {
	if s.source, err = newSource(s.cfg.Revocation); err != nil {
		return err
	}
	s.closers = append(s.closers, func() error { s.source.Close(); return nil })
	if len(s.cfg.Timestamps.Sources) == 0 {
		return nil
	}
	c := tsp.ClientConfig{Timeout: s.cfg.Timestamps.Timeout, Credentials: map[string]tsp.Credential{}, Trust: trustTSA(s.anchors.tsas)}
	for _, source := range s.cfg.Timestamps.Sources {
		c.URLs = append(c.URLs, source.URL)
		if source.Username != "" {
			c.Credentials[source.URL] = tsp.Credential{Username: source.Username, PasswordFile: source.PasswordFile}
		}
	}
	if s.stamper, err = tsp.NewClient(c); err != nil {
		return err
	}
	s.stamps = &watchedStamper{client: s.stamper}
	return nil
}

func (s *gatewayService) openLog(ctx context.Context) error {
	logKey, err := s.module.Key(ctx, s.cfg.Keys.Log)
	if err != nil {
		return fmt.Errorf("key %q: %w; \"absah init CONFIG\" makes the keys that are missing", s.cfg.Keys.Log, err)
	}
	receipts, err := s.module.Key(ctx, s.cfg.Keys.Receipt)
	if err != nil {
		return fmt.Errorf("key %q: %w", s.cfg.Keys.Receipt, err)
	}
	intents, err := s.keys.vault.Derive(ctx, "intents")
	if err != nil {
		return err
	}
	c := evidence.Config{
		Intents: intents, Store: s.db, Origin: s.origin(), Signer: logKey, Receipts: receipts, Floor: s.cfg.Evidence.Floor,
		MergeDelay: s.cfg.Evidence.Promise, Interval: s.cfg.Evidence.Interval, StampEvery: s.cfg.Evidence.Stamp, PastKeys: s.cfg.Evidence.PastKeys,
		Logger: s.logger,
	}
	if s.stamper != nil {
		c.Timestamper = &checkpointStamper{s.stamps, s.source, s.anchors.tsas}
	}
	if s.anchors.tsas != nil {
		c.Token = checkTokenBy(s.anchors.tsas)
	}
	for _, w := range s.cfg.Evidence.Witnesses {
		c.Witnesses = append(c.Witnesses, evidence.Witness{URL: w.URL, VKey: w.Key})
	}
	if s.log, err = evidence.New(c); err != nil {
		return err
	}
	return s.log.Check(ctx)
}

// origin is the log's name: the configured one, or the public address.
func (s *gatewayService) origin() string {
	if s.cfg.Evidence.Origin != "" {
		return s.cfg.Evidence.Origin
	}
	_, rest, _ := strings.Cut(s.cfg.Server.PublicURL, "://")
	return strings.TrimSuffix(rest, "/") + "/log"
}

// node names this process among those that share the database.
func node() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host
}

func (s *gatewayService) openGateway(ctx context.Context) error {
	sc := signer.Config{Source: s.source, Anchors: s.anchors.signers, TSAAnchors: s.anchors.tsas, MaxDrift: s.cfg.Timestamps.Drift}
	if s.stamper != nil {
		sc.Timestamper = documentStamper{s.stamps}
	}
	sign, err := signer.New(sc)
	if err != nil {
		return err
	}
	policy, err := verifier.PolicyNamed(s.cfg.Verification.Policy)
	if err != nil {
		return err
	}
	verify, err := verifier.New(verifier.Config{
		Signers: s.anchors.signers, TSAs: s.anchors.tsas, Responders: s.anchors.responders, Source: s.source, Policy: policy,
	})
	if err != nil {
		return err
	}
	secret, err := s.keys.vault.Derive(ctx, "gateway")
	if err != nil {
		return err
	}
	a := s.cfg.Activation
	s.gateway, err = gateway.New(ctx, gateway.Config{
		Organisation: s.cfg.Organisation.ID, Node: node(), Secret: [32]byte(secret),
		Store: s.db, Notary: s.log, Keys: s.keys, Signer: sign, Verifier: verify, Anchors: s.anchors.signers, Source: s.source,
		Attempts: gateway.AttemptPolicy{Limit: a.Attempts}, Alarm: a.Alarm, Lifetime: a.Lifetime,
		Cases: s.cases(), Judgement: s.cfg.Verification.Timeout, Tail: s.cfg.Limits.Tail, Rate: s.cfg.Limits.Applications, Log: s.logger,
	})
	return err
}

// checkAnchors refuses to work with anchors that somebody put there alone.
func (s *gatewayService) checkAnchors(ctx context.Context) error {
	return s.gateway.EnsureAnchors(ctx, s.operator(), s.anchors.set())
}

// set describes all anchors, with what each is trusted for.
func (a anchorSets) set() gateway.AnchorSet {
	var (
		der   [][]byte
		names []string
	)
	for _, use := range []struct {
		purpose string
		anchors *pki.Anchors
	}{{"signers", a.signers}, {"timestamps", a.tsas}, {"responders", a.responders}} {
		if use.anchors == nil {
			continue
		}
		for _, cert := range use.anchors.Certificates() {
			der = append(der, append([]byte(use.purpose+"\x00"), cert.Raw...))
			names = append(names, use.purpose+": "+cert.Subject.CommonName)
		}
	}
	return gateway.AnchorSetOf(der, names)
}

// operator is who the commands and the start of the service act as.
func (s *gatewayService) operator() gateway.Caller {
	return gateway.Local(s.cfg.Organisation.ID, person())
}

func (s *gatewayService) openSeals(ctx context.Context) error {
	for _, seal := range s.cfg.Keys.Seals {
		chain, err := readCertificates(seal.Certificate)
		if err != nil {
			return err
		}
		key, err := s.module.Key(ctx, seal.Key)
		if err != nil {
			return fmt.Errorf("%s: key %q: %w", seal.ID, seal.Key, err)
		}
		if !samePublicKey(key, chain[0]) {
			return &exitError{statusRefused, fmt.Errorf("%s: %s is not the certificate of the key %q: absah key csr makes the request for it", seal.ID, seal.Certificate, seal.Key)}
		}
		err = s.gateway.EnsureSeal(ctx, s.operator(), gateway.SealSpec{
			ID: seal.ID, Name: chain[0].Subject.CommonName, Label: seal.Key, Leaf: chain[0], Chain: chain[1:],
		})
		if err != nil {
			return fmt.Errorf("%s: %w", seal.ID, err)
		}
	}
	return nil
}

func (s *gatewayService) openAPI(ctx context.Context) error {
	m, err := api.NewMetrics(s.metrics)
	if err != nil {
		return err
	}
	s.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	var proxies []netip.Prefix
	for _, text := range s.cfg.Server.TrustedProxies {
		p, err := netip.ParsePrefix(text)
		if addr, single := netip.ParseAddr(text); single == nil {
			p, err = addr.Prefix(addr.BitLen())
		}
		if err != nil {
			return err
		}
		proxies = append(proxies, p)
	}
	timestamps, err := s.authority(ctx)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(s.cfg.Organisation.Zone)
	if err != nil {
		return err
	}
	tracing, stop, err := newTracing(ctx, s.cfg.Tracing)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, stop)
	s.api, err = api.New(api.Config{
		Gateway: s.gateway, Log: s.log, Timestamps: timestamps, Bundle: &bundler{s}, Ready: s.ready, Zone: zone, Version: buildVersion(),
		Office: s.cfg.Organisation.Name, ReportSeal: s.cfg.Verification.ReportSeal, PublicURL: strings.TrimSuffix(s.cfg.Server.PublicURL, "/"), TrustedProxies: proxies,
		Spool: s.cfg.Spool.Directory, Upload: int64(s.cfg.Spool.Upload), Total: int64(s.cfg.Spool.Total),
		Requests: s.cfg.Limits.Requests, Verifications: s.cfg.Verification.Parallel, Anonymous: s.cfg.Limits.Anonymous, Failures: s.cfg.Limits.Failures, Logger: s.logger, Metrics: m, Tracing: tracing,
	})
	if err != nil {
		return err
	}
	s.metrics.MustRegister(gauges{s})
	return nil
}

// authority is the gateway's own timestamp authority; nil when it is none.
func (s *gatewayService) authority(ctx context.Context) (gateway.Authority, error) {
	t := s.cfg.Keys.TSA
	if t.Key == "" {
		return nil, nil
	}
	chain, err := readCertificates(t.Certificate)
	if err != nil {
		return nil, err
	}
	key, err := s.module.Key(ctx, t.Key)
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", t.Key, err)
	}
	policy, err := parseOID(t.Policy)
	if err != nil {
		return nil, err
	}
	algorithm, err := cms.ForKey(key.Public(), false)
	if err != nil {
		return nil, err
	}
	a, err := tsp.NewAuthority(tsp.AuthorityConfig{Certificate: chain[0], Chain: chain[1:], Key: key, Algorithm: algorithm, Policy: policy, Accuracy: time.Second})
	if err != nil {
		return nil, &exitError{statusRefused, fmt.Errorf("keys.tsa: %s with the key %q: %w", t.Certificate, t.Key, err)}
	}
	return a, nil
}
