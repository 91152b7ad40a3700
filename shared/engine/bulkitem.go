package engine

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"millrace/shared/access"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/value"
)

// actOnItem acts on one execution of a batch, and writes the result down. If there is a result, it
// returns that. After an error it is not known whether the execution was acted on: acting again
// does the same thing once.
func (e *Engine) actOnItem(
	ctx context.Context, f *store.Flow, b *store.BulkOperation, item store.BulkItem,
) (*store.BulkResult, error) {
	r, err := e.Store.GetBulkResult(ctx, b.Key(), item.Name)
	if err == nil || !errors.Is(err, store.ErrNotFound) {
		return r, err
	}
	r = &store.BulkResult{Name: item.Name, Run: item.Run}
	rejected, err := e.bulkAction(ctx, f, b, item, r)
	if err != nil {
		return nil, err
	}
	if rejected != nil {
		r.Code, r.Message = rejected.code, rejected.message
	}
	r.Time = e.nowMillis()
	err = e.Store.PutBulkResult(ctx, b.Key(), r)
	if !errors.Is(err, store.ErrConflict) {
		return r, err
	}
	return e.settleBulkResult(ctx, b, r)
}

// settleBulkResult returns the result that two processes have found for an execution: if either of
// them was accepted, that counts.
func (e *Engine) settleBulkResult(
	ctx context.Context, b *store.BulkOperation, own *store.BulkResult,
) (*store.BulkResult, error) {
	stored, err := e.Store.GetBulkResult(ctx, b.Key(), own.Name)
	if err != nil || stored.Code == "" || own.Code != "" {
		return stored, err
	}
	own.Version = stored.Version
	return own, e.Store.PutBulkResult(ctx, b.Key(), own)
}

// rejection says why an operation is not accepted for an execution, and never will be. code is one
// of the API's (docs/api.md#errors).
type rejection struct{ code, message string }

func reject(code, format string, args ...any) *rejection {
	return &rejection{code, fmt.Sprintf(format, args...)}
}

// rejectLimit is for an operation that has been stopped: others wait until there is room.
func rejectLimit() *rejection {
	return reject("ResourceThrottled", "The account runs as many executions as it may.")
}

// rejectDamaged is for an execution that cannot be read: an earlier try whose result was lost may
// have acted on it.
func rejectDamaged() *rejection {
	return reject("InternalServerError", "Its rows are damaged, so it is not known whether it was "+
		"acted on.")
}

// bulkAction applies the operation to one execution. An error says that it should be tried again.
func (e *Engine) bulkAction(
	ctx context.Context, f *store.Flow, b *store.BulkOperation, item store.BulkItem,
	r *store.BulkResult,
) (*rejection, error) {
	if e.Rights != nil {
		if denied := e.authorize(b.Account, "", b.Author, "fnf:"+b.Operation,
			access.FlowARN(e.Region, b.Account, b.Flow)); denied != nil {
			return reject("AccessDenied", "%v", denied), nil
		}
	}
	missing := reject("ExecutionNotExists", "Execution '%s' for flow '%s' does not exist.", item.Name,
		b.Flow)
	if item.Run == 0 {
		return missing, nil
	}
	x, err := e.Store.Load(ctx, store.Partition(b.FlowID, item.Name))
	if left := store.Deleted(err); left != nil && b.Operation == "DeleteExecution" {
		x, err = left, nil // an earlier try may have deleted it
	}
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && x.Run != item.Run:
		return missing, nil
	case store.IsDamaged(err):
		return rejectDamaged(), nil
	case err != nil:
		return nil, err
	}
	switch b.Operation {
	case "StopExecution":
		return e.stopInBulk(ctx, b, item, x, r)
	case "StartExecution":
		return e.startInBulk(ctx, f, b, x, r)
	case "RedriveExecution":
		return e.redriveInBulk(ctx, b, x, item)
	case "DeleteExecution":
		return e.deleteInBulk(ctx, b, x, r)
	}
	return reject("InvalidArgument", "This program knows no bulk operation %s.",
		b.Operation), nil
}

// stopInBulk stops an execution. The mark of the stop follows from the operation and the run, so a
// repeat finds that it has stopped the execution before.
func (e *Engine) stopInBulk(
	ctx context.Context, b *store.BulkOperation, item store.BulkItem, x *store.Execution,
	r *store.BulkResult,
) (*rejection, error) {
	n := interp.Message{Kind: interp.StopRequested, Mark: bulkMark(b, x.Run),
		Error: &flow.Error{Name: "Stopped", Cause: b.Reason}}
	if !x.Status.Final() && x.Redrive == item.Redrive {
		a, err := e.accept(ctx, x.Partition(), n)
		if errors.Is(err, ErrNoExecution) {
			return reject("ExecutionNotExists", "It was deleted."), nil
		} else if err != nil {
			return nil, err
		}
		x = a.x
		if a.stepReply.Rejection == interp.Accepted {
			r.Status = flow.Stopped
			return nil, nil
		}
	}
	if _, own := e.findMark(ctx, x, n); own {
		r.Status = flow.Stopped
		return nil, nil
	}
	return reject("ExecutionAlreadyCompleted",
		"Execution '%s' for flow '%s' has already completed.", x.Name, b.Flow), nil
}

