package engine

import (
	"context"
	"sync"

	"millrace/shared/store"
)

// quota counts the running executions of each account, for the limit of an exclusive engine. While
// CountRunning still searches for those that an earlier process started, some of them end: each
// must be counted and released once, or not at all.
type quota struct {
	mu       sync.Mutex
	running  map[string]int64
	starting map[string]int64 // starts in progress: each may become one more
	counted  map[string]bool  // by partition, what running includes; nil: all that run
	ended    map[string]bool  // ended while CountRunning searches; nil: it is done
}

func newQuota() *quota {
	return &quota{
		running: map[string]int64{}, starting: map[string]int64{},
		counted: map[string]bool{}, ended: map[string]bool{},
	}
}

// countStarted counts an execution that this process started.
func (c *quota) countStarted(account, partition string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running[account]++
	if c.counted != nil {
		c.counted[partition] = true
	}
}

// countExisting counts an execution that an earlier process started.
func (c *quota) countExisting(account, partition string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil || c.counted[partition] || c.ended[partition] {
		return
	}
	c.counted[partition] = true
	c.running[account]++
}

// release takes an execution that has ended out of the count.
func (c *quota) release(account, partition string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil {
		c.ended[partition] = true
	}
	if c.counted != nil && !c.counted[partition] {
		return
	}
	delete(c.counted, partition)
	c.running[account] = max(c.running[account]-1, 0)
}

// countingDone ends the search for existing executions. Without all, some may not have been found:
// quota then still remembers which ones it counted, because the end of an execution that was not
// counted must not make room for another.
func (c *quota) countingDone(all bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = nil
	if all {
		c.counted = nil
	}
}

// admit admits a start unless the account has as many executions as it may, including those that
// other starts may create. The start must call endStart when its result is known.
func (c *quota) admit(account string, most int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running[account]+c.starting[account] >= most {
		return false
	}
	c.starting[account]++
	return true
}

// endStart ends a start that was admitted. If it created an execution, that has been counted
// before.
func (c *quota) endStart(account string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.starting[account]--; c.starting[account] == 0 {
		delete(c.starting, account)
	}
}

// CountRunning counts the executions of a flow that an earlier process left running. An exclusive
// engine calls it once for each flow after its start, and then CountingDone.
func (r *Engine) CountRunning(ctx context.Context, account, flowID string) error {
	running := func(s store.Summary) bool { return !s.Status.Final() }
	l := store.ListOptions{FlowID: flowID, Limit: 200, Match: running}
	for {
		page, next, err := r.Store.List(ctx, l)
		if err != nil {
			return err
		}
		for _, s := range page {
			r.quota.countExisting(account, s.Partition)
		}
		if l.Before = next; next == "" {
			return nil
		}
	}
}

// CountingDone ends the counting. all says that CountRunning succeeded for every flow.
func (r *Engine) CountingDone(all bool) { r.quota.countingDone(all) }
