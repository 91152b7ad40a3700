package platform

import (
	"context"
	"io"
	"net/http"
	"time"
)

// NewRuntimeTransport is what stands between the SDK and a runtime API.
func NewRuntimeTransport(api string, next http.RoundTripper) http.RoundTripper {
	return &runtimeTransport{api: api, next: next}
}

// RepairHeaders makes the headers of an event readable for the SDK.
func RepairHeaders(h http.Header, now time.Time) { repairHeaders(h, now) }

// NewCustom is what answers in a custom runtime, with the lines that it prints going to out.
func NewCustom(h Handler, out io.Writer) http.Handler { return &customRuntime{handler: h, out: out} }

// NewLambda is what the runtime API of Lambda hands events to.
func NewLambda(h Handler) interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
} {
	return lambdaHandler(h)
}
