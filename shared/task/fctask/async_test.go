package fctask_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/acs"
	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/fctask"
)

func TestAsync(t *testing.T) {
	s := &service{status: 202, header: map[string]string{"X-Fc-Async-Task-Id": "x"}}
	n := recorder{}
	r := runner(t, s, n)
	q := request(`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Async","body":{}}`)
	got := r.Run(t.Context(), q)
	if got.Error != nil || got.Async || s.kind != "Async" || s.id != "" ||
		!strings.Contains(string(got.Output), `"Code":202`) || len(n) != 0 {
		t.Errorf("%s %v, notes %v", got.Output, got.Error, n)
	}
	q.Mode = flow.WaitForSystemCallback
	got = r.Run(t.Context(), q)
	want := task.InvocationRecord{
		Account: "mine", Token: "tok", Action: fctask.Action,
		Function: "acs:fc:cn-hangzhou:123:functions/charge/LATEST",
	}
	if got.Error != nil || got.Async || len(n) != 2 || n["req-1"] != want || n[s.id] != want ||
		!strings.HasPrefix(s.id, "m_") {
		t.Errorf("%v, notes %v, id %s", got.Error, n, s.id)
	}
	first := s.id
	if r.Run(t.Context(), q); s.id != first {
		t.Errorf("the id of the same attempt is %s, then %s", first, s.id)
	}
	if q.Key = "k2"; true {
		if r.Run(t.Context(), q); s.id == first {
			t.Error("two attempts have one id")
		}
	}
	before := s.calls
	if got := runner(t, s, recorder(nil)).Run(t.Context(), q); got.Error == nil ||
		got.Error.Name != "FC.InternalServerError" || s.calls != before {
		t.Errorf("a note that was not taken: %v", got.Error)
	}
	if got := runner(t, s, nil).Run(t.Context(), q); got.Error == nil ||
		got.Error.Name != "FC.InvalidArgument" {
		t.Errorf("nobody takes notes: %v", got.Error)
	}
	q.Parameters = json.RawMessage(
		`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Sync"}`,
	)
	if got := r.Run(t.Context(), q); got.Error == nil || got.Error.Name != "FC.InvalidArgument" {
		t.Errorf("waiting for a synchronous call: %v", got.Error)
	}
}

// TestEndsAreReadByTheEngine: results of invocations are queried with the engine's own role, so the
// role of tasks does not need that permission. Every call that a flow makes is signed with the role
// of tasks. If the service rejects a repeated call, the first call's task is queried.
func TestEndsAreReadByTheEngine(t *testing.T) {
	var signed []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, key, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		key, _, _ = strings.Cut(key, ",")
		signed = append(signed, r.Header.Get("X-Acs-Action")+" "+key)
		if r.Method == http.MethodGet {
			io.WriteString(w, `{"status":"Succeeded","returnPayload":"{}"}`)
			return
		}
		w.WriteHeader(http.StatusConflict)
		io.WriteString(w, `{"Code":"AsyncTaskAlreadyExists"}`)
	}))
	t.Cleanup(server.Close)
	as := func(key string) *acs.Client {
		return acs.NewClient(alibaba.Static(alibaba.Credentials{AccessKeyID: key,
			AccessKeySecret: "s"}),
			nil)
	}
	r := fctask.New(fctask.Options{Client: as("tasks"), Engine: as("engine"), Recorder: recorder{},
		Endpoints: acs.Endpoints{
			Account: "123", Region: "cn-hangzhou",
			Override: func(string) string { return server.URL },
		}})
	q := request(`{"resourceArn":"acs:fc:::functions/f","invocationType":"Async"}`)
	q.Mode = flow.WaitForSystemCallback
	if got := r.Run(t.Context(), q); got.Error != nil || !got.Async {
		t.Errorf("%+v", got)
	}
	if _, over, err := r.QueryResult(t.Context(), task.InvocationRecord{Action: fctask.Action,
		Function: "acs:fc:cn-hangzhou:123:functions/f"}, "order-7"); !over || err != nil {
		t.Error(over, err)
	}
	if want := []string{"InvokeFunction tasks", "GetAsyncTask engine",
		"GetAsyncTask engine"}; !slices.Equal(signed, want) {
		t.Errorf("signed %v, want %v", signed, want)
	}
}

func TestRepeatedCall(t *testing.T) {
	const status = `{"taskId":"m","status":"%","requestId":"req-0","returnPayload":"{\"a\":1}"}`
	tests := []struct{ asked, output, failed string }{
		{strings.Replace(status, "%", "Running", 1), `"Code":202`, ""},
		{strings.Replace(status, "%", "Succeeded", 1), `"Body":{"a":1},"Code":200`, ""},
		{
			`{"status":"Failed","taskErrorMessage":"UnhandledInvocationError","returnPayload":` +
				`"{\"errorType\":\"NoFunds\",\"errorMessage\":\"m\"}"}`, "", "NoFunds",
		},
		{`{"status":"Expired","requestId":"req-0"}`, "", "FC.Unknown"},
		{"", `"Code":202`, ""},
		{"<", `"Code":202`, ""},
	}
	for _, resource := range []string{"functions/f", "services/s/functions/f"} {
		for _, test := range tests {
			n := recorder{}
			s := &service{status: 409, body: `{"Code":"AsyncTaskAlreadyExists"}`, asked: test.asked}
			q := request(`{"resourceArn":"acs:fc:::` + resource + `","invocationType":"Async"}`)
			q.Mode = flow.WaitForSystemCallback
			got := runner(t, s, n).Run(t.Context(), q)
			name := ""
			if got.Error != nil {
				name = got.Error.Name
			}
			over := test.failed != "" || strings.Contains(test.output, "200")
			if name != test.failed || !strings.Contains(string(got.Output), test.output) ||
				got.Async != over {
				t.Errorf("%s: %s %v %v", test.asked, got.Output, got.Error, got.Async)
			}
			if strings.Contains(test.asked, "Running") && n["req-0"].Token != "tok" {
				t.Errorf("notes %v", n)
			}
			want := "/2023-03-30/functions/f/async-tasks/m_"
			if resource == "services/s/functions/f" {
				want = "/2021-04-06/services/s/functions/f/stateful-async-invocations/m_"
			}
			if !strings.HasPrefix(s.path, want) {
				t.Errorf("asked %s", s.path)
			}
		}
	}
}
