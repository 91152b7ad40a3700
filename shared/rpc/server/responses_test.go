package server_test

import (
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"millrace/shared/rpc/server"
)

var requestIDPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// decode checks what all responses have in common.
func decode(t testing.TB, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != "application/json;charset=utf-8" {
		t.Errorf("Content-Type is %q", got)
	}
	var response map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &response); err != nil {
		t.Fatalf("%v in %q", err, w.Body)
	}
	id, _ := response["RequestId"].(string)
	if !requestIDPattern.MatchString(id) || id != w.Header().Get("x-acs-request-id") {
		t.Errorf("RequestId %q, header %q", id, w.Header().Get("x-acs-request-id"))
	}
	return response
}

func wantResponse(t testing.TB, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	response := decode(t, w)
	if _, ok := response["Code"]; ok || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return response
}

func wantFault(t testing.TB, w *httptest.ResponseRecorder, status int, code, message string) {
	t.Helper()
	response := decode(t, w)
	if w.Code != status || response["Code"] != code || response["Message"] != message {
		t.Fatalf("%d %s, want %d %s %q", w.Code, w.Body, status, code, message)
	}
	for _, key := range []string{"RequestId", "HostId", "Code", "Message", "Recommend"} {
		if _, ok := response[key].(string); !ok || len(response) != 5 {
			t.Errorf("%s in %s", key, w.Body)
		}
	}
}

// TestResponses checks the exact text of every response: names, order, empty strings, times.
// responseCase is a request and the fields of its response.
type responseCase struct {
	operation  string
	parameters []string
	want       string
}

