package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/value"
)

// searchPathsOf returns the search keys of a flow whose executions get an input: two members, and
// one that no input has.
func searchPathsOf(input string) (paths []flow.SearchPath) {
	var members map[string]json.RawMessage
	_ = json.Unmarshal([]byte(input), &members) // {} for a flow without input
	for _, name := range append(slices.Sorted(maps.Keys(members)), "missing") {
		p := flow.SearchPath{Name: fmt.Sprintf("k%d", len(paths)), Path: `$Input["` + name + `"]`}
		if _, err := flow.SearchSteps(p.Path); err == nil && (len(paths) < 2 || name == "missing") {
			paths = append(paths, p)
		}
	}
	return paths
}

// searchKeysText returns search keys as a parameter.
func searchKeysText(paths []flow.SearchPath) string {
	text, _ := json.Marshal(paths) // texts alone
	return string(text)
}

// searchKeysOf returns the search keys that an execution must have, read from its input without the
// engine's code. known is false for flows of other clients.
func (w *World) searchKeysOf(x *store.Execution) (keys []flow.SearchKey, known bool) {
	at := slices.IndexFunc(w.clients.flows, func(f definition) bool {
		return f.key() == key(x.Account, x.Flow)
	})
	if at < 0 || w.clients.ids[w.clients.flows[at].key()] != x.FlowID {
		return nil, false
	}
	if x.MapNode > 0 {
		return nil, true
	}
	text, err := w.raw.InputText(always, x)
	if err != nil {
		return nil, false
	}
	var members map[string]json.RawMessage
	_ = json.Unmarshal(text, &members)
	for _, p := range searchPathsOf(w.clients.flows[at].input) {
		name := strings.TrimSuffix(strings.TrimPrefix(p.Path, `$Input["`), `"]`)
		raw, err := value.Canonical(members[name])
		if err != nil {
			continue
		}
		text := string(raw)
		switch {
		case text[0] == '"':
			_ = json.Unmarshal(raw, &text)
		case text == "null", text[0] == '{', text[0] == '[':
			continue
		}
		if text != "" && len(text) <= 128 {
			keys = append(keys, flow.SearchKey{Name: p.Name, Value: text})
		}
	}
	return keys, true
}

// judgeFound checks what lists find an execution by. "found": its search keys and its source are
// those of its start, for good; a failure names a state that led to it, and its error.
func (w *World) judgeFound(r *run, old, x *store.Execution, step *transaction,
	added []flow.HistoryEvent) {
	w.checked("found")
	s := x.Summary()
	if old != nil {
		if fmt.Sprint(old.SearchKeys) != fmt.Sprint(x.SearchKeys) || old.Source != x.Source {
			w.violate("found", "%s v%d is found by %v of %q, before by %v of %q", x.Partition(),
				x.Version, x.SearchKeys, x.Source, old.SearchKeys, old.Source)
		}
	} else if keys, known := w.searchKeysOf(x); known && fmt.Sprint(keys) != fmt.Sprint(s.SearchKeys) {
		w.violate("found", "%s is found by %v, its input has %v", x.Partition(), s.SearchKeys, keys)
	}
	states := failedStates(r)
	// The engine looks back as far as the state row has the history. An execution that it fails by
	// itself fails in no state.
	near := len(added) > 0 && added[len(added)-1].Schedule >= added[0].ID && step != nil &&
		!slices.ContainsFunc(step.input.Messages, func(m interp.Message) bool {
			return m.Kind == interp.EngineFailed
		})
	switch {
	case x.Status != flow.Failed && x.Status != flow.TimedOut:
		if s.Failure != (store.Failure{}) {
			w.violate("found", "%s v%d is %v and fails in %+v", x.Partition(), x.Version, x.Status,
				s.Failure)
		}
	case s.Failure.State == "" && len(states) > 0 && x.Status == flow.Failed && near,
		s.Failure.State != "" && !slices.Contains(states, s.Failure.State),
		s.Failure.Group != flow.FailureGroup(x.Flow, s.Failure.State, x.Error):
		w.violate("found", "%s v%d fails in %+v, its history in %v", x.Partition(), x.Version,
			s.Failure, states)
	}
}

