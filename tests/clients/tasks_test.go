package clients_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// tasks implements the functions that the flows of the tests call, with the protocol of custom
// runtimes.
//
//   - echo returns its event.
//   - ask stores the task token of its event under the event's id, and responds that it has.
//   - broken fails with the error and cause that its event asks for.
var tasks taskTokens

type taskTokens struct {
	mu     sync.Mutex
	tokens map[string]chan string // by id
}

// startTasks listens on the address of the deployment's configuration, or on any port.
func startTasks() (*httptest.Server, error) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(tasks.serve))
	if deployment.functions != "" {
		l, err := net.Listen("tcp", deployment.functions)
		if err != nil {
			return nil, err
		}
		s.Listener.Close()
		s.Listener = l
	}
	s.Start()
	return s, nil
}

func functionsYAML(url string) string {
	out := "functions:\n"
	for _, name := range []string{"echo", "ask", "broken"} {
		out += fmt.Sprintf("  - {match: \"acs:fc:*:*:*functions/%s\", http: %q}\n", name, url)
	}
	return out
}

func (s *taskTokens) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/invoke" {
		http.Error(w, "not an invocation", http.StatusBadRequest)
		return
	}
	var e struct{ Id, Token, Error, Cause string }
	json.Unmarshal(body, &e) // echo takes any event
	switch name := r.Header.Get("x-fc-function-name"); name {
	case "echo":
		w.Write(body)
	case "ask":
		select {
		case s.channel(e.Id) <- e.Token:
		default: // a repeated call for the same task: the token is stored already
		}
		io.WriteString(w, `{"asked":true}`)
	case "broken":
		w.Header().Set("x-fc-status", "404")
		w.WriteHeader(http.StatusNotFound)
		json.NewEncoder(w).Encode(map[string]string{"errorType": e.Error, "errorMessage": e.Cause})
	default:
		http.Error(w, "no function "+name, http.StatusBadRequest)
	}
}

func (s *taskTokens) channel(id string) chan string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens == nil {
		s.tokens = map[string]chan string{}
	}
	if s.tokens[id] == nil {
		s.tokens[id] = make(chan string, 1)
	}
	return s.tokens[id]
}

// token waits until ask has been called with the id, and returns the task token.
func (s *taskTokens) token(t *testing.T, id string) string {
	t.Helper()
	select {
	case token := <-s.channel(id):
		if token == "" {
			t.Fatalf("task %s was called without a token", id)
		}
		return token
	case <-time.After(2 * time.Minute):
		t.Fatalf("task %s was not called within two minutes", id)
		return ""
	}
}
