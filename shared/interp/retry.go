package interp

import (
	"math"

	"millrace/shared/flow"
)

// retryRule returns the first rule that matches the entry's error, if it has retries left;
// otherwise -1.
func (f *stepper) retryRule(e *entry, st *flow.State) int {
	if e.permanent {
		return -1
	}
	return f.d.errors.retryRule(st, e.retriesByRule, e.failure.Name)
}

// retryRule returns the first rule of a state that matches an error, if it has retries left;
// otherwise -1. retries are the retries so far by rule; nil if there was none.
func (n *errorNames) retryRule(st *flow.State, retries []int, name string) int {
	for i := range st.Retry {
		if n.matches(st.Retry[i].Errors, name) {
			used := 0
			if retries != nil {
				used = retries[i]
			}
			if used < st.Retry[i].AttemptsMax {
				return i
			}
			return -1
		}
	}
	return -1
}

// retry sets the timer of the next attempt.
func (f *stepper) retry(e *entry, st *flow.State, rule int) {
	if e.retriesByRule == nil {
		e.retriesByRule = make([]int, len(st.Retry))
	}
	e.retriesByRule[rule]++
	e.retries++
	delay := RetryDelay(&st.Retry[rule], e.retriesByRule[rule])
	e.failure, e.timeout, e.result = nil, false, nil
	e.results, e.items, e.storedItems, e.blocks, e.running = nil, nil, nil, nil, nil
	e.total, e.cursor, e.pending = 0, 0, 0
	e.left, e.leftRun, e.resumed = nil, nil, false
	if delay == 0 {
		e.phase = beginning
		return
	}
	e.due, e.phase = f.clock+delay, backingOff
}

// RetryDelay returns the delay before the n-th retry of a rule (from 1), ms. Neither dialect rounds
// to seconds.
func RetryDelay(r *flow.Retry, n int) int64 {
	delay := float64(r.Interval)
	for i := 1; i < n && delay < float64(r.IntervalMax) && delay > 0; i++ {
		delay *= r.Rate
	}
	return int64(math.Round(min(delay, float64(r.IntervalMax)) * 1000))
}

// NextRetry returns how long after the failure of an attempt, in ms, a state is attempted again,
// and counts that retry in retries, which has an element for each rule of the state. It returns
// false if no rule retries the error.
func NextRetry(d flow.Dialect, st *flow.State, retries []int, name string) (delay int64, ok bool) {
	rule := dialectOf(d).errors.retryRule(st, retries, name)
	if rule < 0 {
		return 0, false
	}
	retries[rule]++
	return RetryDelay(&st.Retry[rule], retries[rule]), true
}

// matches reports whether a rule's list contains an error name.
func (f *stepper) matches(names []string, name string) bool {
	return f.d.errors.matches(names, name)
}

// matches reports whether a rule's list contains an error name.
func (n *errorNames) matches(names []string, name string) bool {
	for _, rule := range names {
		if n.match(rule, name) {
			return true
		}
	}
	return false
}
