package security_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"millrace/shared/app/local"
	"millrace/shared/cloudflow"
	"millrace/shared/config"
	"millrace/shared/rpc/client"
	"millrace/shared/store"
	"millrace/shared/store/pebblestore"
	"millrace/shared/task"
	"millrace/tests/support/live"
	"millrace/tests/support/port"
)

// plantedSecret is part of every secret, so that one search finds all of them. It looks like a
// secret, for checks that depend on that.
const plantedSecret = "PLANTED7q9Zx3Kc"

// TestSecretsInMistakes checks that a file with a mistake next to a secret is refused without the
// secret in the message.
func TestSecretsInMistakes(t *testing.T) {
	t.Parallel()
	account := func(text string) string { return "accounts:\n  - id: \"1\"\n" + text }
	for _, c := range []struct{ flag, name, text string }{
		{"--credentials", "no space after the colon",
			account("    keys: [{id: a, secret:" + plantedSecret + "}]\n")},
		{"--credentials", "key and value swapped",
			account("    keys: [{" + plantedSecret + ": secret, id: a}]\n")},
		{"--credentials", "list where a text belongs",
			account("    keys: [{id: a, secret: [" + plantedSecret + "]}]\n")},
		{"--credentials", "text where a list belongs",
			account("    keys: " + plantedSecret + "\n")},
		{"--credentials", "text where a mapping belongs",
			account("    keys: [" + plantedSecret + "]\n")},
		{"--credentials", "quote that does not end",
			account("    keys: [{id: a, secret: \"" + plantedSecret + "}]\n")},
		{"--credentials", "tab", account("\tkeys: [{id: a, secret: " + plantedSecret + "}]\n")},
		{"--credentials", "wrong indentation",
			account("  keys:\n      - id: a\n     secret: " + plantedSecret + "\n")},
		{"--credentials", "alias",
			account("    keys: [{id: a, secret: *" + plantedSecret + "}]\n")},
		{"--credentials", "anchor", account("    keys: [{id: a, secret: &x " + plantedSecret +
			"}, {id: a, secret: *x}]\n")},
		{"--credentials", "the same key twice",
			account("    keys: [{id: a, secret: " + plantedSecret + "}, {id: a, secret: " +
				plantedSecret + "}]\n")},
		{"--credentials", "the same token twice",
			account("    bearerTokens: [{token: " + plantedSecret + "}, {token: " + plantedSecret +
				"}]\n")},
		{"--credentials", "wrong time",
			account("    keys: [{id: a, secret: " + plantedSecret + ", expires: soon}]\n")},
		{"--credentials", "two documents",
			account("    keys: [{id: a, secret: "+plantedSecret+"}]\n") + "---\n" + plantedSecret +
				"\n"},
		{"--credentials", "unknown key",
			account("    keys: [{id: a, secret: " + plantedSecret + ", sekret: " + plantedSecret +
				"}]\n")},
		{"--functions", "wrong env", "functions: [{match: x, command: [./x], env: [" +
			plantedSecret + "]}]\n"},
		{"--functions", "wrong value of env", "functions: [{match: x, command: [./x], env: {A: [" +
			plantedSecret + "]}}]\n"},
		{"--functions", "env beside a mistake", "functions: [{match: x, command: [./x], env: {A: " +
			plantedSecret + "}, timeout: never}]\n"},
		{"--functions", "unclosed", "functions: [{match: x, command: [./x], env: {A: \"" +
			plantedSecret + "}}]\n"},
		{"--functions", "password in an address", "functions: [{match: x, http: \"http://u:" +
			plantedSecret + "@host:port/\"}]\n"},
		{"--config", "unclosed", "{Tasks: \"" + plantedSecret + "\n"},
	} {
		t.Run(c.flag+" "+c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "file.yaml")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			out, err := exec.CommandContext(ctx, live.Binary(t), "serve", "--listen", "127.0.0.1:0",
				"--data", filepath.Join(t.TempDir(), "data"), c.flag, file).CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || ctx.Err() != nil {
				t.Errorf("it starts, or does not: %v", err)
			}
			if bytes.Contains(out, []byte(plantedSecret)) {
				t.Errorf("it says %s", out)
			}
		})
	}
}

