package fc

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	harness "millrace/tests/emulators/fc"
)

// User is a function of a user's: it gets the event and answers with a result, or with an error document.
type User func(event []byte) (answer string, failed bool)

// Users stands in for Function Compute's API with the functions of users beside those of the engine, and for the other
// APIs that flows call. Outcomes of asynchronous invocations go to the engine's queue, as their destination would send
// them.
type Users struct {
	// ByTask has outcomes name the id of the task instead of the request's, which of the two the service does is not
	// known.
	ByTask bool
	// Accepted is called when an asynchronous invocation has been accepted. If it answers true the connection breaks before
	// the caller knows. nil: nothing happens.
	Accepted func() bool

	stack  *Stack
	engine *harness.Service

	mu        sync.Mutex
	keys      sync.RWMutex // of engine.Keys
	functions map[string]User
	tasks     map[string]*invocation // by the id that the caller gave
	calls     []string               // of other APIs: action and parameters
	n         int
}

// invocation is an asynchronous one.
type invocation struct{ request, status, answer string }

// Add deploys a function. Its name may be that of a version: name/qualifier, or service/name.
func (u *Users) Add(name string, f User) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.functions[name] = f
}

// Calls are the calls of other APIs.
func (u *Users) Calls() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]string{}, u.calls...)
}

func (u *Users) setKeys(keys ...harness.Credentials) {
	u.keys.Lock()
	defer u.keys.Unlock()
	clear(u.engine.Keys)
	clear(u.engine.Tokens)
	for _, k := range keys {
		if k.ID != "" {
			u.engine.Keys[k.ID], u.engine.Tokens[k.ID] = k.Secret, k.Token
		}
	}
}

// nameOf is the name of the function that a path and a qualifier mean.
func nameOf(r *http.Request) string {
	path := strings.TrimSuffix(r.URL.Path, "/invocations")
	name, ok := strings.CutPrefix(path, "/2023-03-30/functions/")
	if !ok {
		name = strings.ReplaceAll(strings.TrimPrefix(path, "/2021-04-06/services/"), "/functions/", "/")
	}
	if q := r.URL.Query().Get("qualifier"); q != "" {
		name += "/" + q
	}
	return name
}

// ServeHTTP implements http.Handler.
func (u *Users) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, id, ok := strings.Cut(r.URL.Path, "/async-tasks/"); ok {
		u.task(w, id)
		return
	}
	if !strings.HasSuffix(r.URL.Path, "/invocations") {
		u.other(w, r)
		return
	}
	name := nameOf(r)
	u.mu.Lock()
	f := u.functions[name]
	u.n++
	id := fmt.Sprintf("1-%08x-%d", time.Now().Unix(), u.n)
	u.mu.Unlock()
	if f == nil { // the engine's, or nobody's; it also checks the signature
		u.keys.RLock()
		defer u.keys.RUnlock()
		u.engine.ServeHTTP(w, r)
		return
	}
	event, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Fc-Request-Id", id)
	if r.Header.Get("X-Fc-Invocation-Type") == "Async" {
		u.async(w, r, name, id, event, f)
		return
	}
	answer, failed := f(event)
	if failed {
		w.Header().Set("X-Fc-Error-Type", "UnhandledInvocationError")
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	io.WriteString(w, answer)
}

// async takes an asynchronous invocation, unless one of its id has been taken.
func (u *Users) async(w http.ResponseWriter, r *http.Request, name, id string, event []byte, f User) {
	asked := r.Header.Get("X-Fc-Async-Task-Id") + r.Header.Get("X-Fc-Stateful-Async-Invocation-Id")
	if !u.take(asked, id) {
		w.WriteHeader(http.StatusConflict)
		io.WriteString(w, `{"Code":"AsyncTaskAlreadyExists","Message":"exists"}`)
		return
	}
	if u.ByTask && asked != "" {
		id = asked
	}
	go u.later(name, asked, id, event, f)
	if u.Accepted != nil && u.Accepted() {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusAccepted)
}

// take keeps an asynchronous invocation; false when there is one of its id.
func (u *Users) take(asked, id string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if asked == "" {
		return true
	}
	if u.tasks[asked] != nil {
		return false
	}
	u.tasks[asked] = &invocation{request: id, status: "Running"}
	return true
}

// task answers how an asynchronous invocation is.
func (u *Users) task(w http.ResponseWriter, id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	i := u.tasks[id]
	if i == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	json.NewEncoder(w).Encode(map[string]string{"taskId": id, "status": i.status, "requestId": i.request, "returnPayload": i.answer})
}

// later runs an asynchronous invocation and sends its outcome.
func (u *Users) later(name, asked, id string, event []byte, f User) {
	answer, failed := f(event)
	u.mu.Lock()
	if i := u.tasks[asked]; i != nil {
		i.status, i.answer = map[bool]string{true: "Failed", false: "Succeeded"}[failed], answer
	}
	u.mu.Unlock()
	condition, functionError := "", ""
	if failed {
		condition, functionError = "RetriesExhausted", "UnhandledInvocationError"
	}
	record := map[string]any{"timestamp": time.Now().UnixMilli(),
		"requestContext":  map[string]any{"requestId": id, "functionArn": "acs:fc:" + harness.Region + ":" + harness.AccountID + ":functions/" + name, "condition": condition, "approximateInvokeCount": 1},
		"requestPayload":  string(event),
		"responseContext": map[string]any{"statusCode": 200, "functionError": functionError},
		"responsePayload": answer}
	text, err := json.Marshal(record)
	if err != nil {
		panic(err) // texts and numbers only
	}
	u.stack.Send(string(text))
}

// other answers a call of another API.
func (u *Users) other(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	query, _ := url.QueryUnescape(r.URL.RawQuery)
	action := r.Header.Get("X-Acs-Action")
	if r.URL.Path == "/openapi/putEvents" {
		action, query = "PutEvents", string(body)
	}
	u.mu.Lock()
	u.calls = append(u.calls, action+" "+query)
	u.mu.Unlock()
	switch {
	case action == "Forbidden":
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `{"Code":"Forbidden.RAM","Message":"no","RequestId":"r"}`)
	case action == "PutEvents":
		io.WriteString(w, `{"failedEntryCount":0,"entryList":[{"eventId":"e"}],"requestId":"r"}`)
	default:
		io.WriteString(w, `{"RequestId":"r","Done":true}`)
	}
}
