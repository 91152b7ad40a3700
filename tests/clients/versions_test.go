package clients_test

import (
	"fmt"
	"testing"
)

// The models of the official clients.
type (
	versionResponse struct {
		RequestId, FlowName, Version, Description, CreatedTime string
	}
	versionPage struct {
		FlowVersions []versionResponse
		NextToken    string
	}
	routing struct {
		Version string
		Weight  int
	}
	flowAlias struct {
		FlowName, Name, Description, CreatedTime string
		RoutingConfigurations                    []routing
	}
	aliasResponse struct{ Alias flowAlias }
	aliasPage     struct {
		Aliases   []flowAlias
		NextToken string
	}
)

// TestFlowVersions publishes versions, lists them and describes each as it was.
func TestFlowVersions(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		const name = "versions"
		of := params{"FlowName": name}
		first := create(t, u, name, flowV1.pass)
		made := ask[versionResponse](t, u, "PublishFlowVersion",
			params{"FlowName": name, "Description": "第一 + &"})
		check(t, "version", made.FlowName+made.Version+made.Description, name+"1第一 + &")
		if !moment.MatchString(made.CreatedTime) {
			t.Errorf("CreatedTime %q", made.CreatedTime)
		}
		next := definition(stateMachine.pass, name)
		ask[flowResponse](t, u, "UpdateFlow", params{"Name": name, "Definition": next})
		check(t, "version", ask[versionResponse](t, u, "PublishFlowVersion", of).Version, "2")
		check(t, "an unchanged flow",
			ask[versionResponse](t, u, "PublishFlowVersion", of).Version, "3")

		page := ask[versionPage](t, u, "ListFlowVersions", params{"FlowName": name, "Limit": 2})
		check(t, "versions", len(page.FlowVersions), 2)
		check(t, "newest", page.FlowVersions[0].Version+page.FlowVersions[1].Version, "32")
		page = ask[versionPage](t, u, "ListFlowVersions",
			params{"FlowName": name, "Limit": 2, "NextToken": page.NextToken})
		check(t, "oldest", page.FlowVersions[0].Version+page.FlowVersions[0].Description,
			"1第一 + &")
		check(t, "NextToken", page.NextToken, "")

		for version, want := range map[string]string{"1": first.Definition, "2": next,
			"3": next} {
			seen := ask[flowResponse](t, u, "DescribeFlow",
				params{"Name": name, "FlowVersion": version})
			check(t, "definition of "+version, seen.Definition, want)
			check(t, "Id", seen.Id, first.Id)
		}
		mentions(t, refused(t, u, "DescribeFlow", params{"Name": name, "FlowVersion": "4"}, 404,
			"FlowVersionNotExists"), "Version '4' for flow '"+name+"' does not exist")

		ask[struct{}](t, u, "DeleteFlowVersion", params{"FlowName": name, "FlowVersion": "3"})
		refused(t, u, "DeleteFlowVersion", params{"FlowName": name, "FlowVersion": "3"}, 404,
			"FlowVersionNotExists")
		check(t, "a number that was never used",
			ask[versionResponse](t, u, "PublishFlowVersion", of).Version, "4")
		refused(t, u, "PublishFlowVersion", params{"FlowName": "missing"}, 404, "FlowNotExists")
	})
}