// TestSecretsOfCommands checks that commands do not print secrets from their flags and variables.
func TestSecretsOfCommands(t *testing.T) {
	t.Parallel()
	nobody, err := port.Loopback()
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + nobody
	strange := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no", http.StatusTeapot)
	}))
	defer strange.Close()
	env := []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=a", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" +
		plantedSecret, "ALIBABA_CLOUD_SECURITY_TOKEN=" + plantedSecret}
	for _, c := range []struct {
		env  []string
		args []string
	}{
		{env, []string{"help"}},
		{env, []string{"--help"}},
		{env, []string{"serve", "--help"}},
		{env, []string{"start", "--help"}},
		{env, []string{"list", "f", "--endpoint", closed}},
		{env, []string{"list", "f", "--endpoint", strange.URL}},
		{env, []string{"list", "f", "--endpoint", strange.URL, "--output", "json"}},
		{env, []string{"describe", "f", "x", "--endpoint", closed, "--wait", "never"}},
		{env, []string{"list", "f", "--endpoint", "nowhere", "--access-key-secret", plantedSecret}},
		{env, []string{"list", "f", "--endpoint", closed, "--access-key-secret", plantedSecret,
			"--bearer-token", plantedSecret}},
		{nil, []string{"list", "f", "--endpoint", closed, "--access-key-secret", plantedSecret}},
		{nil, []string{"list", "f", "--endpoint", closed, "--bearer-token", plantedSecret}},
		{[]string{"ALIBABA_CLOUD_BEARER_TOKEN=" + plantedSecret}, []string{"list", "--help"}},
		{[]string{"ALIBABA_CLOUD_BEARER_TOKEN=" + plantedSecret},
			[]string{"list", "f", "--endpoint", closed}},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		cmd := exec.CommandContext(ctx, live.Binary(t), c.args...)
		cmd.Env = c.env
		out, _ := cmd.CombinedOutput()
		if len(out) == 0 || ctx.Err() != nil {
			t.Errorf("%q says nothing", c.args)
		}
		if bytes.Contains(out, []byte(plantedSecret)) {
			t.Errorf("%q says %s", c.args, out)
		}
		cancel()
	}
}

// The secrets of callers.
const (
	keySecret   = plantedSecret + "-secret"
	stsToken    = plantedSecret + "-sts"
	bearerToken = plantedSecret + "-bearer"
	madeUp      = plantedSecret + "-made-up"
)

