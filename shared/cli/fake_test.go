package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/cli"
	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/fdl"
	"millrace/shared/rpc/server"
)

// fakeAPI has flows and one execution. Each DescribeExecution reveals one more of the execution's
// events.
type fakeAPI struct {
	server.API // operations that a test does not expect panic

	mu         sync.Mutex
	flows      []cloudflow.Flow
	requests   []string // "Operation {fields}", in order
	events     []cloudflow.Event
	described  int // number of DescribeExecution calls, and of events revealed after the first
	end        cloudflow.Execution
	listed     []cloudflow.Execution // of ListExecutions; nil: many that succeeded
	found      []cloudflow.Execution // of ListExecutions, with filters; nil: listed
	many       int
	throttled  int  // number of ListExecutions calls to throttle first
	noHistory  bool // GetExecutionHistory is denied
	onDescribe func()
	accessKey  string
}

const began = 1763800000000 // 2025-11-22T08:26:40Z

func (f *fakeAPI) take(operation string, request any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, fmt.Sprintf("%s %+v", operation, request))
}

func (f *fakeAPI) flow(name string) (*cloudflow.Flow, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.flows {
		if f.flows[i].Name == name {
			return &f.flows[i], nil
		}
	}
	return nil, fault.New(fault.FlowNotExists, "Flow '%s' does not exist.", name)
}

func (f *fakeAPI) CreateFlow(
	_ context.Context, caller cloudflow.Caller, r cloudflow.CreateFlowRequest,
) (*cloudflow.Flow, error) {
	f.take("CreateFlow", r)
	f.accessKey = caller.AccessKey
	if _, err := f.flow(r.Name); err == nil {
		return nil, fault.New(fault.FlowAlreadyExists, "Flow '%s' already exists.", r.Name)
	}
	if _, d := fdl.Parse([]byte(r.Definition),
		fdl.Options{Name: r.Name, Mode: r.ExecutionMode}); fdl.Fault(d) != nil {
		return nil, fdl.Fault(d)
	}
	made := cloudflow.Flow{
		ID: "id-1", Name: r.Name, Definition: r.Definition, Description: r.Description,
		RoleArn: r.RoleArn, ExecutionMode: r.ExecutionMode, CreatedTime: began,
		LastModifiedTime: began,
	}
	f.flows = append(f.flows, made)
	return &made, nil
}

func (f *fakeAPI) UpdateFlow(
	_ context.Context, _ cloudflow.Caller, r cloudflow.UpdateFlowRequest,
) (*cloudflow.Flow, error) {
	f.take("UpdateFlow", r.Name)
	flow, err := f.flow(r.Name)
	if err != nil {
		return nil, err
	}
	if r.Definition != nil {
		flow.Definition = *r.Definition
	}
	if r.Description != nil {
		flow.Description = *r.Description
	}
	if r.SearchKeys != nil {
		flow.SearchKeys = nil
		if err := json.Unmarshal([]byte(*r.SearchKeys), &flow.SearchKeys); err != nil {
			return nil, err
		}
	}
	return flow, nil
}

func (f *fakeAPI) DescribeFlow(
	_ context.Context, _ cloudflow.Caller, r cloudflow.DescribeFlowRequest,
) (*cloudflow.Flow, error) {
	return f.flow(r.Name)
}

func (f *fakeAPI) DeleteFlow(
	_ context.Context, _ cloudflow.Caller, r cloudflow.DeleteFlowRequest,
) error {
	f.take("DeleteFlow", r)
	if _, err := f.flow(r.Name); err != nil {
		return err
	}
	f.flows = slices.DeleteFunc(f.flows, func(flow cloudflow.Flow) bool {
		return flow.Name == r.Name
	})
	return nil
}

func (f *fakeAPI) ListFlows(
	_ context.Context, _ cloudflow.Caller, r cloudflow.ListFlowsRequest,
) (*cloudflow.FlowPage, error) {
	from, _ := strconv.Atoi(r.NextToken)
	to := min(from+min(int(*r.Limit), 2), len(f.flows))
	page := &cloudflow.FlowPage{Flows: f.flows[from:to]}
	if to < len(f.flows) {
		page.NextToken = strconv.Itoa(to)
	}
	return page, nil
}

// schedule returns a schedule of a flow with the texts of the flow.
func (f *fakeAPI) schedule(flowName, name string) (*cloudflow.Schedule, error) {
	of, err := f.flow(flowName)
	if err != nil {
		return nil, err
	}
	return &cloudflow.Schedule{ID: of.ID, Name: name, Description: of.Description,
		Payload: f.end.Input, CronExpression: of.Description, Enable: true, CreatedTime: began,
		LastModifiedTime: began}, nil
}

