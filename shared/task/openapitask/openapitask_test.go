package openapitask_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/acs"
	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/openapitask"
)

// api is a service that returns the same response to every call and records the calls.
type api struct {
	status   int
	response string

	calls  int
	method string
	values url.Values
	header http.Header
	path   string
	body   string
}

func (s *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	s.calls++
	s.values, s.header, s.path, s.body, s.method = r.URL.Query(), r.Header, r.URL.EscapedPath(),
		string(text), r.Method
	if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		s.values, _ = url.ParseQuery(s.body)
	}
	w.Header().Set("X-Acs-Request-Id", "r1")
	w.WriteHeader(s.status)
	io.WriteString(w, s.response)
}

func service(t *testing.T, s *api) openapitask.Service {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	key := alibaba.Credentials{AccessKeyID: "a", AccessKeySecret: "b"}
	return openapitask.Service{
		Client: acs.NewClient(alibaba.Static(key), nil),
		Endpoints: acs.Endpoints{
			Account: "123", Region: "cn-hangzhou",
			Override: func(string) string { return server.URL },
		},
	}
}

func TestAny(t *testing.T) {
	s := &api{status: 200, response: `{"RequestId":"r","Instances":{"Instance":[]}}`}
	every := &openapitask.AnyProduct{
		Service:  service(t, s),
		Products: map[string]openapitask.Product{"widget": {Version: "2020-01-02"}},
	}
	got := every.Run(t.Context(), task.Request{
		Action: "ECS:DescribeInstances",
		Parameters: json.RawMessage(
			`{"RegionId":"cn-beijing","PageSize":10,"DryRun":true,"InstanceIds":"[\"i-1\"]",` +
				`"Tag":[{"Key":"a","Value":"b c"},{"Key":"d"}],"Filter":{"1":{"Key":"k"}},` +
				`"None":null}`,
		),
	})
	if got.Error != nil || string(got.Output) != s.response {
		t.Fatalf("%s %v", got.Output, got.Error)
	}
	want := url.Values{
		"RegionId": {"cn-beijing"}, "PageSize": {"10"}, "DryRun": {"true"},
		"InstanceIds": {`["i-1"]`}, "Tag.1.Key": {"a"}, "Tag.1.Value": {"b c"}, "Tag.2.Key": {"d"},
		"Filter.1.Key": {"k"},
	}
	if s.values.Encode() != want.Encode() {
		t.Errorf("%v", s.values)
	}
	if s.header.Get("X-Acs-Action") != "DescribeInstances" ||
		s.header.Get("X-Acs-Version") != "2014-05-26" ||
		!strings.HasPrefix(s.header.Get("Authorization"), "ACS3-HMAC-SHA256 Credential=a,") {
		t.Errorf("%v", s.header)
	}
	long := strings.Repeat("x", 5000)
	every.Run(t.Context(), task.Request{
		Action: "Widget:Make", Parameters: json.RawMessage(`{"Text":"` + long + `"}`),
	})
	if s.values.Get("Text") != long || len(s.body) < 5000 ||
		s.header.Get("X-Acs-Version") != "2020-01-02" {
		t.Errorf("a long parameter: %.40q", s.values.Get("Text"))
	}
	every.Run(t.Context(), task.Request{
		Action: "widget::Make", Parameters: json.RawMessage(`{"Version":"2021-03-04","n":1}`),
	})
	if s.header.Get("X-Acs-Version") != "2021-03-04" || s.values.Encode() != "n=1" {
		t.Errorf("%v %v", s.header, s.values)
	}
	flowV1 := task.Request{
		Action: "ocr:RecognizeIdentityCard", Dialect: flow.FlowV1,
		Parameters: json.RawMessage(`{"Side":"face"}`),
	}
	if got := every.Run(t.Context(), flowV1); got.Error != nil || string(got.Output) != s.response {
		t.Errorf("%s %v", got.Output, got.Error)
	}
	s.response = ""
	if got := every.Run(t.Context(), flowV1); string(got.Output) != "{}" {
		t.Errorf("%s", got.Output)
	}
	if got := every.Run(t.Context(), task.Request{Action: "ECS:X"}); string(got.Output) != "{}" {
		t.Errorf("%s %v", got.Output, got.Error)
	}
}

