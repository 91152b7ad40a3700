package fctask_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/acs"
	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/fctask"
)

// service simulates Function Compute: it returns the same response to every invocation, and records
// the calls.
type service struct {
	status int
	header map[string]string
	body   string
	asked  string // response to a query of a task's state

	path, query, kind, id, payload, action, version, content string
	calls                                                    int
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Fc-Request-Id", "req-1")
	if r.Method == http.MethodGet {
		s.action, s.path = r.Header.Get("X-Acs-Action"), r.URL.EscapedPath()
		if s.asked == "" {
			w.WriteHeader(http.StatusNotFound)
		}
		io.WriteString(w, s.asked)
		return
	}
	s.calls++
	s.path, s.query, s.payload = r.URL.EscapedPath(), r.URL.RawQuery, string(body)
	s.kind, s.id = r.Header.Get("X-Fc-Invocation-Type"),
		r.Header.Get("X-Fc-Async-Task-Id")+r.Header.Get("X-Fc-Stateful-Async-Invocation-Id")
	s.action, s.version, s.content = r.Header.Get("X-Acs-Action"), r.Header.Get("X-Acs-Version"),
		r.Header.Get("Content-Type")
	for k, v := range s.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(s.status)
	io.WriteString(w, s.body)
}

type recorder map[string]task.InvocationRecord

func (n recorder) Record(_ context.Context, id string, note task.InvocationRecord) error {
	if n == nil {
		return errors.New("store unreachable")
	}
	n[id] = note
	return nil
}

func runner(
	t *testing.T, s *service, n task.InvocationRecorder, mappings ...fctask.Mapping,
) *fctask.Runner {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return fctask.New(fctask.Options{
		Client: acs.NewClient(alibaba.Static(alibaba.Credentials{AccessKeyID: "a",
			AccessKeySecret: "b"}),
			nil), Recorder: n, Mappings: mappings,
		Endpoints: acs.Endpoints{
			Account: "123", Region: "cn-hangzhou",
			Override: func(string) string { return server.URL },
		}})
}

func request(parameters string) task.Request {
	return task.Request{
		Action: fctask.Action, Account: "mine", Region: "local", Key: "k1", Token: "tok",
		Parameters: json.RawMessage(parameters),
	}
}

func TestSync(t *testing.T) {
	s := &service{
		status: 200, body: `{"paid":true}`,
		header: map[string]string{"Content-Type": "application/json", "X-Fc-Log-Result": "bG9n"},
	}
	r := runner(t, s, nil)
	got := r.Run(t.Context(),
		request(
			`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Sync","body":{"n":1}}`,
		))
	const want = `{"Body":{"paid":true},"Code":200,"Header":{"Content-Type":"application/json",` +
		`"X-Fc-Request-Id":"req-1"}}`
	if got.Error != nil || string(got.Output) != want {
		t.Errorf("%s %v", got.Output, got.Error)
	}
	if s.path != "/2023-03-30/functions/charge/invocations" || s.query != "" || s.kind != "Sync" ||
		s.payload != `{"n":1}` || s.id != "" ||
		s.action != "InvokeFunction" || s.version != "2023-03-30" ||
		s.content != "application/octet-stream" {
		t.Errorf("asked %+v", s)
	}
	for body, payload := range map[string]string{
		`"{\"a\":1}"`: `{"a":1}`, `"plain"`: `plain`, `null`: ``, `[1]`: `[1]`,
	} {
		r.Run(t.Context(),
			request(`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Sync","body":`+
				body+`}`))
		if s.payload != payload {
			t.Errorf("body %s was sent as %s", body, s.payload)
		}
	}
	s.body = ""
	if got := r.Run(t.Context(),
		request(
			`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Sync"}`,
		)); !strings.Contains(string(got.Output), `"Body":null`) {
		t.Errorf("%s", got.Output)
	}
}

