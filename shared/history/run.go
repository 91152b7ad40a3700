package history

import (
	"strings"

	"millrace/shared/flow"
	"millrace/shared/graph"
	"millrace/shared/rpc/client"
	"millrace/shared/value"
)

// Run is what an execution did, as its events tell it one by one: what each state did, in which
// entries and attempts, the first failure, the tasks that have not ended, and the MapRuns.
type Run struct {
	States   *graph.Run // what a drawing of the definition shows
	MapRuns  []MapRun   // in the order of their starts
	Children []Child    // in the order in which they became known; at most childrenMax
	Events   int64      // id of the last event
	Spans    Spans

	places    *Places
	failures  Failures
	tasks     Tasks
	scheduled map[*Place]int64 // the latest TaskScheduled of an entry
	last      *client.Event
}

// MapRun is the run of a distributed Map.
type MapRun struct {
	Name    string
	At      *Place // of the Map
	EventID int64  // of its MapRunStarted
}

// NewRun returns a run without events. definition is that of the execution; without one, or with one
// that this program does not accept, the run says nothing that only a definition can say.
func NewRun(definition string) *Run {
	r := &Run{States: graph.NewRun(), places: NewPlaces(), scheduled: map[*Place]int64{}}
	r.places.Define(definition)
	return r
}

// Add takes the next event. It keeps the event if that has an error, or is the start of a task that
// has not ended.
func (r *Run) Add(e *client.Event) {
	r.States.Add(graph.Event{ID: e.EventID, Follows: e.ScheduleEventID, Type: e.Type,
		State: e.StepName})
	at := r.places.Add(e)
	r.failures.Add(e)
	r.tasks.Add(e, at)
	r.Spans.add(e, at)
	r.Events, r.last = e.EventID, e
	switch e.Type {
	case "TaskScheduled":
		r.scheduled[at] = e.EventID
		r.findChild(e, at)
	case "TaskSucceeded":
		r.findChild(e, at)
	case "MapRunStarted":
		if name := mapRunName(e); name != "" {
			r.MapRuns = append(r.MapRuns, MapRun{name, at, e.EventID})
		}
	}
	if at != nil {
		r.countItems(at.Scope.Owner)
		r.countItems(at)
	}
}

// countItems tells the drawing how far a Map is.
func (r *Run) countItems(at *Place) {
	if at == nil || at.spec == nil || at.spec.Kind != flow.Map || at.Scopes == 0 {
		return
	}
	r.States.SetItems(at.State, graph.Items{Total: max(at.Items, at.Scopes),
		Ended: at.Scopes - at.Running, Failed: at.Failed})
}

func mapRunName(e *client.Event) string {
	var d struct {
		Output struct{ MapRunName string } `json:"output"`
	}
	if value.UnmarshalLenient([]byte(e.EventDetail), &d) != nil {
		return ""
	}
	return d.Output.MapRunName
}

// Failure is where an execution failed first.
type Failure struct {
	State     string // "" if no state failed
	Place     string // the state with its branch or item: Fetch[17]
	Error     *flow.Error
	Event     int64
	Attempt   int   // of a task; 0 if it was none
	Scheduled int64 // id of the event that shows what the task was given; 0 if it was none
}

// FirstFailure follows the failure of the last event back to the state that failed first; nil if the
// execution has not failed.
func (r *Run) FirstFailure() *Failure {
	if r.last == nil || !strings.HasPrefix(r.last.Type, "Execution") || ErrorOf(r.last) == nil {
		return nil
	}
	return r.failureAt(r.failures.First(r.last))
}

// failureAt returns what is known of an event that has an error.
func (r *Run) failureAt(e *client.Event) *Failure {
	f := &Failure{Error: ErrorOf(e), Event: e.EventID}
	if at := r.places.Of(e.EventID); at != nil {
		f.State, f.Place, f.Attempt = at.State, at.String(), at.Attempt
		f.Scheduled = r.scheduled[at]
	}
	return f
}

// OpenTasks returns the tasks that have not ended.
func (r *Run) OpenTasks() []*Task { return r.tasks.Open() }

// Place returns where an event belongs; nil if it is one of the execution, or not known.
func (r *Run) Place(event int64) *Place { return r.places.Of(event) }
