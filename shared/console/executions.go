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

func (v *visit) executions() error {
	p := executionsPage{Flow: v.r.URL.Query().Get("flow"), Status: v.r.URL.Query().Get("status"),
		Prefix: v.r.URL.Query().Get("prefix")}
	var err error
	if p.Flows, _, err = v.firstFlows(1000); err != nil {
		return err
	}
	if p.Flow == "" && len(p.Flows) > 0 {
		p.Flow = p.Flows[0].Name
	}
	if p.Flow == "" {
		return v.ok("executions", "", p)
	}
	limit, brief := int64(pageSize), true
	got, err := v.api.ListExecutions(v.ctx, cloudflow.ListExecutionsRequest{FlowName: p.Flow,
		Status: p.Status, ExecutionNamePrefix: p.Prefix, Limit: &limit, MetadataOnly: &brief,
		NextToken: v.r.URL.Query().Get("from")})
	if err != nil {
		return err
	}
	p.Executions = got.Executions
	if got.NextToken != "" {
		p.Next = "executions?" + url.Values{"flow": {p.Flow}, "status": {p.Status},
			"prefix": {p.Prefix}, "from": {got.NextToken}}.Encode()
	}
	return v.ok("executions", "", p)
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

func (v *visit) execution() error { return v.showExecution("") }

// showExecution shows the execution of the address, and what could not be done with it.
func (v *visit) showExecution(wrong string) error {
	flowName, name := v.r.PathValue("flow"), v.r.PathValue("execution")
	x, err := v.api.DescribeExecution(v.ctx, cloudflow.DescribeExecutionRequest{FlowName: flowName,
		ExecutionName: name})
	if err != nil {
		return err
	}
	p := executionPage{Execution: x, Wrong: wrong}
	switch p.History, err = v.events(v.ctx, flowName, name, detailsMax); {
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
	return v.ok("execution", name, p)
}

// after leads back to the execution once something has been done with it, or shows why it could
// not be done.
func (v *visit) after(err error) error {
	var f *fault.Error
	if errors.As(err, &f) && f.Code != fault.ExecutionNotExists && f.Code != fault.FlowNotExists {
		return v.showExecution(f.Message)
	} else if err != nil {
		return err
	}
	return v.to(pathOf(v.r.PathValue("flow"), v.r.PathValue("execution")))
}

func (v *visit) stop() error {
	q := cloudflow.StopExecutionRequest{FlowName: v.r.PathValue("flow"),
		ExecutionName: v.r.PathValue("execution")}
	if cause := v.r.PostFormValue("cause"); cause != "" {
		name := "Stopped"
		q.Error, q.Cause = &name, &cause
	}
	_, err := v.api.StopExecution(v.ctx, q)
	return v.after(err)
}

// report reports the result of a task that waits. The form names the task; its token stays here.
func (v *visit) report() error {
	flowName, name := v.r.PathValue("flow"), v.r.PathValue("execution")
	h, err := v.events(v.ctx, flowName, name, detailsMax)
	if err != nil {
		return err
	}
	token := ""
	for _, task := range h.waitingTasks(name) {
		if strconv.FormatInt(task.Event, 10) == v.r.PostFormValue("event") {
			token = task.token
		}
	}
	if token == "" {
		return v.showExecution(v.page.T("no longer waits"))
	}
	if v.r.PostFormValue("failed") != "" {
		q := cloudflow.ReportTaskFailedRequest{TaskToken: token, Error: v.r.PostFormValue("error")}
		if cause := v.r.PostFormValue("cause"); cause != "" {
			q.Cause = &cause
		}
		_, err = v.api.ReportTaskFailed(v.ctx, q)
	} else {
		_, err = v.api.ReportTaskSucceeded(v.ctx, cloudflow.ReportTaskSucceededRequest{
			TaskToken: token, Output: v.r.PostFormValue("output")})
	}
	return v.after(err)
}

// export sends an execution with its history as a file.
func (v *visit) export() error {
	flowName, name := v.r.PathValue("flow"), v.r.PathValue("execution")
	x, err := v.api.DescribeExecution(v.ctx, cloudflow.DescribeExecutionRequest{FlowName: flowName,
		ExecutionName: name})
	if err != nil {
		return err
	}
	h, err := v.events(v.ctx, flowName, name, detailsMax)
	if err != nil {
		return err
	}
	header := v.w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Disposition", `attachment; filename="execution.json"`)
	header.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	v.w.WriteHeader(http.StatusOK)
	return writeJSON(v.w, struct {
		Execution *client.Execution
		Events    []client.Event
	}{x, h.All})
}
