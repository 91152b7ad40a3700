package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"millrace/shared/rpc"
)

// pendingMax is how many open states are printed; a Map can have ten thousand.
const pendingMax = 20

// pendingWords say what is to come after an event that has led to no other yet. Events that end something are not among them.
var pendingWords = map[string]string{
	"ExecutionStarted": "about to begin",
	"StateEntered":     "entered", "StateStarted": "entered", "StepEntered": "entered", "StepStarted": "entered",
	"BranchEntered": "entered", "IterationEntered": "entered", "MapRunStarted": "map run started",
	"TaskScheduled": "call is due", "TaskStarted": "call under way",
	"TaskSubmitted": "waits for the result of its call, or for a report with its token",
	"TaskFailed":    "attempt failed", "TaskTimedOut": "attempt timed out", "TaskSubmitFailed": "attempt refused",
	"TaskSucceeded": "about to end",
}

// pendingStates finds in the events of an execution that runs those that have led to no other: what each open state has come to.
type pendingStates struct{ latest map[int64]*rpc.Event }

func (o *pendingStates) handle(e *rpc.Event) {
	if strings.HasPrefix(e.Type, "Execution") {
		clear(o.latest) // it has ended since it was described
	}
	delete(o.latest, e.ScheduleEventID)
	if pendingWords[e.Type] != "" {
		o.latest[e.EventID] = e
	}
}

// show prints a line for each open state, those that have waited longest first.
func (o *pendingStates) show(w io.Writer, now time.Time) {
	ids := slices.Sorted(maps.Keys(o.latest))
	if len(ids) == 0 {
		return
	}
	lines := [][]string{{"OPEN", "FOR", "STATE"}}
	for _, id := range ids[:min(len(ids), pendingMax)] {
		e := o.latest[id]
		words := pendingWords[e.Type]
		if err := eventError(e); err != nil {
			words += ": " + cut(errorText(err), 100)
		}
		if strings.HasPrefix(words, "attempt") {
			words += "; the next one is to come"
		}
		lines = append(lines, []string{stateName(e), max(0, now.Sub(e.Time.Time())).Truncate(time.Second).String(), words})
	}
	fmt.Fprintln(w)
	rows(w, lines)
	if more := len(ids) - pendingMax; more > 0 {
		fmt.Fprintf(w, "and %d more\n", more)
	}
}
