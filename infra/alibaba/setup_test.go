package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/mns"
	emulator "millrace/tests/clouds/emulators/alibaba/mns"
	"millrace/tests/clouds/emulators/alibaba/tablestore"
)

const account = "1234567890123456"

// harness is an account to create resources in: emulators, and stand-ins for the other services.
type harness struct {
	*standIn
	mns     *emulator.Server
	monitor *monitorStandIn
	args    []string
}

func newHarness(t *testing.T) *harness {
	w := &harness{
		standIn: newStandIn(t),
		monitor: newMonitorStandIn(t),
		mns: emulator.New(emulator.Options{Keys: map[string]emulator.Key{"test": {
			Secret: "test",
			Token:  "token",
		}}}),
	}
	serve := func(h http.Handler) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	other := serve(w)
	w.args = []string{"-account", account}
	for service, at := range map[string]string{
		"ots": serve(tablestore.New(tablestore.Options{Keys: []tablestore.Key{{
			ID:     "test",
			Secret: "test",
			Token:  "token",
		}}})),
		"mns":         serve(w.mns),
		"tablestore":  other,
		"ram":         other,
		"log":         other,
		"eventbridge": other,
		"cms":         serve(w.monitor),
	} {
		w.args = append(w.args, "-endpoint", service+"="+at)
	}
	return w
}

// run runs the command and returns the lines of its output.
func (w *harness) run(t *testing.T, args ...string) []string {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), append(w.args, args...), environment, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return strings.Split(strings.TrimSpace(out.String()), "\n")
}

func environment(name string) string {
	return map[string]string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID":     "test",
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "test",
		"ALIBABA_CLOUD_SECURITY_TOKEN":    "token",
	}[name]
}

// signs returns the distinct first characters of lines, in their order.
func signs(lines []string) (s string) {
	for _, l := range lines {
		if !strings.Contains(s, l[:1]) {
			s += l[:1]
		}
	}
	return s
}

func (w *harness) changed() (changes []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	changes, w.changes = w.changes, nil
	for call, n := range w.mns.Calls() {
		if call == "CreateQueue" || call == "SetQueueAttributes" {
			for range n {
				changes = append(changes, call)
			}
		}
	}
	return changes
}

func TestSetup(t *testing.T) {
	w := newHarness(t)
	functions := []string{"-functions", "charge, shop-*"}
	lines := w.run(t, append(functions, "-dry-run")...)
	if len(w.changed()) != 0 || signs(lines[:len(lines)-1]) != "+" ||
		lines[len(lines)-1] != "52 of 52 would be done or could not be looked at" {
		t.Fatalf("a dry run: %v\n%s", w.changes, strings.Join(lines, "\n"))
	}
	lines = w.run(t, functions...)
	if signs(lines) != "+" || len(lines) != 52 {
		t.Errorf("first: %s", strings.Join(lines, "\n"))
	}
	before := len(w.changed())
	if before == 0 {
		t.Error("nothing has changed")
	}
	queues := w.mns.Calls()["CreateQueue"]
	if lines = w.run(t, functions...); signs(lines) != "=" || len(lines) != 52 {
		t.Errorf("again: %s", strings.Join(lines, "\n"))
	}
	if len(w.changes) != 0 || w.mns.Calls()["CreateQueue"] != queues {
		t.Errorf("the second run changes: %v", w.changes)
	}
	if !w.attached["millrace-steprunner"]["millrace-ends"] ||
		!w.attached["millrace-api"]["millrace-ends"] ||
		w.attached["millrace-tasks"]["millrace-ends"] ||
		len(w.attached["millrace-steprunner"]) != 2 ||
		!w.attached["millrace-tasks"]["millrace-tasks"] ||
		!w.attached["millrace-tasks"]["millrace-reserved"] ||
		len(w.attached["millrace-starter"]) != 1 || len(w.linked) != 3 ||
		w.days["millrace-"+account+"-cn-hangzhou/functions"] != 30 {
		t.Errorf("%v %v %v", w.attached, w.linked, w.days)
	}
}