func TestResponses(t *testing.T) {
	const flow = `"Id":"3f1c","Name":"%N","Type":"FDL","Definition":"version: v1\ntype: flow\n",` +
		`"Description":"a \"flow\"",` +
		`"RoleArn":"","ExecutionMode":"Standard","ExternalStorageLocation":"",` +
		`"ResourceGroupId":"",` +
		`"CreatedTime":"2019-01-01T01:01:01.001Z","LastModifiedTime":"2019-01-01T01:01:01.001Z"`
	const environment = `,"Environment":{"Variables":[{"Name":"k","Value":"v","Description":"d"}]}`
	named := func(name string) string { return strings.ReplaceAll(flow, "%N", name) }
	const started = `"FlowName":"f","Name":"e","FlowDefinition":"version: v1\n",` +
		`"Input":"{\"key\":\"value\"}",`
	execution := []string{"FlowName", "f", "ExecutionName", "e"}
	schedule := []string{"FlowName", "f", "ScheduleName", "s"}
	scheduled := func(name string) string {
		return `"ScheduleId":"5c4e","ScheduleName":"` + name + `","Description":"every \"hour\"",` +
			`"Payload":"{\"key\":\"value\"}","CronExpression":"0 0 * * * *","Enable":true,` +
			`"CreatedTime":"2019-01-01T01:01:01.001Z","LastModifiedTime":"2019-01-01T01:01:02.020Z"`
	}
	for _, c := range append(versionResponses(), []responseCase{
		{"CreateFlow", []string{"Name", "f", "Definition", "d"}, named("f") + environment},
		{"UpdateFlow", []string{"Name", "f"}, named("f") + environment},
		{"DescribeFlow", []string{"Name", "f"}, named("f")},
		{"DeleteFlow", []string{"Name", "f"}, ""},
		{"ListFlows", nil, `"Flows":[{` + named("a") + environment + `},{` + named("b") +
			environment + `}],"NextToken":"b"`},
		{"ListFlows", []string{"NextToken", "b"}, `"Flows":[]`},
		{"StartExecution", execution, started +
			`"Output":"","Status":"Running","StartedTime":"2019-01-01T01:01:01.001Z",` +
			`"StoppedTime":""`},
		{"StartSyncExecution", execution,
			`"FlowName":"f","Name":"e","Output":"","Status":"Failed",` +
				`"StartedTime":"2019-01-01T01:01:01.001Z",` +
				`"StoppedTime":"2019-01-01T01:01:02.020Z",` +
				`"ErrorCode":"MyErr","ErrorMessage":"why",` +
				`"Environment":{"Variables":[{"Name":"k",` +
				`"Value":"v"}]}`},
		{"StopExecution", execution, started +
			`"Output":"","Status":"Stopped","StartedTime":"2019-01-01T01:01:01.001Z",` +
			`"StoppedTime":"2019-01-01T01:01:02.020Z","RoleArn":"acs:ram::1:role/r"`},
		{"RedriveExecution", execution, started +
			`"Output":"","Status":"Running","StartedTime":"2019-01-01T01:01:01.001Z",` +
			`"StoppedTime":"","Environment":{"Variables":[{"Name":"k","Value":"v"}]},` +
			`"RedriveCount":2,"RedriveDate":"2019-01-01T01:01:02.020Z"`},
		{"DescribeExecution", execution, started +
			`"Output":"{}","Status":"Succeeded","StartedTime":"2019-01-01T01:01:01.001Z",` +
			`"StoppedTime":"2019-01-01T01:01:02.020Z","Environment":{"Variables":[{"Name":"k",` +
			`"Value":"v"}]}`},
		{"DescribeExecution", []string{"FlowName", "f", "ExecutionName", "child"},
			strings.Replace(started, `"e"`, `"child"`, 1) +
				`"Output":"{}","Status":"Succeeded","StartedTime":"2019-01-01T01:01:01.001Z",` +
				`"StoppedTime":"2019-01-01T01:01:02.020Z","Environment":{"Variables":[{"Name":"k",` +
				`"Value":"v"}]},"ParentFlowName":"f","ParentExecutionName":"parent",` +
				`"MapRunName":"m"`},
		{"ListExecutions", []string{"FlowName", "f"},
			`"Executions":[{"FlowName":"f","Name":"exec1","FlowDefinition":"version: v1\n",` +
				`"Input":"{\"key\":\"value\"}","Output":"","Status":"Running",` +
				`"StartedTime":"2019-01-01T01:01:01.001Z","StoppedTime":""}]`},
		{"ListExecutions", []string{"FlowName", "f", "MetadataOnly", "TRUE"},
			`"Executions":[{"FlowName":"f","Name":"exec1",` +
				`"Status":"Running","StartedTime":"2019-01-01T01:01:01.001Z","StoppedTime":""}]`},
		{"GetExecutionHistory", execution,
			`"Events":[{"Type":"ExecutionStarted","StepName":"","EventId":1,"ScheduleEventId":0,` +
				`"EventDetail":"{\"input\":{}}","Time":"2019-01-01T01:01:01.001Z"},` +
				`{"Type":"StepEntered","StepName":"pass1",` +
				`"EventId":2,"ScheduleEventId":1,"EventDetail":"{\"input\":{},\"local\":{}}",` +
				`"Time":"2019-01-01T01:01:01.001Z"}],"NextToken":"3"`},
		{"ReportTaskSucceeded", []string{"TaskToken", "t", "Output", "{}"}, `"EventId":7`},
		{"ReportTaskFailed", []string{"TaskToken", "t", "Error", "E"}, `"EventId":8`},
		{"CreateSchedule", append(schedule, "CronExpression", "x"), scheduled("s")},
		{"UpdateSchedule", schedule, scheduled("s")},
		{"DescribeSchedule", schedule, strings.NewReplacer(`"{\"key\":\"value\"}"`, `""`, "true",
			"false").Replace(scheduled("s"))},
		{"DeleteSchedule", schedule, ""},
		{"ListSchedules", []string{"FlowName", "f"}, `"Schedules":[{` + scheduled("a") + "},{" +
			scheduled("b") + `}],"NextToken":"b"`},
		{"ListSchedules", []string{"FlowName", "f", "NextToken", "b"}, `"Schedules":[]`},
		{"DescribeRegions", nil,
			`"Regions":{"Region":[{"RegionId":"cn-hangzhou","LocalName":"Hangzhou",` +
				`"RegionEndpoint":"localhost:8080"}]}`},
	}...) {
		list := open(c.operation, append(c.parameters, "RequestId", "r1")...)
		w := serve(server.Options{API: &fakeAPI{}}, post(list))
		want := `{"RequestId":"r1"` + "," + c.want + "}"
		if c.want == "" {
			want = `{"RequestId":"r1"}`
		}
		if got := w.Body.String(); got != want || w.Code != 200 {
			t.Errorf("%s:\n got %s\nwant %s", c.operation, got, want)
		}
		wantResponse(t, w)
	}
}

func TestRequestIDs(t *testing.T) {
	generated := regexp.MustCompile(
		`^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$`)
	seen := map[string]bool{}
	for _, given := range []string{"", "a b", strings.Repeat("x", 65), "é", "{}"} {
		id := wantResponse(t, serve(server.Options{API: &fakeAPI{}},
			get(open("ListFlows", "RequestId", given))))["RequestId"].(string)
		if !generated.MatchString(id) || seen[id] {
			t.Errorf("%q gives %q", given, id)
		}
		seen[id] = true
	}
	for _, given := range []string{"a", "my-req_ID-1", strings.Repeat("x", 64)} {
		response := wantResponse(t,
			serve(server.Options{API: &fakeAPI{}}, get(open("ListFlows", "RequestId", given))))
		if response["RequestId"] != given {
			t.Errorf("%q gives %q", given, response["RequestId"])
		}
	}
}
