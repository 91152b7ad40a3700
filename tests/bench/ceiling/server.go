package ceiling

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"millrace/shared/rpc/sign"
)

// Flow describes the exchanges of one execution of a flow.
type Flow struct {
	Definition string // text that the responses carry, as the engine's do
	InRow      int    // task calls in sequence, each followed by a record
	AtOnce     int    // concurrent task calls, each followed by a record
	Limit      int    // how many of AtOnce run at the same time; 0: all
	// Apart responds to the start when its record is on disk; the caller then asks for the end.
	// These are two exchanges, as in the engine's API. Otherwise the response to the start carries
	// the end.
	Apart bool
}

// Config configures a server.
type Config struct {
	Log       string // path of the log
	Allocated int64  // bytes of it that are written in advance; 0: a quarter of a GB
	TaskURL   string
	AccessKey string
	Secret    string
	Flows     map[string]Flow // by name
}

// recordBytes is the size of a record: about what the engine writes at a time for a small
// execution.
const recordBytes = 800

// Server serves StartExecution and DescribeExecution of the flows in its Config. It is an
// http.Handler.
type Server struct {
	Config
	key    *sign.Key
	log    *Log
	client *http.Client
	ends   sync.Map // for flows with Apart: execution name → *end
}

// end is the end of an execution, kept until the caller asks for it.
type end struct {
	started time.Time
	done    chan struct{}
	err     error
}

// NewServer creates the log and a server that writes to it.
func NewServer(c Config) (*Server, error) {
	log, err := CreateLog(c.Log, c.Allocated)
	if err != nil {
		return nil, err
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy, t.DisableCompression, t.ForceAttemptHTTP2 = nil, true, false
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, 4096
	return &Server{Config: c, key: sign.NewKey(c.Secret), log: log,
		client: &http.Client{Transport: t}}, nil
}

// Close closes the log.
func (s *Server) Close() error {
	_, err := s.log.Close()
	return err
}

// request holds the parameters that the server uses.
type request struct {
	action, flow, name, input string
	timestamp, signature, key string
}

// paramsMax is the maximum number of parameters in a request.
const paramsMax = 100

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/healthz" {
		io.WriteString(w, "ok\n")
		return
	}
	q, err := s.read(r)
	if err != nil {
		respondError(w, http.StatusForbidden, err)
		return
	}
	f, known := s.Flows[q.flow]
	if !known {
		respondError(w, http.StatusNotFound, fmt.Errorf("flow %q is not known", q.flow))
		return
	}
	switch q.action {
	case "StartExecution":
		err = s.start(r.Context(), w, &f, q)
	case "DescribeExecution":
		err = s.describe(r.Context(), w, &f, q)
	default:
		err = fmt.Errorf("the ceiling has no %s", q.action)
	}
	if err != nil {
		respondError(w, http.StatusInternalServerError, err)
	}
}

// read parses a request and verifies its signature.
func (s *Server) read(r *http.Request) (*request, error) {
	list, err := sign.ParseForm(nil, r.URL.RawQuery, paramsMax)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if list, err = sign.ParseForm(list, body, paramsMax); err != nil {
		return nil, err
	}
	q := &request{}
	fields := map[string]*string{"Action": &q.action, "FlowName": &q.flow, "ExecutionName": &q.name,
		"Input":     &q.input,
		"Timestamp": &q.timestamp, "Signature": &q.signature, "AccessKeyId": &q.key}
	for _, p := range list {
		if field := fields[p.Name]; field != nil {
			*field = p.Value
		}
	}
	sent, err := time.Parse(time.RFC3339, q.timestamp)
	if err != nil || time.Since(sent).Abs() > 30*time.Minute {
		return nil, fmt.Errorf("the time %q is not now", q.timestamp)
	}
	if q.key != s.AccessKey || !s.key.VerifyV1(r.Method, list, q.signature) {
		return nil, fmt.Errorf("the signature does not match")
	}
	return q, nil
}

