package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"millrace/shared/cloudflow"
)

// links finds the addresses in a page.
var links = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)

// TestEveryLinkLeadsSomewhere walks over all pages, in both languages and below several prefixes.
// Every link is relative, and none is dead.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	for _, prefix := range []string{"", "/prod", "/a/b/c"} {
		for _, language := range []string{"en", "zh"} {
			s := serve(t, "", prefix)
			if prefix == "" { // the API's client takes no prefix
				fill(t, s.api("", ""))
			}
			s.walk(language)
		}
	}
}

// walk asks for every page that links lead to.
func (s *server) walk(language string) {
	s.t.Helper()
	seen, todo := map[string]bool{"": true}, []string{""}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		got := s.get(at, "Accept-Language", language)
		if got.status != http.StatusOK {
			s.t.Errorf("%q: status %d", at, got.status)
		}
		for _, m := range links.FindAllStringSubmatch(got.body, -1) {
			link := strings.ReplaceAll(m[1], "&amp;", "&")
			base, _ := url.Parse(s.url + at)
			to, err := base.Parse(link)
			path, inside := strings.CutPrefix(to.String(), s.url)
			if err != nil || !inside || strings.HasPrefix(link, "/") || strings.Contains(link, ":") {
				s.t.Errorf("%q: the link %q leads to %q, %v", at, link, to, err)
				continue
			}
			path, _, _ = strings.Cut(path, "#")
			isForm := strings.HasPrefix(m[0], "action") && path != "executions"
			if !seen[path] && !isForm {
				seen[path] = true
				todo = append(todo, path)
			}
		}
	}
	if len(seen) < 5 {
		s.t.Errorf("only %v", seen)
	}
}

// TestPages: each page shows what it is for.
func TestPages(t *testing.T) {
	s := serve(t, "", "")
	api := s.api("", "")
	fill(t, api)
	awaitEvent(t, api, "ask", "open", "TaskSubmitted")
	s.shows("", "Failed lately", "pay / poor", "Declined", "In state Pay", "ask", "open")
	s.shows("flows", ">pay</a>", ">ask</a>")
	s.shows("flows/pay", "StartAt: Pay", "<svg", ">poor</a>", "failed")
	s.shows("flows/pay/edit", "StartAt: Pay", "No mistakes.")
	s.shows("executions?flow=pay&status=Failed", ">poor</a>", "The list is filtered.")
	s.shows("executions?flow=pay&prefix=go", ">good</a>")
	s.shows("flows/pay/executions/poor", "Why it failed", "In state Pay", "Declined",
		"not enough money", "&#34;amount&#34;: 500", `data-status="failed"`, "TaskFailed")
	s.shows("flows/ask/executions/open", "State Ask waits for a report", `data-status="waiting"`)
	for path, status := range map[string]int{"flows/none": 404, "flows/pay/executions/none": 404,
		"none": 404, "assets/none.css": 404, "executions?flow=pay&status=Bad": 400,
		"flows?from=bad": 400} {
		if got := s.get(path); got.status != status {
			t.Errorf("%s: status %d", path, got.status)
		}
	}
	if got := s.get("flows/pay/executions/good/export"); got.status != http.StatusOK ||
		!strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") ||
		!strings.Contains(got.body, "ExecutionSucceeded") {
		t.Errorf("%+v", got)
	}
}

// TestFailureInAnItem: the page names the item that failed, and the attempt of that item alone.
func TestFailureInAnItem(t *testing.T) {
	s := serve(t, "", "")
	api := s.api("", "")
	_, err := api.CreateFlow(t.Context(), cloudflow.CreateFlowRequest{Name: "pay-all", Type: "FDL",
		Definition: payAllFlow})
	if err != nil {
		t.Fatal(err)
	}
	_, err = api.StartExecution(t.Context(), cloudflow.StartExecutionRequest{FlowName: "pay-all",
		ExecutionName: "third", Input: `{"orders":[{"amount":1},{"amount":2},{"amount":500}]}`})
	if err != nil {
		t.Fatal(err)
	}
	awaitStatus(t, api, "pay-all", "third", "Failed")
	s.shows("flows/pay-all/executions/third", "In state Pay[2]: <b>Declined</b>",
		"What it was given", "&#34;amount&#34;: 500")
	s.shows("", "In state Pay")
}

