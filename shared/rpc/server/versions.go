package server

import (
	"context"
	"strconv"

	"millrace/shared/cloudflow"
)

// VersionsAPI are the operations on versions and aliases of flows.
type VersionsAPI interface {
	PublishFlowVersion(
		context.Context, cloudflow.Caller, cloudflow.PublishFlowVersionRequest,
	) (*cloudflow.FlowVersion, error)
	ListFlowVersions(
		context.Context, cloudflow.Caller, cloudflow.ListOfFlowRequest,
	) (*cloudflow.FlowVersionPage, error)
	DeleteFlowVersion(context.Context, cloudflow.Caller, cloudflow.DeleteFlowVersionRequest) error
	CreateFlowAlias(
		context.Context, cloudflow.Caller, cloudflow.CreateFlowAliasRequest,
	) (*cloudflow.FlowAlias, error)
	UpdateFlowAlias(
		context.Context, cloudflow.Caller, cloudflow.UpdateFlowAliasRequest,
	) (*cloudflow.FlowAlias, error)
	DescribeFlowAlias(
		context.Context, cloudflow.Caller, cloudflow.FlowAliasRequest,
	) (*cloudflow.FlowAlias, error)
	DeleteFlowAlias(context.Context, cloudflow.Caller, cloudflow.FlowAliasRequest) error
	ListFlowAliases(
		context.Context, cloudflow.Caller, cloudflow.ListOfFlowRequest,
	) (*cloudflow.FlowAliasPage, error)
}

// versionOperations are the operations of VersionsAPI.
func versionOperations() []operation {
	alias := []string{"FlowName", "Name"}
	return []operation{
		{name: "PublishFlowVersion", flow: "FlowName", required: []string{"FlowName"},
			replayProtected: true,
			run:             bind(readPublishFlowVersion, API.PublishFlowVersion, appendFlowVersion)},
		{name: "ListFlowVersions", flow: "FlowName", required: []string{"FlowName"},
			run: bind(readListOfFlow, API.ListFlowVersions, appendFlowVersionPage)},
		{name: "DeleteFlowVersion", flow: "FlowName", required: []string{"FlowName", "FlowVersion"},
			replayProtected: true,
			run:             bind(readDeleteFlowVersion, deleteFlowVersion, appendNothing)},
		{name: "CreateFlowAlias", flow: "FlowName",
			required:        []string{"FlowName", "Name", "RoutingConfigurations"},
			replayProtected: true,
			run:             bind(readCreateFlowAlias, API.CreateFlowAlias, appendCreatedAlias)},
		{name: "UpdateFlowAlias", flow: "FlowName", required: alias, replayProtected: true,
			run: bind(readUpdateFlowAlias, API.UpdateFlowAlias, appendAlias)},
		{name: "DescribeFlowAlias", flow: "FlowName", required: alias,
			run: bind(readFlowAlias, API.DescribeFlowAlias, appendAlias)},
		{name: "DeleteFlowAlias", flow: "FlowName", required: alias, replayProtected: true,
			run: bind(readFlowAlias, deleteFlowAlias, appendNothing)},
		{name: "ListFlowAliases", flow: "FlowName", required: []string{"FlowName"},
			run: bind(readListOfFlow, API.ListFlowAliases, appendAliasPage)},
	}
}

func readPublishFlowVersion(p *params) cloudflow.PublishFlowVersionRequest {
	return cloudflow.PublishFlowVersionRequest{FlowName: p.str("FlowName"),
		Description: p.str("Description")}
}

func readDeleteFlowVersion(p *params) cloudflow.DeleteFlowVersionRequest {
	return cloudflow.DeleteFlowVersionRequest{FlowName: p.str("FlowName"),
		FlowVersion: p.str("FlowVersion")}
}

func readCreateFlowAlias(p *params) cloudflow.CreateFlowAliasRequest {
	return cloudflow.CreateFlowAliasRequest{
		FlowName: p.str("FlowName"), Name: p.str("Name"),
		RoutingConfigurations: p.str("RoutingConfigurations"), Description: p.str("Description"),
	}
}

func readUpdateFlowAlias(p *params) cloudflow.UpdateFlowAliasRequest {
	return cloudflow.UpdateFlowAliasRequest{
		FlowName: p.str("FlowName"), Name: p.str("Name"),
		RoutingConfigurations: p.opt("RoutingConfigurations"), Description: p.opt("Description"),
	}
}

func readFlowAlias(p *params) cloudflow.FlowAliasRequest {
	return cloudflow.FlowAliasRequest{FlowName: p.str("FlowName"), Name: p.str("Name")}
}

func deleteFlowVersion(
	api API, ctx context.Context, caller cloudflow.Caller, r cloudflow.DeleteFlowVersionRequest,
) (nothing, error) {
	return nothing{}, api.DeleteFlowVersion(ctx, caller, r)
}

func deleteFlowAlias(
	api API, ctx context.Context, caller cloudflow.Caller, r cloudflow.FlowAliasRequest,
) (nothing, error) {
	return nothing{}, api.DeleteFlowAlias(ctx, caller, r)
}

func appendFlowVersion(dst []byte, v *cloudflow.FlowVersion) []byte {
	return appendVersionFields(field(dst, "FlowName", v.FlowName), v)
}

func appendVersionFields(dst []byte, v *cloudflow.FlowVersion) []byte {
	dst = field(dst, "Version", strconv.FormatInt(v.Version, 10))
	dst = field(dst, "Description", v.Description)
	return timeField(dst, "CreatedTime", v.CreatedTime)
}

func appendFlowVersionPage(dst []byte, p *cloudflow.FlowVersionPage) []byte {
	dst = append(name(dst, "FlowVersions"), '[')
	for i := range p.Versions {
		dst = append(appendVersionFields(element(dst), &p.Versions[i]), '}')
	}
	return nextToken(append(dst, ']'), p.NextToken)
}

// appendCreatedAlias appends the fields of an alias to the response itself, and appendAlias appends
// an object that has them: so the API declares the two responses.
func appendCreatedAlias(dst []byte, a *cloudflow.FlowAlias) []byte {
	return appendAliasFields(field(dst, "FlowName", a.FlowName), a)
}

func appendAlias(dst []byte, a *cloudflow.FlowAlias) []byte {
	return append(appendAliasFields(append(name(dst, "Alias"), '{'), a), '}')
}

func appendAliasFields(dst []byte, a *cloudflow.FlowAlias) []byte {
	dst = field(dst, "Name", a.Name)
	dst = field(dst, "Description", a.Description)
	dst = timeField(dst, "CreatedTime", a.CreatedTime)
	dst = append(name(dst, "RoutingConfigurations"), '[')
	for _, r := range a.Routes {
		dst = field(element(dst), "Version", strconv.FormatInt(r.Version, 10))
		dst = append(intField(dst, "Weight", int64(r.Weight)), '}')
	}
	return append(dst, ']')
}

func appendAliasPage(dst []byte, p *cloudflow.FlowAliasPage) []byte {
	dst = append(name(dst, "Aliases"), '[')
	for i := range p.Aliases {
		dst = append(appendAliasFields(element(dst), &p.Aliases[i]), '}')
	}
	return nextToken(append(dst, ']'), p.NextToken)
}
