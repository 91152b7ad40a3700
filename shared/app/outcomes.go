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

// outcomes joins asynchronous invocations with the tasks that wait for them: a row by the invocation's request id, or by
// the id of its task, says whose task it is (execution.md finding 28).
type outcomes struct {
	driver  store.Driver
	output  func(legacy bool, requestID string, payload []byte) task.Result // see home
	forgets bool                                                            // see home
	wakes   bool                                                            // notes wake the sweeper when they have expired, for the store does not remove them
	runner  *runner.Runner
	log     *slog.Logger
}

// noteLife is how long a note is kept: Lambda tries an invocation for six hours at most, and a record may wait in the
// queue for days.
const noteLife = 14 * 24 * time.Hour

// Note implements task.Noted.
func (o *outcomes) Note(ctx context.Context, requestID string, n task.Note) error {
	if requestID == "" {
		return errors.New("the invocation has no request id")
	}
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	row := store.Row{Key: store.NoteKey(requestID), Data: data, Expires: time.Now().Add(noteLife).UnixMilli()}
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

// take reports the end of an invocation to the task that waits for it. An outcome that nobody has noted is an error: it
// comes again, and ends among the dead letters if it was never one of ours. Where it is let go instead, none of ours is
// lost: the invocation was noted before it was made, or whoever made it died, and the next call asks for its end.
func (o *outcomes) take(ctx context.Context, out trigger.Outcome) error {
	n, err := o.noted(ctx, out.RequestID)
	if o.forgets && errors.Is(err, store.ErrNotFound) {
		o.log.Error("outcome of an invocation that is none of the engine's; it is let go", "request", out.RequestID, "function", out.Function)
		return nil
	}
	if err != nil {
		return fmt.Errorf("outcome of invocation %s of %s: %w", out.RequestID, out.Function, err)
	}
	_, err = o.runner.Report(ctx, n.Account, n.Token, o.report(n, out))
	switch fault.CodeOf(err) {
	case "":
	case fault.TaskAlreadyCompleted, fault.InvalidArgument, fault.FlowNotExists, fault.ExecutionNotExists:
		o.log.Info("outcome that nobody waits for any more", "request", out.RequestID, "function", out.Function, "err", err)
	default:
		return err
	}
	if err := o.driver.Delete(ctx, store.NoteKey(out.RequestID), nil); err != nil {
		o.log.Info("note not deleted; it expires", "request", out.RequestID, "err", err)
	}
	return nil
}

func (o *outcomes) noted(ctx context.Context, requestID string) (n task.Note, err error) {
	for try := 1; ; try++ {
		row, err := o.driver.Get(ctx, store.NoteKey(requestID))
		if err == nil {
			return n, json.Unmarshal(row.Data, &n)
		}
		if !errors.Is(err, store.ErrNotFound) || try == noteTries {
			return n, err
		}
		select {
		case <-time.After(notePause):
		case <-ctx.Done():
			return n, ctx.Err()
		}
	}
}

// report is an outcome as the end of a task.
func (o *outcomes) report(n task.Note, out trigger.Outcome) runner.Report {
	if out.Failed {
		e := task.FunctionFailure(n.Action, payloadOf(out))
		if out.Payload == nil {
			e.Cause = "The asynchronous invocation came to nothing: " + out.Condition
		}
		return runner.Report{Error: &flow.Error{Name: e.Name, Cause: e.Cause}}
	}
	result := o.output(n.Legacy, out.RequestID, payloadOf(out))
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