// TestDrift: the command corrects resources that were changed.
func TestDrift(t *testing.T) {
	w := newHarness(t)
	w.run(t)
	w.roles["millrace-api"] = `{"Version":"1","Statement":[]}`
	w.policies["millrace-sweeper"] = `{"Version":"1","Statement":[{"Effect":"Allow",` +
		`"Action":"*","Resource":"*"}]}`
	c := &mns.Client{
		Endpoint: "http://mns",
		HTTP:     &http.Client{Transport: w.mns.Transport()},
		Credentials: alibaba.Static(alibaba.Credentials{
			AccessKeyID:     "test",
			AccessKeySecret: "test",
			SecurityToken:   "token",
		}),
	}
	if err := c.SetAttributes(t.Context(), "millrace",
		mns.Attributes{Visibility: 30 * time.Second, Retention: time.Hour}); err != nil {
		t.Fatal(err)
	}
	delete(w.attached["millrace-starter"], "millrace-starter")
	w.instances["millrace"].Networks = []string{"VPC"}
	want := []string{"~ TableStore instance millrace (to be changed: opened for INTERNET, CLASSIC)",
		"~ queue millrace (to be changed: visibility 30s, retention 1h0m0s, polling 0s)",
		"~ logstore functions, kept for 90 days (to be changed: kept for 30 days)",
		"~ role millrace-api (to be changed: who may take it)",
		"+ policy millrace-starter for role millrace-starter (to be created)",
		"~ policy millrace-sweeper (to be changed: what it allows)"}
	check := func(lines []string, args string) {
		t.Helper()
		var got []string
		for _, l := range lines {
			if l[0] == '+' || l[0] == '~' {
				got = append(got, l)
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s:\n%s", args, strings.Join(got, "\n"))
		}
	}
	check(w.run(t, "-log-days", "90", "-dry-run"), "dry run")
	for i := range want {
		want[i] = strings.Replace(want[i], "to be ", "", 1)
	}
	check(w.run(t, "-log-days", "90"), "run")
	want = nil
	check(w.run(t, "-log-days", "90"), "again")
}

// TestTwoAtOnce: two concurrent runs do no harm.
func TestTwoAtOnce(t *testing.T) {
	w := newHarness(t)
	var both sync.WaitGroup
	for range 3 {
		both.Go(func() {
			if err := run(t.Context(), w.args, environment, new(bytes.Buffer)); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if lines := w.run(t); signs(lines) != "=" {
		t.Errorf("afterwards: %s", strings.Join(lines, "\n"))
	}
}

func TestParts(t *testing.T) {
	w := newHarness(t)
	if lines := w.run(t, "-only", "tables,queues"); len(lines) != 4 {
		t.Errorf("%s", strings.Join(lines, "\n"))
	}
	if len(w.changes) != 0 {
		t.Errorf("%v", w.changes)
	}
}

// TestEncrypted: the table is created encrypted if so configured. An existing table cannot become
// encrypted.
func TestEncrypted(t *testing.T) {
	w := newHarness(t)
	w.run(t, "-encrypted")
	if lines := w.run(t, "-encrypted"); signs(lines) != "=" {
		t.Errorf("again: %s", strings.Join(lines, "\n"))
	}
	w = newHarness(t)
	w.run(t, "-only", "instance,tables")
	err := run(t.Context(), append(w.args, "-encrypted"), environment, new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(), "create the tables under another name") {
		t.Errorf("a table that is there: %v", err)
	}
}

// TestRefused: a rejected request ends the run, and the error names the resource. A dry run
// continues.
func TestRefused(t *testing.T) {
	w := newHarness(t)
	args := append(w.args, "-endpoint", "ram=http://127.0.0.1:1")
	err := run(t.Context(), args, environment, new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(),
		"role millrace-api: GetRole at http://127.0.0.1:1") {
		t.Errorf("%v", err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), append(args, "-dry-run"), environment, &out); err != nil ||
		!strings.Contains(out.String(), "? service-linked role ") {
		t.Errorf("%v\n%s", err, out.String())
	}
	w = newHarness(t)
	w.instances["millrace"] = &access{}
	k := &cloud{config: &config{
		instance:  "millrace",
		region:    "cn-hangzhou",
		endpoints: map[string]string{"tablestore": "http://127.0.0.1:1"},
	}, credentials: alibaba.Static(alibaba.Credentials{AccessKeyID: "a", AccessKeySecret: "b"})}
	if _, err := k.checkInstance(context.Background()); err == nil {
		t.Error("a service that does not answer has the instance")
	}
}

func TestBadArguments(t *testing.T) {
	for want, args := range map[string][]string{
		"ALIBABA_CLOUD_ACCOUNT_ID": {},
		"no name of a region":      {"-account", "1", "-region", "Hangzhou!"},
		"prefix \"Mill\"":          {"-account", "1", "-prefix", "Mill"},
		"3 to 16 characters": {"-account", "1", "-instance",
			"much-too-long-a-name"},
		`no "ali" in the names`: {"-account", "1", "-instance", "my-alias"},
		"letters, digits and _": {"-account", "1", "-table", "a-b"},
		"-log-days":             {"-account", "1", "-log-days", "0"},
		`function "*"`:          {"-account", "1", "-functions", "*"},
		`function "acs:fc:*:*:functions/x"`: {"-account", "1", "-functions",
			"acs:fc:*:*:functions/x"},
		`function "acs:fc:x:1:services/*/functi`: {"-account", "1", "-functions",
			"acs:fc:x:1:services/*/functions/x"},
		"the parts are instance":                  {"-account", "1", "-only", "table"},
		"unknown argument":                        {"-account", "1", "x"},
		"not defined":                             {"-nonsense"},
		`"sqs" is no service`:                     {"-endpoint", "sqs=http://x"},
		"is no address of a service":              {"-endpoint", "mns=ftp://x"},
		"prefix \"x\x00\"":                        {"-account", "1", "-prefix", "x\x00"},
		"account \"１\"":                           {"-account", "１"},
		"they must be allowed to create what thi": {"-account", "1"},
	} {
		err := run(t.Context(), args, func(name string) string {
			return map[string]string{"ALIBABA_CLOUD_CREDENTIALS_FILE": "/dev/null"}[name]
		}, new(bytes.Buffer))
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), `\x00`, "\x00"), want) {
			t.Errorf("%q: %v, want %s", args, err, want)
		}
	}
}

// TestPolicies: policies allow only named actions, and name only this account.
func TestPolicies(t *testing.T) {
	c, err := parse([]string{"-account", account, "-functions",
		"charge,acs:fc:cn-beijing:1:functions/x,acs:fc:cn-beijing:1:functions/y/prod," +
			"acs:fc:cn-hangzhou:1:services/s/functions/f," +
			"acs:fc:cn-hangzhou:1:services/s.live/functions/g*"}, environment)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append([]string{"tasks", "reserved"}, roles...) {
		text, err := c.policy(name)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Version   string
			Statement []struct {
				Effect           string
				Action, Resource []string
			}
		}
		if err := json.Unmarshal([]byte(text), &doc); err != nil || doc.Version != "1" ||
			len(doc.Statement) == 0 {
			t.Errorf("%s: %v", text, err)
		}
	}
	if text, _ := c.policy("tasks"); !strings.Contains(text,
		`"Resource":["acs:fc:cn-hangzhou:1234567890123456:functions/charge",`+
			`"acs:fc:cn-hangzhou:1234567890123456:functions/charge/*",`+
			`"acs:fc:cn-beijing:1:functions/x","acs:fc:cn-beijing:1:functions/x/*",`+
			`"acs:fc:cn-beijing:1:functions/y/prod","acs:fc:cn-hangzhou:1:services/s/functions/f",`+
			`"acs:fc:cn-hangzhou:1:services/s.*/functions/f",`+
			`"acs:fc:cn-hangzhou:1:services/s.live/functions/g*"]`) {
		t.Error(text)
	}
}

