package engine

import (
	"context"
	"errors"
	"time"

	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// purgeDelay is when the executions of a deleted flow are stopped once more, because a start may
// have claimed a name after the first time.
const purgeDelay = 5 * time.Minute

// PurgeDeletedFlow purges a deleted flow in the background. The sweeper does what this does not get
// to.
func (e *Engine) PurgeDeletedFlow(flowID string) {
	if e.onlyAccepts() || !e.addGoroutine() {
		return
	}
	go func() {
		defer e.goroutines.Done()
		if err := e.purgeDeletedFlow(e.ctx, flowID, store.TombstoneKey(flowID)); err != nil {
			e.Log.Warn("deleted flow not purged; the sweeper will", "flow", flowID, "err", err)
		}
	}()
}

// purgeDeletedFlow stops the running executions of a deleted flow, twice, and then deletes its
// definitions.
func (e *Engine) purgeDeletedFlow(ctx context.Context, flowID string, key driver.Key) error {
	t, err := e.Store.Tombstone(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	f, err := e.Store.GetFlow(ctx, t.Account, t.Name)
	switch {
	case err == nil && f.ID == flowID:
		return e.Store.CancelDeletion(ctx, f, t)
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return err // the flow may exist: its deletion may have failed
	}
	if err := e.stopAll(ctx, flowID, t.ListShards); err != nil {
		return err
	}
	if t.Round == 0 {
		t.Round++
		return e.Store.PutTombstone(ctx, flowID, t, e.nowMillis()+purgeDelay.Milliseconds())
	}
	return e.Store.DeleteDefinitions(ctx, flowID)
}

// stopAll stops the running executions of a flow. An error says that some may still run.
func (e *Engine) stopAll(ctx context.Context, flowID string, shards int) error {
	cause := &flow.Error{Name: flow.ErrExecutionStopped, Cause: "the flow has been deleted"}
	running := func(s store.Summary) bool { return !s.Status.Final() }
	l := store.ListOptions{FlowID: flowID, Shards: shards, Limit: 100, Match: running}
	var failed error
	for {
		page, next, err := e.Store.List(ctx, l)
		if err != nil {
			return err
		}
		for _, s := range page {
			_, err := e.Stop(ctx, s.Partition, cause)
			if err != nil && !errors.Is(err, store.ErrNotFound) &&
				!errors.Is(err, ErrExecutionEnded) {
				failed = err
			}
		}
		if l.Before = next; next == "" {
			return failed
		}
	}
}
