package cloudflow

// Route is a version that an alias starts, and its share of the starts in percent.
type Route struct {
	Version int64
	Weight  int
}

// PublishFlowVersionRequest holds the parameters of PublishFlowVersion.
type PublishFlowVersionRequest struct{ FlowName, Description string }

// DeleteFlowVersionRequest names a version of a flow.
type DeleteFlowVersionRequest struct{ FlowName, FlowVersion string }

// FlowVersion is a version of a flow as the wire shows it.
type FlowVersion struct {
	FlowName    string
	Version     int64
	Description string
	CreatedTime int64 // ms since 1970
}

// FlowVersionPage is one page of versions, the newest first.
type FlowVersionPage struct {
	Versions  []FlowVersion
	NextToken string
}

// CreateFlowAliasRequest holds the parameters of CreateFlowAlias. RoutingConfigurations is the JSON
// text as sent.
type CreateFlowAliasRequest struct {
	FlowName, Name, RoutingConfigurations, Description string
}

// UpdateFlowAliasRequest holds the parameters of UpdateFlowAlias. A nil field keeps the stored
// value.
type UpdateFlowAliasRequest struct {
	FlowName, Name                     string
	RoutingConfigurations, Description *string
}

// FlowAliasRequest names an alias of a flow.
type FlowAliasRequest struct{ FlowName, Name string }

// FlowAlias is an alias of a flow as the wire shows it.
type FlowAlias struct {
	FlowName    string
	Name        string
	Description string
	CreatedTime int64 // ms since 1970
	Routes      []Route
}

// FlowAliasPage is one page of aliases, by name.
type FlowAliasPage struct {
	Aliases   []FlowAlias
	NextToken string
}
