package engine

import "time"

// collectDelay is how long a request that changes a flow may take from its first write to its last one: hours in a process
// that was frozen in between.
const collectDelay = 24 * time.Hour

// CollectDefinitionAt is when the sweeper looks at a definition that is written now, ms since 1970: whether its flow names it.
func (r *Engine) CollectDefinitionAt() int64 {
	return r.nowMillis() + min(collectDelay, r.Retention).Milliseconds()
}

// startTimeMax is how long a start may be on its way after it has read which definition the flow has.
const startTimeMax = time.Hour

// definitionExpiry is until when a definition that no flow names now is kept, ms since 1970: executions of it can be asked for.
func (r *Engine) definitionExpiry() int64 {
	longest := time.Duration(r.Limits.ExecutionSeconds) * time.Second
	return r.nowMillis() + (startTimeMax + longest + r.Retention).Milliseconds()
}
