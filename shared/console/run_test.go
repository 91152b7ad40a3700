package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"millrace/shared/app/local"
	"millrace/shared/cloudflow"
	"millrace/shared/config"
	"millrace/shared/rpc/client"
)

// payEachFlow pays each order in a child execution of its own.
const payEachFlow = `Type: StateMachine
SpecVersion: v1
Name: pay-each
StartAt: Each
States:
  - Type: Map
    Name: Each
    ItemsPath: $Input.orders
    MaxConcurrency: 1
    ToleratedFailurePercentage: 50
    ProcessorConfig: {ExecutionMode: Standard}
    Processor:
      StartAt: Pay
      States:
        - Type: Task
          Name: Pay
          Action: FC:InvokeFunction
          Parameters: {invocationType: Sync, resourceArn: "acs:fc:::services/s/functions/pay", body.$: $Input}
          End: true
    End: true
`

// askEachFlow asks for each order.
var askEachFlow = strings.NewReplacer("pay", "ask", "Pay", "Ask", "invocationType: Sync",
	"invocationType: Sync, token.$: $Context.Current.TaskToken", "Action: FC:InvokeFunction",
	"Action: FC:InvokeFunction\n          TaskMode: WaitForCustomCallback").Replace(payEachFlow)

func create(t *testing.T, api *client.Client, name, definition string) {
	t.Helper()
	if _, err := api.CreateFlow(t.Context(), cloudflow.CreateFlowRequest{Name: name, Type: "FDL",
		Definition: definition}); err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, api *client.Client, flowName, name, input string) {
	t.Helper()
	if _, err := api.StartExecution(t.Context(), cloudflow.StartExecutionRequest{
		FlowName: flowName, ExecutionName: name, Input: input}); err != nil {
		t.Fatal(err)
	}
}

// mapRunLink finds the address of a MapRun in the page of its execution.
var mapRunLink = regexp.MustCompile(`href="[./]*(flows/[^"]*/mapruns/([0-9a-f]{32}))"`)

// TestMapRunPage: an execution leads to its MapRun, that to its failed child with the error, and the
// child back to both.
func TestMapRunPage(t *testing.T) {
	s := serve(t, "", "")
	api := s.api("", "")
	create(t, api, "pay-each", payEachFlow)
	start(t, api, "pay-each", "batch", `{"orders":[{"amount":1},{"amount":500},{"amount":2}]}`)
	awaitStatus(t, api, "pay-each", "batch", "Succeeded")
	page := s.shows("flows/pay-each/executions/batch", "3 in all, 2 succeeded, 1 failed",
		"3 of 3 items, 1 failed")
	link := mapRunLink.FindStringSubmatch(page.body)
	if link == nil {
		t.Fatal("no link to the MapRun")
	}
	s.shows(link[1], "Declined", "not enough money", ">batch</a>")
	if body := s.shows(link[1] + "?status=Failed").body; strings.Count(body, link[2]+"-1</a>") != 1 ||
		strings.Contains(body, link[2]+"-0</a>") {
		t.Error("the children are not filtered")
	}
	s.shows("flows/pay-each/executions/"+link[2]+"-1", "pay-each / batch", link[1], "Declined")
	if got := s.get("flows/pay-each/executions/batch/mapruns/none"); got.status != 404 {
		t.Errorf("a MapRun that is not there: %d", got.status)
	}
}

// TestMapRunIsChanged: concurrency and tolerances are changed while the MapRun runs, and what is
// wrong is said.
func TestMapRunIsChanged(t *testing.T) {
	s := serve(t, "", "")
	api := s.api("", "")
	create(t, api, "ask-each", askEachFlow)
	start(t, api, "ask-each", "batch", `{"orders":[{},{},{}]}`)
	awaitEvent(t, api, "ask-each", "batch", "MapRunStarted")
	link := mapRunLink.FindStringSubmatch(s.shows("flows/ask-each/executions/batch").body)
	if link == nil {
		t.Fatal("no link to the MapRun")
	}
	s.shows(link[1], "Children at the same time: 1. Tolerated failed items: 0, and 50 %",
		"Change while it runs", "No child has failed")
	got := s.post(link[1], url.Values{"concurrency": {"2"}, "percentage": {"12.5"}})
	if got.status != http.StatusSeeOther {
		t.Errorf("%+v", got)
	}
	r, err := api.DescribeMapRun(t.Context(), cloudflow.MapRunRequest{FlowName: "ask-each",
		ExecutionName: "batch", MapRunName: link[2]})
	if err != nil || r.Concurrency != 2 || r.ToleratedFailedPercentage != 12.5 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, wrong := range []url.Values{{"concurrency": {"0"}}, {"count": {"a"}},
		{"percentage": {"101"}}} {
		if got := s.post(link[1], wrong); !strings.Contains(got.body, `role="alert"`) {
			t.Errorf("%v: %+v", wrong, got)
		}
	}
}

