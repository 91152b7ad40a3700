package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/tests/support/flowgen"
)

// clients make requests from outside.
type clients struct {
	w    *World
	life context.Context
	stop context.CancelFunc
	ids  map[string]string // of flows, by key
	// when a client was told that a flow exists; only flows of the first account that stay
	since     map[string]time.Time
	runs      []*launch
	flows     []definition
	flowOwner *flowOwner // nil in most runs

	forger    *forger    // nil in most runs
	publisher *publisher // nil in most runs

	mu     sync.Mutex
	active int
}

// launch is an execution that clients start, watch and sometimes stop.
type launch struct {
	flow       definition
	name       string
	nameReused bool   // the name has been used before
	before     uint64 // by this run
	// tasks start executions of this name, too, so the requests need not be linearizable
	taken bool

	// What the responses said. Only the scheduler's goroutine uses it.
	started atomic.Int32
	trying  atomic.Int32 // starters without a final response that go on
	refused bool         // its input is too large, so it does not exist
	run     uint64
	status  string // last one seen of that run, after so many redrives
	output  string

	redrives int64
}

func newClients(w *World) *clients {
	c := &clients{w: w, ids: map[string]string{}, since: map[string]time.Time{}}
	c.life, c.stop = context.WithCancel(always)
	return c
}

// spawn starts a client's goroutine.
func (c *clients) spawn(f func()) {
	c.mu.Lock()
	c.active++
	c.mu.Unlock()
	go func() {
		defer func() {
			c.mu.Lock()
			c.active--
			c.mu.Unlock()
		}()
		f()
	}()
}

// quiet reports whether no client is active any more.
func (c *clients) quiet() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.active == 0
}

func (c *clients) leave() { c.stop() }

// sleep waits; it returns false when the clients have been stopped.
func (c *clients) sleep(d time.Duration) bool {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.life.Done():
		return false
	}
}

// note runs do, which changes what is known, in the scheduler's goroutine.
func (c *clients) note(what string, do func()) {
	c.w.sched.wait(c.life, &operation{key: what, apply: func() bool { do(); return true }}, nil)
}

// draw chooses the flows to run. which selects an example; "generated" selects none.
func (c *clients) draw(which string) {
	w := c.w
	var flows []definition
	chosen := w.rand.IntN(3) == 0
	if list, err := cases(); err != nil {
		w.failf("%v", err)
		return
	} else if n := w.drawReader(pickExample(list, which, w.rand), which); n != nil && (chosen ||
		which != "") && which != "generated" {
		flows, w.mocked = []definition{n.flow}, &n.setup
		w.tracef("example %s", n.name)
	}
	if w.large() {
		flows = append(flows, w.largeFlow("f0"))
	} else if w.mocked == nil {
		for i := range 1 + w.rand.IntN(3) {
			g := flowgen.Generate(w.rand.Uint64())
			name := fmt.Sprintf("f%d", i)
			text := strings.Replace(g.Definition, `"Name": "generated"`, `"Name": "`+name+`"`, 1)
			flows = append(flows, definition{name: name, text: text, mode: flow.Standard,
				input: string(encode(g.Input))})
		}
	}
	if w.mocked == nil {
		flows = append(flows, definition{name: "child", text: children[w.rand.IntN(len(children))],
			mode: flow.Standard})
	}
	c.flows = flows
}

// executionsMax is the maximum number of executions that are launched, besides those of tasks and
// of a flow owner.
const executionsMax = 4

// begin creates the flows and launches executions of them.
func (c *clients) begin() {
	w, flows := c.w, c.flows
	n := min(1+w.rand.IntN(executionsMax), w.executionsMax)
	c.spawn(func() {
		for _, f := range flows {
			if !c.create(f) {
				return
			}
		}
		for i := range n {
			f := flows[i%max(len(flows)-1, 1)]
			x := &launch{flow: f, name: fmt.Sprintf("x%d", i)}
			if w.mocked != nil && w.mocked.ExecutionName != "" && i == 0 {
				x.name = w.mocked.ExecutionName
			}
			c.runs = append(c.runs, x)
			c.launch(x)
		}
		if w.hasFlowOwner() {
			c.spawn(c.runFlowOwner)
		}
		c.beginExtras()
		if w.hasReader() {
			c.spawn(c.read)
		}
	})
}

