package runner

import (
	"context"
	"sync"

	"millrace/shared/store"
)

// census counts running executions by account, for the limit of an exclusive runner. While those of an earlier
// process are still being found, some of them end: each is to be counted and discounted once, or not at all.
type census struct {
	mu      sync.Mutex
	n       map[string]int64
	coming  map[string]int64 // starts under way, of which each may be one more
	counted map[string]bool  // those that n has, by partition; nil once it has all that run
	ended   map[string]bool  // ended before they were found; nil when no more will be
}

func newCensus() *census {
	return &census{n: map[string]int64{}, coming: map[string]int64{}, counted: map[string]bool{}, ended: map[string]bool{}}
}

// began counts an execution that this process has started.
func (c *census) began(account, partition string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[account]++
	if c.counted != nil {
		c.counted[partition] = true
	}
}

// found counts one that an earlier process has started.
func (c *census) found(account, partition string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil || c.counted[partition] || c.ended[partition] {
		return
	}
	c.counted[partition] = true
	c.n[account]++
}

// over discounts one that has ended.
func (c *census) over(account, partition string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil {
		c.ended[partition] = true
	}
	if c.counted != nil && !c.counted[partition] {
		return
	}
	delete(c.counted, partition)
	c.n[account] = max(c.n[account]-1, 0)
}

// done ends the finding. When some may not have been found, those that were counted are still told
// apart: the end of one that was not must not make room for another.
func (c *census) done(all bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = nil
	if all {
		c.counted = nil
	}
}

// admit lets a start begin unless the account has as many executions as it may, those that other
// starts may be about to bring included. The start calls leave when its result is known.
func (c *census) admit(account string, most int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n[account]+c.coming[account] >= most {
		return false
	}
	c.coming[account]++
	return true
}

// leave ends a start that was admitted. An execution that it has started has been counted before.
func (c *census) leave(account string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.coming[account]--; c.coming[account] == 0 {
		delete(c.coming, account)
	}
}

// Census counts the executions of a flow that an earlier process has left running, once, at the start of an exclusive
// runner. CensusDone ends the counting.
func (r *Runner) Census(ctx context.Context, account, flowID string) error {
	l := store.Listing{FlowID: flowID, Limit: 200, Match: func(s store.Summary) bool { return !s.Status.Final() }}
	for {
		page, next, err := r.Store.List(ctx, l)
		if err != nil {
			return err
		}
		for _, s := range page {
			r.running.found(account, s.Partition)
		}
		if l.Before = next; next == "" {
			return nil
		}
	}
}

// CensusDone says that no flow will be counted any more; all: each has been.
func (r *Runner) CensusDone(all bool) { r.running.done(all) }
