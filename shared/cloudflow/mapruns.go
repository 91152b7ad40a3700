package cloudflow

import (
	"context"
	"errors"
	"math"

	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/value"
)

// MapRunRequest names a MapRun.
type MapRunRequest struct{ FlowName, ExecutionName, MapRunName string }

// UpdateMapRunRequest holds the parameters of UpdateMapRun. A nil field keeps the setting.
type UpdateMapRunRequest struct {
	FlowName, ExecutionName, MapRunName string
	Concurrency, ToleratedFailedCount   *int64
	ToleratedFailedPercentage           *float64
}

// MapRun is a MapRun as the wire shows it. A tolerance that is not given is 0.
type MapRun struct {
	FlowName, ExecutionName, Name, Status string
	StartedTime, StoppedTime              int64 // ms since 1970; StoppedTime is 0 while it runs
	Concurrency, ToleratedFailedCount     int64
	ToleratedFailedPercentage             float64
	ItemCounts                            ItemCounts
}

// ItemCounts are the numbers of items of a MapRun.
type ItemCounts struct{ Total, Pending, Running, Succeed, Failed, Aborted int }

// DescribeMapRun returns the MapRun of a distributed Map (docs/api.md#describemaprun).
func (s *Service) DescribeMapRun(
	ctx context.Context, c Caller, q MapRunRequest,
) (*MapRun, error) {
	partition, err := s.findMapRun(ctx, c, q)
	if err != nil {
		return nil, err
	}
	r, err := s.Engine.MapRun(ctx, partition, q.MapRunName)
	if err != nil {
		return nil, mapRunFault(err, q)
	}
	return mapRunView(q, r), nil
}

// UpdateMapRun changes an open MapRun (docs/api.md#updatemaprun).
func (s *Service) UpdateMapRun(
	ctx context.Context, c Caller, q UpdateMapRunRequest,
) (*MapRun, error) {
	if n := q.Concurrency; n != nil && (*n < 1 || *n > int64(s.Limits.MapConcurrencyMax)) {
		return nil, fault.New(fault.InvalidArgument, "Concurrency must be from 1 to %d.",
			s.Limits.MapConcurrencyMax)
	}
	if n := q.ToleratedFailedCount; n != nil && *n < 0 {
		return nil, fault.New(fault.InvalidArgument, "ToleratedFailedCount must be at least 0.")
	}
	if p := q.ToleratedFailedPercentage; p != nil && (*p < 0 || *p > 100 || math.IsNaN(*p)) {
		return nil, fault.New(fault.InvalidArgument,
			"ToleratedFailedPercentage must be from 0 to 100.")
	}
	names := MapRunRequest{q.FlowName, q.ExecutionName, q.MapRunName}
	partition, err := s.findMapRun(ctx, c, names)
	if err != nil {
		return nil, err
	}
	r, err := s.Engine.UpdateMapRun(ctx, partition, q.MapRunName, interp.MapRunUpdate{
		Concurrency: q.Concurrency, ToleratedCount: q.ToleratedFailedCount,
		ToleratedPercentage: q.ToleratedFailedPercentage,
	})
	if err != nil {
		return nil, mapRunFault(err, names)
	}
	return mapRunView(names, r), nil
}

// findMapRun checks the names of a MapRun and returns the partition of its execution.
func (s *Service) findMapRun(ctx context.Context, c Caller, q MapRunRequest) (string, error) {
	if err := checkLookup(q.FlowName, q.ExecutionName); err != nil {
		return "", err
	}
	if !flow.ValidLookup(q.MapRunName) {
		return "", fault.New(fault.InvalidArgument, "MapRunName %s is invalid.",
			value.Quote(q.MapRunName))
	}
	f, err := s.getFlow(ctx, c, q.FlowName)
	if err != nil {
		return "", err
	}
	return store.Partition(f.ID, q.ExecutionName), nil
}

func mapRunFault(err error, q MapRunRequest) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return executionMissing(q.FlowName, q.ExecutionName)
	case errors.Is(err, engine.ErrNoMapRun):
		return fault.New(fault.MapRunNotExists, "Map run '%s' for execution '%s' does not exist.",
			q.MapRunName, q.ExecutionName)
	case errors.Is(err, engine.ErrMapRunEnded):
		return fault.New(fault.InvalidArgument, "Map run '%s' for execution '%s' has ended.",
			q.MapRunName, q.ExecutionName)
	}
	return FaultOf(err)
}

func mapRunView(q MapRunRequest, r *interp.MapRun) *MapRun {
	return &MapRun{
		FlowName: q.FlowName, ExecutionName: q.ExecutionName, Name: r.Name,
		Status: r.Status.String(), StartedTime: r.Started, StoppedTime: r.Stopped,
		Concurrency: int64(r.Concurrency), ToleratedFailedCount: max(r.ToleratedCount, 0),
		ToleratedFailedPercentage: max(r.ToleratedPercentage, 0),
		ItemCounts: ItemCounts{Total: r.Total, Pending: r.Pending, Running: r.Running,
			Succeed: r.Succeeded, Failed: r.Failed, Aborted: r.Aborted},
	}
}
