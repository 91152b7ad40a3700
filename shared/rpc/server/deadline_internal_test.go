package server

import (
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestDeadline checks that a waiting call has the deadline that was wanted last, and never a later
// one.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d deadline
		var set []time.Time
		note := func(t time.Time) error { set = append(set, t); return nil }
		after := func(s time.Duration) time.Time { return time.Now().Add(s * time.Second) }
		want := func(what string, n int, last time.Time) {
			t.Helper()
			if len(set) != n || n > 0 && !set[n-1].Equal(last) {
				t.Errorf("%s: %v, want %d with %v at the end", what, set, n, last)
			}
		}
		d.move(after(5), note)
		d.move(after(9), note)
		want("moved while nothing waits", 0, time.Time{})
		d.begin(note)
		want("something waits", 1, after(9))
		d.move(after(3), note)
		want("moved while it waits", 2, after(3))
		d.end()
		d.begin(note)
		d.end()
		want("the same again", 2, after(3))
		d.move(time.Time{}, note)
		d.begin(note)
		d.end()
		want("none", 3, time.Time{})

		d.beginWithin(30*time.Second, note)
		d.end()
		first := after(30)
		want("within", 4, first)
		time.Sleep(14 * time.Second)
		d.beginWithin(30*time.Second, note)
		d.end()
		want("within, with more than half left", 4, first)
		time.Sleep(2 * time.Second)
		d.beginWithin(30*time.Second, note)
		d.end()
		want("within, with less than half left", 5, after(30))
		d.move(after(20), note)
		d.beginWithin(30*time.Second, note)
		d.end()
		want("within, but no longer than wanted", 6, after(20))
		d.move(time.Time{}, note)
		d.beginWithin(time.Second, note)
		d.end()
		want("within less than what is set", 7, after(1))
	})
}

// countingListener counts how often the deadlines of its connections' sockets are set.
type countingListener struct {
	net.Listener
	moves atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return countingConn{c, &l.moves}, err
}

type countingConn struct {
	net.Conn
	moves *atomic.Int64
}

func (c countingConn) SetReadDeadline(t time.Time) error {
	c.moves.Add(1)
	return c.Conn.SetReadDeadline(t)
}

func (c countingConn) SetWriteDeadline(t time.Time) error {
	c.moves.Add(1)
	return c.Conn.SetWriteDeadline(t)
}

// TestFewDeadlines checks that a request that arrives at once sets the deadlines of its socket at
// most three times, although net/http and this package move them ten times.
func TestFewDeadlines(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &countingListener{Listener: tcp}
	s := New("", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("ok"))
	}))
	s.Connections = 10
	go s.Serve(l)
	defer s.Close()
	const requests = 50
	for range requests {
		r, err := http.Post("http://"+tcp.Addr().String(), "text/plain", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	if n := l.moves.Load(); n < requests || n > 3*requests+3 {
		t.Errorf("%d requests moved deadlines %d times", requests, n)
	}
}
