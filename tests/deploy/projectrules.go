package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// ProjectRule is something that must be true of what s.yaml and infra create.
type ProjectRule struct {
	Name  string
	Check func(*Project) []string // what is wrong, sorted by function
}

// ProjectRules lists all rules.
var ProjectRules = []ProjectRule{
	{"runtime", checkRuntime},
	{"http", checkHTTP},
	{"stream", checkStream},
	{"dispatch", checkDispatch},
	{"dead letters", checkFailedInvocations},
	{"timeouts", checkFunctionTimeouts},
	{"sweep", checkTimer},
	{"objects", checkObjects},
	{"roles", checkFunctionRoles},
	{"wildcards", checkRAMWildcards},
	{"logs", checkFunctionLogs},
	{"store and queue", checkAddresses},
	{"secrets", checkSecrets},
	{"build", checkBuild},
}

// streamSeconds is how long an event stream waits for a function.
const streamSeconds = 300

func number(v any) float64 {
	n, _ := v.(float64)
	return n
}

func checkRuntime(p *Project) (wrong []string) {
	for _, f := range p.Names() {
		props := p.Functions[f]
		if Text(props, "runtime") != "custom.debian12" ||
			Text(props, "customRuntimeConfig", "command", 0) != "/code/bootstrap" ||
			number(At(props, "customRuntimeConfig", "port")) != 9000 {
			wrong = append(wrong, f+": another runtime or command")
		}
		// The ratio of vCPU to memory must be between 1:1 and 1:4.
		cpu, memory := number(At(props, "cpu")), number(At(props, "memorySize"))/1024
		if cpu <= 0 || memory < cpu || memory > 4*cpu {
			wrong = append(wrong, fmt.Sprintf("%s: %v processors for %v GB", f, cpu, memory))
		}
		if n := number(At(props, "instanceConcurrency")); n < 1 || n > 200 {
			wrong = append(wrong, fmt.Sprintf("%s: %v requests at once", f, n))
		}
	}
	return wrong
}

// checkHTTP: clients reach the API and no other function, and the trigger leaves the check of
// signatures to the API.
func checkHTTP(p *Project) (wrong []string) {
	for _, f := range p.Names() {
		triggers := p.Triggers(f, "http")
		switch {
		case f != "api" && len(triggers) > 0:
			wrong = append(wrong, f+" is open to clients")
		case f == "api" && len(triggers) != 1:
			wrong = append(wrong, "api has no HTTP trigger")
		case f == "api":
			methods := asList(At(triggers[0], "triggerConfig", "methods"))
			if Text(triggers[0], "triggerConfig", "authType") != "anonymous" ||
				!slices.Contains(methods, any("POST")) || !slices.Contains(methods, any("GET")) {
				wrong = append(wrong, "api: the trigger does not let CloudFlow's clients through")
			}
		}
	}
	return wrong
}