// TestResources: the resource name determines the API, the function and its version.
func TestResources(t *testing.T) {
	s := &service{status: 200, body: `1`}
	r := runner(t, s, nil, fctask.Mapping{
		Match: "old-*", Function: "acs:fc:::functions/new-{name}/live",
	})
	for _, c := range []struct{ resource, want string }{
		{"acs:fc:::functions/f", "/2023-03-30/functions/f/invocations?"},
		{"acs:fc:::functions/f/LATEST", "/2023-03-30/functions/f/invocations?"},
		{
			"acs:fc:cn-beijing:9:functions/f/live",
			"/2023-03-30/functions/f/invocations?qualifier=live",
		},
		{"acs:fc:::functions/s$f", "/2023-03-30/functions/s%24f/invocations?"},
		{
			"acs:fc:::services/s/functions/f",
			"/2021-04-06/services/s/functions/f/invocations?",
		},
		{
			"acs:fc:::services/s.LATEST/functions/f",
			"/2021-04-06/services/s/functions/f/invocations?",
		},
		{
			"acs:fc:::services/s.2/functions/f",
			"/2021-04-06/services/s/functions/f/invocations?qualifier=2",
		},
		{
			"acs:fc:::services/s.alias/functions/old-fn",
			"/2023-03-30/functions/new-old-fn/invocations?qualifier=live",
		},
	} {
		q := request(`{"resourceArn":"` + c.resource + `","invocationType":"Sync"}`)
		got := r.Run(t.Context(), q)
		if got.Error != nil || s.path+"?"+s.query != c.want {
			t.Errorf("%s: %s?%s, want %s; %v", c.resource, s.path, s.query, c.want, got.Error)
		}
	}
}

// TestTexts: a result that is not text fails the task, unless the result does not count.
func TestTexts(t *testing.T) {
	s := &service{status: 200, body: "\xff", header: map[string]string{"Content-Type": "image/png"}}
	r := runner(t, s, nil)
	q := request(`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Sync"}`)
	if got := r.Run(t.Context(), q); got.Error == nil || got.Error.Name != flow.ErrInvalidLocal ||
		!strings.Contains(got.Error.Cause, `Content-Type "image/png"`) {
		t.Errorf("%s %v", got.Output, got.Error)
	}
	q.Mode = flow.WaitForCustomCallback
	if got := r.Run(t.Context(), q); got.Error != nil ||
		!strings.HasPrefix(string(got.Output), `{"Body":null,"Code":200,`) {
		t.Errorf("%s %v", got.Output, got.Error)
	}
	q.Mode, s.body, s.header = flow.RequestComplete, "{\"\xd6\xd0\":1}", map[string]string{
		"Content-Type": "application/json; charset=gbk",
	}
	if got := r.Run(t.Context(), q); got.Error != nil ||
		!strings.HasPrefix(string(got.Output), `{"Body":{"中":1},`) {
		t.Errorf("%s %v", got.Output, got.Error)
	}
}

