package runner

import "time"

// reviewAfter is how long a request that changes a flow may take from its first write to its last one: hours in a process
// that was frozen in between.
const reviewAfter = 24 * time.Hour

// ReviewAt is when the sweeper looks at a definition that is written now, ms since 1970: whether its flow names it.
func (r *Runner) ReviewAt() int64 {
	return r.nowMillis() + min(reviewAfter, r.Retention).Milliseconds()
}

// startMax is how long a start may be on its way after it has read which definition the flow has.
const startMax = time.Hour

// definitionEnd is until when a definition that no flow names now is kept, ms since 1970: executions of it can be asked for.
func (r *Runner) definitionEnd() int64 {
	longest := time.Duration(r.Limits.ExecutionSeconds) * time.Second
	return r.nowMillis() + (startMax + longest + r.Retention).Milliseconds()
}