// TestPaths: the ROA style, with method and path from the flow or from the operator.
func TestPaths(t *testing.T) {
	s := &api{status: 200, response: `{"clusters":[]}`}
	every := &openapitask.AnyProduct{Service: service(t, s),
		Products: map[string]openapitask.Product{
			"widget": {
				Version: "2020-01-02", Style: "roa",
				Operations: map[string]string{
					"GetPart": "get /widgets/{WidgetId}/parts/[part]:raw",
				},
			}}}
	for _, test := range []struct{ action, parameters, method, path, version, query, body string }{
		{
			"CS:DescribeClusterNodes",
			`{"Path":"/clusters/{ClusterId}/nodes","ClusterId":"c 1/+é","pageSize":"10",` +
				`"RegionId":"cn-beijing","tags":[{"key":"a"}],"none":null}`,
			"GET", "/clusters/c%201%2F%2B%C3%A9/nodes", "2015-12-15",
			"RegionId=cn-beijing&pageSize=10&tags=%5B%7B%22key%22%3A%22a%22%7D%5D", ""},
		{
			"CS:CreateCluster", `{"Path":"/clusters","Body":{"name":"x"}}`, "POST", "/clusters",
			"2015-12-15", "", `{"name":"x"}`,
		},
		{
			"CS:ModifyCluster",
			`{"Path":"/api/v2/clusters/{n}","n":7,"Method":"put","body":"{\"a\": 1}"}`, "PUT",
			"/api/v2/clusters/7", "2015-12-15", "", `{"a": 1}`,
		},
		{
			"cs:DeleteCluster", `{"Path":"/clusters/c1","Method":"DELETE","Version":"2016-01-01"}`,
			"DELETE", "/clusters/c1", "2016-01-01", "", "",
		},
		{
			"FC:ListFunctions", `{"Path":"/2023-03-30/functions","limit":5}`, "GET",
			"/2023-03-30/functions", "2023-03-30", "limit=5", "",
		},
		{
			"ECS:X", `{"Path":"/a","Method":"b","Body":"c"}`, "POST", "/", "2014-05-26",
			"Body=c&Method=b&Path=%2Fa", "",
		},
		{
			"Widget:GetPart", `{"WidgetId":"w","part":"p"}`, "GET", "/widgets/w/parts/p%3Araw",
			"2020-01-02", "", "",
		},
	} {
		got := every.Run(t.Context(), task.Request{
			Action: test.action, Parameters: json.RawMessage(test.parameters),
		})
		if got.Error != nil || string(got.Output) != s.response {
			t.Errorf("%s %s: %s %v", test.action, test.parameters, got.Output, got.Error)
		}
		_, operation, _ := strings.Cut(test.action, ":")
		if s.method != test.method || s.path != test.path || s.values.Encode() != test.query ||
			s.body != test.body ||
			s.header.Get("X-Acs-Version") != test.version ||
			s.header.Get("X-Acs-Action") != operation {
			t.Errorf("%s %s: %s %s?%s %s %v", test.action, test.parameters, s.method, s.path,
				s.values.Encode(), s.body, s.header)
		}
		if want := test.body != ""; want != strings.HasPrefix(s.header.Get("Content-Type"),
			"application/json") {
			t.Errorf("%s: %v", test.action, s.header)
		}
	}
	s.status, s.response = 404, `{"code":"ErrorClusterNotFound","message":"gone","requestId":"r2"}`
	if got := every.Run(t.Context(), task.Request{Action: "CS:X",
		Parameters: json.RawMessage(`{"Path":"/x"}`)}); got.Error == nil ||
		got.Error.Name != "CS.ErrorClusterNotFound" || got.Error.Cause != "gone (request r2)" {
		t.Errorf("%v", got.Error)
	}
}

