package local_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/app/local"
	"millrace/shared/cloudflow"
	"millrace/shared/config"
	"millrace/shared/fault"
	"millrace/shared/rpc/client"
)

// securedServer is a server with credentials, which may change when it is opened again.
type securedServer struct {
	t    *testing.T
	data string
	url  string
	end  func()

	functions string // lines of the functions file, before those of all tests
	log       logBuffer
}

// logBuffer is a log that a test may read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// count counts the lines that contain a text.
func (l *logBuffer) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// Policies of keys and roles, as text of a credentials file: everything, or only its own flows.
const (
	ownFlows = `{Effect: Allow, Action: "fnf:*", Resource: "acs:fnf:*:*:flow/mine*"}, {Effect: ` +
		`Allow, Action: "ram:PassRole", Resource: "*"}`
	everything = `{Effect: Allow, Action: "*", Resource: "*"}`
)

func policies(statements string) string {
	return `policies: [{Version: "1", Statement: [` + statements + `]}]`
}

// accountFile returns the credentials file of account 1: its owner, and the given lines of further
// keys and roles.
func accountFile(keys, roles string) string {
	text := "accounts:\n  - id: \"1\"\n    keys:\n      - {id: owner, secret: secret-of-owner}\n"
	for _, k := range strings.Split(keys, "\n") {
		if k != "" {
			text += "      - {" + k + "}\n"
		}
	}
	if roles != "" {
		text += "    roles:\n      - {" + roles + "}\n"
	}
	return text + "  - id: \"2\"\n    keys: [{id: stranger, secret: secret-of-stranger}]\n"
}

func key(id, more string) string {
	k := "id: " + id + ", secret: secret-of-" + id
	if more != "" {
		k += ", " + more
	}
	return k
}

const functionsFile = `  - {match: "acs:fc:*:1:functions/private/*", reply: {secret: of-account-1}}
  - {match: "ask*", reply: {}}
actions:
  - {match: "MNS:*", reply: {sent: true}}
`

// open opens a server, or opens it again on the data of the previous one.
func (g *securedServer) open(credentials string) {
	g.t.Helper()
	if g.data == "" {
		g.data = g.t.TempDir()
		g.t.Cleanup(func() { g.end() })
	} else {
		g.end()
	}
	file, functions := filepath.Join(g.data, "..", "credentials.yaml"),
		filepath.Join(g.data, "..", "functions.yaml")
	for name, text := range map[string]string{file: credentials, functions: "functions:\n" +
		g.functions + functionsFile} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			g.t.Fatal(err)
		}
	}
	c := local.Config{
		Data:      g.data,
		Functions: functions,
		Log:       slog.New(slog.NewTextHandler(io.MultiWriter(g.t.Output(), &g.log), nil)),
		Settings:  config.Settings{Region: "cn-hangzhou"},
	}
	if credentials != "" {
		c.Credentials = file
	}
	a, err := local.Open(context.Background(), c)
	if err != nil {
		g.end = func() {}
		g.t.Fatal(err)
	}
	server := httptest.NewServer(a.Handler())
	g.url = server.URL
	g.end = func() {
		server.Close()
		if err := a.Close(); err != nil {
			g.t.Error(err)
		}
	}
}

// as returns a client with a key.
func (g *securedServer) as(id string) *caller {
	g.t.Helper()
	o := client.Options{Endpoint: g.url}
	if id != "" {
		o.AccessKeyID, o.Secret = id, "secret-of-"+id
	}
	c, err := client.New(o)
	if err != nil {
		g.t.Fatal(err)
	}
	return &caller{g.t, c}
}

type caller struct {
	t *testing.T
	*client.Client
}

func (c *caller) create(name, definition string, edit ...func(*cloudflow.CreateFlowRequest)) error {
	q := cloudflow.CreateFlowRequest{Name: name, Definition: definition}
	for _, e := range edit {
		e(&q)
	}
	_, err := c.CreateFlow(c.t.Context(), q)
	return err
}

