package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts requests by route, never by address or caller: what is
// measured here is read by others than the evidence. A nil *Metrics counts
// nothing.
type Metrics struct {
	requests *prometheus.HistogramVec
}

// NewMetrics registers the metrics of the HTTP side.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "absah_http_request_duration_seconds", Help: "Time from the last header to the last byte of the answer.",
		Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30},
	}, []string{"method", "route", "status"})}
	return m, r.Register(m.requests)
}

func (m *Metrics) observe(method, route string, status int, took time.Duration) {
	if m == nil {
		return
	}
	if route == "" {
		// What a scanner asks for must not become a time series each.
		method, route = http.MethodGet, "none"
	}
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}
