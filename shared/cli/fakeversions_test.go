package cli_test

import (
	"context"

	"millrace/shared/cloudflow"
)

// The versions of a fakeAPI are 1 and 2, with the description of its first flow; its alias has the
// name of that flow.

func (f *fakeAPI) version() *cloudflow.FlowVersion {
	return &cloudflow.FlowVersion{FlowName: f.flows[0].Name, Version: 2,
		Description: f.flows[0].Description, CreatedTime: began}
}

func (f *fakeAPI) alias() *cloudflow.FlowAlias {
	return &cloudflow.FlowAlias{FlowName: f.flows[0].Name, Name: f.flows[0].Name,
		Description: f.flows[0].Description, CreatedTime: began,
		Routes: []cloudflow.Route{{Version: 1, Weight: 90}, {Version: 2, Weight: 10}}}
}

func (f *fakeAPI) PublishFlowVersion(
	_ context.Context, _ cloudflow.Caller, r cloudflow.PublishFlowVersionRequest,
) (*cloudflow.FlowVersion, error) {
	f.take("PublishFlowVersion", r)
	_, err := f.flow(r.FlowName)
	return f.version(), err
}

func (f *fakeAPI) ListFlowVersions(
	_ context.Context, _ cloudflow.Caller, r cloudflow.ListOfFlowRequest,
) (*cloudflow.FlowVersionPage, error) {
	_, err := f.flow(r.FlowName)
	return &cloudflow.FlowVersionPage{Versions: []cloudflow.FlowVersion{*f.version()}}, err
}

func (f *fakeAPI) DeleteFlowVersion(
	_ context.Context, _ cloudflow.Caller, r cloudflow.DeleteFlowVersionRequest,
) error {
	f.take("DeleteFlowVersion", r)
	_, err := f.flow(r.FlowName)
	return err
}

func (f *fakeAPI) CreateFlowAlias(
	_ context.Context, _ cloudflow.Caller, r cloudflow.CreateFlowAliasRequest,
) (*cloudflow.FlowAlias, error) {
	f.take("CreateFlowAlias", r)
	_, err := f.flow(r.FlowName)
	return f.alias(), err
}

func (f *fakeAPI) UpdateFlowAlias(
	_ context.Context, _ cloudflow.Caller, r cloudflow.UpdateFlowAliasRequest,
) (*cloudflow.FlowAlias, error) {
	f.take("UpdateFlowAlias", r.Name)
	_, err := f.flow(r.FlowName)
	return f.alias(), err
}

func (f *fakeAPI) DescribeFlowAlias(
	_ context.Context, _ cloudflow.Caller, r cloudflow.FlowAliasRequest,
) (*cloudflow.FlowAlias, error) {
	_, err := f.flow(r.FlowName)
	return f.alias(), err
}

func (f *fakeAPI) DeleteFlowAlias(
	_ context.Context, _ cloudflow.Caller, r cloudflow.FlowAliasRequest,
) error {
	f.take("DeleteFlowAlias", r)
	_, err := f.flow(r.FlowName)
	return err
}

func (f *fakeAPI) ListFlowAliases(
	_ context.Context, _ cloudflow.Caller, r cloudflow.ListOfFlowRequest,
) (*cloudflow.FlowAliasPage, error) {
	_, err := f.flow(r.FlowName)
	return &cloudflow.FlowAliasPage{Aliases: []cloudflow.FlowAlias{*f.alias()}}, err
}
