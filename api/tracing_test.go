package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/absah-id/absah/api"
	"github.com/absah-id/absah/gateway"
)

// TestTraces: a request is one span under its sender's trace, with what the
// log says and nothing that was asked for.
func TestTraces(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	s, err := api.New(api.Config{
		Gateway: new(gateway.Gateway), Spool: t.TempDir(), PublicURL: "https://sah.contohkab.go.id", Upload: 1 << 20, Total: 1 << 21,
		Tracing: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/healthz?rahasia=1", nil)
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	s.Handler().ServeHTTP(httptest.NewRecorder(), r)
	ended := spans.Ended()
	if len(ended) != 1 {
		t.Fatalf("got %d spans, want 1", len(ended))
	}
	if got, want := ended[0].Name(), "GET /healthz"; got != want {
		t.Errorf("name: got %q, want %q", got, want)
	}
	if got, want := ended[0].SpanContext().TraceID().String(), "0af7651916cd43dd8448eb211c80319c"; got != want {
		t.Errorf("trace: got %s, want %s", got, want)
	}
	for _, a := range ended[0].Attributes() {
		switch a.Key {
		case "http.response.status_code", "http.route", "absah.request", "absah.code", "absah.operation":
		default:
			t.Errorf("attribute %s", a.Key)
		}
	}
}
