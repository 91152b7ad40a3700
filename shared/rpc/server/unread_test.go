package server_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/inflight"
	"millrace/shared/rpc/server"
	"millrace/shared/share"
)

// longAPI has a response of 8 MB, which is more than the buffers of a connection hold.
type longAPI struct{ fakeAPI }

func (a *longAPI) DescribeExecution(
	_ context.Context, _ cloudflow.Caller, r cloudflow.DescribeExecutionRequest,
) (*cloudflow.Execution, error) {
	x := anExecution(r.FlowName, r.ExecutionName)
	x.Output = strings.Repeat("x", 8<<20)
	return x, nil
}

const describe = "GET /?Action=DescribeExecution&Version=2019-03-15&FlowName=f&ExecutionName=x " +
	"HTTP/1.1\r\nHost: x\r\n\r\n"

// stuck is a client that reads nothing until the test lets it.
type stuck struct {
	*httptest.ResponseRecorder
	writes chan bool
}

func (s *stuck) Write(b []byte) (int, error) {
	s.writes <- true
	<-s.writes
	return s.ResponseRecorder.Write(b)
}

// TestUnreadResponsesHoldNoProcessor checks that a client that does not read its response holds no
// processor.
func TestUnreadResponsesHoldNoProcessor(t *testing.T) {
	processors := share.New(share.Options{Name: "processors", Capacity: 2, RoundRobin: true})
	h := server.NewHandler(server.Options{API: &fakeAPI{}, Processors: processors})
	s := &stuck{httptest.NewRecorder(), make(chan bool)}
	done := make(chan bool)
	go func() {
		h.ServeHTTP(s, httptest.NewRequest("GET", "/?Action=ListFlows&Version=2019-03-15", nil))
		close(done)
	}()
	<-s.writes
	if u := processors.Usage(); len(u) != 0 {
		t.Errorf("while the answer is not read: %+v", u)
	}
	s.writes <- true
	<-done
}

// TestUnreadResponsesAreEvicted checks that clients that do not read their responses do not keep
// new connections out.
func TestUnreadResponsesAreEvicted(t *testing.T) {
	s := server.New("", server.NewHandler(server.Options{API: &longAPI{}}))
	s.Connections = 4
	address := serveOn(t, s)
	dial := func(text string) net.Conn { return dial(t, address, text) }
	for range 4 {
		io.ReadFull(dial(describe), make([]byte, 1)) // the response is being sent
	}
	const list = "GET /?Action=ListFlows&Version=2019-03-15 HTTP/1.1\r\nHost: x\r\n\r\n"
	for range 8 {
		if r, body := exchange(t, dial(list), ""); r.StatusCode != 200 {
			t.Errorf("beside answers that nobody reads: %d %s", r.StatusCode, body)
		}
	}
}

// TestResponsesAreCharged checks that long responses are charged to the memory of the process, and
// that the charge is released.
func TestResponsesAreCharged(t *testing.T) {
	bytes := inflight.New(12 << 20)
	h := server.NewHandler(server.Options{API: &longAPI{}, Bytes: bytes})
	request := func() *http.Request {
		return httptest.NewRequest("GET",
			"/?Action=DescribeExecution&Version=2019-03-15&FlowName=f&ExecutionName=x", nil)
	}
	s := &stuck{httptest.NewRecorder(), make(chan bool)}
	done := make(chan bool)
	go func() {
		h.ServeHTTP(s, request())
		close(done)
	}()
	<-s.writes
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request())
	if w.Code != http.StatusServiceUnavailable ||
		!strings.Contains(w.Body.String(), "ServiceUnavailable") {
		t.Errorf("a second answer of 8 MB within 12: %d %.200s", w.Code, w.Body)
	}
	s.writes <- true
	<-done
	if s.Code != http.StatusOK || bytes.Held() != 0 {
		t.Errorf("%d, %d bytes are still held", s.Code, bytes.Held())
	}
}

// TestLongHost checks that a response shows no more of the Host header than a host name can have.
func TestLongHost(t *testing.T) {
	r := httptest.NewRequest("GET", "/?Action=Nothing&Version=2019-03-15", nil)
	r.Host = strings.Repeat("h", 20_000)
	w := httptest.NewRecorder()
	server.NewHandler(server.Options{API: &fakeAPI{}}).ServeHTTP(w, r)
	if w.Code == http.StatusOK || w.Body.Len() > 1000 {
		t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
	}
}
