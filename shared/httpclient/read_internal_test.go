package httpclient

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/inflight"
	"millrace/shared/share"
	"millrace/shared/value"
)

// pools returns the pools of a process with so little memory that each pool holds one response of
// maximum size.
func pools(t *testing.T, whole bool) *inflight.Responses {
	t.Helper()
	of := inflight.NewResponses(64<<20, value.MemoryDefault+2*MaxResponseDefault, whole)
	t.Cleanup(func() { nothingHeld(t, of) })
	return of
}

// nothingHeld checks that all memory has been released: one account may take everything.
func nothingHeld(t *testing.T, of *inflight.Responses) {
	t.Helper()
	if r, d := used(of.Reading), used(of.Decoded); r != 0 || d != 0 {
		t.Errorf("%d bytes of answers on their way and %d of decoded ones are held for ever", r, d)
	}
}

// used returns how much all accounts hold of a pool.
func used(p *share.Pool) (n int64) {
	for _, u := range p.Usage() {
		n += u.Held
	}
	return n
}

// body is the body of a response. step returns one piece after the other until it returns an error
// or the body is closed.
type body struct {
	step   func(i int) (string, time.Duration, error)
	at     int
	rest   string
	closed chan struct{}
	once   sync.Once
}

func (b *body) Read(p []byte) (int, error) {
	for b.rest == "" {
		text, wait, err := b.step(b.at)
		b.at++
		select {
		case <-time.After(wait):
		case <-b.closed:
			return 0, errors.New("closed")
		}
		if err != nil {
			return 0, err
		}
		b.rest = text
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *body) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

// response returns a response whose body is produced by step.
func response(
	ctx context.Context, length int64, step func(i int) (string, time.Duration, error),
) *http.Response {
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://example.com/", nil)
	b := &body{step: step, closed: make(chan struct{})}
	context.AfterFunc(ctx, func() { b.Close() })
	return &http.Response{
		Request: r, ContentLength: length, Body: &limitedBody{body: b, left: MaxResponseDefault},
	}
}

// pieces returns a step that yields n times text, with a wait before each, and then end.
func pieces(
	n int, text string, wait time.Duration, end error,
) func(int) (string, time.Duration, error) {
	return func(i int) (string, time.Duration, error) {
		if i < n {
			return text, wait, nil
		}
		return "", wait, end
	}
}

// TestPace: a long response must bring 1 KB a second, with pauses of at most a minute. A short one
// may take any time.
func TestPace(t *testing.T) {
	const size = 1 << 20
	for name, c := range map[string]struct {
		step   func(int) (string, time.Duration, error)
		slow   bool
		within time.Duration
	}{
		"a short one, slowly": {
			pieces(30, strings.Repeat("x", 1000), time.Hour, io.EOF), false, 31 * time.Hour,
		},
		"a byte a minute": {
			after(40_000, pieces(1<<30, "x", time.Minute, io.EOF)), true, 2 * time.Minute,
		},
		"512 bytes a second": {
			after(40_000, pieces(1<<30, strings.Repeat("x", 512), time.Second, io.EOF)), true,
			10 * time.Minute,
		},
		"nothing more": {
			after(40_000, pieces(1, "x", 24*time.Hour, io.EOF)), true, 70 * time.Second,
		},
		"all but the last byte": {
			after(size, pieces(1, "x", 24*time.Hour, io.EOF)), true, 70 * time.Second,
		},
		"1 KB a second": {
			after(40_000, pieces(600, strings.Repeat("x", 1024), time.Second, io.EOF)), false,
			11 * time.Minute,
		},
		"pauses of nearly a minute": {
			after(40_000, pieces(10, strings.Repeat("x", 70_000), 59*time.Second, io.EOF)), false,
			11 * time.Minute,
		},
		"pauses of more": {
			after(40_000, pieces(10, strings.Repeat("x", 70_000), 61*time.Second, io.EOF)), true,
			61 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				of := pools(t, true)
				ctx, inFlight := inflight.WithResponse(t.Context(), of, "a")
				began := time.Now()
				_, err := ReadAll(response(ctx, -1, c.step))
				if took := time.Since(began); errors.Is(err, ErrTooSlow) != c.slow ||
					err != nil && !c.slow || took > c.within {
					t.Errorf("%v after %s", err, took)
				}
				inFlight.Release()
			})
		})
	}
}

// after returns a step that yields n bytes at once, and then what next yields.
func after(
	n int, next func(int) (string, time.Duration, error),
) func(int) (string, time.Duration, error) {
	return func(i int) (string, time.Duration, error) {
		if i == 0 {
			return strings.Repeat("x", n), 0, nil
		}
		return next(i - 1)
	}
}

