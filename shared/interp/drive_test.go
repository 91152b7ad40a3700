package interp_test

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/shared/interp"
	"millrace/shared/value"
	"millrace/tests/reference/historycheck"
	"millrace/tests/support/flowgen"
)

// callHandler decides the result of calls.
type callHandler interface {
	Call(*interp.Call) []flowgen.DelayedMessage
}

// driveMode says how an execution is driven. The history must be the same in every mode.
type driveMode struct {
	stored    bool // encode and decode state and events after each step; load values on demand
	budget    int  // StepInput.EventsMax; 0: no bound
	work      int  // StepInput.WorkMax; 0: no bound
	duplicate bool // deliver every message twice
	leases    bool // leases expire and are renewed while calls run
	leasedMax int  // maximum number of attempts leased at once; 0: all
}

func (w driveMode) String() string {
	return fmt.Sprintf("stored=%v budget=%d work=%d twice=%v leases=%v", w.stored, w.budget, w.work,
		w.duplicate, w.leases)
}

const (
	start = int64(1_700_000_000_000)
	owner = 7
)

// driver runs one execution in virtual time.
type driver struct {
	t             testing.TB
	mode          driveMode
	m             *flow.Machine
	limits        flow.Limits
	handler       callHandler
	facts         interp.Facts
	input         []byte
	state         *interp.State
	now           int64
	queue         []timedMessage
	seq           int
	called        map[string]int
	expiredLeases int // number of expired leases

	// The contents of the store.
	bytes   []byte
	body    []byte
	events  []flow.HistoryEvent // as decoded
	rows    map[uint64][]byte
	token   uint64
	version int64

	history     []flow.HistoryEvent // as returned by Step
	steps       int
	work        int    // of all steps
	longest     int    // work of the longest step
	afterCommit func() // called after each commit, if not nil
	needs       int
}

type timedMessage struct {
	at      int64
	seq     int
	message interp.Message
}

func parse(t testing.TB, text, mode string) *flow.Machine {
	t.Helper()
	m, diagnostics := fdl.Parse([]byte(text), fdl.Options{Mode: mode})
	if m == nil {
		t.Fatalf("%v\n%s", diagnostics, text)
	}
	return m
}

func facts(m *flow.Machine, input any) interp.Facts {
	seconds := m.TimeoutSeconds
	if seconds == 0 {
		seconds = 3600
	}
	return interp.Facts{Account: "1", Region: "local", FlowID: "id", Flow: "flow", Name: "exec",
		Run: 42, Seed: [16]byte{9},
		Dialect: m.Dialect, Started: start, Deadline: start + seconds*1000,
		TimeLimit: seconds * 1000,
		Input:     flow.NewValue(input)}
}

func newDriver(t testing.TB, m *flow.Machine, limits flow.Limits, input any, w callHandler,
	how driveMode) *driver {
	f := facts(m, input)
	d := &driver{t: t, mode: how, m: m, limits: limits, handler: w, facts: f, input: f.Input.Text(),
		now:    start,
		called: map[string]int{}, rows: map[uint64][]byte{}}
	d.state = interp.New(f)
	if how.stored {
		f.Input = flow.StoredValue(flow.Ref{Kind: flow.RefClaim})
		f.Input.Load(d.input)
		d.state = interp.New(f)
	}
	return d
}

// run advances the execution to its end.
func (d *driver) run() *driver {
	d.t.Helper()
	return d.runFrom(nil)
}

// redrive begins another life a second later and advances it to its end. What calls and leases of
// the life before still send arrives in it.
func (d *driver) redrive() *driver {
	d.t.Helper()
	d.now += 1000
	n := interp.Message{Kind: interp.RedriveRequested, Mark: 8}
	messages := []interp.Message{n}
	if d.mode.duplicate {
		messages = append(messages, n)
	}
	return d.runFrom(messages)
}

// runFrom advances the execution from messages to its end.
func (d *driver) runFrom(messages []interp.Message) *driver {
	d.t.Helper()
	for {
		more := d.step(messages)
		if d.steps > 100_000 {
			d.t.Fatal("no end")
		}
		if d.state.Final() {
			return d
		}
		messages = nil
		if more {
			continue
		}
		next := d.state.NextWakeTime(0)
		if len(d.queue) > 0 && (next == 0 || d.queue[0].at < next) {
			next = d.queue[0].at
		}
		if next <= d.now && (len(d.queue) == 0 || d.queue[0].at > d.now) {
			d.t.Fatalf("the execution is stuck at %d: next %d", d.now-start, next-start)
		}
		d.now = max(next, d.now)
		for len(d.queue) > 0 && d.queue[0].at <= d.now {
			messages = append(messages, d.queue[0].message)
			if d.mode.duplicate {
				messages = append(messages, d.queue[0].message)
			}
			d.queue = d.queue[1:]
		}
	}
}

