package cloudflow

import (
	"context"
	"errors"

	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/value"
)

// StartChild starts an execution for a task and returns its name. Called again for the same attempt
// it returns the same execution, even if that has ended. The caller has checked the flow's rights.
func (s *Service) StartChild(ctx context.Context, c flow.Child) (string, error) {
	f, err := s.Store.GetFlow(ctx, c.Account, c.FlowName)
	if errors.Is(err, store.ErrNotFound) {
		return "", flowMissing(c.FlowName)
	} else if err != nil {
		return "", fault.Internal(err)
	}
	name := c.ExecutionName
	if name == "" {
		name = interp.ChildName(c.Key)
	} else if !flow.ValidName(name) {
		return "", fault.New(fault.InvalidArgument,
			"ExecutionName '%s' is invalid: %s.", name, flow.NameRule)
	}
	if len(c.Input) == 0 {
		c.Input = []byte("{}")
	}
	canonical, err := value.Canonical(c.Input)
	if err != nil || canonical[0] != '{' {
		return "", fault.New(fault.InvalidArgument, "Input must be a JSON object.")
	}
	x, created, err := s.startQualified(ctx, &engine.Start{
		Flow: f, Name: name, Input: c.Input, Canonical: canonical, Qualifier: c.Qualifier,
		CallbackToken: c.CallbackToken, Origin: engine.TaskOrigin(c.Key),
		Source: store.SourceExecution + c.Parent,
	})
	if err != nil {
		return "", err
	}
	if !created && (x.Status.Final() || c.CallbackToken != "") {
		// A running namesake of another origin will never report to this task.
		return "", fault.New(fault.ExecutionAlreadyExists,
			"Execution '%s' for flow '%s' already exists.", name, c.FlowName)
	}
	return x.Name, nil
}
