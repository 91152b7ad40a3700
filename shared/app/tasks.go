package app

import (
	"context"

	"millrace/shared/flow"
	"millrace/shared/httpclient"
	"millrace/shared/inflight"
	"millrace/shared/task"
	"millrace/shared/value"
)

// ResponseMax returns how many bytes of a response are read: the longest result plus a margin.
func ResponseMax(l flow.Limits) int64 { return int64(l.ResultBytes) + httpclient.ResponseMargin }

// NewResponses returns the budget of all response bytes in a process with so many bytes of memory.
func NewResponses(memory int64, l flow.Limits, several bool) *inflight.Responses {
	return inflight.NewResponses(memory, value.MemoryDefault+2*ResponseMax(l), !several)
}

// LimitResponses bounds the bytes of all responses of next. A call whose response does not fit
// waits for space, within its own timeout.
func LimitResponses(next task.Runner, responses *inflight.Responses) task.Runner {
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

// TaskOverride maps every action to one address.
func TaskOverride(address string) []task.Mapping {
	return []task.Mapping{{
		Match: "*",
		HTTP:  address,
	}}
}