func (s *Server) start(ctx context.Context, w http.ResponseWriter, f *Flow, q *request) error {
	started := time.Now()
	if err := s.record(q, 0); err != nil {
		return err
	}
	if !f.Apart {
		if err := s.work(ctx, f, q); err != nil {
			return err
		}
		return respond(w, f, q, "Succeeded", started)
	}
	e := &end{started: started, done: make(chan struct{})}
	s.ends.Store(q.name, e)
	go func() {
		e.err = s.work(context.Background(), f, q)
		close(e.done)
	}()
	return respond(w, f, q, "Running", started)
}

// describe waits for the end of an execution, responds with it and deletes it.
func (s *Server) describe(ctx context.Context, w http.ResponseWriter, f *Flow, q *request) error {
	found, known := s.ends.LoadAndDelete(q.name)
	if !known {
		return fmt.Errorf("execution %q is not known", q.name)
	}
	e := found.(*end)
	select {
	case <-e.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if e.err != nil {
		return e.err
	}
	return respond(w, f, q, "Succeeded", e.started)
}

// work makes the calls of an execution, and a record after each.
func (s *Server) work(ctx context.Context, f *Flow, q *request) error {
	for n := range f.InRow {
		if err := s.call(ctx, q, n); err != nil {
			return err
		}
	}
	if f.AtOnce == 0 {
		return nil
	}
	limit := f.Limit
	if limit == 0 {
		limit = f.AtOnce
	}
	numbers, failed := make(chan int), make(chan error, limit)
	for range limit {
		go func() {
			var first error
			for n := range numbers {
				if err := s.call(ctx, q, n); err != nil && first == nil {
					first = err
				}
			}
			failed <- first
		}()
	}
	for n := range f.AtOnce {
		numbers <- n
	}
	close(numbers)
	var first error
	for range limit {
		if err := <-failed; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// call calls the task server and writes the record of the result.
func (s *Server) call(ctx context.Context, q *request, n int) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.TaskURL,
		strings.NewReader(q.input))
	if err != nil {
		return err
	}
	r.Header["Content-Type"] = []string{"application/json"}
	r.Header["X-Fnf-Idempotency-Key"] = []string{fmt.Sprintf("%s-%d", q.name, n)}
	response, err := s.client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the task answered %s: %s", response.Status, body)
	}
	return s.record(q, n+1)
}

// record syncs what is known about an execution.
func (s *Server) record(q *request, n int) error {
	record := make([]byte, 0, recordBytes+len(q.input))
	record = fmt.Appendf(record, "%s/%s/%d %s", q.flow, q.name, n, q.input)
	if len(record) < recordBytes {
		record = record[:recordBytes]
	}
	return s.log.Append(record)
}

// respond writes a response with the fields of the engine's responses.
func respond(w http.ResponseWriter, f *Flow, q *request, status string, started time.Time) error {
	output, stopped := "", ""
	if status == "Succeeded" {
		output, stopped = q.input, time.Now().UTC().Format(time.RFC3339)
	}
	body, err := json.Marshal(struct {
		RequestID                      string `json:"RequestId"`
		FlowName, Name, FlowDefinition string
		Input, Output, Status          string
		StartedTime, StoppedTime       string
	}{"00000000-0000-0000-0000-000000000000", q.flow, q.name, f.Definition, q.input, output, status,
		started.UTC().Format(time.RFC3339), stopped})
	if err != nil {
		return err
	}
	w.Header()["Content-Type"] = []string{"application/json; charset=utf-8"}
	w.Write(body)
	return nil
}

// respondError writes an error response in the form of the wire's faults.
func respondError(w http.ResponseWriter, status int, err error) {
	w.Header()["Content-Type"] = []string{"application/json; charset=utf-8"}
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"Code": "Ceiling", "Message": err.Error(),
		"RequestId": "-"})
}
