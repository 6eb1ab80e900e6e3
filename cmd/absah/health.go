package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/gateway"
)

// watchedStamper is a client of timestamp authorities that remembers how its last
// question ended. It may be used by several goroutines.
type watchedStamper struct {
	client *tsp.Client

	mu   sync.Mutex
	last stampHealth // guarded by mu
}

// stampHealth is how timestamps stand.
type stampHealth struct {
	at     time.Time     // when an authority was asked last; zero: never
	err    error         // what came of it
	good   time.Time     // when one answered last
	offset time.Duration // its time less ours, then
}

// Timestamp asks the authorities as [tsp.Client.Timestamp] does.
func (w *watchedStamper) Timestamp(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error) {
	token, err := w.client.Timestamp(ctx, h, digest)
	if errors.Is(err, context.Canceled) {
		return token, err // who asked went away, which says nothing of who was asked
	}
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last.at, w.last.err = now, err
	if err == nil {
		w.last.good = now
		if parsed, failed := tsp.ParseToken(token); failed == nil {
			w.last.offset = parsed.Time.Sub(now)
		}
	}
	return token, err
}

func (w *watchedStamper) health() stampHealth {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// probe asks for a timestamp of nothing, unless the last question was answered:
// tokens may cost money, and a gateway that works asks often enough.
func (w *watchedStamper) probe(ctx context.Context) error {
	if last := w.health(); !last.at.IsZero() && last.err == nil {
		return nil
	}
	digest := make([]byte, crypto.SHA256.Size())
	rand.Read(digest)
	_, err := w.Timestamp(ctx, crypto.SHA256, digest)
	return err
}

// health is how the parts of the service stood when they were asked last.
type health struct {
	at         time.Time // when that was
	components []gateway.Component
	hsm        time.Time // when the HSM signed last
}

// err is the first fault with which the service cannot go on; nil: it can.
func (h health) err() error {
	for _, c := range h.components {
		if c.Err != nil && !c.Advisory {
			return fmt.Errorf("%s: %w", c.Name, c.Err)
		}
	}
	return nil
}

// ready asks at most once a second, whoever and how many ask: it signs and
// writes.
func (s *gatewayService) ready(ctx context.Context) []gateway.Component {
	return s.askHealth(ctx).components
}

func (s *gatewayService) askHealth(ctx context.Context) health {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	h := &s.health.last
	if now := time.Now(); now.Sub(h.at) >= time.Second {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		h.components = s.gateway.Ready(ctx, func(ctx context.Context) error {
			err := s.module.Health(ctx)
			if err == nil {
				h.hsm = time.Now()
			}
			return err
		})
		if s.stamps != nil {
			// Without timestamps B-B, verification and what may fall back go on: a
			// balancer must not take all nodes away because of a service that they share.
			h.components = append(h.components, gateway.Component{Name: "timestamps", Err: s.stamps.health().err, Advisory: true})
		}
		h.at = time.Now()
	}
	return *h
}

// writeHealth answers the operator: what is wrong, part by part.
func (s *gatewayService) writeHealth(w http.ResponseWriter, r *http.Request) {
	var (
		b  strings.Builder
		h  = s.askHealth(r.Context())
		ok = h.err() == nil
	)
	b.WriteString(map[bool]string{true: "ready\n", false: "not ready\n"}[ok])
	for _, c := range h.components {
		if c.Err != nil {
			fmt.Fprintf(&b, "%s: %v\n", c.Name, c.Err)
		}
	}
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write([]byte(b.String())) // who asked may be gone
}

// gauges are what operators watch, asked for anew with each scrape. They tell
// numbers and no names.
type gauges struct{ s *gatewayService }

// Descriptions of the gauges.
var (
	gaugeUp         = prometheus.NewDesc("absah_component_up", "1 while a part of the gateway works.", []string{"component"}, nil)
	gaugeHSM        = prometheus.NewDesc("absah_hsm_signed_age_seconds", "Time since the last test signature of the HSM.", nil, nil)
	gaugeStamp      = prometheus.NewDesc("absah_timestamp_age_seconds", "Time since a timestamp authority answered last.", nil, nil)
	gaugeOffset     = prometheus.NewDesc("absah_clock_offset_seconds", "Time of the authority less that of this machine, when it answered last.", nil, nil)
	gaugeEntries    = prometheus.NewDesc("absah_log_entries", "Entries in the tree of the log.", nil, nil)
	gaugeLag        = prometheus.NewDesc("absah_log_lag_seconds", "Age of the oldest record that waits for its place in the log.", nil, nil)
	gaugeCheckpoint = prometheus.NewDesc("absah_log_checkpoint_age_seconds", "Age of the latest checkpoint of the log.", nil, nil)
	gaugeSpool      = prometheus.NewDesc("absah_spool_used_bytes", "What uploads take of spool.total.", nil, nil)
	gaugeOpen       = prometheus.NewDesc("absah_open_intents", "Operations that have begun and not ended; 1000 stands for more.", nil, nil)
)

// Describe implements prometheus.Collector.
func (g gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{gaugeUp, gaugeHSM, gaugeStamp, gaugeOffset, gaugeEntries, gaugeLag, gaugeCheckpoint, gaugeSpool, gaugeOpen} {
		to <- d
	}
}

// Collect implements prometheus.Collector. What cannot be learnt is left out; the
// component that is the cause is down.
func (g gauges) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	now := time.Now()
	set := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	age := func(d *prometheus.Desc, at time.Time) {
		if !at.IsZero() {
			set(d, max(0, now.Sub(at).Seconds()))
		}
	}
	h := g.s.askHealth(ctx)
	for _, c := range h.components {
		up := 1.0
		if c.Err != nil {
			up = 0
		}
		set(gaugeUp, up, c.Name)
	}
	age(gaugeHSM, h.hsm)
	if g.s.stamps != nil {
		if last := g.s.stamps.health(); !last.good.IsZero() {
			age(gaugeStamp, last.good)
			set(gaugeOffset, last.offset.Seconds())
		}
	}
	if l, err := g.s.log.Health(ctx); err == nil {
		set(gaugeEntries, float64(l.Size))
		lag := 0.0
		if !l.Waiting.IsZero() {
			lag = max(0, now.Sub(l.Waiting.Add(-g.s.cfg.Evidence.Promise)).Seconds())
		}
		set(gaugeLag, lag)
		age(gaugeCheckpoint, l.Latest.Time)
	}
	set(gaugeSpool, float64(g.s.api.Spooled()))
	if n, err := g.s.gateway.OpenIntents(ctx); err == nil {
		set(gaugeOpen, float64(n))
	}
}
