package functiontask

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/task"
)

// lateListener accepts connections whose end the server learns late.
type lateListener struct {
	net.Listener
	ended chan struct{} // receives one value for each connection that ends
}

func (l *lateListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	written := make(chan struct{})
	return &lateConn{TCPConn: conn.(*net.TCPConn), ended: l.ended, written: written,
		wrote: sync.OnceFunc(func() { close(written) })}, nil
}

// lateConn hides the end of the peer's data until something has been written.
type lateConn struct {
	*net.TCPConn
	ended, written chan struct{}
	wrote          func()
}

func (c *lateConn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if err == io.EOF {
		c.ended <- struct{}{}
		<-c.written
	}
	return n, err
}

func (c *lateConn) Write(b []byte) (int, error) {
	defer c.wrote()
	return c.TCPConn.Write(b)
}

// runtimeHarness serves a runtime API to this process.
type runtimeHarness struct {
	t       *testing.T
	w       *worker
	address string
	ended   chan struct{}
}

func newRuntime(t *testing.T) *runtimeHarness {
	l, err := listen()
	if err != nil {
		t.Fatal(err)
	}
	a := &runtimeHarness{t: t, address: l.Addr().String(), ended: make(chan struct{}, 10)}
	a.w = &worker{name: "f", offer: make(chan *handoff), polling: make(chan struct{}, 1),
		limit:  1 << 20,
		exited: make(chan struct{}), log: func(string) {}}
	server := a.w.newServer(a.address)
	late := &lateListener{l, a.ended}
	go server.Serve(newPeerListener(late, &peers{tables: &tables{absent: true}}, a.w.log))
	t.Cleanup(func() { server.Close(); close(a.w.exited) })
	return a
}

// invoke calls the process with an event.
func (a *runtimeHarness) invoke(event string) <-chan invocationResult {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	a.t.Cleanup(cancel)
	over := make(chan invocationResult, 1)
	in := newInvocation(ctx,
		&invokeRequest{target: &task.Function{Name: "f"}, event: []byte(event)}, "id", "")
	go func() { over <- a.w.invoke(ctx, in) }()
	return over
}

// send makes a request on its own connection.
func (a *runtimeHarness) send(method, path, body string) net.Conn {
	a.t.Helper()
	conn, err := net.Dial("tcp4", a.address)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	r, err := http.NewRequest(method, "http://"+a.address+"/2018-06-01/runtime/invocation/"+path,
		strings.NewReader(body))
	if err == nil {
		err = r.Write(conn)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return conn
}

// read returns the body of a response.
func (a *runtimeHarness) read(conn net.Conn) string {
	a.t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		a.t.Fatal("no answer: ", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(body)
}

// respond sends the event's result, and checks that the call has received it.
func (a *runtimeHarness) respond(over <-chan invocationResult) {
	a.t.Helper()
	a.read(a.send(http.MethodPost, "id/response", "done"))
	if o := <-over; !o.responded || string(o.response.body) != "done" || o.failure != nil {
		a.t.Errorf("the call has come to %+v", o)
	}
}

// first reads the first byte of a response.
func (a *runtimeHarness) first(conn net.Conn) {
	a.t.Helper()
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		a.t.Fatal(err)
	}
}

// TestEventOfARequestThatWasGivenUp: if the process has closed the request for which an event was
// meant, before or during the write, the next request gets the event.
func TestEventOfARequestThatWasGivenUp(t *testing.T) {
	tests := map[string]func(*runtimeHarness, net.Conn, string) <-chan invocationResult{
		"before it was written": func(a *runtimeHarness, conn net.Conn,
			event string) <-chan invocationResult {
			conn.Close()
			<-a.ended
			return a.invoke(event)
		},
		"before it was read to its end": func(a *runtimeHarness, conn net.Conn,
			event string) <-chan invocationResult {
			over := a.invoke(event)
			a.first(conn)
			conn.Close()
			return over
		},
	}
	for what, giveUp := range tests {
		for size, event := range map[string]string{
			"small": "event", "large": strings.Repeat("x", 32<<20),
		} {
			t.Run(what+" "+size, func(t *testing.T) {
				a := newRuntime(t)
				over := giveUp(a, a.send(http.MethodGet, "next", ""), event)
				if got := a.read(a.send(http.MethodGet, "next", "")); got != event {
					t.Errorf("got %d bytes of %d", len(got), len(event))
				}
				a.respond(over)
			})
		}
	}
}

// TestEventThatWasRead: if a process has read an event and closes the connection, it keeps the
// event: no other request gets it.
func TestEventThatWasRead(t *testing.T) {
	a := newRuntime(t)
	conn := a.send(http.MethodGet, "next", "")
	over := a.invoke("event")
	if got := a.read(conn); got != "event" {
		t.Errorf("got %q", got)
	}
	conn.Close()
	<-a.ended
	again := a.send(http.MethodGet, "next", "")
	again.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := again.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Error("the event came again")
	}
	a.respond(over)
}

// TestConnectionThatBreaksAfterItsEvent: a process that has sent something after its event has read
// the event, even if it then resets the connection.
func TestConnectionThatBreaksAfterItsEvent(t *testing.T) {
	a := newRuntime(t)
	conn := a.send(http.MethodGet, "next", "")
	over := a.invoke("event")
	a.read(conn)
	io.WriteString(conn, "POST ")
	conn.(*net.TCPConn).SetLinger(0) // makes Close reset the connection
	conn.Close()
	again := a.send(http.MethodGet, "next", "")
	again.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := again.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Error("the event came again")
	}
	a.respond(over)
}