func (f *fakeAPI) CreateSchedule(
	_ context.Context, _ cloudflow.Caller, r cloudflow.CreateScheduleRequest,
) (*cloudflow.Schedule, error) {
	return f.schedule(r.FlowName, r.ScheduleName)
}

func (f *fakeAPI) UpdateSchedule(
	_ context.Context, _ cloudflow.Caller, r cloudflow.UpdateScheduleRequest,
) (*cloudflow.Schedule, error) {
	return f.schedule(r.FlowName, r.ScheduleName)
}

func (f *fakeAPI) DescribeSchedule(
	_ context.Context, _ cloudflow.Caller, r cloudflow.ScheduleRequest,
) (*cloudflow.Schedule, error) {
	return f.schedule(r.FlowName, r.ScheduleName)
}

func (f *fakeAPI) DeleteSchedule(
	_ context.Context, _ cloudflow.Caller, r cloudflow.ScheduleRequest,
) error {
	_, err := f.schedule(r.FlowName, r.ScheduleName)
	return err
}

func (f *fakeAPI) ListSchedules(
	_ context.Context, _ cloudflow.Caller, r cloudflow.ListOfFlowRequest,
) (*cloudflow.SchedulePage, error) {
	s, err := f.schedule(r.FlowName, r.FlowName)
	if err != nil {
		return nil, err
	}
	return &cloudflow.SchedulePage{Schedules: []cloudflow.Schedule{*s}}, nil
}

func (f *fakeAPI) StartExecution(
	_ context.Context, _ cloudflow.Caller, r cloudflow.StartExecutionRequest,
) (*cloudflow.Execution, error) {
	f.take("StartExecution", r)
	if _, err := f.flow(r.FlowName); err != nil {
		return nil, err
	}
	if r.ExecutionName == "used" {
		return nil, fault.New(fault.ExecutionAlreadyExists,
			"Execution 'used' for flow '%s' already exists.", r.FlowName)
	}
	if r.ExecutionName == "" {
		r.ExecutionName = "made-up"
	}
	return &cloudflow.Execution{
		FlowName: r.FlowName, Name: r.ExecutionName, Input: r.Input, Status: "Running",
		StartedTime: began,
	}, nil
}

func (f *fakeAPI) StartSyncExecution(
	_ context.Context, _ cloudflow.Caller, r cloudflow.StartExecutionRequest,
) (*cloudflow.SyncExecution, error) {
	f.take("StartSyncExecution", r)
	if r.ExecutionName == "standard" {
		return nil, fault.New(fault.ActionNotSupported, "Standard execution is not supported")
	}
	e := &cloudflow.SyncExecution{Execution: f.end}
	e.FlowName, e.Name = r.FlowName, "e:1"
	if e.Status != "Succeeded" {
		e.ErrorCode, e.ErrorMessage = "Bad", "why"
	}
	return e, nil
}

func (f *fakeAPI) StopExecution(
	_ context.Context, _ cloudflow.Caller, r cloudflow.StopExecutionRequest,
) (*cloudflow.Execution, error) {
	f.take("StopExecution", *r.Error+" "+*r.Cause)
	return &cloudflow.Execution{
		FlowName: r.FlowName, Name: r.ExecutionName, Status: "Stopped", StartedTime: began,
		StoppedTime: began + 61500,
	}, nil
}

func (f *fakeAPI) DeleteExecution(
	_ context.Context, _ cloudflow.Caller, r cloudflow.DeleteExecutionRequest,
) error {
	f.take("DeleteExecution", r.FlowName+" "+r.ExecutionName)
	switch {
	case strings.HasPrefix(r.ExecutionName, "runs"):
		return fault.New(fault.ExecutionNotCompleted, "Execution '%s' for flow '%s' is running. "+
			"Stop it first.", r.ExecutionName, r.FlowName)
	case strings.HasPrefix(r.ExecutionName, "gone"):
		return fault.New(fault.ExecutionNotExists, "Execution '%s' for flow '%s' does not exist.",
			r.ExecutionName, r.FlowName)
	case strings.HasPrefix(r.ExecutionName, "owes"):
		return fault.New(fault.ConcurrentUpdateError, "Try again later.")
	}
	return nil
}

func (f *fakeAPI) RedriveExecution(
	_ context.Context, _ cloudflow.Caller, r cloudflow.RedriveExecutionRequest,
) (*cloudflow.Execution, error) {
	f.take("RedriveExecution", strconv.FormatInt(*r.RedriveCount, 10))
	return &cloudflow.Execution{
		FlowName: r.FlowName, Name: r.ExecutionName, Status: "Running", StartedTime: began,
		RedriveCount: *r.RedriveCount + 1, RedriveDate: began + 1,
	}, nil
}

