package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/share"
	"millrace/shared/store"
	"millrace/tests/reference"
	"millrace/tests/support/flowgen"
)

// Express executions. StartSyncExecution runs one in the memory of the process that serves it, and
// returns how it ended:
//
// - "Express once": a request runs one execution, in that process, and no other process runs it; -
// "Express response": the response is how that execution ended, according to its own events; -
// "Express leaves nothing": no row is written for it, no hint is sent, and none of its calls is in
// flight when the response is sent, nor after its process has given it up; - "late Express":
// without faults the response comes when its time limit is over, at the latest; - "reference": the
// languages allow its history, as far as it got.
//
// StartExecution of an Express flow starts an ordinary execution with another time limit.
const withExpress = "Express"

// expressSeconds is the time limit of Express executions: less than clients wait for a response.
const expressSeconds = 60

// expresses holds the Express executions that processes run. The goroutines of the processes write
// it.
type expresses struct {
	mu    sync.Mutex
	runs  map[uint64]*expressRun
	rows  map[string]*expressRun // by the partition that its rows would have
	asked map[string]*expressRun // by the client's name for it

	children mapRunChildren
}

// expressRun is one Express execution.
type expressRun struct {
	by     *process
	x      *store.Execution // only the fields that its start sets are read
	m      *flow.Machine
	events []reference.Event
	last   flow.HistoryEvent
	began  int64 // ms since 1970
	over   bool
}

func newExpresses() expresses {
	return expresses{runs: map[uint64]*expressRun{}, rows: map[string]*expressRun{},
		asked: map[string]*expressRun{}, children: newMapRunChildren()}
}

// drawExpress sets the time limit of Express executions.
func (w *World) drawExpress() {
	if w.has(withExpress) {
		w.limits.ExpressSeconds = expressSeconds
	}
}

// express starts clients of Express flows, in both accounts.
func (c *clients) express() {
	var flows []definition
	for i, of := range []string{account, secondAccount, account} {
		f := definition{name: fmt.Sprintf("express%d", i), mode: flow.Express, of: of}
		f.text, f.input = c.w.expressFlow(f.name)
		flows = append(flows, f)
	}
	r := c.rand("express")
	c.spawn(func() {
		for _, f := range flows {
			if !c.create(f) {
				return
			}
		}
		for i := range 2 + r.IntN(4) {
			c.spawn(func() { c.askExpress(flows[i%len(flows)], fmt.Sprintf("express_%d", i)) })
		}
		x := &launch{flow: flows[0], name: "stored"}
		c.note("a stored Express execution", func() { c.runs = append(c.runs, x) })
		c.launch(x)
	})
}

// expressFlow draws a flow: a random one that may be Express, or one with many concurrent calls.
func (w *World) expressFlow(name string) (text, input string) {
	if w.number("calls of "+name)%3 > 0 {
		for i := range 60 {
			g := flowgen.Generate(w.number(fmt.Sprintf("flow %s %d", name, i)))
			text := strings.Replace(g.Definition, `"Name": "generated"`, `"Name": "`+name+`"`, 1)
			m, _ := fdl.Parse([]byte(text), fdl.Options{Mode: flow.Express, Limits: w.limits})
			if m != nil && m.TimeoutSeconds <= expressSeconds && calls(m) {
				return text, string(encode(g.Input))
			}
		}
	}
	return strings.ReplaceAll(manyCalls, "NAME", name), `{"list":[1,2,3,4,5,6]}`
}

// calls reports whether a machine has a task.
func calls(m *flow.Machine) bool {
	return slices.ContainsFunc(m.Nodes, func(s *flow.State) bool { return s.Task != nil })
}

const manyCalls = `Type: StateMachine
SpecVersion: v1
Name: NAME
StartAt: M
States:
- Name: M
  Type: Map
  ItemsPath: $Input.list
  Processor:
    StartAt: A
    States:
    - Name: A
      Type: Task
      Action: FC:InvokeFunction
      Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}
      Next: B
    - Name: B
      Type: Task
      Action: FC:InvokeFunction
      Timeout: 20
      Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}
      Retry: [{Errors: [FnF.ALL], IntervalSeconds: 1, MaxAttempts: 1}]
      Catch: [{Errors: [FnF.ALL], Next: C}]
      Next: C
    - {Name: C, Type: Pass, End: true}
  End: true
`

