package reference_test

import (
	"encoding/json"
	"flag"
	"sort"
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/value"
	"millrace/tests/reference"
	"millrace/tests/support/flowgen"
)

var (
	flows = flag.Uint64("flows", 400, "how many generated flows TestGenerated runs")
	first = flag.Uint64("first", 0, "the first of their seeds")
)

// TestGenerated judges the histories of random flows with random task results. They run in virtual
// time in which nothing is late, so a timer that is off by a millisecond is a violation.
func TestGenerated(t *testing.T) {
	unjudged, ended := map[string]int{}, map[flow.Status]int{}
	for seed := *first; seed < *first+*flows; seed++ {
		d := newStepper(t, seed)
		d.run()
		ended[d.state.Status]++
		err := d.check()
		if u, ok := err.(*reference.Unjudged); ok {
			unjudged[u.What]++
		} else if err != nil {
			t.Errorf("seed %d: %v\n%s\ninput %s\n%s", seed, err, d.flow.Definition, d.input,
				show(eventsOf(d.m, d.events)))
			return
		}
	}
	for what, n := range unjudged {
		t.Logf("not judged: %d with %s", n, what)
		if uint64(n) > *flows/200 {
			t.Errorf("%d of %d cannot be judged: %s", n, *flows, what)
		}
	}
	t.Log(ended)
	for status := flow.Succeeded; status <= flow.TimedOut; status++ {
		if uint64(ended[status]) < *flows/100 {
			t.Errorf("only %d have come to %v", ended[status], status)
		}
	}
}

// stepper runs one execution in virtual time.
type stepper struct {
	t      *testing.T
	flow   flowgen.Generated
	m      *flow.Machine
	limits flow.Limits
	input  string
	state  *interp.State
	events []flow.HistoryEvent
	now    int64
	stop   int64 // 0: never
	queue  []arrival
	record reference.Record
}

type arrival struct {
	at      int64
	message interp.Message
}

func newStepper(t *testing.T, seed uint64) *stepper {
	d := &stepper{t: t, flow: flowgen.Generate(seed), limits: flow.DefaultLimits(), now: start}
	m, diagnostics := fdl.Parse([]byte(d.flow.Definition), fdl.Options{Mode: flow.Standard})
	if m == nil {
		t.Fatalf("seed %d: %v", seed, diagnostics)
	}
	d.m = m
	d.limits.Events = [...]int{40, 200, 400, 5000}[seed/2%4]
	d.limits.EventBytes = [...]int{2500, 8000, 64 << 10}[seed/8%3]
	d.limits.EventBytesV1 = [...]int{4000, 8000, 32 << 10}[seed/8%3]
	if seed%3 == 0 {
		d.limits.MapConcurrency, d.limits.IterationsV1 = 2, 2
	}
	if seed%8 == 5 {
		d.stop = start + 1 + int64(seed*997%20_000)
	}
	seconds := m.TimeoutSeconds
	if seconds == 0 {
		seconds = d.limits.ExecutionSeconds
	}
	text := value.Encode(treeOf(d.flow.Input))
	d.input = string(text)
	d.state = interp.New(interp.Facts{Account: "1234567890123456", Region: "local", FlowID: "flow",
		Flow: "generated", Name: "exec",
		Run: 1, Seed: [16]byte{byte(seed)}, Dialect: m.Dialect, Started: start,
		Deadline: start + seconds*1000,
		Input:    flow.TextValue(text)})
	d.record = reference.Record{Limits: limitsOf(d.limits, m.Dialect), Known: true,
		Attempts: map[int64]*reference.Attempt{},
		Reports:  map[int64][]reference.Outcome{}}
	if d.stop > 0 {
		d.record.Stops = []reference.Stop{{Failure: reference.Failure{Name: "Halt",
			Cause: "asked"}, At: d.stop}}
		d.queue = append(d.queue, arrival{d.stop, interp.Message{Kind: interp.StopRequested,
			Error: &flow.Error{Name: "Halt", Cause: "asked"}}})
	}
	return d
}

// treeOf converts generated input to the form that the engine takes.
func treeOf(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	tree, err := value.Decode(text)
	if err != nil {
		panic(err)
	}
	return tree
}

func (d *stepper) check() error {
	return reference.Check(d.flow.Definition, d.input, reference.Context{Flow: "generated",
		Execution: "exec", Account: "1234567890123456", Region: "local"},
		eventsOf(d.m, d.events), d.record)
}

func (d *stepper) run() {
	var messages []interp.Message
	for range 100_000 {
		fx := interp.Step(d.m, &d.limits, d.state, interp.StepInput{At: d.now, Messages: messages,
			WorkMax: 1 << 40, Lease: &interp.LeaseOptions{Max: 1 << 20, Owner: 1}})
		messages = nil
		d.events = append(d.events, fx.Events...)
		if d.state.Final() {
			return
		}
		for i := range fx.Calls {
			d.call(&fx.Calls[i])
		}
		if fx.More {
			continue
		}
		next := d.state.NextWakeTime(0)
		if len(d.queue) > 0 && d.queue[0].at < next {
			next = d.queue[0].at
		}
		d.now = max(next, d.now)
		for len(d.queue) > 0 && d.queue[0].at <= d.now {
			messages = append(messages, d.queue[0].message)
			d.queue = d.queue[1:]
		}
	}
	d.t.Fatal("no end")
}

// call draws the result of a call and records it.
func (d *stepper) call(c *interp.Call) {
	a := &reference.Attempt{Token: c.Token}
	if c.Params != nil {
		a.Params = string(c.Params.Text())
	}
	a.Input = string(c.Input.Text())
	d.record.Attempts[c.Attempt] = a
	for _, n := range d.flow.Tasks.Call(c) {
		at := d.now + n.Delay
		o := reference.Outcome{Output: string(n.Message.Output), Async: n.Message.Async, At: at}
		if n.Message.Error != nil {
			o.Error = &reference.Failure{Name: n.Message.Error.Name, Cause: n.Message.Error.Cause}
		}
		if n.Message.Kind == interp.CallCompleted {
			a.Answers = append(a.Answers, o)
		} else {
			d.record.Reports[n.Message.TokenID] = append(d.record.Reports[n.Message.TokenID], o)
		}
		d.queue = append(d.queue, arrival{at, n.Message})
	}
	sort.SliceStable(d.queue, func(i, j int) bool { return d.queue[i].at < d.queue[j].at })
}
