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

// newAnswers bounds the bytes of all answers by the memory of the process, in bytes.
func newAnswers(memory int64, l flow.Limits, several bool) *inflight.Answers {
	return inflight.NewAnswers(memory, value.MemoryDefault+2*responseMax(l), !several)
}

// boundedTasks is next with the bytes of all answers bounded: a call whose answer finds no room
// waits for it, within its own timeout.
func boundedTasks(next task.Runner, of *inflight.Answers) task.Runner {
	return &boundedRunner{next, of}
}

type boundedRunner struct {
	next task.Runner
	of   *inflight.Answers
}

func (b *boundedRunner) Run(ctx context.Context, r task.Request) (result task.Result) {
	ctx, answer := inflight.WithAnswer(ctx, b.of, r.Account)
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
