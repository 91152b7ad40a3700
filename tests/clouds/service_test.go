package clouds_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// service replaces the functions that flows call: each call gets {"n":<input n + 1>}. It counts
// calls by function and by idempotency key.
type service struct {
	*httptest.Server
	tokens chan string // of calls whose body has one

	mu    sync.Mutex
	calls map[string]map[string]int
	death func() // called before a response of the function "deadly"
}

func serve(t *testing.T) *service {
	v := &service{calls: map[string]map[string]int{}, tokens: make(chan string, 100)}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Close)
	return v
}

func (v *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	var body struct {
		N     int
		Token string
		Fill  int // approximate bytes of the response
	}
	json.Unmarshal(text, &body)
	function := r.Header.Get("X-Fc-Function-Name")
	v.mu.Lock()
	if v.calls[function] == nil {
		v.calls[function] = map[string]int{}
	}
	v.calls[function][r.Header.Get("X-Fc-Request-Id")]++
	death := v.death
	v.mu.Unlock()
	if function == "deadly" && death != nil {
		death()
	}
	if body.Token != "" {
		v.tokens <- body.Token
	}
	if body.Fill > 0 {
		fmt.Fprintf(w, `{"n":%d,"fill":%q}`, body.N+1, strings.Repeat("filler ", body.Fill/7))
		return
	}
	fmt.Fprintf(w, `{"n":%d}`, body.N+1)
}

// called returns how many different calls of a function there were, and how many in all.
func (v *service) called(function string) (distinct, all int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, n := range v.calls[function] {
		all += n
	}
	return len(v.calls[function]), all
}

func (v *service) setDeath(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.death = f
}

func (v *service) env() string {
	return "MILLRACE_FUNCTIONS=functions: [{match: '*', http: '" + v.URL + "'}]"
}

// call returns a Task that calls a function of the service.
func call(function, more string) string {
	return "Type: Task, Action: 'FC:InvokeFunction', Parameters: " +
		"{resourceArn: 'acs:fc:::functions/" + function + "', invocationType: Sync, " +
		"body: {n.$: $Input.n" + more + "}}"
}

// row returns a flow of n sequential calls. Each gets the result of the one before.
func row(function string, n int) string {
	var b strings.Builder
	for i := range n {
		name, next := fmt.Sprint("T", i), fmt.Sprintf("Next: T%d", i+1)
		if i == 0 {
			name = "A"
		}
		if i == n-1 {
			next = "End: true"
		}
		fmt.Fprintf(&b, "- {Name: %s, %s, OutputConstructor: {n.$: $Output.Body.n}, %s}\n", name,
			call(function, ""), next)
	}
	return b.String()
}

// every applies the next of the faults to each nth call, in turn.
func every(n int64, faults ...faultKind) func() faultKind {
	var calls atomic.Int64
	return func() faultKind {
		if c := calls.Add(1); c%n == 0 {
			return faults[int(c/n)%len(faults)]
		}
		return passes
	}
}