func pickExample(list []example, which string, r *rand.Rand) *example {
	var match []*example
	for i := range list {
		if strings.Contains(list[i].name, which) || which == "generated" {
			match = append(match, &list[i])
		}
	}
	if len(match) == 0 {
		return nil
	}
	return match[r.IntN(len(match))]
}

// create creates a flow and finds out its id.
func (c *clients) create(f definition) bool {
	caller := cloudflow.Caller{Account: f.account(), Identity: f.author}
	for range c.w.attemptsMax() {
		x, err := request(c.w, nil, "create "+f.key(),
			func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Flow, error) {
				x, err := s.CreateFlow(ctx, caller, cloudflow.CreateFlowRequest{Name: f.name,
					Definition: f.text, Type: "FDL", ExecutionMode: f.mode, RoleArn: f.role,
					SearchKeys: searchKeysText(searchPathsOf(f.input))})
				if codeOf(err) == fault.FlowAlreadyExists {
					return s.DescribeFlow(ctx, caller, cloudflow.DescribeFlowRequest{Name: f.name})
				}
				return x, err
			})
		if err == nil {
			c.note("created "+f.key(), func() { c.created(f, x) })
			return true
		}
		if !retried(codeOf(err), err) {
			c.w.violate("flow response", "flow %s cannot be created: %v\n%s", f.name, err, f.text)
			return false
		}
		if !c.sleep(2 * time.Second) {
			return false
		}
	}
	c.w.violate("response at last", "flow %s cannot be created: no end of faults", f.name)
	return false
}

// created records a flow that exists from now on.
func (c *clients) created(f definition, x *cloudflow.Flow) {
	if c.ids[f.key()] = x.ID; f.account() == account {
		c.since[f.name] = time.Now()
	}
	c.w.checked("flow response", "response at last")
	if x.Definition != f.text {
		c.w.violate("flow response",
			"flow %s of account %s was created, and has the definition\n%s", f.name,
			f.account(), x.Definition)
	}
}

// reuseEarly is how long before a name becomes free an execution of that name may be started.
const reuseEarly = 5 * time.Second

// reuseName starts an execution of the same name when the one that has the name expires.
func (c *clients) reuseName(before *launch, expires int64) {
	x := &launch{flow: before.flow, name: before.name, taken: before.taken, nameReused: true}
	if r := x.now(c.w); r != nil {
		x.before = r.x.Run
	}
	for i := range 2 {
		who := fmt.Sprintf("again %s/%s %d", x.flow.key(), x.name, i)
		r := c.rand(who)
		c.spawn(func() {
			c.sleep(time.Until(time.UnixMilli(expires)) +
				time.Duration(r.IntN(75_000))*time.Millisecond - reuseEarly)
			c.starter(x, who)
			if x.started.Load() > 0 {
				c.watcher(x, "watch "+who)
			}
		})
	}
}

// newOp returns a record of a request for the execution; nil if not only clients make such
// requests.
func (x *launch) newOp(what, who string) *clientOp {
	if x.taken {
		return nil
	}
	return &clientOp{op: what, client: who, execution: x.flow.key() + "/" + x.name}
}

// rand returns a random source for one client.
func (c *clients) rand(who string) *rand.Rand {
	return rand.New(rand.NewPCG(c.w.seed, c.w.number(who)))
}

// launch starts the clients that start, watch and stop an execution.
func (c *clients) launch(x *launch) {
	who := x.flow.key() + "/" + x.name
	r := c.rand(who)
	for i := range 1 + r.IntN(3) {
		c.start(x, fmt.Sprintf("start %s %d", who, i))
	}
	for i := range 1 + r.IntN(2) {
		c.spawn(func() { c.watcher(x, fmt.Sprintf("watch %s %d", who, i)) })
	}
	if r.IntN(4) == 0 {
		for i := range 1 + r.IntN(2) {
			c.spawn(func() { c.stopper(x, fmt.Sprintf("stop %s %d", who, i)) })
		}
	}
}

// start starts a starter. Watchers that begin later take it into account.
func (c *clients) start(x *launch, who string) {
	x.trying.Add(1)
	c.spawn(func() {
		defer x.trying.Add(-1)
		c.starter(x, who)
	})
}

