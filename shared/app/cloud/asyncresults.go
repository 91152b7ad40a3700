package cloud

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
	"millrace/shared/events"
	"millrace/shared/flow"
	"millrace/shared/queue"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/task"
	"millrace/shared/value"
)

// asyncResults reports the results of asynchronous invocations to the tasks that wait for them. The
// engine writes an invocation record for each of them. The key of the record has the function and
// the id of the invocation: its request id, or the id that the engine or the flow chose for it. The
// record names the task (docs/protocol.md#asynchronous-results).
//
// The cloud sends an async result, which carries nothing that the engine could authenticate. It
// counts only if it names the invoked function and an id that cannot be guessed: a request id, or
// an id derived from the execution's random run. An id that a flow chose can be guessed. The async
// result is then only a hint, and asyncResults asks the service for the result.
type asyncResults struct {
	driver      driver.Driver
	output      outputFunc // see services
	dropUnknown bool       // see services
	// identity returns the full name of a function without its version or alias. It accepts the
	// name of an invocation record and of an async result.
	identity func(function string) (string, error)
	// queryResult asks the service for the result of a recorded invocation. It is nil where flows
	// cannot choose ids.
	queryResult func(
		ctx context.Context, n task.InvocationRecord, id string,
	) (task.Result, bool, error)
	// resend puts the text of an async result into the queue again, for delivery after a delay. An
	// error that wraps queue.ErrBody means that the queue never accepts this text.
	resend func(ctx context.Context, text []byte, delay time.Duration) error
	// Expired invocation records wake the sweeper, because the store does not remove them.
	wakeOnExpiry bool
	engine       *engine.Engine
	log          *slog.Logger
}

// outputFunc converts the response of an asynchronous invocation to the result that a synchronous
// call would have.
type outputFunc func(r *task.Request, requestID string, payload []byte) task.Result

// recordRetention is how long an invocation record is kept. Lambda retries an invocation for up to
// six hours, and an async result may wait in the queue for days.
const recordRetention = 14 * 24 * time.Hour

// Record implements task.InvocationRecorder.
func (o *asyncResults) Record(
	ctx context.Context, requestID string, n task.InvocationRecord,
) error {
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
	row := driver.Row{Key: key, Data: data, Expires: time.Now().Add(recordRetention).UnixMilli()}
	if o.wakeOnExpiry {
		row.Wake = row.Expires
	}
	return o.driver.Put(ctx, []driver.Row{row})
}

// taskDigest identifies the task of an invocation record. Two tasks never have the same digest, so
// a task cannot replace the record of another task that chose the same id.
func taskDigest(n task.InvocationRecord) string {
	sum := sha256.Sum256([]byte(n.Account + "\x00" + n.Token))
	return hex.EncodeToString(sum[:16])
}

// An async result may come before its invocation record has been written. It then goes back into
// the queue. handle does not wait for the record, because the invocation that delivers async
// results delivers other messages too.
const (
	resendMax   = 4
	resendDelay = 2 * time.Second
)

// errNotRecorded: there is no invocation record, or not yet. errForeign: there never will be one.
var (
	errNotRecorded = errors.New("the invocation has no record")
	errForeign     = errors.New("the engine did not make the invocation")
)