// failedStates returns the states whose failures led to the last event, one after the other.
func failedStates(r *run) (names []string) {
	for id := int64(len(r.events)); id > 0 && r.events[id-1].Error != nil; {
		e := &r.events[id-1]
		if e.Node >= 0 {
			names = append(names, r.m.Nodes[e.Node].Name)
		}
		id = e.Schedule
	}
	return names
}

// find starts a client that looks for executions with the filters that only this server has.
func (c *clients) find() {
	c.spawn(func() {
		d := &reader{c: c, r: c.rand("finder"), n: 2000} // besides the other readers
		for range 6 + d.r.IntN(8) {
			if !c.sleep(time.Duration(d.r.IntN(60_000)) * time.Millisecond) {
				return
			}
			d.n++
			d.findSome()
		}
	})
}

// findSome looks for executions like one that there is. Each row must match, and none may be missing
// that has matched since before the list began.
func (d *reader) findSome() {
	w := d.c.w
	q := cloudflow.ListExecutionsRequest{FlowName: d.c.flows[d.r.IntN(len(d.c.flows))].name,
		Limit: d.limit()}
	metadata := d.r.IntN(2) == 0
	if q.MetadataOnly = &metadata; d.r.IntN(2) == 0 {
		q.FlowName = "*"
	}
	var there []*run
	d.c.note(fmt.Sprintf("reader %d begins", d.n), func() {
		d.chooseFilter(&q)
		for _, partition := range w.partitions {
			if r := w.runs[partition]; r != nil && w.mustFind(&q, r) {
				there = append(there, r)
			}
		}
	})
	token := ""
	rows, whole := pages(d, "executions looked for in "+q.FlowName,
		func(ctx context.Context, s *cloudflow.Service, next string) ([]cloudflow.Execution, string,
			error) {
			q := q
			if q.NextToken = next; next != "" {
				token = next
			}
			page, err := s.ListExecutions(ctx, flowOwnerCaller, q)
			if err != nil {
				return nil, "", err
			}
			return page.Executions, page.NextToken, nil
		})
	if token != "" && d.r.IntN(2) == 0 {
		d.misuse(q, token)
	}
	if whole {
		d.c.note(fmt.Sprintf("reader %d has found", d.n), func() { w.judgeFind(&q, rows, there) })
	}
}

// chooseFilter chooses filters that some execution matches.
func (d *reader) chooseFilter(q *cloudflow.ListExecutionsRequest) {
	w := d.c.w
	var r *run
	if n := len(w.partitions); n > 0 {
		r = w.runs[w.partitions[d.r.IntN(n)]]
	}
	if r == nil {
		q.ErrorName = "None"
		return
	}
	s := r.x.Summary()
	switch d.r.IntN(6) {
	case 0:
		q.ErrorName = s.ErrorName
	case 1:
		q.StateName = s.Failure.State
	case 2:
		q.GroupKey = flow.FormatGroup(s.Failure.Group)
	case 3:
		if q.Source = s.Source; d.r.IntN(2) == 0 {
			q.Source, _, _ = strings.Cut(s.Source, ":")
		}
	default:
		if len(s.SearchKeys) == 0 {
			q.SearchKey, q.SearchValue = "k0", "1"
			return
		}
		k := s.SearchKeys[d.r.IntN(len(s.SearchKeys))]
		if q.SearchKey = k.Name; d.r.IntN(2) == 0 {
			q.SearchValue = k.Value
			if cut := k.Value[:1]; d.r.IntN(3) == 0 && flow.ValidLookup(cut) {
				q.SearchValue = cut // which is another value, or the same
			}
		} else {
			q.SearchValuePrefix = value.Cut(k.Value, 1)
		}
	}
}