// starter starts an execution. It repeats the request until the start is known to have succeeded.
func (c *clients) starter(x *launch, who string) {
	r := c.rand(who)
	c.sleep(time.Duration(r.IntN(3000)) * time.Millisecond)
	for range c.w.attemptsMax() {
		got, err := request(c.w, x.newOp("start", who), who,
			func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Execution, error) {
				return s.StartExecution(ctx, x.caller(), cloudflow.StartExecutionRequest{
					FlowName: x.flow.name, ExecutionName: x.name, Input: x.flow.input})
			})
		code := codeOf(err)
		if retried(code, err) {
			if !c.sleep(time.Duration(r.IntN(8000)) * time.Millisecond) {
				return
			}
			continue
		}
		taken := false // by a start whose response was lost
		c.note(who+" is told", func() {
			c.judgeStart(x, who, got, code)
			run := x.now(c.w)
			taken = run != nil && run.x.Run != x.before
		})
		if !x.nameReused || taken || code != fault.ExecutionAlreadyExists || x.started.Load() > 0 ||
			!c.sleep(time.Duration(r.IntN(8000))*time.Millisecond) {
			return
		}
	}
}

// inputOf returns the input that was sent when an execution was started.
func (w *World) inputOf(r *run) string {
	if r == nil {
		return ""
	}
	text, err := w.raw.InputText(always, r.x)
	if err != nil {
		w.violate("readable", "%s: input: %v", r.x.Partition(), err)
	}
	return string(text)
}

func (c *clients) judgeStart(x *launch, who string, got *cloudflow.Execution, code fault.Code) {
	run := x.now(c.w)
	c.w.checked("start response")
	switch {
	case c.tooLarge(x, who, got, code):
	// its name stays taken
	case run == nil && c.w.isDeleted(x) && (code == "" || code == fault.ExecutionAlreadyExists):
	// perhaps the previous run has the name
	case x.nameReused && code == fault.ExecutionAlreadyExists:
	case run == nil && (x.started.Load() == 0 || code != ""):
		c.w.violate("start response", "%s got %v %s, and there is no such execution",
			who, got, code)
	case code == "":
		x.started.Add(1)
		if got.Status != "Running" || got.Name != x.name || got.Input != c.w.inputOf(run) {
			c.w.violate("start response", "%s got %+v", who, got)
		}
	case code == fault.ExecutionAlreadyExists:
		if !run.x.Status.Final() && run.x.Redrive == 0 {
			c.w.violate("start response", "%s got %s while it is %v", who, code, run.x.Status)
		}
	default:
		c.w.violate("start response", "%s got %s", who, code)
	}
}

// stopper stops an execution.
func (c *clients) stopper(x *launch, who string) {
	r := c.rand(who)
	c.sleep(time.Duration(r.IntN(25_000)) * time.Millisecond)
	name, cause := "Stopped", who
	for range triesMax {
		before := x.started.Load()
		c.w.referee.stopping(x, name, cause)
		got, err := request(c.w, x.newOp("stop", who), who,
			func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Execution, error) {
				return s.StopExecution(ctx, x.caller(), cloudflow.StopExecutionRequest{
					FlowName: x.flow.name, ExecutionName: x.name, Error: &name, Cause: &cause})
			})
		code := codeOf(err)
		if retried(code, err) || code == fault.ExecutionNotExists && before == 0 {
			if !c.sleep(time.Duration(r.IntN(5000)) * time.Millisecond) {
				return
			}
			continue
		}
		c.note(who+" is told", func() {
			run := c.w.nameHolder(x.flow.account(), x.flow.name, x.name)
			c.w.checked("stop response")
			switch {
			case code == fault.ExecutionNotExists && before > 0 && c.expired(x.now(c.w)):
			case run == nil:
				c.w.violate("stop response", "%s gets %s, there is no such execution", who, code)
			case run.x.Redrive > 0 && (code == "" || code == fault.ExecutionAlreadyCompleted):
				// it may have been redriven after the stop
			case code == "" && (got.Status != "Stopped" || run.x.Status != flow.Stopped ||
				run.x.Error == nil || run.x.Error.Cause != who):
				c.w.violate("stop response",
					"%s has got the response that it has stopped %s, which is %v %v", who, x.name,
					run.x.Status, run.x.Error)
			case code == fault.ExecutionAlreadyCompleted && !run.x.Status.Final():
				c.w.violate("stop response", "%s gets %s while it is %v", who, code, run.x.Status)
			case code != "" && code != fault.ExecutionAlreadyCompleted:
				c.w.violate("stop response", "%s gets %s", who, code)
			}
		})
		return
	}
}

// expired reports whether an execution has expired, or may have by the clock of some process.
func (c *clients) expired(r *run) bool {
	return r == nil || r.x.Expires <= time.Now().UnixMilli()+c.w.slack()
}
