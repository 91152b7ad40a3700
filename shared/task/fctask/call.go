package fctask

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"millrace/shared/alibaba/acs"
	"millrace/shared/task"
	"millrace/shared/value"
)

// invokeRequest is a parsed call of FC:InvokeFunction.
type invokeRequest struct {
	function *task.Function
	endpoint string
	async    bool
	event    []byte
	asyncID  string // id that the flow chose for the asynchronous task; FlowV1 only
}

// parse reads the request in either dialect.
func (t *Runner) parse(r *task.Request) (*invokeRequest, error) {
	v, err := task.ReadInvocation(r)
	if err != nil {
		return nil, err
	}
	c := &invokeRequest{event: v.Event, asyncID: v.AsyncID}
	if !isTaskID(c.asyncID) && c.asyncID != "" {
		return nil, fmt.Errorf(
			"StatefulAsyncInvocationID %q is no id: letters, digits, - and _, the first no digit",
			value.Cut(c.asyncID, 40),
		)
	}
	if ownTaskID.MatchString(c.asyncID) {
		return nil, fmt.Errorf(
			"StatefulAsyncInvocationID %s is like those that the engine makes itself; take another",
			c.asyncID,
		)
	}
	if c.async, err = task.IsAsync(r, v.Type); err != nil {
		return nil, err
	}
	return c, t.resolve(c, r, v.ResourceArn)
}

// resolve sets the function to call and its endpoint.
func (t *Runner) resolve(c *invokeRequest, r *task.Request, resource string) (err error) {
	if c.function, err = task.ParseFunction(resource, r.Region, r.Account); err != nil {
		return err
	}
	for i := range t.Mappings {
		if m := &t.Mappings[i]; c.function.Matches(m.Match) {
			resource = strings.ReplaceAll(m.Function, "{name}", c.function.Name)
			break
		}
	}
	// In a resource name, an empty region or account means the cloud's own, whatever the engine
	// calls its region and accounts.
	if c.function, err = task.ParseFunction(resource, t.Endpoints.Region,
		t.Endpoints.Account); err != nil {
		return err
	}
	c.endpoint, err = t.Endpoints.Functions(c.function.Region, c.function.Account)
	return err
}

// isTaskID reports whether the service accepts s as the id of an asynchronous task.
func isTaskID(s string) bool {
	if s == "" || !task.IsFunctionPart(s) || strings.ContainsAny(s, ".$") {
		return false
	}
	return s[0] != '-' && (s[0] < '0' || s[0] > '9')
}

// ownTaskID matches the ids that taskID returns. A flow must not choose such an id, because the
// engine trusts a result under it without asking the service.
var ownTaskID = regexp.MustCompile(`^(?i)m_[0-9a-f]{32}$`)

// taskID returns the id of the asynchronous task of an attempt. It is the same for every call of
// the attempt.
func taskID(r *task.Request) string {
	sum := sha256.Sum256([]byte("async\x00" + r.Key))
	return "m_" + hex.EncodeToString(sum[:16])
}

// Versions of the API: for functions of FC 3, and for functions of services.
const (
	version3 = "2023-03-30"
	version2 = "2021-04-06"
)

// path returns the function's path in its API, and the version of that API.
func (c *invokeRequest) path() (path, version string) {
	if f := c.function; f.Service != "" {
		return "/" + version2 + "/services/" + acs.Escape(f.Service) + "/functions/" +
			acs.Escape(f.Name), version2
	}
	return "/" + version3 + "/functions/" + acs.Escape(c.function.Name), version3
}

// request returns the call that invokes the function. id is the id of an asynchronous task, "" if
// there is none.
func (c *invokeRequest) request(kind, id string) *acs.Request {
	path, version := c.path()
	q := &acs.Request{Endpoint: c.endpoint, Method: http.MethodPost, Path: path + "/invocations",
		Query: c.query(), Action: "InvokeFunction", Version: version,
		ContentType: "application/octet-stream", Body: c.event, Header: http.Header{
			"X-Fc-Invocation-Type": {kind}, "X-Fc-Log-Type": {"None"},
		}}
	if id != "" {
		name := "X-Fc-Async-Task-Id"
		if version == version2 {
			name = "X-Fc-Stateful-Async-Invocation-Id"
		}
		q.Header[name] = []string{id}
	}
	return q
}

// statusRequest returns the call that queries the state of an asynchronous task.
func (c *invokeRequest) statusRequest(id string) *acs.Request {
	path, version := c.path()
	q := &acs.Request{
		Endpoint: c.endpoint, Method: http.MethodGet, Path: path + "/async-tasks/" + acs.Escape(id),
		Query: c.query(), Action: "GetAsyncTask", Version: version,
	}
	if version == version2 {
		q.Path, q.Action = path+"/stateful-async-invocations/"+acs.Escape(id),
			"GetStatefulAsyncInvocation"
	}
	return q
}

func (c *invokeRequest) query() url.Values {
	if q := apiQualifier(c.function.Qualifier); q != "" {
		return url.Values{"qualifier": {q}}
	}
	return nil
}
