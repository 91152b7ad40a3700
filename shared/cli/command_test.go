package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/shared/cli"
	"millrace/shared/cloudflow"
	"millrace/shared/rpc/auth"
	"millrace/shared/rpc/client"
	"millrace/shared/rpc/server"
	"millrace/shared/yamldoc"
)

// write writes a file into a new folder and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUsage(t *testing.T) {
	s := newShell(t, succeeding())
	for _, c := range []struct {
		args string
		code int
		want string // in stderr
	}{
		{"", 2, "Usage: millrace COMMAND"},
		{"strat orders", 2, `there is no command "strat"; did you mean 'start'?`},
		{"xyzzy", 2, "`millrace help` lists them"},
		{"delete orders", 2, `there is no command "delete"; did you mean 'flow delete'?`},
		{"failed orders", 2, "did you mean 'report failed'?"},
		{"flow", 2, "flow create|update|apply|describe|list|delete|publish|versions|alias"},
		{"ls", 2, "did you mean 'list'?"},
		{"get flows", 2, "did you mean 'describe'?"},
		{"vali", 2, "did you mean 'validate'?"},
		{"flow lst", 2, "did you mean 'flow list'?"},
		{"flow aply", 2, "did you mean 'flow apply'?"},
		{"flow rm f", 2, "did you mean 'flow delete'?"},
		{"report sucess", 2, "did you mean 'report succeeded'?"},
		{"report --token x", 2, "say which: millrace report succeeded|failed"},
		{"flow xyzzy", 2, "it is one of create, update"},
		{"report", 2, "report succeeded|failed"},
		{"--wait", 2, "there is no flag --wait"},
		{"start", 2, "start: 1 argument is missing: FLOW (see `millrace start --help`)"},
		{"describe", 2, "2 arguments are missing: FLOW EXECUTION"},
		{"describe orders", 2, "1 argument is missing: EXECUTION"},
		{"start a b", 2, `"b" is one argument too many for: FLOW`},
		{"flow list a", 2, `it takes no argument, but there is "a"`},
		{"flow update", 2, "an argument is missing: NAME [FILE]"},
		{"start orders --nam x", 2, "there is no flag --nam; did you mean '--name'?"},
		{"start orders --xyzzy", 2, "--help lists them"},
		{"history orders e --json", 2, "there is no flag --json; did you mean '--output json'?"},
		{"test -n 5", 2, "there is no flag -n; --help lists them"},
		{"list orders -n 5", 2, "there is no flag -n; did you mean '--limit'?"},
		{"start orders -timeout 5s", 2, "there is no flag -timeout; did you mean '--timeout'?"},
		{"start orders -wait", 2, "there is no flag -wait; did you mean '--wait'?"},
		{"start orders ---wait", 2, "there is no flag ---wait; --help lists them"},
		{"start orders -n", 2, "--name needs a value"},
		{"strat orders --name x", 2, `there is no command "strat"; did you mean 'start'?`},
		{"flow lst --limit 3", 2, "did you mean 'flow list'?"},
		{"flow --xyzzy", 2, "there is no flag --xyzzy; --help lists them"},
		{"--endpoint", 2, "--endpoint needs a value"},
		{"completion", 2, "1 argument is missing: SHELL"},
		{"completion tcsh", 2, `SHELL is bash, zsh, fish or powershell, not "tcsh"`},
		{"completion bsh", 2, "did you mean 'bash'?"},
		{"list --output jsn", 2, "did you mean 'json'?"},
		{"list --signature v4", 2, `--signature is v1, v3 or none, not "v4"; did you mean`},
		{"list --status runing", 2, "did you mean 'Running'?"},
		{"start o --in {}", 2, "there is no flag --in; did you mean '--input'?"},
		{"serve --port 80", 2, "did you mean '--listen 127.0.0.1:PORT'?"},
		{"start orders --port 80", 2, "there is no flag --port; --help lists them"},
		{"start orders --name", 2, "--name needs a value"},
		{"start orders --timeout soon --wait",
			2, `--timeout cannot be "soon": it is a duration like 90s`},
		{"start orders --wait=perhaps", 2, `--wait cannot be "perhaps": it is true or false`},
		{"list orders --limit many", 2, `--limit cannot be "many": it is a whole number`},
		{"list orders --limit 0", 2, "--limit must be at least 1"},
		{"list orders --status fail", 2, "--status is Starting, Running"},
		{"list orders --since yesterday", 2, `--since cannot be "yesterday"`},
		{"list orders --until x", 2, `--until cannot be "x"`},
		{"list orders --output xml", 2, `--output is table, json or data, not "xml"`},
		{"start orders --wait --sync", 2, "exclude each other"},
		{"start orders --sync --callback-token t", 2, "--sync takes no --callback-token"},
		{"start orders --timeout 1s", 2, "goes with --wait or --sync"},
		{"start orders --wait --timeout 0s", 2, "must be above 0"},
		{"describe orders e --timeout 1s", 2, "goes with --wait"},
		{"describe orders e --wait --timeout -1s", 2, "must be above 0"},
		{"history orders e --timeout 1s", 2, "goes with --follow"},
		{"start orders --input {", 2,
			`like {"id": 7}; line 1, column 2: the text ends, but a name in double quotes must be`},
		{"start orders --input {bad", 2, `line 1, column 2: there is 'b', but a name in double ` +
			`quotes must be there; in a shell, quote it like '{"id": 7}', or give a file: --input`},
		{"start orders --input {\"é\":x}", 2, "line 1, column 6: there is 'x', but a value must"},
		{"start orders --input {\"a\":1}}", 2, "column 8: there is '}', but the end of the text"},
		{"start orders --input {\"id\": 7}", 2, `if it is the end of JSON, quote the whole`},
		{"start orders --input 7", 2, "--input must be a JSON object like {\"id\": 7}, not a number"},
		{"start orders --input null", 2, "not null"},
		{"start orders --input [\"{}\"]", 2, "not an array"},
		{"start orders --input @/no/such", 2, "cannot read /no/such"},
		{"flow create orders /no/such", 2, "cannot read /no/such"},
		{"flow create orders - --mode Fast", 2, "--mode is Standard or Express"},
		{"flow create orders - --env x", 2, "it is NAME=VALUE"},
		{"flow update orders", 2, "nothing to change"},
		{"report succeeded", 2, "--token is missing"},
		{"report failed --token t", 2, "--error is missing"},
		{"report succeeded --token t --output-json [", 2, "--output-json must be a JSON object"},
		{"report succeeded --token t --result [", 2, "--result must be a JSON object"},
		{"report succeeded orders e --result {}", 2, "an argument is missing: STATE"},
		{"report succeeded orders e A --token t", 2, "by --token, or by FLOW EXECUTION STATE"},
		{"flow delete orders", 2, "confirm that with --yes"},
		{"flow apply a b c", 2, `"c" is one argument too many`},
		{"list orders --endpoint ftp://x", 2, "the endpoint \"ftp://x\" must be written like"},
		{"list orders --signature v3", 2, "signature v3 needs an access key"},
		{"list orders --access-key-id x", 2, "needs both its id and its secret"},
		{"version --endpoint x", 2, "there is no flag --endpoint"},
	} {
		s.expect(c.code, nil, []string{c.want}, strings.Fields(c.args)...)
	}
	if len(s.api.requests) > 0 {
		t.Errorf("wrong usage has reached the server: %q", s.api.requests)
	}
}

