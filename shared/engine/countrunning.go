package engine

import (
	"context"

	"millrace/shared/store"
)

// CountRunning counts the executions of a flow that an earlier process left running. An
// engine that owns its store calls it once for each flow after its start, and then CountingDone.
func (e *Engine) CountRunning(ctx context.Context, f *store.Flow) error {
	running := func(s store.Summary) bool { return !s.Status.Final() }
	l := store.ListOptions{FlowID: f.ID, Shards: f.ListShards, Limit: 200, Match: running}
	for {
		page, next, err := e.Store.List(ctx, l)
		if err != nil {
			return err
		}
		for _, s := range page {
			e.quota.CountExisting(f.Account, s.Partition)
		}
		if l.Before = next; next == "" {
			return nil
		}
	}
}

// CountingDone ends the counting. all says that CountRunning succeeded for every flow.
func (e *Engine) CountingDone(all bool) { e.quota.CountingDone(all) }