func (c *caller) mustCreate(name, definition string, edit ...func(*cloudflow.CreateFlowRequest)) {
	c.t.Helper()
	if err := c.create(name, definition, edit...); err != nil {
		c.t.Fatalf("create %s: %v", name, err)
	}
}

func (c *caller) start(flow, name, input string) {
	c.t.Helper()
	_, err := c.StartExecution(c.t.Context(),
		cloudflow.StartExecutionRequest{FlowName: flow, ExecutionName: name, Input: input})
	if err != nil {
		c.t.Fatalf("start %s/%s: %v", flow, name, err)
	}
}

func (c *caller) describe(flow, name string) *client.Execution {
	wait := int64(20)
	x, err := c.DescribeExecution(c.t.Context(),
		cloudflow.DescribeExecutionRequest{
			FlowName:        flow,
			ExecutionName:   name,
			WaitTimeSeconds: &wait,
		})
	if err != nil {
		return &client.Execution{Status: string(fault.CodeOf(err))}
	}
	return x
}

func (c *caller) status(flow, name string) string {
	x, err := c.DescribeExecution(c.t.Context(),
		cloudflow.DescribeExecutionRequest{FlowName: flow, ExecutionName: name})
	if err != nil {
		return "none"
	}
	return x.Status
}

func (c *caller) history(flow, name string) string {
	c.t.Helper()
	h, err := c.GetExecutionHistory(c.t.Context(),
		cloudflow.GetExecutionHistoryRequest{FlowName: flow, ExecutionName: name})
	if err != nil {
		c.t.Fatalf("history of %s/%s: %v", flow, name, err)
	}
	text := ""
	for _, e := range h.Events {
		text += e.Type + " " + e.EventDetail + "\n"
	}
	return text
}

// token waits for the task token in the history of an execution.
func (c *caller) token(flow, name string) string {
	c.t.Helper()
	for range 200 {
		if m := regexp.MustCompile(`"body":"(djEj[A-Za-z0-9=]+)"`).FindStringSubmatch(
			c.history(flow, name)); m != nil {
			return m[1]
		}
		time.Sleep(20 * time.Millisecond)
	}
	c.t.Fatalf("%s/%s shows no token:\n%s", flow, name, c.history(flow, name))
	return ""
}

// stateFlow returns a StateMachine flow of one task.
func stateFlow(name, action, parameters string) string {
	return fmt.Sprintf("Type: StateMachine\nSpecVersion: v1\nName: %s\nStartAt: A\nStates:\n"+
		"- {Name: A, Type: Task, Action: '%s', Parameters: %s, End: true}\n", name, action,
		parameters)
}

// stepFlow returns a FlowV1 flow of one task.
func stepFlow(what, params string) string {
	return "version: v1\ntype: flow\nsteps:\n- type: task\n  name: a\n  " + what +
		"\n  serviceParams: " + params + "\n"
}

const (
	passes = "Type: StateMachine\nSpecVersion: v1\nName: %s\nStartAt: A\nStates:\n- {Name: A, " +
		"Type: Pass, End: true}\n"
	waits = "Type: StateMachine\nSpecVersion: v1\nName: %s\nStartAt: A\nStates:\n- {Name: A, " +
		"Type: Wait, Seconds: 300, End: true}\n"
	waiting = "Type: StateMachine\nSpecVersion: v1\nName: %s\nStartAt: A\nStates:\n- {Name: A, " +
		"Type: Task, Action: 'FC:InvokeFunction', " +
		"TaskMode: WaitForCustomCallback, Parameters: {resourceArn: 'acs:fc:::functions/ask', " +
		"invocationType: Async, body.$: $Context.Current.TaskToken}, End: true}\n"
)

