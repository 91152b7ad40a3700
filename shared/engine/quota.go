package engine

import (
	"context"
	"sync"

	"millrace/shared/store"
)

// quota counts running executions by account, for the limit of an exclusive runner. While those of an earlier
// process are still being found, some of them end: each is to be counted and discounted once, or not at all.
type quota struct {
	mu       sync.Mutex
	running  map[string]int64
	starting map[string]int64 // starts under way, of which each may be one more
	counted  map[string]bool  // those that n has, by partition; nil once it has all that run
	ended    map[string]bool  // ended before they were found; nil when no more will be
}

func newQuota() *quota {
	return &quota{running: map[string]int64{}, starting: map[string]int64{}, counted: map[string]bool{}, ended: map[string]bool{}}
}

// countStarted counts an execution that this process has started.
func (c *quota) countStarted(account, partition string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running[account]++
	if c.counted != nil {
		c.counted[partition] = true
	}
}

// countExisting counts one that an earlier process has started.
func (c *quota) countExisting(account, partition string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil || c.counted[partition] || c.ended[partition] {
		return
	}
	c.counted[partition] = true
	c.running[account]++
}

// release discounts one that has ended.
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

// countingDone ends the finding. When some may not have been found, those that were counted are still told
// apart: the end of one that was not must not make room for another.
func (c *quota) countingDone(all bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = nil
	if all {
		c.counted = nil
	}
}

// admit lets a start begin unless the account has as many executions as it may, those that other
// starts may be about to bring included. The start calls leave when its result is known.
func (c *quota) admit(account string, most int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running[account]+c.starting[account] >= most {
		return false
	}
	c.starting[account]++
	return true
}

// endStart ends a start that was admitted. An execution that it has started has been counted before.
func (c *quota) endStart(account string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.starting[account]--; c.starting[account] == 0 {
		delete(c.starting, account)
	}
}

// CountRunning counts the executions of a flow that an earlier process has left running, once, at the start of an exclusive
// runner. CountingDone ends the counting.
func (r *Engine) CountRunning(ctx context.Context, account, flowID string) error {
	l := store.ListOptions{FlowID: flowID, Limit: 200, Match: func(s store.Summary) bool { return !s.Status.Final() }}
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

// CountingDone says that no flow will be counted any more; all: each has been.
func (r *Engine) CountingDone(all bool) { r.quota.countingDone(all) }
