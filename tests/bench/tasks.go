package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"sync"
)

// tasks is the task server. It responds with the request's body, and keeps the tokens of tasks
// whose results are reported through the API.
type tasks struct {
	url    string
	server *http.Server

	mu     sync.Mutex
	tokens map[int]string // by order number
}

// tokenHeader carries the token of a task whose result is reported.
const tokenHeader = "X-Fnf-Http-Callback-Task-Token"

func newTasks() (*tasks, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &tasks{url: "http://" + l.Addr().String() + "/task", tokens: map[int]string{}}
	t.server = &http.Server{Handler: t}
	go t.server.Serve(l)
	return t, nil
}

func (t *tasks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller is gone
	}
	if token := r.Header[tokenHeader]; len(token) == 1 {
		var order struct {
			Order int `json:"order"`
		}
		if err := json.Unmarshal(body, &order); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		t.mu.Lock()
		t.tokens[order.Order] = token[0]
		t.mu.Unlock()
	}
	w.Header()["Content-Type"] = []string{"application/json"}
	w.Write(body)
}

// submitted returns how many tasks wait for a report.
func (t *tasks) submitted() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.tokens)
}

func (t *tasks) token(order int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tokens[order]
}

func (t *tasks) close() { t.server.Close() }
