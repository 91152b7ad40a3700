package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/rpc"
	"millrace/tests/port"
)

// client returns a client of a new server over api.
func client(t testing.TB, api cloudflow.API, c *rpc.Credentials, o rpc.ClientOptions) *rpc.Client {
	t.Helper()
	server := httptest.NewServer(rpc.New(rpc.Options{API: api, Credentials: c}))
	t.Cleanup(server.Close)
	o.Endpoint = server.URL
	cl, err := rpc.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

// signingModes returns all ways in which a client can identify itself.
func signingModes(t testing.TB) map[string]struct {
	server *rpc.Credentials
	client rpc.ClientOptions
} {
	type mode = struct {
		server *rpc.Credentials
		client rpc.ClientOptions
	}
	plain, sts := credentials(t, "testsecret", ""), credentials(t, "testsecret", "testststoken+/=")
	key := rpc.ClientOptions{AccessKeyID: "testid", Secret: "testsecret", Region: "cn-hangzhou"}
	v3 := key
	v3.Signature = "v3"
	withToken := func(o rpc.ClientOptions) rpc.ClientOptions {
		o.SecurityToken = "testststoken+/="
		return o
	}
	return map[string]mode{
		"V1": {plain, key}, "V3": {plain, v3}, "V1 STS": {sts, withToken(key)},
		"V3 STS":    {sts, withToken(v3)},
		"V1 bearer": {plain, rpc.ClientOptions{Bearer: "testbearer"}},
		"V3 bearer": {plain, rpc.ClientOptions{Bearer: "testbearer", Signature: "v3"}},
		"none":      {nil, rpc.ClientOptions{}},
	}
}

// TestClientCalls checks that every typed call reaches the service unchanged, in every signing
// mode.
func TestClientCalls(t *testing.T) {
	ctx := context.Background()
	text := func(s string) *string { return &s }
	five, yes := int64(5), true
	const hard = `{"k":"a b+c*~'()!/&=% 中文\n"}`
	for name, mode := range signingModes(t) {
		t.Run(name, func(t *testing.T) {
			api := &fakeAPI{}
			c := client(t, api, mode.server, mode.client)
			arrived := func(name string, request any, err error) {
				t.Helper()
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if api.name != name || !reflect.DeepEqual(api.request, request) {
					t.Errorf("%s %+v arrived, want %s %+v", api.name, api.request, name, request)
				}
			}
			create := cloudflow.CreateFlowRequest{Name: "f", Definition: "a: b\n", Type: "FDL",
				RoleArn: "r", ExecutionMode: "Express",
				ExternalStorageLocation: "l", Environment: `{"Variables":[]}`, ResourceGroupID: "g"}
			flow, err := c.CreateFlow(ctx, create)
			arrived("CreateFlow", create, err)
			if flow.ID != "3f1c" || flow.CreatedTime.Time().UnixMilli() != createdMS ||
				flow.Environment.Variables[0] != variables[0] || flow.RequestID == "" {
				t.Errorf("flow is %+v", flow)
			}
			update := cloudflow.UpdateFlowRequest{Name: "f", Description: text(""),
				Definition: text("x")}
			_, err = c.UpdateFlow(ctx, update)
			arrived("UpdateFlow", update, err)
			described, err := c.DescribeFlow(ctx, "f")
			arrived("DescribeFlow", cloudflow.DescribeFlowRequest{Name: "f"}, err)
			if described.Environment != nil || described.Name != "f" {
				t.Errorf("flow is %+v", described)
			}
			arrived("DeleteFlow", cloudflow.DeleteFlowRequest{Name: "f"}, c.DeleteFlow(ctx, "f"))
			list := cloudflow.ListFlowsRequest{Limit: &five, ResourceGroupID: "g"}
			flows, err := c.ListFlows(ctx, list)
			arrived("ListFlows", list, err)
			if len(flows.Flows) != 2 || flows.NextToken != "b" {
				t.Errorf("flows are %+v", flows)
			}
			start := cloudflow.StartExecutionRequest{FlowName: "f", ExecutionName: "e", Input: hard,
				CallbackToken: "tok+en/=1*~", Qualifier: "1"}
			e, err := c.StartExecution(ctx, start)
			arrived("StartExecution", start, err)
			if e.Name != "e" || e.Status != "Running" || !e.StoppedTime.Time().IsZero() ||
				e.Input != `{"key":"value"}` {
				t.Errorf("execution is %+v", e)
			}
			start.CallbackToken = ""
			s, err := c.StartSyncExecution(ctx, start)
			arrived("StartSyncExecution", start, err)
			if s.Status != "Failed" || s.ErrorCode != "MyErr" ||
				s.StoppedTime.Time().UnixMilli() != stoppedMS {
				t.Errorf("execution is %+v", s)
			}
			stop := cloudflow.StopExecutionRequest{FlowName: "f", ExecutionName: "e",
				Error: text("E")}
			_, err = c.StopExecution(ctx, stop)
			arrived("StopExecution", stop, err)
			describe := cloudflow.DescribeExecutionRequest{FlowName: "f", ExecutionName: "e",
				WaitTimeSeconds: &five}
			_, err = c.DescribeExecution(ctx, describe)
			arrived("DescribeExecution", describe, err)
			executions := cloudflow.ListExecutionsRequest{FlowName: "f", Limit: &five,
				Status: "Running", NextToken: "n", MetadataOnly: &yes,
				StartedTimeBegin: "2020-12-02T02:23:54.817Z", StartedTimeEnd: "x",
				ExecutionNamePrefix: "p", Qualifier: "q", MapRunName: "m"}
			page, err := c.ListExecutions(ctx, executions)
			arrived("ListExecutions", executions, err)
			if len(page.Executions) != 1 || page.Executions[0].Input != "" {
				t.Errorf("executions are %+v", page)
			}
			history := cloudflow.GetExecutionHistoryRequest{FlowName: "f", ExecutionName: "e",
				NextToken: "3", Limit: &five}
			events, err := c.GetExecutionHistory(ctx, history)
			arrived("GetExecutionHistory", history, err)
			if len(events.Events) != 2 || events.Events[1].ScheduleEventID != 1 ||
				events.NextToken != "3" {
				t.Errorf("events are %+v", events)
			}
			succeeded := cloudflow.ReportTaskSucceededRequest{TaskToken: "tok+en/=1*~",
				Output: hard}
			id, err := c.ReportTaskSucceeded(ctx, succeeded)
			arrived("ReportTaskSucceeded", succeeded, err)
			failed := cloudflow.ReportTaskFailedRequest{TaskToken: "t", Error: "E",
				Cause: text("why")}
			id2, err := c.ReportTaskFailed(ctx, failed)
			arrived("ReportTaskFailed", failed, err)
			if id != 7 || id2 != 8 {
				t.Errorf("event ids are %d and %d", id, id2)
			}
			regions, err := c.DescribeRegions(ctx)
			arrived("DescribeRegions", nil, err)
			if len(regions) != 1 || "http://"+regions[0].RegionEndpoint != c.Endpoint {
				t.Errorf("regions are %+v", regions)
			}
			unsigned := strings.HasSuffix(name, "bearer") || name == "none"
			if unsigned != (api.caller.Nonce == "") {
				t.Errorf("nonce is %q", api.caller.Nonce)
			}
		})
	}
}

func TestClientCallsByName(t *testing.T) {
	api := &fakeAPI{}
	c := client(t, api, nil, rpc.ClientOptions{})
	response, err := c.Call(context.Background(), "DescribeExecution",
		map[string]string{"FlowName": "f", "ExecutionName": "e", "WaitTimeSeconds": "1"})
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(response, &fields); err != nil || fields["Status"] != "Succeeded" {
		t.Errorf("%s, %v", response, err)
	}
	_, err = c.Call(context.Background(), "CreateSchedule", nil)
	if fault.CodeOf(err) != fault.ActionNotSupported {
		t.Errorf("an unknown operation gives %v", err)
	}
}

func TestClientKeepsFaults(t *testing.T) {
	api := &fakeAPI{err: fault.New(fault.FlowNotExists, "Flow 'f' does not exist.")}
	c := client(t, api, credentials(t, "testsecret", ""),
		rpc.ClientOptions{AccessKeyID: "testid", Secret: "testsecret"})
	_, err := c.DescribeFlow(context.Background(), "f")
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.FlowNotExists ||
		f.Message != "Flow 'f' does not exist." {
		t.Fatalf("error is %v", err)
	}
	var r *rpc.ErrorResponse
	if !errors.As(err, &r) || r.HTTPStatus != 404 || "http://"+r.HostID != c.Endpoint ||
		len(r.RequestID) != 36 {
		t.Errorf("refusal is %+v", r)
	}
	if rpc.RequestID(err) != api.caller.RequestID ||
		!strings.Contains(err.Error(), api.caller.RequestID) {
		t.Errorf("error is %v, of the request %s", err, api.caller.RequestID)
	}
	if rpc.RequestID(errors.New("x")) != "" {
		t.Error("an id from nowhere")
	}
}

func TestClientMeetsOtherServers(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		code   fault.Code // "" for an error that is not a fault
		want   string
	}{
		{502, "<html>Bad gateway</html>", fault.InternalServerError, "HTTP 502"},
		{503, "", fault.InternalServerError, "HTTP 503"},
		{302, "", fault.InternalServerError, "HTTP 302"},
		{400, `{"Code":"Throttling.User","Message":"Slow down.","RequestId":"r"}`,
			"Throttling.User", "Slow down."},
		{200, "<html>hello</html>", "", "is it the right endpoint?"},
		{200, "", "", "is it the right endpoint?"},
		{200, "{", "", "is it the right endpoint?"},
		{200, `{"status":"ok"}`, "", "is it the right endpoint?"},
		{200, `{"RequestId":""}`, "", "is it the right endpoint?"},
		{200, `{"RequestId":1,"EventId":2}`, "", "is it the right endpoint?"},
		{200, `{"RequestId":"r`, "", "cannot be read"},
		{200, `[{"RequestId":"r"}]`, "", "is it the right endpoint?"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			w.Write([]byte(c.body))
		}))
		cl, err := rpc.NewClient(rpc.ClientOptions{Endpoint: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		_, err = cl.ReportTaskSucceeded(context.Background(),
			cloudflow.ReportTaskSucceededRequest{TaskToken: "secret", Output: "{}"})
		var f *fault.Error
		isFault := errors.As(err, &f)
		if err == nil || isFault != (c.code != "") || isFault && f.Code != c.code ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%d %q gives %v", c.status, c.body, err)
		}
		server.Close()
	}
}

