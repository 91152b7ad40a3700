package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"millrace/shared/history"
	"millrace/shared/rpc/client"
)

// pendingMax is the most pending states that are printed; a Map can have ten thousand.
const pendingMax = 20

// pendingWords say what a state is waiting for if this is its latest event. Events that end a state
// are not among them.
var pendingWords = map[string]string{
	"ExecutionStarted": "about to begin",
	"StateEntered":     "entered", "StateStarted": "entered",
	"StepEntered": "entered", "StepStarted": "entered",
	"BranchEntered": "entered", "IterationEntered": "entered", "MapRunStarted": "map run started",
	"TaskScheduled": "call is due", "TaskStarted": "call under way",
	"TaskSubmitted": "waits for the result of its call, or for a report with its token",
	"TaskFailed":    "attempt failed", "TaskTimedOut": "attempt timed out",
	"TaskSubmitFailed": "attempt refused", "TaskSucceeded": "about to end",
}

// pendingStates keeps those events of a running execution that no later event refers to: the latest
// event of each pending state, by event id.
type pendingStates struct {
	latest map[int64]*client.Event
	places *history.Places
}

func (o *pendingStates) handle(e *client.Event, _ *history.Place) {
	if strings.HasPrefix(e.Type, "Execution") {
		clear(o.latest) // the execution has ended since it was described
	}
	delete(o.latest, e.ScheduleEventID)
	if pendingWords[e.Type] != "" {
		o.latest[e.EventID] = e
	}
}

// maps returns a line for each Map that the pending states are in and whose items are known, at
// most pendingMax.
func (o *pendingStates) maps(ids []int64, now time.Time) (lines [][]string) {
	seen := map[*history.Place]bool{}
	for _, id := range ids {
		at := o.places.Of(id)
		for ; at != nil && !seen[at] && len(lines) < pendingMax; at = at.Scope.Owner {
			seen[at] = true
			if at.Items > 0 {
				lines = append(lines, []string{at.String(), since(at.Entered, now), itemsDone(at)})
			}
		}
	}
	return lines
}

// since formats how long ago a time is, in whole seconds.
func since(then, now time.Time) string {
	return max(0, now.Sub(then)).Truncate(time.Second).String()
}

// nextIn says when the next attempt begins.
func nextIn(at *history.Place, now time.Time) string {
	switch left := at.Next.Sub(now).Round(time.Second); {
	case at.Next.IsZero():
		return "the next one is to come"
	case left <= 0:
		return fmt.Sprintf("attempt %d is due", at.Attempt+1)
	default:
		return fmt.Sprintf("attempt %d in %s", at.Attempt+1, left)
	}
}

// show prints a line for each pending state, the longest pending first. It reports whether there is
// one.
func (o *pendingStates) show(w io.Writer, now time.Time) bool {
	ids := slices.Sorted(maps.Keys(o.latest))
	if len(ids) == 0 {
		return false
	}
	lines := append([][]string{{"STATE", "FOR", "NOW"}}, o.maps(ids, now)...)
	for _, id := range ids[:min(len(ids), pendingMax)] {
		e := o.latest[id]
		at := o.places.Of(id)
		words := attemptWords(pendingWords[e.Type], at)
		if err := history.ErrorOf(e); err != nil {
			words += ": " + cut(errorText(err), 100)
		}
		if strings.HasPrefix(words, "attempt") {
			words += "; " + nextIn(at, now)
		}
		lines = append(lines, []string{at.String(), since(e.Time.Time(), now), words})
	}
	fmt.Fprintln(w)
	rows(w, lines)
	if more := len(ids) - pendingMax; more > 0 {
		fmt.Fprintf(w, "and %d more\n", more)
	}
	return true
}
