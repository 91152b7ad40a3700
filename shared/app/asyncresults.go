package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/queue"
	"millrace/shared/store"
	"millrace/shared/task"
	"millrace/shared/trigger"
	"millrace/shared/value"
)

// asyncResults joins asynchronous invocations with the tasks that wait for them: a row by the function,
// and the invocation's request id or the id of its task, says whose task it is (execution.md
// finding 28).
//
// A record comes from the cloud and carries nothing of the engine's by which it could be
// authenticated. It counts only where it names the function that was invoked and an id that cannot
// be guessed: a request id, or one that is derived from the execution's random run. An id that a
// flow has chosen can be guessed; there the record is only a hint, and the service is asked for the
// end.
type asyncResults struct {
	driver      store.Driver
	output      func(legacy bool, requestID string, payload []byte) task.Result // see home
	dropUnknown bool                                                            // see home
	// identity is the full name of a function without its version or alias, from one as a note or a
	// record has it.
	identity func(function string) (string, error)
	// queryResult asks the service how the invocation of a note has ended; nil where flows choose no ids.
	queryResult func(ctx context.Context, n task.InvocationRecord, id string) (task.Result, bool, error)
	// resend puts the text of a record into the queue again, to be delivered after a delay. An
	// error that wraps queue.ErrBody says that the queue never takes this text.
	resend       func(ctx context.Context, text []byte, delay time.Duration) error
	wakeOnExpiry bool // notes wake the sweeper when they have expired, for the store does not remove them
	runner       *engine.Engine
	log          *slog.Logger
}

// recordRetention is how long a note is kept: Lambda tries an invocation for six hours at most, and a record may wait in the
// queue for days.
const recordRetention = 14 * 24 * time.Hour

// Record implements task.Noted.
func (o *asyncResults) Record(ctx context.Context, requestID string, n task.InvocationRecord) error {
	if requestID == "" {
		return errors.New("the invocation has no request id")
	}
	function, err := o.identity(n.Function)
	if err != nil {
		return err
	}
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	key := store.InvocationRecordKey(requestID, function)
	if n.Chosen {
		key = store.ChosenInvocationRecordKey(requestID, function, taskDigest(n))
	}
	row := store.Row{Key: key, Data: data, Expires: time.Now().Add(recordRetention).UnixMilli()}
	if o.wakeOnExpiry {
		row.Wake = row.Expires
	}
	return o.driver.Put(ctx, []store.Row{row})
}

// taskDigest names the task of a note. No two tasks have the same, so nobody replaces the note of
// another under an id that both have chosen.
func taskDigest(n task.InvocationRecord) string {
	sum := sha256.Sum256([]byte(n.Account + "\x00" + n.Token))
	return hex.EncodeToString(sum[:16])
}

// A record may come before the note has been written, by as much as a write takes. It is put back
// into the queue then: nothing waits for it here, for the invocation that brings records brings
// other messages too.
const (
	resendMax   = 4
	resendDelay = 2 * time.Second
)

// errNotRecorded says that nobody has noted an outcome, or not yet; errForeign that nobody ever will.
var (
	errNotRecorded = errors.New("nobody has noted the invocation")
	errForeign     = errors.New("it is none of the engine's")
)

