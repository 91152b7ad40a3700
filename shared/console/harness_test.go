package console_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"millrace/shared/app/local"
	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
	"millrace/shared/task"
)

// payFlow fails in Pay for an amount above 100, and then undoes; Ask waits for a report.
const payFlow = `Type: StateMachine
SpecVersion: v1
Name: pay
StartAt: Pay
States:
  - Type: Task
    Name: Pay
    Action: FC:InvokeFunction
    Parameters: {invocationType: Sync, resourceArn: "acs:fc:::services/s/functions/pay", body.$: $Input}
    Next: Done
  - {Type: Succeed, Name: Done}
`

const askFlow = `Type: StateMachine
SpecVersion: v1
Name: ask
StartAt: Ask
States:
  - Type: Task
    Name: Ask
    Action: FC:InvokeFunction
    TaskMode: WaitForCustomCallback
    Parameters: {invocationType: Sync, resourceArn: "acs:fc:::services/s/functions/ask", body: {token.$: $Context.Current.TaskToken}}
    End: true
`

// payAllFlow pays each item, one after the other.
const payAllFlow = `Type: StateMachine
SpecVersion: v1
Name: pay-all
StartAt: All
States:
  - Type: Map
    Name: All
    ItemsPath: $Input.orders
    MaxConcurrency: 1
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

// server is a local server with a console, and a browser without scripts.
type server struct {
	t       *testing.T
	url     string // of the console, with a slash at its end
	browser *http.Client
}

// serve starts a server. credentials is its credentials file, "" for an open one. prefix is what a
// proxy in front of it puts before its paths.
func serve(t *testing.T, credentials, prefix string, edit ...func(*local.Config)) *server {
	t.Helper()
	c := local.Config{Data: t.TempDir(), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Tasks: task.RunnerFunc(pay)}
	if credentials != "" {
		c.Credentials = filepath.Join(t.TempDir(), "credentials.yaml")
		if err := os.WriteFile(c.Credentials, []byte(credentials), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range edit {
		e(&c)
	}
	a, err := local.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(http.StripPrefix(prefix, a.Handler()))
	t.Cleanup(func() {
		h.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &server{t, h.URL + prefix + "/console/", &http.Client{Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// pay declines amounts above 100, with a cause that is markup.
func pay(_ context.Context, r task.Request) task.Result {
	if strings.Contains(string(r.Parameters), `"amount":500`) {
		return task.Fail("Declined", "<script>alert(1)</script> not enough money")
	}
	return task.Result{Output: []byte(`{"paid":true}`)}
}

// api returns a client of the server's API.
func (s *server) api(id, secret string) *client.Client {
	s.t.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	api, err := client.New(client.Options{Endpoint: "http://" + u.Host, AccessKeyID: id,
		Secret: secret})
	if err != nil {
		s.t.Fatal(err)
	}
	return api
}

// answer is what the browser got.
type answer struct {
	status   int
	location string
	header   http.Header
	body     string
}

// get asks for a page by its path from the console's root.
func (s *server) get(path string, header ...string) answer {
	s.t.Helper()
	return s.send(http.MethodGet, path, nil, header...)
}

// post sends a form.
func (s *server) post(path string, form url.Values, header ...string) answer {
	s.t.Helper()
	return s.send(http.MethodPost, path, form, header...)
}

func (s *server) send(method, path string, form url.Values, header ...string) answer {
	s.t.Helper()
	address := s.url + path
	if path == "../" || strings.HasPrefix(path, "../?") { // beside the console
		address = strings.TrimSuffix(s.url, "console/") + strings.TrimPrefix(path, "../")
	}
	r, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		if r.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	got, err := s.browser.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header.Get("Location"), got.Header, string(body)}
}

// shows checks that a page is there and has texts.
func (s *server) shows(path string, texts ...string) answer {
	s.t.Helper()
	got := s.get(path)
	if got.status != http.StatusOK {
		s.t.Errorf("%s: status %d, %s", path, got.status, got.body)
	}
	for _, text := range texts {
		if !strings.Contains(got.body, text) {
			s.t.Errorf("%s does not show %q:\n%s", path, text, got.body)
		}
	}
	return got
}

// fill creates the flows and runs executions: pay/good, pay/poor, which fails, and ask/open, which
// waits.
func fill(t *testing.T, api *client.Client) {
	t.Helper()
	ctx := t.Context()
	for name, definition := range map[string]string{"pay": payFlow, "ask": askFlow} {
		_, err := api.CreateFlow(ctx, cloudflow.CreateFlowRequest{Name: name, Type: "FDL",
			Definition: definition, Description: "<script>alert(2)</script>"})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range []struct{ flow, name, input, status string }{
		{"pay", "good", `{"amount":5,"note":"<script>alert(3)</script>"}`, "Succeeded"},
		{"pay", "poor", `{"amount":500}`, "Failed"}, {"ask", "open", `{}`, ""}} {
		_, err := api.StartExecution(ctx, cloudflow.StartExecutionRequest{FlowName: x.flow,
			ExecutionName: x.name, Input: x.input})
		if err != nil {
			t.Fatal(err)
		}
		if x.status != "" {
			awaitStatus(t, api, x.flow, x.name, x.status)
		}
	}
}

func awaitStatus(
	t *testing.T, api *client.Client, flowName, name, status string,
) *client.Execution {
	t.Helper()
	wait := int64(20)
	x, err := api.DescribeExecution(t.Context(), cloudflow.DescribeExecutionRequest{
		FlowName: flowName, ExecutionName: name, WaitTimeSeconds: &wait})
	if err != nil || x.Status != status {
		t.Fatalf("%s/%s: %+v, %v; want %s", flowName, name, x, err, status)
	}
	return x
}

// awaitEvent waits until an execution has an event of a type.
func awaitEvent(t *testing.T, api *client.Client, flowName, name, kind string) {
	t.Helper()
	for range 400 {
		h, err := api.GetExecutionHistory(t.Context(), cloudflow.GetExecutionHistoryRequest{
			FlowName: flowName, ExecutionName: name})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range h.Events {
			if e.Type == kind {
				return
			}
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("%s/%s has no event %s", flowName, name, kind)
}
