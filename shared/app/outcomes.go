package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/runner"
	"millrace/shared/store"
	"millrace/shared/task"
	"millrace/shared/trigger"
	"millrace/shared/value"
)

// outcomes joins asynchronous invocations with the tasks that wait for them: a row by the function,
// and the invocation's request id or the id of its task, says whose task it is (execution.md
// finding 28).
//
// A record comes from the cloud and carries nothing of the engine's by which it could be
// authenticated. It counts only where it names the function that was invoked and an id that cannot
// be guessed: a request id, or one that is derived from the execution's random run. An id that a
// flow has chosen can be guessed; there the record is only a hint, and the service is asked for the
// end.
type outcomes struct {
	driver  store.Driver
	output  func(legacy bool, requestID string, payload []byte) task.Result // see home
	forgets bool                                                            // see home
	// identity is the full name of a function without its version or alias, from one as a note or a
	// record has it.
	identity func(function string) (string, error)
	// ended asks the service how the invocation of a note has ended; nil where flows choose no ids.
	ended  func(ctx context.Context, n task.Note, id string) (task.Result, bool, error)
	wakes  bool // notes wake the sweeper when they have expired, for the store does not remove them
	runner *runner.Runner
	log    *slog.Logger
}

// noteLife is how long a note is kept: Lambda tries an invocation for six hours at most, and a record may wait in the
// queue for days.
const noteLife = 14 * 24 * time.Hour

// Note implements task.Noted.
func (o *outcomes) Note(ctx context.Context, requestID string, n task.Note) error {
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
	row := store.Row{Key: store.NoteKey(requestID, function), Data: data, Expires: time.Now().Add(noteLife).UnixMilli()}
	if o.wakes {
		row.Wake = row.Expires
	}
	return o.driver.Put(ctx, []store.Row{row})
}

// A record may come before the note has been written, by as much as a write takes.
const (
	noteTries = 4
	notePause = time.Second
)

// errOthers says that an outcome is none of the engine's.
var errOthers = errors.New("nobody has noted the invocation")

// take reports the end of an invocation to the task that waits for it. An outcome that nobody has noted is an error: it
// comes again, and ends among the dead letters if it was never one of ours. Where it is let go instead, none of ours is
// lost: the invocation was noted before it was made, or whoever made it died, and the next call asks for its end.
func (o *outcomes) take(ctx context.Context, out trigger.Outcome) error {
	key, n, err := o.noted(ctx, out)
	if o.forgets && errors.Is(err, errOthers) {
		o.log.Error("outcome of an invocation that is none of the engine's; it is let go", "request", out.RequestID, "function", out.Function, "err", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("outcome of invocation %s of %s: %w", out.RequestID, out.Function, err)
	}
	report := o.report(n, out)
	if n.Chosen {
		var over bool
		if report, over, err = o.asked(ctx, n, out); err != nil || !over {
			return err
		}
	}
	_, err = o.runner.Report(ctx, n.Account, n.Token, report)
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

// asked returns the end of an invocation as the service knows it; false when there is none to
// report. A record that comes before the end is not the cloud's: the cloud's own follows.
func (o *outcomes) asked(ctx context.Context, n task.Note, out trigger.Outcome) (runner.Report, bool, error) {
	if o.ended == nil {
		return runner.Report{}, false, fmt.Errorf("outcome of invocation %s: the service cannot be asked here", out.RequestID)
	}
	result, over, err := o.ended(ctx, n, out.RequestID)
	switch {
	case errors.Is(err, task.ErrNotKnown):
		o.log.Error("outcome that the service does not confirm; it is let go", "request", out.RequestID, "function", out.Function, "err", err)
		return runner.Report{}, false, nil
	case err != nil:
		return runner.Report{}, false, fmt.Errorf("outcome of invocation %s of %s: %w", out.RequestID, out.Function, err)
	case !over:
		o.log.Warn("outcome of an invocation that has not ended; it is let go", "request", out.RequestID, "function", out.Function)
		return runner.Report{}, false, nil
	}
	return reportOf(result), true, nil
}

// noted finds the note of an outcome, by the function that the outcome names and the id. The error
// is errOthers when there is no note, and for a function or an id that no record of the cloud has.
func (o *outcomes) noted(ctx context.Context, out trigger.Outcome) (key store.Key, n task.Note, err error) {
	function, err := o.identity(out.Function)
	if err != nil || len(out.RequestID) > requestIDMax {
		return key, n, fmt.Errorf("%w: its function or its id is none: %w", errOthers, err)
	}
	key = store.NoteKey(out.RequestID, function)
	for try := 1; ; try++ {
		row, err := o.driver.Get(ctx, key)
		if err == nil {
			return key, n, json.Unmarshal(row.Data, &n)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return key, n, err
		}
		if try == noteTries {
			return key, n, errOthers
		}
		select {
		case <-time.After(notePause):
		case <-ctx.Done():
			return key, n, ctx.Err()
		}
	}
}

// requestIDMax bounds the id of an invocation that is looked for.
const requestIDMax = 256

// report is an outcome as the end of a task.
func (o *outcomes) report(n task.Note, out trigger.Outcome) runner.Report {
	if out.Failed {
		e := task.FunctionFailure(n.Action, payloadOf(out))
		if out.Payload == nil {
			e.Cause = "The asynchronous invocation came to nothing: " + out.Condition
		}
		return runner.Report{Error: &flow.Error{Name: e.Name, Cause: e.Cause}}
	}
	return reportOf(o.output(n.Legacy, out.RequestID, payloadOf(out)))
}

// reportOf is a result as the end of a task.
func reportOf(result task.Result) runner.Report {
	if failure := result.Error; failure != nil {
		return runner.Report{Error: &flow.Error{Name: failure.Name, Cause: failure.Cause}}
	}
	if result.Tree != nil {
		return runner.Report{Output: result.Output}
	}
	canonical, err := value.Canonical(result.Output)
	if err != nil {
		return runner.Report{Error: &flow.Error{Name: flow.ErrInvalidLocal, Cause: "the function's result is no JSON that the engine takes: " + err.Error()}}
	}
	return runner.Report{Output: canonical}
}

// payloadOf is what the function answered. Function Compute puts it into its record as a text.
func payloadOf(out trigger.Outcome) []byte {
	if strings.HasPrefix(out.Function, "acs:fc:") && len(out.Payload) > 0 && out.Payload[0] == '"' {
		return []byte(task.Text(out.Payload))
	}
	return out.Payload
}