func TestFlows(t *testing.T) {
	s := newShell(t, succeeding())
	file := write(t, "f.yaml", good)
	s.expect(0, []string{"flow new created"}, nil, "flow", "create", "new", file, "--description",
		"d", "--env", "A=1=2", "--env=B=3", "--mode=Express", "--role", "acs:ram::1:role/r")
	want := `CreateFlow {Name:new Definition:` + good +
		` Description:d Type:FDL RoleArn:acs:ram::1:role/r ExecutionMode:Express ` +
		`ExternalStorageLocation: Environment:{"Variables":[{"Name":"A","Value":"1=2"},` +
		`{"Name":"B","Value":"3"}]} ResourceGroupID: HiddenPaths: SearchKeys:}`
	if got := s.api.requests[0]; got != want {
		t.Errorf("sent %s\nwant %s", got, want)
	}
	s.expect(5, nil, []string{"FlowAlreadyExists: Flow 'new' already exists. (request ",
		"hint: `millrace flow apply`"}, "flow", "create", "new", file)
	s.expect(5, nil, []string{`"Code": "FlowAlreadyExists"`, `"RequestId": "`, "! hint"}, "flow",
		"create", "new", file, "--output", "json")
	s.expect(0, []string{"flow new updated"}, nil, "flow", "update", "new", "--description", "two")
	s.expect(0, []string{"NAME     MODE       MODIFIED               DESCRIPTION\n",
		"orders   Standard   2025-11-22 08:26:40Z   takes orders\n",
		"new      Express    2025-11-22 08:26:40Z   two\n"}, nil, "flow", "list")
	s.expect(0, []string{"Mode:          Express\n", "Definition:\n  version: v1\n  type: flow\n",
		"! Storage"}, nil, "flow", "describe", "new")
	s.expect(0, []string{good}, nil, "flow", "describe", "new", "--definition")
	s.expect(0, []string{"flow new deleted\n"}, nil, "flow", "delete", "new", "--yes")
	s.expect(5, nil, []string{"FlowNotExists: Flow 'new' does not exist."}, "flow", "describe",
		"new")
	s.expect(5, []string{"flow orders deleted"}, []string{"FlowNotExists"}, "flow", "delete",
		"orders", "new", "--yes")
}