// TestTimelineAndComparison: the page of a failed execution shows when each state was entered, and
// leads to what the last good run did otherwise.
func TestTimelineAndComparison(t *testing.T) {
	s := serve(t, "", "")
	fill(t, s.api("", ""))
	s.shows("flows/pay/executions/poor", `class="chart timeline"`, "Pay: failed,",
		"Pay, attempt 1: failed", "executions/poor/compare")
	s.shows("flows/pay/executions/poor/compare", "The first state in which they differ is Pay.",
		">good</a>", "Pay ≠", "entries: 1, failed: 1", "entries: 1, failed: 0", "not entered")
	s.shows("flows/pay/executions/poor/compare?with=poor", "Both did the same in every state.")
	s.shows("flows/ask/executions/open/compare", "No other execution of this flow has succeeded.")
	if got := s.get("flows/pay/executions/poor/compare?with=none"); got.status != 404 {
		t.Errorf("an execution that is not there: %d", got.status)
	}
}

// stepsFlow makes a step for each item, many events in all.
const stepsFlow = `Type: StateMachine
SpecVersion: v1
Name: steps
StartAt: All
States:
  - Type: Map
    Name: All
    ItemsPath: $Input.items
    Processor:
      StartAt: Step
      States:
        - {Type: Pass, Name: Step, End: true}
    End: true
`

// TestEventsOfLongHistory: a long history is shown from both ends, and is paged through and searched
// as a whole.
func TestEventsOfLongHistory(t *testing.T) {
	s := serve(t, "", "", func(c *local.Config) {
		c.Settings.Limits = map[string]int64{"Events": 100000}
	})
	api := s.api("", "")
	create(t, api, "steps", stepsFlow)
	items := strings.Repeat("1,", 5000) + `"needle"`
	start(t, api, "steps", "long", `{"items":[`+items+`]}`)
	awaitStatus(t, api, "steps", "long", "Succeeded")
	for range 50 { // each time the page counts more of the events
		if !strings.Contains(s.get("flows/steps/executions/long").body, "count the first") {
			break
		}
	}
	page := s.shows("flows/steps/executions/long", "ExecutionStarted", "ExecutionSucceeded",
		"events are between these", "5001 of 5001 items", "more entries are not drawn")
	if len(page.body) > 150<<10 {
		t.Errorf("the page has %d bytes", len(page.body))
	}
	s.shows("flows/steps?like=long", "&#34;needle&#34;")
	seen := 0
	s.eachPage("flows/steps/executions/long/events", func(page answer) {
		seen += strings.Count(page.body, `id="event-`)
	})
	h, err := api.GetExecutionHistory(t.Context(), cloudflow.GetExecutionHistoryRequest{
		FlowName: "steps", ExecutionName: "long", NextToken: strconv.Itoa(seen)})
	if err != nil || len(h.Events) != 1 || h.Events[0].Type != "ExecutionSucceeded" {
		t.Errorf("the pages show %d events; the last ones are %+v, %v", seen, h, err)
	}
	var found string // a search has a time for each page
	s.eachPage("flows/steps/executions/long/events?type=StateEntered&state=Step&text=NEEDLE",
		func(page answer) { found += page.body })
	if n := strings.Count(found, `id="event-`); n != 1 {
		t.Fatalf("%d events are found", n)
	}
	event := regexp.MustCompile(`id="event-(\d+)"`).FindStringSubmatch(found)
	raw := s.get("flows/steps/executions/long/events/" + event[1])
	if raw.status != 200 || !strings.HasPrefix(raw.header.Get("Content-Type"), "text/plain") ||
		!strings.HasPrefix(raw.header.Get("Content-Disposition"), "attachment") ||
		!strings.Contains(raw.body, "needle") {
		t.Errorf("%+v", raw)
	}
	for _, none := range []string{"0", "x", "999999"} {
		if got := s.get("flows/steps/executions/long/events/" + none); got.status != 404 {
			t.Errorf("event %s: %d", none, got.status)
		}
	}
}

