package engine

import "time"

// collectDelay is the longest time between the first and the last write of a request that changes a
// flow: hours if its process was frozen in between.
const collectDelay = 24 * time.Hour

// CollectDefinitionAt returns when the sweeper must check whether a flow still names a definition
// that is written now, in ms since 1970.
func (e *Engine) CollectDefinitionAt() int64 {
	return e.nowMillis() + min(collectDelay, e.Retention).Milliseconds()
}

// startTimeMax is how long after reading the flow's definition a start may still claim its name.
const startTimeMax = time.Hour

// definitionExpiry returns until when a definition that no flow names any more is kept, in ms since
// 1970: executions that run it can be described until then.
func (e *Engine) definitionExpiry() int64 {
	longest := time.Duration(e.Limits.ExecutionSeconds) * time.Second
	return e.nowMillis() + (startTimeMax + longest + e.Retention).Milliseconds()
}
