// Package flowtest runs a flow against mocked task outcomes, without a server and in no time: waits are skipped,
// branches and iterations run one after the other, so that what happened can be compared.
package flowtest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/value"
)

// Outcome is what one attempt of a task comes to: an error, or the answer of the call and, for a task that waits
// for a report, the reported output (which wins).
type Outcome struct {
	Return   any
	Callback any
	Error    *flow.Error
}

// Setup is one run to make.
type Setup struct {
	FlowName      string
	ExecutionName string
	RoleArn       string
	Input         any                  // a JSON object; nil: {}
	Tasks         map[string][]Outcome // by state name, one per attempt; the last one is repeated
	Start         int64                // ms since 1970 at which the execution starts
}

// Wait is a Wait state or a pause before a retry, in the order in which they began.
type Wait struct {
	State   string
	Seconds float64
	Until   int64 // ms since 1970
}

// Entry is one entry of a state. Output is nil when the state failed.
type Entry struct {
	State  string
	Input  any
	Output any
	Failed bool
}

// Call is one call of a task.
type Call struct {
	State  string
	Params any // evaluated Parameters or serviceParams; nil without
	Input  any
}

// Result is what a run came to.
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

// MockToken stands for every task token of the newer language; in the older one the signature part of a token is
// replaced by SIG.
const MockToken = "TASK-TOKEN"

// stepsMax bounds a run that never ends, and workMax what it computes in one of the steps.
const (
	stepsMax = 100_000
	workMax  = 100_000
)

// Execute runs a machine to its end.
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
	state := interp.New(interp.Facts{Account: "1234567890123456", Region: "local", FlowID: "flow", Flow: s.FlowName,
		Name: s.ExecutionName, RoleArn: s.RoleArn, Run: 1, Seed: [16]byte{1}, Language: m.Language,
		Started: s.Start, Deadline: s.Start + deadline*1000, Input: flow.NewValue(input)})
	r := &run{m: m, limits: &limits, setup: &s, state: state, now: s.Start, used: map[string]int{},
		out: &Result{tokens: map[string]string{}}, seen: map[interp.Timer]bool{}, open: map[int64]int{}}
	if err := r.loop(); err != nil {
		return nil, err
	}
	return r.finish(), nil
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
	open   map[int64]int // Entered event id to index in Visits
}

func (r *run) loop() error {
	var news []interp.Message
	for range stepsMax {
		fx := interp.Step(r.m, r.limits, r.state, interp.StepInput{At: r.now, Messages: news, WorkMax: workMax,
			Lease: &interp.LeaseOptions{Max: 1, Owner: 1}})
		if len(fx.Need) > 0 {
			return errors.New("internal error: a value is missing")
		}
		r.out.Events = append(r.out.Events, fx.Events...)
		news = nil
		for _, t := range r.state.Timers(r.m) {
			if !r.seen[t] {
				r.seen[t] = true
				r.out.Waits = append(r.out.Waits, Wait{State: t.State, Seconds: float64(t.Due-r.now) / 1000, Until: t.Due})
			}
		}
		if r.state.Final() {
			return nil
		}
		for _, c := range fx.Calls {
			got, err := r.call(c)
			if err != nil {
				return err
			}
			news = append(news, got...)
		}
		if len(news) == 0 && !fx.More {
			due := r.state.NextWakeTime(0)
			if due <= r.now {
				return errors.New("internal error: the execution does not go on")
			}
			r.now = due
		}
	}
	return fmt.Errorf("no end after %d steps; does the flow loop for ever?", stepsMax)
}

// call answers one call with the next outcome of its state.
func (r *run) call(c interp.Call) ([]interp.Message, error) {
	if r.m.Language == flow.FlowV1 {
		raw, _ := base64.StdEncoding.DecodeString(c.Token)
		if i := bytes.LastIndexByte(raw, '#'); i > 0 {
			r.out.tokens[c.Token] = base64.StdEncoding.EncodeToString(append(raw[:i+1:i+1], "SIG"...))
		}
	} else {
		r.out.tokens[c.Token] = MockToken
	}
	call := Call{State: c.State, Input: c.Input.Tree()}
	if c.Params != nil {
		call.Params = c.Params.Tree()
	}
	r.out.Calls = append(r.out.Calls, call)
	list := r.setup.Tasks[c.State]
	if len(list) == 0 {
		return nil, fmt.Errorf("the task %s was called, and the case does not say what comes of it; add to tasks: %s: [{return: {}}], or [{error: NAME}]",
			value.Quote(c.State), c.State)
	}
	o := list[min(r.used[c.State], len(list)-1)]
	r.used[c.State]++
	if c.Task.Mode == flow.RequestComplete {
		return []interp.Message{{Kind: interp.CallCompleted, Attempt: c.Attempt, Output: encode(o.Return), Error: o.Error}}, nil
	}
	report := o.Callback
	if report == nil {
		report = o.Return
	}
	if _, ok := report.(map[string]any); !ok && report != nil && o.Error == nil {
		return nil, fmt.Errorf("the task %s waits for a report, whose output must be a mapping, not %s", value.Quote(c.State), show(report))
	}
	token, _ := interp.ParseToken(c.Token)
	return []interp.Message{{Kind: interp.CallCompleted, Attempt: c.Attempt, Output: encode(o.Return)},
		{Kind: interp.TaskReported, TokenID: token.ID, Output: encode(report), Error: o.Error}}, nil
}

func encode(v any) []byte {
	if v == nil {
		return []byte("{}")
	}
	return value.Encode(v)
}

func (r *run) finish() *Result {
	out := r.out
	out.Status, out.Error = r.state.Status, r.state.Error
	if r.state.Output != nil {
		out.Output = out.mask(r.state.Output.Tree())
	}
	for i := range out.Calls {
		out.Calls[i].Params, out.Calls[i].Input = out.mask(out.Calls[i].Params), out.mask(out.Calls[i].Input)
	}
	for i := range out.Events {
		r.recordEntry(&out.Events[i])
	}
	return out
}

// recordEntry keeps what an event tells of its state: StateSucceeded and StepSucceeded end the visit that is open last
// for their node.
func (r *run) recordEntry(e *flow.HistoryEvent) {
	out := r.out
	switch e.Type {
	case flow.StateEntered, flow.StepEntered:
		out.Entries = append(out.Entries, Entry{State: e.StepName(r.m)})
		r.open[int64(e.Node)] = len(out.Entries) - 1
	case flow.StateStarted, flow.StepStarted:
		out.Entries[r.open[int64(e.Node)]].Input = out.mask(e.Input.Tree())
	case flow.StateSucceeded, flow.StepSucceeded:
		out.Entries[r.open[int64(e.Node)]].Output = out.mask(e.Output.Tree())
	case flow.StateFailed, flow.StepFailed, flow.StateTimedOut, flow.StateAborted:
		out.Entries[r.open[int64(e.Node)]].Failed = true
	}
}

// mask replaces task tokens, which carry a secret, by what can be compared.
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

// Detail is the EventDetail of an event, task tokens replaced.
func (r *Result) Detail(e *flow.HistoryEvent, m *flow.Machine) string {
	text := string(e.AppendDetail(nil, m))
	for real, shown := range r.tokens {
		text = string(bytes.ReplaceAll([]byte(text), []byte(strconv.Quote(real)), []byte(strconv.Quote(shown))))
	}
	return text
}