func TestFlowList(t *testing.T) {
	api := &fakeAPI{}
	for _, n := range []string{"a", "b", "c", "d", "e"} {
		api.flows = append(api.flows, cloudflow.Flow{Name: n, Description: "bell\a\x1b[2J"})
	}
	s := newShell(t, api)
	s.expect(0, []string{"\nc ", "! \nd ", "! \x1b"}, []string{"there are more than 3"}, "flow",
		"list", "--limit", "3")
	_, out, _ := s.run("flow", "list", "--limit", "1", "--all", "--output", "json")
	var got struct{ Flows []client.Flow }
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Flows) != 5 {
		t.Errorf("%v: %s", err, out)
	}
	api.flows = nil
	s.expect(0, []string{`"Flows": []`}, nil, "flow", "list", "--output=json")
}

func TestFlowApply(t *testing.T) {
	s := newShell(t, succeeding())
	s.stdin = good
	s.expect(0, []string{"flow new created"}, nil, "flow", "apply", "new", "-")
	s.expect(0, []string{"flow new unchanged"}, nil, "flow", "apply", "new", "-")
	s.expect(0, []string{"flow new updated"}, nil, "flow", "apply", "new", "-", "--description",
		"d")
	s.expect(0, []string{"flow new unchanged"}, nil, "flow", "apply", "new", "-", "--description",
		"d")
	s.expect(1, nil, []string{"flow 'new' is Standard, and its mode cannot be changed"}, "flow",
		"apply", "new", "-", "--mode", "Express")
	s.stdin = warned
	s.expect(0, []string{"flow quote created"}, []string{"-:", "warning", "Colour", "unknown"},
		"flow", "apply", "quote", "-")
	s.expect(0, nil, []string{"! warning"}, "flow", "apply", "quote", "-", "--output", "json")
	s.stdin = good + "  - type: pas\n    name: two\n"
	s.expect(5, nil, []string{"-:6:", "- type: pas\n", "InvalidArgument: Definition is invalid"},
		"flow", "apply", "bad", "-")
}

