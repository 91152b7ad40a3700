package clients_test

import (
	"fmt"
	"regexp"
	"testing"
)

// moment matches a time as the wire has it.
var moment = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)

// TestFlowLife covers the life of a flow: create, create again, describe, run, update to the other
// dialect, delete, create again.
func TestFlowLife(t *testing.T) {
	eachLanguage(t, func(t *testing.T, u user, l language) {
		name := "life-" + l.name
		named := params{"Name": name}
		mentions(t, refused(t, u, "DescribeFlow", named, 404, "FlowNotExists"),
			"Flow '"+name+"' does not exist")

		in := params{"Name": name, "Definition": definition(l.echo, name),
			"Description": "流程 + 描述 & 'quotes'", "Type": "FDL",
			"RoleArn": "acs:ram::" + accountOf(u.kind) + ":role/fnf-execution-default-role"}
		made := createWith(t, u, in)
		for field, got := range map[string]string{"Name": made.Name, "Definition": made.Definition,
			"Description": made.Description,
			"Type":        made.Type, "RoleArn": made.RoleArn} {
			check(t, field, got, in[field].(string))
		}
		check(t, "LastModifiedTime", made.LastModifiedTime, made.CreatedTime)
		if made.Id == "" || !moment.MatchString(made.CreatedTime) {
			t.Errorf("Id %q, CreatedTime %q", made.Id, made.CreatedTime)
		}
		mentions(t, refused(t, u, "CreateFlow", in, 409, "FlowAlreadyExists"), "'"+name+"'")

		seen := ask[flowResponse](t, u, "DescribeFlow", named)
		made.RequestId, seen.RequestId = "", ""
		check(t, "described flow", fmt.Sprint(seen), fmt.Sprint(made))

		begin(t, u, name, "first", `{"value":1}`)
		check(t, "Output", end(t, u, name, "first", "Succeeded").Output, `{"value":1}`)

		other := languages[0]
		if l.name == other.name {
			other = languages[1]
		}
		next := definition(other.pass, name)
		updated := ask[flowResponse](t, u, "UpdateFlow", params{"Name": name, "Definition": next})
		check(t, "Id", updated.Id, made.Id)
		check(t, "Definition", updated.Definition, next)
		check(t, "Description", updated.Description, made.Description)
		check(t, "CreatedTime", updated.CreatedTime, made.CreatedTime)
		if updated.LastModifiedTime < made.LastModifiedTime {
			t.Errorf("LastModifiedTime %s, before %s", updated.LastModifiedTime,
				made.LastModifiedTime)
		}
		check(t, "FlowDefinition of a new execution",
			begin(t, u, name, "second", `{}`).FlowDefinition, next)
		end(t, u, name, "second", "Succeeded")
		check(t, "FlowDefinition of an old execution",
			end(t, u, name, "first", "Succeeded").FlowDefinition, made.Definition)

		ask[struct{}](t, u, "DeleteFlow", named)
		refused(t, u, "DescribeFlow", named, 404, "FlowNotExists")
		refused(t, u, "DeleteFlow", named, 404, "FlowNotExists")
		refused(t, u, "UpdateFlow", params{"Name": name, "Description": "d"}, 404, "FlowNotExists")
		refused(t, u, "StartExecution", params{"FlowName": name}, 404, "FlowNotExists")
		first := params{"FlowName": name, "ExecutionName": "first"}
		refused(t, u, "DescribeExecution", first, 404, "FlowNotExists")
		refused(t, u, "GetExecutionHistory", first, 404, "FlowNotExists")
		refused(t, u, "ListExecutions", params{"FlowName": name}, 404, "FlowNotExists")

		again := ask[flowResponse](t, u, "CreateFlow", in)
		if again.Id == made.Id {
			t.Error("the new flow has the Id of the deleted one")
		}
		refused(t, u, "DescribeExecution", first, 404, "ExecutionNotExists")
		begin(t, u, name, "first", `{"value":"anew"}`)
		check(t, "Output", end(t, u, name, "first", "Succeeded").Output, `{"value":"anew"}`)
		ask[struct{}](t, u, "DeleteFlow", named)
	})
}