func (d *driver) push(at int64, n interp.Message) {
	d.seq++
	d.queue = append(d.queue, timedMessage{at, d.seq, n})
	sort.Slice(d.queue, func(i, j int) bool {
		return d.queue[i].at < d.queue[j].at || d.queue[i].at == d.queue[j].at &&
			d.queue[i].seq < d.queue[j].seq
	})
}

// step makes one step and commits it.
func (d *driver) step(messages []interp.Message) (more bool) {
	d.steps++
	take := &interp.LeaseOptions{Max: 1000, Owner: owner}
	if d.mode.leasedMax > 0 {
		take.Max = d.mode.leasedMax
	}
	if d.mode.leases {
		take.DurationMax = 1000
	}
	ev := interp.StepInput{At: d.now, Messages: messages, Lease: take, EventsMax: d.mode.budget,
		WorkMax: d.mode.work}
	work := 0
	var events []flow.HistoryEvent
	var calls []interp.Call
	changed := false
	for round := 0; ; round++ {
		fx := interp.Step(d.m, &d.limits, d.state, ev)
		events, calls = append(events, fx.Events...), append(calls, fx.Calls...)
		changed = changed || fx.Changed
		more = fx.More
		work += fx.Work
		if len(fx.Replies) != len(ev.Messages) {
			d.t.Fatalf("%d replies to %d messages", len(fx.Replies), len(ev.Messages))
		}
		if len(fx.Need) > 0 && len(fx.Calls) > 0 {
			d.t.Fatal("calls are taken while values are missing")
		}
		if len(fx.Need) == 0 {
			break
		}
		if !d.mode.stored || round > 1000 {
			d.t.Fatalf("values are missing: %d", len(fx.Need))
		}
		for _, v := range fx.Need {
			d.load(v)
			d.needs++
		}
		ev.Messages = nil
		if ev.WorkMax > 0 {
			ev.WorkMax = max(1, d.mode.work-work)
		}
	}
	d.work, d.longest = d.work+work, max(d.longest, work)
	d.history = append(d.history, events...)
	if d.mode.stored {
		d.commit(events, changed)
	}
	for i := range calls {
		d.call(&calls[i])
	}
	return more
}

// call passes a call to the handler, once for each attempt.
func (d *driver) call(c *interp.Call) {
	d.called[c.Key]++
	if d.mode.leases && d.called[c.Key] < interp.CallsMax {
		d.push(d.now+100, interp.Message{Kind: interp.LeaseRenewed, Attempt: c.Attempt,
			Owner: owner, Until: d.now + 5000})
		d.push(d.now+200, interp.Message{Kind: interp.LeaseExpired, Attempt: c.Attempt,
			Owner: owner})
		d.expiredLeases++
	} else if d.mode.leases {
		d.push(d.now+100, interp.Message{Kind: interp.LeaseRenewed, Attempt: c.Attempt,
			Owner: owner, Until: d.state.Deadline})
	}
	if d.called[c.Key] > 1 {
		return
	}
	call := d.handler.Call
	if c.Child != nil {
		call = d.child
	}
	for _, n := range call(c) {
		d.push(d.now+n.Delay, n.Message)
	}
}

// child runs a child execution of a MapRun and returns the messages that complete it.
func (d *driver) child(c *interp.Call) []flowgen.DelayedMessage {
	k := newDriver(d.t, d.m.Child(c.Node), d.limits, nil, d.handler, driveMode{})
	k.facts = d.facts
	k.facts.Run, k.facts.Seed = interp.ChildSeed(d.facts.Seed, c.Key)
	k.facts.Name, k.facts.Input, k.facts.Started = c.Child.Name, c.Params, d.now
	k.facts.Child, k.facts.Express = true, c.Child.Express
	k.state, k.now = interp.New(k.facts), d.now
	k.run()
	k.checkHistory()
	end := interp.Message{Kind: interp.CallCompleted, Attempt: c.Attempt, Error: k.state.Error}
	if end.Error == nil {
		end.Output = k.state.Output.Text()
	}
	if c.Child.Express {
		return []flowgen.DelayedMessage{{Delay: k.now - d.now, Message: end}}
	}
	token, ok := interp.ParseToken(c.Token)
	if !ok {
		d.t.Fatal("a child has no token")
	}
	end.Kind, end.TokenID = interp.TaskReported, token.ID
	return []flowgen.DelayedMessage{
		{Delay: 10, Message: interp.Message{Kind: interp.CallCompleted, Attempt: c.Attempt}},
		{Delay: k.now - d.now + 20, Message: end}}
}

