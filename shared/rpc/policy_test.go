package rpc_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/shared/access"
	"millrace/shared/rpc"
)

func allow(actions, resources string) access.Statement {
	return statement("Allow", actions, resources)
}
func deny(actions, resources string) access.Statement {
	return statement("Deny", actions, resources)
}

func statement(effect, actions, resources string) access.Statement {
	return access.Statement{Effect: effect, Actions: strings.Fields(actions),
		Resources: strings.Fields(resources)}
}

func TestAllows(t *testing.T) {
	const flow = "acs:fnf:cn-hangzhou:1:flow/order-1"
	for _, c := range []struct {
		statements []access.Statement
		action     string
		resource   string
		want       bool
	}{
		{nil, "fnf:ListFlows", flow, false},
		{[]access.Statement{allow("*", "*")}, "fnf:ListFlows", flow, true},
		{[]access.Statement{allow("fnf:*", "*")}, "fnf:ListFlows", flow, true},
		{[]access.Statement{allow("fnf:Start*", "*")}, "fnf:StartExecution", flow, true},
		{[]access.Statement{allow("fnf:start*", "*")}, "fnf:StartExecution", flow, true},
		{[]access.Statement{allow("fnf:Start*", "*")}, "fnf:StopExecution", flow, false},
		{[]access.Statement{allow("fnf:S*Execution", "*")}, "fnf:StopExecution", flow, true},
		{[]access.Statement{allow("fnf:StartExecution", "*")}, "fnf:StartExecutions", flow, false},
		{[]access.Statement{allow("fnf:List* fnf:Describe*", "*")}, "fnf:DescribeFlow", flow, true},
		{[]access.Statement{allow("fnf:*", "acs:fnf:*:*:flow/order-*")}, "fnf:DescribeFlow", flow,
			true},
		{[]access.Statement{allow("fnf:*", "acs:fnf:*:*:flow/order-?")}, "fnf:DescribeFlow", flow,
			true},
		{[]access.Statement{allow("fnf:*", "acs:fnf:*:*:flow/order-??")}, "fnf:DescribeFlow", flow,
			false},
		{[]access.Statement{allow("fnf:*", "acs:fnf:*:*:flow/Order-*")}, "fnf:DescribeFlow", flow,
			false},
		{[]access.Statement{allow("fnf:*", "acs:fnf:us-west-1:*:flow/*")}, "fnf:DescribeFlow", flow,
			false},
		{[]access.Statement{allow("fnf:*", "acs:fnf:*:2:flow/*")}, "fnf:DescribeFlow", flow, false},
		{[]access.Statement{allow("fnf:*", "acs:fnf:*:*:flow/a acs:fnf:*:*:flow/order-1")},
			"fnf:DescribeFlow", flow, true},
		{[]access.Statement{allow("fnf:*", "*"), deny("fnf:DeleteFlow", "*")}, "fnf:DeleteFlow",
			flow, false},
		{[]access.Statement{deny("fnf:DeleteFlow", "*"), allow("fnf:*", "*")}, "fnf:DeleteFlow",
			flow, false},
		{[]access.Statement{allow("fnf:*", "*"), deny("FNF:deleteflow", "*")}, "fnf:DeleteFlow",
			flow, false},
		{[]access.Statement{allow("fnf:*", "*"), deny("fnf:*", "acs:fnf:*:*:flow/order-*")},
			"fnf:ListFlows", "acs:fnf:r:1:*", true},
		{[]access.Statement{deny("fnf:DeleteFlow", "*")}, "fnf:ListFlows", flow, false},
		{[]access.Statement{allow("fnf:*", "acs:fnf:*:*:*")}, "fnf:ListFlows", "acs:fnf:r:1:*",
			true},
		{[]access.Statement{allow("fnf:*", "acs:fnf:*:*:flow/*")}, "fnf:ListFlows", "acs:fnf:r:1:*",
			false},
		{[]access.Statement{allow("**", "****a*")}, "fnf:ListFlows", "acs:fnf:r:1:*", true},
	} {
		// The result must not depend on how the statements are spread over policies.
		one := []access.Policy{{Statements: c.statements}}
		var many []access.Policy
		for _, s := range c.statements {
			many = append(many, access.Policy{Statements: []access.Statement{s}})
		}
		got := access.Allows(one, c.action, c.resource)
		spread := access.Allows(many, c.action, c.resource)
		if got != c.want || spread != c.want {
			t.Errorf("%v: %s on %s is %v, spread %v",
				c.statements, c.action, c.resource, got, spread)
		}
	}
}

func TestGlobIsBounded(t *testing.T) {
	pattern := "acs:fnf:" + strings.Repeat("*a", 2000) + "b"
	resource := "acs:fnf:" + strings.Repeat("a", 5000)
	if access.Allows([]access.Policy{{Statements: []access.Statement{allow("*", pattern)}}},
		"fnf:X", resource) {
		t.Error("it matches")
	}
}

var denial = regexp.MustCompile(`^The resources doesn't belong to you\. The key's policies ` +
	`do not allow fnf:\w+ on (\*|acs:fnf:cn-hangzhou:1001:flow/[\w-]+)\.$`)

