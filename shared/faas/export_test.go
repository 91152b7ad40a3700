package faas

import (
	"context"
	"io"
	"net/http"
	"time"
)

// NewRuntimeTransport returns the transport between the SDK and a runtime API.
func NewRuntimeTransport(api string, next http.RoundTripper) http.RoundTripper {
	return &runtimeTransport{api: api, next: next}
}

// RepairHeaders exports repairHeaders.
func RepairHeaders(h http.Header, now time.Time) { repairHeaders(h, now) }

// NewCustom returns the server of a custom runtime. It prints its log lines to out.
func NewCustom(h Handler, out io.Writer) http.Handler {
	return &customRuntime{handler: h, out: out}
}

// NewLambda returns the handler that gets events from the runtime API of Lambda.
func NewLambda(h Handler) interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
} {
	return lambdaHandler(h)
}