// handle reports an async result to the task that waits for it. An async result without an
// invocation record goes back into the queue resendMax times. After that it is an error and becomes
// a dead letter. With dropUnknown it is dropped instead, which loses no result of the engine: the
// record was written before the invocation, or the caller died and the next call asks for the
// result.
func (o *asyncResults) handle(ctx context.Context, out events.AsyncResult) error {
	err := o.lookUp(ctx, out)
	if errors.Is(err, errNotRecorded) && out.Resent >= 0 && out.Resent < resendMax {
		err = o.sendAgain(ctx, out)
	}
	if o.dropUnknown && (errors.Is(err, errForeign) || errors.Is(err, errNotRecorded)) {
		o.log.Error("result of an unknown invocation; it is dropped",
			"request", out.RequestID, "function", out.Function, "err", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("result of invocation %s of %s: %w", out.RequestID, out.Function, err)
	}
	return nil
}

// sendAgain puts an async result into the queue again. If the queue rejects it as too long, the
// error wraps errNotRecorded.
func (o *asyncResults) sendAgain(ctx context.Context, out events.AsyncResult) error {
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

// lookUp reports an async result: to one task if the id is the service's or the engine's, else to
// every task whose flow chose the id.
func (o *asyncResults) lookUp(ctx context.Context, out events.AsyncResult) error {
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
	return o.reportChosen(ctx, out, store.ChosenInvocationRecordKey(out.RequestID, function,
		"").Partition)
}

// reportChosen reads all invocation records of an id that flows chose. For each it asks the service
// for the result, because the async result itself proves nothing. An id has few records: while the
// service remembers an invocation, it accepts the id once per version of a function. If no
// invocation has ended, the error is errNotRecorded, because the right record may not have been
// written yet.
func (o *asyncResults) reportChosen(
	ctx context.Context, out events.AsyncResult, partition string,
) error {
	reported, from := false, ""
	for more := true; more; {
		var rows []driver.Row
		var err error
		rows, more, err = o.driver.Range(ctx, driver.Range{Partition: partition, From: from})
		if err != nil {
			return err
		}
		for _, row := range rows {
			from = row.Sort + "\x00"
			n, err := decodeRecord(row)
			if err != nil {
				return err
			}
			report, ended, err := o.queryService(ctx, n, out)
			if err != nil {
				return err
			}
			if ended {
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

func decodeRecord(row driver.Row) (n task.InvocationRecord, err error) {
	return n, json.Unmarshal(row.Data, &n)
}

// report reports the result of a recorded invocation and deletes the record.
func (o *asyncResults) report(
	ctx context.Context, key driver.Key, n task.InvocationRecord, out events.AsyncResult,
	report engine.Report,
) error {
	_, err := o.engine.ReportAsyncResult(ctx, n.Account, n.Token, report)
	switch {
	case err == nil:
	case engine.IsUndeliverable(err):
		o.log.Info("result of an invocation that no task waits for", "request", out.RequestID,
			"function", out.Function, "err", err)
	default:
		return err
	}
	if err := o.driver.Delete(ctx, key, nil); err != nil {
		o.log.Info("invocation record not deleted; it expires", "request", out.RequestID,
			"err", err)
	}
	return nil
}

// queryService asks the service for the result of an invocation. It returns false if there is none
// to report. An async result that comes before the end is not from the cloud, whose own follows
// later.
func (o *asyncResults) queryService(
	ctx context.Context, n task.InvocationRecord, out events.AsyncResult,
) (engine.Report, bool, error) {
	if o.queryResult == nil {
		return engine.Report{}, false, fmt.Errorf("result of invocation %s: the service cannot "+
			"be asked here", out.RequestID)
	}
	result, ended, err := o.queryResult(ctx, n, out.RequestID)
	switch {
	case errors.Is(err, task.ErrResultUnknown):
		o.log.Error("the service does not confirm the result of an invocation", "request",
			out.RequestID, "function", out.Function, "err", err)
		return engine.Report{}, false, nil
	case err != nil:
		return engine.Report{}, false, fmt.Errorf("result of invocation %s of %s: %w",
			out.RequestID, out.Function, err)
	case !ended:
		o.log.Warn("result of an invocation that has not ended", "request", out.RequestID,
			"function", out.Function)
		return engine.Report{}, false, nil
	}
	return reportOf(result), true, nil
}

// requestIDMax bounds the length of an invocation's id.
const requestIDMax = 256

// toReport converts an async result to the report of a task.
func (o *asyncResults) toReport(n task.InvocationRecord, out events.AsyncResult) engine.Report {
	if out.Failed {
		e := task.FunctionFailure(n.Action, payloadOf(out))
		if out.Payload == nil {
			e.Cause = "The asynchronous invocation came to nothing: " + out.Condition
		}
		return engine.Report{Error: e}
	}
	return reportOf(o.output(n.Request(), out.RequestID, payloadOf(out)))
}

// reportOf converts a result to the report of a task.
func reportOf(result task.Result) engine.Report {
	if result.Error != nil {
		return engine.Report{Error: result.Error}
	}
	if result.Tree != nil {
		return engine.Report{Output: result.Output}
	}
	canonical, err := value.Canonical(result.Output)
	if err != nil {
		return engine.Report{Error: &flow.Error{
			Name:  flow.ErrInvalidLocal,
			Cause: "the function's result is no JSON that the engine takes: " + err.Error(),
		}}
	}
	return engine.Report{Output: canonical}
}

// payloadOf returns the function's response. Function Compute sends it as a JSON string.
func payloadOf(out events.AsyncResult) []byte {
	if strings.HasPrefix(out.Function, "acs:fc:") && len(out.Payload) > 0 && out.Payload[0] == '"' {
		return []byte(task.Text(out.Payload))
	}
	return out.Payload
}