// TestSecretsInside checks that the secrets of callers and flows are in no log of any form and
// level, in no history or error, and in no file of the store that does not need them.
func TestSecretsInside(t *testing.T) {
	t.Parallel()
	dir, log := t.TempDir(), &sink{}
	world := httptest.NewServer(http.HandlerFunc(misbehave))
	defer world.Close()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		// with loose permissions: the server warns
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	yes := true
	settings := local.Config{Data: filepath.Join(dir, "data"), Log: slog.New(newBoth(log)),
		Credentials: write("credentials.yaml",
			"accounts:\n  - id: \"1\"\n    keys:\n      - {id: a, secret: "+keySecret+
				"}\n      - {id: STS.a, secret: "+keySecret+", securityToken: "+stsToken+"}\n"+
				"    bearerTokens: [{token: "+bearerToken+"}]\n"),
		Functions: write("functions.yaml",
			"functions:\n- {match: gone, command: [./no-such-program], env: {PASSWORD: "+
				plantedSecret+"-env}}\n- {match: away, http: '"+world.URL+"/fail?key="+
				plantedSecret+"-query'}\n"+
				"- {match: dead, http: 'http://127.0.0.1:1/?key="+plantedSecret+"-query'}\n"),
		Settings: config.Settings{AccessLog: true, AllowLoopback: &yes, SweepSeconds: 1,
			CheckNonces: true}}
	a, err := local.Open(context.Background(), settings)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.Handler())
	answers := &sink{}
	as := func(o client.Options) *client.Client {
		o.Endpoint, o.HTTPClient = server.URL, &http.Client{Transport: recording{answers}}
		c, err := client.New(o)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	owner := as(client.Options{AccessKeyID: "a", Secret: keySecret, Signature: "v3"})
	runFlows(t, server.URL, world.URL, owner)
	for _, o := range []client.Options{
		{AccessKeyID: "STS.a", Secret: keySecret, SecurityToken: stsToken},
		{AccessKeyID: "STS.a", Secret: keySecret, SecurityToken: madeUp},
		{AccessKeyID: "STS.a", Secret: keySecret, SecurityToken: stsToken, Signature: "v3"},
		{AccessKeyID: "nobody", Secret: madeUp},
		{AccessKeyID: "a", Secret: madeUp, Signature: "v3"},
		{Bearer: bearerToken},
		{Bearer: bearerToken, Signature: "v3"},
		{Bearer: madeUp},
		{Bearer: madeUp, Signature: "v3"},
	} {
		c := as(o)
		for _, p := range []map[string]string{{"Name": "pass"}, {"Name": "no such flow"}, {}} {
			c.Call(context.Background(), "DescribeFlow", p)
			c.Call(context.Background(), "DeleteFlow", map[string]string{"Name": "absent"})
		}
	}
	malformed(t, server.Listener.Addr().String(), answers)
	seed := seedOf(t, owner, settings.Data)
	server.Close()
	files := contents(t, settings.Data) // while the log of the store holds plain text
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	files += contents(t, settings.Data)

	absent := func(where, text string, secrets ...string) {
		t.Helper()
		for _, s := range secrets {
			if i := strings.Index(text, s); i >= 0 {
				t.Errorf("%s holds %s: …%q…", where, s, text[max(0, i-200):min(len(text), i+100)])
			}
		}
	}
	if len(log.text()) < 1000 || len(answers.text()) < 1000 || len(files) < 1000 {
		t.Error("there is hardly anything to look at")
	}
	absent("the log", log.text(), plantedSecret)
	absent("an answer", withoutInputs(answers.text()), plantedSecret)
	absent("a file of the store", files, keySecret, stsToken, bearerToken, madeUp,
		plantedSecret+"-env", plantedSecret+"-query")
	for _, form := range []string{string(seed[:]), hex.EncodeToString(seed[:]),
		base64.StdEncoding.EncodeToString(seed[:])} {
		absent("the log", log.text(), form)
		absent("an answer", answers.text(), form)
	}
}

// taskInput is the event of a call, with its parameters as the flow has written them. They are in
// the definition, which the same callers may read. Nothing else may repeat them.
var taskInput = regexp.MustCompile(`\{"Type":"TaskScheduled".*?"Time"`)

func withoutInputs(answers string) string { return taskInput.ReplaceAllString(answers, "") }

// panicking panics in every task, while it holds the parameters.
type panicking struct{}

func (panicking) Run(_ context.Context, r task.Request) task.Result {
	return task.Result{Output: r.Parameters[len(r.Parameters)+1:]} // a bug
}

