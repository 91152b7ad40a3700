package engine

import (
	"context"
	"errors"

	"millrace/shared/interp"
)

// MapRun returns a MapRun of an execution by its name. Its counts stand in the execution's row, so
// they are as current as that. store.ErrNotFound: there is no such execution. ErrNoMapRun: it has
// no such MapRun.
func (e *Engine) MapRun(ctx context.Context, partition, name string) (*interp.MapRun, error) {
	x, err := e.Store.Load(ctx, partition)
	if err != nil {
		return nil, err
	}
	s, err := e.decodeState(x)
	if err != nil {
		return nil, err
	}
	for _, r := range s.MapRuns() {
		if r.Name == name {
			return &r, nil
		}
	}
	return nil, ErrNoMapRun
}

// updatesMax is how often an update is submitted whose commits lose the race for the state row.
const updatesMax = 5

// UpdateMapRun changes an open MapRun and returns it. The ID of the update is set here. Errors are
// those of MapRun; ErrMapRunEnded: it has ended; ErrBusy: conflicting writes, the caller should try
// again.
func (e *Engine) UpdateMapRun(
	ctx context.Context, partition, name string, update interp.MapRunUpdate,
) (*interp.MapRun, error) {
	r, err := e.MapRun(ctx, partition, name)
	if err != nil {
		return nil, err
	}
	if r.Status != interp.MapRunRunning {
		return nil, ErrMapRunEnded
	}
	update.ID = r.ID
	for range updatesMax {
		it := &envelope{message: interp.Message{Kind: interp.MapRunUpdated, MapRun: &update}}
		a, err := e.submitAndWait(ctx, partition, it)
		var contended *contentionError
		switch {
		case errors.As(err, &contended):
			continue // to apply it twice changes nothing
		case err != nil:
			return nil, err
		case a.stepReply.Rejection != interp.Accepted:
			return nil, ErrMapRunEnded
		}
		return e.MapRun(ctx, partition, name)
	}
	return nil, ErrBusy
}
