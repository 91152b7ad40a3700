package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/history"
	"millrace/shared/rpc/client"
)

const (
	// historyPageSize is the number of events per request. The last page is read again on each
	// turn, because it has no token to go on from.
	historyPageSize = 200
	// pollIntervalMin is the shortest time between two turns, for a server that does not hold a
	// long poll.
	pollIntervalMin = 300 * time.Millisecond
	// pollMax is the longest long poll, in seconds. It bounds how late a state is shown after a
	// quiet time.
	pollMax = 4
	// outageMax is how long a server that has responded before may be unreachable.
	outageMax = time.Minute
)

// watcher follows an execution to its end.
type watcher struct {
	c          *invocation
	client     *client.Client
	flow, name string
	onEvent    func(*client.Event, *history.Place) // called for every event, in order
	onTurn     func()                              // called when all events that exist were shown

	places        *history.Places // of the events so far
	defined       bool            // the places know the definition
	token         string          // of the page that new events will be on
	lenient       bool            // go on without a history that the key may not read
	historyDenied bool            // the key may not read the history: events and error are unknown
	seen          int64           // id of the last event
	last          *client.Event   // the last event of the execution itself
	outageSince   time.Time       // since when the server has not responded; zero if it does
	outageSaid    bool            // a line has said so
}

func (c *invocation) newWatcher(api *client.Client, flowName, name string) *watcher {
	return &watcher{c: c, client: api, flow: flowName, name: name, places: history.NewPlaces()}
}

// follow calls onEvent for every event and returns the execution when it has ended. It tolerates a
// server that is unreachable for less than outageMax and, if lenient, a key that may not read the
// history. Each turn reads the status first, so that the history of an execution that has ended is
// whole.
func (w *watcher) follow(ctx context.Context) (*client.Execution, error) {
	poll := int64(0)
	for {
		began := w.c.Now()
		e, err := w.describe(ctx, poll)
		fresh := false
		if err == nil {
			w.define(e)
			fresh, err = w.readEvents(ctx)
		}
		switch {
		case err != nil:
			err = w.tolerate(ctx, err)
		case final(e):
			w.responded()
			return e, w.awaitLastEvent(ctx)
		default:
			w.responded()
			if poll > 0 {
				err = w.sleep(ctx, pollIntervalMin-w.c.Now().Sub(began))
			}
			if poll = min(poll+1, pollMax); fresh {
				poll = 1
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

// define tells the places the definition of the execution.
func (w *watcher) define(e *client.Execution) {
	if !w.defined {
		w.defined = true
		w.places.Define(e.FlowDefinition)
	}
}

func final(e *client.Execution) bool {
	s, ok := flow.ParseStatus(e.Status)
	return ok && s.Final()
}

func (w *watcher) describe(ctx context.Context, poll int64) (*client.Execution, error) {
	return w.client.DescribeExecution(ctx,
		cloudflow.DescribeExecutionRequest{
			FlowName: w.flow, ExecutionName: w.name, WaitTimeSeconds: &poll,
		})
}

// readEvents reads the events up to the last one and reports whether any was new.
func (w *watcher) readEvents(ctx context.Context) (fresh bool, err error) {
	if w.historyDenied {
		return false, nil
	}
	limit := int64(historyPageSize)
	for {
		page, err := w.client.GetExecutionHistory(ctx, cloudflow.GetExecutionHistoryRequest{
			FlowName: w.flow, ExecutionName: w.name, NextToken: w.token, Limit: &limit,
		})
		if w.lenient && fault.CodeOf(err) == fault.AccessDenied && !unreachable(err) {
			w.historyDenied = true
			w.c.say("no progress is shown, the history cannot be read: " + err.Error())
			return fresh, nil
		}
		if err != nil {
			return fresh, err
		}
		for i := range page.Events {
			if e := &page.Events[i]; e.EventID > w.seen {
				fresh = true
				w.handle(e)
			}
		}
		if page.NextToken == "" || page.NextToken == w.token {
			if w.onTurn != nil {
				w.onTurn()
			}
			return fresh, nil
		}
		w.token = page.NextToken
	}
}

func (w *watcher) handle(e *client.Event) {
	w.seen = e.EventID
	at := w.places.Add(e)
	if strings.HasPrefix(e.Type, "Execution") {
		w.last = e
	}
	if w.onEvent != nil {
		w.onEvent(e, at)
	}
}

// awaitLastEvent reads again for a while if the last event is missing: at Alibaba Cloud, the
// history is another service than the status and may be late.
func (w *watcher) awaitLastEvent(ctx context.Context) error {
	missing := func() bool {
		return w.last == nil || w.last.Type == "ExecutionStarted" ||
			w.last.Type == "ExecutionRedriven"
	}
	for attempt := 0; attempt < 3 && !w.historyDenied && missing(); attempt++ {
		if err := w.sleep(ctx, pollIntervalMin); err != nil {
			return err
		}
		if _, err := w.readEvents(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *watcher) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	return w.c.Sleep(ctx, d)
}

// tolerate waits if the server may respond again; it returns err if not.
func (w *watcher) tolerate(ctx context.Context, err error) error {
	if ctx.Err() != nil || !w.c.serverSeen || !unreachable(err) && !fault.CodeOf(err).Retryable() {
		return err
	}
	now := w.c.Now()
	if w.outageSince.IsZero() {
		w.outageSince = now
		if unreachable(err) {
			w.outageSaid = true
			fmt.Fprintln(w.c.Stderr, "the server does not respond; trying again for a minute")
		}
	}
	if now.Sub(w.outageSince) > outageMax {
		return err
	}
	return w.sleep(ctx, min(pollIntervalMin+now.Sub(w.outageSince)/4, 5*time.Second))
}

// responded notes that the server responds, and says so if it did not before.
func (w *watcher) responded() {
	if w.outageSaid {
		fmt.Fprintf(w.c.Stderr, "the server responds again, after %s\n",
			duration(w.c.Now().Sub(w.outageSince)))
	}
	w.c.serverSeen, w.outageSince, w.outageSaid = true, time.Time{}, false
}

// failure returns the error of the execution; nil if it succeeded or the history does not hold one.
func (w *watcher) failure() *flow.Error {
	if w.last == nil {
		return nil
	}
	return history.ErrorOf(w.last)
}

// within returns the program's context with a timeout; 0 is no timeout.
func (c *invocation) within(d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return context.WithCancel(c.ctx)
	}
	return context.WithTimeout(c.ctx, d)
}