// TestSecretsInPanics checks that the report of a panic of a task tells what broke, and nothing
// about the task's data.
func TestSecretsInPanics(t *testing.T) {
	t.Parallel()
	log, answers := &sink{}, &sink{}
	a, err := local.Open(context.Background(),
		local.Config{Data: t.TempDir(), Log: slog.New(newBoth(log)), Tasks: panicking{}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.Handler())
	quiet, err := client.New(client.Options{Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	open, err := client.New(client.Options{Endpoint: server.URL,
		HTTPClient: &http.Client{Transport: recording{answers}}})
	if err != nil {
		t.Fatal(err)
	}
	create(t, quiet, "breaks",
		call("breaks", "HTTP:Request",
			"url: 'http://127.0.0.1:1', method: POST, headers: {Authorization: 'Bearer "+
				plantedSecret+"'}"))
	run(t, quiet, open, "breaks")
	server.Close()
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.text(), "task panicked") {
		t.Error("no task has panicked")
	}
	if strings.Contains(log.text()+withoutInputs(answers.text()), plantedSecret) {
		t.Errorf("log:\n%s\nanswers:\n%s", log.text(), answers.text())
	}
}

// call returns a flow of one call.
func call(name, action, parameters string) string {
	return "Type: StateMachine\nSpecVersion: v1\nName: " + name +
		"\nStartAt: A\nStates:\n- {Name: A, Type: Task, Action: '" + action + "', Parameters: {" +
		parameters + "}, End: true}\n"
}

// run runs a flow, which fails, and reads its history with the recorded client.
func run(t *testing.T, quiet, recorded *client.Client, flow string) {
	t.Helper()
	ctx := context.Background()
	if _, err := quiet.StartExecution(ctx, cloudflow.StartExecutionRequest{FlowName: flow,
		ExecutionName: "one", Input: "{}"}); err != nil {
		t.Fatalf("%s: %v", flow, err)
	}
	wait := int64(60)
	x, err := quiet.DescribeExecution(ctx, cloudflow.DescribeExecutionRequest{FlowName: flow,
		ExecutionName: "one", WaitTimeSeconds: &wait})
	if err != nil || x.Status != "Failed" {
		t.Errorf("%s: %+v %v", flow, x, err)
	}
	if _, err := recorded.GetExecutionHistory(ctx, cloudflow.GetExecutionHistoryRequest{
		FlowName: flow, ExecutionName: "one"}); err != nil {
		t.Errorf("%s: %v", flow, err)
	}
}

// misbehave fails in many ways, and never repeats the data of the request.
func misbehave(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	switch r.URL.Path {
	case "/refuse":
		http.Error(w, "no", http.StatusUnauthorized)
	case "/away":
		http.Redirect(w, r, "http://127.0.0.1:1/?then="+plantedSecret, http.StatusTemporaryRedirect)
	case "/loop":
		http.Redirect(w, r, "/loop", http.StatusTemporaryRedirect)
	case "/break":
		panic(http.ErrAbortHandler)
	case "/garbage":
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			c.Write([]byte("what?\r\n\r\n"))
			c.Close()
		}
	default:
		http.Error(w, "{}", http.StatusInternalServerError)
	}
}

// runFlows runs flows whose calls carry secrets and fail.
func runFlows(t *testing.T, server, world string, recorded *client.Client) {
	t.Helper()
	quiet, err := client.New(client.Options{Endpoint: server, AccessKeyID: "a",
		Secret: keySecret})
	if err != nil {
		t.Fatal(err)
	}
	create(t, quiet, "pass", pass("pass"))
	auth := ", method: POST, headers: {Authorization: 'Bearer " + plantedSecret +
		"-auth', X-Api-Key: " + plantedSecret + "}"
	for name, definition := range map[string]string{
		"refused": call("refused", "HTTP:Request",
			"url: '"+world+"/refuse?key="+plantedSecret+"'"+auth),
		"away": call("away", "HTTP:Request", "url: '"+world+"/away'"+auth),
		"loop": call("loop", "HTTP:Request", "url: '"+world+"/loop'"+auth),
		"breaking": call("breaking", "HTTP:Request",
			"url: '"+world+"/break?key="+plantedSecret+"'"+auth),
		"garbage": call("garbage", "HTTP:Request", "url: '"+world+"/garbage'"+auth),
		"closed": call("closed", "HTTP:Request",
			"url: 'http://user:"+plantedSecret+"@127.0.0.1:1/"+plantedSecret+"'"+auth),
		"nowhere": call("nowhere", "HTTP:Request",
			"url: 'http://no-such-host.invalid/?k="+plantedSecret+"'"+auth),
		"metadata": call("metadata", "HTTP:Request",
			"url: 'http://100.100.100.200/?k="+plantedSecret+"'"+auth),
		"badurl": call("badurl", "HTTP:Request", "url: 'http://host:"+plantedSecret+"/'"+auth),
		"badhead": call("badhead", "HTTP:Request",
			"url: '"+world+"/refuse', method: POST, headers: {Authorization: \"a\\n"+
				plantedSecret+"\"}"),
		"headlist": call("headlist", "HTTP:Request",
			"url: '"+world+"/refuse', method: POST, headers: {Authorization: ["+plantedSecret+"]}"),
		"badname": call("badname", "HTTP:Request",
			"url: '"+world+"/refuse', method: POST, headers: {'a b': "+plantedSecret+"}"),
		"gone": call("gone", "FC:InvokeFunction",
			"resourceArn: 'acs:fc:::functions/gone', invocationType: Sync, body: {password: "+
				plantedSecret+"}"),
		"fcaway": call("fcaway", "FC:InvokeFunction",
			"resourceArn: 'acs:fc:::functions/away', invocationType: Sync, body: {password: "+
				plantedSecret+"}"),
		"fcdead": call("fcdead", "FC:InvokeFunction",
			"resourceArn: 'acs:fc:::functions/dead', invocationType: Sync, body: {password: "+
				plantedSecret+"}"),
	} {
		create(t, quiet, name, definition)
		run(t, quiet, recorded, name)
	}
}

// malformed sends malformed requests that contain secrets.
func malformed(t *testing.T, address string, answers io.Writer) {
	t.Helper()
	for _, text := range []string{
		"GET / " + plantedSecret + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nAuthorization " + plantedSecret + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nx-acs-bearer-token: " + plantedSecret + "\x00\r\n\r\n",
		"GET /?Action=ListFlows&Version=2019-03-15&BearerToken=" + plantedSecret +
			"%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 30\r\n" +
			"\r\n{\"a\": " + plantedSecret + "}",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/" + plantedSecret +
			"\r\nContent-Length: 3\r\n\r\na=b",
		"GET /?Action=ListFlows&Version=2019-03-15&AccessKeyId=a&SignatureNonce=1&Timestamp=" +
			plantedSecret + "&Signature=" + plantedSecret + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nx-acs-action: ListFlows\r\nx-acs-version: 2019-03-15\r\n" +
			"Authorization: ACS3-HMAC-SHA256 " + plantedSecret + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nx-acs-action: ListFlows\r\nx-acs-version: 2019-03-15\r\n" +
			"Authorization: Basic " + plantedSecret + "\r\n\r\n",
	} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(time.Minute))
		fmt.Fprint(c, text)
		c.(*net.TCPConn).CloseWrite()
		got, _ := io.ReadAll(c)
		c.Close()
		fmt.Fprintf(answers, "%s\n", got)
	}
}

// seedOf starts an execution and reads its seed from a copy of the store.
func seedOf(t *testing.T, owner *client.Client, data string) (seed [16]byte) {
	t.Helper()
	ctx := context.Background()
	f, err := owner.DescribeFlow(ctx, "pass")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := owner.StartExecution(ctx, cloudflow.StartExecutionRequest{FlowName: "pass",
		ExecutionName: "seeded"}); err != nil {
		t.Fatal(err)
	}
	owner.GetExecutionHistory(ctx, cloudflow.GetExecutionHistoryRequest{FlowName: "pass",
		ExecutionName: "seeded"})
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	driver, err := pebblestore.Open(ctx, pebblestore.Options{Dir: copied, FreeFloor: -1})
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(store.Options{Driver: driver})
	defer s.Close()
	x, err := s.Load(ctx, store.Partition(f.ID, "seeded"))
	if err != nil || x.Seed == seed {
		t.Fatalf("%+v %v", x, err)
	}
	return x.Seed
}
