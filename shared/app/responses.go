package app

import (
	"context"

	"millrace/shared/flow"
	"millrace/shared/inflight"
	"millrace/shared/task"
	"millrace/shared/task/outbound"
	"millrace/shared/value"
)

// responseMax is how many bytes of an answer are read: those of the longest result, and a margin.
func responseMax(l flow.Limits) int64 { return int64(l.ResultBytes) + outbound.ResponseMargin }

// newResponses bounds the bytes of all answers by the memory of the process, in bytes.
func newResponses(memory int64, l flow.Limits, several bool) *inflight.Responses {
	return inflight.NewResponses(memory, value.MemoryDefault+2*responseMax(l), !several)
}

// limitResponses is next with the bytes of all answers bounded: a call whose answer finds no room
// waits for it, within its own timeout.
func limitResponses(next task.Runner, of *inflight.Responses) task.Runner {
	return &responseLimiter{next, of}
}

type responseLimiter struct {
	next task.Runner
	of   *inflight.Responses
}

func (b *responseLimiter) Run(ctx context.Context, r task.Request) (result task.Result) {
	ctx, answer := inflight.WithResponse(ctx, b.of, r.Account)
	panicked := true
	defer func() {
		if panicked {
			answer.Release()
		}
	}()
	result = b.next.Run(ctx, r)
	panicked, result.Release = false, answer.Release
	return result
}
