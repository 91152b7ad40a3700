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
func (r *Engine) Report(ctx context.Context, account, token string, report Report) (int64, error) {
	return r.report(ctx, account, token, report, reportSource{})
}

// ReportAsyncResult accepts the result of a task's asynchronous call and returns the id of the
// event that it wrote. The output is the raw result of the task, as a call returns it: ResultBytes
// bounds it, and a longer one ends the execution. It is never rejected as too large, because no
// caller would read the rejection.
func (r *Engine) ReportAsyncResult(
	ctx context.Context, account, token string, outcome Report,
) (int64, error) {
	return r.report(ctx, account, token, outcome, reportSource{raw: true})
}

// reportSource describes the source of a report.
type reportSource struct {
	// mark identifies the report of an execution's end, which may be delivered again. 0: the report
	// is sent once.
	mark    uint64
	attempt int64 // that started the execution whose end is reported; 0: not known
	raw     bool  // the output is the raw result of the task
}

func (r *Engine) report(
	ctx context.Context, account, token string, report Report, by reportSource,
) (int64, error) {
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
		// No caller could act on a rejection, and the task would wait for ever.
		report = tooLargeToReport(limit)
	}
	n := interp.Message{Kind: interp.TaskReported, TokenID: t.ID,
		Output: report.Output, Error: report.Error, Mark: by.mark}
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
			return 0, fault.New(fault.TaskAlreadyCompleted,
				"Task '%s' has already completed.", token)
		}
		fallthrough
	case interp.RetryLater:
		return 0, fault.New(fault.TaskInvalidState, "Task is in an invalid state, please retry.")
	case interp.NotWaiting:
		return 0, fault.New(fault.InvalidArgument, "The task of this token does not wait "+
			"for a report: its TaskMode or pattern is not a callback one.")
	}
	return a.stepReply.Event, nil
}

// dedupeReport directs the report of an execution's end to the attempt that started that execution,
// because a FlowV1 token names the attempts after it, too. If that attempt is not known, it directs
// the report to the attempt that is open now. If the report was accepted before, it returns the id
// of its event instead.
func (r *Engine) dedupeReport(
	ctx context.Context, partition string, n *interp.Message, attempt int64,
) (int64, error) {
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

// tooLargeToReport returns the report of an execution whose output is larger than the dialect of
// the waiting execution allows.
func tooLargeToReport(limit int) Report {
	return Report{Error: &flow.Error{Name: flow.ErrDataLimit,
		Cause: fmt.Sprintf("the output of the execution is longer than the %d bytes that may be "+
			"reported to this task", limit)}}
}

// checkToken verifies the token's MAC before any message is submitted, and returns the dialect of
// the token's execution.
func (r *Engine) checkToken(
	ctx context.Context, partition string, t interp.Token,
) (flow.Language, error) {
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

// accept accepts a message from outside the engine: by a commit or, if too many commits ended in a
// conflict or with an unknown outcome, through the inbox. A commit that failed may have applied the
// message all the same; its mark shows that.
func (r *Engine) accept(ctx context.Context, partition string, n interp.Message) (reply, error) {
	it := &envelope{message: n}
	a, err := r.submitAndWait(ctx, partition, it)
	var contended *contentionError
	switch {
	case errors.As(err, &contended):
		return r.enqueueInboxEntry(ctx, partition, it.message)
	case err != nil:
		return reply{}, err
	}
	if a.mayBeCommitted && (a.stepReply.Rejection == interp.AlreadyEnded ||
		a.stepReply.Rejection == interp.Superseded) {
		if id, ok := r.findMark(ctx, a.x, n); ok {
			a.stepReply = interp.Reply{Event: id}
		}
	}
	return a, nil
}

// errBusy says that conflicting writes kept the message from being accepted in time. The caller
// should retry.
var errBusy = fault.New(fault.ConcurrentUpdateError, "Update conflict, please retry.")

// findMark looks for the event with the mark of the message. The event of a report follows the
// event that its token names; the event of a stop is the last one.
func (r *Engine) findMark(
	ctx context.Context, x *store.Execution, n interp.Message,
) (int64, bool) {
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

// Stop ends a running execution and returns it as it ended. ExecutionAlreadyCompleted: it has ended
// before.
func (r *Engine) Stop(
	ctx context.Context, partition string, cause *flow.Error,
) (*store.Execution, error) {
	_, name, _ := store.ParsePartition(partition)
	n := interp.Message{
		Kind: interp.StopRequested, Error: cause, Mark: r.Store.Random(partition)}
	a, err := r.accept(ctx, partition, n)
	if err != nil {
		return nil, err
	}
	if a.stepReply.Rejection != interp.Accepted {
		return a.x, fault.New(fault.ExecutionAlreadyCompleted,
			"Execution '%s' for flow '%s' has already completed.", name, a.x.Flow)
	}
	return a.x, nil
}
