package client

import (
	"context"

	"millrace/shared/cloudflow"
	"millrace/shared/value"
)

// Route is a version that an alias starts, and its share of the starts in percent.
type Route struct {
	Version string
	Weight  int
}

// FlowVersion is the response of PublishFlowVersion, and an item of FlowVersionList.
type FlowVersion struct {
	RequestID            string `json:"RequestId,omitempty"` // "" in a list
	FlowName             string `json:",omitempty"`          // "" in a list
	Version, Description string
	CreatedTime          Timestamp
}

// FlowVersionList is one page of versions; NextToken is "" on the last page.
type FlowVersionList struct {
	RequestID    string `json:"RequestId"`
	FlowVersions []FlowVersion
	NextToken    string `json:",omitempty"`
}

// FlowAlias is an alias of a flow.
type FlowAlias struct {
	Name, Description     string
	CreatedTime           Timestamp
	RoutingConfigurations []Route
}

// FlowAliasList is one page of aliases; NextToken is "" on the last page.
type FlowAliasList struct {
	RequestID string `json:"RequestId"`
	Aliases   []FlowAlias
	NextToken string `json:",omitempty"`
}

// EncodeRoutes returns routes as the RoutingConfigurations parameter.
func EncodeRoutes(routes []Route) string {
	list := make([]any, len(routes))
	for i, r := range routes {
		list[i] = map[string]any{"Version": r.Version,
			"Weight": value.FromInt(int64(r.Weight))}
	}
	return string(value.Encode(list))
}

// DescribeFlowVersion returns a version of a flow.
func (c *Client) DescribeFlowVersion(
	ctx context.Context, flowName, version string,
) (*Flow, error) {
	a := newArguments()
	a.add("Name", flowName)
	a.add("FlowVersion", version)
	return invoke[Flow](ctx, c, "DescribeFlow", a, 0)
}

// PublishFlowVersion makes the current definition of a flow its next version.
func (c *Client) PublishFlowVersion(
	ctx context.Context, r cloudflow.PublishFlowVersionRequest,
) (*FlowVersion, error) {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.text("Description", r.Description)
	return invoke[FlowVersion](ctx, c, "PublishFlowVersion", a, 0)
}

// ListFlowVersions returns one page of a flow's versions, the newest first.
func (c *Client) ListFlowVersions(
	ctx context.Context, r cloudflow.ListOfFlowRequest,
) (*FlowVersionList, error) {
	return invoke[FlowVersionList](ctx, c, "ListFlowVersions", listOfFlow(r), 0)
}

func listOfFlow(r cloudflow.ListOfFlowRequest) arguments {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.text("NextToken", r.NextToken)
	a.integer("Limit", r.Limit)
	return a
}

// DeleteFlowVersion deletes a version that no alias uses.
func (c *Client) DeleteFlowVersion(
	ctx context.Context, r cloudflow.DeleteFlowVersionRequest,
) error {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.add("FlowVersion", r.FlowVersion)
	_, err := c.do(ctx, "DeleteFlowVersion", a, 0)
	return err
}

// CreateFlowAlias creates an alias.
func (c *Client) CreateFlowAlias(
	ctx context.Context, r cloudflow.CreateFlowAliasRequest,
) (*FlowAlias, error) {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.add("Name", r.Name)
	a.add("RoutingConfigurations", r.RoutingConfigurations)
	a.text("Description", r.Description)
	return invoke[FlowAlias](ctx, c, "CreateFlowAlias", a, 0)
}

// aliasResponse is the response of the operations that return an alias as one object.
type aliasResponse struct{ Alias FlowAlias }

// UpdateFlowAlias changes those properties of an alias that r sets.
func (c *Client) UpdateFlowAlias(
	ctx context.Context, r cloudflow.UpdateFlowAliasRequest,
) (*FlowAlias, error) {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.add("Name", r.Name)
	a.opt("RoutingConfigurations", r.RoutingConfigurations)
	a.opt("Description", r.Description)
	return c.alias(ctx, "UpdateFlowAlias", a)
}

// DescribeFlowAlias returns an alias.
func (c *Client) DescribeFlowAlias(
	ctx context.Context, r cloudflow.FlowAliasRequest,
) (*FlowAlias, error) {
	return c.alias(ctx, "DescribeFlowAlias", aliasName(r))
}

func (c *Client) alias(ctx context.Context, operation string, a arguments) (*FlowAlias, error) {
	response, err := invoke[aliasResponse](ctx, c, operation, a, 0)
	if err != nil {
		return nil, err
	}
	return &response.Alias, nil
}

// DeleteFlowAlias deletes an alias.
func (c *Client) DeleteFlowAlias(ctx context.Context, r cloudflow.FlowAliasRequest) error {
	_, err := c.do(ctx, "DeleteFlowAlias", aliasName(r), 0)
	return err
}

func aliasName(r cloudflow.FlowAliasRequest) arguments {
	a := newArguments()
	a.add("FlowName", r.FlowName)
	a.add("Name", r.Name)
	return a
}

// ListFlowAliases returns one page of a flow's aliases, by name.
func (c *Client) ListFlowAliases(
	ctx context.Context, r cloudflow.ListOfFlowRequest,
) (*FlowAliasList, error) {
	return invoke[FlowAliasList](ctx, c, "ListFlowAliases", listOfFlow(r), 0)
}
