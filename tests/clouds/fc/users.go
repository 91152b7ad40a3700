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

	harness "millrace/tests/clouds/emulators/alibaba/fc"
)

// User is a user's function: it gets the event and returns a result, or an error document.
type User func(event []byte) (response string, failed bool)

// Users replaces Function Compute's API with the functions of users, next to those of the engine,
// and the other APIs that flows call. Outcomes of asynchronous invocations go to the engine's
// queue, in the form of their destination.
type Users struct {
	// ByTask makes outcomes contain the id of the task instead of the request's. It is not known
	// which of the two the service uses.
	ByTask bool
	// Accepted is called when an asynchronous invocation has been accepted. If it returns true, the
	// connection breaks before the caller knows. nil: nothing happens.
	Accepted func() bool

	stack  *Stack
	engine *harness.Service

	mu   sync.Mutex
	keys sync.RWMutex // of engine.Keys, and of callers
	// who may call functions and APIs that are not the engine's: the role of tasks
	callers   harness.Service
	functions map[string]User
	tasks     map[string]*invocation // by the function and the id that the caller gave
	calls     []string               // of other APIs: action and parameters
	n         int
}

// invocation is an asynchronous invocation.
type invocation struct{ request, status, output string }

// Add deploys a function. Its name may be that of a version: name/qualifier, or service/name.
func (u *Users) Add(name string, f User) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.functions[name] = f
}

// Calls returns the calls of other APIs.
func (u *Users) Calls() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]string{}, u.calls...)
}

// setKeys sets who may invoke the engine's functions, and who may call everything else.
func (u *Users) setKeys(engine, tasks []harness.Credentials) {
	u.keys.Lock()
	defer u.keys.Unlock()
	for s, keys := range map[*harness.Service][]harness.Credentials{u.engine: engine,
		&u.callers: tasks} {
		s.Keys, s.Tokens = map[string]string{}, map[string]string{}
		for _, k := range keys {
			s.Keys[k.ID], s.Tokens[k.ID] = k.Secret, k.Token
		}
	}
}

// admit checks that a call is signed with the role of tasks, and refuses it otherwise. Calls of
// EventBridge have another signature, of which only the key and the token are checked.
func (u *Users) admit(w http.ResponseWriter, r *http.Request, body []byte) bool {
	u.keys.RLock()
	defer u.keys.RUnlock()
	code := ""
	if strings.HasPrefix(r.Header.Get("Authorization"), "acs:") {
		token, known := u.callers.Tokens[r.Header.Get("X-Acs-Accesskey-Id")]
		if !known || token != r.Header.Get("X-Acs-Security-Token") {
			code = "InvalidAccessKeyId.NotFound"
		}
	} else {
		code, _ = u.callers.Authenticate(r, body)
	}
	if code == "" {
		return true
	}
	w.WriteHeader(http.StatusForbidden)
	json.NewEncoder(w).Encode(map[string]string{"Code": code,
		"Message": "the role of tasks has not signed this", "RequestId": "r"})
	return false
}

// admitEngine checks that the engine's own role has signed a request for the end of an asynchronous
// invocation, and refuses it otherwise.
func (u *Users) admitEngine(w http.ResponseWriter, r *http.Request) bool {
	u.keys.RLock()
	defer u.keys.RUnlock()
	code, _ := u.engine.Authenticate(r, nil)
	if code == "" {
		return true
	}
	w.WriteHeader(http.StatusForbidden)
	json.NewEncoder(w).Encode(map[string]string{"Code": code,
		"Message": "the engine has not signed this", "RequestId": "r"})
	return false
}

// nameOf returns the name of the function that a path and a qualifier mean.
func nameOf(r *http.Request) string {
	path := strings.TrimSuffix(r.URL.Path, "/invocations")
	name, ok := strings.CutPrefix(path, "/2023-03-30/functions/")
	if !ok {
		name = strings.ReplaceAll(strings.TrimPrefix(path, "/2021-04-06/services/"), "/functions/",
			"/")
	}
	if q := r.URL.Query().Get("qualifier"); q != "" {
		name += "/" + q
	}
	return name
}

// arnOf returns the resource name of the invoked function in the form of a record.
func arnOf(r *http.Request) string {
	resource, qualifier := "functions/"+functionOf(r.URL.Path), r.URL.Query().Get("qualifier")
	path := strings.TrimPrefix(r.URL.Path, "/2021-04-06/services/")
	service, _, ok := strings.Cut(path, "/functions/")
	if ok && strings.HasPrefix(r.URL.Path, "/2021-04-06/") {
		if qualifier == "" {
			qualifier = "LATEST"
		}
		resource = "services/" + service + "." + qualifier + "/functions/" + functionOf(r.URL.Path)
	} else if qualifier != "" {
		resource += "/" + qualifier
	}
	return "acs:fc:" + harness.Region + ":" + harness.AccountID + ":" + resource
}

