// Package flowtest runs a flow against mocked task outcomes, without a server and without real
// time: waits are skipped, and branches and iterations run one after the other, so that results can
// be compared. It loads the test cases of `millrace test` and checks their results.
package flowtest

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/value"
)

// Outcome is the result of one attempt of a task: an error, or the output of the call. If the task
// waits for a report, Callback is the reported output; nil: Return is reported.
type Outcome struct {
	Return   any
	Callback any
	Error    *flow.Error
}

// ItemList is what the ItemReader of a Map reads: items, or an error.
type ItemList struct {
	Items []any
	Error *flow.Error
}

// Setup describes one run.
type Setup struct {
	FlowName      string
	ExecutionName string
	RoleArn       string
	Input         any                  // a JSON object; nil: {}
	Tasks         map[string][]Outcome // by state name, one per attempt; the last one is repeated
	Items         map[string]ItemList  // by state name: what the ItemReader of a Map reads
	Start         int64                // when the execution starts, in ms since 1970
}

// Wait is a Wait state or a pause before a retry. Waits are listed in the order in which they
// begin.
type Wait struct {
	State   string
	Seconds float64
	Until   int64 // ms since 1970
}

// Entry is one entry of a state. Output is nil if the state failed.
type Entry struct {
	State  string
	Input  any
	Output any
	Failed bool
}

// Call is one call of a task.
type Call struct {
	State  string
	Params any // evaluated Parameters or serviceParams; nil if there are none
	Input  any
}

// Result is the result of a run.
type Result struct {
	Status  flow.Status
	Output  any
	Error   *flow.Error
	Entries []Entry
	Waits   []Wait
	Calls   []Call
	Events  []flow.HistoryEvent

	tokens map[string]string
}

// MockToken replaces every task token of a StateMachine. In a FlowV1 token, SIG replaces the
// signature.
const MockToken = "TASK-TOKEN"

// stepsMax ends a run that does not end by itself. workMax bounds the work of one step.
const (
	stepsMax = 100_000
	workMax  = 100_000
)

// Execute runs a machine to its end. If the run cannot go on or does not end, it returns an error
// together with what has happened so far.
func Execute(m *flow.Machine, limits flow.Limits, s Setup) (*Result, error) {
	limits.Sequential = true
	input := s.Input
	if input == nil {
		input = map[string]any{}
	}
	deadline := m.TimeoutSeconds
	if deadline == 0 {
		deadline = limits.ExecutionSeconds
	}
	state := interp.New(interp.Facts{
		Account: "1234567890123456", Region: "local", FlowID: "flow", Flow: s.FlowName,
		Name: s.ExecutionName, RoleArn: s.RoleArn, Run: 1, Seed: [16]byte{1}, Dialect: m.Dialect,
		Started: s.Start, Deadline: s.Start + deadline*1000, Input: flow.NewValue(input),
	})
	r := &run{
		m: m, limits: &limits, setup: &s, state: state, now: s.Start, used: map[string]int{},
		out: &Result{tokens: map[string]string{}}, seen: map[interp.Timer]bool{},
		open: map[int64]int{},
	}
	err := r.loop()
	return r.finish(), err
}

type run struct {
	m      *flow.Machine
	limits *flow.Limits
	setup  *Setup
	state  *interp.State
	now    int64
	used   map[string]int
	out    *Result
	seen   map[interp.Timer]bool
	open   map[int64]int // by node: index of its latest entry in Result.Entries
	events []flow.HistoryEvent
}

func (r *run) loop() error {
	var messages []interp.Message
	for range stepsMax {
		fx := interp.Step(r.m, r.limits, r.state, interp.StepInput{
			At: r.now, Messages: messages, WorkMax: workMax,
			Lease: &interp.LeaseOptions{Max: 1, Owner: 1},
		})
		if len(fx.Need) > 0 {
			return errors.New("internal error: a value is missing")
		}
		r.events = append(r.events, fx.Events...)
		for i := range fx.Events {
			r.recordEntry(&fx.Events[i])
		}
		messages = nil
		for _, t := range r.state.Timers(r.m) {
			if !r.seen[t] {
				r.seen[t] = true
				r.out.Waits = append(r.out.Waits,
					Wait{State: t.State, Seconds: float64(t.Due-r.now) / 1000, Until: t.Due})
			}
		}
		if r.state.Final() {
			return nil
		}
		for _, c := range fx.Calls {
			complete := r.call
			switch {
			case c.Child != nil:
				complete = r.child
			case c.ReadsItems:
				complete = r.read
			case c.WritesResults:
				complete = write
			}
			got, err := complete(c)
			if err != nil {
				return err
			}
			messages = append(messages, got...)
		}
		if len(messages) == 0 && !fx.More {
			due := r.state.NextWakeTime(0)
			if due <= r.now {
				return errors.New("internal error: the execution does not go on")
			}
			r.now = due
		}
	}
	return fmt.Errorf("no end after %d steps; does the flow loop for ever?", stepsMax)
}

