package console

import (
	"net/http"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
)

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
