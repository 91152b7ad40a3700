package cloudflow

import (
	"context"
	"errors"
	"math"

	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/store"
)

// RedriveExecution lets an execution that has ended without success go on from the states that
// failed or were open (docs/api.md#redriveexecution). It is idempotent by RedriveCount; without one
// a redrive of an execution that runs since a redrive changes nothing.
func (s *Service) RedriveExecution(
	ctx context.Context, c Caller, q RedriveExecutionRequest,
) (*Execution, error) {
	if err := checkLookup(q.FlowName, q.ExecutionName); err != nil {
		return nil, err
	}
	count := engine.AnyRedrive
	if n := q.RedriveCount; n != nil {
		if *n < 0 || *n > math.MaxInt32 {
			return nil, fault.New(fault.InvalidArgument, "RedriveCount must be at least 0.")
		}
		count = int(*n)
	}
	f, err := s.getFlow(ctx, c, q.FlowName)
	if err != nil {
		return nil, err
	}
	x, err := s.Engine.Redrive(ctx, store.Partition(f.ID, q.ExecutionName), count)
	var not *engine.NotRedrivableError
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, executionMissing(q.FlowName, q.ExecutionName)
	case errors.Is(err, engine.ErrNotEnded):
		return nil, notRedrivable(q, "it is running")
	case errors.As(err, &not):
		return nil, notRedrivable(q, not.Reason)
	case err != nil:
		return nil, FaultOf(err)
	}
	return s.executionView(ctx, c, f, x)
}

func notRedrivable(q RedriveExecutionRequest, reason string) error {
	return fault.New(fault.ExecutionNotRedrivable,
		"Execution '%s' for flow '%s' cannot be redriven: %s.", q.ExecutionName, q.FlowName, reason)
}
