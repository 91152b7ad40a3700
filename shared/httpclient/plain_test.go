package httpclient_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/shared/httpclient"
)

// post sends a small body, so that plain makes the exchange.
func post(ctx context.Context, c *http.Client, url string) (body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(`{"a":1}`))
	if err != nil {
		return "", err
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	text, err := httpclient.ReadAll(resp)
	return fmt.Sprint(resp.StatusCode, " ", string(text)), err
}

// scripted starts a server that sends the n-th text for the n-th request of a connection, and
// closes the connection after the last.
func scripted(t testing.TB, responses ...string) (url string, connections *atomic.Int64) {
	t.Helper()
	return settling(t, nil, responses...)
}

// settling is scripted, but signals on settled when it has finished its work for a request. settled
// may be nil.
func settling(
	t testing.TB, settled chan<- struct{}, responses ...string,
) (url string, connections *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	connections = new(atomic.Int64)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			go func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for i, response := range responses {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					io.Copy(io.Discard, r.Body)
					io.WriteString(conn, response)
					if i == len(responses)-1 {
						conn.Close()
					}
					if settled != nil {
						settled <- struct{}{}
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String(), connections
}

func TestPlainAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	c := newClient(t, httpclient.Options{AllowLoopback: true, MaxResponse: 1000})
	tests := map[string]struct{ response, want, err string }{
		"length": {ok, "200 ok", ""},
		"chunks": {
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "200 ok",
			"",
		},
		"until closed": {"HTTP/1.0 200 OK\r\n\r\nok", "200 ok", ""},
		"no body":      {"HTTP/1.1 204 No Content\r\n\r\n", "204 ", ""},
		"informed": {
			"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + ok,
			"200 ok", "",
		},
		"informed ever": {strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 9), "", "1xx again"},
		"nothing":       {"", "", "without a response"},
		"half a head":   {"HTTP/1.1 200 OK\r\nConte", "", "malformed MIME header"},
		"half a body":   {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "", "unexpected EOF"},
		"garbage":       {"garbage\r\n\r\n", "", "malformed HTTP"},
		"head too long": {
			"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 70<<10) + "\r\n\r\n", "",
			"headers of the response are too large",
		},
		"body too long": {
			"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + strings.Repeat("x", 1001), "",
			"too large",
		},
		"no end": {"HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 1001), "", "too large"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			url, _ := scripted(t, test.response)
			got, err := post(t.Context(), c, url)
			if test.err != "" {
				if err == nil || !strings.Contains(httpclient.Reason(err), test.err) {
					t.Errorf("%q, %v; want an error with %q", got, err, test.err)
				}
			} else if err != nil || got != test.want {
				t.Errorf("%q, %v; want %q", got, err, test.want)
			}
		})
	}
}

// TestPlainConnectionsAreUsedAgain: when a connection may be reused and when it must not.
func TestPlainConnectionsAreUsedAgain(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	tests := map[string]struct {
		responses []string
		want      int64 // connections for three requests
	}{
		"again":              {[]string{ok, ok, ok}, 1},
		"closed by the peer": {[]string{ok}, 3},
		"asked to close": {
			[]string{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", ok, ok},
			3,
		},
		"more than an answer": {
			[]string{ok + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", ok, ok}, 3,
		},
		"no bodies": {
			[]string{"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", ok}, 1,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, httpclient.Options{AllowLoopback: true})
			settled := make(chan struct{}, 1)
			url, connections := settling(t, settled, test.responses...)
			for range 3 {
				got, err := post(t.Context(), c, url)
				if err != nil || got != "200 ok" && got != "204 " {
					t.Fatalf("%q, %v", got, err)
				}
				<-settled
				// Wait for the peer's close or surplus data to arrive.
				time.Sleep(20 * time.Millisecond)
			}
			if n := connections.Load(); n != test.want {
				t.Errorf("%d connections, want %d", n, test.want)
			}
		})
	}
}

