package cloudflow

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/value"
)

// ListExecutions pages through a flow's executions, newest first (docs/api.md#listexecutions).
func (s *Service) ListExecutions(
	ctx context.Context, c Caller, q ListExecutionsRequest,
) (*ExecutionPage, error) {
	if q.FlowName != allFlows {
		if err := checkName("FlowName", q.FlowName); err != nil {
			return nil, err
		}
	}
	l, err := newListing(q)
	if err != nil {
		return nil, err
	}
	position, err := q.decodePosition()
	if err != nil {
		return nil, err
	}
	flows, last, err := s.listedFlows(ctx, c, q, position.flows)
	if err != nil {
		return nil, err
	}
	l.Before = position.before
	for _, f := range flows {
		l.Flows = append(l.Flows, store.ListedOf{FlowID: f.ID, Shards: f.ListShards})
	}
	if q.FlowName != allFlows {
		l.FlowID, l.Shards, l.Flows = flows[0].ID, flows[0].ListShards, nil
	}
	found, next, err := s.Store.List(ctx, l)
	if err != nil {
		return nil, FaultOf(err)
	}
	page := &listPage{service: s, caller: c, request: &q, flows: map[string]*listedFlow{}}
	for _, f := range flows {
		page.flows[f.ID] = page.newFlow(f)
	}
	shown, err := page.show(ctx, found)
	if err != nil {
		return nil, err
	}
	switch {
	case shown < len(found):
		position.before = l.Position(&found[shown-1])
	case next != "":
		position.before = next
	default:
		position = listPosition{flows: last}
	}
	return &ExecutionPage{Executions: page.executions,
		NextToken: q.encodePosition(position)}, nil
}

// listPage collects the executions of a page.
type listPage struct {
	service    *Service
	caller     Caller
	request    *ListExecutionsRequest
	flows      map[string]*listedFlow // by id
	executions []Execution
}

// listedFlow is a flow whose executions are listed.
type listedFlow struct {
	*store.Flow
	visibility visibility // of executions that another key has started
	metadata   bool       // the page shows what the index has
}

func (p *listPage) newFlow(f *store.Flow) *listedFlow {
	return &listedFlow{f, p.caller.visibility(f, ""), p.request.MetadataOnly != nil &&
		*p.request.MetadataOnly || !p.caller.may("fnf:DescribeExecution", f.Name)}
}

// show adds executions to the page until it is full, and returns how many it has seen to.
func (p *listPage) show(ctx context.Context, found []store.Summary) (int, error) {
	s := p.service
	p.executions = []Execution{}
	for i, sum := range found {
		id, _, _ := store.ParsePartition(sum.Partition)
		f := p.flows[id]
		if f.metadata {
			p.executions = append(p.executions, *p.indexed(f, &sum))
			continue
		}
		shown, err := s.loadListed(ctx, p, f, sum)
		if err != nil {
			return 0, err
		}
		if shown == nil || !p.request.fits(shown) {
			// The index was behind: the execution is gone, or its status no longer matches the
			// filter.
			continue
		}
		p.executions = append(p.executions, *shown)
		if pageSize(p.executions) > s.PageBytes {
			return i + 1, nil
		}
	}
	return len(found), nil
}

// loadListed reads the execution itself, because the index may be behind. If the rows of the
// execution are damaged, loadListed returns what the index has, so that the rest of the page can be
// shown.
func (s *Service) loadListed(
	ctx context.Context, p *listPage, f *listedFlow, sum store.Summary,
) (*Execution, error) {
	shown, err := s.read(ctx, p.caller, f.Flow, sum)
	if store.IsDamaged(err) {
		s.Log.Error("an execution in a list is damaged", "partition", sum.Partition, "err", err)
		return p.indexed(f, &sum), nil
	}
	return shown, err
}

func (s *Service) read(
	ctx context.Context, c Caller, f *store.Flow, sum store.Summary,
) (*Execution, error) {
	x, err := s.Engine.Load(ctx, sum.Partition)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, FaultOf(err)
	}
	shown, err := s.executionView(ctx, c, f, x)
	if fault.CodeOf(err) == fault.ExecutionNotExists {
		return nil, nil // deleted meanwhile
	}
	return shown, err
}

// indexed returns the fields of an execution that the list index has.
func (p *listPage) indexed(f *listedFlow, sum *store.Summary) *Execution {
	out := &Execution{
		FlowName:     f.Name,
		Name:         sum.Name,
		Status:       sum.Status.String(),
		StartedTime:  sum.Started,
		StoppedTime:  sum.Stopped,
		MetadataOnly: true,
	}
	v := f.visibility
	if key, ok := strings.CutPrefix(sum.Source, store.SourceKey); ok && p.caller.isStarter(key) {
		v.paths = nil
	}
	v.showFound(f.Flow, sum, out)
	return out
}

func pageSize(list []Execution) int {
	n := 0
	for i := range list {
		n += len(list[i].FlowDefinition) + len(list[i].Input) + len(list[i].Output) + 256
	}
	return n
}