func TestStart(t *testing.T) {
	s := newShell(t, succeeding())
	s.expect(0, []string{"execution made-up of flow orders started\n", "! Input"}, nil, "start",
		"--input", "@"+write(t, "in.json", "{\"id\": 7}\n"), "orders")
	want := `StartExecution {FlowName:orders ExecutionName: Input:{"id": 7} CallbackToken: ` +
		`Qualifier:}`
	if s.api.requests[0] != want {
		t.Errorf("sent %s\nwant %s", s.api.requests[0], want)
	}
	s.stdin = `{"from": "stdin"}`
	s.expect(0, []string{`"Status": "Running"`, `"Name": "n"`}, nil, "--output", "json", "start",
		"orders", "--input=-", "--name", "n", "--callback-token", "t")
	want = `StartExecution {FlowName:orders ExecutionName:n Input:{"from": "stdin"} ` +
		`CallbackToken:t Qualifier:}`
	if s.api.requests[1] != want {
		t.Errorf("sent %s\nwant %s", s.api.requests[1], want)
	}
	s.expect(5, nil, []string{"ExecutionAlreadyExists", "hint: a name is used once"}, "start",
		"orders", "--name", "used")
	s.expect(5, nil, []string{"FlowNotExists", "hint: `millrace flow list`"}, "start", "--", "none")
	s.expect(0, []string{"{\"paid\":true}\n"}, nil, "start", "orders", "--sync")
	s.expect(5, nil, []string{"Standard execution is not supported",
		"hint: --sync is for Express flows"}, "start", "orders", "--sync", "--name", "standard")
	s.api.end.Status = "Failed"
	s.expect(1, nil, []string{"execution 'e:1' of flow 'orders' failed after 2.250s: Bad: why"},
		"start", "orders", "--sync")
	s.expect(1, []string{`"ErrorCode": "Bad"`}, nil, "start", "orders", "--sync", "--output",
		"json")
}

func TestList(t *testing.T) {
	s := newShell(t, succeeding())
	s.expect(0, []string{"NAME   STATUS      STARTED                TOOK     ERROR\n",
		"e0     Succeeded   2025-11-22 08:26:40Z   1.500s\n"}, []string{"! more"},
		"list", "orders", "--status", "succeeded", "--since", "7d", "--until", "2026-11-22",
		"--prefix", "e")
	want := "ListExecutions Succeeded 2026-11-15T12:00:00.000Z 2026-11-22T00:00:00.000Z e 60 "
	if s.api.requests[0] != want {
		t.Errorf("sent %s\nwant %s", s.api.requests[0], want)
	}
	s.api.many, s.api.throttled = 150, 3
	s.expect(0, []string{"e119", "! e120"}, []string{"there are more than 120"}, "list", "orders",
		"--limit", "120")
	_, out, _ := s.run("list", "orders", "--all", "--output", "json")
	var got struct{ Executions []client.Execution }
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Executions) != 150 ||
		got.Executions[0].Input != "{}" {
		t.Errorf("%v: %d executions", err, len(got.Executions))
	}
	s.api.throttled = 100
	s.expect(5, nil, []string{"ResourceThrottled", "hint: wait a moment"}, "list", "orders")
}

// TestRedrive: the redrive names how many there were, so it can be repeated.
func TestRedrive(t *testing.T) {
	f := succeeding()
	f.end.RedriveCount, f.described = 2, len(f.events)
	s := newShell(t, f)
	s.expect(0, []string{"execution e of flow orders redriven\n"}, nil, "redrive", "orders", "e")
	s.expect(0, []string{"e\n"}, nil, "redrive", "orders", "e", "-q")
	s.expect(0, []string{string(f.end.Output)}, nil, "redrive", "orders", "e", "--wait")
	s.expect(2, nil, []string{"--timeout goes with --wait"}, "redrive", "orders", "e", "--timeout",
		"1s")
	for i, got := range s.api.requests {
		if got != "RedriveExecution 2" {
			t.Errorf("request %d is %q", i, got)
		}
	}
}