func TestFlowV1(t *testing.T) {
	s := &service{status: 200, body: `{"a":1}`}
	r := runner(t, s, nil)
	q := task.Request{
		Action: fctask.Action, Dialect: flow.FlowV1,
		Resource: "acs:fc:cn-hangzhou:1:services/s.LATEST/functions/charge",
		Input:    json.RawMessage(`{"in":1}`),
	}
	if got := r.Run(t.Context(), q); got.Error != nil || string(got.Output) != `{"a":1}` ||
		s.payload != `{"in":1}` {
		t.Errorf("%s %v %s", got.Output, got.Error, s.payload)
	}
	q.Mode = flow.WaitForCustomCallback
	if got := r.Run(t.Context(), q); string(got.Output) != "{}" {
		t.Errorf("a callback task's call: %s %v", got.Output, got.Error)
	}
	q.Mode, s.body = flow.RequestComplete, "text"
	if got := r.Run(t.Context(), q); got.Error == nil || got.Error.Name != "FnF.InvalidLocal" {
		t.Errorf("%s %v", got.Output, got.Error)
	}
	s.status, s.body = 202, ""
	q.Parameters = json.RawMessage(
		`{"InvocationType":"Async","StatefulAsyncInvocationID":"mine_1"}`,
	)
	if got := r.Run(t.Context(), q); string(got.Output) != "{}" || s.id != "mine_1" ||
		s.kind != "Async" {
		t.Errorf("%s %v %s", got.Output, got.Error, s.id)
	}
	n := recorder{}
	q.Mode, r.Recorder = flow.WaitForSystemCallback, n
	if got := r.Run(t.Context(), q); got.Error != nil || len(n) != 2 ||
		n["mine_1"].Dialect != task.RecordedDialect(flow.FlowV1) ||
		n["req-1"].Dialect != task.RecordedDialect(flow.FlowV1) {
		t.Errorf("%v %v", got.Error, n)
	}
	s.status, s.body = 409, `{"Code":"AsyncTaskAlreadyExists","Message":"m"}`
	clear(n)
	if got := r.Run(t.Context(), q); got.Error == nil ||
		got.Error.Name != "FC.AsyncTaskAlreadyExists" || len(n) != 0 {
		t.Errorf("an id of the flow's that is taken: %v %v", got.Error, n)
	}
}

