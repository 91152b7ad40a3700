package server_test

import (
	"context"
	"reflect"
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
)

// versionResponses are the responses of the operations on versions and aliases, for TestResponses.
func versionResponses() []responseCase {
	const routes = `"RoutingConfigurations":[{"Version":"2","Weight":90},{"Version":"3","Weight":10}]`
	const version = `"Version":"3","Description":"d","CreatedTime":"2019-01-01T01:01:01.001Z"`
	const alias = `"Name":"live","Description":"d","CreatedTime":"2019-01-01T01:01:01.001Z",` +
		routes
	of := []string{"FlowName", "f", "Name", "live", "RoutingConfigurations", "[]"}
	return []responseCase{
		{"PublishFlowVersion", []string{"FlowName", "f"}, `"FlowName":"f",` + version},
		{"ListFlowVersions", []string{"FlowName", "f"},
			`"FlowVersions":[{` + version + `}],"NextToken":"Mw"`},
		{"ListFlowVersions", []string{"FlowName", "f", "Limit", "5"}, `"FlowVersions":[]`},
		{"DeleteFlowVersion", []string{"FlowName", "f", "FlowVersion", "3"}, ""},
		{"CreateFlowAlias", of, `"FlowName":"f",` + alias},
		{"UpdateFlowAlias", of, `"Alias":{` + alias + `}`},
		{"DescribeFlowAlias", of, `"Alias":{` + alias + `}`},
		{"DeleteFlowAlias", of, ""},
		{"ListFlowAliases", []string{"FlowName", "f"},
			`"Aliases":[{` + alias + `}],"NextToken":"bGl2ZQ"`},
		{"ListFlowAliases", []string{"FlowName", "f", "Limit", "5"}, `"Aliases":[]`},
	}
}

// TestClientVersionCalls is TestClientCalls for the operations on versions and aliases.
func TestClientVersionCalls(t *testing.T) {
	ctx := context.Background()
	api := &fakeAPI{}
	c := clientOf(t, api, nil, client.Options{})
	arrived := func(name string, request any, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if api.name != name || !reflect.DeepEqual(api.request, request) {
			t.Errorf("%s %+v arrived, want %s %+v", api.name, api.request, name, request)
		}
	}
	publish := cloudflow.PublishFlowVersionRequest{FlowName: "f", Description: "d"}
	v, err := c.PublishFlowVersion(ctx, publish)
	arrived("PublishFlowVersion", publish, err)
	if v.Version != "3" || v.CreatedTime.Time().UnixMilli() != createdMS {
		t.Errorf("version is %+v", v)
	}
	list := cloudflow.ListOfFlowRequest{FlowName: "f", NextToken: "n"}
	versions, err := c.ListFlowVersions(ctx, list)
	arrived("ListFlowVersions", list, err)
	if len(versions.FlowVersions) != 1 || versions.NextToken != "Mw" {
		t.Errorf("versions are %+v", versions)
	}
	_, err = c.DescribeFlowVersion(ctx, "f", "3")
	arrived("DescribeFlow", cloudflow.DescribeFlowRequest{Name: "f", FlowVersion: "3"}, err)
	gone := cloudflow.DeleteFlowVersionRequest{FlowName: "f", FlowVersion: "3"}
	arrived("DeleteFlowVersion", gone, c.DeleteFlowVersion(ctx, gone))

	routes := client.EncodeRoutes([]client.Route{{Version: "2", Weight: 90}, {Version: "3",
		Weight: 10}})
	create := cloudflow.CreateFlowAliasRequest{FlowName: "f", Name: "live",
		RoutingConfigurations: routes, Description: "d"}
	created, err := c.CreateFlowAlias(ctx, create)
	arrived("CreateFlowAlias", create, err)
	update := cloudflow.UpdateFlowAliasRequest{FlowName: "f", Name: "live",
		RoutingConfigurations: &routes}
	updated, err := c.UpdateFlowAlias(ctx, update)
	arrived("UpdateFlowAlias", update, err)
	one := cloudflow.FlowAliasRequest{FlowName: "f", Name: "live"}
	described, err := c.DescribeFlowAlias(ctx, one)
	arrived("DescribeFlowAlias", one, err)
	for _, a := range []*client.FlowAlias{created, updated, described} {
		if a.Name != "live" || client.EncodeRoutes(a.RoutingConfigurations) != routes {
			t.Errorf("alias is %+v", a)
		}
	}
	arrived("DeleteFlowAlias", one, c.DeleteFlowAlias(ctx, one))
	aliases, err := c.ListFlowAliases(ctx, list)
	arrived("ListFlowAliases", list, err)
	if len(aliases.Aliases) != 1 || aliases.NextToken != "bGl2ZQ" {
		t.Errorf("aliases are %+v", aliases)
	}
}