func TestStopAndReport(t *testing.T) {
	s := newShell(t, succeeding())
	s.expect(0, []string{"execution e of flow orders stopped\n"}, nil, "stop", "orders",
		"e", "--error", "Cancelled", "--cause", "")
	s.stdin = "token+/=\n"
	s.expect(0, []string{"reported; event 7\n"}, nil, "report", "succeeded", "--token", "-",
		"--result", `{"a":1}`)
	s.expect(0, []string{`"EventId": 7`}, nil, "report", "succeeded", "--token", "t", "--output",
		"json")
	s.expect(5, nil, []string{"TaskAlreadyCompleted: Task 't' has already completed."}, "report",
		"failed", "--token", "t", "--error", "E", "--cause", "c")
	want := []string{"StopExecution Cancelled ",
		`ReportTaskSucceeded {TaskToken:token+/= Output:{"a":1}}`,
		"ReportTaskSucceeded {TaskToken:t Output:{}}", "ReportTaskFailed t E"}
	for i, w := range want {
		if s.api.requests[i] != w {
			t.Errorf("sent %q, want %q", s.api.requests[i], w)
		}
	}
}

func TestUnreachable(t *testing.T) {
	s := newShell(t, succeeding())
	s.expect(3, nil, []string{"is `millrace serve` running at http://127.0.0.1:1?"}, "list",
		"orders", "--endpoint", "127.0.0.1:1")
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("FlowName") == "ok" {
			w.Write([]byte("<html>welcome</html>"))
			return
		}
		http.Error(w, "<html>bad gateway</html>", http.StatusBadGateway)
	}))
	defer page.Close()
	s.expect(3, nil, []string{"no response of CloudFlow: HTTP 502"}, "list", "orders", "--endpoint",
		page.URL)
	s.expect(3, nil, []string{"is it the right endpoint?"}, "list", "ok", "--endpoint", page.URL)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(`{"ok":true}`))
	}))
	defer other.Close()
	for _, args := range [][]string{
		{"flow", "delete", "orders", "-y"}, {"flow", "list"}, {"flow", "apply", "orders", "-"},
		{"start", "orders"}, {"list", "orders"}, {"start", "orders", "--wait", "--timeout", "3s"},
		{"report", "failed", "--token", "t", "--error", "E"},
	} {
		s.stdin = good
		s.expect(3, []string{"! deleted", "! updated", "! reported", "! Status"},
			[]string{"is it the right endpoint?"}, append(args, "--endpoint", other.URL)...)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.ctx = ctx
	s.expect(130, nil, []string{"interrupted"}, "list", "orders")
}

