package subflowtask

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"millrace/shared/fault"
	"millrace/shared/task"
	"millrace/shared/value"
)

// parameters are the serviceParams of an operation of FlowV1. All are texts on the wire: an object
// is sent as its JSON.
type parameters map[string]json.RawMessage

// text returns a parameter, "" if it is absent.
func (p parameters) text(name string) string { return task.Text(p[name]) }

// operation calls one operation of the API for a caller.
type operation func(context.Context, Operations, Caller, parameters) (json.RawMessage, error)

// operations maps an operation to its call.
var operations = map[string]operation{
	"DescribeExecution": func(ctx context.Context, o Operations, caller Caller, p parameters) (
		json.RawMessage, error,
	) {
		if err := p.require("FlowName", "ExecutionName"); err != nil {
			return nil, err
		}
		return o.DescribeExecution(ctx, caller, p.text("FlowName"), p.text("ExecutionName"))
	},
	"StopExecution": func(ctx context.Context, o Operations, caller Caller, p parameters) (
		json.RawMessage, error,
	) {
		if err := p.require("FlowName", "ExecutionName"); err != nil {
			return nil, err
		}
		return o.StopExecution(ctx, caller, p.text("FlowName"), p.text("ExecutionName"),
			p.text("Error"), p.text("Cause"))
	},
	"ReportTaskSucceeded": func(ctx context.Context, o Operations, caller Caller, p parameters) (
		json.RawMessage, error,
	) {
		if err := p.require("TaskToken", "Output"); err != nil {
			return nil, err
		}
		return o.ReportTaskSucceeded(ctx, caller, p.text("TaskToken"), p.text("Output"))
	},
	"ReportTaskFailed": func(ctx context.Context, o Operations, caller Caller, p parameters) (
		json.RawMessage, error,
	) {
		if err := p.require("TaskToken", "Error"); err != nil {
			return nil, err
		}
		return o.ReportTaskFailed(ctx, caller, p.text("TaskToken"), p.text("Error"),
			p.text("Cause"))
	},
}

// operationOf returns the part of an action after the product.
func operationOf(action string) string {
	_, operation, _ := strings.Cut(task.NormalAction(action), ":")
	return operation
}

// readOperation reads serviceParams.
func readOperation(raw json.RawMessage) (parameters, error) {
	var p parameters
	if len(raw) == 0 {
		return p, nil
	}
	if value.Unmarshal(raw, &p) != nil {
		return nil, errors.New("serviceParams must be an object")
	}
	return p, nil
}

// require returns a fault for the first parameter that is absent or empty, nil if there is none.
func (p parameters) require(names ...string) error {
	for _, name := range names {
		if p.text(name) == "" {
			return fault.New(fault.MissingRequiredParams, "%s is required", name)
		}
	}
	return nil
}