func TestFailures(t *testing.T) {
	tests := []struct {
		status            int
		header            map[string]string
		body, name, cause string
	}{
		{
			200, map[string]string{"X-Fc-Error-Type": "UnhandledInvocationError"},
			`{"errorType":"NoFunds","errorMessage":"none left"}`, "NoFunds", "none left",
		},
		{
			200, map[string]string{"X-Fc-Error-Type": "FunctionTimedOut"},
			`{"errorMessage":"Function time out after 3 seconds"}`, "FC.Unknown", "time out",
		},
		{
			200, map[string]string{"X-Fc-Error-Type": "UnhandledInvocationError"}, `not json`,
			"FC.Unknown", "not json",
		},
		{
			404, nil, `{"Code":"FunctionNotFound","Message":"function 'f' does not exist"}`,
			"FC.FunctionNotFound", "acs:fc:cn-hangzhou:123:functions/charge",
		},
		{
			429, nil, `{"errorCode":"ResourceExhausted","errorMessage":"busy"}`,
			"FC.ResourceExhausted", "busy",
		},
		{429, nil, ``, "FC.ResourceExhausted", "429"},
		{503, nil, `<html>`, "FC.InternalServerError", "503"},
		{
			403, nil, `{"Code":"AccessDenied","Message":"no"}`, "FC.AccessDenied",
			"fc:InvokeFunction",
		},
		{
			403, nil, `{"Code":"InvalidSecurityToken.Expired","Message":"expired"}`,
			"FC.InvalidSecurityToken.Expired", "expired",
		},
		{499, nil, `{}`, "FC.Unknown", "499"},
		{301, map[string]string{"Location": "http://127.0.0.1:1"}, ``, "FC.Unknown", "301"},
	}
	for _, test := range tests {
		got := runner(t, &service{status: test.status, header: test.header, body: test.body},
			nil).Run(t.Context(),
			request(`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Sync"}`))
		if got.Error == nil || got.Error.Name != test.name ||
			!strings.Contains(got.Error.Cause, test.cause) {
			t.Errorf("%d %v: %v, want %s", test.status, test.header, got.Error, test.name)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if got := runner(t, &service{status: 200}, nil).Run(ctx,
		request(
			`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Sync"}`,
		)); got.Error == nil ||
		got.Error.Name != "FC.Unknown" {
		t.Errorf("a call that was cut off: %v", got.Error)
	}
	r := runner(t, &service{status: 200}, nil)
	r.Client = acs.NewClient(alibaba.Static(alibaba.Credentials{}), nil)
	if got := r.Run(t.Context(),
		request(
			`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Sync"}`,
		)); got.Error == nil ||
		got.Error.Name != "FC.AccessDenied" {
		t.Errorf("without credentials: %v", got.Error)
	}
}

func TestWrongRequests(t *testing.T) {
	s := &service{status: 200}
	r := runner(t, s, nil)
	for _, parameters := range []string{`7`, `{}`, `{"resourceArn":7}`,
		`{"resourceArn":"acs:oss:::x"}`, `{"resourceArn":"acs:fc:::functions/a b"}`,
		`{"resourceArn":"acs:fc:::functions/f","invocationType":"Later"}`,
		`{"resourceArn":"acs:fc:cn.evil.example:1:functions/f"}`,
		`{"resourceArn":"acs:fc::1.evil:functions/f"}`,
		`{"resourceArn":"acs:fc:::functions/../x"}`} {
		if got := r.Run(t.Context(), request(parameters)); got.Error == nil ||
			got.Error.Name != "FC.InvalidArgument" || s.calls != 0 {
			t.Errorf("%s: %v", parameters, got.Error)
		}
	}
	q := request(`{"StatefulAsyncInvocationID":"1-is/no:id"}`)
	q.Dialect, q.Resource = flow.FlowV1, "acs:fc:::functions/f"
	if got := r.Run(t.Context(), q); got.Error == nil || got.Error.Name != "FC.InvalidArgument" {
		t.Errorf("%v", got.Error)
	}
}

func TestInvoke(t *testing.T) {
	s := &service{status: 202}
	r := runner(t, s, nil)
	if err := r.Invoke(t.Context(), "steprunner", "live", []byte(`{"v":1}`)); err != nil ||
		s.kind != "Async" || s.payload != `{"v":1}` || s.query != "qualifier=live" {
		t.Errorf("%v %+v", err, s)
	}
	s.status, s.body = 403, `{"Code":"AccessDenied","Message":"no"}`
	if err := r.Invoke(t.Context(), "steprunner", "", nil); err == nil ||
		!strings.Contains(err.Error(), "fc:InvokeFunction") {
		t.Errorf("%v", err)
	}
	r.Endpoints.Account = ""
	if err := r.Invoke(t.Context(), "steprunner", "", nil); err == nil ||
		!strings.Contains(err.Error(), "ALIBABA_CLOUD_ACCOUNT_ID") {
		t.Errorf("%v", err)
	}
}

func FuzzRun(f *testing.F) {
	f.Add(`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Sync","body":"{}"}`,
		"acs:fc:::functions/charge", true)
	f.Add(
		`{"resourceArn":"acs:fc:x:y:services/a.b/functions/c","InvocationType":"async",`+
			`"StatefulAsyncInvocationID":"i"}`, "", false,
	)
	refusing := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(r.URL.Host, ".fc.aliyuncs.com") {
			f.Errorf("a call to %s", r.URL.Host)
		}
		return nil, errors.New("refused")
	})}
	r := fctask.New(fctask.Options{
		Client: acs.NewClient(alibaba.Static(alibaba.Credentials{AccessKeyID: "a",
			AccessKeySecret: "b"}),
			refusing), Endpoints: acs.Endpoints{Account: "1", Region: "cn-x"},
	})
	f.Fuzz(func(t *testing.T, parameters, resource string, flowV1 bool) {
		got := r.Run(context.Background(), task.Request{
			Action: fctask.Action, Parameters: json.RawMessage(parameters), Resource: resource,
			Dialect: dialect(flowV1),
		})
		if got.Error == nil || got.Error.Name == "" {
			t.Fatal("a refused call succeeded")
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// dialect returns FlowV1 or StateMachine.
func dialect(flowV1 bool) flow.Dialect {
	if flowV1 {
		return flow.FlowV1
	}
	return flow.StateMachine
}
