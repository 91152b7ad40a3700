package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

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
	places *places
}

func newPendingStates() *pendingStates {
	return &pendingStates{map[int64]*client.Event{}, newPlaces()}
}

func (o *pendingStates) handle(e *client.Event) {
	o.places.add(e)
	if strings.HasPrefix(e.Type, "Execution") {
		clear(o.latest) // the execution has ended since it was described
	}
	delete(o.latest, e.ScheduleEventID)
	if pendingWords[e.Type] != "" {
		o.latest[e.EventID] = e
	}
}

// show prints a line for each pending state, the longest pending first. It reports whether there is
// one.
func (o *pendingStates) show(w io.Writer, now time.Time) bool {
	ids := slices.Sorted(maps.Keys(o.latest))
	if len(ids) == 0 {
		return false
	}
	lines := [][]string{{"STATE", "FOR", "NOW"}}
	for _, id := range ids[:min(len(ids), pendingMax)] {
		e := o.latest[id]
		at := o.places.entries[id]
		words := attemptWords(pendingWords[e.Type], at)
		if err := eventError(e); err != nil {
			words += ": " + cut(errorText(err), 100)
		}
		if strings.HasPrefix(words, "attempt") {
			words += "; the next one is to come"
		}
		pending := max(0, now.Sub(e.Time.Time())).Truncate(time.Second)
		lines = append(lines, []string{at.String(), pending.String(), words})
	}
	fmt.Fprintln(w)
	rows(w, lines)
	if more := len(ids) - pendingMax; more > 0 {
		fmt.Fprintf(w, "and %d more\n", more)
	}
	return true
}