// acts are flows of one task each, which acts on flows of the owner.
var acts = []struct {
	name, definition string
	constant         bool   // the definition names the flow
	free             bool   // policies do not apply to it
	effect           string // flow/execution that it changes
	changed, kept    string // status of that execution
}{
	{"new-start", stateFlow("mine-new-start", "FNF:StartExecution",
		"{resourceArn.$: $Input.arn, executionName: by-new}"), false, false, "secret/by-new",
		"Succeeded", "none"},
	{"new-function", stateFlow("mine-new-function", "FC:InvokeFunction",
		"{resourceArn: 'acs:fc:::functions/ask', invocationType: Sync}"), false, true, "", "", ""},
	{"old-resource", stepFlow("resourceArn: acs:fnf:::flow/secret", "{ExecutionName: by-resource}"),
		true, false, "secret/by-resource", "Succeeded", "none"},
	{"old-start", stepFlow("action: fnf:StartExecution",
		"{FlowName: $.flow, ExecutionName: by-old}"), false, false, "secret/by-old", "Succeeded",
		"none"},
	{"old-describe", stepFlow("action: fnf:DescribeExecution",
		"{FlowName: $.flow, ExecutionName: known}"), false, false, "", "", ""},
	{"old-stop", stepFlow("action: fnf:StopExecution", "{FlowName: $.long, ExecutionName: w}"),
		false, false, "secret-w/w", "Stopped", "Running"},
	{"old-succeeded", stepFlow("action: fnf:ReportTaskSucceeded",
		"{TaskToken: $.token1, Output: '{}'}"), false, false, "secret-cb/c1", "Succeeded",
		"Running"},
	{"old-failed", stepFlow("action: fnf:ReportTaskFailed", "{TaskToken: $.token2, Error: E}"),
		false, false, "secret-cb/c2", "Failed", "Running"},
	{"old-function", stepFlow("resourceArn: acs:fc:::functions/ask", "{}"), false, true, "", "",
		""},
}

