package runner

import (
	"context"

	"millrace/shared/interp"
	"millrace/shared/share"
	"millrace/shared/task"
)

// Shares divide between accounts what this process has only so much of. A nil pool does not.
type Shares struct {
	Polls   *share.Pool // requests that wait for the end of an execution
	Express *share.Pool // Express executions that are waited for
	Calls   *share.Pool // calls in flight, of which each may hold a connection
	// Processors are what executions are advanced by, in turns.
	Processors *share.Pool
}

// inTurn runs the interpreter when the account's turn for a processor has come. Every step has a
// bounded amount of work, so no account waits for long.
func (r *Runner) inTurn(ctx context.Context, account string, step func() interp.Effects) (interp.Effects, error) {
	if err := r.Shares.Processors.Acquire(ctx, account, 1); err != nil {
		return interp.Effects{}, err
	}
	defer r.Shares.Processors.Release(account, 1)
	return step(), nil
}

// inLine runs a task when the account may have one more call in flight. The time in line counts
// towards the task's timeout.
func (r *Runner) inLine(ctx context.Context, request task.Request) task.Result {
	if err := r.Shares.Calls.Acquire(ctx, request.Account, 1); err != nil {
		return task.Result{} // no caller waits any more: the call's time is over, or the runner closes
	}
	defer r.Shares.Calls.Release(request.Account, 1)
	return r.Tasks.Run(ctx, request)
}
