package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"millrace/shared/rpc/server"
)

func TestHealth(t *testing.T) {
	o := server.Options{API: &fakeAPI{}, Credentials: credentials(t, "testsecret", "")}
	if w := serve(o, raw("GET", "/healthz", "", "")); w.Code != 200 || w.Body.String() != "ok\n" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

// listen serves h with the server of the product and returns its address.
func listen(t testing.TB, h http.Handler) string {
	t.Helper()
	return serveOn(t, server.New("", h))
}

// serveOn serves on a port of 127.0.0.1 until the test ends, and returns its address.
func serveOn(t testing.TB, s *server.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

// dial connects to an address and sends a text. The connection is closed when the test ends, and
// broken after a minute.
func dial(t testing.TB, address, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(c, text)
	return c
}

// exchange sends raw bytes and reads one response.
func exchange(t testing.TB, c net.Conn, text string) (*http.Response, string) {
	t.Helper()
	c.SetDeadline(time.Now().Add(time.Minute))
	if text != "" {
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(body)
}

// TestServerOverAConnection checks that one connection serves several requests, with chunked bodies
// and rejected requests among them.
func TestServerOverAConnection(t *testing.T) {
	c, err := net.Dial("tcp", listen(t, server.NewHandler(server.Options{API: &fakeAPI{}})))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const form = "Host: h\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	const body = "Action=StartExecution&Version=2019-03-15&FlowName=f"
	for _, x := range []struct {
		request string
		status  int
	}{
		{fmt.Sprintf("POST / HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s", form, len(body), body),
			200},
		{fmt.Sprintf("POST / HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
			form, len(body), body), 200},
		{"GET /?Action=ListFlows&Version=2019-03-15 HTTP/1.1\r\nHost: h\r\n\r\n", 200},
		{"GET http://h?Action=ListFlows&Version=2019-03-15 HTTP/1.1\r\nHost: h\r\n\r\n", 200},
		{"GET /favicon.ico HTTP/1.1\r\nHost: h\r\n\r\n", 404},
		{"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 200}, // net/http responds
		{"GET /?Action=ListFlows&Version=2019-03-15 HTTP/1.1\r\nHost: h\r\n\r\n", 200},
	} {
		r, text := exchange(t, c, x.request)
		if r.StatusCode != x.status {
			t.Errorf("%.60q gives %d %s", x.request, r.StatusCode, text)
		}
	}
}

// TestBodyThatBreaksOff checks that a body that ends early gets a response.
func TestBodyThatBreaksOff(t *testing.T) {
	c, err := net.Dial("tcp", listen(t, server.NewHandler(server.Options{API: &fakeAPI{}})))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nAction=ListFlows")
	c.(*net.TCPConn).CloseWrite()
	r, text := exchange(t, c, "")
	if r.StatusCode != 400 ||
		!strings.Contains(text, "The request body cannot be read to its end.") {
		t.Errorf("%d %s", r.StatusCode, text)
	}
}

// TestLongPollSeesItsClientGo checks that the deadline of a body does not end a long poll, and that
// the service notices when the client has gone.
func TestLongPollSeesItsClientGo(t *testing.T) {
	started, gone := make(chan struct{}), make(chan struct{})
	api := &fakeAPI{wait: func(ctx context.Context) {
		close(started)
		<-ctx.Done()
		close(gone)
	}}
	c, err := net.Dial("tcp", listen(t, server.NewHandler(server.Options{API: api})))
	if err != nil {
		t.Fatal(err)
	}
	const body = "Action=StartSyncExecution&Version=2019-03-15&FlowName=f"
	fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	<-started
	c.Close()
	select {
	case <-gone:
	case <-time.After(time.Minute):
		t.Error("the service still waits")
	}
}

// TestMalformedHTTP checks that malformed HTTP gets a JSON response too, and that the response of a
// handler is not changed.
func TestMalformedHTTP(t *testing.T) {
	address := listen(t, server.NewHandler(server.Options{API: &fakeAPI{}}))
	for name, c := range map[string]struct {
		text, message, code string
		status              int
	}{
		"two lengths": {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n" +
			"Content-Length: 2\r\n\r\nab", "no valid HTTP", "InvalidArgument", 400},
		"negative length": {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
			"no valid HTTP", "InvalidArgument", 400},
		"no host": {"GET / HTTP/1.1\r\n\r\n", "missing required Host header",
			"InvalidArgument", 400},
		"half a line": {"GET /\r\n\r\n", "no valid HTTP", "InvalidArgument", 400},
		"transfer coding": {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \"x\r\n\r\n",
			"no valid HTTP", "InvalidArgument", 501},
		"another protocol": {"GET / HTTP/3.1\r\nHost: h\r\n\r\n",
			"unsupported protocol version", "InvalidArgument", 505},
		"large headers": {"GET / HTTP/1.1\r\nHost: h\r\nA: " + strings.Repeat("a", 2<<20) +
			"\r\n\r\n", "POST", "EntityTooLarge", 431},
	} {
		t.Run(name, func(t *testing.T) {
			c2, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer c2.Close()
			go io.WriteString(c2, c.text) // the response may arrive before everything is sent
			r, body := exchange(t, c2, "")
			var got struct{ RequestId, Code, Message string }
			if err := json.Unmarshal([]byte(body), &got); err != nil || r.StatusCode != c.status ||
				got.Code != c.code ||
				!strings.Contains(got.Message, c.message) || len(got.RequestId) != 36 ||
				r.Header.Get("Content-Type") != "application/json;charset=utf-8" {
				t.Errorf("%d %v %s, %v", r.StatusCode, r.Header, body, err)
			}
		})
	}
	const text = "400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n" +
		"Connection: close\r\n\r\n"
	address = listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		http.Error(w, text, http.StatusBadRequest)
	}))
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if r, body := exchange(t, c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); r.StatusCode != 400 ||
		body != text+"\n" {
		t.Errorf("a handler's answer became %d %q", r.StatusCode, body)
	}
}

func TestServerLimits(t *testing.T) {
	s := server.New(":1", http.NotFoundHandler())
	if s.ReadHeaderTimeout <= 0 || s.IdleTimeout <= 0 || s.ReadTimeout != 0 ||
		s.WriteTimeout < 6*time.Minute || s.Addr != ":1" {
		t.Errorf("server is %+v", s)
	}
}