// mustFind reports whether a list must have an execution, because it matches the filters and every
// index shows so. Flows of other clients are deleted, so a list may not have them.
func (w *World) mustFind(q *cloudflow.ListExecutionsRequest, r *run) bool {
	s := r.x.Summary()
	at, ok := w.clients.since[r.x.Flow]
	asksForEnd := q.ErrorName+q.StateName+q.GroupKey != ""
	return ok && r.x.Account == account && w.flowNow(r.x.Flow) == r.x.FlowID &&
		time.Since(at) > lagMax && r.x.MapRun == "" && time.Since(r.seen) > lagMax &&
		(q.FlowName == "*" || q.FlowName == r.x.Flow) &&
		(!asksForEnd || r.x.Status.Final() && time.Since(r.ended) > lagMax) &&
		isFound(q, &cloudflow.Execution{Source: s.Source, FailedState: s.Failure.State,
			ErrorName: s.ErrorName, GroupKey: flow.FormatGroup(s.Failure.Group),
			SearchKeys: s.SearchKeys})
}

// isFound reports whether what is shown of an execution matches the filters.
func isFound(q *cloudflow.ListExecutionsRequest, x *cloudflow.Execution) bool {
	for _, f := range [...]struct{ want, is string }{{q.ErrorName, x.ErrorName},
		{q.StateName, x.FailedState}, {q.GroupKey, x.GroupKey}} {
		if f.want != "" && f.want != f.is {
			return false
		}
	}
	kind, _, _ := strings.Cut(x.Source, ":")
	if q.Source != "" && q.Source != x.Source && q.Source != kind || x.Source == "" && q.Source != "" {
		return false
	}
	for _, k := range x.SearchKeys {
		if k.Name == q.SearchKey {
			return q.SearchValue == k.Value ||
				q.SearchValue == "" && strings.HasPrefix(k.Value, q.SearchValuePrefix)
		}
	}
	return q.SearchKey == ""
}

// judgeFind checks a list of executions that were looked for.
func (w *World) judgeFind(q *cloudflow.ListExecutionsRequest, rows []cloudflow.Execution,
	there []*run) {
	w.kinds["executions looked for"]++
	w.checked("find")
	found := map[string]bool{}
	for i := range rows {
		x := &rows[i]
		name := x.FlowName + "/" + x.Name
		switch {
		case !isFound(q, x) || q.FlowName != "*" && x.FlowName != q.FlowName:
			w.violate("find", "%+v finds %+v", *q, *x)
		case found[name]:
			w.violate("find", "%+v finds %s twice", *q, name)
		case i > 0 && place(x.StartedTime, x.Name) > place(rows[i-1].StartedTime, rows[i-1].Name):
			w.violate("find", "%+v finds %s after %s", *q, name, rows[i-1].Name)
		}
		found[name] = true
	}
	for _, r := range there {
		gone := w.runs[r.x.Partition()] != r || r.x.Expires <= time.Now().UnixMilli()+slack
		if !gone && w.mustFind(q, r) && !found[r.x.Flow+"/"+r.x.Name] {
			w.violate("find", "%+v does not find %s: %d rows", *q, r.x.Partition(), len(rows))
		}
	}
}

// misuse asks for the next page with other filters.
func (d *reader) misuse(q cloudflow.ListExecutionsRequest, token string) {
	who := fmt.Sprintf("reader %d misuses a token", d.n)
	q.NextToken = token
	if d.r.IntN(2) == 0 {
		q.ExecutionNamePrefix = "x"
	} else {
		q.Status = "Failed"
	}
	_, err := request(d.c.w, nil, who,
		func(ctx context.Context, s *cloudflow.Service) (*cloudflow.ExecutionPage, error) {
			return s.ListExecutions(ctx, flowOwnerCaller, q)
		})
	d.c.note(who+" and is told", func() {
		if code := codeOf(err); !retried(code, err) && code != fault.InvalidArgument {
			d.c.w.violate("find", "a token of other filters is taken, with %q", code)
		}
	})
}