// storeValue stores a value in a row of its own.
func (d *driver) storeValue(v *flow.Value) {
	d.token++
	d.rows[d.token] = v.Text()
	v.SetRef(flow.Ref{Kind: flow.RefRow, Version: d.version, Token: d.token})
}

// commit writes what a store would keep, and continues with the decoded state.
func (d *driver) commit(events []flow.HistoryEvent, changed bool) {
	d.version++
	for i := range events {
		events[i].Values(func(_ byte, v *flow.Value) {
			if v.Ref().Kind == flow.RefNone && v.Len() > flow.EventInline {
				d.storeValue(v)
			}
		})
	}
	added := flow.AppendEvents(nil, d.facts.Started, events)
	decoded, err := flow.DecodeEvents(bytes.Clone(added), d.facts.Started)
	if err != nil {
		d.t.Fatal(err)
	}
	d.bytes = append(d.bytes, added...)
	d.events = append(d.events, decoded...)
	d.state.EachUnstored(d.storeValue)
	body := d.state.AppendBody(nil)
	if !changed && d.body != nil && !bytes.Equal(body, d.body) {
		d.t.Fatalf("the state has changed, but Changed is not set\n%q\n%q", d.body, body)
	}
	d.body = body

	f := d.facts
	f.Input = flow.StoredValue(flow.Ref{Kind: flow.RefClaim})
	old, s := d.state, interp.New(f)
	s.Status, s.Error, s.Stopped, s.LastEvent, s.LastTime = old.Status, old.Error, old.Stopped,
		old.LastEvent, old.LastTime
	s.Redrives, s.Redriven, s.RedriveMark = old.Redrives, old.Redriven, old.RedriveMark
	s.Deadline = old.Deadline
	w := flow.FieldWriter{Inline: flow.EventInline}
	w.Value(1, old.Output)
	if r := flow.ReadFields(w.Buf); r.Next() {
		s.Output = r.Value()
	}
	if err := s.DecodeBody(bytes.Clone(body)); err != nil {
		d.t.Fatal(err)
	}
	if again := s.AppendBody(nil); !bytes.Equal(again, body) {
		d.t.Fatalf("a body read and written again differs\n%q\n%q", body, again)
	}
	if a, b := old.NextWakeTime(0), s.NextWakeTime(0); a != b {
		d.t.Fatalf("NextDue is %d, read again %d", a, b)
	}
	if a, b := old.Ready(), s.Ready(); a != b && !old.Final() {
		d.t.Fatalf("Ready is %v, read again %v", a, b)
	}
	d.state = s
	if d.afterCommit != nil {
		d.afterCommit()
	}
}

// load loads a value from what is stored.
func (d *driver) load(v *flow.Value) {
	text, err := d.storedText(v.Ref())
	if err != nil {
		d.t.Fatal(err)
	}
	if n := v.Len(); v.Ref().Kind != flow.RefClaim && n != len(text) {
		d.t.Fatalf("a value of %d bytes says that it has %d", len(text), n)
	}
	v.Load(text)
}

func (d *driver) storedText(r flow.Ref) ([]byte, error) {
	switch r.Kind {
	case flow.RefClaim:
		return d.input, nil
	case flow.RefRow:
		if text, ok := d.rows[r.Token]; ok {
			return text, nil
		}
	case flow.RefEvent:
		if r.Event >= 1 && r.Event <= int64(len(d.events)) {
			if v := d.events[r.Event-1].Value(r.Field); v != nil {
				if v.Loaded() {
					return v.Text(), nil
				}
				if v.Ref().Kind != flow.RefEvent {
					return d.storedText(v.Ref())
				}
			}
		}
	}
	return nil, fmt.Errorf("nothing stored at %+v", r)
}