// TestClientWantsARequestID checks that no call succeeds without a request id in the response, and
// that the position of the id does not matter.
func TestClientWantsARequestID(t *testing.T) {
	response := `{"Name":"f"}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(response))
	}))
	defer server.Close()
	c, err := rpc.NewClient(rpc.ClientOptions{Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	calls := map[string]func() error{
		"DeleteFlow": func() error { return c.DeleteFlow(ctx, "f") },
		"UpdateFlow": func() error {
			_, err := c.UpdateFlow(ctx, cloudflow.UpdateFlowRequest{Name: "f"})
			return err
		},
		"ListFlows": func() error {
			_, err := c.ListFlows(ctx, cloudflow.ListFlowsRequest{})
			return err
		},
		"DescribeRegions": func() error { _, err := c.DescribeRegions(ctx); return err },
		"Call":            func() error { _, err := c.Call(ctx, "DescribeFlow", nil); return err },
		"StartExecution": func() error {
			_, err := c.StartExecution(ctx, cloudflow.StartExecutionRequest{FlowName: "f"})
			return err
		},
	}
	for name, call := range calls {
		if err := call(); err == nil ||
			!strings.Contains(err.Error(), "is it the right endpoint?") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, response = range []string{`{"RequestId":"r"}`, `{ "Name": "f", "RequestId": "r" }`} {
		for name, call := range calls {
			if err := call(); err != nil {
				t.Errorf("%s, %s: %v", name, response, err)
			}
		}
	}
}

func TestClientSaysWhatToDo(t *testing.T) {
	nobody, err := port.Loopback()
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + nobody
	for _, signature := range []string{"v1", "v3"} {
		c, err := rpc.NewClient(rpc.ClientOptions{Endpoint: address, AccessKeyID: "i", Secret: "s",
			Signature: signature})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.ReportTaskFailed(context.Background(),
			cloudflow.ReportTaskFailedRequest{TaskToken: "topsecret", Error: "E"})
		if err == nil || strings.Contains(err.Error(), "topsecret") ||
			!strings.Contains(err.Error(), "is `millrace serve` running at "+address+"?") {
			t.Errorf("error is %v", err)
		}
	}
}

func TestClientTimesOut(t *testing.T) {
	api := &fakeAPI{wait: func(ctx context.Context) { <-ctx.Done() }}
	c := client(t, api, nil, rpc.ClientOptions{Timeout: 30 * time.Millisecond})
	_, err := c.DescribeFlow(context.Background(), "f")
	if !errors.Is(err, context.DeadlineExceeded) ||
		!strings.Contains(err.Error(), "no answer from") {
		t.Errorf("error is %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.DescribeFlow(ctx, "f"); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestClientWaitsForALongPoll(t *testing.T) {
	api := &fakeAPI{wait: func(context.Context) { time.Sleep(100 * time.Millisecond) }}
	c := client(t, api, nil, rpc.ClientOptions{Timeout: 50 * time.Millisecond})
	seconds := int64(20)
	if _, err := c.DescribeExecution(context.Background(),
		cloudflow.DescribeExecutionRequest{FlowName: "f", ExecutionName: "e",
			WaitTimeSeconds: &seconds}); err != nil {
		t.Error(err)
	}
}

func TestClientOptionsAreChecked(t *testing.T) {
	for _, o := range []rpc.ClientOptions{
		{},
		{Endpoint: "127.0.0.1:8080"},
		{Endpoint: "ftp://h"},
		{Endpoint: "http://"},
		{Endpoint: "http://h/path"},
		{Endpoint: "http://h?x=1"},
		{Endpoint: "http://u:p@h"},
		{Endpoint: "http://h", Signature: "v2"},
		{Endpoint: "http://h", Signature: "v3"},
		{Endpoint: "http://h", AccessKeyID: "i"},
		{Endpoint: "http://h", Secret: "s"},
		{Endpoint: "http://h", AccessKeyID: "i", Secret: "s", Bearer: "b"},
	} {
		if _, err := rpc.NewClient(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	for _, endpoint := range []string{"http://h", "http://h/",
		"https://1.cn-hangzhou.fnf.aliyuncs.com", "http://[::1]:8080"} {
		if _, err := rpc.NewClient(rpc.ClientOptions{Endpoint: endpoint}); err != nil {
			t.Error(err)
		}
	}
}

func TestClientOfManyGoroutines(t *testing.T) {
	for name, mode := range signingModes(t) {
		c := client(t, &fakeAPI{}, mode.server, mode.client)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 10 {
					if _, err := c.StartExecution(context.Background(),
						cloudflow.StartExecutionRequest{FlowName: "f"}); err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
				}
			})
		}
		all.Wait()
	}
}

// TestClientNamesAreExact checks that the client does not ignore the case of names: a response with
// other names does not come from CloudFlow.
func TestClientNamesAreExact(t *testing.T) {
	for _, test := range []struct {
		status         int
		response, want string
	}{
		{200, `{"requestid":"r","name":"f"}`, "is no CloudFlow answer"},
		{400, `{"code":"FlowNotExists","message":"m","requestId":"r"}`,
			"is no answer of CloudFlow: HTTP 400"},
		{200, `{"RequestId":"r","EventId":7,"eventid":8,"EVENTID":9}`, ""},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(test.status)
			w.Write([]byte(test.response))
		}))
		defer s.Close()
		c, err := rpc.NewClient(rpc.ClientOptions{Endpoint: s.URL})
		if err != nil {
			t.Fatal(err)
		}
		id, err := c.ReportTaskSucceeded(t.Context(),
			cloudflow.ReportTaskSucceededRequest{TaskToken: "t", Output: "{}"})
		if test.want == "" && (err != nil || id != 7) ||
			test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %d %v", test.response, id, err)
		}
	}
}