// revealed returns how many events are revealed.
func (f *fakeAPI) revealed() int { return min(1+f.described, len(f.events)) }

func (f *fakeAPI) DescribeExecution(
	_ context.Context, _ cloudflow.Caller, r cloudflow.DescribeExecutionRequest,
) (*cloudflow.Execution, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.onDescribe != nil {
		f.onDescribe() // a canceled request may still run beside the next one
	}
	if r.ExecutionName == "none" {
		return nil, fault.New(fault.ExecutionNotExists,
			"Execution 'none' for flow '%s' does not exist.", r.FlowName)
	}
	f.described++
	e := f.end
	if f.revealed() < len(f.events) {
		e = cloudflow.Execution{Status: "Running", Input: e.Input, StartedTime: began}
	}
	e.FlowName, e.Name = r.FlowName, r.ExecutionName
	return &e, nil
}

func (f *fakeAPI) GetExecutionHistory(
	_ context.Context, _ cloudflow.Caller, r cloudflow.GetExecutionHistoryRequest,
) (*cloudflow.EventPage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.noHistory {
		return nil, fault.New(fault.AccessDenied, "The resources doesn't belong to you.")
	}
	from, _ := strconv.Atoi(r.NextToken)
	const pageSize = 3 // smaller than the requested limit, so that there are several pages
	to := min(from+pageSize, f.revealed())
	page := &cloudflow.EventPage{Events: slices.Clone(f.events[from:to])}
	if to < f.revealed() {
		page.NextToken = strconv.Itoa(to)
	}
	return page, nil
}

func (f *fakeAPI) DescribeMapRun(
	_ context.Context, _ cloudflow.Caller, r cloudflow.MapRunRequest,
) (*cloudflow.MapRun, error) {
	f.take("DescribeMapRun", r)
	return mapRunOf(r), nil
}

func (f *fakeAPI) UpdateMapRun(
	_ context.Context, _ cloudflow.Caller, r cloudflow.UpdateMapRunRequest,
) (*cloudflow.MapRun, error) {
	f.take("UpdateMapRun", fmt.Sprintf("%s/%s/%s %d %v %g", r.FlowName, r.ExecutionName,
		r.MapRunName, *r.Concurrency, r.ToleratedFailedCount == nil, *r.ToleratedFailedPercentage))
	return mapRunOf(cloudflow.MapRunRequest{FlowName: r.FlowName, ExecutionName: r.ExecutionName,
		MapRunName: r.MapRunName}), nil
}

func (f *fakeAPI) ListExecutions(
	_ context.Context, _ cloudflow.Caller, r cloudflow.ListExecutionsRequest,
) (*cloudflow.ExecutionPage, error) {
	f.take("ListExecutions", fmt.Sprintf("%s %s %s %s %d %s", r.Status, r.StartedTimeBegin,
		r.StartedTimeEnd, r.ExecutionNamePrefix, *r.Limit, r.NextToken))
	if f.throttled > 0 {
		f.throttled--
		return nil, fault.New(fault.ResourceThrottled,
			"The request is throttled. Please try again later.")
	}
	if r.FlowName == "*" && f.found == nil {
		return nil, fault.New(fault.InvalidArgument, "FlowName '*' is invalid.")
	}
	if f.found != nil {
		page := &cloudflow.ExecutionPage{}
		for _, e := range f.found {
			if (r.FlowName == "*" || r.FlowName == e.FlowName) && (r.Status == "" ||
				r.Status == e.Status) && (r.Source == "" || r.Source == e.Source) {
				page.Executions = append(page.Executions, e)
			}
		}
		return page, nil
	}
	from, _ := strconv.Atoi(r.NextToken)
	to := min(from+int(*r.Limit), f.many)
	page := &cloudflow.ExecutionPage{}
	for _, e := range f.listed {
		e.FlowName = r.FlowName
		page.Executions = append(page.Executions, e)
	}
	if f.listed != nil {
		return page, nil
	}
	for i := from; i < to; i++ {
		e := cloudflow.Execution{
			FlowName: r.FlowName, Name: fmt.Sprintf("e%d", i), Status: "Succeeded", Input: "{}",
			StartedTime: began, StoppedTime: began + 1500,
			MetadataOnly: r.MetadataOnly != nil && *r.MetadataOnly,
		}
		page.Executions = append(page.Executions, e)
	}
	if to < f.many {
		page.NextToken = strconv.Itoa(to)
	}
	return page, nil
}

func (f *fakeAPI) ReportTaskSucceeded(
	_ context.Context, _ cloudflow.Caller, r cloudflow.ReportTaskSucceededRequest,
) (int64, error) {
	f.take("ReportTaskSucceeded", r)
	return 7, nil
}