func TestPlainUnreadBodyIsNoNextAnswer(t *testing.T) {
	c := newClient(t, httpclient.Options{AllowLoopback: true})
	url, connections := scripted(t, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	resp, err := c.Post(url, "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got, err := post(t.Context(), c, url); err != nil || got != "200 evil" ||
		connections.Load() != 2 {
		t.Errorf("%q, %v, %d connections", got, err, connections.Load())
	}
}

// TestPlainEndsWithItsContext cancels before and during the response. The service sees the
// connection closed.
func TestPlainEndsWithItsContext(t *testing.T) {
	for _, within := range []bool{false, true} {
		t.Run(fmt.Sprintf("within the answer: %t", within), func(t *testing.T) {
			began, left := make(chan struct{}), make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(
				w http.ResponseWriter, r *http.Request,
			) {
				io.Copy(io.Discard, r.Body)
				if within {
					io.WriteString(w, "half")
					w.(http.Flusher).Flush()
				}
				close(began)
				<-r.Context().Done()
				close(left)
			}))
			defer server.Close()
			c := newClient(t, httpclient.Options{AllowLoopback: true})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				<-began
				cancel()
			}()
			if _, err := post(ctx, c, server.URL); !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
			<-left
		})
	}
}

// TestPlainDoesNotBeginWhenItsTimeIsOver: no request is made if its context has already ended.
func TestPlainDoesNotBeginWhenItsTimeIsOver(t *testing.T) {
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
	}))
	defer server.Close()
	c := newClient(t, httpclient.Options{AllowLoopback: true})
	for range 20 {
		// Leaves an idle connection for the next request.
		if _, err := post(t.Context(), c, server.URL); err != nil {
			t.Fatal(err)
		}
		over, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := post(over, c, server.URL); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
	server.Close() // returns when all requests that arrived have been counted
	if n := requests.Load(); n != 20 {
		t.Errorf("%d requests, want 20", n)
	}
}

// TestRequestsThatMayBeSentAgain: if the service closes an idle connection when a request arrives,
// the client repeats the request if it says that it may be repeated.
func TestRequestsThatMayBeSentAgain(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	for name, test := range map[string]struct{ method, header string }{
		"a GET with a body":           {http.MethodGet, "X-Other"},
		"a POST with Idempotency-Key": {http.MethodPost, "Idempotency-Key"},
		"another name for it":         {http.MethodPost, "X-Idempotency-Key"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, httpclient.Options{AllowLoopback: true})
			url, _ := scripted(t, ok, "") // the second request of a connection gets no response
			for range 2 {
				req, err := http.NewRequestWithContext(t.Context(), test.method, url,
					strings.NewReader("x"))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set(test.header, "1")
				resp, err := c.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := httpclient.ReadAll(resp); string(got) != "ok" || err != nil {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
}

// TestPlainManyAtOnce has many callers share the connections; run it with -race.
func TestPlainManyAtOnce(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("X-Number"))
	}))
	defer server.Close()
	c := newClient(t, httpclient.Options{AllowLoopback: true})
	var all sync.WaitGroup
	for n := range 16 {
		all.Go(func() {
			for turn := range 50 {
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL,
					strings.NewReader("x"))
				want := fmt.Sprint(n, "-", turn)
				req.Header.Set("X-Number", want)
				resp, err := c.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := httpclient.ReadAll(resp); string(got) != want || err != nil {
					t.Errorf("%s, %v; want %s", got, err, want)
				}
				if turn == 25 && n == 0 {
					c.CloseIdleConnections()
				}
			}
		})
	}
	all.Wait()
}

// FuzzPlainAnswer: any data from a service yields a response or an error, no panic.
func FuzzPlainAnswer(f *testing.F) {
	for _, s := range []string{"", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nmore",
		"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/9.9 -1 x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
		"HTTP/1.1 307 Temporary Redirect\r\nLocation: /x\r\n\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, response string) {
		c := newClient(t, httpclient.Options{AllowLoopback: true, MaxResponse: 1000})
		url, _ := scripted(t, response)
		if got, err := post(t.Context(), c, url); err == nil && len(got) > 1100 {
			t.Errorf("%d bytes", len(got))
		}
	})
}