func TestCredentials(t *testing.T) {
	credentials, err := auth.New([]auth.Account{{
		ID: "1234567890123456",
		Keys: []auth.AccessKey{
			{ID: "key1", Secret: "s1"}, {ID: "key2", Secret: "s2", SecurityToken: "sts"},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	api := &fakeAPI{}
	s := newShell(t, api)
	host := httptest.NewServer(server.NewHandler(server.Options{API: api, Credentials: credentials,
		Now: s.nowFunc()}))
	defer host.Close()
	s.stdin = good
	environment := func(nameValue ...string) {
		s.env = map[string]string{"MILLRACE_ENDPOINT": host.URL}
		for i := 0; i < len(nameValue); i += 2 {
			s.env[nameValue[i]] = nameValue[i+1]
		}
	}
	environment()
	s.expect(5, nil, []string{"hint: a server with credentials needs --access-key-id"}, "flow",
		"create", "a", "-")
	environment("ALIBABA_CLOUD_ACCESS_KEY_ID", "key1", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s1")
	s.expect(0, nil, nil, "flow", "create", "b", "-")
	s.expect(0, nil, nil, "flow", "create", "c", "-", "--signature", "v3")
	s.expect(5, nil, []string{"SignatureNotMatch", "hint: check --access-key-secret"}, "flow",
		"create", "d", "-", "--access-key-id", "key1", "--access-key-secret", "x")
	s.expect(5, nil, []string{"InvalidAccessKeyID"}, "flow", "create", "d", "-", "--access-key-id",
		"nobody")
	environment("ALIBABA_CLOUD_ACCESS_KEY_ID",
		"key2", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s2", "ALIBABA_CLOUD_SECURITY_TOKEN", "sts")
	s.expect(0, nil, nil, "flow", "create", "e", "-")
	if api.accessKey != "key2" {
		t.Errorf("the server saw key %q", api.accessKey)
	}
	s.expect(0, nil, nil, "--access-key-id", "key1", "--access-key-secret", "s1", "flow", "create",
		"f", "-")
	if api.accessKey != "key1" {
		t.Errorf("the server saw key %q", api.accessKey)
	}
	s.expect(0, []string{"! s1"}, nil, "--access-key-secret", "s1", "start", "--help")
}

func TestServe(t *testing.T) {
	s := newShell(t, succeeding())
	s.expect(1, nil, []string{"built without a server"}, "serve")
	var got cli.ServeOptions
	s.serve = func(ctx context.Context, o cli.ServeOptions) error { got = o; return nil }
	s.expect(0, nil, nil, "serve", "--credentials", "c", "--functions=f", "--config", "g",
		"--listen", ":1")
	got.Stderr = nil
	want := cli.ServeOptions{
		Listen: ":1", Data: "./.millrace", CredentialsFile: "c", FunctionsFile: "f",
		ConfigFile: "g", Version: "v1.2.3",
	}
	if got != want {
		t.Errorf("got %+v", got)
	}
	for _, name := range []string{"credentials", "functions", "config"} {
		s.serve = func(_ context.Context, o cli.ServeOptions) error {
			_, err := os.Stat(o.CredentialsFile + o.FunctionsFile + o.ConfigFile)
			return fmt.Errorf("%s file: %w", name, err)
		}
		s.expect(2, nil, []string{"millrace: cannot read nowhere.yaml: no such file"}, "serve",
			"--"+name, "nowhere.yaml")
	}
	s.serve = func(context.Context, cli.ServeOptions) error {
		return &yamldoc.FileError{Path: "f.yaml", Line: 3, Column: 5, Message: "no"}
	}
	s.expect(2, nil, []string{"millrace: f.yaml:3:5: no\n"}, "serve", "--functions", "f.yaml")
	s.serve = func(context.Context, cli.ServeOptions) error {
		return errors.Join(&yamldoc.FileError{Path: "f.yaml", Line: 3, Message: "no"},
			&yamldoc.FileError{Path: "f.yaml", Line: 4, Message: "nor this"})
	}
	s.expect(2, nil, []string{"millrace: f.yaml:3: no\nmillrace: f.yaml:4: nor this\n"}, "serve",
		"--functions", "f.yaml")
	s.expect(2, nil, []string{"--tls-cert and --tls-key go together"}, "serve", "--tls-cert", "c")
	s.serve = func(_ context.Context, o cli.ServeOptions) error {
		_, err := os.Stat(o.KeyFile)
		return err
	}
	s.expect(2, nil, []string{"nowhere.pem"}, "serve", "--tls-cert", "c", "--tls-key",
		"nowhere.pem")
	s.serve = func(context.Context, cli.ServeOptions) error {
		_, err := os.Stat("nowhere")
		return err
	}
	s.expect(1, nil, []string{"nowhere"}, "serve", "--data", "nowhere")
	s.serve = func(context.Context, cli.ServeOptions) error {
		return errors.New("the address is in use")
	}
	s.expect(1, nil, []string{"millrace: the address is in use"}, "serve")
	s.serve = func(context.Context, cli.ServeOptions) error {
		return errors.Join(errors.New("f:1: one\n"), errors.New("f:2: two"))
	}
	s.expect(1, nil, []string{"millrace: f:1: one \nmillrace: f:2: two\n"}, "serve")
	ctx, cancel := context.WithCancel(context.Background())
	s.ctx = ctx
	s.serve = func(ctx context.Context, _ cli.ServeOptions) error { cancel(); return ctx.Err() }
	s.expect(0, nil, nil, "serve")
}

func TestVersion(t *testing.T) {
	s := newShell(t, succeeding())
	s.expect(0, []string{"millrace v1.2.3 (go"}, nil, "version")
	s.expect(0, []string{"millrace v1.2.3 (go"}, nil, "--version")
	s.expect(0, []string{`"Version": "v1.2.3"`}, nil, "version", "--output", "json")
}
