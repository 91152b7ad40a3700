package browser

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"millrace/shared/app/local"
	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
	"millrace/shared/task"
)

// hostile is what a stranger may write into a name, an input or an error.
const hostile = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>` +
	"\u202e\u200b]]>'\"`${window.hacked=1}"

// saga undoes what it did if shipping fails, and has a Parallel and a Map.
const saga = `Type: StateMachine
SpecVersion: v1
Name: saga
StartAt: Reserve
States:
  - Type: Task
    Name: Reserve
    Action: HTTP:Request
    Parameters: {url: "http://shop.example/reserve", method: POST, body.$: $Input}
    OutputConstructor: {items.$: $Input.items}
    Next: Both
  - Type: Parallel
    Name: Both
    Branches:
      - StartAt: Left
        States:
          - {Type: Pass, Name: Left, End: true}
      - StartAt: Each
        States:
          - Type: Map
            Name: Each
            ItemsPath: $Input.items
            Processor:
              StartAt: Item
              States:
                - {Type: Pass, Name: Item, End: true}
            End: true
    OutputConstructor: {city.$: $Context.Execution.Input.city}
    Next: Ship
  - Type: Task
    Name: Ship
    Action: HTTP:Request
    Parameters: {url: "http://shop.example/ship", method: POST, body: {city.$: $Input.city}}
    Catch:
      - {Errors: [FnF.ALL], Next: Undo}
    End: true
  - Type: Task
    Name: Undo
    Action: HTTP:Request
    Parameters: {url: "http://shop.example/undo", method: POST}
    Next: Undone
  - {Type: Fail, Name: Undone, Code: Undone, Detail: the goods are back in stock}
`

// approval waits for a report.
const approval = `Type: StateMachine
SpecVersion: v1
Name: approval
StartAt: Ask
States:
  - Type: Task
    Name: Ask
    Action: FC:InvokeFunction
    TaskMode: WaitForCustomCallback
    Parameters:
      resourceArn: acs:fc:::functions/ask/LATEST
      invocationType: Sync
      body: {token.$: $Context.Current.TaskToken}
    Next: Done
  - {Type: Succeed, Name: Done}
`

// batch asks for each item in a child execution of its own, one at a time; child 0 fails.
const batch = `Type: StateMachine
SpecVersion: v1
Name: batch
StartAt: Each
States:
  - Type: Map
    Name: Each
    ItemsPath: $Input.items
    MaxConcurrency: 2
    ToleratedFailurePercentage: 90
    ProcessorConfig: {ExecutionMode: Standard}
    Processor:
      StartAt: Look
      States:
        - Type: Choice
          Name: Look
          Branches:
            - {Condition: $Input.bad == true, Next: Ship}
          Default: Ask
        - Type: Task
          Name: Ship
          Action: HTTP:Request
          Parameters: {url: "http://shop.example/ship", method: POST}
          End: true
        - Type: Task
          Name: Ask
          Action: FC:InvokeFunction
          TaskMode: WaitForCustomCallback
          Parameters:
            resourceArn: acs:fc:::functions/ask/LATEST
            invocationType: Sync
            body: {token.$: $Context.Current.TaskToken}
          End: true
    End: true
`

// tasks carries out every task: shipping fails with a cause that ends in what a stranger wrote.
func (c *console) tasks(_ context.Context, r task.Request) task.Result {
	if strings.Contains(string(r.Parameters), "/ship") &&
		!strings.Contains(string(r.Parameters), "Kyoto") {
		return task.Fail("NoRoute", "no road leads to Atlantis"+c.stranger)
	}
	return task.Result{Output: []byte(`{"ok":true}`)}
}

// console is a server with flows and executions, and a browser.
type console struct {
	t        *testing.T
	stranger string // what a stranger wrote
	url      string // of the console, with a slash at its end
	api      *client.Client
	ctx      context.Context // of the browser
	mapRun   string          // the name of the MapRun of batch/night

	mu   sync.Mutex
	said []string // what the browser's console says: errors, and what it refuses to load
}

// open starts the server and the browser, and fills the server with what a stranger wrote, too.
func open(t *testing.T, stranger string) *console {
	t.Helper()
	c := &console{t: t, stranger: stranger}
	a, err := local.Open(context.Background(), local.Config{Data: t.TempDir(),
		Log: slog.New(slog.DiscardHandler), Tasks: task.RunnerFunc(c.tasks)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	c.url = server.URL + "/console/"
	if c.api, err = client.New(client.Options{Endpoint: server.URL}); err != nil {
		t.Fatal(err)
	}
	c.fill()
	c.browse()
	return c
}

// browse starts the browser.
func (c *console) browse() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	c.t.Cleanup(cancel)
	ctx, end := chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(chromedp.NoSandbox,
		chromedp.WindowSize(1200, 900)))
	c.t.Cleanup(end)
	c.ctx = ctx
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			c.mu.Lock()
			c.said = append(c.said, m.Text+" "+m.URL)
			c.mu.Unlock()
		}
	}()
}

// heard returns what the browser's console has said since the last time.
func (c *console) heard() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	said := c.said
	c.said = nil
	return said
}

