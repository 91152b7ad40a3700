package cloudflow

import (
	"context"
	"errors"

	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/store"
)

// DeleteExecution deletes an execution that has ended, with its history
// (docs/api.md#deleteexecution). CloudFlow has no such operation.
func (s *Service) DeleteExecution(
	ctx context.Context, c Caller, q DeleteExecutionRequest,
) error {
	if err := checkLookup(q.FlowName, q.ExecutionName); err != nil {
		return err
	}
	f, err := s.getFlow(ctx, c, q.FlowName)
	if err != nil {
		return err
	}
	err = s.Engine.DeleteExecution(ctx, store.Partition(f.ID, q.ExecutionName))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return executionMissing(q.FlowName, q.ExecutionName)
	case errors.Is(err, engine.ErrExecutionRunning):
		return fault.New(fault.ExecutionNotCompleted, "Execution '%s' for flow '%s' is running. "+
			"Stop it first.", q.ExecutionName, q.FlowName)
	case errors.Is(err, engine.ErrEndNotReported):
		return fault.New(fault.ConcurrentUpdateError, "The end of execution '%s' for flow '%s' is "+
			"still to be reported to a task that waits for it, or to a sub flow that it started. "+
			"Try again later.", q.ExecutionName, q.FlowName)
	}
	return FaultOf(err)
}

// readFault returns the fault for an error of reading the rows of an execution: if it was deleted
// meanwhile, it does not exist.
func (s *Service) readFault(ctx context.Context, x *store.Execution, err error) error {
	if err == nil || !store.IsDamaged(err) {
		return FaultOf(err)
	}
	now, gone := s.Store.Load(ctx, x.Partition())
	if errors.Is(gone, store.ErrNotFound) || gone == nil && now.Run != x.Run {
		return executionMissing(x.Flow, x.Name)
	}
	return FaultOf(err)
}
