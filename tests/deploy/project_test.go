package deploy_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"millrace/tests/deploy"
)

const (
	projectPath  = "../../s.yaml"
	policiesPath = "../../infra/alibaba/policies"
)

// deployment has the variables that a deployment must set. The rest has defaults.
var deployment = map[string]string{"ALIBABA_CLOUD_ACCOUNT_ID": "1234567890123456"}

func projectText(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(projectPath)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func project(t *testing.T, text []byte, policies string) *deploy.Project {
	t.Helper()
	p, err := deploy.LoadProject(text, policies, deployment)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func projectFindings(p *deploy.Project) map[string][]string {
	found := map[string][]string{}
	for _, r := range deploy.ProjectRules {
		if wrong := r.Check(p); len(wrong) > 0 {
			found[r.Name] = wrong
		}
	}
	return found
}

func TestProject(t *testing.T) {
	other := map[string]string{"ALIBABA_CLOUD_ACCOUNT_ID": "1",
		"ALIBABA_CLOUD_REGION_ID": "ap-southeast-1", "MILLRACE_PREFIX": "flows",
		"MILLRACE_INSTANCE": "flows-1",
		"MILLRACE_TABLE":    "t", "MILLRACE_EVENT_BUCKET": "b", "MILLRACE_EVENT_PREFIX": "x/",
		"MILLRACE_EVENT_SUFFIX": ".json", "MILLRACE_QUEUE_SUFFIX": "-internal"}
	for _, environment := range []map[string]string{deployment, other} {
		p, err := deploy.LoadProject(projectText(t), policiesPath, environment)
		if err != nil {
			t.Fatal(err)
		}
		for rule, wrong := range projectFindings(p) {
			t.Errorf("%s: %s", rule, strings.Join(wrong, "\n"))
		}
	}
	got, want := project(t, projectText(t), policiesPath).Names(),
		[]string{"api", "starter", "steprunner", "sweeper"}
	if !slices.Equal(got, want) {
		t.Errorf("functions %v", got)
	}
}

// projectMutations each change one thing in s.yaml, or in the named policy. The rule must find it.
var projectMutations = []struct {
	rule, policy, old, new string
}{
	{"runtime", "", "runtime: custom.debian12", "runtime: go1"},
	{"runtime", "", "command: [/code/bootstrap]", "command: [./bootstrap]"},
	{"runtime", "", "memorySize: 1024", "memorySize: 4096"},
	{"runtime", "", "instanceConcurrency: 10", "instanceConcurrency: 0"},
	{"http", "", "authType: anonymous", "authType: function"},
	{"http", "", "methods: [GET, POST]", "methods: [GET]"},
	{"http", "", "triggerType: timer", "triggerType: http"},
	{"stream", "", "triggerEnable: true", "triggerEnable: false"},
	{"stream", "", "asyncInvocationType: false", "asyncInvocationType: true"},
	{"stream", "", "mode: event-streaming", "mode: event-driven"},
	{"stream", "", "errorsTolerance: ALL", "errorsTolerance: NONE"},
	{"stream", "", "EXPONENTIAL_DECAY_RETRY", "BACKOFF_RETRY"},
	{"stream", "", "              deadLetterQueue: {Arn: " +
		"\"acs:mns:${vars.region}:${vars.account}:/queues/${vars.prefix}-dead-letters\"}\n", ""},
	{"stream", "", `Arn: "acs:mns:${vars.region}:${vars.account}:/queues/${vars.prefix}-dead-letters"`, `Arn: "acs:mns:${vars.region}:${vars.account}:/queues/${vars.prefix}"`},
	{"stream", "", `QueueName: "${vars.prefix}"`, `QueueName: "${vars.prefix}-steps"`},
	{"stream", "", `RegionId: "${vars.region}"`, "RegionId: cn-beijing"},
	{"stream", "", "IsBase64Decode: true", "IsBase64Decode: false"},
	{"stream", "", "CountBasedWindow: 16", "CountBasedWindow: 100"},
	{"stream", "", "TimeBasedWindow: 0", "TimeBasedWindow: 15"},
	{"dispatch", "", "MILLRACE_DISPATCH: async", "MILLRACE_DISPATCH: direct"},
	{"dispatch", "steprunner", `"acs:fc:${region}:${account}:functions/${prefix}-steprunner",`,
		`"acs:fc:${region}:${account}:functions/${prefix}-api",`},
	{"dead letters", "", "        destinationConfig:\n          onFailure: {destination: " +
		"\"acs:mns:${vars.region}:${vars.account}:/queues/${vars.prefix}-dead-letters\"}\n", ""},
	{"dead letters", "", "${vars.prefix}-event-dead-letters", "${vars.prefix}-letters"},
	{"dead letters", "", "maxAsyncRetryAttempts: 8", "maxAsyncRetryAttempts: 0"},
	{"dead letters", "", "maxAsyncEventAgeInSeconds: 86400", "maxAsyncEventAgeInSeconds: 2592000"},
	{"dead letters", "starter", "/queues/${eventLetters}/messages", "/queues/${letters}/messages"},
	{"timeouts", "", "timeout: 600", "timeout: 300"},
	{"timeouts", "", "timeout: 330", "timeout: 300"},
	{"timeouts", "", `MILLRACE_CALL_SECONDS: "120"`, `MILLRACE_CALL_SECONDS: "600"`},
	{"sweep", "", "@every 1m", "@every 10m"},
	{"sweep", "", `payload: '{"kind":"sweep"}'`, `payload: '{}'`},
	{"sweep", "", "{maxAsyncRetryAttempts: 0,", "{maxAsyncRetryAttempts: 3,"},
	{"objects", "", "acs:oss:${vars.region}:${vars.account}:${vars.bucket}",
		"acs:oss:${vars.region}:${vars.account}:other"},
	{"objects", "", `prefix: "${vars.eventPrefix}", suffix`, `prefix: "", suffix`},
	{"objects", "", "env('MILLRACE_EVENT_PREFIX', 'in/')", "env('MILLRACE_EVENT_PREFIX', '')"},
	{"objects", "", "oss:ObjectCreated:PostObject", "oss:ObjectRemoved:DeleteObject"},
	{"roles", "", "role/${vars.prefix}-sweeper", "role/${vars.prefix}-steprunner"},
	{"roles", "", "env('MILLRACE_PREFIX', 'millrace')", "env('MILLRACE_PREFIX', 'Millrace')"},
	{"roles", "trust", "fc.aliyuncs.com", "ecs.aliyuncs.com"},
	{"roles", "trust", `{"Service": ["fc.aliyuncs.com"]}`,
		`{"Service": ["fc.aliyuncs.com"], "RAM": ["*"]}`},
	{"wildcards", "api", `"ots:GetRow"`, `"ots:*"`},
	{"wildcards", "sweeper", "/table/${table}_wake", "/table/*"},
	{"wildcards", "steprunner", "/queues/${letters}/messages", "/queues/${letters}/*"},
	{"logs", "", `{project: "${vars.project}", logstore: functions, enableRequestMetrics: true, enableInstanceMetrics: true, logBeginRule: None}`, "auto"},
	{"logs", "starter", "log:PostLogStoreLogs", "log:GetLogStore"},
	{"store and queue", "", "        STORE_URL: ${vars.store}\n" +
		"        QUEUE_URL: ${vars.queue}\n        MILLRACE_REGION: ${vars.name}\n" +
		"        ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED: ${vars.vpc}\n" +
		"        MILLRACE_SETTINGS: ${vars.settings}\n        MILLRACE_STARTS",
		"        STORE_URL: tablestore://other/table\n        QUEUE_URL: ${vars.queue}\n" +
			"        MILLRACE_STARTS"},
	{"store and queue", "api", `"ots:PutRow", `, ""},
	{"store and queue", "sweeper", "mns:SendMessage", "mns:ReceiveMessage"},
	{"secrets", "", "        MILLRACE_STARTS:",
		"        MILLRACE_CREDENTIALS: ${vars.credentials}\n        MILLRACE_STARTS:"},
	{"build", "", "code: ./bin/fc/sweeper", "code: ./bin/fc/api"},
	{"build", "", "run: make build-fc-starter", "run: echo"},
	{"build", "", "{run: make check-rights, path: ./}, ", ""},
}

func TestProjectMutations(t *testing.T) {
	tried := map[string]bool{}
	for _, m := range projectMutations {
		tried[m.rule] = true
		text, policies := projectText(t), policiesPath
		if m.policy == "" {
			text = replaced(t, m.rule, text, m.old, m.new)
		} else {
			policies = t.TempDir()
			if err := os.CopyFS(policies, os.DirFS(policiesPath)); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(policies, m.policy+".json")
			was, err := os.ReadFile(file)
			if err == nil {
				err = os.WriteFile(file, replaced(t, m.rule, was, m.old, m.new), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if found := projectFindings(project(t, text, policies)); len(found[m.rule]) == 0 {
			t.Errorf("%s: %q for %q goes unnoticed; found %v", m.rule, m.new, m.old, found)
		}
	}
	for _, r := range deploy.ProjectRules {
		if !tried[r.Name] {
			t.Errorf("no mutation tries the rule %s", r.Name)
		}
	}
}

func replaced(t *testing.T, what string, text []byte, from, to string) []byte {
	t.Helper()
	changed := bytes.Replace(text, []byte(from), []byte(to), 1)
	if bytes.Equal(changed, text) {
		t.Fatalf("%s: %q is not there", what, from)
	}
	return changed
}

// validateProject returns the schemas' objections to s.yaml. It checks each function against the
// component's schema, and each trigger against the strict one, because the component's own accepts
// any trigger. The component's schema also accepts unknown properties, so validateProject compares
// these itself.
func validateProject(t *testing.T, p *deploy.Project) (wrong []string) {
	t.Helper()
	function, trigger := schema(t, "fc3.schema.json"), schema(t, "fc3-trigger-strict.schema.json")
	var known struct{ Properties map[string]any }
	text, err := os.ReadFile("testdata/fc3.schema.json")
	if err == nil {
		err = json.Unmarshal(text, &known)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range p.Names() {
		props := p.Functions[f]
		if err := function.Validate(props); err != nil {
			wrong = append(wrong, f+": "+err.Error())
		}
		for name := range props {
			if known.Properties[name] == nil {
				wrong = append(wrong, f+": there is no property "+name)
			}
		}
		for _, e := range deploy.At(props, "triggers").([]any) {
			if err := trigger.Validate(e); err != nil {
				wrong = append(wrong, f+": "+err.Error())
			}
		}
	}
	return wrong
}

func TestProjectSchemas(t *testing.T) {
	if wrong := validateProject(t, project(t, projectText(t), policiesPath)); len(wrong) > 0 {
		t.Error(strings.Join(wrong, "\n"))
	}
	for _, m := range []struct{ old, new string }{
		{"functionName: ${vars.prefix}-api", "functionNam: ${vars.prefix}-api"},
		{"memorySize: 512", `memorySize: "512"`},
		{"memorySize: 512", "memorySize: 500"},
		{"timeout: 600", "timeOut: 600"},
		{"timeout: 600", "timeout: 90000"},
		{"instanceConcurrency: 50", "instanceConcurrency: 500"},
		{"runtime: custom.debian12", "runtime: custom.debian13"},
		{"maxAsyncRetryAttempts: 8", "maxAsyncRetryAttempts: 9"},
		{"triggerType: http", "triggerType: https"},
		{"authType: anonymous", "authtype: anonymous"},
		{"methods: [GET, POST]", "methods: [GET, SEND]"},
		{"cronExpression:", "cron:"},
		{"errorsTolerance: ALL", "errorsTolerance: SOME"},
		{"deadLetterQueue: {Arn:", "deadLetterQueue: {arn:"},
		{"PushRetryStrategy: EXPONENTIAL_DECAY_RETRY", "PushRetryStrategy: ALWAYS"},
		{"TimeBasedWindow: 0", "TimeBasedWindow: 60"},
		{"sourceMNSParameters:", "sourceMnsParameters:"},
		{"oss:ObjectCreated:PutObject", "ObjectCreated:PutObject"},
		{`filter: {key: {prefix: "${vars.eventPrefix}", suffix: "${vars.eventSuffix}"}}`,
			`filter: {key: {prefix: "${vars.eventPrefix}"}}`},
		{"sourceArn:", "sourceARN:"},
		{"logstore: functions", "logStore: functions"},
	} {
		if len(validateProject(t, project(t, replaced(t, "schemas", projectText(t), m.old, m.new),
			policiesPath))) == 0 {
			t.Errorf("%q for %q goes unnoticed", m.new, m.old)
		}
	}
}

// ramAccess lists everything that each function may do. A function may do nothing else.
func TestRAMAccess(t *testing.T) {
	const place = "cn-hangzhou:1234567890123456"
	const table, queues = "acs:ots:" + place + ":instance/millrace/table/millrace",
		"acs:mns:" + place + ":/queues/millrace"
	rows, ranges := []string{"ots:BatchWriteRow", "ots:GetRange", "ots:GetRow", "ots:PutRow"},
		[]string{"ots:GetRange"}
	deletes := append([]string{"ots:BatchWriteRow", "ots:DeleteRow"}, rows[1:]...)
	send, invoke, write := []string{"mns:SendMessage"}, []string{"fc:InvokeFunction"},
		[]string{"log:PostLogStoreLogs"}
	const log = "acs:log:" + place +
		":project/millrace-1234567890123456-cn-hangzhou/logstore/functions"
	const own = "acs:fc:" + place + ":functions/millrace-steprunner"
	const tasks = "acs:ram::1234567890123456:role/millrace-tasks"
	take := []string{"sts:AssumeRole"}
	want := map[string]map[string][]string{
		"api": {table: deletes, table + "_list": ranges, queues + "/messages": send,
			tasks: take, log: write},
		"steprunner": {table: deletes, table + "_list": ranges, queues + "/messages": send,
			queues + "-dead-letters/messages": send, own: invoke, own + "/*": invoke, tasks: take,
			log: write},
		"starter": {table: rows, queues + "/messages": send,
			queues + "-event-dead-letters/messages": send, log: write},
		"sweeper": {table: deletes, table + "_list": ranges, table + "_wake": ranges,
			queues + "/messages": send, log: write},
		"tasks": {"${functions}": invoke},
		// of steprunner and api
		"ends": {"${functions}": {"fc:GetAsyncTask", "fc:GetStatefulAsyncInvocation"}},
	}
	p := project(t, projectText(t), policiesPath)
	if !slices.Equal(slices.Sorted(maps.Keys(p.Policies)), slices.Sorted(maps.Keys(want))) {
		t.Errorf("policies %v", slices.Sorted(maps.Keys(p.Policies)))
	}
	for name, statements := range p.Policies {
		got := map[string][]string{}
		for _, s := range statements {
			if s.Effect != "Allow" {
				t.Errorf("%s: %v", name, s)
			}
			for _, r := range s.Resource {
				got[r] = slices.Sorted(slices.Values(append(got[r], s.Action...)))
			}
		}
		if !reflect.DeepEqual(got, want[name]) {
			t.Errorf("%s may %v, want %v", name, got, want[name])
		}
	}
}

// TestInfraMakes: infra creates what s.yaml refers to.
func TestInfraMakes(t *testing.T) {
	cmd := exec.Command("go", "run", "./infra/alibaba", "-dry-run", "-only", "queues,logs,roles",
		"-account", "1234567890123456", "-functions", "f",
		"-endpoint", "mns=http://127.0.0.1:1", "-endpoint", "log=http://127.0.0.1:1", "-endpoint",
		"ram=http://127.0.0.1:1")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "ALIBABA_CLOUD_ACCESS_KEY_ID=x",
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET=x")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p := project(t, projectText(t), policiesPath)
	for _, f := range p.Names() {
		props := p.Functions[f]
		role := deploy.Text(props, "role")
		role = role[strings.LastIndexByte(role, '/')+1:]
		wanted := []string{"role " + role, "policy " + role, "policy " + role + " for role " + role,
			"log project " + deploy.Text(props, "logConfig", "project"),
			"logstore " + deploy.Text(props, "logConfig", "logstore") + ", kept",
			"queue " + last(p.Variable(f, "QUEUE_URL"))}
		if to := deploy.Text(props, "asyncInvokeConfig", "destinationConfig", "onFailure",
			"destination"); to != "" {
			wanted = append(wanted, "queue "+last(to))
		}
		for _, s := range p.Triggers(f, "eventbridge") {
			wanted = append(wanted, "queue "+last(deploy.Text(s, "triggerConfig", "runOptions",
				"deadLetterQueue", "Arn")))
		}
		for _, w := range wanted {
			if !strings.Contains(string(out), "? "+w+":") &&
				!strings.Contains(string(out), "? "+w+" ") {
				t.Errorf("%s needs %q, which infra does not make:\n%s", f, w, out)
			}
		}
	}
}

func last(address string) string { return address[strings.LastIndexByte(address, '/')+1:] }

// TestPreview: Serverless Devs fills in the variables as this package does.
func TestPreview(t *testing.T) {
	s, err := filepath.Abs("../clouds/serverless-devs/node_modules/.bin/s")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s); err != nil {
		t.Skip("Serverless Devs is not installed; tests/clouds/serverless-devs/run.sh installs it")
	}
	// Not a temporary folder, because processes that the command leaves running may write there
	// after the test.
	home := filepath.Join(filepath.Dir(filepath.Dir(s)), ".home", t.Name())
	if err := os.MkdirAll(home+"/.s", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(home+"/.s/set-config.yml", []byte("analysis: disable\n"),
		0o644); err != nil {
		t.Fatal(err)
	}
	file, rights := filepath.Join(home, "credentials"), filepath.Join(home, "rights")
	for _, f := range []string{file, rights} {
		if err := os.WriteFile(f, []byte("{"+f+"}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	environment := with(deployment, map[string]string{"MILLRACE_CREDENTIALS_FILE": file,
		"MILLRACE_RIGHTS_FILE": rights, "MILLRACE_PREFIX": "flows",
		"MILLRACE_FUNCTIONS": "functions:\n  - {match: \"*\", fc: \"acs:fc:::functions/charge\"}\n"})
	cmd := exec.Command(s, "preview", "--silent", "-o", "json")
	cmd.Dir, cmd.Env = "../..", []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
	for k, v := range environment {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got struct {
		Resources map[string]struct{ Props deploy.Object }
	}
	if err := json.Unmarshal(out[bytes.IndexByte(out, '{'):], &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, err := deploy.LoadProject(projectText(t), policiesPath, environment)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range want.Names() {
		if !reflect.DeepEqual(got.Resources[f].Props, want.Functions[f]) {
			t.Errorf("%s: Serverless Devs has %v, want %v", f, got.Resources[f].Props,
				want.Functions[f])
		}
	}
}

// TestLocalTemplate: the local template has the same functions, with the component of the
// repository.
func TestLocalTemplate(t *testing.T) {
	doc, err := deploy.Load("../clouds/serverless-devs/s.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p := project(t, projectText(t), policiesPath)
	local := doc["resources"].(deploy.Object)
	if !slices.Equal(slices.Sorted(maps.Keys(local)), p.Names()) {
		t.Errorf("functions %v", slices.Sorted(maps.Keys(local)))
	}
	for f, r := range local {
		if deploy.Text(r, "component") != "./tests/clouds/serverless-devs/component" ||
			deploy.Text(r, "props", "code") != "./bin/fc-host/"+f {
			t.Errorf("%s: %v", f, r)
		}
	}
}

// TestBuildTargets: every function has its target.
func TestBuildTargets(t *testing.T) {
	for _, f := range project(t, projectText(t), policiesPath).Names() {
		cmd := exec.Command("make", "-n", "build-fc-"+f)
		cmd.Dir = "../.."
		out, err := cmd.CombinedOutput()
		for _, want := range []string{"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "-trimpath",
			"-o bin/fc/" + f + "/bootstrap", "./functions/" + f + "\n"} {
			if err != nil || !strings.Contains(string(out), want) {
				t.Errorf("make build-fc-%s: %v, no %q in %s", f, err, want, out)
			}
		}
	}
}