// newListing converts the filters to those of the store.
func newListing(q ListExecutionsRequest) (store.ListOptions, error) {
	l := store.ListOptions{}
	var err error
	if l.Limit, err = checkLimit(q.Limit, 100); err != nil {
		return l, err
	}
	status, any := flow.Status(0), q.Status == ""
	if !any {
		var ok bool
		if status, ok = flow.ParseStatus(q.Status); !ok {
			return l, fault.New(fault.InvalidArgument,
				"Status %s is invalid: Starting, Running, Stopped, Succeeded, Failed or TimedOut.",
				value.Quote(q.Status))
		}
	}
	if q.ExecutionNamePrefix != "" && !flow.ValidLookup(q.ExecutionNamePrefix) {
		return l, fault.New(fault.InvalidArgument, "ExecutionNamePrefix %s is invalid.",
			value.Quote(q.ExecutionNamePrefix))
	}
	if l.Begin, err = instant("StartedTimeBegin", q.StartedTimeBegin); err != nil {
		return l, err
	}
	if l.End, err = instant("StartedTimeEnd", q.StartedTimeEnd); err != nil {
		return l, err
	}
	if err := q.checkFind(); err != nil {
		return l, err
	}
	l.Match = func(s store.Summary) bool {
		return (any || s.Status == status) && strings.HasPrefix(s.Name, q.ExecutionNamePrefix) &&
			(q.Qualifier == "" || s.Qualifier == q.Qualifier) && s.MapRun == q.MapRunName &&
			q.finds(&s)
	}
	return l, nil
}

// instant parses an RFC 3339 time. It returns 0 for "".
func instant(parameter, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	t, err := flow.ParseTime(text)
	if err != nil {
		return 0, fault.New(fault.InvalidArgument, "%s must be a time like 2019-01-01T01:01:01Z.",
			parameter)
	}
	return max(t.UnixMilli(), 1), nil
}

// GetExecutionHistory pages through an execution's events, oldest first
// (docs/api.md#getexecutionhistory).
func (s *Service) GetExecutionHistory(
	ctx context.Context, c Caller, q GetExecutionHistoryRequest,
) (*EventPage, error) {
	if err := checkLookup(q.FlowName, q.ExecutionName); err != nil {
		return nil, err
	}
	limit, err := checkLimit(q.Limit, 1000)
	if err != nil {
		return nil, err
	}
	from := int64(0) // not given
	if q.NextToken != "" {
		if from, err = strconv.ParseInt(q.NextToken, 10, 64); err != nil || from < 1 {
			return nil, errPageToken()
		}
	}
	wait, err := s.waitTime(q.WaitTimeSeconds)
	if err != nil {
		return nil, err
	}
	f, err := s.getFlow(ctx, c, q.FlowName)
	if err != nil {
		return nil, err
	}
	x, err := s.Engine.AwaitEvent(ctx, store.Partition(f.ID, q.ExecutionName), max(from, 1), wait)
	if errors.Is(err, store.ErrNotFound) {
		return nil, executionMissing(q.FlowName, q.ExecutionName)
	} else if err != nil {
		return nil, FaultOf(err)
	}
	read := s.events
	if q.ReverseOrder != nil && *q.ReverseOrder {
		read = s.newestEvents
	}
	page, err := read(ctx, x, c.visibility(f, x.StartedBy), from, limit)
	if err != nil {
		return nil, s.readFault(ctx, x, err)
	}
	return page, nil
}

// events returns events with ids of at least from, the oldest first.
func (s *Service) events(
	ctx context.Context, x *store.Execution, v visibility, from int64, limit int,
) (*EventPage, error) {
	page, err := s.readEvents(ctx, x, v, from, limit, false)
	if err != nil {
		return nil, err
	}
	if n := len(page.Events); n > 0 && page.Events[n-1].ID < x.LastEvent {
		page.NextToken = strconv.FormatInt(page.Events[n-1].ID+1, 10)
	}
	return page, nil
}

// newestEvents returns events with ids of at most from, the newest first; from 0 is the last event.
func (s *Service) newestEvents(
	ctx context.Context, x *store.Execution, v visibility, from int64, limit int,
) (*EventPage, error) {
	if from == 0 || from > x.LastEvent {
		from = x.LastEvent
	}
	first := max(from-int64(limit)+1, 1)
	page, err := s.readEvents(ctx, x, v, first, int(from-first+1), true)
	if err != nil {
		return nil, err
	}
	if n := len(page.Events); n > 0 && page.Events[n-1].ID > 1 {
		page.NextToken = strconv.FormatInt(page.Events[n-1].ID-1, 10)
	}
	return page, nil
}

// readEvents returns limit events with ids of at least from, or fewer if they would be longer than
// a page may be: then the first ones, or the last ones if the newest come first.
func (s *Service) readEvents(
	ctx context.Context, x *store.Execution, v visibility, from int64, limit int,
	newestFirst bool,
) (*EventPage, error) {
	m, err := s.Engine.Machine(ctx, x)
	if err != nil {
		return nil, err
	}
	events, err := s.Store.Events(ctx, x, from, limit)
	if err != nil {
		return nil, err
	}
	if newestFirst {
		slices.Reverse(events)
	}
	page := &EventPage{Events: make([]Event, 0, len(events))}
	size := 0
	values := s.Store.Loader(x, events)
	for i := range events {
		e := &events[i]
		if err := values.Load(ctx, e); err != nil {
			return nil, err
		}
		shown := *e // later values refer to the event as it is
		hidden := v.event(&shown)
		detail := v.mask(string(shown.AppendDetail(nil, m)))
		page.Events = append(page.Events, Event{
			ID:         e.ID,
			ScheduleID: e.Schedule,
			Type:       e.Type.String(),
			StepName:   e.StepName(m),
			Detail:     detail,
			Time:       e.Time,
			Hidden:     hidden,
		})
		if size += len(detail) + 128; size > s.PageBytes {
			break
		}
	}
	return page, nil
}
