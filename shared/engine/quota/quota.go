// Package quota counts running executions, for the limit of an account.
package quota

import "sync"

// Quota counts the running executions of each account. While the process still searches for those
// that an earlier process started, some of them end: each must be counted and released once, or not
// at all. It is safe for many goroutines.
type Quota struct {
	max      int64 // of an account; 0: no bound, and nothing is counted
	mu       sync.Mutex
	running  map[string]int64
	starting map[string]int64 // starts in progress: each may become one more
	counted  map[string]bool  // by partition, what running includes; nil: all that run
	ended    map[string]bool  // ended while CountRunning searches; nil: it is done
}

// New returns a Quota of max running executions an account; 0: no bound. It expects CountExisting
// and CountingDone.
func New(max int64) *Quota {
	return &Quota{max: max,
		running: map[string]int64{}, starting: map[string]int64{},
		counted: map[string]bool{}, ended: map[string]bool{},
	}
}

// CountStarted counts an execution that this process started.
func (q *Quota) CountStarted(account, partition string) {
	if q.max == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running[account]++
	if q.counted != nil {
		q.counted[partition] = true
	}
}

// CountExisting counts an execution that an earlier process started.
func (q *Quota) CountExisting(account, partition string) {
	if q.max == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended == nil || q.counted[partition] || q.ended[partition] {
		return
	}
	q.counted[partition] = true
	q.running[account]++
}

// Release takes an execution that has ended out of the count.
func (q *Quota) Release(account, partition string) {
	if q.max == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended != nil {
		q.ended[partition] = true
	}
	if q.counted != nil && !q.counted[partition] {
		return
	}
	delete(q.counted, partition)
	q.running[account] = max(q.running[account]-1, 0)
}

// CountingDone ends the search for existing executions. Without all, some may not have been found:
// quota then still remembers which ones it counted, because the end of an execution that was not
// counted must not make room for another.
func (q *Quota) CountingDone(all bool) {
	if q.max == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = nil
	if all {
		q.counted = nil
	}
}

// Admit admits a start unless the account has as many executions as it may, including those that
// other starts may create. The start must call EndStart when its result is known.
func (q *Quota) Admit(account string) bool {
	if q.max == 0 {
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running[account]+q.starting[account] >= q.max {
		return false
	}
	q.starting[account]++
	return true
}

// EndStart ends a start that was admitted. If it created an execution, that has been counted
// before.
func (q *Quota) EndStart(account string) {
	if q.max == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.starting[account]--; q.starting[account] == 0 {
		delete(q.starting, account)
	}
}