// askExpress runs executions of a flow, one after the other, each once: it does not repeat a
// request that got no response.
func (c *clients) askExpress(f definition, who string) {
	r := c.rand(who)
	for i := range 2 + r.IntN(4) {
		pause := r.IntN([]int{2000, 20_000, 200_000}[r.IntN(3)])
		if !c.sleep(time.Duration(pause) * time.Millisecond) {
			return
		}
		name := fmt.Sprintf("%s_%d", who, i)
		got, err := request(c.w, nil, "sync "+name,
			func(ctx context.Context, s *cloudflow.Service) (*cloudflow.SyncExecution, error) {
				return c.w.runExpress(ctx, s, &f, name)
			})
		code := codeOf(err)
		c.note(name+" is told", func() {
			if code != "" && !retried(code, err) &&
				!(code == fault.EntityTooLarge && c.w.has("limits")) {
				c.w.violate("Express response", "%s gets %+v %s", name, got, code)
			}
		})
	}
}

// runExpress makes a request and judges the result inside the process that serves it.
func (w *World) runExpress(ctx context.Context, s *cloudflow.Service, f *definition, name string,
) (*cloudflow.SyncExecution, error) {
	p, _ := ctx.Value(servingProcess{}).(*process)
	if w.chance("leaves "+name, 2000) { // the client closes its connection
		var cancel context.CancelFunc
		after := time.Duration(w.number(name)%4000) * time.Millisecond
		ctx, cancel = context.WithTimeout(ctx, after+disconnectSkew)
		defer cancel()
	}
	got, err := s.StartSyncExecution(ctx, cloudflow.Caller{Account: f.account()},
		cloudflow.StartExecutionRequest{FlowName: f.name, ExecutionName: name, Input: f.input})
	if p.isDead() {
		return got, err
	}
	p.judgeRefusal("Express executions", func(s *shares) *share.Pool { return s.pools.Express },
		f.account(), codeOf(err))
	e := &w.expresses
	e.mu.Lock()
	run := e.asked[f.key()+"/"+name]
	e.mu.Unlock()
	switch {
	case run == nil && err == nil:
		w.violate("Express once", "%s of %s gets %+v, and nothing has run", name, f.name, got)
	case run != nil:
		run.over = true
		w.clock.recheck()
		w.judgeExpress(run, f, got, err)
	}
	return got, err
}

// disconnectSkew prevents that a client disconnects at the very instant at which something else
// happens.
const disconnectSkew = 730 * time.Microsecond

// noteExpress records what an Express execution has written. The engine calls it.
func (p *process) noteExpress(x *store.Execution, m *flow.Machine, events []flow.HistoryEvent) {
	if p.isDead() {
		return
	}
	if x.MapRun != "" {
		p.noteExpressChild(x, m, events)
		return
	}
	w := p.w
	e := &w.expresses
	e.mu.Lock()
	defer e.mu.Unlock()
	run := e.runs[x.Run]
	if run == nil {
		run = &expressRun{by: p, x: x, m: m, began: time.Now().UnixMilli()}
		asked, _, _ := strings.Cut(x.Name, ":")
		of := key(x.Account, x.Flow) + "/" + asked
		w.checked("Express once")
		w.clock.recheck()
		if before := e.asked[of]; before != nil {
			w.violate("Express once", "%s runs %s of %s, which %s has run", p.name, x.Name, x.Flow,
				before.by.name)
		}
		e.runs[x.Run], e.asked[of], e.rows[x.Partition()] = run, run, run
		w.kinds["Express"]++
		p.judgeExpressShare(x.Account)
	}
	for i := range events {
		ev := &events[i]
		run.events = append(run.events, reference.Event{ID: ev.ID, Schedule: ev.Schedule,
			Type: ev.Type.String(), Step: ev.StepName(m), Detail: string(ev.AppendDetail(nil, m)),
			Time: ev.Time})
		run.last = *ev
	}
}