// nextPage matches the link to the next page of events.
var nextPage = regexp.MustCompile(`href="[./]*(flows/[^"]*/events\?[^"]*)">Next page`)

// eachPage calls f for each page of events.
func (s *server) eachPage(path string, f func(page answer)) {
	s.t.Helper()
	for path != "" {
		page := s.shows(path)
		f(page)
		path = ""
		if m := nextPage.FindStringSubmatch(page.body); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
}

// TestLive: a request that follows an execution is answered when something happens, with the parts of
// the page that have changed and the new events alone.
func TestLive(t *testing.T) {
	s := serve(t, "", "", func(c *local.Config) { c.Settings = config.Settings{} })
	api := s.api("", "")
	fill(t, api)
	awaitEvent(t, api, "ask", "open", "TaskSubmitted")
	page := s.shows("flows/ask/executions/open", `data-state="running"`)
	after := regexp.MustCompile(`data-after="(\d+)"`).FindStringSubmatch(page.body)
	if after == nil {
		t.Fatal("the page does not say what it shows")
	}
	time.AfterFunc(300*time.Millisecond, func() {
		_, _ = api.StopExecution(t.Context(), cloudflow.StopExecutionRequest{FlowName: "ask",
			ExecutionName: "open"})
	})
	began := time.Now()
	got := s.shows("flows/ask/executions/open/live?after="+after[1], "ExecutionStopped",
		`data-part="head"`)
	if took := time.Since(began); took < 200*time.Millisecond || took > 5*time.Second {
		t.Errorf("answered after %v", took)
	}
	if strings.Contains(got.body, "ExecutionStarted") || strings.Contains(got.body, "<html") ||
		strings.Contains(got.body, "data-live") {
		t.Errorf("the answer has more than what is new: %s", got.body)
	}
	if link := `href="./../../../flows/ask"`; !strings.Contains(page.body, link) ||
		!strings.Contains(got.body, link) {
		t.Error("a link of the answer leads elsewhere than that of the page")
	}
	for path, status := range map[string]int{"live": 404, "live?after=x": 404, "live?after=-1": 404,
		"live?after=0": 200} {
		if got := s.get("flows/ask/executions/open/" + path); got.status != status {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}

// TestExecutionsOfAllFlows: without a flow the list has the newest executions of all, and its filters
// hold for them.
func TestExecutionsOfAllFlows(t *testing.T) {
	s := serve(t, "", "")
	fill(t, s.api("", ""))
	s.shows("executions", ">good</a>", ">poor</a>", ">open</a>", "Pay: Declined")
	if body := s.shows("executions?status=Failed", ">poor</a>", "The list is filtered.").body; strings.
		Contains(body, ">open</a>") {
		t.Error("the list is not filtered")
	}
	if body := s.shows("executions?until=2020-01-01T00:00").body; strings.Contains(body, ">good</a>") {
		t.Error("the time is no filter")
	}
	s.shows("executions?since=2020-01-01T00:00", ">good</a>", `value="2020-01-01T00:00"`)
	s.shows("executions?state=Pay&error=Declined", ">poor</a>")
	s.shows("executions?error=Other", "No execution matches.")
	if got := s.get("executions?since=yesterday"); got.status != http.StatusBadRequest {
		t.Errorf("a time that is none: %d", got.status)
	}
}

// TestSelectedExecutions: those that are selected are stopped or deleted, and the page says what
// became of each.
func TestSelectedExecutions(t *testing.T) {
	s := serve(t, "", "")
	api := s.api("", "")
	fill(t, api)
	form := url.Values{"execution": {"ask/open", "pay/good"}, "do": {"stop"}, "list": {"flow=ask"}}
	got := s.post("executions/change", form)
	if got.status != http.StatusOK || !strings.Contains(got.body, "ask / open: accepted") ||
		!strings.Contains(got.body, "pay / good: ") || !strings.Contains(got.body, "already completed") {
		t.Errorf("%+v", got)
	}
	awaitStatus(t, api, "ask", "open", "Stopped")
	form.Set("do", "delete")
	s.post("executions/change", form)
	for _, q := range []cloudflow.DescribeExecutionRequest{{FlowName: "ask", ExecutionName: "open"},
		{FlowName: "pay", ExecutionName: "good"}} {
		if x, err := api.DescribeExecution(t.Context(), q); err == nil {
			t.Errorf("%+v is still there", x)
		}
	}
	if got := s.post("executions/change", url.Values{"execution": {"pay/poor"}, "do": {"x"}}); !strings.
		Contains(got.body, "there is no such action") {
		t.Errorf("%+v", got)
	}
}

// TestDeleteExecution: an execution that has ended is deleted once its name is typed; one that runs
// is not.
func TestDeleteExecution(t *testing.T) {
	s := serve(t, "", "")
	api := s.api("", "")
	fill(t, api)
	got := s.post("flows/pay/executions/poor/delete", url.Values{"confirm": {"good"}})
	if !strings.Contains(got.body, "Type the name of the execution to delete it.") {
		t.Errorf("%+v", got)
	}
	if got = s.post("flows/pay/executions/poor/delete", url.Values{"confirm": {"poor"}}); got.
		location != "./../../../../executions?flow=pay" {
		t.Errorf("%+v", got)
	}
	if got = s.get("flows/pay/executions/poor"); got.status != http.StatusNotFound {
		t.Errorf("it is still there: %d", got.status)
	}
	got = s.post("flows/ask/executions/open/delete", url.Values{"confirm": {"open"}})
	if !strings.Contains(got.body, `role="alert"`) {
		t.Errorf("a running one: %+v", got)
	}
}

// TestRedrive: an execution that has ended without success goes on, once for each form.
func TestRedrive(t *testing.T) {
	s := serve(t, "", "")
	api := s.api("", "")
	fill(t, api)
	s.post("flows/ask/executions/open/stop", nil)
	awaitStatus(t, api, "ask", "open", "Stopped")
	s.shows("flows/ask/executions/open", `name="count" value="0"`, ">Redrive</button>")
	for range 2 {
		got := s.post("flows/ask/executions/open/redrive", url.Values{"count": {"0"}})
		if got.status != http.StatusSeeOther {
			t.Errorf("%+v", got)
		}
	}
	x, err := api.DescribeExecution(t.Context(), cloudflow.DescribeExecutionRequest{FlowName: "ask",
		ExecutionName: "open"})
	if err != nil || x.Status != "Running" || x.RedriveCount != 1 {
		t.Errorf("%+v, %v", x, err)
	}
	awaitEvent(t, api, "ask", "open", "ExecutionRedriven")
	for range 100 {
		if strings.Contains(s.get("flows/ask/executions/open").body, "State Ask waits") {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.shows("flows/ask/executions/open", "Redriven 1 times", "State Ask waits for a report",
		`data-status="waiting"`)
	got := s.post("flows/pay/executions/good/redrive", url.Values{"count": {"0"}})
	if !strings.Contains(got.body, `role="alert"`) {
		t.Errorf("one that has succeeded: %+v", got)
	}
}

// TestFailuresAreGrouped: failures that are alike are one line of Home, which leads to all of them.
func TestFailuresAreGrouped(t *testing.T) {
	s := serve(t, "", "")
	api := s.api("", "")
	fill(t, api)
	for _, name := range []string{"second", "third"} {
		start(t, api, "pay", name, `{"amount":500}`)
		awaitStatus(t, api, "pay", name, "Failed")
	}
	page := s.shows("", "pay / third", "3 times", "In state Pay", "not enough money")
	link := regexp.MustCompile(`href="\./(executions\?flow=pay[^"]*group=[^"]*)"`).FindStringSubmatch(
		page.body)
	if link == nil || strings.Contains(page.body, "pay / second") {
		t.Fatal("the group leads nowhere, or is more than one line")
	}
	s.shows(strings.ReplaceAll(link[1], "&amp;", "&"), ">poor</a>", ">second</a>", ">third</a>",
		"The list is filtered.")
}
