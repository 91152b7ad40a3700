package console

import (
	"container/list"
	"context"
	"strconv"
	"sync"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/history"
	"millrace/shared/rpc/client"
)

// What a page reads of a history at most before it is shown, and what is kept of all histories
// together, in bytes. A page that is followed, or looked at again, goes on from there.
const (
	readEventsMax = 20000
	readTimeMax   = 400 * time.Millisecond
	readPage      = 1000
	runsBytesMax  = 48 << 20
	runBytesMax   = 16 << 20
	eventBytes    = 150 // about what a run keeps of an event beside its detail
)

// runs keeps what pages have read of histories, for each reader's key: what a reader may see, no
// other reader is shown.
type runs struct {
	mu    sync.Mutex
	all   map[runKey]*list.Element // of *knownRun
	used  list.List                // the latest used first
	bytes int
}

// runKey names an execution as a reader's key sees it. The start tells it from an earlier one of its
// name.
type runKey struct{ keyID, flow, execution, started string }

// knownRun is what has been read of a history.
type knownRun struct {
	key   runKey
	bytes int // as runs counts it

	mu     sync.Mutex // held while the run is read or goes on
	run    *history.Run
	held   int    // about its bytes
	whole  bool   // every event that there was has been read
	full   bool   // no more events are read, because too much is kept already
	opaque bool   // the endpoint's page tokens are not the numbers of events
	token  string // of the page to go on with, if opaque
}

func newRuns() *runs { return &runs{all: map[runKey]*list.Element{}} }

// get returns what is known of an execution, with at most what Execution says if nothing is.
func (r *runs) get(keyID string, x *client.Execution) *knownRun {
	key := runKey{keyID, x.FlowName, x.Name, string(x.StartedTime)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if at := r.all[key]; at != nil {
		r.used.MoveToFront(at)
		return at.Value.(*knownRun)
	}
	k := &knownRun{key: key, run: history.NewRun(x.FlowDefinition)}
	r.all[key] = r.used.PushFront(k)
	return k
}

// keep counts the bytes of a run, and forgets those that were used longest ago if there are too
// many.
func (r *runs) keep(k *knownRun, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all[k.key] == nil || r.all[k.key].Value != k {
		return // it has been forgotten meanwhile
	}
	r.bytes += bytes - k.bytes
	k.bytes = bytes
	for r.bytes > runsBytesMax && r.used.Len() > 1 {
		last := r.used.Remove(r.used.Back()).(*knownRun)
		delete(r.all, last.key)
		r.bytes -= last.bytes
	}
}

// known returns what the history of an execution says, after reading what is new, and calls use with
// it. The request for what is new shows that the reader may see the history. use must not keep the
// run.
func (pr *pageRequest) known(x *client.Execution, use func(*knownRun)) error {
	k := pr.console.runs.get(pr.page.KeyID, x)
	k.mu.Lock()
	defer k.mu.Unlock()
	err := pr.goOn(k)
	pr.console.runs.keep(k, k.held)
	if err != nil {
		return err
	}
	use(k)
	return nil
}

// goOn reads events from where an earlier page ended.
func (pr *pageRequest) goOn(k *knownRun) error {
	if k.full {
		return pr.mayRead(k)
	}
	began, events := time.Now(), 0
	limit := int64(readPage)
	for {
		got, err := pr.api.GetExecutionHistory(pr.ctx, cloudflow.GetExecutionHistoryRequest{
			FlowName: k.key.flow, ExecutionName: k.key.execution, NextToken: k.next(), Limit: &limit})
		if fault.CodeOf(err) == fault.InvalidArgument && !k.opaque && k.run.Events > 0 {
			k.opaque = true
			continue
		}
		if err != nil {
			return err
		}
		events += k.add(got)
		k.whole, k.full = got.NextToken == "", k.held > runBytesMax
		if k.whole || k.full || events >= readEventsMax || time.Since(began) > readTimeMax {
			return nil
		}
	}
}

// mayRead returns an error if the reader may not see the history.
func (pr *pageRequest) mayRead(k *knownRun) error {
	_, err := pr.lastEvents(pr.ctx, k.key.flow, k.key.execution, 1)
	return err
}

// next returns the token of the page with the first event that is new.
func (k *knownRun) next() string {
	switch {
	case k.opaque:
		return k.token
	case k.run.Events == 0:
		return ""
	}
	return strconv.FormatInt(k.run.Events+1, 10)
}

// add takes the new events of a page and returns how many there were.
func (k *knownRun) add(got *client.History) (added int) {
	for i := range got.Events {
		e := &got.Events[i]
		if e.EventID <= k.run.Events {
			continue
		}
		k.run.Add(e)
		k.held += eventBytes
		if e.Type == "TaskScheduled" || history.ErrorOf(e) != nil {
			k.held += len(e.EventDetail)
		}
		added++
	}
	if token := got.NextToken; token != "" {
		k.token = token
		k.opaque = k.opaque || token != strconv.FormatInt(k.run.Events+1, 10)
	}
	return added
}

// event returns one event by its id; nil if the endpoint has none, or cannot go to it.
func (pr *pageRequest) event(
	ctx context.Context, flowName, name string, id int64,
) (*client.Event, error) {
	one := int64(1)
	got, err := pr.api.GetExecutionHistory(ctx, cloudflow.GetExecutionHistoryRequest{
		FlowName: flowName, ExecutionName: name, NextToken: strconv.FormatInt(id, 10), Limit: &one})
	if err != nil || len(got.Events) == 0 || got.Events[0].EventID != id {
		return nil, err
	}
	return &got.Events[0], nil
}

// lastEvents returns the last n events of a history, the newest first; none if the endpoint cannot
// begin with them.
func (pr *pageRequest) lastEvents(
	ctx context.Context, flowName, name string, n int64,
) ([]client.Event, error) {
	yes := true
	got, err := pr.api.GetExecutionHistory(ctx, cloudflow.GetExecutionHistoryRequest{
		FlowName: flowName, ExecutionName: name, Limit: &n, ReverseOrder: &yes})
	if err != nil || len(got.Events) == 0 ||
		got.Events[0].EventID < got.Events[len(got.Events)-1].EventID ||
		len(got.Events) == 1 && got.NextToken == "2" { // it has not heard of ReverseOrder
		return nil, err
	}
	return got.Events, nil
}
