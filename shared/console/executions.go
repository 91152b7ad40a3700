package console

import (
	"errors"
	"net/http"
	"net/url"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/rpc/client"
)

// executionsPage is a page of the executions of a flow.
type executionsPage struct {
	Flow, Status, Prefix string
	Flows                []client.Flow // for the choice
	More                 bool          // there are flows that the choice lacks
	Executions           []client.Execution
	Next                 string // the address of the next page; "" on the last
}

// Statuses are those that the list can be filtered by.
func (executionsPage) Statuses() []string {
	return []string{"Running", "Succeeded", "Failed", "TimedOut", "Stopped"}
}

// flowChoiceMax is how many flows the choice of the list has.
const flowChoiceMax = 1000

func (pr *pageRequest) executions() error {
	p := executionsPage{Flow: pr.r.URL.Query().Get("flow"), Status: pr.r.URL.Query().Get("status"),
		Prefix: pr.r.URL.Query().Get("prefix")}
	var err error
	if p.Flows, p.More, err = pr.firstFlows(flowChoiceMax); err != nil {
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

// export sends an execution with its history as a file.
func (pr *pageRequest) export() error {
	flowName, name := pr.r.PathValue("flow"), pr.r.PathValue("execution")
	x, err := pr.api.DescribeExecution(pr.ctx, cloudflow.DescribeExecutionRequest{FlowName: flowName,
		ExecutionName: name})
	if err != nil {
		return err
	}
	events, err := pr.exported(flowName, name)
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
	}{x, events})
}

// What an export has of a history at most, in events and in bytes of their details.
const (
	exportEvents = 100000
	exportBytes  = 16 << 20
)

// exported returns the events of an export.
func (pr *pageRequest) exported(flowName, name string) (all []client.Event, err error) {
	limit, token, size := int64(readPage), "", 0
	for {
		got, err := pr.api.GetExecutionHistory(pr.ctx, cloudflow.GetExecutionHistoryRequest{
			FlowName: flowName, ExecutionName: name, NextToken: token, Limit: &limit})
		if err != nil {
			return nil, err
		}
		for _, e := range got.Events {
			size += len(e.EventDetail)
		}
		all = append(all, got.Events...)
		if token = got.NextToken; token == "" || len(all) >= exportEvents || size >= exportBytes {
			return all, nil
		}
	}
}
