package crash_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// tasks simulates the tasks: it answers the calls of flows, counts them by idempotency key, and
// passes on the tokens to report. It never dies.
type tasks struct {
	*httptest.Server
	tokens chan waitingTask

	mu     sync.Mutex
	keys   map[string]map[string]int // calls by execution and key
	failed map[string]bool           // executions and states whose first call has been failed
	asked  map[string]bool           // tokens seen
}

// largeBytes is the length of a result that is stored in rows of its own.
const largeBytes = 40_000

// waitingTask is a task that waits for a report.
type waitingTask struct{ execution, token string }

func newTasks(t *testing.T) *tasks {
	k := &tasks{tokens: make(chan waitingTask, 1<<16), keys: map[string]map[string]int{},
		failed: map[string]bool{}, asked: map[string]bool{}}
	k.Server = httptest.NewServer(k)
	t.Cleanup(k.Close)
	return k
}

func (k *tasks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct {
		X     string // execution
		S     string // state
		Item  int
		Token string
	}
	text, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(text, &body); err != nil {
		http.Error(w, err.Error(), 599)
		return
	}
	if key := r.Header.Get("X-FnF-Idempotency-Key"); key != "" {
		k.count(body.X, key)
	}
	w.Header().Set("Content-Type", "application/json")
	path := strings.TrimSuffix(r.URL.Path, "/invoke")
	switch path {
	case "/quick":
	case "/slow":
		ms, _ := strconv.Atoi(r.URL.Query().Get("ms"))
		time.Sleep(time.Duration(ms) * time.Millisecond)
	case "/flaky":
		if k.first(body.X + "/" + body.S) {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
	case "/large":
		fmt.Fprintf(w, `{"text":%q}`, strings.Repeat("x", largeBytes))
		return
	case "/ask":
		token := r.Header.Get("X-FnF-Http-Callback-Task-Token")
		if token == "" {
			token = body.Token
		}
		k.ask(body.X, token)
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	fmt.Fprintf(w, `{"ok":true,"item":%d}`, body.Item)
}

func (k *tasks) count(execution, key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys[execution] == nil {
		k.keys[execution] = map[string]int{}
	}
	k.keys[execution][key]++
}

// first reports whether this is the first request for what.
func (k *tasks) first(what string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	was := k.failed[what]
	k.failed[what] = true
	return !was
}

// ask passes a token on, once.
func (k *tasks) ask(execution, token string) {
	k.mu.Lock()
	seen := k.asked[token]
	k.asked[token] = true
	k.mu.Unlock()
	if !seen {
		k.tokens <- waitingTask{execution, token}
	}
}

// attempts returns how many idempotency keys an execution has used.
func (k *tasks) attempts(execution string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.keys[execution])
}

// repeated returns the number of calls, and how many of them repeated another.
func (k *tasks) repeated() (calls, again int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, keys := range k.keys {
		for _, n := range keys {
			calls += n
			again += n - 1
		}
	}
	return calls, again
}