// TestFlowsActWithRights: a flow may do what its role may do, or without a role what the key that
// wrote it may do. The rights at the time of the action count.
func TestFlowsActWithRights(t *testing.T) {
	role := func(q *cloudflow.CreateFlowRequest) { q.RoleArn = "acs:ram::1:role/worker" }
	past := "expires: 2020-01-31T00:00:00Z, "
	tests := []struct {
		name string
		// Credentials when the flows are written, and when they act; "": the same.
		before, after string
		edit          func(*cloudflow.CreateFlowRequest)
		// Whether tasks that policies apply to, and the other tasks, are allowed.
		allowed, free bool
		cause         string // part of the cause that gives the reason
	}{
		{"allowed", accountFile(key("author", policies(everything)), ""), "", nil, true, true, ""},
		{"no policies", accountFile(key("author", ""), ""), "", nil, true, true, ""},
		{"denied", accountFile(key("author", policies(ownFlows)), ""), "", nil, false, true,
			"acts with the rights of key author"},
		{"explicitly denied", accountFile(key("author",
			policies(
				everything+`, {Effect: Deny, Action: "fnf:*", Resource: `+
					`"acs:fnf:*:*:flow/secret*"}, {Effect: Deny, Action: "fnf:Report*", Resource: `+
					`"*"}`)), ""),
			"", nil, false, true, "acts with the rights of key author"},
		{"revoked", accountFile(key("author", ""), ""), accountFile("", ""), nil, false, false,
			"have no such key. Write the flow again"},
		{"restricted since", accountFile(key("author", ""), ""),
			accountFile(key("author", policies(ownFlows)), ""), nil, false, true,
			"do not allow fnf:"},
		{"expired", accountFile(key("author", ""), ""),
			accountFile(key("author", past+policies(everything)), ""), nil, false, false,
			"which wrote it last and has expired"},
		{"in another account", accountFile(key("author", ""), ""), accountFile("", "") +
			"  - id: \"3\"\n    keys: [{" + key("author", "") + "}]\n", nil, false, false,
			"have no such key"},
		{"replaced", accountFile(key("author", ""), ""),
			accountFile(key("fresh", "replaces: [author]"), ""), nil, true, true, ""},
		{"replaced by less", accountFile(key("author", ""), ""),
			accountFile(key("fresh", "replaces: [older, author], "+policies(ownFlows)), ""), nil,
			false, true, "do not allow fnf:"},
		{"expired and replaced", accountFile(key("author", ""), ""),
			accountFile(key("author", past+policies(everything))+"\n"+
				key("fresh", "replaces: author"), ""), nil, true, true, ""},
		{"replaced, and that expired", accountFile(key("author", ""), ""),
			accountFile(key("fresh", past+"replaces: [author]"), ""), nil, false, false,
			"has expired"},
		{"role", accountFile(key("author", policies(ownFlows)),
			"name: worker, "+policies(everything)), "", role, true, true, ""},
		{"role, author gone", accountFile(key("author", ""), "name: worker, "+policies(everything)),
			accountFile("", "name: worker, "+policies(everything)), role, true, true, ""},
		{"role that may not", accountFile(key("author", ""), "name: worker, "+policies(everything)),
			accountFile(key("author", ""), "name: worker, "+policies(ownFlows)), role, false, true,
			"role acs:ram::1:role/worker, whose policies do not allow"},
		{"role gone", accountFile(key("author", ""), "name: worker"),
			accountFile(key("author", ""), "name: other"), role, false, false,
			"which the credentials do not define"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := &securedServer{t: t}
			g.open(test.before)
			owner, author := g.as("owner"), g.as("author")
			owner.mustCreate("secret", fmt.Sprintf(passes, "secret"))
			owner.mustCreate("secret-w", fmt.Sprintf(waits, "secret-w"))
			owner.mustCreate("secret-cb", fmt.Sprintf(waiting, "secret-cb"))
			owner.start("secret", "known", `{"card":"4111"}`)
			owner.start("secret-w", "w", "{}")
			owner.start("secret-cb", "c1", "{}")
			owner.start("secret-cb", "c2", "{}")
			input := fmt.Sprintf(
				`{"flow":"secret","arn":"acs:fnf:::flow/secret","long":"secret-w","token1":%q,`+
					`"token2":%q}`,
				owner.token("secret-cb", "c1"), owner.token("secret-cb", "c2"))
			for _, a := range acts {
				var edit []func(*cloudflow.CreateFlowRequest)
				if test.edit != nil {
					edit = append(edit, test.edit)
				}
				err := author.create("mine-"+a.name, a.definition, edit...)
				switch rejected := a.constant && !test.allowed && test.after == ""; {
				case rejected && (fault.CodeOf(err) != fault.AccessDenied ||
					!strings.Contains(err.Error(), "Line 4, state \"a\"")):
					t.Errorf("%s: a definition that names what it may not is answered %v", a.name,
						err)
				case !rejected && err != nil:
					t.Errorf("%s: %v", a.name, err)
				}
			}
			if test.after != "" {
				g.open(test.after)
				owner = g.as("owner")
			}
			for _, a := range acts {
				if a.constant && !test.allowed && test.after == "" {
					continue
				}
				allowed := test.allowed || a.free && test.free
				owner.start("mine-"+a.name, "x", input)
				x := owner.describe("mine-"+a.name, "x")
				history := owner.history("mine-"+a.name, "x")
				want, effect := "Succeeded", a.changed
				if !allowed {
					want, effect = "Failed", a.kept
					if !strings.Contains(history, ".AccessDenied") ||
						!strings.Contains(history, test.cause) &&
							!strings.Contains(a.name, "function") {
						t.Errorf("%s: the history does not say why: %s", a.name, history)
					}
				}
				if x.Status != want {
					t.Errorf("%s: %s, want %s: %s", a.name, x.Status, want, history)
				}
				if a.effect != "" {
					flow, name, _ := strings.Cut(a.effect, "/")
					if allowed {
						owner.describe(flow, name)
					}
					if got := owner.status(flow, name); got != effect {
						t.Errorf("%s: %s is %s, want %s", a.name, a.effect, got, effect)
					}
				}
			}
		})
	}
}
