package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"millrace/shared/flow"
	"millrace/shared/history"
	"millrace/shared/rpc/client"
)

// wait follows an execution to its end and prints its output. It returns an error unless the
// execution succeeded.
func (c *invocation) wait(
	api *client.Client, flowName, name string, timeout time.Duration, quiet bool,
) error {
	ctx, cancel := c.within(timeout)
	defer cancel()
	w := c.newWatcher(api, flowName, name)
	w.lenient = true
	if !quiet {
		fmt.Fprintf(c.Stderr, "execution %s of flow %s\n", visible(name), visible(flowName))
		p := &progress{w: c.Stderr, said: map[*history.Place]string{},
			errors: map[*history.Place]string{}}
		w.onEvent, w.onTurn = p.show, p.showItems
	}
	e, err := w.follow(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return c.stillRunning(w, timeout)
	case err != nil:
		return err
	}
	failed := w.failure()
	if c.forPrograms() {
		if err := c.writeJSON(endedJSON(e, failed)); err != nil {
			return err
		}
	}
	return c.ended(e, failed)
}

// stillRunning notes that the execution goes on although the program ends, because of the timeout
// or Ctrl-C.
func (c *invocation) stillRunning(w *watcher, timeout time.Duration) error {
	if c.ctx.Err() != nil {
		c.say(fmt.Sprintf("interrupted; execution '%s' of flow '%s' goes on", w.name, w.flow))
		return errQuiet{ExitInterrupted}
	}
	c.say(fmt.Sprintf("execution '%s' of flow '%s' has not ended within %v; it goes on",
		w.name, w.flow, timeout))
	return errQuiet{ExitWaiting}
}

// endedExecution is an execution with the error that its history holds, in the fields of
// StartSyncExecution.
type endedExecution struct {
	client.Execution
	ErrorCode, ErrorMessage string
}

func endedJSON(e *client.Execution, failed *flow.Error) endedExecution {
	out := endedExecution{Execution: *e}
	if failed != nil {
		out.ErrorCode, out.ErrorMessage = failed.Name, failed.Cause
	}
	return out
}

// ended prints the output of an execution that succeeded. For any other end it returns an error.
func (c *invocation) ended(e *client.Execution, failed *flow.Error) error {
	if e.Status == flow.Succeeded.String() {
		if !c.forPrograms() {
			fmt.Fprintln(c.Stdout, escaped(e.Output))
		}
		return nil
	}
	how := map[string]string{
		"Failed": "failed", "Stopped": "was stopped", "TimedOut": "timed out",
	}[e.Status]
	if how == "" {
		how = "ended as " + e.Status
	}
	if took := between(e.StartedTime, e.StoppedTime); took != "" {
		how += " after " + took
	}
	if failed != nil && failed.Name != "" {
		how += ": " + errorText(failed)
	}
	return failf("execution '%s' of flow '%s' %s", e.Name, e.FlowName, how)
}

// progress prints events as they happen, with the time since the first one.
type progress struct {
	w           io.Writer
	start, last time.Time                 // of the first event and the latest
	maps        []*history.Place          // those that had events in items since the last turn
	said        map[*history.Place]string // how many of its items had ended, as printed last
	errors      map[*history.Place]string // the error of a state that was printed last
}

// progressWords are the events that progress prints, with their words. A task's own events are
// printed only if the events of its state do not tell the same: an attempt failed, a report is
// awaited.
var progressWords = map[string]string{
	"StepEntered": "entered", "StepSucceeded": "succeeded", "StepFailed": "failed",
	"StateEntered": "entered", "StateSucceeded": "succeeded", "StateFailed": "failed",
	"StateTimedOut": "timed out", "StateAborted": "aborted", "TaskSubmitted": "submitted",
	"TaskSubmitFailed": "attempt refused", "TaskFailed": "attempt failed",
	"TaskTimedOut": "attempt timed out", "MapRunStarted": "map run started",
	"ExecutionSucceeded": "succeeded",
}

func (p *progress) show(e *client.Event, at *history.Place) {
	p.last = e.Time.Time()
	if p.start.IsZero() {
		p.start = p.last
	}
	if at != nil && at.Scope.Owner != nil && !slices.Contains(p.maps, at.Scope.Owner) {
		p.maps = append(p.maps, at.Scope.Owner)
	}
	words := attemptWords(progressWords[e.Type], at)
	if words == "" {
		return
	}
	if text := p.newError(e, at); text != "" {
		words += ": " + text
	}
	if n := scopeCount(at); n != "" && !strings.HasSuffix(e.Type, "Entered") {
		words += ", " + n
	}
	p.line(at, words+nextWords(e, at, p.start))
}

// showItems prints how many items of the running Maps have ended, if any has since the last turn.
func (p *progress) showItems() {
	for _, at := range p.maps {
		done := itemsDone(at)
		if at.Items == 0 || at.Running == 0 || at.Running == at.Scopes || p.said[at] == done {
			continue
		}
		p.said[at] = done
		p.line(at, done)
	}
	p.maps = nil
}

func (p *progress) line(at *history.Place, words string) {
	line := fmt.Sprintf("%10s  %-24s  %s", duration(p.last.Sub(p.start)), visible(at.String()),
		visible(words))
	fmt.Fprintln(p.w, strings.TrimRight(line, " "))
}

// nextWords says when the attempt begins that follows a failed one, by the time since start.
func nextWords(e *client.Event, at *history.Place, start time.Time) string {
	if at == nil || at.Next.IsZero() || !strings.HasPrefix(e.Type, "Task") {
		return ""
	}
	return fmt.Sprintf("; attempt %d at %s", at.Attempt+1, duration(at.Next.Sub(start)))
}

// attemptWords puts the number of the attempt into words that begin with "attempt".
func attemptWords(words string, at *history.Place) string {
	if rest, ok := strings.CutPrefix(words, "attempt "); ok && at != nil && at.Attempt > 0 {
		return fmt.Sprintf("attempt %d %s", at.Attempt, rest)
	}
	return words
}

// newError returns the error of an event; "" if it has none, or the one that its state has shown
// already: what fails the last attempt fails the state.
func (p *progress) newError(e *client.Event, at *history.Place) string {
	err := history.ErrorOf(e)
	if err == nil {
		return ""
	}
	text := errorText(err)
	if at != nil {
		if p.errors[at] == text && !strings.HasPrefix(e.Type, "Task") {
			return ""
		}
		p.errors[at] = text
	}
	return text
}

// scopeCount says how many branches or items a state had; "" if it has none.
func scopeCount(at *history.Place) string {
	switch {
	case at == nil || at.Scopes == 0:
		return ""
	case at.HasBranches():
		return plural(at.Scopes, "branch", "branches")
	}
	return plural(at.Scopes, "item", "items")
}

// itemsDone says how many items of a Map have ended: "23 of 50 items done".
func itemsDone(at *history.Place) string {
	return fmt.Sprintf("%d of %s done", at.Scopes-at.Running, plural(at.Items, "item", "items"))
}