// functionOf returns the function that a path means, whatever its version.
func functionOf(path string) string {
	_, name, _ := strings.Cut(strings.TrimSuffix(path, "/invocations"), "/functions/")
	return name
}

// ServeHTTP implements http.Handler.
func (u *Users) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if path, id, ok := strings.Cut(strings.Replace(r.URL.Path, "/stateful-async-invocations/",
		"/async-tasks/", 1), "/async-tasks/"); ok {
		if u.admitEngine(w, r) {
			u.task(w, functionOf(path), id)
		}
		return
	}
	if !strings.HasSuffix(r.URL.Path, "/invocations") {
		u.other(w, r)
		return
	}
	name, function := nameOf(r), functionOf(r.URL.Path)
	u.mu.Lock()
	f := u.functions[name]
	u.n++
	id := fmt.Sprintf("1-%08x-%d", time.Now().Unix(), u.n)
	u.mu.Unlock()
	if f == nil && !u.engine.Has(function) {
		if event, _ := io.ReadAll(r.Body); u.admit(w, r, event) {
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w,
				`{"Code":"FunctionNotFound","Message":"the function does not exist",`+
					`"RequestId":"r"}`)
		}
		return
	}
	if f == nil { // the engine's; it also checks the signature
		u.keys.RLock()
		defer u.keys.RUnlock()
		u.engine.ServeHTTP(w, r)
		return
	}
	event, _ := io.ReadAll(r.Body)
	if !u.admit(w, r, event) {
		return
	}
	w.Header().Set("X-Fc-Request-Id", id)
	if r.Header.Get("X-Fc-Invocation-Type") == "Async" {
		u.async(w, r, function, id, event, f)
		return
	}
	response, failed := f(event)
	if failed {
		w.Header().Set("X-Fc-Error-Type", "UnhandledInvocationError")
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	io.WriteString(w, response)
}

// async accepts an asynchronous invocation, unless one with its id was accepted before.
func (u *Users) async(w http.ResponseWriter, r *http.Request, function, id string,
	event []byte, f User) {
	asked := r.Header.Get("X-Fc-Async-Task-Id") + r.Header.Get("X-Fc-Stateful-Async-Invocation-Id")
	key := ""
	if asked != "" {
		key = function + " " + asked
	}
	if !u.take(key, id) {
		w.WriteHeader(http.StatusConflict)
		io.WriteString(w, `{"Code":"AsyncTaskAlreadyExists","Message":"exists"}`)
		return
	}
	if u.ByTask && asked != "" {
		id = asked
	}
	go u.later(arnOf(r), key, id, event, f)
	if u.Accepted != nil && u.Accepted() {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusAccepted)
}

// take stores an asynchronous invocation; it returns false if there is one with its id.
func (u *Users) take(key, id string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if key == "" {
		return true
	}
	if u.tasks[key] != nil {
		return false
	}
	u.tasks[key] = &invocation{request: id, status: "Running"}
	return true
}

// task answers with the status of an asynchronous invocation.
func (u *Users) task(w http.ResponseWriter, function, id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	i := u.tasks[function+" "+id]
	if i == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	json.NewEncoder(w).Encode(map[string]string{"taskId": id, "status": i.status,
		"requestId": i.request, "returnPayload": i.output})
}

// later runs an asynchronous invocation and sends its outcome.
func (u *Users) later(arn, key, id string, event []byte, f User) {
	response, failed := f(event)
	u.mu.Lock()
	if i := u.tasks[key]; i != nil {
		i.status, i.output = map[bool]string{true: "Failed", false: "Succeeded"}[failed], response
	}
	u.mu.Unlock()
	condition, functionError := "", ""
	if failed {
		condition, functionError = "RetriesExhausted", "UnhandledInvocationError"
	}
	record := map[string]any{"timestamp": time.Now().UnixMilli(),
		"requestContext": map[string]any{"requestId": id, "functionArn": arn,
			"condition": condition, "approximateInvokeCount": 1},
		"requestPayload":  string(event),
		"responseContext": map[string]any{"statusCode": 200, "functionError": functionError},
		"responsePayload": response}
	text, err := json.Marshal(record)
	if err != nil {
		panic(err) // only texts and numbers
	}
	u.stack.Send(string(text))
}

// other answers a call of another API.
func (u *Users) other(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if !u.admit(w, r, body) {
		return
	}
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
