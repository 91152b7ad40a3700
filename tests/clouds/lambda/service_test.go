package lambda_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/tests/clouds/lambda"
)

// invoked is a user's function: it gets the event and returns a result or an error document.
type invoked func(event []byte) (response string, failed bool)

// users replaces Lambda's own API and the users' functions behind it. The outcomes of asynchronous
// invocations go to outcome, in the form of their destination.
type users struct {
	t         *testing.T
	functions map[string]invoked
	outcome   func(record string)
}

func (u *users) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	arn, _ := url.PathUnescape(strings.TrimSuffix(strings.TrimPrefix(r.URL.EscapedPath(),
		"/2015-03-31/functions/"), "/invocations"))
	_, name, _ := strings.Cut(arn, ":function:")
	event, _ := io.ReadAll(r.Body)
	id := requestOf(event, time.Now())
	w.Header().Set("X-Amzn-Requestid", id)
	f := u.functions[name]
	if f == nil {
		w.Header().Set("X-Amzn-ErrorType", "ResourceNotFoundException")
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"Message":"Function not found"}`)
		return
	}
	if r.Header.Get("X-Amz-Invocation-Type") == "Event" {
		w.WriteHeader(http.StatusAccepted)
		go u.later(arn, id, event, f)
		return
	}
	response, failed := f(event)
	if failed {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
	}
	io.WriteString(w, response)
}

func requestOf(event []byte, at time.Time) string {
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", len(event), at.UnixNano()&0xffffffffffff)
}

// later runs an asynchronous invocation and sends its outcome.
func (u *users) later(arn, id string, event []byte, f invoked) {
	response, failed := f(event)
	condition, functionError := "Success", ""
	if failed {
		condition, functionError = "RetriesExhausted", `,"functionError":"Unhandled"`
	}
	u.outcome(
		fmt.Sprintf(
			`{"version":"1.0","timestamp":"2025-11-22T10:00:00.123Z","requestContext":{"requestId":%q,"functionArn":"%s:$LATEST","condition":%q,"approximateInvokeCount":1},"requestPayload":%s,"responseContext":{"statusCode":200,"executedVersion":"$LATEST"%s},"responsePayload":%s}`,
			id, arn, condition, event, functionError, response))
}

const arnOf = "arn:aws:lambda:us-east-1:123456789012:function:"

// TestLambdaFunctions checks that flows can call Lambda functions, through the mapping and by ARN,
// and get results, errors, the outcomes of asynchronous invocations, and reports by token.
func TestLambdaFunctions(t *testing.T) {
	t.Parallel()
	tokens := make(chan string, 1)
	u := &users{t: t, functions: map[string]invoked{
		"prod-double": func(event []byte) (string, bool) {
			var e struct{ N int }
			json.Unmarshal(event, &e)
			return fmt.Sprintf(`{"n":%d}`, 2*e.N), false
		},
		"prod-broken": func([]byte) (string, bool) {
			return `{"errorType":"NoFunds","errorMessage":"none left"}`, true
		},
		"prod-ask": func(event []byte) (string, bool) {
			var e struct{ Token string }
			json.Unmarshal(event, &e)
			tokens <- e.Token
			return `null`, false
		},
	}}
	api := httptest.NewServer(u)
	t.Cleanup(api.Close)
	// A message that a slow step runner has received must not come again until it is a dead letter.
	patient := func(p *lambda.Poller) { p.Visibility = 30 * time.Second }
	s := lambda.Deploy(t, lambda.Options{Race: true, Poller: patient,
		Env: []string{"MILLRACE_FAIR_QUEUE=yes", "AWS_ENDPOINT_URL_LAMBDA=" + api.URL,
			"MILLRACE_FUNCTIONS=functions: [{match: '*', lambda: '" + arnOf + "prod-{name}'}]"}})
	u.outcome = s.Send
	fc := "Type: Task, Action: 'FC:InvokeFunction', Parameters: {resourceArn: " +
		"'acs:fc:::functions/%s', invocationType: %s, body: {n: 21, token.$: " +
		"$Context.Current.TaskToken}}, TaskMode: %s, End: true"
	s.Define("sync", "- {Name: A, "+fmt.Sprintf(fc, "double", "Sync", "RequestComplete")+"}\n")
	s.Define("async", "- {Name: A, "+fmt.Sprintf(fc, "double", "Async",
		"WaitForSystemCallback")+"}\n")
	s.Define("fails", "- {Name: A, "+fmt.Sprintf(fc, "broken", "Async",
		"WaitForSystemCallback")+"}\n")
	s.Define("caught",
		"- {Name: A, "+strings.Replace(fmt.Sprintf(fc, "broken", "Sync", "RequestComplete"),
			"End: true", "Catch: [{Errors: [NoFunds], Next: B}], End: true",
			1)+"}\n- {Name: B, Type: Succeed}\n")
	s.Define("none", "- {Name: A, "+fmt.Sprintf(fc, "missing", "Sync", "RequestComplete")+"}\n")
	s.Define("ask", "- {Name: A, "+fmt.Sprintf(fc, "ask", "Sync", "WaitForCustomCallback")+"}\n")
	s.Define("direct",
		"- {Name: A, Type: Task, Action: 'Lambda:Invoke', Parameters: {functionArn: '"+arnOf+
			"prod-double', body: {n: 4}}, End: true}\n")
	for _, f := range []string{"sync", "async", "fails", "caught", "none", "ask", "direct"} {
		s.Start(f, "one", "{}")
	}
	token := <-tokens
	if _, err := s.Client.ReportTaskSucceeded(t.Context(), cloudflow.ReportTaskSucceededRequest{
		TaskToken: token, Output: `{"r":1}`}); err != nil {
		t.Error(err)
	}
	for f, want := range map[string]string{"sync": `"n":42`, "async": `"n":42`, "direct": `"n":8`,
		"ask": `"r":1`} {
		if x := s.Wait(f, "one", 3*time.Minute); x.Status != "Succeeded" ||
			!strings.Contains(x.Output, want) {
			t.Errorf("%s: %s %s; %v", f, x.Status, x.Output, s.History(f, "one"))
		}
	}
	if x := s.Wait("caught", "one", 3*time.Minute); x.Status != "Succeeded" {
		t.Errorf("caught: %s; %v", x.Status, s.History("caught", "one"))
	}
	for _, f := range []string{"fails", "none"} {
		if x := s.Wait(f, "one", 3*time.Minute); x.Status != "Failed" {
			t.Errorf("%s: %s", f, x.Status)
		}
	}
	if h := s.History("async", "one"); count(h, "TaskSubmitted") != 1 ||
		count(h, "TaskSucceeded") != 1 {
		t.Errorf("async: %v", h)
	}
	if n := s.DeadLetterCount(); n != "0" {
		t.Errorf("%s dead letters", n)
	}
}