// checkStream: messages reach the step runner, with retries, and none is dropped.
func checkStream(p *Project) (wrong []string) {
	triggers := p.Triggers("steprunner", "eventbridge")
	if len(triggers) != 1 {
		return []string{"steprunner has no stream"}
	}
	fail := func(format string, args ...any) {
		wrong = append(wrong, "steprunner: "+fmt.Sprintf(format, args...))
	}
	c := asObject(triggers[0]["triggerConfig"])
	source := At(c, "eventSourceConfig", "eventSourceParameters", "sourceMNSParameters")
	options := At(c, "runOptions")
	if c["triggerEnable"] != true || Text(options, "mode") != "event-streaming" ||
		c["asyncInvocationType"] != false {
		fail("the trigger is off, no stream, or asynchronous: then a failed batch is not " +
			"brought again")
	}
	if Text(c, "eventSourceConfig", "eventSourceType") != "MNS" ||
		Text(source, "QueueName") == "" ||
		Text(source, "QueueName") != queueOf(p.Variable("steprunner", "QUEUE_URL")) {
		fail("the stream does not read the queue that hints are sent to")
	}
	if Text(source, "RegionId") != Text(p.Functions["steprunner"], "region") {
		fail("the queue is in another region")
	}
	if At(source, "IsBase64Decode") != true || Text(c, "eventSinkConfig", "deliveryOption",
		"eventSchema") != "CloudEvents" || Text(c, "eventRuleFilterPattern") != "{}" {
		fail("messages come in another form, or not all")
	}
	if Text(options, "errorsTolerance") != "ALL" {
		fail("the stream stops at the first batch that cannot be delivered")
	}
	if Text(options, "retryStrategy", "PushRetryStrategy") != "EXPONENTIAL_DECAY_RETRY" {
		fail("a batch is given up within a minute")
	}
	deadQueue := queueOf(Text(options, "deadLetterQueue", "Arn"))
	if deadQueue == "" || deadQueue == Text(source, "QueueName") {
		fail("no dead-letter queue")
	}
	if n := number(At(options, "batchWindow", "CountBasedWindow")); n < 1 || n > 16 ||
		number(At(options, "batchWindow", "TimeBasedWindow")) > 1 {
		fail("batches of %v, or late ones", n)
	}
	return wrong
}

// queueOf returns the name after the last slash of the address or ARN of a queue.
func queueOf(address string) string { return address[strings.LastIndexByte(address, '/')+1:] }

// checkDispatch: work that may take longer than the stream waits is not done in the stream's
// invocations, and the function may invoke itself for it.
func checkDispatch(p *Project) (wrong []string) {
	for _, f := range p.Names() {
		props := p.Functions[f]
		if len(p.Triggers(f, "eventbridge")) == 0 {
			continue
		}
		if p.Variable(f, "MILLRACE_DISPATCH") != "async" &&
			number(props["timeout"]) > streamSeconds-10 {
			wrong = append(wrong, f+": may work on when the stream has given up")
		}
		if p.Variable(f, "MILLRACE_DISPATCH") == "async" &&
			!p.May(f, "fc:InvokeFunction", functionARN(props)) {
			wrong = append(wrong, f+": may not invoke itself")
		}
	}
	return wrong
}

func functionARN(props Object) string {
	return "acs:fc:" + Text(props, "region") + ":" + accountOf(props) + ":functions/" +
		Text(props, "functionName")
}

// accountOf returns the account in the ARN of a function's role.
func accountOf(props Object) string {
	account, _, _ := strings.Cut(strings.TrimPrefix(Text(props, "role"), "acs:ram::"), ":")
	return account
}

// checkFailedInvocations: an asynchronous invocation that fails permanently is sent to a queue, and
// the function may send to it. Sweeps do not need this, because the next sweep does the same.
func checkFailedInvocations(p *Project) (wrong []string) {
	for _, f := range []string{"steprunner", "starter"} {
		props := p.Functions[f]
		to := Text(props, "asyncInvokeConfig", "destinationConfig", "onFailure", "destination")
		if !strings.HasPrefix(to, "acs:mns:") || !p.May(f, "mns:SendMessage", to+"/messages") {
			wrong = append(wrong, f+": failed invocations are lost, or may not be sent to "+to)
		}
		if queueOf(to) == queueOf(p.Variable(f, "QUEUE_URL")) {
			wrong = append(wrong, f+": failed invocations go to the queue of hints")
		}
		if number(At(props, "asyncInvokeConfig", "maxAsyncRetryAttempts")) < 1 {
			wrong = append(wrong, f+": a failed invocation is not tried again")
		}
		// An event that is retried after the retention of execution names would start a second
		// execution.
		if age := number(At(props, "asyncInvokeConfig", "maxAsyncEventAgeInSeconds")); age < 3600 ||
			age > 7*86400 {
			wrong = append(wrong, fmt.Sprintf("%s: events are kept for %v s", f, age))
		}
	}
	return wrong
}