func TestAnyFailures(t *testing.T) {
	s := &api{status: 400, response: `{"Code":"Timeout","Message":"slow"}`}
	every := &openapitask.AnyProduct{Service: service(t, s)}
	for name, r := range map[string]task.Request{
		"ECS.Timeout": {Action: "ECS:DescribeInstances"},
		"ocr.Timeout": {Action: "ocr:Recognize", Dialect: flow.FlowV1},
	} {
		if got := every.Run(t.Context(), r); got.Error == nil || got.Error.Name != name ||
			!strings.Contains(got.Error.Cause, "slow") || !strings.Contains(got.Error.Cause, "r1") {
			t.Errorf("%v, want %s", got.Error, name)
		}
	}
	s.status, s.response = 403, `{"Code":"Forbidden.RAM","Message":"no."}`
	if got := every.Run(t.Context(), task.Request{Action: "ECS:X"}); got.Error == nil ||
		got.Error.Cause != "no. If a permission is missing, attach a policy that allows ecs:X "+
			"to the role of tasks. (request r1)" {
		t.Errorf("%v", got.Error)
	}
	s.status, s.response = 400, `{"Code":"InvalidSecurityToken.Expired","Message":"no."}`
	if got := every.Run(t.Context(), task.Request{Action: "ECS:X"}); got.Error == nil ||
		got.Error.Name != "ECS.InvalidSecurityToken.Expired" ||
		!strings.Contains(got.Error.Cause, "a later attempt takes fresh ones") {
		t.Errorf("%v", got.Error)
	}
	for status, name := range map[int]string{
		429: "ECS.ResourceThrottled", 500: "ECS.InternalServerError", 404: "ECS.Unknown",
	} {
		s.status, s.response = status, "<html>"
		if got := every.Run(t.Context(), task.Request{Action: "ECS:X"}); got.Error == nil ||
			got.Error.Name != name {
			t.Errorf("%d: %v", status, got.Error)
		}
	}
	before := s.calls
	for _, test := range []struct{ action, parameters, name string }{
		{"Gadget:Make", `{}`, "Gadget.ActionNotSupported"},
		{"Gadget:Make", `{"Version":"2020-02-02"}`, "Gadget.ActionNotSupported"},
		{
			"mybucket:Get",
			`{"Version":"2020-02-02","RegionId":"oss-cn-hangzhou","Path":"/any/object"}`,
			"mybucket.ActionNotSupported",
		},
		{"ECS:X", `{"RegionId":"oss-cn-hangzhou"}`, "ECS.InvalidArgument"},
		{"ECS:A/B", `{}`, "ECS.InvalidArgument"},
		{"ECS:", `{}`, "ECS.InvalidArgument"},
		{"ECS:X", `7`, "ECS.InvalidArgument"},
		{"ECS:X", `{"AccessKeyId":"x"}`, "ECS.InvalidArgument"},
		{"ECS:X", `{"a&b":"x"}`, "ECS.InvalidArgument"},
		{"ECS:X", `{"RegionId":"evil.example/"}`, "ECS.InvalidArgument"},
		{"evil.com/:X", `{"Version":"2014-05-26"}`, "evil.com/.ActionNotSupported"},
		{"OSS:PutObject", `{"Version":"2019-05-17"}`, "OSS.ActionNotSupported"},
		{"CS:DescribeClusters", `{}`, "CS.InvalidArgument"},
		{"CS:X", `{"Path":"clusters"}`, "CS.InvalidArgument"},
		{"CS:X", `{"Path":7}`, "CS.InvalidArgument"},
		{"CS:X", `{"Path":"/x?y=1"}`, "CS.InvalidArgument"},
		{"CS:X", `{"Path":"/x/../y"}`, "CS.InvalidArgument"},
		{"CS:X", `{"Path":"/x/{Id}","Id":".."}`, "CS.InvalidArgument"},
		{"CS:X", `{"Path":"/x/{Id}"}`, "CS.InvalidArgument"},
		{"CS:X", `{"Path":"/x/{Id}","Id":""}`, "CS.InvalidArgument"},
		{"CS:X", `{"Path":"/x/{Id}","Id":{}}`, "CS.InvalidArgument"},
		{"CS:X", `{"Path":"/x/{Id","Id":"a"}`, "CS.InvalidArgument"},
		{"CS:X", `{"Path":"/x","Method":"TRACE"}`, "CS.InvalidArgument"},
		{"CS:X", `{"Path":"/x","Method":7}`, "CS.InvalidArgument"},
		{"CS:X", `{"Path":"/x","Method":"GET","Body":{}}`, "CS.InvalidArgument"},
		{"CS:X", `{"Path":"/x","Signature":"x"}`, "CS.InvalidArgument"},
		{"CS:X", `{"Path":"/x","Version":"v1"}`, "CS.InvalidArgument"},
		{"CS:X", `{"Path":"/x","RegionId":"evil.example/"}`, "CS.InvalidArgument"},
		{"CS:X", `{"Path":"/` + strings.Repeat("x", 2048) + `"}`, "CS.InvalidArgument"},
		{"CS:X", `{"Path":"/{Id}","Id":"` + strings.Repeat("é", 4096) + `"}`, "CS.InvalidArgument"},
	} {
		if got := every.Run(t.Context(), task.Request{Action: test.action,
			Parameters: json.RawMessage(test.parameters)}); got.Error == nil ||
			got.Error.Name != test.name || s.calls != before {
			t.Errorf("%s %s: %v", test.action, test.parameters, got.Error)
		}
	}
	if got := every.Run(t.Context(), task.Request{Action: "gadget:Make",
		Dialect: flow.FlowV1}); got.Error == nil || got.Error.Name != "gadget.UnsupportedOperation" {
		t.Errorf("%v", got.Error)
	}
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if got := every.Run(ctx, task.Request{Action: "ECS:X"}); got.Error == nil ||
		got.Error.Name != "ECS.Unknown" {
		t.Errorf("%v", got.Error)
	}
	every.Client = acs.NewClient(alibaba.Static(alibaba.Credentials{}), nil)
	if got := every.Run(t.Context(), task.Request{Action: "ECS:X"}); got.Error == nil ||
		got.Error.Name != "ECS.AccessDenied" {
		t.Errorf("%v", got.Error)
	}
}