// TestListFlows pages through flows in the order of their names.
func TestListFlows(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		var want []string
		for i := range 5 {
			want = append(want, fmt.Sprintf("list-%d", i))
			create(t, u, want[i], flowV1.pass)
		}
		var got []string
		pages, last := 0, ""
		for token := ""; ; pages++ {
			in := params{"Limit": 2}
			if token != "" {
				in["NextToken"] = token
			}
			page, body := askBody[flowPage](t, u, "ListFlows", in)
			if body["Flows"][0] != '[' || len(page.Flows) > 2 {
				t.Fatalf("page %d: %s", pages, body["Flows"])
			}
			for _, f := range page.Flows {
				if f.Name <= last {
					t.Errorf("%s after %s", f.Name, last)
				}
				if last = f.Name; f.Name >= "list-" && f.Name < "list." {
					got = append(got, f.Name)
				}
			}
			if token = page.NextToken; token == "" {
				break
			}
		}
		check(t, "listed flows", fmt.Sprint(got), fmt.Sprint(want))
		if pages < 2 {
			t.Errorf("5 flows on %d pages of 2", pages+1)
		}
	})
}

// TestEmptyList: the list of an account without flows is there, and empty.
func TestEmptyList(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		page, body := askBody[flowPage](t, u.as(t, otherAccount), "ListFlows", nil)
		check(t, "Flows", string(body["Flows"]), "[]")
		check(t, "NextToken", page.NextToken, "")
	})
}

// TestEmptyListsOfFlow lists resources that no flow has yet, also of a flow that does not exist.
// Clients request these lists before they delete a flow.
func TestEmptyListsOfFlow(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		create(t, u, "lists", stateMachine.pass)
		for operation, key := range map[string]string{
			"ListSchedules": "Schedules", "ListFlowVersions": "FlowVersions",
			"ListFlowAliases": "Aliases",
		} {
			_, body := askBody[struct{ NextToken string }](t, u, operation,
				params{"FlowName": "lists", "Limit": 1000})
			check(t, operation, string(body[key]), "[]")
			check(t, operation+"'s keys", len(body), 2)
			refused(t, u, operation, params{"FlowName": "missing"}, 404, "FlowNotExists")
		}
	})
}

// TestEnvironment: the server stores the variables of a flow, and those that an execution was
// started with.
func TestEnvironment(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		const first = `{"Variables":[{"Name":"stage","Value":"test 测试 +&=","Description":"where"},{"Name":"n","Value":"1"}]}`
		name := params{"Name": "environment"}
		made := createWith(t, u, params{"Name": "environment", "Definition": flowV1.pass,
			"Description": "", "Type": "FDL", "Environment": first})
		check(t, "Environment", fmt.Sprint(*made.Environment),
			"{[{stage test 测试 +&= where} {n 1 }]}")
		check(t, "Environment", fmt.Sprint(*ask[flowResponse](t, u, "DescribeFlow",
			name).Environment), fmt.Sprint(*made.Environment))

		begin(t, u, "environment", "first", "{}")
		updated := ask[flowResponse](t, u, "UpdateFlow",
			params{"Name": "environment", "Environment": `{"Variables":[{"Name":"m","Value":""}]}`})
		check(t, "Environment", fmt.Sprint(*updated.Environment), "{[{m  }]}")
		x := end(t, u, "environment", "first", "Succeeded")
		check(t, "Environment of the execution", fmt.Sprint(*x.Environment),
			"{[{stage test 测试 +&= } {n 1 }]}")

		refused(t, u, "UpdateFlow", params{"Name": "environment", "Environment": "no JSON"}, 400,
			"InvalidArgument")
		refused(t, u, "UpdateFlow",
			params{"Name": "environment", "Environment": `{"Variables":[{"Name":"1","Value":""}]}`},
			400, "InvalidArgument")
	})
}
