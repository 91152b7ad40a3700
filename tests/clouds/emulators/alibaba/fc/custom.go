package fc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// custom drives a process that is an HTTP server.
type custom struct {
	port      int
	transport *http.Transport
}

func openCustom() (driver, error) {
	number, err := freePort()
	if err != nil {
		return nil, err
	}
	return &custom{port: number, transport: &http.Transport{MaxIdleConnsPerHost: 256}}, nil
}

func (c *custom) env() []string {
	port := strconv.Itoa(c.port)
	return []string{"FC_SERVER_PORT=" + port, "FC_CUSTOM_LISTEN_PORT=" + port}
}

func (c *custom) close() { c.transport.CloseIdleConnections() }

func (c *custom) address() string { return "127.0.0.1:" + strconv.Itoa(c.port) }

// start waits until the process listens, and initializes it.
func (c *custom) start(in *instance) error {
	for !in.dead() {
		if conn, err := net.Dial("tcp", c.address()); err == nil {
			conn.Close()
			break
		}
		time.Sleep(time.Millisecond)
	}
	if !in.f.Hooks || in.dead() {
		return nil
	}
	_, err := in.within(in.newInvocation(initializeKind, nil))
	return err
}

// controlPaths are the methods and paths, by kind of invocation.
var controlPaths = [...]struct{ method, path string }{
	{http.MethodPost, "/invoke"}, {http.MethodPost, "/initialize"}, {http.MethodGet, "/pre-stop"},
}

func (c *custom) call(in *instance, v *invocation) ([]byte, error) {
	control := controlPaths[v.kind]
	r, err := http.NewRequest(control.method, "http://"+c.address()+control.path,
		bytes.NewReader(v.event))
	if err != nil {
		return nil, err
	}
	r.Header = in.header(v)
	r.Header.Set("x-fc-control-path", control.path)
	r.Header.Set("Content-Type", "application/octet-stream")
	if v.kind == initializeKind {
		r.Header.Set("x-fc-initialization-timeout", r.Header.Get("x-fc-function-timeout"))
	}
	answer, err := c.transport.RoundTrip(r)
	if err != nil {
		return nil, c.broken(in, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return nil, c.broken(in, err)
	case answer.StatusCode/100 == 2 && answer.Header.Get("x-fc-status") != "404":
		return body, nil
	}
	return nil, &FunctionError{string(body)}
}

// broken returns the error of a call whose connection broke; ErrDied if the process has ended.
func (c *custom) broken(in *instance, err error) error {
	select {
	case <-in.died:
		return ErrDied
	case <-time.After(10 * time.Second): // the connection may break before the process has ended
		return fmt.Errorf("fc: %w", err)
	}
}

// headerMax is the maximum size of the headers that a client may send.
const headerMax = 8 << 10

// errHeader reports that a client sent more than headerMax, or a header that only the platform may
// send.
var errHeader = errors.New("InvalidArgument")

// forward passes a client's request to the process, nearly unchanged, and the response back.
func (c *custom) forward(in *instance, w http.ResponseWriter, r *http.Request, body []byte) error {
	v := in.newInvocation(eventKind, nil)
	ctx, cancel := context.WithDeadlineCause(r.Context(), v.deadline, ErrTimedOut)
	defer cancel()
	out, err := http.NewRequestWithContext(ctx, r.Method, "http://"+c.address()+r.URL.RequestURI(),
		bytes.NewReader(body))
	if err != nil {
		return err
	}
	out.Host = r.Host
	for name, values := range r.Header {
		if !strings.HasPrefix(name, "X-Fc-") && name != "Connection" && name != "Keep-Alive" {
			out.Header[name] = values
		}
	}
	for name, values := range in.header(v) {
		out.Header[name] = values
	}
	out.Header.Set("x-fc-control-path", "/http-invoke")
	answer, err := c.transport.RoundTrip(out)
	if errors.Is(context.Cause(ctx), ErrTimedOut) {
		in.kill()
		return ErrTimedOut
	}
	if err != nil {
		return c.broken(in, err)
	}
	defer answer.Body.Close()
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.Header().Set("x-fc-request-id", v.id)
	w.WriteHeader(answer.StatusCode)
	_, err = io.Copy(w, answer.Body)
	return err
}
