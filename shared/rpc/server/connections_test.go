package server_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"millrace/shared/rpc/server"
)

// TestConnections checks that new connections evict idle ones, and that a connection with a request
// being served is not evicted.
func TestConnections(t *testing.T) {
	begun, over := make(chan struct{}), make(chan struct{})
	s := server.New("", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			begun <- struct{}{}
			<-over
		}
		fmt.Fprint(w, "done")
	}))
	s.Connections = 3
	address := serveOn(t, s)
	dial := func(text string) net.Conn { return dial(t, address, text) }
	closed := func(c net.Conn) bool {
		_, err := c.Read(make([]byte, 1))
		return err == io.EOF || err != nil && !isTimeout(err)
	}
	get := func() error {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		r, err := client.Get("http://" + address)
		if err == nil {
			r.Body.Close()
		}
		return err
	}
	slow := "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
	first := dial(slow)
	<-begun
	silent, dripping := dial(""), dial("GET / HT")
	if err := get(); err != nil {
		t.Error(err)
	}
	if !closed(silent) {
		t.Error("the one that has waited longest is not cut off")
	}
	for range 20 { // each new connection evicts an idle one
		dial("")
		if err := get(); err != nil {
			t.Error(err)
		}
	}
	if !closed(dripping) {
		t.Error("who sends no headers is not cut off")
	}
	dial(slow)
	<-begun
	dial(slow)
	<-begun
	if r, body := exchange(t, dial(slow), ""); r.StatusCode != 503 || !r.Close ||
		!strings.Contains(body, `"Code":"ServiceUnavailable"`) {
		t.Errorf("a fourth is answered %d %s", r.StatusCode, body)
	}
	for range 2 * 16 { // more than sparePlaces
		dial("GET / HT")
	}
	if r, body := exchange(t, dial("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
		""); r.StatusCode != 200 || !r.Close {
		t.Errorf("who watches the process is answered %d %s", r.StatusCode, body)
	}
	close(over)
	response := make([]byte, 15)
	if _, err := io.ReadFull(first, response); err != nil || string(response) != "HTTP/1.1 200 OK" {
		t.Errorf("who was served is cut off: %q %v", response, err)
	}
	// The first connection is idle now, so it can be evicted.
	if err := get(); err != nil {
		t.Error(err)
	}
}

// TestSlowBodiesAreEvicted checks that a connection is idle until its whole request has arrived, so
// that slow bodies do not keep others out, and that the peer with the most idle connections loses
// one.
func TestSlowBodiesAreEvicted(t *testing.T) {
	s := server.New("", server.NewHandler(server.Options{API: &fakeAPI{}}))
	s.Connections = 8
	address := serveOn(t, s)
	dial := func(from, text string) net.Conn {
		t.Helper()
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).Dial("tcp",
			address)
		if err != nil {
			t.Skip(err) // only one loopback address here
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(time.Minute))
		io.WriteString(c, text)
		return c
	}
	const list = "GET /?Action=ListFlows&Version=2019-03-15 HTTP/1.1\r\nHost: x\r\n\r\n"
	quiet := dial("127.0.0.3", "")
	if r, body := exchange(t, quiet, list); r.StatusCode != 200 {
		t.Fatalf("%d %s", r.StatusCode, body)
	}
	const slow = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nAction="
	for range 30 {
		dial("127.0.0.2", slow)
	}
	for range 10 {
		if r, body := exchange(t, dial("127.0.0.1", list), ""); r.StatusCode != 200 {
			t.Errorf("beside slow bodies: %d %s", r.StatusCode, body)
		}
		dial("127.0.0.2", slow)
	}
	if r, body := exchange(t, quiet, list); r.StatusCode != 200 {
		t.Errorf("a client with one connection lost it to one with many: %d %s", r.StatusCode, body)
	}
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}
