package console

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/rpc/client"
)

// executionsPage is a page of the executions of a flow.
type executionsPage struct {
	Flow, Status, Prefix string
	Flows                []client.Flow // for the choice
	Executions           []client.Execution
	Next                 string // the address of the next page; "" on the last
}

// Statuses are those that the list can be filtered by.
func (executionsPage) Statuses() []string {
	return []string{"Running", "Succeeded", "Failed", "TimedOut", "Stopped"}
}

func (pr *pageRequest) executions() error {
	p := executionsPage{Flow: pr.r.URL.Query().Get("flow"), Status: pr.r.URL.Query().Get("status"),
		Prefix: pr.r.URL.Query().Get("prefix")}
	var err error
	if p.Flows, _, err = pr.firstFlows(1000); err != nil {
		return err
	}
	if p.Flow == "" && len(p.Flows) > 0 {
		p.Flow = p.Flows[0].Name
	}
	if p.Flow == "" {
		return pr.ok("executions", "", p)
	}
	limit, brief := int64(pageSize), true
	got, err := pr.api.ListExecutions(pr.ctx, cloudflow.ListExecutionsRequest{FlowName: p.Flow,
		Status: p.Status, ExecutionNamePrefix: p.Prefix, Limit: &limit, MetadataOnly: &brief,
		NextToken: pr.r.URL.Query().Get("from")})
	if err != nil {
		return err
	}
	p.Executions = got.Executions
	if got.NextToken != "" {
		p.Next = "executions?" + url.Values{"flow": {p.Flow}, "status": {p.Status},
			"prefix": {p.Prefix}, "from": {got.NextToken}}.Encode()
	}
	return pr.ok("executions", "", p)
}

// executionPage shows one execution.
type executionPage struct {
	Execution *client.Execution
	Graph     template.HTML
	History   *events
	Failure   *firstFailure
	Waiting   []waitingTask
	Denied    bool // the reader may not see the history
	Express   bool // nothing of it is kept
	Wrong     string
}

// Running reports whether the execution has not ended.
func (p executionPage) Running() bool { return p.Execution.Status == flow.Running.String() }

// Last returns the id of the last event that the page shows, so that a script sees that there is
// something new.
func (p executionPage) Last() int64 {
	if p.History == nil || len(p.History.All) == 0 {
		return 0
	}
	return p.History.All[len(p.History.All)-1].EventID
}

func (pr *pageRequest) execution() error { return pr.showExecution("") }

// showExecution shows the execution of the address, and what could not be done with it.
func (pr *pageRequest) showExecution(wrong string) error {
	flowName, name := pr.r.PathValue("flow"), pr.r.PathValue("execution")
	x, err := pr.api.DescribeExecution(pr.ctx, cloudflow.DescribeExecutionRequest{FlowName: flowName,
		ExecutionName: name})
	if err != nil {
		return err
	}
	p := executionPage{Execution: x, Wrong: wrong}
	switch p.History, err = pr.events(pr.ctx, flowName, name, detailsMax); {
	case fault.CodeOf(err) == fault.AccessDenied:
		p.Denied = true
	case err != nil:
		return err
	default:
		p.Graph = drawing(x.FlowDefinition, flowName+" "+name, p.History.Run)
		p.Failure = p.History.firstFailure()
		if p.Running() {
			p.Waiting = p.History.waitingTasks(name)
		}
	}
	return pr.ok("execution", name, p)
}

// after leads back to the execution once something has been done with it, or shows why it could
// not be done.
func (pr *pageRequest) after(err error) error {
	var f *fault.Error
	if errors.As(err, &f) && f.Code != fault.ExecutionNotExists && f.Code != fault.FlowNotExists {
		return pr.showExecution(f.Message)
	} else if err != nil {
		return err
	}
	return pr.to(pathOf(pr.r.PathValue("flow"), pr.r.PathValue("execution")))
}

func (pr *pageRequest) stop() error {
	q := cloudflow.StopExecutionRequest{FlowName: pr.r.PathValue("flow"),
		ExecutionName: pr.r.PathValue("execution")}
	if cause := pr.r.PostFormValue("cause"); cause != "" {
		name := "Stopped"
		q.Error, q.Cause = &name, &cause
	}
	_, err := pr.api.StopExecution(pr.ctx, q)
	return pr.after(err)
}

// report reports the result of a task that waits. The form names the task; its token stays here.
func (pr *pageRequest) report() error {
	flowName, name := pr.r.PathValue("flow"), pr.r.PathValue("execution")
	h, err := pr.events(pr.ctx, flowName, name, detailsMax)
	if err != nil {
		return err
	}
	token := ""
	for _, task := range h.waitingTasks(name) {
		if strconv.FormatInt(task.Event, 10) == pr.r.PostFormValue("event") {
			token = task.token
		}
	}
	if token == "" {
		return pr.showExecution(pr.page.T("no longer waits"))
	}
	if pr.r.PostFormValue("failed") != "" {
		q := cloudflow.ReportTaskFailedRequest{TaskToken: token, Error: pr.r.PostFormValue("error")}
		if cause := pr.r.PostFormValue("cause"); cause != "" {
			q.Cause = &cause
		}
		_, err = pr.api.ReportTaskFailed(pr.ctx, q)
	} else {
		_, err = pr.api.ReportTaskSucceeded(pr.ctx, cloudflow.ReportTaskSucceededRequest{
			TaskToken: token, Output: pr.r.PostFormValue("output")})
	}
	return pr.after(err)
}

// export sends an execution with its history as a file.
func (pr *pageRequest) export() error {
	flowName, name := pr.r.PathValue("flow"), pr.r.PathValue("execution")
	x, err := pr.api.DescribeExecution(pr.ctx, cloudflow.DescribeExecutionRequest{FlowName: flowName,
		ExecutionName: name})
	if err != nil {
		return err
	}
	h, err := pr.events(pr.ctx, flowName, name, detailsMax)
	if err != nil {
		return err
	}
	header := pr.w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Disposition", `attachment; filename="execution.json"`)
	header.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	pr.w.WriteHeader(http.StatusOK)
	return writeJSON(pr.w, struct {
		Execution *client.Execution
		Events    []client.Event
	}{x, h.All})
}
