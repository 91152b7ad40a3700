package engine

import (
	"context"
	"errors"
	"fmt"

	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// Report is the end of a task as somebody tells it: canonical Output, or Error.
type Report struct {
	Output []byte
	Error  *flow.Error
	// Size is how many bytes the output had as it was given, if that is more than Output has. A
	// report that is larger than the language of the execution allows is refused by it alone: then
	// Output may be nil.
	Size int
}

// Report accepts the report of a task by token and gives the id of the event written. The token is resolved among
// the flows of the account.
func (r *Engine) Report(ctx context.Context, account, token string, report Report) (int64, error) {
	return r.report(ctx, account, token, report, reportSource{})
}

// ReportAsyncResult accepts how the asynchronous call of a task has ended, and gives the id of the event written. Its output is the
// raw result of the task, as what a call answers is: ResultBytes bounds it, and one that is longer ends the execution. It
// cannot be refused as too large, because nobody reads a refusal.
func (r *Engine) ReportAsyncResult(ctx context.Context, account, token string, outcome Report) (int64, error) {
	return r.report(ctx, account, token, outcome, reportSource{raw: true})
}

// reportSource is what is known of the source of a report.
type reportSource struct {
	mark    uint64 // of the report, each time the same: an execution may report its end again; 0: it comes once
	attempt int64  // that started the execution that reports its end; 0: not known
	raw     bool   // the output is the raw result of the task
}

func (r *Engine) report(ctx context.Context, account, token string, report Report, by reportSource) (int64, error) {
	t, ok := interp.ParseToken(token)
	if !ok {
		return 0, fault.New(fault.InvalidArgument, "The task token is invalid.")
	}
	f, err := r.Store.GetFlow(ctx, account, t.Flow)
	if errors.Is(err, store.ErrNotFound) {
		return 0, fault.New(fault.FlowNotExists, "Flow '%s' does not exist.", t.Flow)
	} else if err != nil {
		return 0, fault.Internal(err)
	}
	partition := store.Partition(f.ID, t.Execution)
	lang, err := r.checkToken(ctx, partition, t)
	if err != nil {
		return 0, err
	}
	if limit := r.Limits.Data(lang); !by.raw && max(len(report.Output), report.Size) > limit {
		if by.mark == 0 {
			return 0, fault.TooLarge(limit)
		}
		report = tooLargeToReport(limit) // no caller could act on a refusal, and the task would wait for ever
	}
	n := interp.Message{Kind: interp.TaskReported, TokenID: t.ID, Output: report.Output, Error: report.Error, Mark: by.mark}
	if n.Mark == 0 {
		n.Mark = r.Store.Random(partition)
	} else if id, err := r.dedupeReport(ctx, partition, &n, by.attempt); err != nil {
		return 0, notFound(err, t.Flow, t.Execution)
	} else if id > 0 {
		return id, nil
	}
	a, err := r.accept(ctx, partition, n)
	if err == errBusy {
		return 0, fault.New(fault.TaskInvalidState, "Task is in an invalid state, please retry.")
	} else if err != nil {
		return 0, notFound(err, t.Flow, t.Execution)
	}
	switch a.stepReply.Rejection {
	case interp.AlreadyEnded:
		return 0, fault.New(fault.TaskAlreadyCompleted, "Task '%s' has already completed.", token)
	case interp.Superseded:
		if by.attempt != 0 {
			return 0, fault.New(fault.TaskAlreadyCompleted, "Task '%s' has already completed.", token)
		}
		fallthrough
	case interp.RetryLater:
		return 0, fault.New(fault.TaskInvalidState, "Task is in an invalid state, please retry.")
	case interp.NotWaiting:
		return 0, fault.New(fault.InvalidArgument, "The task of this token does not wait for a report: its TaskMode or pattern is not a callback one.")
	}
	return a.stepReply.Event, nil
}

// dedupeReport makes the report of an execution's end one for the attempt that the execution was started by, since a token of
// the older language names the attempts that follow as well. Where that is not known it makes it one for the attempt that
// is open now, unless the report has been brought before: then it gives the event.
func (r *Engine) dedupeReport(ctx context.Context, partition string, n *interp.Message, attempt int64) (int64, error) {
	x, err := r.Load(ctx, partition)
	if err != nil || x.Language != flow.FlowV1 {
		return 0, err
	}
	if n.Attempt = attempt; attempt != 0 {
		return 0, nil
	}
	if x, err = r.Store.Load(ctx, partition); err != nil {
		return 0, err
	}
	s, err := r.decodeState(x)
	if err != nil {
		return 0, err
	}
	if id, ok := r.findMark(ctx, x, *n); ok {
		return id, nil
	}
	s.ResolveAttempt(n)
	return 0, nil
}

// tooLargeToReport is the report of an execution whose output is larger than the language of the
// waiting one allows.
func tooLargeToReport(limit int) Report {
	return Report{Error: &flow.Error{Name: flow.ErrDataLimit,
		Cause: fmt.Sprintf("the output of the execution is longer than the %d bytes that may be "+
			"reported to this task", limit)}}
}

// checkToken verifies the token's MAC before anything is folded, and returns the language of its
// execution.
func (r *Engine) checkToken(ctx context.Context, partition string, t interp.Token) (flow.Language, error) {
	x, err := r.Load(ctx, partition)
	if err != nil {
		return 0, notFound(err, t.Flow, t.Execution)
	}
	s := interp.New(interp.Facts{Account: x.Account, FlowID: x.FlowID, Run: x.Run, Seed: x.Seed})
	if !s.Valid(t) {
		return 0, fault.New(fault.InvalidArgument, "The task token is invalid.")
	}
	return x.Language, nil
}

// accept brings news in: by a commit of its own, and when that has been lost or its outcome is not known as often as it
// is tried, by the inbox. News that a commit of unknown outcome, or one that seemed lost, has taken in is known again by
// its mark.
func (r *Engine) accept(ctx context.Context, partition string, n interp.Message) (reply, error) {
	it := &envelope{message: n}
	a, err := r.submitAndWait(ctx, partition, it)
	var outrun *contentionError
	switch {
	case errors.As(err, &outrun):
		return r.enqueueInboxEntry(ctx, partition, it.message)
	case err != nil:
		return reply{}, err
	}
	if (a.stepReply.Rejection == interp.AlreadyEnded || a.stepReply.Rejection == interp.Superseded) && a.mayBeCommitted {
		if id, ok := r.findMark(ctx, a.x, n); ok {
			a.stepReply = interp.Reply{Event: id}
		}
	}
	return a, nil
}

// errBusy says that others have changed the execution each time that news was to be taken in: try again.
var errBusy = fault.New(fault.ConcurrentUpdateError, "Update conflict, please retry.")

// findMark looks for the event that the news' mark stands in. A report's stands behind the event that its token names, a
// stop's is the last one.
func (r *Engine) findMark(ctx context.Context, x *store.Execution, n interp.Message) (int64, bool) {
	from := x.LastEvent
	if n.Kind == interp.TaskReported {
		from = n.TokenID + 1
	}
	events, err := r.Store.Events(ctx, x, from, int(max(x.LastEvent-from+1, 0)))
	if err != nil {
		r.Log.Warn("history not read", "partition", x.Partition(), "err", err)
		return 0, false
	}
	for _, e := range events {
		if e.Mark == n.Mark {
			return e.ID, true
		}
	}
	return 0, false
}

// Stop ends a running execution and gives it as it stands then. ExecutionAlreadyCompleted when it has ended.
func (r *Engine) Stop(ctx context.Context, partition string, cause *flow.Error) (*store.Execution, error) {
	_, name, _ := store.ParsePartition(partition)
	a, err := r.accept(ctx, partition, interp.Message{Kind: interp.StopRequested, Error: cause, Mark: r.Store.Random(partition)})
	if err != nil {
		return nil, err
	}
	if a.stepReply.Rejection != interp.Accepted {
		return a.x, fault.New(fault.ExecutionAlreadyCompleted, "Execution '%s' for flow '%s' has already completed.", name, a.x.Flow)
	}
	return a.x, nil
}