// do runs actions in the browser.
func (c *console) do(actions ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	if err := chromedp.Do(c.ctx, actions...); err != nil {
		c.t.Fatal(err)
	}
}

// to goes to a page by its path from the console's root.
func (c *console) to(path string) {
	c.t.Helper()
	c.do(chromedp.Navigate(c.url+path), chromedp.WaitReady(chromedp.CSS("main")))
}

// run runs an action in the browser and returns its value.
func run[T any](c *console, action chromedp.Action[T]) T {
	c.t.Helper()
	value, err := chromedp.Run(c.ctx, action)
	if err != nil {
		c.t.Fatal(err)
	}
	return value
}

// eval evaluates an expression in the page.
func eval[T any](c *console, expression string) T {
	c.t.Helper()
	return run(c, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// eventually waits until an element shows a text. The page may be loaded anew meanwhile.
func (c *console) eventually(selector, want string) {
	c.t.Helper()
	text := chromedp.Evaluate[string]("document.querySelector(" + quoted(selector) +
		")?.innerText ?? ''")
	got, err := "", error(nil)
	for range 200 {
		if got, err = chromedp.Run(c.ctx, text); err == nil && strings.Contains(got, want) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.t.Fatalf("%s shows %q, not %q: %v", selector, got, want, err)
}

// colours sets the colour scheme of the system.
func colours(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	})
}

// fill creates two flows, and runs executions: saga/lost, which fails, saga/strange, whose input is
// hostile, and approval/open, which waits.
func (c *console) fill() {
	c.t.Helper()
	ctx := c.t.Context()
	for name, definition := range map[string]string{"saga": saga, "approval": approval,
		"batch": batch} {
		if _, err := c.api.CreateFlow(ctx, cloudflow.CreateFlowRequest{Name: name, Type: "FDL",
			Definition: definition, Description: "a sale, undone if it cannot be shipped" + c.stranger}); err != nil {
			c.t.Fatal(err)
		}
	}
	if _, err := c.api.CreateSchedule(ctx, cloudflow.CreateScheduleRequest{FlowName: "saga",
		ScheduleName: "nightly", CronExpression: "0 0 4 * * *", Description: "each night" + c.stranger,
	}); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.api.PublishFlowVersion(ctx, cloudflow.PublishFlowVersionRequest{FlowName: "saga",
		Description: "the first" + c.stranger}); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.api.CreateFlowAlias(ctx, cloudflow.CreateFlowAliasRequest{FlowName: "saga",
		Name: "live", RoutingConfigurations: `[{"Version":"1","Weight":100}]`}); err != nil {
		c.t.Fatal(err)
	}
	c.start("saga", "lost", `{"items":[1,2,3],"city":"Atlantis"}`)
	c.start("saga", "strange", `{"items":[],"city":"Atlantis","note":`+quoted(c.stranger)+`}`)
	c.start("saga", "fine", `{"items":[1,2],"city":"Kyoto"}`)
	c.start("approval", "open", `{}`)
	c.start("batch", "night", `{"items":[{"bad":true},{"bad":false},{"bad":false},{"bad":false}]}`)
	c.mapRun = c.findMapRun("batch", "night")
	c.ends("saga", "fine", "Succeeded")
	c.ends("saga", "lost", "Failed")
	c.ends("saga", "strange", "Failed")
}

func (c *console) start(flow, name, input string) {
	c.t.Helper()
	if _, err := c.api.StartExecution(c.t.Context(), cloudflow.StartExecutionRequest{
		FlowName: flow, ExecutionName: name, Input: input}); err != nil {
		c.t.Fatal(err)
	}
}

// findMapRun waits until an execution has a MapRun with a child that has failed, and returns its name.
func (c *console) findMapRun(flow, execution string) string {
	c.t.Helper()
	named := regexp.MustCompile(`"MapRunName":"([0-9a-f]{32})"`)
	for range 400 {
		h, err := c.api.GetExecutionHistory(c.t.Context(), cloudflow.GetExecutionHistoryRequest{
			FlowName: flow, ExecutionName: execution})
		if err != nil {
			c.t.Fatal(err)
		}
		last := h.Events[len(h.Events)-1]
		if name := named.FindStringSubmatch(last.EventDetail); name != nil {
			r, err := c.api.DescribeMapRun(c.t.Context(), cloudflow.MapRunRequest{FlowName: flow,
				ExecutionName: execution, MapRunName: name[1]})
			if err == nil && r.ItemCounts.Failed == 1 && r.ItemCounts.Running == 2 {
				return name[1]
			}
		}
		time.Sleep(25 * time.Millisecond)
	}
	c.t.Fatalf("%s/%s has no MapRun", flow, execution)
	return ""
}

// ends waits for the end of an execution.
func (c *console) ends(flow, name, status string) *client.Execution {
	c.t.Helper()
	wait := int64(20)
	x, err := c.api.DescribeExecution(c.t.Context(), cloudflow.DescribeExecutionRequest{
		FlowName: flow, ExecutionName: name, WaitTimeSeconds: &wait})
	if err != nil || x.Status != status {
		c.t.Fatalf("%s/%s: %+v, %v; want %s", flow, name, x, err, status)
	}
	return x
}
