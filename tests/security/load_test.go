//go:build linux

package security_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
	"millrace/tests/support/live"
)

// seconds returns the duration of each of the two loads: MILLRACE_HOSTILE_SECONDS.
func seconds(t *testing.T) time.Duration {
	text := os.Getenv("MILLRACE_HOSTILE_SECONDS")
	if text == "" {
		return 2 * time.Second
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("MILLRACE_HOSTILE_SECONDS is %q: a number of seconds, please", text)
	}
	return time.Duration(n) * time.Second
}

// latencies are the durations of requests.
type latencies []time.Duration

func (l latencies) at(part float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	slices.Sort(l)
	return l[int(part*float64(len(l)-1))]
}

func (l latencies) String() string {
	return fmt.Sprintf("%d requests, p50 %v, p99 %v, max %v", len(l), l.at(0.5),
		l.at(0.99), l.at(1))
}

// good runs clients that start and describe executions at a steady pace. Each has one connection;
// some use a new one for each request.
func good(t *testing.T, s *live.Server, name string, d time.Duration) (all latencies) {
	var mu sync.Mutex
	var work sync.WaitGroup
	until := time.Now().Add(d)
	for w := range 8 {
		work.Go(func() {
			transport := &http.Transport{DisableKeepAlives: w%2 == 0}
			defer transport.CloseIdleConnections()
			o := key("owner", "s1")
			o.HTTPClient = &http.Client{Transport: transport}
			if w%4 < 2 {
				o.Signature = "v3"
			}
			c := s.ClientAs(o)
			no := int64(0)
			for i := 0; time.Now().Before(until); i++ {
				x := fmt.Sprintf("%s-%d-%d", name, w, i)
				for _, send := range []func() error{
					func() error {
						_, err := c.StartExecution(context.Background(),
							cloudflow.StartExecutionRequest{FlowName: "pass", ExecutionName: x,
								Input: "{}"})
						return err
					},
					func() error {
						_, err := c.DescribeExecution(context.Background(),
							cloudflow.DescribeExecutionRequest{FlowName: "pass", ExecutionName: x,
								WaitTimeSeconds: &no})
						return err
					},
				} {
					began := time.Now()
					err := send()
					took := time.Since(began)
					mu.Lock()
					all = append(all, took)
					mu.Unlock()
					if err != nil {
						t.Errorf("a good request fails: %v", err)
						return
					}
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	work.Wait()
	return all
}

// attack is a set of connections of bad clients, limited in number and time.
type attack struct {
	address string
	life    context.Context
	work    sync.WaitGroup
}

// crowd runs count clients of a kind. Each repeats do until the attack is over.
func (a *attack) crowd(count int, pause time.Duration, do func(c net.Conn)) {
	for range count {
		a.work.Go(func() {
			for a.life.Err() == nil {
				c, err := (&net.Dialer{}).DialContext(a.life, "tcp", a.address)
				if err == nil {
					stop := context.AfterFunc(a.life, func() { c.Close() })
					do(c)
					stop()
					c.Close()
				}
				select {
				case <-time.After(pause):
				case <-a.life.Done():
				}
			}
		})
	}
}

// drip sends a text byte by byte.
func drip(c net.Conn, text string, pause time.Duration) {
	for i := range len(text) {
		if _, err := io.WriteString(c, text[i:i+1]); err != nil {
			return
		}
		time.Sleep(pause)
	}
}

// answered sends a text and waits for any response.
func answered(c net.Conn, text string) {
	io.WriteString(c, text)
	io.Copy(io.Discard, io.LimitReader(c, 1<<20))
}

const post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"

func (a *attack) begin(replay string) {
	form := "Action=CreateFlow&Version=2019-03-15&Name=f&Definition="
	huge := strings.Repeat("x", 2<<20)
	a.crowd(150, time.Millisecond, func(c net.Conn) {
		drip(c, "GET / HTTP/1.1\r\nHost: x\r\n"+strings.Repeat("X-A: b\r\n", 1000),
			50*time.Millisecond)
	})
	a.crowd(150, time.Millisecond, func(c net.Conn) {
		io.WriteString(c, post+"Content-Length: 100000\r\n\r\n")
		drip(c, form+strings.Repeat("x", 10000), 50*time.Millisecond)
	})
	a.crowd(100, time.Millisecond, func(c net.Conn) { io.Copy(io.Discard, c) }) // sends nothing
	// reads nothing, and vanishes like a client with a broken cable
	a.crowd(20, time.Millisecond, func(c net.Conn) {
		io.WriteString(c,
			strings.Repeat("GET /?Action=ListFlows&Version=2019-03-15 HTTP/1.1\r\nHost: x\r\n\r\n",
				20))
		time.Sleep(time.Second)
		c.(*net.TCPConn).SetLinger(0)
	})
	a.crowd(1, 100*time.Millisecond, func(c net.Conn) {
		answered(c, post+fmt.Sprintf("Content-Length: %d\r\n\r\n%s%s", len(form)+len(huge),
			form, huge))
	})
	a.crowd(1, 100*time.Millisecond, func(c net.Conn) {
		answered(c,
			post+"Transfer-Encoding: chunked\r\n\r\n"+strings.Repeat("10000\r\n"+strings.Repeat("x",
				0x10000)+"\r\n", 40))
	})
	a.crowd(1, 100*time.Millisecond,
		func(c net.Conn) { answered(c, "GET /?"+huge+" HTTP/1.1\r\nHost: x\r\n\r\n") })
	a.crowd(1, 100*time.Millisecond,
		func(c net.Conn) { answered(c, "GET / HTTP/1.1\r\nHost: x\r\nX-A: "+huge+"\r\n\r\n") })
	a.crowd(1, 100*time.Millisecond, func(c net.Conn) {
		answered(c, post+"Connection: close\r\nContent-Length: 900000\r\n\r\n"+strings.Repeat("a&",
			450000))
	})
	a.crowd(1, 100*time.Millisecond, func(c net.Conn) {
		body := strings.Repeat("[", 900000)
		answered(c, fmt.Sprintf(
			"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+
				"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			len(body), body))
	})
	a.crowd(4, 10*time.Millisecond, func(c net.Conn) {
		answered(c, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 what is this?\r\n\r\n")
	})
	a.crowd(8, 10*time.Millisecond, func(c net.Conn) {
		answered(c,
			"GET "+
				"/?Action=StartExecution&Version=2019-03-15&FlowName=pass&AccessKeyId=owner&"+
				"SignatureNonce=1&Timestamp="+
				time.Now().UTC().Format(
					"2006-01-02T15:04:05Z")+"&Signature=x HTTP/1.1\r\nHost: x\r\n"+
				"Connection: close\r\n\r\n")
	})
	a.crowd(8, 10*time.Millisecond, func(c net.Conn) { answered(c, replay) })
}

// replayed returns the text of a signed request that has been carried out: the deletion of a flow.
func replayed(t *testing.T, s *live.Server) string {
	t.Helper()
	p := &tap{}
	o := key("owner", "s1")
	o.HTTPClient = &http.Client{Transport: p}
	c := s.ClientAs(o)
	create(t, c, "precious", pass("precious"))
	if err := c.DeleteFlow(context.Background(), "precious"); err != nil {
		t.Fatal(err)
	}
	r := p.request
	setBody(r, p.body)
	r.Close = true
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	create(t, s.ClientAs(key("owner", "s1")), "precious", pass("precious"))
	return b.String()
}

// TestLoad checks that good clients keep working next to bad ones, and that the server frees all
// resources of the bad ones.
func TestLoad(t *testing.T) {
	d := seconds(t)
	dump := &sink{}
	s := live.New(t, live.Options{Credentials: callers, Output: dump})
	s.Start()
	s.WaitReady()
	create(t, s.ClientAs(key("owner", "s1")), "pass", pass("pass"))
	replay := replayed(t, s)
	good(t, s, "warm", time.Second)
	quiet := good(t, s, "quiet", d)
	before := s.Usage()
	life, stop := context.WithCancel(context.Background())
	a := &attack{address: s.Address, life: life}
	a.begin(replay)
	time.Sleep(500 * time.Millisecond)
	attacked := good(t, s, "beside", d)
	under := s.Usage()
	stop()
	a.work.Wait()
	t.Logf("alone:  %v", quiet)
	t.Logf("beside: %v", attacked)
	t.Logf("ratio:  p50 %.1f, p99 %.1f", float64(attacked.at(0.5))/float64(quiet.at(0.5)),
		float64(attacked.at(0.99))/float64(quiet.at(0.99)))
	owner := s.ClientAs(key("owner", "s1"))
	if _, err := owner.DescribeFlow(context.Background(), "precious"); err != nil {
		t.Errorf("a replayed deletion was carried out: %v", err)
	}
	var after live.Usage
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if after = s.Usage(); after.Files <= before.Files+10 || time.Now().After(deadline) {
			break
		}
	}
	t.Logf("before %+v, under attack %+v, after %+v", before, under, after)
	if after.Files > before.Files+10 {
		t.Errorf("%d descriptors, %d before", after.Files, before.Files)
	}
	if limit := int64(400 << 20); under.RSS > limit || after.RSS > limit {
		t.Errorf("%d MB, under attack %d", after.RSS>>20, under.RSS>>20)
	}
	syscall.Kill(s.PID(), syscall.SIGQUIT) // it prints its goroutines and exits
	s.WaitExit(2 * time.Minute)
	if n := strings.Count(dump.text(), "\ngoroutine "); n == 0 || n > 150 {
		t.Errorf("%d goroutines are left", n)
	} else {
		t.Logf("%d goroutines are left", n)
	}
}

// TestConnectionsRunOut opens more connections than the server may have files. The store must get
// the files that it needs, and good clients must be served, also those that connect anew.
func TestConnectionsRunOut(t *testing.T) {
	s := live.New(t, live.Options{Credentials: callers, Settings: "{MemtableMegabytes: 1}",
		Before: []string{"prlimit", "--nofile=200:200"}})
	s.Start()
	s.WaitReady()
	owner := s.ClientAs(key("owner", "s1"))
	create(t, owner, "pass", pass("pass"))
	life, stop := context.WithCancel(context.Background())
	a := &attack{address: s.Address, life: life}
	a.crowd(300, time.Millisecond, func(c net.Conn) { io.Copy(io.Discard, c) })
	a.crowd(100, time.Millisecond,
		func(c net.Conn) { drip(c, "GET / HTTP/1.1\r\nHost: x\r\n", 50*time.Millisecond) })
	time.Sleep(500 * time.Millisecond)
	const tries = 30
	known, refused := []string{}, 0
	for i := range tries { // the store must open files meanwhile
		x := fmt.Sprint("x", i)
		o := key("owner", "s1")
		o.HTTPClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		_, err := s.ClientAs(o).StartExecution(context.Background(),
			cloudflow.StartExecutionRequest{FlowName: "pass", ExecutionName: x,
				Input: fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", 60_000))})
		switch {
		case err == nil:
			known = append(known, x)
		case client.RequestID(err) != "": // a response of the server: must not happen
			t.Errorf("refused: %v", err)
		default: // closed before it could send its request, because hundreds connect at once
			refused++
		}
		if !s.Alive() {
			break
		}
	}
	stop()
	a.work.Wait()
	if !s.Alive() {
		t.Fatalf("the server has ended after %d requests", len(known))
	}
	t.Logf("%d of %d served under attack", len(known), tries)
	if len(known) < tries*9/10 {
		t.Errorf("%d of %d good requests could not get in", refused, tries)
	}
	for _, x := range known {
		if _, err := s.ClientAs(key("owner", "s1")).DescribeExecution(context.Background(),
			cloudflow.DescribeExecutionRequest{FlowName: "pass", ExecutionName: x}); err != nil {
			t.Errorf("acknowledged and lost: %v", err)
		}
	}
	s.Shutdown()
}