// call returns the messages that complete a call, with the next outcome of its state.
func (r *run) call(c interp.Call) ([]interp.Message, error) {
	if c.Token != "" { // a task that waits for no report has none
		if masked, ok := maskToken[r.m.Dialect](c.Token); ok {
			r.out.tokens[c.Token] = masked
		}
	}
	call := Call{State: c.State, Input: c.Input.Tree()}
	if c.Params != nil {
		call.Params = c.Params.Tree()
	}
	r.out.Calls = append(r.out.Calls, call)
	list := r.setup.Tasks[c.State]
	if len(list) == 0 {
		return nil, fmt.Errorf(
			"the task %s was called, and the case does not say what comes of it; add to tasks: "+
				"%s: [{return: {}}], or [{error: NAME}]",
			value.Quote(c.State), c.State)
	}
	o := list[min(r.used[c.State], len(list)-1)]
	r.used[c.State]++
	if c.Task.Mode == flow.RequestComplete {
		return []interp.Message{{
			Kind: interp.CallCompleted, Attempt: c.Attempt, Output: encode(o.Return),
			Error: o.Error,
		}}, nil
	}
	report := o.Callback
	if report == nil {
		report = o.Return
	}
	if _, ok := report.(map[string]any); !ok && report != nil && o.Error == nil {
		return nil, fmt.Errorf(
			"the task %s waits for a report, whose output must be a mapping, not %s",
			value.Quote(c.State), show(report))
	}
	token, _ := interp.ParseToken(c.Token)
	return []interp.Message{
		{Kind: interp.CallCompleted, Attempt: c.Attempt, Output: encode(o.Return)},
		{Kind: interp.TaskReported, TokenID: token.ID, Output: encode(report), Error: o.Error},
	}, nil
}

// read returns the message with all items that the ItemReader of a Map reads.
func (r *run) read(c interp.Call) ([]interp.Message, error) {
	q := c.Params.Tree().(map[string]any)
	r.out.Calls = append(r.out.Calls, Call{State: c.State, Params: q["Source"], Input: c.Input.Tree()})
	list, ok := r.setup.Items[c.State]
	if !ok {
		return nil, fmt.Errorf(
			"the Map %s reads items, and the case does not say which; add to items: %s: [{}]",
			value.Quote(c.State), c.State)
	}
	block := map[string]any{"Items": append([]any{}, list.Items...), "Cursor": map[string]any{},
		"End": true}
	return []interp.Message{{Kind: interp.CallCompleted, Attempt: c.Attempt,
		Output: value.Encode(block), Error: list.Error}}, nil
}

// write returns the message that a file of results is written. Nothing is written.
func write(c interp.Call) ([]interp.Message, error) {
	return []interp.Message{{Kind: interp.CallCompleted, Attempt: c.Attempt,
		Output: []byte("{}")}}, nil
}

// child runs the child execution of a MapRun, and returns the messages that complete it.
func (r *run) child(c interp.Call) ([]interp.Message, error) {
	f := r.state.Facts
	f.Run, f.Seed = interp.ChildSeed(f.Seed, c.Key)
	f.Name, f.Input, f.Started = c.Child.Name, c.Params, r.now
	f.Express, f.Child = c.Child.Express, true
	if f.Express {
		f.Deadline = min(f.Deadline, r.now+r.limits.ExpressSeconds*1000)
	}
	child := &run{
		m: r.m.Child(c.Node), limits: r.limits, setup: r.setup, state: interp.New(f), now: r.now,
		used: r.used, out: r.out, seen: map[interp.Timer]bool{}, open: map[int64]int{},
	}
	if err := child.loop(); err != nil {
		return nil, err
	}
	r.now = child.now
	end := interp.Message{Kind: interp.CallCompleted, Attempt: c.Attempt, Error: child.state.Error}
	if end.Error == nil {
		end.Output = child.state.Output.Text()
	}
	if c.Child.Express {
		return []interp.Message{end}, nil
	}
	end.Kind, end.TokenID = interp.TaskReported, c.Attempt
	return []interp.Message{{Kind: interp.CallCompleted, Attempt: c.Attempt}, end}, nil
}

func encode(v any) []byte {
	if v == nil {
		return []byte("{}")
	}
	return value.Encode(v)
}

func (r *run) finish() *Result {
	out := r.out
	out.Status, out.Error, out.Events = r.state.Status, r.state.Error, r.events
	if r.state.Output != nil {
		out.Output = out.mask(r.state.Output.Tree())
	}
	for i := range out.Calls {
		c := &out.Calls[i]
		c.Params, c.Input = out.mask(c.Params), out.mask(c.Input)
	}
	for i := range out.Entries {
		v := &out.Entries[i]
		v.Input, v.Output = out.mask(v.Input), out.mask(v.Output)
	}
	return out
}

// recordEntry records what an event says about the entry of its state. An event belongs to the
// latest entry of its node.
func (r *run) recordEntry(e *flow.HistoryEvent) {
	out := r.out
	switch e.Type {
	case flow.StateEntered, flow.StepEntered:
		out.Entries = append(out.Entries, Entry{State: e.StepName(r.m)})
		r.open[int64(e.Node)] = len(out.Entries) - 1
	case flow.StateStarted, flow.StepStarted:
		out.Entries[r.open[int64(e.Node)]].Input = e.Input.Tree()
	case flow.StateSucceeded, flow.StepSucceeded:
		out.Entries[r.open[int64(e.Node)]].Output = e.Output.Tree()
	case flow.StateFailed, flow.StepFailed, flow.StateTimedOut, flow.StateAborted:
		out.Entries[r.open[int64(e.Node)]].Failed = true
	}
}

// mask replaces task tokens, which hold a secret, by comparable texts.
func (r *Result) mask(v any) any {
	switch v := v.(type) {
	case string:
		if t, ok := r.tokens[v]; ok {
			return t
		}
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = r.mask(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = r.mask(v[k])
		}
		return out
	}
	return v
}

// Detail returns the EventDetail of an event, with masked task tokens.
func (r *Result) Detail(e *flow.HistoryEvent, m *flow.Machine) string {
	text := string(e.AppendDetail(nil, m))
	for token, masked := range r.tokens {
		text = string(bytes.ReplaceAll([]byte(text), []byte(strconv.Quote(token)),
			[]byte(strconv.Quote(masked))))
	}
	return text
}
