package console

import (
	"net/url"
	"strconv"
	"strings"

	"millrace/shared/cloudflow"
)

// doneTo is what became of one execution that the reader had selected.
type doneTo struct{ Flow, Execution, Wrong string }

// selectedMax is how many executions one form may change.
const selectedMax = 100

// changeSelected stops, redrives or deletes the executions that the reader has selected in a list, and shows
// what became of each. Each is named by its flow, a slash and its name.
func (pr *pageRequest) changeSelected() error {
	selected := pr.r.PostForm["execution"]
	selected = selected[:min(len(selected), selectedMax)]
	done := make([]doneTo, len(selected))
	err := pr.inParallel(len(selected), func(i int) error {
		flowName, name, _ := strings.Cut(selected[i], "/")
		done[i] = doneTo{Flow: flowName, Execution: name}
		var err error
		switch pr.r.PostFormValue("do") {
		case "stop":
			_, err = pr.api.StopExecution(pr.ctx, cloudflow.StopExecutionRequest{
				FlowName: flowName, ExecutionName: name})
		case "redrive":
			_, err = pr.api.RedriveExecution(pr.ctx, cloudflow.RedriveExecutionRequest{
				FlowName: flowName, ExecutionName: name})
		case "delete":
			err = pr.api.DeleteExecution(pr.ctx, cloudflow.DeleteExecutionRequest{
				FlowName: flowName, ExecutionName: name})
		default:
			done[i].Wrong = pr.page.T("nothing to do")
		}
		if err != nil {
			done[i].Wrong = err.Error()
		}
		return nil
	})
	if err != nil {
		return err
	}
	q, err := url.ParseQuery(pr.r.PostFormValue("list"))
	if err != nil {
		return pr.missing()
	}
	return pr.showExecutions(q, done)
}

// redrive lets an execution that has ended without success go on. The form says how often that was
// done before, so that a form that is sent twice does it once.
func (pr *pageRequest) redrive() error {
	count, err := strconv.ParseInt(pr.r.PostFormValue("count"), 10, 64)
	if err != nil {
		return pr.missing()
	}
	_, err = pr.api.RedriveExecution(pr.ctx, cloudflow.RedriveExecutionRequest{
		FlowName: pr.r.PathValue("flow"), ExecutionName: pr.r.PathValue("execution"),
		RedriveCount: &count})
	return pr.after(err)
}

// deleteExecution deletes an execution that has ended, once its name has been typed.
func (pr *pageRequest) deleteExecution() error {
	flowName, name := pr.r.PathValue("flow"), pr.r.PathValue("execution")
	if pr.r.PostFormValue("confirm") != name {
		return pr.showExecution(pr.page.T("confirm the execution"))
	}
	err := pr.api.DeleteExecution(pr.ctx, cloudflow.DeleteExecutionRequest{FlowName: flowName,
		ExecutionName: name})
	if err != nil {
		return pr.after(err)
	}
	return pr.to("executions?flow=" + url.QueryEscape(flowName))
}
