package server_test

import (
	"context"

	"millrace/shared/cloudflow"
)

var (
	oneVersion = cloudflow.FlowVersion{FlowName: "f", Version: 3, Description: "d",
		CreatedTime: createdMS}
	oneAlias = cloudflow.FlowAlias{FlowName: "f", Name: "live", Description: "d",
		CreatedTime: createdMS, Routes: []cloudflow.Route{{Version: 2, Weight: 90}, {Version: 3,
			Weight: 10}}}
)

func (f *fakeAPI) PublishFlowVersion(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.PublishFlowVersionRequest,
) (*cloudflow.FlowVersion, error) {
	return &oneVersion, f.take(ctx, "PublishFlowVersion", caller, r)
}

func (f *fakeAPI) ListFlowVersions(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.ListOfFlowRequest,
) (*cloudflow.FlowVersionPage, error) {
	page := &cloudflow.FlowVersionPage{}
	if r.Limit == nil {
		page.Versions, page.NextToken = []cloudflow.FlowVersion{oneVersion}, "Mw"
	}
	return page, f.take(ctx, "ListFlowVersions", caller, r)
}

func (f *fakeAPI) DeleteFlowVersion(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.DeleteFlowVersionRequest,
) error {
	return f.take(ctx, "DeleteFlowVersion", caller, r)
}

func (f *fakeAPI) CreateFlowAlias(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.CreateFlowAliasRequest,
) (*cloudflow.FlowAlias, error) {
	return &oneAlias, f.take(ctx, "CreateFlowAlias", caller, r)
}

func (f *fakeAPI) UpdateFlowAlias(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.UpdateFlowAliasRequest,
) (*cloudflow.FlowAlias, error) {
	return &oneAlias, f.take(ctx, "UpdateFlowAlias", caller, r)
}

func (f *fakeAPI) DescribeFlowAlias(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.FlowAliasRequest,
) (*cloudflow.FlowAlias, error) {
	return &oneAlias, f.take(ctx, "DescribeFlowAlias", caller, r)
}

func (f *fakeAPI) DeleteFlowAlias(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.FlowAliasRequest,
) error {
	return f.take(ctx, "DeleteFlowAlias", caller, r)
}

func (f *fakeAPI) ListFlowAliases(
	ctx context.Context, caller cloudflow.Caller, r cloudflow.ListOfFlowRequest,
) (*cloudflow.FlowAliasPage, error) {
	page := &cloudflow.FlowAliasPage{}
	if r.Limit == nil {
		page.Aliases, page.NextToken = []cloudflow.FlowAlias{oneAlias}, "bGl2ZQ"
	}
	return page, f.take(ctx, "ListFlowAliases", caller, r)
}