// active counts the Express executions of an account that a process runs; "": of all accounts.
func (e *expresses) active(p *process, of string) (n int64) {
	for _, run := range e.runs {
		if run.by == p && !run.over && (of == "" || run.x.Account == of) {
			n++
		}
	}
	return n
}

// judgeExpress checks an execution that its process has finished.
func (w *World) judgeExpress(run *expressRun, f *definition, got *cloudflow.SyncExecution,
	err error) {
	w.checked("Express leaves nothing")
	for of, p := range w.tasks.inFlight {
		if p == run.by && runOfKey(of) == run.x.Run {
			w.violate("Express leaves nothing",
				"%s has ended for its caller, and its call %s is in flight", run.x.Name, of)
		}
	}
	w.refereeExpress(run, f, err != nil)
	if err != nil {
		w.kinds["Express cut"]++
		return
	}
	w.checked("Express response")
	name, message := "", ""
	if e := run.last.Error; e != nil {
		name, message = e.Name, e.Cause
	}
	status := strings.TrimPrefix(run.last.Type.String(), "Execution")
	w.kinds["Express, "+status]++
	output := ""
	if run.last.Type == flow.ExecutionSucceeded {
		output = string(run.last.Output.Text())
	}
	if got.Status != status || got.Output != output || got.ErrorCode != name ||
		got.ErrorMessage != message || got.Input != f.input || got.Name != run.x.Name ||
		got.StartedTime != run.x.Started || got.StoppedTime != run.last.Time {
		w.violate("Express response", "%s ended with %s, and its caller gets %+v", run.x.Name,
			textOf(&run.last), got)
	}
}

// refereeExpress checks it against the reference.
func (w *World) refereeExpress(run *expressRun, f *definition, unfinished bool) {
	if slices.Contains(w.blind, "reference") {
		return
	}
	x, r := run.x, w.referee
	r.mu.Lock()
	defer r.mu.Unlock()
	outside := reference.Record{Limits: w.referenceLimits(x), Unfinished: unfinished, Known: true,
		Attempts: r.attempts[x.Run], Early: 2*w.faults.skew + time.Millisecond, Late: -1}
	if w.quiesced && run.began >= w.quiescedAt && !w.sharing.drawn && w.calls > len(run.events) {
		// It is never late: none of its calls waits for the end of another execution.
		outside.Late = expressLate
	}
	context := reference.Context{Flow: x.Flow, Execution: x.Name, Account: x.Account,
		Region: x.Region, RoleArn: x.RoleArn, Started: x.Started}
	_, err := reference.Judge(f.text, f.input, context, run.events, outside)
	w.referenceAllows(run.x.Name, err)
	delete(r.attempts, x.Run)
}

// owesExpress lists when Express executions must have been answered.
func (w *World) owesExpress(owe func(obligation)) {
	e := &w.expresses
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, run := range e.runs {
		if run.over || run.began < w.quiescedAt || run.by.isDead() || run.by.retiring {
			continue
		}
		due := run.began + (expressSeconds * time.Second).Milliseconds()
		if n := run.m.TimeoutSeconds; n > 0 {
			due = run.began + n*1000
		}
		owe(obligation{"late Express", due, due + expressLate.Milliseconds(),
			"the answer of " + run.x.Name})
	}
}

// expressLate is how long the response of an Express execution may take after its time limit.
const expressLate = 3 * time.Second

// judgeUnstored checks that a process writes no row and sends no hint for an Express execution.
func (w *World) judgeUnstored(p *process, partition, what string) {
	e := &w.expresses
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.rows[partition] != nil {
		w.violate("Express leaves nothing", "%s: %s of %s", p.name, what, partition)
	}
}

// isExpress reports whether a run is an Express execution.
func (e *expresses) isExpress(run uint64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.runs[run] != nil
}