// TestNothingHostileIsMarkup: what strangers have written is text on every page.
func TestNothingHostileIsMarkup(t *testing.T) {
	s := serve(t, "", "")
	fill(t, s.api("", ""))
	for _, path := range []string{"", "flows", "flows/pay", "flows/pay/edit", "executions?flow=pay",
		"executions?flow=pay&prefix=<script>alert(4)</script>", "flows/pay/executions/poor",
		"flows/pay/executions/good", "flows/<script>alert(5)</script>"} {
		got := s.get(strings.NewReplacer("<", "%3C", ">", "%3E").Replace(path))
		if strings.Contains(strings.ToLower(got.body), "<script>alert") {
			t.Errorf("%s holds markup of a stranger", path)
		}
		if p := got.header.Get("Content-Security-Policy"); !strings.Contains(p, "script-src 'self'") ||
			strings.Contains(p, "unsafe") || !strings.Contains(p, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", path, p)
		}
	}
}

// TestActions: what a page offers has its effect, seen through the API.
func TestActions(t *testing.T) {
	s := serve(t, "", "")
	api := s.api("", "")
	fill(t, api)
	ctx := t.Context()

	got := s.post("flows/pay/start", url.Values{"name": {"again"}, "input": {`{"amount":1}`}})
	if got.status != http.StatusSeeOther || !strings.HasSuffix(got.location,
		"flows/pay/executions/again") {
		t.Errorf("start: %+v", got)
	}
	awaitStatus(t, api, "pay", "again", "Succeeded")
	got = s.post("flows/pay/start", url.Values{"name": {"again"}, "input": {`{`}})
	if got.status != http.StatusOK || !strings.Contains(got.body, `role="alert"`) ||
		!strings.Contains(got.body, ">{</textarea>") {
		t.Errorf("a bad input: %+v", got)
	}

	awaitEvent(t, api, "ask", "open", "TaskSubmitted")
	h := s.shows("flows/ask/executions/open")
	event := regexp.MustCompile(`name="event" value="(\d+)"`).FindStringSubmatch(h.body)
	if event == nil || strings.Contains(h.body, "taskToken") {
		t.Fatalf("no form to report with: %s", h.body)
	}
	s.post("flows/ask/executions/open/report", url.Values{"event": {event[1]},
		"output": {`{"ok":true}`}})
	if x := awaitStatus(t, api, "ask", "open", "Succeeded"); !strings.Contains(x.Output, "true") {
		t.Errorf("the output is %s", x.Output)
	}
	got = s.post("flows/ask/executions/open/report", url.Values{"event": {event[1]}, "output": {`{}`}})
	if !strings.Contains(got.body, "does not wait any more") {
		t.Errorf("a second report: %+v", got)
	}

	_, err := api.StartExecution(ctx, cloudflow.StartExecutionRequest{FlowName: "ask",
		ExecutionName: "two"})
	if err != nil {
		t.Fatal(err)
	}
	s.post("flows/ask/executions/two/stop", url.Values{"cause": {"enough"}})
	awaitStatus(t, api, "ask", "two", "Stopped")
	if got = s.post("flows/ask/executions/two/stop", nil); !strings.Contains(got.body, "already") {
		t.Errorf("a second stop: %+v", got)
	}

	definition := strings.ReplaceAll(payFlow, "Name: pay", "Name: new")
	s.post("save", url.Values{"new": {"1"}, "name": {"new"}, "mode": {"Standard"},
		"definition": {strings.ReplaceAll(definition, "\n", "\r\n")}})
	f, err := api.DescribeFlow(ctx, "new")
	if err != nil || f.Definition != definition {
		t.Errorf("create: %+v, %v", f, err)
	}
	got = s.post("save", url.Values{"name": {"new"}, "definition": {"Type: StateMachine"}})
	if !strings.Contains(got.body, "Line 1") {
		t.Errorf("mistakes: %s", got.body)
	}
	got = s.post("save", url.Values{"name": {"ask"}, "mode": {"Express"}, "definition": {askFlow},
		"check": {"1"}})
	if !strings.Contains(got.body, "Express") || strings.Contains(got.body, "No mistakes") {
		t.Errorf("a task that waits is checked for an Express flow: %s", got.body)
	}
	got = s.post("save", url.Values{"name": {"new"}, "definition": {definition + "# checked"},
		"check": {"1"}})
	if f, _ = api.DescribeFlow(ctx, "new"); f.Definition != definition {
		t.Error("a check has saved")
	}
	s.post("flows/new/delete", url.Values{"confirm": {"ne"}})
	if _, err = api.DescribeFlow(ctx, "new"); err != nil {
		t.Errorf("deleted without its name: %v", err)
	}
	s.post("flows/new/delete", url.Values{"confirm": {"new"}})
	if _, err = api.DescribeFlow(ctx, "new"); err == nil {
		t.Error("the flow is still there")
	}
}