func (f *fakeAPI) ReportTaskFailed(
	_ context.Context, _ cloudflow.Caller, r cloudflow.ReportTaskFailedRequest,
) (int64, error) {
	f.take("ReportTaskFailed", r.TaskToken+" "+r.Error)
	return 0, fault.New(fault.TaskAlreadyCompleted, "Task '%s' has already completed.", r.TaskToken)
}

// succeeding returns an API with a flow `orders` and an execution that retries a task and succeeds.
func succeeding() *fakeAPI {
	return &fakeAPI{
		flows: []cloudflow.Flow{{
			ID: "id-0", Name: "orders", Definition: good, Description: "takes orders",
			CreatedTime: began, LastModifiedTime: began,
		}},
		end: cloudflow.Execution{
			Status: "Succeeded", Input: `{"id":7}`, Output: `{"paid":true}`,
			StartedTime: began, StoppedTime: began + 2250,
		},
		many: 3,
		events: []cloudflow.Event{
			{ID: 1, Type: "ExecutionStarted", Detail: `{"input":{"id":7}}`, Time: began},
			{ID: 2, ScheduleID: 1, Type: "StateEntered", StepName: "Charge",
				Detail: `{"input":{"id":7}}`, Time: began + 1},
			{ID: 3, ScheduleID: 2, Type: "TaskScheduled", StepName: "Charge", Detail: `{}`,
				Time: began + 1},
			{ID: 4, ScheduleID: 3, Type: "TaskFailed", StepName: "Charge",
				Detail: `{"cause":"busy","error":"FC.Throttled"}`, Time: began + 250},
			{ID: 5, ScheduleID: 4, Type: "StateSucceeded", StepName: "Charge",
				Detail: `{"output":{"paid":true}}`, Time: began + 2250},
			{ID: 6, ScheduleID: 5, Type: "ExecutionSucceeded", Detail: `{"output":{"paid":true}}`,
				Time: began + 2250},
		},
	}
}

// failing is like succeeding, but the execution ends with status.
func failing(status string) *fakeAPI {
	f := succeeding()
	f.end.Status, f.end.Output = status, ""
	f.events = append(f.events[:4:4],
		cloudflow.Event{ID: 5, ScheduleID: 4, Type: "Execution" + status,
			Detail: `{"cause":"limit","error":"CardDeclined"}`, Time: began + 2250})
	return f
}

const good = "version: v1\ntype: flow\nsteps:\n  - type: pass\n    name: one\n"

// shell runs the program against a server over api. Its clock advances only while the program
// sleeps.
type shell struct {
	t     *testing.T
	api   *fakeAPI
	url   string
	stdin string
	env   map[string]string
	ctx   context.Context
	now   time.Time
	serve func(context.Context, cli.ServeOptions) error

	terminal, interactive bool
	onSleep               func()
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newShell(t *testing.T, api *fakeAPI) *shell {
	host := httptest.NewServer(server.NewHandler(server.Options{API: api}))
	t.Cleanup(host.Close)
	return &shell{t: t, api: api, url: host.URL,
		env: map[string]string{"MILLRACE_ENDPOINT": host.URL},
		ctx: context.Background(), now: noon}
}

func (s *shell) run(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = cli.Main(s.ctx, cli.Env{
		Args: args, Stdin: strings.NewReader(s.stdin), Stdout: &out, Stderr: &errs,
		Version: "v1.2.3", Serve: s.serve, Terminal: s.terminal,
		Interactive: s.interactive,
		Getenv:      func(name string) string { return s.env[name] },
		Now:         func() time.Time { return s.now },
		Sleep: func(ctx context.Context, d time.Duration) error {
			s.now = s.now.Add(d)
			if s.onSleep != nil {
				s.onSleep()
			}
			return ctx.Err()
		},
	})
	return code, out.String(), errs.String()
}

// expect runs the program and checks its exit code and its output. Each text of stdout and stderr
// must occur in that stream, or must not occur if it begins with "! ".
func (s *shell) expect(code int, stdout, stderr []string, args ...string) {
	s.t.Helper()
	got, out, errs := s.run(args...)
	if got != code {
		s.t.Errorf("%q: exit code %d, want %d\n%s%s", args, got, code, out, errs)
	}
	for _, c := range []struct {
		name, got string
		want      []string
	}{{"stdout", out, stdout}, {"stderr", errs, stderr}} {
		for _, want := range c.want {
			unwanted, not := strings.CutPrefix(want, "! ")
			if strings.Contains(c.got, unwanted) == not {
				s.t.Errorf("%q: %s, want %q:\n%s", args, c.name, want, c.got)
			}
		}
	}
}

// nowFunc returns the shell's clock, for the server.
func (s *shell) nowFunc() func() time.Time { return func() time.Time { return s.now } }