// stringOutput returns the text of the output.
func (d *driver) stringOutput() string {
	if !d.state.Output.Loaded() {
		d.load(d.state.Output)
	}
	return string(d.state.Output.Text())
}

// transcript returns the whole history and outcome as text, one line for each event.
func (d *driver) transcript() string {
	events := d.history
	if d.mode.stored {
		events = d.events
	}
	var b bytes.Buffer
	for i := range events {
		e := &events[i]
		e.Values(func(_ byte, v *flow.Value) {
			if v.Loaded() {
				return
			}
			text, err := d.storedText(v.Ref())
			if err != nil {
				d.t.Fatal(err)
			}
			v.Load(text)
		})
		fmt.Fprintf(&b, "%d %d %s %s +%d %x %s\n", e.ID, e.Schedule, e.Type, e.StepName(d.m),
			e.Time-start, e.Mark, e.AppendDetail(nil, d.m))
	}
	s := d.state
	fmt.Fprintf(&b, "%s %v %d", s.Status, s.Error, s.Stopped-start)
	if s.Output != nil {
		if !s.Output.Loaded() {
			d.load(s.Output)
		}
		fmt.Fprintf(&b, " %s", s.Output.Text())
	}
	for _, o := range s.Outbox {
		fmt.Fprintf(&b, "\n%d %d %s %s %v", o.Kind, o.ID, o.Flow, o.Name, o.Error)
	}
	return b.String()
}

// checkHistory fails the test if the history is not legal.
func (d *driver) checkHistory() {
	d.t.Helper()
	if faults := historycheck.Check(d.m, d.history); len(faults) > 0 {
		for _, f := range faults {
			d.t.Error(f)
		}
		d.t.Fatal(d.transcript())
	}
}

// script is a callHandler that follows a case file: outcomes by state, in order.
type script struct {
	tasks map[string][]flowtest.Outcome
	used  map[string]int
}

func (s *script) Call(c *interp.Call) []flowgen.DelayedMessage {
	list := s.tasks[c.State]
	if len(list) == 0 {
		list = []flowtest.Outcome{{}}
	}
	o := list[min(s.used[c.State], len(list)-1)]
	s.used[c.State]++
	text := func(v any) []byte {
		if v == nil {
			return []byte("{}")
		}
		return value.Encode(v)
	}
	n := interp.Message{Kind: interp.CallCompleted, Attempt: c.Attempt, Output: text(o.Return),
		Error: o.Error}
	if c.Task.Mode == flow.RequestComplete {
		return []flowgen.DelayedMessage{{Delay: 50, Message: n}}
	}
	report := o.Callback
	if report == nil {
		report = o.Return
	}
	n.Error = nil
	token, ok := interp.ParseToken(c.Token)
	if !ok {
		panic(errors.New("a token cannot be read"))
	}
	return []flowgen.DelayedMessage{{Delay: 50, Message: n},
		{Delay: 90, Message: interp.Message{Kind: interp.TaskReported, TokenID: token.ID,
			Output: text(report), Error: o.Error, Mark: 5}}}
}

// callHandlerFunc is a function as a callHandler.
type callHandlerFunc func(c *interp.Call) []flowgen.DelayedMessage

func (f callHandlerFunc) Call(c *interp.Call) []flowgen.DelayedMessage { return f(c) }

// callCompleted returns the message that a call has succeeded.
func callCompleted(c *interp.Call, output string) interp.Message {
	return interp.Message{Kind: interp.CallCompleted, Attempt: c.Attempt, Output: []byte(output)}
}

// callFailed returns the message that a call has failed.
func callFailed(c *interp.Call, name string) interp.Message {
	return interp.Message{Kind: interp.CallCompleted, Attempt: c.Attempt,
		Error: &flow.Error{Name: name, Cause: "because"}}
}

// taskReported returns the message that a caller reports the success of a call's task.
func taskReported(c *interp.Call, output string) interp.Message {
	token, _ := interp.ParseToken(c.Token)
	return interp.Message{Kind: interp.TaskReported, TokenID: token.ID, Output: []byte(output),
		Mark: 77}
}

// brief returns a history as lines `id<schedule Type State`.
func brief(m *flow.Machine, events []flow.HistoryEvent) string {
	var b bytes.Buffer
	for _, e := range events {
		fmt.Fprintf(&b, "%d<%d %s", e.ID, e.Schedule, e.Type)
		if name := e.StepName(m); name != "" {
			b.WriteString(" " + name)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
