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
	"millrace/shared/history"
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

func (pr *pageRequest) flows() error {
	limit := int64(pageSize)
	got, err := pr.api.ListFlows(pr.ctx, cloudflow.ListFlowsRequest{Limit: &limit,
		NextToken: pr.r.URL.Query().Get("from")})
	if err != nil {
		return err
	}
	p := flowsPage{Flows: got.Flows}
	if got.NextToken != "" {
		p.Next = "flows?from=" + url.QueryEscape(got.NextToken)
	}
	return pr.ok("flows", "", p)
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

// flow shows a flow. The start panel has the input of an execution if the address names one.
func (pr *pageRequest) flow() error {
	p := flowPage{Input: "{}"}
	if like := pr.r.URL.Query().Get("like"); like != "" {
		x, err := pr.api.DescribeExecution(pr.ctx, cloudflow.DescribeExecutionRequest{
			FlowName: pr.r.PathValue("flow"), ExecutionName: like})
		if err != nil {
			return err
		}
		p.Input = x.Input
	}
	return pr.showFlow(p)
}

// showFlow shows a flow, with what the reader has typed into the start panel.
func (pr *pageRequest) showFlow(p flowPage) (err error) {
	name := pr.r.PathValue("flow")
	if p.Flow, err = pr.api.DescribeFlow(pr.ctx, name); err != nil {
		return err
	}
	limit, brief := int64(homeExecutions), true
	got, err := pr.api.ListExecutions(pr.ctx, cloudflow.ListExecutionsRequest{FlowName: name,
		Limit: &limit, MetadataOnly: &brief})
	if err == nil {
		p.Executions = got.Executions
	} else if fault.CodeOf(err) != fault.AccessDenied {
		return err
	}
	p.Graph = drawing(p.Flow.Definition, name, nil)
	p.Express = p.Flow.ExecutionMode == flow.Express
	return pr.ok("flow", name, p)
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

func (pr *pageRequest) edit() error {
	p := editPage{New: pr.r.PathValue("flow") == "", Definition: newDefinition, Mode: flow.Standard}
	if !p.New {
		f, err := pr.api.DescribeFlow(pr.ctx, pr.r.PathValue("flow"))
		if err != nil {
			return err
		}
		p.Name, p.Definition, p.Description, p.Mode = f.Name, f.Definition, f.Description,
			f.ExecutionMode
	}
	return pr.showEdit(p)
}

func (pr *pageRequest) showEdit(p editPage) error {
	_, p.Diagnostics = fdl.Parse([]byte(p.Definition), fdl.Options{Mode: p.Mode})
	p.Graph = drawing(p.Definition, cmp.Or(p.Name, pr.page.T("graph")), nil)
	title := p.Name
	if p.New {
		title = pr.page.T("new flow")
	}
	return pr.ok("edit", title, p)
}

// save creates or changes a flow, or only checks the definition.
func (pr *pageRequest) save() error {
	form := func(name string) string { return pr.r.PostFormValue(name) }
	p := editPage{Name: form("name"), Definition: unixLines(form("definition")),
		Description: form("description"), Mode: form("mode"), New: form("new") != ""}
	if form("check") != "" {
		return pr.showEdit(p)
	}
	var err error
	if p.New {
		_, err = pr.api.CreateFlow(pr.ctx, cloudflow.CreateFlowRequest{Name: p.Name, Type: "FDL",
			Definition: p.Definition, Description: p.Description, ExecutionMode: p.Mode})
	} else {
		_, err = pr.api.UpdateFlow(pr.ctx, cloudflow.UpdateFlowRequest{Name: p.Name,
			Definition: &p.Definition, Description: &p.Description})
	}
	var f *fault.Error
	if errors.As(err, &f) {
		p.Wrong = f.Message
		return pr.showEdit(p)
	} else if err != nil {
		return err
	}
	return pr.to("flows/" + url.PathEscape(p.Name))
}

// unixLines undoes what a browser does to the line ends of a text.
func unixLines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

func (pr *pageRequest) delete() error {
	name := pr.r.PathValue("flow")
	if pr.r.PostFormValue("confirm") != name {
		return pr.showFlow(flowPage{Input: "{}", Wrong: pr.page.T("confirm the name")})
	}
	if err := pr.api.DeleteFlow(pr.ctx, name); err != nil {
		return err
	}
	return pr.to("flows")
}

// start starts an execution and shows it.
func (pr *pageRequest) start() error {
	q := cloudflow.StartExecutionRequest{FlowName: pr.r.PathValue("flow"),
		ExecutionName: pr.r.PostFormValue("name"), Input: pr.r.PostFormValue("input"),
		Qualifier: pr.r.PostFormValue("qualifier")}
	if pr.r.PostFormValue("sync") != "" {
		return pr.startSync(q)
	}
	got, err := pr.api.StartExecution(pr.ctx, q)
	if err != nil {
		return pr.notStarted(q, err)
	}
	return pr.to(pathOf(q.FlowName, got.Name))
}

// notStarted shows why an execution was not started, beside what the reader has typed.
func (pr *pageRequest) notStarted(q cloudflow.StartExecutionRequest, err error) error {
	if wrong := faultOf(err); wrong != "" {
		return pr.showFlow(flowPage{Name: q.ExecutionName, Input: q.Input, Qualifier: q.Qualifier,
			Wrong: wrong})
	}
	return err
}

// startSync runs an Express execution and shows its result, which is kept nowhere.
func (pr *pageRequest) startSync(q cloudflow.StartExecutionRequest) error {
	got, err := pr.api.StartSyncExecution(pr.ctx, q)
	if err != nil {
		return pr.notStarted(q, err)
	}
	p := &executionPage{Execution: &client.Execution{FlowName: q.FlowName, Name: got.Name,
		Status: got.Status, Input: q.Input, Output: got.Output, StartedTime: got.StartedTime,
		StoppedTime: got.StoppedTime}, Express: true}
	if got.ErrorCode != "" {
		p.Failure = &history.Failure{Error: &flow.Error{Name: got.ErrorCode, Cause: got.ErrorMessage}}
	}
	return pr.ok("execution", got.Name, p)
}
