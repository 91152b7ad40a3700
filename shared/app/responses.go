package app

import (
	"context"

	"millrace/shared/flow"
	"millrace/shared/inflight"
	"millrace/shared/task"
	"millrace/shared/task/outbound"
	"millrace/shared/value"
)

// responseMax returns how many bytes of a response are read: the longest result plus a margin.
func responseMax(l flow.Limits) int64 { return int64(l.ResultBytes) + outbound.ResponseMargin }

// newResponses returns the budget of all response bytes in a process with so many bytes of memory.
func newResponses(memory int64, l flow.Limits, several bool) *inflight.Responses {
	return inflight.NewResponses(memory, value.MemoryDefault+2*responseMax(l), !several)
}

// limitResponses bounds the bytes of all responses of next. A call whose response does not fit
// waits for space, within its own timeout.
func limitResponses(next task.Runner, responses *inflight.Responses) task.Runner {
	return &responseLimiter{next, responses}
}

type responseLimiter struct {
	next      task.Runner
	responses *inflight.Responses
}

func (b *responseLimiter) Run(ctx context.Context, r task.Request) (result task.Result) {
	ctx, response := inflight.WithResponse(ctx, b.responses, r.Account)
	panicked := true
	defer func() {
		if panicked {
			response.Release()
		}
	}()
	result = b.next.Run(ctx, r)
	panicked, result.Release = false, response.Release
	return result
}
