package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"millrace/shared/history"
	"millrace/shared/rpc/client"
)

// detailMax is the longest detail of an event in a table without --full, in characters.
const detailMax = 80

func historyCommand() *command {
	return &command{
		name: "history", args: "FLOW EXECUTION", short: "Show the events of an execution",
		server: true, argsMin: 2, argsMax: 2,
		long: "The time is counted from the first event. Fetch[17] is the state Fetch in item or " +
			"branch 17, from 0; #2 is the second\n" +
			"attempt of a task. With --follow events are shown as they " +
			"happen until the execution has\n" +
			"ended; with --output json that is one JSON object a line.",
		examples: "millrace history orders order-7\n" +
			"# whole details, as they happen\n" +
			"millrace history orders order-7 --follow --full\n" +
			"# what failed\n" +
			"millrace history orders order-7 --output json | jq '.Events[] | select(.Type | " +
			"endswith(\"Failed\"))'",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			full := f.Bool("full", false, "show details whole")
			follow := f.BoolP("follow", "f", false, "go on until the execution has ended")
			timeout := f.Duration("timeout", 0, "with --follow: go on for `DURATION` at most")
			return withClient(func(c *invocation, api *client.Client) error {
				switch {
				case c.given["timeout"] && !*follow:
					return c.wrong(errors.New("--timeout goes with --follow"))
				case c.given["timeout"] && *timeout <= 0:
					return c.wrong(errors.New("--timeout must be above 0"))
				}
				w := c.newWatcher(api, c.args[0], c.args[1])
				if *follow {
					return c.follow(w, *full, *timeout)
				}
				return c.history(w, *full)
			})
		},
	}
}

// history prints the events that exist now.
func (c *invocation) history(w *watcher, full bool) error {
	events := []client.Event{}
	w.onEvent = func(e *client.Event, _ *history.Place) { events = append(events, *e) }
	if !c.forPrograms() {
		w.onEvent = c.newEventTable(full).show
	}
	_, err := retryThrottled(c, func() (bool, error) { return w.readEvents(c.ctx) })
	if err == nil && c.forPrograms() {
		err = c.writeJSON(struct{ Events []client.Event }{events})
	}
	return err
}

// follow prints events until the execution has ended.
func (c *invocation) follow(w *watcher, full bool, timeout time.Duration) error {
	ctx, cancel := c.within(timeout)
	defer cancel()
	w.onEvent = c.newEventTable(full).show
	if c.forPrograms() {
		w.onEvent = func(e *client.Event, _ *history.Place) { c.writeLine(e) }
	}
	_, err := w.follow(ctx)
	if err != nil && ctx.Err() != nil {
		return c.stillRunning(w, timeout)
	}
	return err
}

// eventTable prints events line by line. Its columns have fixed widths, because later events are
// not known yet.
type eventTable struct {
	c      *invocation
	full   bool
	start  time.Time
	errors map[string]int64 // text of an error → the event that showed it
}

func (c *invocation) newEventTable(full bool) *eventTable {
	return &eventTable{c: c, full: full, errors: map[string]int64{}}
}

func (t *eventTable) show(e *client.Event, place *history.Place) {
	at := e.Time.Time()
	if t.start.IsZero() {
		t.start = at
		t.line("ID", "TIME", "TYPE", "STATE", "DETAIL")
	}
	state := ""
	if place != nil {
		state = place.String()
		if strings.HasPrefix(e.Type, "Task") && place.Attempt > 1 {
			state += " #" + strconv.Itoa(place.Attempt)
		}
	}
	t.line(strconv.FormatInt(e.EventID, 10), duration(at.Sub(t.start)), e.Type, visible(state),
		visible(t.detail(e)+t.note(e, place)))
}

// note says what follows from an event and the definition, which --follow reads: when a task is
// attempted again, how many items of a Map have ended.
func (t *eventTable) note(e *client.Event, at *history.Place) string {
	owner := at
	switch {
	case e.Type == "StateSucceeded" && at != nil && at.EndsScope():
		owner = at.Scope.Owner
	case e.Type != "IterationExited":
		return nextWords(e, at, t.start)
	}
	if owner == nil || owner.Items == 0 {
		return ""
	}
	return "; " + itemsDone(owner)
}

// detail returns the detail of an event. An error that an earlier event shows is not repeated: one
// passes through the state and the execution.
func (t *eventTable) detail(e *client.Event) string {
	if t.full {
		return e.EventDetail
	}
	if err := history.ErrorOf(e); err != nil {
		text := errorText(err)
		if id, ok := t.errors[text]; ok && !strings.HasPrefix(e.Type, "Task") {
			return fmt.Sprintf("the error of event %d", id)
		}
		t.errors[text] = e.EventID
	}
	return cut(e.EventDetail, detailMax)
}

func (t *eventTable) line(id, at, kind, state, detail string) {
	line := fmt.Sprintf("%5s  %10s  %-18s  %-20s  %s", id, at, kind, state, detail)
	fmt.Fprintln(t.c.Stdout, strings.TrimRight(line, " "))
}
