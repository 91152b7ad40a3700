package engine

import (
	"errors"
	"fmt"

	"millrace/shared/store"
)

// What the engine answers instead of doing what it was asked. cloudflow gives these errors their
// codes and texts.
var (
	// ErrNoExecution says that the execution does not exist, or does not exist any more. It is a
	// store.ErrNotFound.
	ErrNoExecution = fmt.Errorf("engine: no such execution: %w", store.ErrNotFound)
	// ErrNoFlow says that the account has no flow of that name.
	ErrNoFlow = errors.New("engine: no such flow")
	// ErrExecutionEnded says that an execution to stop has ended before.
	ErrExecutionEnded = errors.New("engine: the execution has ended")
	// ErrExecutionRunning says that an execution to delete has not ended.
	ErrExecutionRunning = errors.New("engine: the execution runs")
	// ErrEndNotReported says that the end of an execution to delete, or the stop of a child, is
	// still to be delivered.
	ErrEndNotReported = errors.New("engine: the end of the execution is still to be reported")
	// ErrExecutionsLimit says that the account runs as many executions as it may.
	ErrExecutionsLimit = errors.New("engine: the account runs as many executions as it may")
	// ErrToken says that a task token is not one of this engine's.
	ErrToken = errors.New("engine: the task token is invalid")
	// ErrTaskNotWaiting says that the task of a token does not wait for a report.
	ErrTaskNotWaiting = errors.New("engine: the task does not wait for a report")
	// ErrTaskEnded says that the task of a token has ended before.
	ErrTaskEnded = errors.New("engine: the task has ended")
	// ErrTaskNotReady says that the task of a token does not wait yet, or that conflicting writes
	// kept a report from being accepted in time. The caller should report again.
	ErrTaskNotReady = errors.New("engine: the task takes no report now")
	// ErrNoMapRun says that an execution has no MapRun of that name.
	ErrNoMapRun = errors.New("engine: no such MapRun")
	// ErrMapRunEnded says that a MapRun to change has ended before.
	ErrMapRunEnded = errors.New("engine: the MapRun has ended")
	// ErrBusy says that conflicting writes kept a stop, a deletion, or the update of a MapRun, from
	// being accepted in time. The caller should try again. A report that meets them is
	// ErrTaskNotReady.
	ErrBusy = errors.New("engine: conflicting writes")
)

// TooLargeError says that a report has more bytes than the dialect of its execution allows.
type TooLargeError struct{ Limit int }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("engine: more than %d bytes", e.Limit)
}

// errClosing says that the engine starts nothing new.
var errClosing = errors.New("engine: closing")
