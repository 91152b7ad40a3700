package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/rpc/auth"
	"millrace/shared/rpc/client"
	"millrace/shared/rpc/server"
)

// clientOf returns a client of a new server over api.
func clientOf(
	t testing.TB, api server.API, c *auth.Credentials, o client.Options,
) *client.Client {
	t.Helper()
	s := httptest.NewServer(server.NewHandler(server.Options{API: api, Credentials: c}))
	t.Cleanup(s.Close)
	o.Endpoint = s.URL
	cl, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

// signingModes returns all ways in which a client can identify itself.
func signingModes(t testing.TB) map[string]struct {
	server *auth.Credentials
	client client.Options
} {
	type mode = struct {
		server *auth.Credentials
		client client.Options
	}
	plain, sts := credentials(t, "testsecret", ""), credentials(t, "testsecret", "testststoken+/=")
	key := client.Options{AccessKeyID: "testid", Secret: "testsecret", Region: "cn-hangzhou"}
	v3 := key
	v3.Signature = "v3"
	withToken := func(o client.Options) client.Options {
		o.SecurityToken = "testststoken+/="
		return o
	}
	return map[string]mode{
		"V1": {plain, key}, "V3": {plain, v3}, "V1 STS": {sts, withToken(key)},
		"V3 STS":    {sts, withToken(v3)},
		"V1 bearer": {plain, client.Options{Bearer: "testbearer"}},
		"V3 bearer": {plain, client.Options{Bearer: "testbearer", Signature: "v3"}},
		"none":      {nil, client.Options{}},
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
			c := clientOf(t, api, mode.server, mode.client)
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
			remove := cloudflow.DeleteExecutionRequest{FlowName: "f", ExecutionName: "e"}
			arrived("DeleteExecution", remove, c.DeleteExecution(ctx, remove))
			redrive := cloudflow.RedriveExecutionRequest{FlowName: "f", ExecutionName: "e",
				RedriveCount: &five}
			again, err := c.RedriveExecution(ctx, redrive)
			arrived("RedriveExecution", redrive, err)
			if again.RedriveCount != 2 || again.RedriveDate.Time().UnixMilli() != stoppedMS {
				t.Errorf("execution is %+v", again)
			}
			describe := cloudflow.DescribeExecutionRequest{FlowName: "f", ExecutionName: "e",
				WaitTimeSeconds: &five}
			_, err = c.DescribeExecution(ctx, describe)
			arrived("DescribeExecution", describe, err)
			executions := cloudflow.ListExecutionsRequest{FlowName: "f", Limit: &five,
				Status: "Running", NextToken: "n", MetadataOnly: &yes,
				StartedTimeBegin: "2020-12-02T02:23:54.817Z", StartedTimeEnd: "x",
				ExecutionNamePrefix: "p", Qualifier: "q", MapRunName: "m", StateName: "s",
				ErrorName: "E", GroupKey: "g", Source: "key:k", SearchKey: "o", SearchValue: "7",
				SearchValuePrefix: "6"}
			page, err := c.ListExecutions(ctx, executions)
			arrived("ListExecutions", executions, err)
			if len(page.Executions) != 1 || page.Executions[0].Input != "" {
				t.Errorf("executions are %+v", page)
			}
			history := cloudflow.GetExecutionHistoryRequest{FlowName: "f", ExecutionName: "e",
				NextToken: "3", Limit: &five, ReverseOrder: &yes, WaitTimeSeconds: &five}
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
			scheduleCalls(t, c, arrived)
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

// scheduleCalls makes the calls on schedules. arrived checks what has reached the service.
func scheduleCalls(
	t *testing.T, c *client.Client, arrived func(name string, request any, err error),
) {
	t.Helper()
	ctx, yes, no, five := context.Background(), true, false, int64(5)
	text := func(s string) *string { return &s }
	create := cloudflow.CreateScheduleRequest{FlowName: "f", ScheduleName: "s",
		CronExpression: "CRON_TZ=Asia/Shanghai 0 3/5 * ? * MON-FRI", Description: "d",
		Payload: `{"a":"b+c"}`, Enable: &no}
	s, err := c.CreateSchedule(ctx, create)
	arrived("CreateSchedule", create, err)
	if s.ScheduleID != "5c4e" || s.ScheduleName != "s" || !s.Enable || s.RequestID == "" ||
		s.Payload != `{"key":"value"}` || s.CreatedTime.Time().UnixMilli() != createdMS {
		t.Errorf("schedule is %+v", s)
	}
	update := cloudflow.UpdateScheduleRequest{FlowName: "f", ScheduleName: "s",
		CronExpression: text("@every 5m"), Description: text(""), Enable: &yes}
	_, err = c.UpdateSchedule(ctx, update)
	arrived("UpdateSchedule", update, err)
	one := cloudflow.ScheduleRequest{FlowName: "f", ScheduleName: "s"}
	s, err = c.DescribeSchedule(ctx, one)
	arrived("DescribeSchedule", one, err)
	if s.Enable || s.Payload != "" || s.LastModifiedTime.Time().UnixMilli() != stoppedMS {
		t.Errorf("schedule is %+v", s)
	}
	arrived("DeleteSchedule", one, c.DeleteSchedule(ctx, one))
	list := cloudflow.ListOfFlowRequest{FlowName: "f", Limit: &five}
	page, err := c.ListSchedules(ctx, list)
	arrived("ListSchedules", list, err)
	if len(page.Schedules) != 2 || page.NextToken != "b" {
		t.Errorf("schedules are %+v", page)
	}
}

func TestClientCallsByName(t *testing.T) {
	api := &fakeAPI{}
	c := clientOf(t, api, nil, client.Options{})
	response, err := c.Call(context.Background(), "DescribeExecution",
		map[string]string{"FlowName": "f", "ExecutionName": "e", "WaitTimeSeconds": "1"})
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(response, &fields); err != nil || fields["Status"] != "Succeeded" {
		t.Errorf("%s, %v", response, err)
	}
	_, err = c.Call(context.Background(), "CreateStuff", nil)
	if fault.CodeOf(err) != fault.ActionNotSupported {
		t.Errorf("an unknown operation gives %v", err)
	}
}

func TestClientKeepsFaults(t *testing.T) {
	api := &fakeAPI{err: fault.New(fault.FlowNotExists, "Flow 'f' does not exist.")}
	c := clientOf(t, api, credentials(t, "testsecret", ""),
		client.Options{AccessKeyID: "testid", Secret: "testsecret"})
	_, err := c.DescribeFlow(context.Background(), "f")
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.FlowNotExists ||
		f.Message != "Flow 'f' does not exist." {
		t.Fatalf("error is %v", err)
	}
	var r *client.ErrorResponse
	if !errors.As(err, &r) || r.HTTPStatus != 404 || "http://"+r.HostID != c.Endpoint ||
		len(r.RequestID) != 36 {
		t.Errorf("refusal is %+v", r)
	}
	if client.RequestID(err) != api.caller.RequestID ||
		!strings.Contains(err.Error(), api.caller.RequestID) {
		t.Errorf("error is %v, of the request %s", err, api.caller.RequestID)
	}
	if client.RequestID(errors.New("x")) != "" {
		t.Error("an id from nowhere")
	}
}

func TestClientOfManyGoroutines(t *testing.T) {
	for name, mode := range signingModes(t) {
		c := clientOf(t, &fakeAPI{}, mode.server, mode.client)
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
