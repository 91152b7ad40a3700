package faas

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/events"
	"millrace/shared/headers"
	"millrace/shared/httpclient"
)

// portDefault is the port of a custom runtime of Function Compute without a configured port.
const portDefault = "9000"

// serveCustom serves as an HTTP server in a custom runtime of Function Compute until the platform
// stops the process.
func serveCustom(h Handler) error {
	port := portDefault
	for _, name := range []string{"FC_CUSTOM_LISTEN_PORT", "FC_SERVER_PORT"} {
		if v := os.Getenv(name); v != "" {
			port = v
		}
	}
	listener, err := httpclient.Listen("tcp", "0.0.0.0:"+port) // the platform connects from outside
	if err != nil {
		return fmt.Errorf("custom runtime: %w", err)
	}
	// The server has no timeouts: the platform keeps connections open and ends slow requests
	// itself.
	server := &http.Server{Handler: &customRuntime{handler: h, out: os.Stdout}}
	stopped := make(chan error, 1)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stop
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		stopped <- server.Shutdown(ctx)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// shutdownTimeout is how long requests in flight may take after the stop signal.
const shutdownTimeout = 30 * time.Second

// customRuntime serves the requests of the platform and the client requests that it forwards.
type customRuntime struct {
	handler Handler
	out     io.Writer // the lines by which the platform assigns logs to requests
}

// ServeHTTP implements http.Handler.
func (c *customRuntime) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	storeCredentials(alibaba.Credentials{
		AccessKeyID:     r.Header.Get("X-Fc-Access-Key-Id"),
		AccessKeySecret: r.Header.Get("X-Fc-Access-Key-Secret"),
		SecurityToken:   r.Header.Get("X-Fc-Security-Token"),
	})
	id := r.Header.Get("X-Fc-Request-Id")
	ctx, cancel := withTimeout(r)
	defer cancel()
	ctx, end := activeInvocations.begin(ctx, id)
	defer end()
	r = r.WithContext(ctx)
	switch path := controlPath(r); path {
	case "/invoke":
		c.withLogLines("Invoke", id, func() error { return c.invoke(w, r) })
	case "/initialize", "/pre-stop", "/pre-freeze":
		// Run has opened the handler already, or each event reports why that failed. Nothing must
		// be stopped.
		c.withLogLines(lifeCycle[path], id, func() error {
			w.Header().Set(statusHeader, "200")
			return nil
		})
	default:
		c.withLogLines("Invoke", id, func() error { return c.forward(w, r) })
	}
}

var lifeCycle = map[string]string{
	"/initialize": "Initialize",
	"/pre-stop":   "PreStop",
	"/pre-freeze": "PreFreeze",
}

// controlPath returns the kind of a request. The platform sends it in a header that no client can
// send; the path of a client's request may be anything. Without a platform, as in a local test, the
// path counts.
func controlPath(r *http.Request) string {
	if path := r.Header.Get("X-Fc-Control-Path"); path != "" {
		return path
	}
	if r.URL.Path == "/invoke" && r.Method != http.MethodPost {
		return ""
	}
	return r.URL.Path
}

// withTimeout returns the context of a request, which ends when the platform ends the invocation.
func withTimeout(r *http.Request) (context.Context, context.CancelFunc) {
	name := "X-Fc-Function-Timeout"
	if controlPath(r) == "/initialize" {
		name = "X-Fc-Initialization-Timeout"
	}
	if n, err := strconv.Atoi(r.Header.Get(name)); err == nil && n > 0 && n <= 86400 {
		return context.WithTimeout(r.Context(), time.Duration(n)*time.Second)
	}
	return context.WithCancel(r.Context())
}

// withLogLines writes the platform's log lines before and after a call.
func (c *customRuntime) withLogLines(what, id string, call func() error) {
	fmt.Fprintf(c.out, "FC %s Start RequestId: %s\n", what, id)
	suffix := ""
	if err := call(); err != nil {
		slog.Error("function error", "requestId", id, "err", err)
		suffix = ", Error: Unhandled function error"
	}
	fmt.Fprintf(c.out, "FC %s End RequestId: %s%s\n", what, id, suffix)
}

// statusHeader reports to the platform how an invocation ended: 200, or 404 for an error.
const statusHeader = "X-Fc-Status"

// invoke passes an event to the handler.
func (c *customRuntime) invoke(w http.ResponseWriter, r *http.Request) error {
	event, err := io.ReadAll(io.LimitReader(r.Body, events.EventMax+1))
	var response []byte
	if err == nil {
		response, err = c.handler(r.Context(), event)
	}
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		text, _ := json.Marshal(map[string]string{
			"errorMessage": err.Error(),
			"errorType":    errorType,
		})
		w.Header().Set(statusHeader, "404")
		w.WriteHeader(http.StatusNotFound)
		w.Write(text)
		return err
	}
	w.Header().Set(statusHeader, "200")
	w.Write(response)
	return nil
}

// forward passes a client's request to the handler, which takes it from the context if it serves
// HTTP.
func (c *customRuntime) forward(w http.ResponseWriter, r *http.Request) error {
	for name := range r.Header {
		if len(name) > 5 && name[:5] == "X-Fc-" && name != "X-Fc-Request-Id" {
			delete(r.Header, name) // from the platform; may be credentials
		}
	}
	d := &directRequest{request: r, writer: w}
	_, err := c.handler(context.WithValue(r.Context(), directKey{}, d), nil)
	switch {
	case d.served:
		return nil
	case err == nil || errors.Is(err, events.ErrKind):
		d.fail(http.StatusNotFound, "InvalidRequest", "This function takes no HTTP requests.")
	default:
		d.fail(http.StatusInternalServerError, "InternalServerError",
			"The function cannot work; its log has the cause.")
	}
	return err
}

// directRequest is a request that came as HTTP, not as an event.
type directRequest struct {
	request *http.Request
	writer  http.ResponseWriter
	served  bool
}

type directKey struct{}

// directOf returns the HTTP request of a call of a handler; nil if the call is for an event.
func directOf(ctx context.Context) *directRequest {
	d, _ := ctx.Value(directKey{}).(*directRequest)
	return d
}

// serve lets h serve the request. As for an event, the response is sent when h returns.
func (d *directRequest) serve(h http.Handler) {
	d.served = true
	w := &responseWriter{header: http.Header{}}
	w.serve(h, d.request)
	w.WriteHeader(http.StatusOK)
	for name, values := range w.sentHeader {
		d.writer.Header()[name] = values
	}
	d.writer.WriteHeader(w.status)
	d.writer.Write(w.body.Bytes())
}

func (d *directRequest) fail(status int, code, message string) {
	text, _ := json.Marshal(map[string]string{"Code": code, "Message": message})
	head := d.writer.Header()
	headers.Private(head)
	head.Set("Content-Type", "application/json;charset=utf-8")
	d.writer.WriteHeader(status)
	d.writer.Write(text)
}
