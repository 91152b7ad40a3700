// Package history reads the history of an execution as clients of the API get it: where each event
// belongs, which state failed first, and which tasks wait for a report.
package history

import (
	"millrace/shared/flow"
	"millrace/shared/rpc/client"
	"millrace/shared/value"
)

// ErrorOf returns the error of an event; nil if it has none.
func ErrorOf(e *client.Event) *flow.Error {
	var d struct {
		Error string `json:"error"`
		Cause string `json:"cause"`
	}
	if value.Unmarshal([]byte(e.EventDetail), &d) != nil || d.Error == "" {
		return nil
	}
	return &flow.Error{Name: d.Error, Cause: d.Cause}
}

// Failures keeps the events of a history that have an error. The zero value is ready for use.
type Failures struct {
	events map[int64]*client.Event
}

// Add takes the next event, and keeps it if it has an error.
func (f *Failures) Add(e *client.Event) {
	if ErrorOf(e) == nil {
		return
	}
	if f.events == nil {
		f.events = map[int64]*client.Event{}
	}
	f.events[e.EventID] = e
}

// First returns the first of the failures that led to an event, each of which follows the one
// before; the event itself if it follows none.
func (f *Failures) First(last *client.Event) *client.Event {
	first := last
	for {
		before := f.events[first.ScheduleEventID]
		if before == nil || before.EventID >= first.EventID {
			return first
		}
		first = before
	}
}