// TestNothingStaysHeld: however reading a response ends, no memory stays held, except by ReadAll
// for the body that it returned.
func TestNothingStaysHeld(t *testing.T) {
	cutOff := errors.New("connection reset")
	for name, c := range map[string]struct {
		step func(int) (string, time.Duration, error)
		want error // of ReadAll; nil: none
	}{
		"empty":           {pieces(0, "", 0, io.EOF), nil},
		"short":           {pieces(1, "[1,2]", 0, io.EOF), nil},
		"just free":       {after(uncountedMax, pieces(0, "", 0, io.EOF)), nil},
		"long":            {after(500_000, pieces(0, "", 0, io.EOF)), nil},
		"cut off at once": {pieces(0, "", 0, cutOff), cutOff},
		"cut off":         {after(500_000, pieces(0, "", 0, cutOff)), cutOff},
		"too large": {
			after(MaxResponseDefault+1, pieces(0, "", 0, io.EOF)), ErrTooLarge,
		},
		"too slow":      {after(500_000, pieces(1<<30, "x", time.Hour, io.EOF)), ErrTooSlow},
		"no end, short": {pieces(1<<30, "x", time.Hour, io.EOF), context.DeadlineExceeded},
		"no end within a time": {
			after(500_000, pieces(1<<30, strings.Repeat("x", 8<<10), 59*time.Second, io.EOF)),
			context.DeadlineExceeded,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				of := pools(t, false)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				ctx, inFlight := inflight.WithResponse(ctx, of, "a")
				read, err := ReadAll(response(ctx, -1, c.step))
				switch {
				case (err == nil) != (c.want == nil),
					c.want != nil && c.want != context.DeadlineExceeded && !errors.Is(err, c.want):
					t.Errorf("%v, want %v", err, c.want)
				case err != nil:
					nothingHeld(t, of) // without a Release
				case used(of.Reading) != 0 || used(of.Decoded) != int64(value.Cost(read)):
					t.Errorf("%d and %d bytes are held for %d", used(of.Reading), used(of.Decoded),
						len(read))
				}
				inFlight.Release()
				inFlight.Release()
			})
		})
	}
}

// TestTricklesOfAnotherAccount: slow responses hold at most what their account may hold. Meanwhile,
// responses of another account are read, short and long ones.
func TestTricklesOfAnotherAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of := pools(t, false)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				ctx, inFlight := inflight.WithResponse(ctx, of, "slow")
				defer inFlight.Release()
				ReadAll(response(ctx, -1,
					after(40_000, pieces(1<<30, strings.Repeat("x", 1024), time.Second, io.EOF))))
			})
		}
		time.Sleep(10 * time.Second)
		if used := used(of.Reading); used == 0 {
			t.Fatal("no answer trickles")
		}
		for name, n := range map[string]int{"short": 1000, "long": 500_000} {
			began := time.Now()
			ctx, inFlight := inflight.WithResponse(ctx, of, "quick")
			if _, err := ReadAll(response(ctx, int64(n),
				after(n, pieces(0, "", 0, io.EOF)))); err != nil || time.Since(began) > 0 {
				t.Errorf("a %s answer: %v after %s", name, err, time.Since(began))
			}
			inFlight.Release()
		}
		cancel()
		all.Wait()
	})
}

// TestCut: a body can be aborted while it is read, over each kind of connection.
func TestCut(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		out := io.Writer(w)
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Flush()
			out = z
		}
		io.WriteString(out, "begun")
		if z, ok := out.(*gzip.Writer); ok {
			z.Flush()
		}
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	plainly := httptest.NewServer(handler)
	secure := httptest.NewUnstartedServer(handler)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer plainly.Close()
	defer secure.Close()
	client := NewInternal(MaxResponseDefault)
	for name, c := range map[string]struct {
		client *http.Client
		method string
		url    string
		want   string
	}{
		"plain":  {client, http.MethodPost, plainly.URL, "*httpclient.plainBody"},
		"gzip":   {client, http.MethodGet, plainly.URL, "*http.gzipReader"},
		"HTTP/2": {secure.Client(), http.MethodPost, secure.URL, "*http.http2gzipReader"},
	} {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequest(c.method, c.url, strings.NewReader("{}"))
			if c.method == http.MethodGet {
				req.Body = http.NoBody
				req.ContentLength = 0
			}
			resp, err := c.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			b := resp.Body
			if inner, ok := b.(*limitedBody); ok {
				b = inner.body
			}
			if kind := fmt.Sprintf("%T", b); kind != c.want {
				t.Errorf("the body is a %s", kind)
			}
			if _, err := io.ReadFull(resp.Body, make([]byte, 5)); err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(20*time.Millisecond, func() { abortRead(resp.Body) })
			if n, err := resp.Body.Read(make([]byte, 1)); err == nil || err == io.EOF {
				t.Errorf("%d, %v", n, err)
			}
			abortRead(resp.Body)
			resp.Body.Close()
		})
	}
}

// TestCutTooLate: aborting a response that has just ended does not affect the connection, which
// another exchange may use by then.
func TestCutTooLate(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		w.Write(text)
	}))
	defer server.Close()
	// More than is read together with the head.
	client, long := NewInternal(MaxResponseDefault), strings.Repeat("x", 60_000)
	post := func() *http.Response {
		resp, err := client.Post(server.URL, "text/plain", strings.NewReader(long))
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	first := post()
	if _, err := io.ReadAll(first.Body); err != nil {
		t.Fatal(err)
	}
	second := post()
	connOf := func(r *http.Response) *plainConn { return r.Body.(*limitedBody).body.(*plainBody).c }
	if connOf(first) != connOf(second) {
		t.Fatal("the connection was not used again")
	}
	abortRead(first.Body)
	if text, err := io.ReadAll(second.Body); err != nil || string(text) != long {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}
