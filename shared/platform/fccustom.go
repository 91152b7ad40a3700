package platform

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

	"millrace/shared/headers"
	"millrace/shared/task/outbound"
	"millrace/shared/trigger"
)

// portDefault is where a custom runtime of Function Compute listens unless it is told otherwise.
const portDefault = "9000"

// serveCustom serves in a custom runtime of Function Compute, as an HTTP server, until the platform stops the process.
func serveCustom(h Handler) error {
	port := portDefault
	for _, name := range []string{"FC_CUSTOM_LISTEN_PORT", "FC_SERVER_PORT"} {
		if v := os.Getenv(name); v != "" {
			port = v
		}
	}
	listener, err := outbound.Listen("tcp", "0.0.0.0:"+port) // the platform comes from outside
	if err != nil {
		return fmt.Errorf("custom runtime: %w", err)
	}
	// No limits of time: the platform keeps connections, and ends what takes too long by itself.
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

// shutdownTimeout is how long requests may take that are under way when the process is told to stop.
const shutdownTimeout = 30 * time.Second

// customRuntime answers the requests of the platform and those that it passes through.
type customRuntime struct {
	handler Handler
	out     io.Writer // the lines by which the platform tells whose the logs are
}

// ServeHTTP implements http.Handler.
func (c *customRuntime) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	storeCredentials(Credentials{r.Header.Get("X-Fc-Access-Key-Id"), r.Header.Get("X-Fc-Access-Key-Secret"), r.Header.Get("X-Fc-Security-Token")})
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
		// The handler has been opened, or says of each event why it cannot be; there is nothing to stop.
		c.withLogLines(lifeCycle[path], id, func() error { w.Header().Set(statusHeader, "200"); return nil })
	default:
		c.withLogLines("Invoke", id, func() error { return c.forward(w, r) })
	}
}

var lifeCycle = map[string]string{"/initialize": "Initialize", "/pre-stop": "PreStop", "/pre-freeze": "PreFreeze"}

// controlPath tells what a request is. The platform says it in a header that no client can send; a client's own path may
// be any. Where there is no platform, as in a test on one's own machine, the path counts.
func controlPath(r *http.Request) string {
	if path := r.Header.Get("X-Fc-Control-Path"); path != "" {
		return path
	}
	if r.URL.Path == "/invoke" && r.Method != http.MethodPost {
		return ""
	}
	return r.URL.Path
}

// withTimeout is the context of a request: it ends when the platform ends the invocation.
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

// withLogLines writes the lines around a call.
func (c *customRuntime) withLogLines(what, id string, call func() error) {
	fmt.Fprintf(c.out, "FC %s Start RequestId: %s\n", what, id)
	suffix := ""
	if err := call(); err != nil {
		slog.Error("function error", "requestId", id, "err", err)
		suffix = ", Error: Unhandled function error"
	}
	fmt.Fprintf(c.out, "FC %s End RequestId: %s%s\n", what, id, suffix)
}

// statusHeader tells the platform how an invocation ended: 200, or 404 for an error.
const statusHeader = "X-Fc-Status"

// invoke hands an event to the handler.
func (c *customRuntime) invoke(w http.ResponseWriter, r *http.Request) error {
	event, err := io.ReadAll(io.LimitReader(r.Body, trigger.EventMax+1))
	var answer []byte
	if err == nil {
		answer, err = c.handler(r.Context(), event)
	}
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		text, _ := json.Marshal(map[string]string{"errorMessage": err.Error(), "errorType": errorType})
		w.Header().Set(statusHeader, "404")
		w.WriteHeader(http.StatusNotFound)
		w.Write(text)
		return err
	}
	w.Header().Set(statusHeader, "200")
	w.Write(answer)
	return nil
}

// forward hands a client's request to the handler, which takes it from the context if it serves HTTP.
func (c *customRuntime) forward(w http.ResponseWriter, r *http.Request) error {
	for name := range r.Header {
		if len(name) > 5 && name[:5] == "X-Fc-" && name != "X-Fc-Request-Id" {
			delete(r.Header, name) // the platform's own, credentials among them
		}
	}
	d := &directRequest{request: r, writer: w}
	_, err := c.handler(context.WithValue(r.Context(), directKey{}, d), nil)
	switch {
	case d.served:
		return nil
	case err == nil || errors.Is(err, trigger.ErrKind):
		d.fail(http.StatusNotFound, "InvalidRequest", "This function takes no HTTP requests.")
	default:
		d.fail(http.StatusInternalServerError, "InternalServerError", "The function cannot work; its log has the cause.")
	}
	return err
}

// directRequest is a request that came as such, not as an event.
type directRequest struct {
	request *http.Request
	writer  http.ResponseWriter
	served  bool
}

type directKey struct{}

// directOf gives the request that a call of a handler is about; nil when it is about an event.
func directOf(ctx context.Context) *directRequest {
	d, _ := ctx.Value(directKey{}).(*directRequest)
	return d
}

// serve lets h answer. As from an event, the answer is sent when h returns.
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