// TestTwoRoles: the roles of functions allow none of the requests of flows. The role of tasks
// allows them, is denied the engine's own resources, and may be assumed only by the functions that
// call tasks.
func TestTwoRoles(t *testing.T) {
	c, err := parse([]string{"-account", account, "-functions", "charge"}, environment)
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range roles {
		text, err := c.policy(role)
		if err != nil {
			t.Fatal(err)
		}
		if takes := role == "api" || role == "steprunner"; strings.Contains(text,
			"sts:AssumeRole") != takes || takes && !strings.Contains(text, "role/millrace-tasks") {
			t.Errorf("%s: %s", role, text)
		}
	}
	trust, err := c.policy("trust-tasks")
	if err != nil || strings.Contains(trust, "Service") ||
		!strings.Contains(trust, `{"RAM":["acs:ram::`+account+
			`:role/millrace-steprunner","acs:ram::`+account+`:role/millrace-api"]}`) {
		t.Errorf("%s %v", trust, err)
	}
	denied, err := c.policy("reserved")
	if err != nil || strings.Contains(denied, "Allow") {
		t.Errorf("%s %v", denied, err)
	}
	for _, action := range []string{"GetAsyncTask", "ListAsyncTasks", "StopAsyncTask",
		"GetStatefulAsyncInvocation"} {
		if tasks, err := c.policy("tasks"); err != nil || strings.Contains(tasks, action) ||
			!strings.Contains(denied, `"fc:`+action+`"`) {
			t.Errorf("the role of tasks may fc:%s: %s %v", action, tasks, err)
		}
	}
	for _, resource := range []string{"acs:mns:*:*:/queues/millrace",
		"acs:mns:*:*:/queues/millrace-dead-letters/*", "acs:fc:*:*:functions/millrace-steprunner/*",
		"acs:fc:*:*:functions/millrace-api", "acs:ots:*:*:instance/millrace/*",
		"acs:ram:*:*:role/millrace-steprunner"} {
		if !strings.Contains(denied, `"`+resource+`"`) {
			t.Errorf("%s is not denied: %s", resource, denied)
		}
	}
}

