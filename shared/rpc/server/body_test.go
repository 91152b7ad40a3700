package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/inflight"
	"millrace/shared/rpc/server"
)

// pipes is a listener with connections in memory, as synctest needs them.
type pipes struct{ accepted chan net.Conn }

func (p *pipes) Accept() (net.Conn, error) {
	c, ok := <-p.accepted
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p *pipes) Close() error   { return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestSlowBodies checks that a body must arrive at a minimum rate, and that bytes sent early do not
// pay for a long pause.
func TestSlowBodies(t *testing.T) {
	const kilobyte = 1 << 10
	for name, c := range map[string]struct {
		length int
		send   func(write func(n int) bool) // sends n bytes; false if the connection is closed
		served bool
		within time.Duration
	}{
		"at once": {100 * kilobyte, func(write func(int) bool) {
			write(100 * kilobyte)
		}, true, time.Second},
		"nothing": {100, func(write func(int) bool) {
			time.Sleep(time.Hour)
		}, false, 3 * time.Second},
		"a byte a second": {100, func(write func(int) bool) {
			sends(write, 1, time.Second, 100)
		}, false, 4 * time.Second},
		"slow enough": {60 * kilobyte, func(write func(int) bool) {
			sends(write, kilobyte, time.Second, 60)
		}, true, 61 * time.Second},
		"a pause": {200 * kilobyte, func(write func(int) bool) {
			write(100 * kilobyte)
			time.Sleep(8 * time.Second)
			write(100 * kilobyte)
		}, true, 10 * time.Second},
		"all but the last byte": {500 * kilobyte, func(write func(int) bool) {
			write(500*kilobyte - 1)
			time.Sleep(time.Hour)
		}, false, 12 * time.Second},
		"fast, then a byte now and then": {500 * kilobyte, func(write func(int) bool) {
			write(400 * kilobyte)
			sends(write, 1, 5*time.Second, 1000)
		}, false, 12 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &pipes{make(chan net.Conn)}
				s := server.New("", server.NewHandler(server.Options{API: &fakeAPI{}}))
				s.Connections = 10
				go s.Serve(l)
				defer s.Close()
				defer close(l.accepted)
				near, far := net.Pipe()
				l.accepted <- far
				began, responded := time.Now(), make(chan time.Duration, 1)
				var status string
				go func() {
					text, _ := io.ReadAll(near)
					status = string(text[:min(12, len(text))])
					responded <- time.Since(began)
				}()
				fmt.Fprintf(near,
					"POST /?Action=ListFlows&Version=2019-03-15 HTTP/1.1\r\n"+
						"Host: h\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", c.length)
				c.send(func(n int) bool {
					_, err := io.WriteString(near, strings.Repeat("a", n))
					return err == nil
				})
				took := <-responded
				if c.served != (status == "HTTP/1.1 200") || took > c.within {
					t.Errorf("%q after %v", status, took)
				}
				near.Close()
			})
		})
	}
}

// sends writes n bytes repeatedly.
func sends(write func(int) bool, n int, pause time.Duration, times int) {
	for range times {
		if !write(n) {
			return
		}
		time.Sleep(pause)
	}
}

// TestBytesOfRequestsAreBounded checks that a request is rejected when the memory for requests is
// used up, and that the memory is released.
func TestBytesOfRequestsAreBounded(t *testing.T) {
	begun, over := make(chan struct{}), make(chan struct{})
	api := &fakeAPI{wait: func(context.Context) { begun <- struct{}{}; <-over }}
	budget := inflight.New(256 << 10)
	h := server.NewHandler(server.Options{API: api, Bytes: budget})
	large := func() *http.Request {
		return post(open("StartExecution", "FlowName", "f", "Input", strings.Repeat("x", 100<<10)))
	}
	small := func() *http.Request {
		return post(open("StartExecution", "FlowName", "f", "Input", "{}"))
	}
	done := make(chan int, 10)
	for range 2 {
		go func() { done <- record(h, large()).Code }()
		<-begun
	}
	wantFault(t, record(h, large()), 503, "ServiceUnavailable",
		"The server holds as many bytes of requests as its memory allows. Please try again later.")
	go func() { done <- record(h, small()).Code }()
	<-begun
	close(over)
	for range 3 {
		if code := <-done; code != 200 {
			t.Errorf("one that was there is answered %d", code)
		}
	}
	if budget.Held() != 0 || budget.Rejected() == 0 {
		t.Errorf("%d bytes are held, %d were refused", budget.Held(), budget.Rejected())
	}
	go func() { <-begun }()
	wantResponse(t, record(h, large()))
}

// TestUnfinishedRequestsAreEvicted checks that the bytes of incomplete requests do not keep out a
// complete one.
func TestUnfinishedRequestsAreEvicted(t *testing.T) {
	budget := inflight.New(256 << 10)
	s := server.New("", server.NewHandler(server.Options{API: &fakeAPI{}, Bytes: budget}))
	s.Connections, s.Bytes = 100, budget
	address := serveOn(t, s)
	dial := func(text string) net.Conn { return dial(t, address, text) }
	for range 10 {
		dial("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" +
			strings.Repeat("a", 60<<10))
		dial("GET /?a=" + strings.Repeat("a", 60<<10))
	}
	deadline := time.Now().Add(30 * time.Second)
	for ; budget.Held() < 128<<10; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are held", budget.Held())
		}
	}
	time.Sleep(1100 * time.Millisecond) // longer than holdingMin
	body := "Action=ListFlows&Version=2019-03-15&x=" + strings.Repeat("a", 60<<10)
	request := fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s",
		len(body), body)
	served := false
	for range 20 {
		if r, _ := exchange(t, dial(request), ""); r.StatusCode == 200 {
			served = true
			break
		}
	}
	if !served {
		t.Error("a whole request is not served beside unfinished ones")
	}
}

// TestManySmallHeaders checks that headers are charged more than their bytes: a megabyte of the
// shortest headers takes many times that.
func TestManySmallHeaders(t *testing.T) {
	s := server.New("", server.NewHandler(server.Options{API: &fakeAPI{}}))
	s.Connections = 10
	address := serveOn(t, s)
	c := dial(t, address, "")
	var text strings.Builder
	text.WriteString("GET /?Action=ListFlows&Version=2019-03-15 HTTP/1.1\r\nHost: x\r\n")
	for i := range 100_000 {
		fmt.Fprintf(&text, "%x:\r\n", i)
	}
	text.WriteString("\r\n")
	go io.WriteString(c, text.String())
	if r, body := exchange(t, c, ""); r.StatusCode != 431 ||
		!strings.Contains(body, "EntityTooLarge") {
		t.Errorf("%d %s", r.StatusCode, body)
	}
}

// TestResponsesArePrivate checks that no cache keeps a response and no browser guesses its type.
func TestResponsesArePrivate(t *testing.T) {
	h := server.NewHandler(server.Options{API: &fakeAPI{}})
	check := func(what string, header http.Header) {
		if header.Get("X-Content-Type-Options") != "nosniff" ||
			header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", what, header)
		}
	}
	for name, r := range map[string]*http.Request{
		"an answer": get(open("ListFlows")), "a fault": get(open("Nothing")),
		"another path": raw("GET", "/x", "", ""), "another method": raw("PUT", "/", "", ""),
		"health": raw("GET", "/healthz", "", ""),
	} {
		check(name, record(h, r).Header())
	}
	r, _ := exchange(t, dial(t, listen(t, h), ""), "GET /\r\n\r\n")
	check("no HTTP", r.Header)
}
