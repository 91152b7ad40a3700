package server_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/server"
	"millrace/shared/rpc/sign"
)

// split sends the first n parameters in the query and the rest in the body.
func split(list []sign.Param, n int) *http.Request {
	r := post(list[n:])
	r.URL.RawQuery = get(list[:n]).URL.RawQuery
	return r
}

// TestNamesThatAppearTwice checks that the first of several values counts, those of the query
// before those of the body, and that the signature covers all of them.
func TestNamesThatAppearTwice(t *testing.T) {
	api := &fakeAPI{}
	o := server.Options{API: api, Credentials: credentials(t, "testsecret", "")}
	list := signV1("POST", append(params("Name", "a", "Name", "b"), common("DescribeFlow")...))
	for n := range len(list) {
		list[0].Value, list[1].Value = "a", "b"
		wantResponse(t, serve(o, split(list, n)))
		if got := api.request.(cloudflow.DescribeFlowRequest).Name; got != "a" {
			t.Errorf("%d in the query: the name is %q", n, got)
		}
		list[0].Value, list[1].Value = "b", "a"
		wantFault(t, serve(o, split(list, n)), 403, "SignatureNotMatch", notMatch)
	}
}

func TestJSONBodies(t *testing.T) {
	limit, all := int64(5), true
	want := cloudflow.ListExecutionsRequest{FlowName: "流", Limit: &limit, MetadataOnly: &all}
	const body = `{"FlowName":"流","Limit":5,"MetadataOnly":true,"Status":null}`
	for name, r := range map[string]*http.Request{
		"anonymous": raw("POST", "/?Action=ListExecutions&Version=2019-03-15",
			"application/json; charset=utf-8", body),
		"V3": v3("ListExecutions", "", body, "", "content-type", "application/json"),
	} {
		api := &fakeAPI{}
		o := server.Options{API: api}
		if name == "V3" {
			o.Credentials = credentials(t, "testsecret", "")
		}
		wantResponse(t, serve(o, r))
		if !reflect.DeepEqual(api.request, want) {
			t.Errorf("%s: %+v", name, api.request)
		}
	}
	api := &fakeAPI{}
	wantResponse(t, serve(server.Options{API: api}, raw("POST", "/", "Application/JSON",
		`{"Action":"StartExecution","Version":"2019-03-15","FlowName":"f","Input":{"b": [1, `+
			`2.50], "a": "x"}}`)))
	if got := api.request.(cloudflow.StartExecutionRequest).Input; got != `{"a":"x","b":[1,2.50]}` {
		t.Errorf("Input is %s", got)
	}
	deep := `{"Input":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`
	for _, body := range []string{"{", `{"a":1} x`, "null", `"x"`, deep, "{\"a\":\"\xff\"}"} {
		w := serve(server.Options{API: &fakeAPI{}},
			raw("POST", "/?Action=ListFlows&Version=2019-03-15", "application/json", body))
		if response := decode(t, w); response["Code"] != "InvalidArgument" {
			t.Errorf("%.20s gives %v", body, response)
		}
	}
}

func TestOptionalParameters(t *testing.T) {
	text := func(s string) *string { return &s }
	api := &fakeAPI{}
	o := server.Options{API: api}
	wantResponse(t,
		serve(o, post(open("UpdateFlow", "Name", "f", "Description", "", "RoleArn", "r"))))
	update := cloudflow.UpdateFlowRequest{Name: "f", Description: text(""), RoleArn: text("r")}
	if !reflect.DeepEqual(api.request, update) {
		t.Errorf("UpdateFlow: %+v", api.request)
	}
	wantResponse(t,
		serve(o, post(open("StopExecution", "FlowName", "f", "ExecutionName", "e", "Cause", ""))))
	stop := cloudflow.StopExecutionRequest{FlowName: "f", ExecutionName: "e", Cause: text("")}
	if !reflect.DeepEqual(api.request, stop) {
		t.Errorf("StopExecution: %+v", api.request)
	}
	wantResponse(t, serve(o,
		get(open("ListExecutions", "FlowName", "f", "Limit", "", "MetadataOnly", "False"))))
	if r := api.request.(cloudflow.ListExecutionsRequest); r.Limit != nil ||
		r.MetadataOnly == nil || *r.MetadataOnly {
		t.Errorf("ListExecutions: %+v", r)
	}
	wantResponse(t,
		serve(o, get(open("DescribeFlow", "Name", "f", "FlowVersion", "3", "Unknown", "x"))))
	if want := (cloudflow.DescribeFlowRequest{Name: "f", FlowVersion: "3"}); api.request != want {
		t.Errorf("DescribeFlow: %+v", api.request)
	}
	wantResponse(t,
		serve(o, post(open("StartSyncExecution", "FlowName", "f", "CallbackFnFTaskToken", "t"))))
	if want := (cloudflow.StartExecutionRequest{FlowName: "f"}); api.request != want {
		t.Errorf("StartSyncExecution: %+v", api.request)
	}
}

// TestNothingOfARequestIsUsedAgain checks that what the service keeps of a request does not change
// when its buffers are reused.
func TestNothingOfARequestIsUsedAgain(t *testing.T) {
	api := &fakeAPI{}
	h := server.NewHandler(server.Options{API: api})
	wantResponse(t, record(h,
		post(open("UpdateFlow", "Name", "first", "Description", "one", "Definition",
			"1111111111"))))
	kept := api.request.(cloudflow.UpdateFlowRequest)
	for range 20 {
		wantResponse(t, record(h,
			post(open("UpdateFlow", "Name", "other", "Description", "two", "Definition",
				"2222222222"))))
	}
	if kept.Name != "first" || *kept.Description != "one" || *kept.Definition != "1111111111" {
		t.Errorf("the request became %q, %q, %q", kept.Name, *kept.Description, *kept.Definition)
	}
}