// bulkMark identifies what an operation does to one life of an execution.
func bulkMark(b *store.BulkOperation, run uint64) uint64 {
	sum := sha256.Sum256([]byte("bulk#" + b.ID + "#" + strconv.FormatUint(run, 16)))
	return binary.BigEndian.Uint64(sum[:]) | 1 // 0 would be no mark
}

// startInBulk starts the flow again with the input of an execution. The name of the new one follows
// from the operation and the run, so a repeat finds it. Hidden values stay hidden from all but the
// key that gave them.
func (e *Engine) startInBulk(
	ctx context.Context, f *store.Flow, b *store.BulkOperation, x *store.Execution,
	r *store.BulkResult,
) (*rejection, error) {
	if !x.Status.Final() {
		return reject("InvalidArgument", "Execution '%s' for flow '%s' is running.", x.Name,
			b.Flow), nil
	}
	input, err := e.Store.InputText(ctx, x)
	if store.IsDamaged(err) {
		return rejectDamaged(), nil
	} else if err != nil {
		return nil, err
	}
	start := Start{Name: bulkStartName(b, x), Input: input, Qualifier: x.Qualifier,
		StartedBy: x.StartedBy, Origin: fmt.Sprintf("bulk#%s#%016x", b.ID, x.Run)}
	if start.Canonical = []byte("{}"); len(input) > 0 {
		if start.Canonical, err = value.Canonical(input); err != nil {
			return reject("InvalidArgument", "Its input is no JSON object."), nil
		}
	}
	started, created, err := e.startQualified(ctx, f, &start)
	var unqualified *store.NoQualifierError
	var large *TooLargeError
	switch {
	case errors.As(err, &unqualified):
		return reject("InvalidArgument", "The version or alias %s is gone.",
			x.Qualifier), nil
	case errors.As(err, &large):
		return reject("EntityTooLarge", "Its input has more than %d bytes.", large.Limit), nil
	case errors.Is(err, ErrExecutionsLimit) && b.StopRequested:
		return rejectLimit(), nil
	case err != nil:
		return nil, err
	case !created:
		return reject("ExecutionAlreadyExists",
			"Execution '%s' for flow '%s' already exists.", start.Name, b.Flow), nil
	}
	r.Target = started.Name
	return nil, nil
}

// redriveInBulk redrives an execution. The number of its redrives was decided with it, so a repeat
// changes nothing.
func (e *Engine) redriveInBulk(
	ctx context.Context, b *store.BulkOperation, x *store.Execution, item store.BulkItem,
) (*rejection, error) {
	_, err := e.Redrive(ctx, x.Partition(), item.Redrive)
	var not *NotRedrivableError
	switch {
	case errors.Is(err, store.ErrNotFound):
		return reject("ExecutionNotExists", "It was deleted."), nil
	case errors.Is(err, ErrNotEnded):
		return reject("ExecutionNotRedrivable", "It is running."), nil
	case errors.As(err, &not):
		return reject("ExecutionNotRedrivable", "It cannot be redriven: %s.", not.Reason), nil
	case errors.Is(err, ErrExecutionsLimit) && b.StopRequested:
		return rejectLimit(), nil
	}
	return nil, err
}

// deleteInBulk deletes an execution. One that was deleted since it was decided on is accepted: a try
// of the operation whose result was lost may have deleted it.
func (e *Engine) deleteInBulk(
	ctx context.Context, b *store.BulkOperation, x *store.Execution, r *store.BulkResult,
) (*rejection, error) {
	err := e.DeleteExecution(ctx, x.Partition())
	switch {
	case err == nil, errors.Is(err, store.ErrNotFound):
		if x.Status.Final() { // otherwise it has ended since it was read
			r.Status = x.Status
		}
		return nil, nil
	case errors.Is(err, ErrExecutionRunning):
		return reject("ExecutionNotCompleted", "Execution '%s' for flow '%s' is running. Stop it "+
			"first.", x.Name, b.Flow), nil
	case errors.Is(err, ErrEndNotReported):
		return reject("ConcurrentUpdateError", "The end of execution '%s' for flow '%s' is still "+
			"to be reported. Try again later.", x.Name, b.Flow), nil
	}
	return nil, err
}

// bulkStartName returns the name of the execution that starts another one again: that of the other,
// which is cut if it is long, and a hash of the operation and the run.
func bulkStartName(b *store.BulkOperation, x *store.Execution) string {
	suffix := fmt.Sprintf("-%012x", bulkMark(b, x.Run)>>16)
	name := x.Name
	if nameMax := flow.NameMax - len(suffix); len(name) > nameMax {
		name = name[:nameMax]
	}
	if !flow.ValidName(name) {
		name = "x" + name[:min(len(name), flow.NameMax-len(suffix)-1)]
	}
	return name + suffix
}
