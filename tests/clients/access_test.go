package clients_test

import (
	"fmt"
	"testing"
)

// TestSignatures: the server rejects callers that cannot prove their identity.
func TestSignatures(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		wrong := owner(u.kind)
		wrong.secret += "x"
		unknown := login{id: "LTAI5nobody", secret: "s"}
		noToken := temporary(u.kind)
		noToken.securityToken = ""
		badToken := temporary(u.kind)
		badToken.securityToken += "x"
		extraToken := owner(u.kind)
		extraToken.securityToken = "not asked for"
		for _, c := range []struct {
			what   string
			login  login
			status int
			code   string
		}{
			{"wrong secret", wrong, 403, "SignatureNotMatch"},
			{"unknown key", unknown, 403, "InvalidAccessKeyID"},
			{"STS key without its token", noToken, 403, "InvalidAccessKeyID"},
			{"STS key with another token", badToken, 403, "InvalidAccessKeyID"},
			{"key with a token that it has not", extraToken, 403, "InvalidAccessKeyID"},
			{"expired STS key", expired(u.kind), 403, "InvalidAccessKeyID"},
		} {
			t.Run(c.what, func(t *testing.T) {
				caller := u.as(t, c.login)
				refused(t, caller, "ListFlows", params{"Limit": 5}, c.status, c.code)
				refused(t, caller, "StartExecution",
					params{"FlowName": "f", "Input": `{"中":"+/="}`}, c.status, c.code)
			})
		}
	})
}

// TestTemporaryCredentials runs a flow with an STS key.
func TestTemporaryCredentials(t *testing.T) {
	each(t, func(t *testing.T, u user) { works(t, u.as(t, temporary(u.kind)), "sts") })
}

// TestBearer runs a flow with a bearer token, for the clients that support bearer tokens.
func TestBearer(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		if !u.kind.bearer {
			// Not a skip: pop-core has no bearer tokens, so there is nothing to test.
			return
		}
		works(t, u.as(t, bearer(u.kind)), "bearer")
		refused(t, u.as(t, login{bearer: "made up"}), "ListFlows", nil, 403, "AccessDenied")
	})
}

// works runs a flow.
func works(t *testing.T, u user, flow string) {
	t.Helper()
	create(t, u, flow, stateMachine.echo)
	begin(t, u, flow, "one", `{"value":"+/="}`)
	check(t, "Output", end(t, u, flow, "one", "Succeeded").Output, `{"value":"+/="}`)
	x := ask[execution](t, u, "StartExecution", params{"FlowName": flow, "Input": `{"value":1}`})
	end(t, u, flow, x.Name, "Succeeded")
}

// TestPolicy: a restricted key may do what its policy allows, and nothing else.
func TestPolicy(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		r := u.as(t, restricted(u.kind))
		create(t, u, "open-flow", flowV1.pass)
		create(t, u, "closed-flow", flowV1.pass)
		begin(t, r, "open-flow", "one", "{}")
		x := ask[execution](t, r, "DescribeExecution",
			params{"FlowName": "open-flow", "ExecutionName": "one", "WaitTimeSeconds": 60})
		check(t, "Status", x.Status, "Succeeded")
		ask[flowResponse](t, r, "DescribeFlow", params{"Name": "open-flow"})
		for _, c := range []struct {
			operation string
			in        params
		}{
			{"ListFlows", nil},
			{"CreateFlow", params{"Name": "open-new", "Definition": flowV1.pass, "Type": "FDL"}},
			{"UpdateFlow", params{"Name": "open-flow", "Description": "d"}},
			{"DeleteFlow", params{"Name": "open-flow"}},
			{"DescribeFlow", params{"Name": "closed-flow"}},
			{"StartExecution", params{"FlowName": "closed-flow"}},
			{"StartExecution", params{"FlowName": "no-such-flow"}},
			{"StartExecution", params{"FlowName": "open-flow", "CallbackFnFTaskToken": "t"}},
			{"StartSyncExecution", params{"FlowName": "open-flow"}},
			{"StopExecution", params{"FlowName": "open-flow", "ExecutionName": "one"}},
			{"ListExecutions", params{"FlowName": "open-flow"}},
			{"GetExecutionHistory", params{"FlowName": "open-flow", "ExecutionName": "one"}},
			{"ReportTaskSucceeded", params{"TaskToken": "t", "Output": "{}"}},
			{"ReportTaskFailed", params{"TaskToken": "t", "Error": "E"}},
		} {
			t.Run(fmt.Sprint(c.operation, c.in["FlowName"]), func(t *testing.T) {
				refused(t, r, c.operation, c.in, 403, "AccessDenied")
			})
		}
	})
}

// TestAccounts: an account does not see the resources of another one, and both may use the same
// names.
func TestAccounts(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		name := "mine-" + u.kind.name
		create(t, u, name, stateMachine.ask)
		token := waiting(t, u, name, "one")
		other := u.as(t, otherAccount)
		one := params{"FlowName": name, "ExecutionName": "one"}
		refused(t, other, "DescribeFlow", params{"Name": name}, 404, "FlowNotExists")
		refused(t, other, "UpdateFlow", params{"Name": name, "Description": "d"}, 404,
			"FlowNotExists")
		refused(t, other, "DeleteFlow", params{"Name": name}, 404, "FlowNotExists")
		refused(t, other, "StartExecution", params{"FlowName": name}, 404, "FlowNotExists")
		refused(t, other, "DescribeExecution", one, 404, "FlowNotExists")
		refused(t, other, "GetExecutionHistory", one, 404, "FlowNotExists")
		refused(t, other, "StopExecution", one, 404, "FlowNotExists")
		refused(t, other, "ListExecutions", params{"FlowName": name}, 404, "FlowNotExists")
		refused(t, other, "ReportTaskSucceeded", params{"TaskToken": token, "Output": "{}"}, 404,
			"FlowNotExists")
		ask[reported](t, u, "ReportTaskSucceeded", params{"TaskToken": token, "Output": "{}"})
		end(t, u, name, "one", "Succeeded")
	})
}

// TestRegions lists the region of the server, with the address of the request.
func TestRegions(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		got := ask[regions](t, u, "DescribeRegions",
			params{"AcceptLanguage": "zh-CN"}).Regions.Region
		if len(got) != 1 || got[0].RegionId == "" || got[0].LocalName == "" ||
			got[0].RegionEndpoint != server.address {
			t.Errorf("regions %+v", got)
		}
	})
}