// checkFunctionTimeouts: the engine stops waiting before the platform ends the function.
func checkFunctionTimeouts(p *Project) (wrong []string) {
	for _, f := range p.Names() {
		timeout := number(p.Functions[f]["timeout"])
		for _, name := range []string{"MILLRACE_WAIT_SECONDS", "MILLRACE_SYNC_SECONDS",
			"MILLRACE_CALL_SECONDS"} {
			if v := p.Variable(f, name); v != "" {
				if n, err := strconv.ParseFloat(v, 64); err != nil || n+20 > timeout {
					wrong = append(wrong, fmt.Sprintf("%s: %s is %s, its timeout %v", f, name, v,
						timeout))
				}
			}
		}
		if f == "steprunner" && timeout < 600 {
			wrong = append(wrong, "steprunner: less than the ten minutes of an execution's turn")
		}
	}
	return wrong
}

func checkTimer(p *Project) (wrong []string) {
	for _, f := range p.Names() {
		triggers := p.Triggers(f, "timer")
		switch {
		case f != "sweeper" && len(triggers) > 0, f == "sweeper" && len(triggers) != 1:
			wrong = append(wrong, f+": the timer belongs to the sweeper")
		case f == "sweeper":
			c := triggers[0]["triggerConfig"]
			if Text(c, "cronExpression") != "@every 1m" || At(c, "enable") != true ||
				Text(c, "payload") != `{"kind":"sweep"}` {
				wrong = append(wrong, "sweeper: no sweep every minute")
			}
			if At(p.Functions[f], "asyncInvokeConfig", "maxAsyncRetryAttempts") != 0.0 {
				wrong = append(wrong, "sweeper: old sweeps are tried again")
			}
		}
	}
	return wrong
}

// checkObjects: the starter's rule covers the bucket and the keys whose events the starter gets.
func checkObjects(p *Project) (wrong []string) {
	triggers := p.Triggers("starter", "oss")
	if len(triggers) != 1 {
		return []string{"starter has no OSS trigger"}
	}
	var rules []struct{ Bucket, Prefix, Suffix, Flow, Account string }
	if err := json.Unmarshal([]byte(p.Variable("starter", "MILLRACE_STARTS")),
		&rules); err != nil || len(rules) != 1 {
		return []string{"starter: MILLRACE_STARTS is not one rule"}
	}
	key := At(triggers[0], "triggerConfig", "filter", "key")
	if !strings.HasSuffix(Text(triggers[0], "sourceArn"), ":"+rules[0].Bucket) ||
		Text(key, "prefix") != rules[0].Prefix || Text(key, "suffix") != rules[0].Suffix {
		wrong = append(wrong, "starter: the trigger and the rule differ")
	}
	if rules[0].Prefix == "" && rules[0].Suffix == "" {
		wrong = append(wrong, "starter: what a flow writes starts it again")
	}
	for _, e := range asList(At(triggers[0], "triggerConfig", "events")) {
		if name, _ := e.(string); !strings.HasPrefix(name, "oss:ObjectCreated:") ||
			strings.Contains(name, "UploadPart") || strings.Contains(name, "Initiate") {
			wrong = append(wrong, fmt.Sprintf("starter: %v is not the creation of an object", e))
		}
	}
	return wrong
}

// checkFunctionRoles: a function has a role of its own, with a policy of its own, which only
// Function Compute may assume.
func checkFunctionRoles(p *Project) (wrong []string) {
	seen := map[string]bool{}
	for _, f := range p.Names() {
		role := Text(p.Functions[f], "role")
		if seen[role] || !strings.HasSuffix(role, ":role/"+Text(p.Functions[f], "functionName")) ||
			role != strings.ToLower(role) {
			wrong = append(wrong, f+": no role of its own, or not in lower case")
		}
		seen[role] = true
		if len(p.Policies[f]) == 0 {
			wrong = append(wrong, f+": no policy")
		}
	}
	for _, s := range asList(p.Trust["Statement"]) {
		if !slices.Equal(asList(At(s, "Principal", "Service")), []any{"fc.aliyuncs.com"}) ||
			len(asObject(At(s, "Principal"))) != 1 {
			wrong = append(wrong, "trust: others than Function Compute may take the roles")
		}
	}
	return wrong
}