// TestLogSignature checks the example of the service's documentation.
func TestLogSignature(t *testing.T) {
	h := http.Header{
		"Date":                  {"Mon, 09 Nov 2015 06:11:16 GMT"},
		"X-Log-Apiversion":      {"0.6.0"},
		"X-Log-Signaturemethod": {"hmac-sha1"},
	}
	if got := logSignature("4fdO2fTDDnZPU/L7CHNdemB2Nsk=", "GET",
		"/logstores?logstoreName=&offset=0&size=1000", h); got != "jEYOTCJs2e88o+y5F4/S5IsnBJQ=" {
		t.Error(got)
	}
}

// TestNetworks: an instance accepts requests from the networks of this command and of the
// functions. A new instance is created so, and an existing one is opened. The command closes
// nothing, and with a VPC it opens nothing to the internet.
func TestNetworks(t *testing.T) {
	all := access{
		Networks: []string{"INTERNET", "VPC", "CLASSIC"},
		Sources:  []string{"TRUST_PROXY"},
	}
	inside := access{Networks: []string{"VPC"}, Sources: []string{"TRUST_PROXY"}}
	for _, c := range []struct {
		args []string
		now  *access
		want access
	}{
		{nil, nil, all},
		{nil, &access{}, all},
		{nil, &access{Networks: []string{"CLASSIC", "VPC"}, Sources: []string{"TRUST_PROXY"}},
			access{[]string{"CLASSIC", "VPC", "INTERNET"}, []string{"TRUST_PROXY"}}},
		{nil, &access{Networks: []string{"INTERNET", "VPC", "CLASSIC"}}, all},
		{[]string{"-vpc"}, nil, inside},
		{[]string{"-vpc"}, &access{}, inside},
		{[]string{"-vpc"}, &all, all},
	} {
		w := newHarness(t)
		if c.now != nil {
			w.instances["millrace"] = c.now
		}
		args := append([]string{"-only", "instance"}, c.args...)
		change := c.now == nil || !reflect.DeepEqual(*c.now, c.want)
		before := w.run(t, append(args, "-dry-run")...)
		lines := w.run(t, args...)
		if (signs(lines) != "=") != change || before[0][0] != lines[0][0] || len(w.changed()) > 1 {
			t.Errorf("%v %+v: %s, %s", c.args, c.now, before, lines)
		}
		if got := *w.instances["millrace"]; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v %+v has become %+v, want %+v", c.args, c.now, got, c.want)
		}
		if lines := w.run(t, args...); signs(lines) != "=" {
			t.Errorf("again: %s", lines)
		}
	}
	w := newHarness(t)
	at := map[string]string{}
	for _, a := range w.args {
		if service, url, ok := strings.Cut(a, "="); ok {
			at[service] = url
		}
	}
	w.instances["millrace"] = &access{}
	k := &cloud{
		config: &config{instance: "millrace", region: "cn-hangzhou", endpoints: at},
		credentials: alibaba.Static(alibaba.Credentials{
			AccessKeyID:     "test",
			AccessKeySecret: "test",
			SecurityToken:   "token",
		}),
	}
	if err := k.createInstance(t.Context()); err != nil ||
		!reflect.DeepEqual(*w.instances["millrace"], all) {
		t.Errorf("an instance that has come to be meanwhile: %v, %+v", err, w.instances["millrace"])
	}
}