// TestSchedules: a schedule is made, shown with its next times, disabled and removed.
func TestSchedules(t *testing.T) {
	s := serve(t, "", "")
	api := s.api("", "")
	fill(t, api)
	s.post("flows/pay/schedules", url.Values{"name": {"nightly"}, "expression": {"0 0 4 * * *"},
		"payload": {`{"amount":1}`}})
	page := s.shows("flows/pay/schedules", "nightly", "0 0 4 * * *")
	if n := strings.Count(page.body, "T04:00:00Z"); n != 5 {
		t.Errorf("%d planned times are shown", n)
	}
	got := s.post("flows/pay/schedules", url.Values{"name": {"bad"}, "expression": {"0 4 * * *"},
		"payload": {"{}"}})
	if !strings.Contains(got.body, `role="alert"`) ||
		!strings.Contains(got.body, `value="0 4 * * *"`) {
		t.Errorf("a broken expression: %s", got.body)
	}
	s.post("flows/pay/schedules/change", url.Values{"name": {"nightly"}})
	list, err := api.ListSchedules(t.Context(), cloudflow.ListOfFlowRequest{FlowName: "pay"})
	if err != nil || len(list.Schedules) != 1 || list.Schedules[0].Enable {
		t.Errorf("%+v, %v", list, err)
	}
	s.shows("flows/pay/schedules", "disabled")
	s.post("flows/pay/schedules/change", url.Values{"name": {"nightly"}, "enable": {"1"}})
	s.shows("flows/pay/schedules", "T04:00:00Z")
	s.post("flows/pay/schedules/change", url.Values{"name": {"nightly"}, "delete": {"1"}})
	s.shows("flows/pay/schedules", "There is no schedule.")
}

// TestVersions: a version is published, an alias leads to it, an execution starts through the
// alias, and what an alias uses is not removed.
func TestVersions(t *testing.T) {
	s := serve(t, "", "")
	api := s.api("", "")
	fill(t, api)
	s.post("flows/pay/versions", url.Values{"description": {"the first"}})
	s.post("flows/pay/versions", url.Values{"description": {"the second"}})
	s.shows("flows/pay/versions", "the first", "the second", "There is no alias.")
	s.post("flows/pay/versions/alias", url.Values{"name": {"live"}, "version": {"1"}})
	s.shows("flows/pay/versions", "version 1: 100 %")
	s.post("flows/pay/versions/alias", url.Values{"name": {"live"}, "version": {"1"}, "second": {"2"},
		"share": {"20"}})
	s.shows("flows/pay/versions", "version 1: 80 %", "version 2: 20 %")
	for _, wrong := range []url.Values{
		{"name": {"live"}, "version": {"1"}, "second": {"2"}, "share": {"a"}},
		{"name": {"7"}, "version": {"1"}}, {"name": {"live"}, "version": {"9"}}} {
		if got := s.post("flows/pay/versions/alias", wrong); !strings.Contains(got.body,
			`role="alert"`) {
			t.Errorf("%v: %+v", wrong, got)
		}
	}
	s.post("flows/pay/start", url.Values{"name": {"q"}, "input": {`{"amount":1}`},
		"qualifier": {"live"}})
	awaitStatus(t, api, "pay", "q", "Succeeded")
	if got := s.post("flows/pay/versions", url.Values{"delete": {"1"}}); !strings.Contains(got.body,
		`role="alert"`) {
		t.Errorf("a version that an alias uses: %+v", got)
	}
	s.post("flows/pay/versions/alias", url.Values{"name": {"live"}, "delete": {"1"}})
	s.post("flows/pay/versions", url.Values{"delete": {"1"}})
	if got := s.shows("flows/pay/versions", "the second"); strings.Contains(got.body, "the first") {
		t.Error("the version is still there")
	}
}