// checkRAMWildcards: policies name what they allow. Only versions and aliases of a named function
// may stay open.
func checkRAMWildcards(p *Project) (wrong []string) {
	for _, name := range slices.Sorted(maps.Keys(p.Policies)) {
		for _, s := range p.Policies[name] {
			for _, a := range s.Action {
				if strings.Contains(a, "*") {
					wrong = append(wrong, name+": may "+a)
				}
			}
			for _, r := range s.Resource {
				if rest := strings.TrimSuffix(r, "/*"); strings.Contains(rest, "*") ||
					strings.Contains(rest, "${") && r != "${functions}" || rest != r &&
					!strings.Contains(r, ":functions/") {
					wrong = append(wrong, name+": may do it with "+r)
				}
			}
		}
	}
	return wrong
}

// checkFunctionLogs: logs go to a place where the function may write. No function uses a project
// that is created implicitly, because then the retention of logs would not be set.
func checkFunctionLogs(p *Project) (wrong []string) {
	for _, f := range p.Names() {
		props := p.Functions[f]
		c := asObject(props["logConfig"])
		to := "acs:log:" + Text(props, "region") + ":" + accountOf(props) + ":project/" +
			Text(c, "project") + "/logstore/" + Text(c, "logstore")
		if c == nil || !p.May(f, "log:PostLogStoreLogs", to) {
			wrong = append(wrong, f+": may not write its log to "+to)
		}
	}
	return wrong
}

// checkAddresses: all functions have the same store and queue, and may use them.
func checkAddresses(p *Project) (wrong []string) {
	for _, f := range p.Names() {
		props := p.Functions[f]
		store, queue := p.Variable(f, "STORE_URL"), p.Variable(f, "QUEUE_URL")
		if store != p.Variable("api", "STORE_URL") || queue != p.Variable("api", "QUEUE_URL") {
			wrong = append(wrong, f+": another store or queue than the API")
		}
		instance, table, _ := strings.Cut(strings.TrimPrefix(store, "tablestore://"), "/")
		place := Text(props, "region") + ":" + accountOf(props)
		if !p.May(f, "ots:PutRow", "acs:ots:"+place+":instance/"+instance+"/table/"+table) {
			wrong = append(wrong, f+": may not write to "+store)
		}
		if !p.May(f, "mns:SendMessage", "acs:mns:"+place+":/queues/"+queueOf(queue)+"/messages") {
			wrong = append(wrong, f+": may not send to "+queue)
		}
	}
	return wrong
}

// checkSecrets: only the API gets the callers' credentials.
func checkSecrets(p *Project) (wrong []string) {
	for _, f := range p.Names() {
		if (p.Variable(f, "MILLRACE_CREDENTIALS") != "") != (f == "api") {
			wrong = append(wrong, f+": the credentials are for the API alone")
		}
		if (p.Variable(f, "MILLRACE_RIGHTS") != "") != (f == "steprunner") {
			wrong = append(wrong,
				f+": the step runner alone, and no other, is told what flows may do")
		}
	}
	return wrong
}

// checkBuild: what is deployed has just been built, and a check of credentials and rights against
// each other has run for the function that gets either of them.
func checkBuild(p *Project) (wrong []string) {
	for _, f := range p.Names() {
		want := []string{"make build-fc-" + f}
		if p.Variable(f, "MILLRACE_CREDENTIALS") != "" || p.Variable(f, "MILLRACE_RIGHTS") != "" {
			want = []string{"make check-rights", want[0]}
		}
		var got []string
		for _, a := range p.Actions[f] {
			got = append(got, Text(a, "run"))
		}
		if Text(p.Functions[f], "code") != "./bin/fc/"+f || !slices.Equal(got, want) {
			wrong = append(wrong, f+": before it is deployed is not run: "+strings.Join(want, ", "))
		}
	}
	return wrong
}
