package console

import (
	"cmp"
	"errors"
	"html/template"
	"net/url"
	"strings"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/graph"
	"millrace/shared/rpc/client"
	"millrace/shared/yamldoc"
)

// pageSize is how many rows a page shows.
const pageSize = 60

// flowsPage is a page of the list of flows.
type flowsPage struct {
	Flows []client.Flow
	Next  string // the address of the next page; "" on the last
}

func (v *visit) flows() error {
	limit := int64(pageSize)
	got, err := v.api.ListFlows(v.ctx, cloudflow.ListFlowsRequest{Limit: &limit,
		NextToken: v.r.URL.Query().Get("from")})
	if err != nil {
		return err
	}
	p := flowsPage{Flows: got.Flows}
	if got.NextToken != "" {
		p.Next = "flows?from=" + url.QueryEscape(got.NextToken)
	}
	return v.ok("flows", "", p)
}

// flowPage shows one flow.
type flowPage struct {
	Flow       *client.Flow
	Graph      template.HTML
	Executions []client.Execution
	Name       string // for the start panel
	Input      string
	Qualifier  string
	Wrong      string // why the execution could not be started
	Express    bool
}

func (v *visit) flow() error { return v.showFlow(flowPage{Input: "{}"}) }

// showFlow shows a flow, with what the reader has typed into the start panel.
func (v *visit) showFlow(p flowPage) (err error) {
	name := v.r.PathValue("flow")
	if p.Flow, err = v.api.DescribeFlow(v.ctx, name); err != nil {
		return err
	}
	limit, brief := int64(homeExecutions), true
	got, err := v.api.ListExecutions(v.ctx, cloudflow.ListExecutionsRequest{FlowName: name,
		Limit: &limit, MetadataOnly: &brief})
	if err == nil {
		p.Executions = got.Executions
	} else if fault.CodeOf(err) != fault.AccessDenied {
		return err
	}
	p.Graph = drawing(p.Flow.Definition, name, nil)
	p.Express = p.Flow.ExecutionMode == flow.Express
	return v.ok("flow", name, p)
}

// drawing returns the picture of a definition, with what a run did in it if there is one; "" if the
// definition has mistakes, or is too large for a picture.
func drawing(definition, title string, run *graph.Run) template.HTML {
	m, _ := fdl.Parse([]byte(definition), fdl.Options{}) // Standard accepts all that Express does
	if m == nil {
		return ""
	}
	g, err := graph.New(m)
	if err != nil {
		return ""
	}
	var b strings.Builder
	if g.SVG(&b, graph.Options{Title: title, Run: run, Bare: true}) != nil {
		return ""
	}
	return template.HTML(b.String()) // package graph escapes every text
}

// editPage is the form of a flow.
type editPage struct {
	Name, Definition, Description, Mode string
	New                                 bool
	Wrong                               string
	Diagnostics                         []yamldoc.Diagnostic
	Graph                               template.HTML
}

// newDefinition is what the form of a new flow begins with.
const newDefinition = `Type: StateMachine
SpecVersion: v1
Name: my-flow
StartAt: First
States:
  - Type: Pass
    Name: First
    End: true
`

func (v *visit) edit() error {
	p := editPage{New: v.r.PathValue("flow") == "", Definition: newDefinition, Mode: flow.Standard}
	if !p.New {
		f, err := v.api.DescribeFlow(v.ctx, v.r.PathValue("flow"))
		if err != nil {
			return err
		}
		p.Name, p.Definition, p.Description, p.Mode = f.Name, f.Definition, f.Description,
			f.ExecutionMode
	}
	return v.showEdit(p)
}

func (v *visit) showEdit(p editPage) error {
	_, p.Diagnostics = fdl.Parse([]byte(p.Definition), fdl.Options{Mode: p.Mode})
	p.Graph = drawing(p.Definition, cmp.Or(p.Name, v.page.T("graph")), nil)
	title := p.Name
	if p.New {
		title = v.page.T("new flow")
	}
	return v.ok("edit", title, p)
}

// save creates or changes a flow, or only checks the definition.
func (v *visit) save() error {
	form := func(name string) string { return v.r.PostFormValue(name) }
	p := editPage{Name: form("name"), Definition: unixLines(form("definition")),
		Description: form("description"), Mode: form("mode"), New: form("new") != ""}
	if form("check") != "" {
		return v.showEdit(p)
	}
	var err error
	if p.New {
		_, err = v.api.CreateFlow(v.ctx, cloudflow.CreateFlowRequest{Name: p.Name, Type: "FDL",
			Definition: p.Definition, Description: p.Description, ExecutionMode: p.Mode})
	} else {
		_, err = v.api.UpdateFlow(v.ctx, cloudflow.UpdateFlowRequest{Name: p.Name,
			Definition: &p.Definition, Description: &p.Description})
	}
	var f *fault.Error
	if errors.As(err, &f) {
		p.Wrong = f.Message
		return v.showEdit(p)
	} else if err != nil {
		return err
	}
	return v.to("flows/" + url.PathEscape(p.Name))
}

// unixLines undoes what a browser does to the line ends of a text.
func unixLines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

func (v *visit) delete() error {
	name := v.r.PathValue("flow")
	if v.r.PostFormValue("confirm") != name {
		return v.showFlow(flowPage{Input: "{}", Wrong: v.page.T("confirm the name")})
	}
	if err := v.api.DeleteFlow(v.ctx, name); err != nil {
		return err
	}
	return v.to("flows")
}

// start starts an execution and shows it.
func (v *visit) start() error {
	q := cloudflow.StartExecutionRequest{FlowName: v.r.PathValue("flow"),
		ExecutionName: v.r.PostFormValue("name"), Input: v.r.PostFormValue("input"),
		Qualifier: v.r.PostFormValue("qualifier")}
	if v.r.PostFormValue("sync") != "" {
		return v.startSync(q)
	}
	got, err := v.api.StartExecution(v.ctx, q)
	if err != nil {
		return v.notStarted(q, err)
	}
	return v.to(pathOf(q.FlowName, got.Name))
}

// notStarted shows why an execution was not started, beside what the reader has typed.
func (v *visit) notStarted(q cloudflow.StartExecutionRequest, err error) error {
	if wrong := faultOf(err); wrong != "" {
		return v.showFlow(flowPage{Name: q.ExecutionName, Input: q.Input, Qualifier: q.Qualifier,
			Wrong: wrong})
	}
	return err
}

// startSync runs an Express execution and shows its result, which is kept nowhere.
func (v *visit) startSync(q cloudflow.StartExecutionRequest) error {
	got, err := v.api.StartSyncExecution(v.ctx, q)
	if err != nil {
		return v.notStarted(q, err)
	}
	p := executionPage{Execution: &client.Execution{FlowName: q.FlowName, Name: got.Name,
		Status: got.Status, Input: q.Input, Output: got.Output, StartedTime: got.StartedTime,
		StoppedTime: got.StoppedTime}, Express: true}
	if got.ErrorCode != "" {
		p.Failure = &firstFailure{Error: &flow.Error{Name: got.ErrorCode, Cause: got.ErrorMessage}}
	}
	return v.ok("execution", got.Name, p)
}