// TestChangesComeFromOwnPages: a form that another site sends changes nothing, and an open console
// answers to no name that is not this machine's.
func TestChangesComeFromOwnPages(t *testing.T) {
	s := serve(t, "", "")
	api := s.api("", "")
	fill(t, api)
	form := url.Values{"name": {"forged"}, "input": {"{}"}}
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"}, {"Origin", "http://evil.example"},
		{"Host", "evil.example"}} {
		if got := s.post("flows/pay/start", form, header...); got.status != http.StatusForbidden {
			t.Errorf("%v: status %d", header, got.status)
		}
	}
	for _, path := range []string{"", "flows/pay", "flows/pay/executions/good/export"} {
		if got := s.get(path, "Host", "evil.example"); got.status != http.StatusForbidden ||
			strings.Contains(got.body, "pay") {
			t.Errorf("%q to another name: %+v", path, got)
		}
	}
	for _, mode := range []string{"no-cors", "cors"} {
		if got := s.get("flows/pay", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode",
			mode); got.status != http.StatusForbidden {
			t.Errorf("loaded into another site: %d", got.status)
		}
	}
	if got := s.get("flows/pay", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate",
		"Sec-Fetch-Dest", "document"); got.status != http.StatusOK {
		t.Errorf("a link of another site: %d", got.status)
	}
	for path, status := range map[string]int{"/flows": 404, "flows//pay": 404, "./flows": 404,
		"sign-in": 404} {
		if got := s.get(path); got.status != status {
			t.Errorf("%q: status %d, to %q", path, got.status, got.location)
		}
	}
	for _, path := range []string{"flows/pay/start", "flows/pay/delete", "save", "settings",
		"flows/ask/executions/open/stop", "flows/ask/executions/open/report"} {
		if got := s.get(path); got.status != http.StatusMethodNotAllowed && got.status != 404 {
			t.Errorf("GET %s: status %d", path, got.status)
		}
	}
	if _, err := api.DescribeExecution(t.Context(), cloudflow.DescribeExecutionRequest{
		FlowName: "pay", ExecutionName: "forged"}); err == nil {
		t.Error("another site has started an execution")
	}
}

// TestChoices: language, colours and zone are kept.
func TestChoices(t *testing.T) {
	s := serve(t, "", "")
	if got := s.get("flows", "Accept-Language", "zh-CN,zh;q=0.9"); !strings.Contains(got.body, "流程") {
		t.Error("the browser's language does not count")
	}
	got := s.post("settings", url.Values{"millrace-language": {"zh"}, "millrace-colours": {"dark"},
		"millrace-zone": {"utc"}, "next": {"flows?from="}})
	if got.location != "./flows?from=" {
		t.Errorf("it leads to %q", got.location)
	}
	s.shows("flows", `lang="zh-CN"`, `data-colours="dark"`, `data-zone="utc"`, "流程")
	for _, next := range []string{"//evil.example", "https://evil.example", "/x", `\evil`, "../x",
		"javascript:alert(1)"} {
		if got := s.post("settings", url.Values{"next": {next}}); got.location != "./" {
			t.Errorf("%q leads to %q", next, got.location)
		}
	}
}

// TestRootLeadsToTheConsole: a browser that asks for the server alone is shown the console. A
// client of the API is not.
func TestRootLeadsToTheConsole(t *testing.T) {
	s := serve(t, "", "")
	if got := s.get("../", "Accept", "text/html"); got.location != "./console/" {
		t.Errorf("%+v", got)
	}
	if got := s.get("../", "Accept", "application/json"); got.status != http.StatusBadRequest {
		t.Errorf("%+v", got)
	}
	if got := s.get("../?Action=DescribeRegions&Version=2019-03-15", "Accept",
		"text/html"); got.status != http.StatusOK {
		t.Errorf("%+v", got)
	}
}
