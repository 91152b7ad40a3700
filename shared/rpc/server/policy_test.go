package server_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/shared/access"
	"millrace/shared/rpc/auth"
	"millrace/shared/rpc/server"
)

func allow(actions, resources string) access.Statement {
	return access.Statement{Effect: "Allow", Actions: strings.Fields(actions),
		Resources: strings.Fields(resources)}
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
			cred, err := auth.New([]auth.Account{{ID: "1001",
				Keys:   []auth.AccessKey{{ID: "testid", Secret: "testsecret", Policies: policies}},
				Tokens: []auth.BearerToken{{Token: "b", Policies: policies}},
			}})
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range c.calls {
				api := &fakeAPI{}
				o := server.Options{API: api, Credentials: cred}
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
	cred, err := auth.New([]auth.Account{{ID: "1001", Keys: []auth.AccessKey{{
		ID: "testid", Secret: "testsecret", Expires: noon.Add(time.Hour), Policies: policies,
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	wantResponse(t,
		serve(server.Options{API: api, Credentials: cred}, get(signV1("GET", common("ListFlows")))))
	if api.caller.May == nil || !api.caller.May("fnf:ListExecutions", "*") ||
		api.caller.May("fnf:StopExecution", "*") {
		t.Error("May is not the key's policy")
	}
}