func TestProducts(t *testing.T) {
	for name, p := range map[string]openapitask.Product{"a-b": {Version: "2014-05-26"}, "ecs": {
		Version: "2014-05-26", Host: "x.{region}.aliyuncs.com",
	},
		"cs": {
			Version: "2014-05-26", Style: "roa",
			Operations: map[string]string{"Get": "GET /x/{Id}"},
		}} {
		if err := p.Check(name); err != nil {
			t.Error(err)
		}
	}
	for name, p := range map[string]openapitask.Product{"ECS": {Version: "2014-05-26"},
		"ecs": {Version: "2014"}, "e.cs": {Version: "2014-05-26"},
		"oss": {Version: "2014-05-26", Host: "a/b"}, "x1": {Version: "2014-05-26", Host: "a..b"},
		"x2": {Version: "2014-05-26", Style: "soap"},
		"x3": {Version: "2014-05-26", Operations: map[string]string{"Get": "/x"}}, "x4": {
			Version: "2014-05-26", Operations: map[string]string{"A/B": "GET /x"},
		}} {
		if err := p.Check(name); err == nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func FuzzRunners(f *testing.F) {
	f.Add("ECS:DescribeInstances",
		`{"RegionId":"cn-beijing","Tag":[{"Key":"a"}],"Version":"2014-05-26"}`, "", false)
	f.Add("CS:X", `{"Path":"/a/{b}/[c]","b":"..","c":7,"Body":{}}`, "", false)
	f.Add("fnf:StartExecution", `{"FlowName":"f","Input":{}}`, "acs:fnf:cn-hangzhou::flow/f", true)
	f.Add("EventBridge:PutEvents",
		`{"id":"1","source":"s","type":"t","eventBusName":"b","phoneNumbers":"1"}`, "", false)
	refusing := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(r.URL.Host, ".aliyuncs.com") {
			f.Errorf("a call to %s", r.URL.Host)
		}
		return nil, errors.New("refused")
	})}
	s := openapitask.Service{
		Client: acs.NewClient(alibaba.Static(alibaba.Credentials{AccessKeyID: "a",
			AccessKeySecret: "b"}),
			refusing), Endpoints: acs.Endpoints{Account: "1", Region: "cn-hangzhou"},
	}
	every := &openapitask.AnyProduct{Service: s}
	runners := []task.Runner{
		every, &openapitask.Events{Service: s}, &openapitask.SMS{Service: s},
		&openapitask.CloudFlow{Service: s, Match: []string{"*"}, Next: every},
	}
	f.Fuzz(func(t *testing.T, action, parameters, resource string, flowV1 bool) {
		for _, r := range runners {
			got := r.Run(context.Background(), task.Request{
				Action: action, Parameters: json.RawMessage(parameters), Resource: resource,
				Dialect: dialect(flowV1),
			})
			if got.Error == nil || got.Error.Name == "" {
				t.Fatal("a refused call succeeded")
			}
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
