package rpc_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"millrace/shared/rpc"
)

// TestConnections: who says nothing makes room for newcomers, who is being served does not.
func TestConnections(t *testing.T) {
	begun, over := make(chan struct{}), make(chan struct{})
	s := rpc.NewServer("", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			begun <- struct{}{}
			<-over
		}
		fmt.Fprint(w, "done")
	}))
	s.Connections = 3
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	defer s.Close()
	dial := func(text string) net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(time.Minute))
		io.WriteString(c, text)
		return c
	}
	closed := func(c net.Conn) bool {
		_, err := c.Read(make([]byte, 1))
		return err == io.EOF || err != nil && !isTimeout(err)
	}
	get := func() error {
		r, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + l.Addr().String())
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
	for range 20 { // one after the other takes the place of one that says nothing
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
	if !closed(dial(slow)) {
		t.Error("there is room for a fourth that is served")
	}
	close(over)
	answer := make([]byte, 15)
	if _, err := io.ReadFull(first, answer); err != nil || string(answer) != "HTTP/1.1 200 OK" {
		t.Errorf("who was served is cut off: %q %v", answer, err)
	}
	// It waits now, as the others do: there is room again.
	if err := get(); err != nil {
		t.Error(err)
	}
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}