func TestPoliciesAreAsked(t *testing.T) {
	type call struct {
		operation string
		list      []string
		allowed   bool
	}
	start := func(flow string) []string { return []string{"FlowName", flow} }
	callback := []string{"FlowName", "order-1", "CallbackFnFTaskToken", "t"}
	report := []string{"TaskToken", "t", "Output", "{}"}
	for name, c := range map[string]struct {
		statements []access.Statement
		calls      []call
	}{
		"one family of flows": {[]access.Statement{allow("fnf:*", "acs:fnf:*:1001:flow/order-*")},
			[]call{
				{"StartExecution", start("order-1"), true},
				{"ListSchedules", start("order-1"), true},
				{"ListFlowVersions", start("order-1"), true},
				{"ListFlowAliases", start("order-1"), true},
				{"ListSchedules", start("other"), false},
				{"ListFlowVersions", start("other"), false},
				{"ListFlowAliases", start("other"), false},
				{"StartExecution", start("other"), false},
				{"DescribeFlow", []string{"Name", "order-1"}, true},
				{"DescribeFlow", []string{"Name", "other"}, false},
				{"DescribeFlow", nil, false}, // no flow is named: the resource is `*`
				{"ListFlows", nil, false},
				{"ReportTaskSucceeded", report, false},
				{"StartExecution", callback, false},
			}},
		"start and report": {[]access.Statement{allow("fnf:StartExecution", "*"),
			allow("fnf:ReportTask*", "*")}, []call{
			{"StartExecution", start("order-1"), true},
			{"StartExecution", callback, true},
			{"ReportTaskSucceeded", report, true},
			{"StopExecution", []string{"FlowName", "f", "ExecutionName", "e"}, false},
		}},
		"a callback needs both reports": {[]access.Statement{allow("fnf:StartExecution "+
			"fnf:ReportTaskSucceeded", "*")}, []call{
			{"StartExecution", start("order-1"), true},
			{"StartExecution", callback, false},
		}},
		"reading": {[]access.Statement{allow("fnf:Describe* fnf:List* fnf:Get*",
			"acs:fnf:cn-hangzhou:1001:*")}, []call{
			{"ListFlows", nil, true},
			{"DescribeRegions", nil, true},
			{"GetExecutionHistory", []string{"FlowName", "f", "ExecutionName", "e"}, true},
			{"DeleteFlow", []string{"Name", "f"}, false},
		}},
		"another account": {[]access.Statement{allow("fnf:*", "acs:fnf:*:2002:*")},
			[]call{{"ListFlows", nil, false}}},
	} {
		t.Run(name, func(t *testing.T) {
			policies := []access.Policy{{Statements: c.statements}}
			cred, err := rpc.NewCredentials([]rpc.Account{{ID: "1001",
				Keys:   []rpc.AccessKey{{ID: "testid", Secret: "testsecret", Policies: policies}},
				Tokens: []rpc.BearerToken{{Token: "b", Policies: policies}},
			}})
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range c.calls {
				api := &fakeAPI{}
				o := rpc.Options{API: api, Credentials: cred}
				signed := serve(o, post(signV1("POST", common(one.operation, one.list...))))
				bearer := serve(o,
					post(append(open(one.operation, one.list...), params("BearerToken", "b")...)))
				if one.allowed {
					wantResponse(t, signed)
					wantResponse(t, bearer)
					continue
				}
				message := decode(t, signed)["Message"].(string)
				wantFault(t, signed, 403, "AccessDenied", message)
				wantFault(t, bearer, 403, "AccessDenied", message)
				if !denial.MatchString(message) ||
					!slices.Contains(one.list, "CallbackFnFTaskToken") &&
						!strings.Contains(message, "fnf:"+one.operation+" on ") {
					t.Errorf("%s is refused with %q", one.operation, message)
				}
				if api.calls != 0 {
					t.Errorf("%s was called", one.operation)
				}
			}
		})
	}
}

func TestMayIsHandedToTheService(t *testing.T) {
	api := &fakeAPI{}
	policies := []access.Policy{{Statements: []access.Statement{allow("fnf:List*", "*")}}}
	cred, err := rpc.NewCredentials([]rpc.Account{{ID: "1001", Keys: []rpc.AccessKey{{
		ID: "testid", Secret: "testsecret", Expires: noon.Add(time.Hour), Policies: policies,
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	wantResponse(t,
		serve(rpc.Options{API: api, Credentials: cred}, get(signV1("GET", common("ListFlows")))))
	if api.caller.May == nil || !api.caller.May("fnf:ListExecutions", "*") ||
		api.caller.May("fnf:StopExecution", "*") {
		t.Error("May is not the key's policy")
	}
}

// TestPoliciesThatCanBeMeant checks that a policy may name operations that this server does not
// have, and any resource that may fit a flow.
func TestPoliciesThatCanBeMeant(t *testing.T) {
	actions := "* fnf:* FNF:startexecution fnf:Get?xecution* fnf:CreateSchedule " +
		"fnf:PublishFlowVersion fnf:UpdateFlowDraft"
	resources := "* acs:fnf:* acs:fnf:*:*:* acs:fnf:*:*:flow/x acs:fnf:cn-hangzhou:1:fl* " +
		"acs:fnf:cn-?:1:f?ow/* acs:fnf:*flow/x"
	key := rpc.AccessKey{ID: "k", Secret: "s",
		Policies: []access.Policy{{Statements: []access.Statement{allow(actions, resources)}}}}
	if _, err := rpc.NewCredentials([]rpc.Account{{ID: "1",
		Keys: []rpc.AccessKey{key}}}); err != nil {
		t.Error(err)
	}
}
