//go:build linux

package security_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/tests/support/live"
)

// The limits of the servers of these tests, as arguments of prlimit.
const (
	fourGigabytes = "--as=4294967296"
	megabyte      = 1 << 20
)

// startLimited starts a server under limits of the kernel.
func startLimited(t *testing.T, o live.Options, limits ...string) *live.Server {
	t.Helper()
	o.Credentials, o.Before = callers, append([]string{"prlimit"}, limits...)
	s := live.New(t, o)
	s.Start()
	s.WaitReady()
	create(t, s.ClientAs(key("owner", "s1")), "pass", pass("pass"))
	return s
}

// checkAlive checks that the server still runs, and that it never used more than the given
// megabytes.
func checkAlive(t *testing.T, s *live.Server, megabytes int64) {
	t.Helper()
	if !s.Alive() {
		t.Fatal("the server has ended")
	}
	peak := s.Usage().Peak
	t.Logf("peak: %d MB, allowed %d MB", peak/megabyte, megabytes)
	if peak > megabytes*megabyte {
		t.Errorf("the server held %d MB, more than %d MB", peak/megabyte, megabytes)
	}
}

// objects returns a JSON text of at most the given bytes, and only a few less, that decodes to many
// small objects.
func objects(bytes int) string {
	const one = `{"":0},`
	return "[" + strings.Repeat(one, (bytes-2)/len(one)-1) + `{"":0}]`
}

// served counts the requests of good clients. Each request has a connection of its own.
type served struct {
	mu            sync.Mutex
	starts, wants int
	health, looks int
	errs          []error
}

// visit starts an execution and requests the server's health.
func (v *served) visit(s *live.Server, name string) {
	transport := &http.Transport{DisableKeepAlives: true}
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	o := key("owner", "s1")
	o.HTTPClient = client
	_, err := s.ClientAs(o).StartExecution(context.Background(), cloudflow.StartExecutionRequest{
		FlowName: "pass", ExecutionName: name, Input: "{}"})
	r, healthErr := client.Get(s.Endpoint() + "/healthz")
	if healthErr == nil {
		r.Body.Close()
		if r.StatusCode != http.StatusOK {
			healthErr = fmt.Errorf("/healthz answers %s", r.Status)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.wants++
	v.looks++
	if err == nil {
		v.starts++
	} else {
		v.errs = append(v.errs, err)
	}
	if healthErr == nil {
		v.health++
	} else {
		v.errs = append(v.errs, healthErr)
	}
}

// visits runs good clients, four at a time, for a while. Each makes at least five visits.
func visits(s *live.Server, name string, d time.Duration) *served {
	v := &served{}
	var work sync.WaitGroup
	until := time.Now().Add(d)
	for w := range 4 {
		work.Go(func() {
			for i := 0; (i < 5 || time.Now().Before(until)) && s.Alive(); i++ {
				v.visit(s, fmt.Sprintf("%s-%d-%d", name, w, i))
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	work.Wait()
	return v
}

// check requires nine of ten requests to succeed: a connection may be closed before its request
// arrives, if hundreds of clients connect at once.
func (v *served) check(t *testing.T, what string) {
	t.Helper()
	t.Logf("%s: %d of %d starts, %d of %d looks at /healthz", what, v.starts, v.wants,
		v.health, v.looks)
	if v.starts < v.wants*9/10 || v.health < v.looks*9/10 {
		t.Errorf("%s: good clients are kept out: %v", what, v.errs[:min(len(v.errs), 3)])
	}
}

// from returns one of 200 addresses of this machine.
func from(i int) *net.TCPAddr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%200))} }
