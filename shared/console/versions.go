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

func (v *visit) versions() error { return v.showVersions("") }

// showVersions shows the versions of the address's flow, and what could not be done with them.
func (v *visit) showVersions(wrong string) error {
	p := versionsPage{Flow: v.r.PathValue("flow"), Wrong: wrong}
	limit, all := int64(pageSize), int64(1000)
	versions, err := v.api.ListFlowVersions(v.ctx, cloudflow.ListOfFlowRequest{FlowName: p.Flow,
		Limit: &limit, NextToken: v.r.URL.Query().Get("from")})
	if err != nil {
		return err
	}
	aliases, err := v.api.ListFlowAliases(v.ctx, cloudflow.ListOfFlowRequest{FlowName: p.Flow,
		Limit: &all})
	if err != nil {
		return err
	}
	p.Versions, p.Aliases = versions.FlowVersions, aliases.Aliases
	if versions.NextToken != "" {
		p.Next = versionsPath(p.Flow) + "?from=" + url.QueryEscape(versions.NextToken)
	}
	return v.ok("versions", v.page.T("versions of", p.Flow), p)
}

func versionsPath(flowName string) string { return "flows/" + url.PathEscape(flowName) + "/versions" }

// changeVersion publishes or deletes a version.
func (v *visit) changeVersion() error {
	flowName := v.r.PathValue("flow")
	var err error
	if version := v.r.PostFormValue("delete"); version != "" {
		err = v.api.DeleteFlowVersion(v.ctx, cloudflow.DeleteFlowVersionRequest{FlowName: flowName,
			FlowVersion: version})
	} else {
		_, err = v.api.PublishFlowVersion(v.ctx, cloudflow.PublishFlowVersionRequest{
			FlowName: flowName, Description: v.r.PostFormValue("description")})
	}
	return v.afterVersion(err)
}

// changeAlias creates, changes or deletes an alias.
func (v *visit) changeAlias() error {
	flowName, name := v.r.PathValue("flow"), v.r.PostFormValue("name")
	if v.r.PostFormValue("delete") != "" {
		return v.afterVersion(v.api.DeleteFlowAlias(v.ctx, cloudflow.FlowAliasRequest{
			FlowName: flowName, Name: name}))
	}
	routes, err := v.routes()
	if err != nil {
		return v.showVersions(err.Error())
	}
	text := client.EncodeRoutes(routes)
	_, err = v.api.UpdateFlowAlias(v.ctx, cloudflow.UpdateFlowAliasRequest{FlowName: flowName,
		Name: name, RoutingConfigurations: &text})
	if fault.CodeOf(err) == fault.FlowAliasNotExists {
		_, err = v.api.CreateFlowAlias(v.ctx, cloudflow.CreateFlowAliasRequest{FlowName: flowName,
			Name: name, RoutingConfigurations: text})
	}
	return v.afterVersion(err)
}

// routes reads one or two versions from a form; the second gets a share in percent, the first the
// rest.
func (v *visit) routes() ([]client.Route, error) {
	first, second := v.r.PostFormValue("version"), v.r.PostFormValue("second")
	if second == "" {
		return []client.Route{{Version: first, Weight: 100}}, nil
	}
	share, err := strconv.Atoi(v.r.PostFormValue("share"))
	if err != nil || share < 0 || share > 100 {
		return nil, errors.New(v.page.T("share must be"))
	}
	return []client.Route{{Version: first, Weight: 100 - share},
		{Version: second, Weight: share}}, nil
}

// afterVersion leads back to the versions, or shows what is wrong.
func (v *visit) afterVersion(err error) error {
	if wrong := faultOf(err); wrong != "" {
		return v.showVersions(wrong)
	} else if err != nil {
		return err
	}
	return v.to(versionsPath(v.r.PathValue("flow")))
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