// handle reports the end of an invocation to the task that waits for it. An outcome that nobody has
// noted is put back into the queue for a while. Then it is an error, and ends among the dead
// letters; where it is let go instead, none of ours is lost: the invocation was noted before it was
// made, or its caller died, and the next call asks for its end.
func (o *asyncResults) handle(ctx context.Context, out trigger.AsyncResult) error {
	err := o.lookUp(ctx, out)
	if errors.Is(err, errNotRecorded) && out.Resent >= 0 && out.Resent < resendMax {
		err = o.sendAgain(ctx, out)
	}
	if o.dropUnknown && (errors.Is(err, errForeign) || errors.Is(err, errNotRecorded)) {
		o.log.Error("outcome of an invocation that is none of the engine's; it is let go", "request", out.RequestID, "function", out.Function, "err", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("outcome of invocation %s of %s: %w", out.RequestID, out.Function, err)
	}
	return nil
}

// sendAgain sends a record to the queue again. One that the queue does not take because it is too
// long is errNotRecorded as before.
func (o *asyncResults) sendAgain(ctx context.Context, out trigger.AsyncResult) error {
	if o.resend == nil {
		return errNotRecorded
	}
	text, err := out.EncodeResent()
	if err != nil {
		return err
	}
	if err = o.resend(ctx, text, resendDelay); errors.Is(err, queue.ErrBody) {
		return fmt.Errorf("%w, and it cannot be sent again: %w", errNotRecorded, err)
	}
	return err
}

// lookUp reports an outcome to the tasks that wait for it: to the one under an id of the service or
// of the engine, else to all under an id that flows have chosen.
func (o *asyncResults) lookUp(ctx context.Context, out trigger.AsyncResult) error {
	function, err := o.identity(out.Function)
	if err != nil || len(out.RequestID) > requestIDMax {
		return fmt.Errorf("%w: its function or its id is none: %w", errForeign, err)
	}
	row, err := o.driver.Get(ctx, store.InvocationRecordKey(out.RequestID, function))
	switch {
	case err == nil:
		n, err := decodeRecord(row)
		if err != nil {
			return err
		}
		return o.report(ctx, row.Key, n, out, o.toReport(n, out))
	case !errors.Is(err, store.ErrNotFound):
		return err
	case o.queryResult == nil:
		return errNotRecorded
	}
	return o.reportChosen(ctx, out, store.ChosenInvocationRecordKey(out.RequestID, function, "").Partition)
}

// reportChosen looks at all notes under an id that flows have chosen: the service says of each how its
// invocation has ended, for the record says nothing that counts. Notes of one id are few: the
// service takes an id once for each version of a function while it remembers the invocation. If
// none has ended the record is errNotRecorded: the note of the right one may not have been written yet.
func (o *asyncResults) reportChosen(ctx context.Context, out trigger.AsyncResult, partition string) error {
	reported, from := false, ""
	for more := true; more; {
		var rows []store.Row
		var err error
		rows, more, err = o.driver.Range(ctx, store.Range{Partition: partition, From: from})
		if err != nil {
			return err
		}
		for _, row := range rows {
			from = row.Sort + "\x00"
			n, err := decodeRecord(row)
			if err != nil {
				return err
			}
			report, over, err := o.queryService(ctx, n, out)
			if err != nil {
				return err
			}
			if over {
				reported = true
				if err := o.report(ctx, row.Key, n, out, report); err != nil {
					return err
				}
			}
		}
	}
	if !reported {
		return errNotRecorded
	}
	return nil
}

func decodeRecord(row store.Row) (n task.InvocationRecord, err error) {
	return n, json.Unmarshal(row.Data, &n)
}

// report reports the end of a noted task, and deletes the note.
func (o *asyncResults) report(ctx context.Context, key store.Key, n task.InvocationRecord, out trigger.AsyncResult, report engine.Report) error {
	_, err := o.runner.ReportAsyncResult(ctx, n.Account, n.Token, report)
	switch fault.CodeOf(err) {
	case "":
	case fault.TaskAlreadyCompleted, fault.InvalidArgument, fault.FlowNotExists, fault.ExecutionNotExists:
		o.log.Info("outcome that nobody waits for any more", "request", out.RequestID, "function", out.Function, "err", err)
	default:
		return err
	}
	if err := o.driver.Delete(ctx, key, nil); err != nil {
		o.log.Info("note not deleted; it expires", "request", out.RequestID, "err", err)
	}
	return nil
}

// queryService returns the end of an invocation as the service knows it; false when there is none to
// report. A record that comes before the end is not the cloud's: the cloud's own follows.
func (o *asyncResults) queryService(ctx context.Context, n task.InvocationRecord, out trigger.AsyncResult) (engine.Report, bool, error) {
	if o.queryResult == nil {
		return engine.Report{}, false, fmt.Errorf("outcome of invocation %s: the service cannot be asked here", out.RequestID)
	}
	result, over, err := o.queryResult(ctx, n, out.RequestID)
	switch {
	case errors.Is(err, task.ErrResultUnknown):
		o.log.Error("outcome that the service does not confirm", "request", out.RequestID, "function", out.Function, "err", err)
		return engine.Report{}, false, nil
	case err != nil:
		return engine.Report{}, false, fmt.Errorf("outcome of invocation %s of %s: %w", out.RequestID, out.Function, err)
	case !over:
		o.log.Warn("outcome of an invocation that has not ended", "request", out.RequestID, "function", out.Function)
		return engine.Report{}, false, nil
	}
	return reportOf(result), true, nil
}

// requestIDMax bounds the id of an invocation that is looked for.
const requestIDMax = 256

// toReport is an outcome as the end of a task.
func (o *asyncResults) toReport(n task.InvocationRecord, out trigger.AsyncResult) engine.Report {
	if out.Failed {
		e := task.FunctionFailure(n.Action, payloadOf(out))
		if out.Payload == nil {
			e.Cause = "The asynchronous invocation came to nothing: " + out.Condition
		}
		return engine.Report{Error: &flow.Error{Name: e.Name, Cause: e.Cause}}
	}
	return reportOf(o.output(n.FlowV1, out.RequestID, payloadOf(out)))
}

// reportOf is a result as the end of a task.
func reportOf(result task.Result) engine.Report {
	if failure := result.Error; failure != nil {
		return engine.Report{Error: &flow.Error{Name: failure.Name, Cause: failure.Cause}}
	}
	if result.Tree != nil {
		return engine.Report{Output: result.Output}
	}
	canonical, err := value.Canonical(result.Output)
	if err != nil {
		return engine.Report{Error: &flow.Error{Name: flow.ErrInvalidLocal, Cause: "the function's result is no JSON that the engine takes: " + err.Error()}}
	}
	return engine.Report{Output: canonical}
}

// payloadOf is what the function answered. Function Compute puts it into its record as a text.
func payloadOf(out trigger.AsyncResult) []byte {
	if strings.HasPrefix(out.Function, "acs:fc:") && len(out.Payload) > 0 && out.Payload[0] == '"' {
		return []byte(task.Text(out.Payload))
	}
	return out.Payload
}
