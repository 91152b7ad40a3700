// Package serverlessdevs_test runs the built functions with Serverless Devs and the component of
// this folder, on the emulators of TableStore and MNS. run.sh says where Serverless Devs is.
package serverlessdevs_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"millrace/tests/clouds/emulators/alibaba/mns"
	"millrace/tests/clouds/emulators/alibaba/tablestore"
)

// machine is a developer's environment: emulators, and Serverless Devs with a home folder of its
// own.
type machine struct {
	t           *testing.T
	mns         *mns.Server
	environment []string
	program     string
	root        string
}

func newMachine(t *testing.T, environment ...string) *machine {
	t.Parallel()
	program := os.Getenv("SERVERLESS_DEVS")
	if program == "" {
		t.Skip("SERVERLESS_DEVS is not set; run.sh sets it")
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	// Not a temporary folder, because processes that the command leaves running may write there
	// after the test.
	home := filepath.Join(root, "tests/clouds/serverless-devs/node_modules/.home", t.Name())
	m := &machine{t: t, program: program, root: root,
		mns: mns.New(mns.Options{Keys: map[string]mns.Key{"test": {Secret: "test"}}})}
	store := httptest.NewServer(tablestore.New(tablestore.Options{}))
	t.Cleanup(store.Close)
	queue := httptest.NewServer(m.mns)
	t.Cleanup(queue.Close)
	m.environment = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TABLESTORE=" + store.URL,
		"MNS=" + queue.URL}
	m.environment = append(m.environment, environment...)
	// No reports to the vendor.
	if err := os.MkdirAll(home+"/.s", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(home+"/.s/set-config.yml", []byte("analysis: disable\n"),
		0o644); err != nil {
		t.Fatal(err)
	}
	return m
}

// setup creates the table and the queues.
func (m *machine) setup() {
	m.t.Helper()
	of := func(name string) string { return variable(m.environment, name) }
	setup := exec.Command("go", "run", "./infra/alibaba", "-account", "1234567890123456", "-only",
		"tables,queues", "-endpoint", "ots="+of("TABLESTORE"), "-endpoint", "mns="+of("MNS"))
	setup.Dir, setup.Env = m.root, append(os.Environ(), "ALIBABA_CLOUD_ACCESS_KEY_ID=test",
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET=test")
	if out, err := setup.CombinedOutput(); err != nil {
		m.t.Fatalf("%v\n%s", err, out)
	}
}

func variable(environment []string, name string) string {
	for _, e := range environment {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

func (m *machine) command(ctx context.Context, arguments ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, m.program, arguments...)
	cmd.Dir, cmd.Env = m.root, m.environment
	return cmd
}

// s runs Serverless Devs and returns its standard output.
func (m *machine) s(arguments ...string) (out, diag string, err error) {
	ctx, stop := context.WithTimeout(m.t.Context(), 5*time.Minute)
	defer stop()
	cmd := m.command(ctx, arguments...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

const template = "tests/clouds/serverless-devs/s.yaml"

// invoke invokes a function with an event.
func (m *machine) invoke(function, event string) (out string) {
	m.t.Helper()
	out, diag, err := m.s(function, "local", "invoke", "-t", template, "-e", event)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s\n%s", function, err, out, diag)
	}
	if !strings.Contains(diag, "FC Invoke Start RequestId: ") {
		m.t.Errorf("%s: the function's log is missing: %s", function, diag)
	}
	return out
}

// start starts the API and returns its address. The API ends with the test.
func (m *machine) start() (address string, stop func() error) {
	m.t.Helper()
	cmd := m.command(context.WithoutCancel(m.t.Context()), "api", "local", "start", "-t", template,
		"--port", "0")
	diag, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		m.t.Fatal(err)
	}
	stop = func() error {
		cmd.Process.Signal(syscall.SIGTERM)
		return cmd.Wait()
	}
	lines := bufio.NewScanner(diag)
	for lines.Scan() {
		if _, at, ok := strings.Cut(lines.Text(), "millrace-api is at "); ok {
			go io.Copy(io.Discard, diag)
			return at, stop
		}
	}
	m.t.Fatalf("the API does not start: %v", stop())
	return "", nil
}

// call sends a request to the API.
func call(t *testing.T, address string, parameters url.Values) (response map[string]any) {
	t.Helper()
	parameters.Set("Version", "2019-03-15")
	parameters.Set("BearerToken", "local-only")
	resp, err := http.PostForm(address, parameters)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&response); err != nil ||
		resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v %v", parameters.Get("Action"), resp.Status, response, err)
	}
	if resp.Header.Get("X-Fc-Request-Id") == "" || resp.Header.Get("X-Fc-Access-Key-Id") != "" {
		t.Errorf("headers: %v", resp.Header)
	}
	return response
}

const definition = `Type: StateMachine
SpecVersion: v1
Name: hello
StartAt: Greet
States:
  - Name: Greet
    Type: Pass
    End: true
`

func status(t *testing.T, address, execution string) any {
	t.Helper()
	return call(t, address, url.Values{"Action": {"DescribeExecution"}, "FlowName": {"hello"},
		"ExecutionName": {execution}})["Status"]
}

// TestLocal runs a flow from its creation to its end, and a start by an event, in both runtimes. It
// does each step by hand.
func TestLocal(t *testing.T) {
	for _, runtime := range []string{"custom.debian12", "go1"} {
		t.Run(runtime, func(t *testing.T) {
			local(t, newMachine(t, "RUNTIME="+runtime), runtime == "go1")
		})
	}
}

// local does that in one runtime. If brief is set, it leaves out what differs in the event only.
func local(t *testing.T, m *machine, brief bool) {
	m.setup()
	address, stop := m.start()
	call(t, address, url.Values{"Action": {"CreateFlow"}, "Name": {"hello"}, "Type": {"FDL"},
		"Description": {"d"}, "Definition": {definition}})
	call(t, address, url.Values{"Action": {"StartExecution"}, "FlowName": {"hello"},
		"ExecutionName": {"first"}, "Input": {"{}"}})

	hints := m.mns.Bodies("millrace")
	if len(hints) != 1 {
		t.Fatalf("the queue has %q", hints)
	}
	hint, err := base64.StdEncoding.DecodeString(hints[0])
	if err != nil {
		t.Fatal(err)
	}
	m.invoke("steprunner", string(hint))
	if s := status(t, address, "first"); s != "Succeeded" {
		t.Errorf("first is %v", s)
	}

	if out, diag, err := m.s("sweeper", "local", "invoke", "-t", template,
		"--event-file=tests/clouds/serverless-devs/events/sweeper-tick.json"); err != nil {
		t.Errorf("sweeper: %v\n%s\n%s", err, out, diag)
	}
	if !brief {
		byEvents(t, m, address)
	}
	stop()
	if resp, err := http.Get(address); err == nil {
		resp.Body.Close()
		t.Error("the API answers after its end")
	}
}

// byEvents starts and advances executions with events in the form of the cloud.
func byEvents(t *testing.T, m *machine, address string) {
	call(t, address, url.Values{"Action": {"StartExecution"}, "FlowName": {"hello"},
		"ExecutionName": {"second"}, "Input": {"{}"}})
	m.invoke("steprunner", streamed(m.mns.Bodies("millrace")))
	if s := status(t, address, "second"); s != "Succeeded" {
		t.Errorf("second is %v", s)
	}

	if out, diag, err := m.s("starter", "local", "invoke", "-t", template, "-f",
		"tests/clouds/serverless-devs/events/starter-oss.json"); err != nil {
		t.Errorf("starter: %v\n%s\n%s", err, out, diag)
	}
	executions := call(t, address, url.Values{"Action": {"ListExecutions"},
		"FlowName": {"hello"}})["Executions"].([]any)
	if len(executions) != 3 {
		t.Errorf("there are %v", executions)
	}
}

// streamed returns a batch of messages in the form of an event stream.
func streamed(bodies []string) string {
	var events []map[string]any
	for i, b := range bodies {
		plain, _ := base64.StdEncoding.DecodeString(b)
		events = append(events, map[string]any{"id": fmt.Sprint(i), "source": "MNS-millrace",
			"specversion": "1.0", "type": "mns:Queue:SendMessage",
			"subject": "acs:mns:cn-hangzhou:1234567890123456:queues/millrace",
			"data": map[string]any{"requestId": "r", "messageId": fmt.Sprint(i),
				"messageBody": string(plain)}})
	}
	text, _ := json.Marshal(events)
	return string(text)
}

// TestFailure: mistakes are printed, and end with an exit status of their own.
func TestFailure(t *testing.T) {
	for _, runtime := range []string{"custom.debian12", "go1"} {
		t.Run(runtime, func(t *testing.T) {
			m := newMachine(t, "RUNTIME="+runtime)
			out, diag, err := m.s("sweeper", "local", "invoke", "-t", template, "-e", `{"x":1}`)
			if err == nil || !strings.Contains(out+diag, "unexpected event") ||
				!strings.Contains(out+diag, "millrace-sweeper has failed") {
				t.Errorf("%v\n%s\n%s", err, out, diag)
			}
		})
	}
}

// TestMistakes calls the component itself, which is faster.
func TestMistakes(t *testing.T) {
	m := newMachine(t)
	const script = `const C = require("./tests/clouds/serverless-devs/component"); const [props, ...args] = process.argv.slice(1);
new C().local({ cwd: process.cwd(), args, props: { functionName: "f", runtime: "custom.debian12", code: "./bin/fc-host/sweeper", triggers: [{ triggerType: "http" }], ...JSON.parse(props) } })
  .then(() => process.exit(0), (e) => (console.log(e.message), process.exit(1)));`
	for want, arguments := range map[string][]string{
		"has no HTTP trigger":       {`{"triggers":[]}`, "start"},
		"is no port":                {"{}", "start", "--port", "x"},
		"not both":                  {"{}", "invoke", "-e", "{}", "-f", "x"},
		"no such file":              {"{}", "invoke", "-f", "not-there.json"},
		"use `local invoke":         {"{}", "run"},
		"--event needs a value":     {"{}", "invoke", "--event"},
		"only go1 and custom":       {`{"runtime":"nodejs20"}`, "invoke"},
		"f has ended by itself (0)": {`{"runtime":"go1","handler":"true","code":"/bin"}`, "invoke"},
		"/bin/nobody is not there": {`{"runtime":"go1","handler":"nobody","code":"/bin"}`,
			"invoke"},
		"make build-fc-host":        {`{"code":"./nowhere"}`, "invoke"},
		"f has ended by itself (1)": {`{"code":"/","customRuntimeConfig":{"command":["/bin/sh","-c","exit 1"]}}`, "invoke"},
	} {
		cmd := exec.CommandContext(t.Context(), "node",
			append([]string{"-e", script}, arguments...)...)
		cmd.Dir = m.root
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: %v, want %q\n%s", arguments, err, want, out)
		}
	}
}

// TestVerify: both templates have the form that Serverless Devs wants, and the local one has the
// functions of the other.
func TestVerify(t *testing.T) {
	m := newMachine(t)
	if out, diag, err := m.s("verify", "-t", template); err != nil ||
		!strings.Contains(out+diag, "passed") {
		t.Errorf("%v\n%s\n%s", err, out, diag)
	}
}
