package access_test

import (
	"strings"
	"testing"

	"millrace/shared/access"
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
		{[]access.Statement{allow("oss:Get*", "acs:oss:*:*:inbox/*")}, "oss:GetObject",
			"acs:oss:local:1:inbox/a/b", true},
		{[]access.Statement{allow("oss:*", "acs:oss:*:*:inbox/*")}, "oss:ListObjects",
			"acs:oss:local:1:inbox", false},
		{[]access.Statement{allow("fnf:*", "*")}, "oss:GetObject", "acs:oss:local:1:inbox/a", false},
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