// TestFlowAliases covers the life of an alias.
func TestFlowAliases(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		const name = "aliases"
		alias := params{"FlowName": name, "Name": "live"}
		with := func(more params) params {
			in := params{"FlowName": name, "Name": "live"}
			for k, v := range more {
				in[k] = v
			}
			return in
		}
		create(t, u, name, stateMachine.pass)
		for range 2 {
			ask[versionResponse](t, u, "PublishFlowVersion", params{"FlowName": name})
		}
		refused(t, u, "DescribeFlowAlias", alias, 404, "FlowAliasNotExists")
		made := ask[flowAlias](t, u, "CreateFlowAlias", with(params{"Description": "别名 + &",
			"RoutingConfigurations": `[{"Version":"1","Weight":30},{"Version":"2","Weight":70}]`}))
		check(t, "alias", fmt.Sprint(made.FlowName, made.Name, made.Description,
			made.RoutingConfigurations), fmt.Sprint(name, "live", "别名 + &", "[{1 30} {2 70}]"))
		mentions(t, refused(t, u, "CreateFlowAlias",
			with(params{"RoutingConfigurations": `[{"Version":"1","Weight":100}]`}), 409,
			"FlowAliasAlreadyExists"), "Alias 'live' for flow '"+name+"' already exists")

		seen := ask[aliasResponse](t, u, "DescribeFlowAlias", alias).Alias
		made.FlowName = ""
		check(t, "described alias", fmt.Sprint(seen), fmt.Sprint(made))
		changed := ask[aliasResponse](t, u, "UpdateFlowAlias",
			with(params{"RoutingConfigurations": `[{"Version":"2","Weight":100}]`})).Alias
		check(t, "changed alias", fmt.Sprint(changed.Description, changed.RoutingConfigurations),
			"别名 + &[{2 100}]")

		page := ask[aliasPage](t, u, "ListFlowAliases", params{"FlowName": name, "Limit": 1})
		check(t, "listed aliases", fmt.Sprint(page.Aliases), fmt.Sprint([]flowAlias{changed}))
		check(t, "NextToken", page.NextToken, "")

		for routes, code := range map[string]string{
			`[{"Version":"1","Weight":30},{"Version":"2","Weight":71}]`: "InvalidArgument",
			`[{"Version":"live","Weight":100}]`:                         "InvalidArgument",
			`no JSON`:                                                   "InvalidArgument",
			`[]`:                                                        "InvalidArgument",
		} {
			refused(t, u, "UpdateFlowAlias", with(params{"RoutingConfigurations": routes}), 400,
				code)
		}
		refused(t, u, "UpdateFlowAlias",
			with(params{"RoutingConfigurations": `[{"Version":"9","Weight":1}]`}), 404,
			"FlowVersionNotExists")
		mentions(t, refused(t, u, "DeleteFlowVersion", params{"FlowName": name,
			"FlowVersion": "2"}, 409, "ConcurrentUpdateError"), "alias 'live'")
		ask[struct{}](t, u, "DeleteFlowAlias", alias)
		refused(t, u, "DeleteFlowAlias", alias, 404, "FlowAliasNotExists")
		ask[struct{}](t, u, "DeleteFlowVersion", params{"FlowName": name, "FlowVersion": "2"})
	})
}

// TestQualifiers starts executions of versions, by number and by alias, also from a task.
func TestQualifiers(t *testing.T) {
	eachLanguage(t, func(t *testing.T, u user, l language) {
		name, quick := "qualified-"+l.name, "qualified-sync-"+l.name
		first := create(t, u, name, l.echo)
		createWith(t, u, params{"Name": quick, "Definition": definition(l.echo, quick),
			"Description": "", "Type": "FDL", "ExecutionMode": "Express"})
		for _, flow := range []string{name, quick} {
			ask[versionResponse](t, u, "PublishFlowVersion", params{"FlowName": flow})
			ask[flowAlias](t, u, "CreateFlowAlias", params{"FlowName": flow, "Name": "live",
				"RoutingConfigurations": `[{"Version":"1","Weight":100}]`})
			ask[flowResponse](t, u, "UpdateFlow", params{"Name": flow,
				"Definition": definition(l.broken, flow)})
		}
		start := func(qualifier string) execution {
			x := ask[execution](t, u, "StartExecution", params{"FlowName": name,
				"ExecutionName": "by-" + qualifier, "Input": `{"value":1}`,
				"Qualifier": qualifier})
			check(t, "FlowDefinition", x.FlowDefinition, first.Definition)
			return end(t, u, name, x.Name, "Succeeded")
		}
		check(t, "Output of the version", start("1").Output, `{"value":1}`)
		check(t, "Output of the alias", start("live").Output, `{"value":1}`)
		x := ask[execution](t, u, "StartSyncExecution", params{"FlowName": quick,
			"Input": `{"value":2}`, "Qualifier": "live"})
		check(t, "Output of the Express version", x.Status+x.Output, `Succeeded{"value":2}`)

		page := ask[executionPage](t, u, "ListExecutions", params{"FlowName": name,
			"Qualifier": "live"})
		check(t, "executions of the alias", len(page.Executions), 1)
		for qualifier, code := range map[string]string{"2": "FlowVersionNotExists",
			"dead": "FlowAliasNotExists"} {
			refused(t, u, "StartExecution", params{"FlowName": name, "Qualifier": qualifier}, 404,
				code)
			refused(t, u, "StartSyncExecution", params{"FlowName": quick,
				"Qualifier": qualifier}, 404, code)
		}
	})
}
