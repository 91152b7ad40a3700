package engine

import (
	"context"
	"errors"
	"fmt"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// Report is the end of a task: canonical Output, or Error.
type Report struct {
	Output []byte
	Error  *flow.Error
	// Size is the size in bytes of the output as the caller sent it, if that is more than Output
	// has. If it exceeds the limit of the execution's dialect, the report is rejected for that
	// alone, and Output may be nil.
	Size int
}

// Report accepts a report of a task by its token and returns the id of the event that it wrote. The
// token is looked up among the flows of the account.
func (e *Engine) Report(ctx context.Context, account, token string, report Report) (int64, error) {
	return e.report(ctx, account, token, report, reportSource{})
}

// ReportAsyncResult accepts the result of a task's asynchronous call and returns the id of the
// event that it wrote. The output is the raw result of the task, as a call returns it: ResultBytes
// bounds it, and a longer one ends the execution. It is never rejected as too large, because no
// caller would read the rejection.
func (e *Engine) ReportAsyncResult(
	ctx context.Context, account, token string, outcome Report,
) (int64, error) {
	return e.report(ctx, account, token, outcome, reportSource{raw: true})
}

// reportSource describes the source of a report.
type reportSource struct {
	// mark identifies the report of an execution's end, which may be delivered again. 0: the report
	// is sent once.
	mark    uint64
	attempt int64 // that started the execution whose end is reported; 0: not known
	// timedOut: the execution whose end is reported has timed out. The error name of anybody else's
	// report is that person's own, even if it reads the same.
	timedOut bool
	raw      bool // the output is the raw result of the task
}

func (e *Engine) report(
	ctx context.Context, account, token string, report Report, by reportSource,
) (int64, error) {
	t, ok := interp.ParseToken(token)
	if !ok {
		return 0, ErrToken
	}
	f, err := e.Store.GetFlow(ctx, account, t.Flow)
	if errors.Is(err, store.ErrNotFound) {
		return 0, ErrNoFlow
	} else if err != nil {
		return 0, err
	}
	partition := store.Partition(f.ID, t.Execution)
	dialect, err := e.checkToken(ctx, partition, t)
	if err != nil {
		return 0, err
	}
	if limit := e.Limits.Data(dialect); !by.raw && max(len(report.Output), report.Size) > limit {
		if by.mark == 0 {
			return 0, &TooLargeError{limit}
		}
		// No caller could act on a rejection, and the task would wait for ever.
		report = tooLargeToReport(limit)
	}
	if by.timedOut {
		report.Error = interp.ChildTimedOut(dialect, report.Error)
	}
	n := interp.Message{Kind: interp.TaskReported, TokenID: t.ID,
		Output: report.Output, Error: report.Error, Mark: by.mark}
	if n.Mark == 0 {
		n.Mark = e.Store.Random(partition)
	} else if id, err := e.dedupeReport(ctx, partition, &n, by.attempt); err != nil {
		return 0, err
	} else if id > 0 {
		return id, nil
	}
	a, err := e.accept(ctx, partition, n)
	if err == ErrBusy {
		return 0, ErrTaskNotReady
	} else if err != nil {
		return 0, err
	}
	return a.stepReply.Event, reportError(a.stepReply.Rejection, by)
}

// reportError returns the error for the rejection of a report; nil: it was accepted.
func reportError(rejection interp.Rejection, by reportSource) error {
	switch rejection {
	case interp.AlreadyEnded:
		return ErrTaskEnded
	case interp.Superseded:
		if by.attempt != 0 {
			return ErrTaskEnded
		}
		return ErrTaskNotReady
	case interp.RetryLater:
		return ErrTaskNotReady
	case interp.NotWaiting:
		return ErrTaskNotWaiting
	}
	return nil
}

// dedupeReport directs the report of an execution's end to the attempt that started that execution,
// because the token of an entry names the attempts after it, too. If that attempt is not known, it
// directs the report to the attempt that is open now. If the report was accepted before, it returns
// the id of its event instead.
func (e *Engine) dedupeReport(
	ctx context.Context, partition string, n *interp.Message, attempt int64,
) (int64, error) {
	x, err := e.Load(ctx, partition)
	if err != nil || !interp.EntryTokens(x.Dialect) {
		return 0, err
	}
	if n.Attempt = attempt; attempt != 0 {
		return 0, nil
	}
	if x, err = e.Store.Load(ctx, partition); err != nil {
		return 0, err
	}
	s, err := e.decodeState(x)
	if err != nil {
		return 0, err
	}
	if id, ok := e.findMark(ctx, x, *n); ok {
		return id, nil
	}
	s.Bind(n)
	return 0, nil
}

// tooLargeToReport returns the report of an execution whose output is larger than the dialect of
// the waiting execution allows.
func tooLargeToReport(limit int) Report {
	return Report{Error: &flow.Error{Name: flow.ErrDataLimit,
		Cause: fmt.Sprintf("the output of the execution is longer than the %d bytes that may be "+
			"reported to this task", limit)}}
}

// checkToken verifies the token's MAC before any message is submitted, and returns the dialect of
// the token's execution.
func (e *Engine) checkToken(
	ctx context.Context, partition string, t interp.Token,
) (flow.Dialect, error) {
	x, err := e.Load(ctx, partition)
	if err != nil {
		return 0, err
	}
	s := interp.New(interp.Facts{Account: x.Account, FlowID: x.FlowID, Run: x.Run, Seed: x.Seed})
	if !s.Valid(t) {
		return 0, ErrToken
	}
	return x.Dialect, nil
}

// accept accepts a message from outside the engine: by a commit or, if too many commits ended in a
// conflict or with an unknown outcome, through the inbox. A commit that failed may have applied the
// message all the same; its mark shows that.
func (e *Engine) accept(ctx context.Context, partition string, n interp.Message) (reply, error) {
	it := &envelope{message: n}
	a, err := e.submitAndWait(ctx, partition, it)
	var contended *contentionError
	switch {
	case errors.As(err, &contended):
		return e.enqueueInboxEntry(ctx, partition, it.message)
	case err != nil:
		return reply{}, err
	}
	if a.mayBeCommitted && (a.stepReply.Rejection == interp.AlreadyEnded ||
		a.stepReply.Rejection == interp.Superseded) {
		if id, ok := e.findMark(ctx, a.x, it.message); ok {
			a.stepReply = interp.Reply{Event: id}
		}
	}
	return a, nil
}

// findMark looks for the event with the mark of the message. The event of a report follows the
// event that its token names. The event of a stop is the last one, or the last of an earlier life.
func (e *Engine) findMark(
	ctx context.Context, x *store.Execution, n interp.Message,
) (int64, bool) {
	from := x.LastEvent
	switch {
	case n.Kind == interp.TaskReported:
		from = n.TokenID + 1
	case n.Life > 0 && n.Life <= x.Redrive:
		from = n.After + 1
	}
	events, err := e.Store.Events(ctx, x, from, int(max(x.LastEvent-from+1, 0)))
	if err != nil {
		e.Log.Warn("history not read", "partition", x.Partition(), "err", err)
		return 0, false
	}
	for _, event := range events {
		if event.Mark == n.Mark {
			return event.ID, true
		}
	}
	return 0, false
}

// Stop ends a running execution and returns it as it ended. ErrExecutionEnded: it has ended before,
// as returned.
func (e *Engine) Stop(
	ctx context.Context, partition string, cause *flow.Error,
) (*store.Execution, error) {
	return e.stop(ctx, partition, 0, cause)
}

// stop is Stop for one life of the execution, from 1; 0: the present one.
func (e *Engine) stop(
	ctx context.Context, partition string, life int, cause *flow.Error,
) (*store.Execution, error) {
	n := interp.Message{
		Kind: interp.StopRequested, Error: cause, Mark: e.Store.Random(partition), Life: life}
	a, err := e.accept(ctx, partition, n)
	if err != nil {
		return nil, err
	}
	if a.stepReply.Rejection != interp.Accepted {
		return a.x, ErrExecutionEnded
	}
	return a.x, nil
}
