package console

import (
	"errors"
	"net/url"
	"strconv"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/rpc/client"
)

// versionsPage shows the versions of a flow, and the aliases that lead to them.
type versionsPage struct {
	Flow     string
	Versions []client.FlowVersion
	Aliases  []client.FlowAlias
	Next     string // the address of the next page of versions; "" on the last
	Wrong    string
}

func (pr *pageRequest) versions() error { return pr.showVersions("") }

// showVersions shows the versions of the address's flow, and what could not be done with them.
func (pr *pageRequest) showVersions(wrong string) error {
	p := versionsPage{Flow: pr.r.PathValue("flow"), Wrong: wrong}
	limit, all := int64(pageSize), int64(1000)
	versions, err := pr.api.ListFlowVersions(pr.ctx, cloudflow.ListOfFlowRequest{FlowName: p.Flow,
		Limit: &limit, NextToken: pr.r.URL.Query().Get("from")})
	if err != nil {
		return err
	}
	aliases, err := pr.api.ListFlowAliases(pr.ctx, cloudflow.ListOfFlowRequest{FlowName: p.Flow,
		Limit: &all})
	if err != nil {
		return err
	}
	p.Versions, p.Aliases = versions.FlowVersions, aliases.Aliases
	if versions.NextToken != "" {
		p.Next = versionsPath(p.Flow) + "?from=" + url.QueryEscape(versions.NextToken)
	}
	return pr.ok("versions", pr.page.T("versions of", p.Flow), p)
}

func versionsPath(flowName string) string {
	return "flows/" + url.PathEscape(flowName) + "/versions"
}

// changeVersion publishes or deletes a version.
func (pr *pageRequest) changeVersion() error {
	flowName := pr.r.PathValue("flow")
	var err error
	if version := pr.r.PostFormValue("delete"); version != "" {
		err = pr.api.DeleteFlowVersion(pr.ctx, cloudflow.DeleteFlowVersionRequest{FlowName: flowName,
			FlowVersion: version})
	} else {
		_, err = pr.api.PublishFlowVersion(pr.ctx, cloudflow.PublishFlowVersionRequest{
			FlowName: flowName, Description: pr.r.PostFormValue("description")})
	}
	return pr.afterVersion(err)
}

// changeAlias creates, changes or deletes an alias.
func (pr *pageRequest) changeAlias() error {
	flowName, name := pr.r.PathValue("flow"), pr.r.PostFormValue("name")
	if pr.r.PostFormValue("delete") != "" {
		return pr.afterVersion(pr.api.DeleteFlowAlias(pr.ctx, cloudflow.FlowAliasRequest{
			FlowName: flowName, Name: name}))
	}
	routes, err := pr.routes()
	if err != nil {
		return pr.showVersions(err.Error())
	}
	text := client.EncodeRoutes(routes)
	_, err = pr.api.UpdateFlowAlias(pr.ctx, cloudflow.UpdateFlowAliasRequest{FlowName: flowName,
		Name: name, RoutingConfigurations: &text})
	if fault.CodeOf(err) == fault.FlowAliasNotExists {
		_, err = pr.api.CreateFlowAlias(pr.ctx, cloudflow.CreateFlowAliasRequest{FlowName: flowName,
			Name: name, RoutingConfigurations: text})
	}
	return pr.afterVersion(err)
}

// routes reads one or two versions from a form; the second gets a share in percent, the first the
// rest.
func (pr *pageRequest) routes() ([]client.Route, error) {
	first, second := pr.r.PostFormValue("version"), pr.r.PostFormValue("second")
	if second == "" {
		return []client.Route{{Version: first, Weight: 100}}, nil
	}
	share, err := strconv.Atoi(pr.r.PostFormValue("share"))
	if err != nil || share < 0 || share > 100 {
		return nil, errors.New(pr.page.T("share must be"))
	}
	return []client.Route{{Version: first, Weight: 100 - share},
		{Version: second, Weight: share}}, nil
}

// afterVersion leads back to the versions, or shows what is wrong.
func (pr *pageRequest) afterVersion(err error) error {
	if wrong := faultOf(err); wrong != "" {
		return pr.showVersions(wrong)
	} else if err != nil {
		return err
	}
	return pr.to(versionsPath(pr.r.PathValue("flow")))
}

// faultOf returns the message of a fault that the page of the form can show beside it; "" if there
// is none, or if the flow itself is not there.
func faultOf(err error) string {
	var f *fault.Error
	if errors.As(err, &f) && f.Code != fault.FlowNotExists {
		return f.Message
	}
	return ""
}
