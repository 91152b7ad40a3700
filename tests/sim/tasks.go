package sim

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/task"
	"millrace/shared/value"
	"millrace/tests/support/flowgen"
)

// tasks simulates the tasks: the results of calls, by state, data and attempt. Only the scheduler's
// goroutine uses it.
type tasks struct {
	written map[string]string // files of results, by key
	w       *World
	worlds  map[string]*flowgen.MockTasks // by execution
	// outcomes of an example that were used, by execution and state
	used         map[string]int
	known        map[string]int      // the same, by key
	inFlight     map[string]*process // the caller, by key
	answered     map[string]*process // the process whose call has returned, by key
	leases       map[string]lease    // by key
	calls        int
	reports      []*reportOutcome
	callbackRuns map[uint64]uint64     // runs that end a task of another run by its callback token
	slowness     int64                 // factor of the time of results
	results      map[string]callResult // the last result, by key
	tokens       map[string]string     // by key
	calling      map[string]string     // partitions of calls in flight, by key
	// when a call ended last, by partition ("": of any), ms since 1970
	finishedAt map[string]int64
}

// lease is the holder of a call, according to the row.
type lease struct {
	owner  uint64
	since  time.Time // when the owner took it
	until  int64     // ms since 1970
	held   []uint64  // owners that a durable row has named, in order
	before int64     // of the last other owner's lease; 0: there was none
	lost   bool      // since the last call a lease had expired when another owner took it
}

// leased records a lease.
func (k *tasks) leased(key string, owner uint64, until int64) {
	l := k.leases[key]
	if l.owner != owner {
		l.lost = l.lost || k.w.leaseOver(l.until)
		l.owner, l.before = owner, l.until
		l.held, l.since = append(l.held, owner), time.Now()
	}
	l.until = until
	k.leases[key] = l
}

// leaseOver reports whether a lease has expired by the clock of every process.
func (w *World) leaseOver(until int64) bool {
	return until > 0 &&
		until+clockMargin.Milliseconds() <= time.Now().UnixMilli()+w.faults.skew.Milliseconds()
}

// reportOutcome is a report and the response to it.
type reportOutcome struct {
	who     string
	account string
	token   interp.Token
	output  string
	failure *flow.Error
	event   int64  // of an accepted one
	run     uint64 // of its execution
	code    fault.Code
}

func newTasks(w *World) *tasks {
	k := &tasks{w: w, worlds: map[string]*flowgen.MockTasks{}, used: map[string]int{},
		known: map[string]int{}, inFlight: map[string]*process{}, answered: map[string]*process{},
		leases: map[string]lease{}, callbackRuns: map[uint64]uint64{},
		written: map[string]string{},
		results: map[string]callResult{}, calling: map[string]string{}, tokens: map[string]string{},
		finishedAt: map[string]int64{}}
	k.slowness = []int64{1, 1, 1, 10}[w.rand.IntN(4)]
	if k.slowness == 10 && w.topology == functions && w.lease >= time.Minute {
		k.slowness = 30 // a few calls use up the time of an invocation
	}
	return k
}

// plan is the planned result of a call.
type plan struct {
	delay   time.Duration
	hang    bool
	result  task.Result
	reports []planned
}

// planned is a report that follows some time after a call.
type planned struct {
	delay   time.Duration
	output  []byte
	failure *flow.Error
}

// run implements task.Runner for one process.
func (k *tasks) run(ctx context.Context, p *process, r task.Request) task.Result {
	w := k.w
	defer p.countCall(r.Account)()
	var made plan
	at, asked := p.now().UnixMilli(), time.Now()
	w.calling(&r)
	call := &operation{process: p, key: p.name + " calls " + r.State + " " + r.Key}
	call.apply = func() bool {
		k.judgeCaller(p, &r, asked)
		k.begin(p, &r, at)
		made = k.plan(&r)
		w.referee.called(&r, &made)
		w.clients.overhear(&r)
		w.tracef("%s of %s: answer in %v hang %v, %d reports", call.key, r.Execution, made.delay,
			made.hang, len(made.reports))
		for i, report := range made.reports {
			who := fmt.Sprintf("report %s %d.%d", r.Key, k.calls, i)
			if r.Account == guarded {
				w.clients.spawn(func() { k.handOver("hand over "+who, r.Token, report.delay) })
				continue
			}
			if w.viaCallback(r.Account, who) {
				w.clients.spawn(func() {
					k.reportByCallback("delegate "+who, r.Token, report.delay)
				})
				continue
			}
			w.clients.spawn(func() { k.report(r.Account, who, r.Token, report) })
		}
		return true
	}
	if err := w.sched.wait(ctx, call, nil); err != nil {
		return task.Fail("Cut", "the call was cut before it was made")
	}
	t := time.NewTimer(made.delay + tieBreak)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-p.dead:
	}
	end := &operation{process: p, key: p.name + " is answered by " + r.State + " " + r.Key}
	cut := true
	end.apply = func() bool {
		cut = false
		k.finish(p, r.Key, true)
		k.results[r.Key] = callResult{p, time.Now().UnixMilli(), made.result}
		w.tracef("%s", end.key)
		return true
	}
	if ctx.Err() == nil {
		w.sched.wait(ctx, end, nil)
	}
	if cut {
		over := &operation{key: "cut " + p.name + " " + r.Key, done: make(chan struct{}),
			apply: func() bool { k.finish(p, r.Key, false); return true }}
		w.sched.post(over)
		select { // one after the other, if several times end at the same instant
		case <-over.done:
		case <-p.dead:
		}
		// it may have been answered at that moment
		return p.countRelease(task.Fail("Cut", "the call was cut"))
	}
	return p.countRelease(made.result)
}

// tieBreak prevents that a result arrives at the very instant at which a timeout ends.
const tieBreak = 370 * time.Microsecond

// begin checks that no other process makes the same call, and that no result of it was lost, unless
// the lease had expired.
func (k *tasks) begin(p *process, r *task.Request, at int64) {
	k.calls++
	w := k.w
	if lease := k.w.expresses.children.leaseOf(r.Key); lease != r.Key {
		k.beginInChild(p, r, k.leases[lease])
		return
	}
	l := k.leases[r.Key]
	until := l.until
	if l.owner != p.owner {
		until = l.before
	}
	if until > 0 {
		w.checked("call within its lease")
	}
	// it waits there for long, and no other process would make the call
	inLine := w.sharing.drawn && w.topology == embedded
	if until > 0 && at > until+2*w.faults.skew.Milliseconds() && !inLine {
		w.violate("call within its lease", "%s calls %s of %s at %d, its lease was over at %d",
			p.name, r.State, r.Execution, at, until)
	}
	// Owners may have taken and given back the call in between (7031311).
	over := w.leaseOver(l.before) || l.lost
	l.lost = false
	k.leases[r.Key] = l
	// with the invocation that had the result and could not commit it in its time (4035460, 50014102)
	gone := w.topology == functions && !w.invokedBefore(k.answered[r.Key], k.calling[r.Key],
		k.results[r.Key].at)
	if k.inFlight[r.Key] != nil {
		w.checked("one call at a time")
	}
	if k.answered[r.Key] != nil {
		w.checked("result kept")
	}
	if q := k.inFlight[r.Key]; q != nil && !q.isDead() && !over {
		w.violate("one call at a time", "%s calls %s of %s while %s does", p.name, r.State,
			r.Execution, q.name)
	}
	if q := k.answered[r.Key]; q != nil && !q.isDead() && !over && !gone {
		w.violate("result kept", "%s calls %s of %s again, %s has its result", p.name, r.State,
			r.Execution, q.name)
	}
	k.inFlight[r.Key], k.tokens[r.Key] = p, r.Token
	k.judgeInFlight(p, r.Key)
	delete(k.answered, r.Key)
	if x := w.allRuns[runOfKey(r.Key)]; x != nil {
		k.calling[r.Key] = x.x.Partition()
	}
}

// beginInChild checks a call of an Express child of a MapRun. The child runs in memory under the
// lease of its parent's attempt; it keeps no result, so a process that takes it over makes its calls
// again, with the same keys.
func (k *tasks) beginInChild(p *process, r *task.Request, l lease) {
	w := k.w
	if q := k.inFlight[r.Key]; q != nil {
		w.checked("one call at a time")
		if !q.isDead() && !w.leaseOver(l.before) && !l.lost {
			w.violate("one call at a time", "%s calls %s of %s while %s does", p.name, r.State,
				r.Execution, q.name)
		}
	}
	k.inFlight[r.Key], k.tokens[r.Key] = p, r.Token
	k.judgeInFlight(p, r.Key)
	if x := w.allRuns[runOfKey(w.expresses.children.leaseOf(r.Key))]; x != nil {
		k.calling[r.Key] = x.x.Partition()
	}
}

func (k *tasks) finish(p *process, key string, answered bool) {
	if k.inFlight[key] != p {
		return
	}
	delete(k.inFlight, key)
	k.finishedAt[k.calling[key]], k.finishedAt[""] = time.Now().UnixMilli(), time.Now().UnixMilli()
	k.w.clock.recheck()
	if answered {
		k.answered[key] = p
	}
}

// isHeld reports whether a live process makes a call, or has its result.
func (k *tasks) isHeld(key string) bool {
	for _, p := range []*process{k.inFlight[key], k.results[key].by} {
		if p != nil && !p.isDead() {
			return true
		}
	}
	return false
}

// full reports whether a call may have to wait for other calls to end: of its execution, or, if
// processes divide their calls, of any execution.
func (k *tasks) full(r *run) bool {
	n := 0
	for key, p := range k.inFlight {
		if (k.calling[key] == r.x.Partition() || k.w.sharing.drawn) && !p.isDead() {
			n++
		}
	}
	return n >= k.w.calls || n > 0 && (k.w.topology == functions || k.w.sharing.drawn)
}

// lastFinished returns when a call ended last that a call of the execution may have waited for, ms
// since 1970.
func (k *tasks) lastFinished(r *run) int64 {
	if k.w.sharing.drawn {
		return k.finishedAt[""]
	}
	return k.finishedAt[r.x.Partition()]
}

func (k *tasks) plan(r *task.Request) plan {
	made := k.outcome(r)
	if !k.w.quiesced && k.w.chance("hang "+r.Key, 200) {
		made.hang, made.delay = true, hangs[k.w.number("hangs "+r.Key)%uint64(len(hangs))]
	}
	return made
}

// hangs are the durations for which a call hangs until it returns: longer than leases.
var hangs = [...]time.Duration{40 * time.Second, 3 * time.Minute, 12 * time.Minute}

func (k *tasks) outcome(r *task.Request) plan {
	if readsItems(r) && k.w.mocked != nil {
		made := plan{delay: time.Duration(k.w.number(r.Key)%3000) * time.Millisecond,
			result: task.Result{Output: encode(nil)}}
		if !k.writeFile(r) {
			made.result = k.readBlock(r)
		}
		return made
	}
	if k.w.mocked != nil {
		return k.mock(r)
	}
	x := key(r.Account, r.Flow) + "/" + r.Execution
	world := k.worlds[x]
	if world == nil {
		h := fnv.New64a()
		fmt.Fprintf(h, "%d %s", k.w.seed, x)
		world = flowgen.NewMockTasks(h.Sum64())
		k.worlds[x] = world
	}
	c := &interp.Call{Attempt: 1, State: r.State, Task: &flow.TaskSpec{Mode: r.Mode},
		Input: flow.TextValue(r.Input), Token: r.Token, Key: r.Key}
	if r.Parameters != nil {
		tree, _ := value.Decode(r.Parameters)
		members, _ := tree.(map[string]any)
		c.WritesResults = readsItems(r) && members["Body"] != nil
		c.ReadsItems = readsItems(r) && !c.WritesResults
		c.Params = flow.ParsedValue(r.Parameters, tree)
	}
	var made plan
	for _, n := range world.Call(c) {
		delay := time.Duration(n.Delay*k.slowness) * time.Millisecond
		if n.Message.Kind == interp.CallCompleted {
			made.delay, made.result = delay, task.Result{Output: n.Message.Output,
				Async: n.Message.Async}
			if e := n.Message.Error; e != nil {
				made.result.Output, made.result.Error = nil, e
			}
			continue
		}
		made.reports = append(made.reports, planned{delay * time.Duration(k.w.timeline.stretch),
			reportable(n.Message.Output), n.Message.Error})
	}
	return made
}

// reportable returns an output in the API's form: an object.
func reportable(text []byte) []byte {
	if len(text) > 0 && text[0] != '{' {
		return append(append([]byte(`{"v":`), text...), '}')
	}
	return text
}

// mock returns the outcome that an example has for the attempt.
func (k *tasks) mock(r *task.Request) plan {
	list := k.w.mocked.Tasks[r.State]
	if len(list) == 0 {
		return plan{result: task.Fail("NoOutcome", "the case has no outcome for task "+r.State)}
	}
	n, again := k.known[r.Key]
	if !again {
		at := r.Flow + "/" + r.Execution + "/" + r.State
		n = k.used[at]
		k.used[at]++
		k.known[r.Key] = n
	}
	o := list[min(n, len(list)-1)]
	made := plan{delay: time.Duration(k.w.number(r.Key)%3000) * time.Millisecond,
		result: task.Result{Output: encode(o.Return)}}
	switch {
	case r.Mode == flow.RequestComplete && o.Error != nil:
		made.result = task.Fail(o.Error.Name, o.Error.Cause)
	case r.Mode == flow.RequestComplete:
	case o.Error != nil:
		made.reports = []planned{{failure: o.Error, delay: made.delay / 2}}
	case o.Callback != nil:
		made.reports = []planned{{output: encode(o.Callback), delay: made.delay / 2}}
	default:
		made.reports = []planned{{output: encode(o.Return), delay: made.delay * 2}}
	}
	return made
}

func encode(v any) []byte {
	if v == nil {
		return []byte("{}")
	}
	return value.Encode(v)
}

// triesMax is how often a client repeats a request.
const triesMax = 12

// report makes a report. It repeats the request until the result is known.
func (k *tasks) report(of, who, token string, n planned) {
	w := k.w
	parsed, _ := interp.ParseToken(token)
	w.clients.sleep(n.delay)
	for range triesMax {
		w.referee.reporting(token, n)
		id, err := request(w, &clientOp{op: "report", client: who, execution: key(of, parsed.Flow) +
			"/" + parsed.Execution}, who, func(ctx context.Context,
			s *cloudflow.Service) (int64, error) {
			c := cloudflow.Caller{Account: of}
			if n.failure != nil {
				return s.ReportTaskFailed(ctx, c, cloudflow.ReportTaskFailedRequest{
					TaskToken: token, Error: n.failure.Name, Cause: &n.failure.Cause})
			}
			return s.ReportTaskSucceeded(ctx, c, cloudflow.ReportTaskSucceededRequest{
				TaskToken: token, Output: string(n.output)})
		})
		code := codeOf(err)
		if retried(code, err) {
			if !w.clients.sleep(time.Duration(w.number(who)%5000) * time.Millisecond) {
				return
			}
			continue
		}
		told := &reportOutcome{who: who, account: of, token: parsed, output: string(n.output),
			failure: n.failure, event: id, code: code}
		w.sched.wait(w.clients.life, &operation{key: who + " is told", apply: func() bool {
			k.reports = append(k.reports, told)
			k.judge(told)
			return true
		}}, nil)
		return
	}
}

// judge checks the response to a report against the history at that moment: it must contain an
// accepted report.
func (k *tasks) judge(told *reportOutcome) {
	k.w.checked("report response")
	if told.code != "" {
		if told.code == fault.EntityTooLarge && k.judgeTooLarge(told) {
			return
		}
		gone := told.code == fault.ExecutionNotExists &&
			k.w.isGone(told.account, told.token.Flow, told.token.Execution)
		if told.code != fault.TaskAlreadyCompleted && told.code != fault.InvalidArgument && !gone {
			k.w.violate("report response", "%s got %s", told.who, told.code)
		}
		if r := k.w.runIn(told.account, told.token.Flow,
			told.token.Execution); told.code == fault.TaskAlreadyCompleted && r != nil &&
			!r.x.Status.Final() && k.w.isOpen(r, told.token.ID) {
			k.w.violate("report response", "%s got %s, and its task is open",
				told.who, told.code)
		}
		return
	}
	r := k.w.nameHolder(told.account, told.token.Flow, told.token.Execution)
	if r == nil || told.event < 1 || told.event > int64(len(r.events)) {
		k.w.violate("report response", "%s got event %d of %s, which is not there", told.who,
			told.event, told.token.Execution)
		return
	}
	told.run = r.x.Run
	e := &r.events[told.event-1]
	k.w.checked("report of another attempt")
	if of := k.w.attemptOf(r, e); of != told.token.ID && e.Type != flow.ExecutionFailed {
		k.w.violate("report of another attempt",
			"%s got event %d, which ends attempt %d, and its token is of %d", told.who,
			told.event, of, told.token.ID)
	}
	switch {
	case told.failure == nil && (e.Type != flow.TaskSucceeded ||
		string(e.Output.Text()) != told.output),
		told.failure != nil && (e.Type != flow.TaskFailed || e.Error.Cause != told.failure.Cause):
		if e.Type != flow.ExecutionFailed { // the result was too large
			k.w.violate("report response", "%s got event %d, which is %s", told.who,
				told.event, textOf(e))
		}
	}
	for _, other := range k.reports {
		if other != told && other.code == "" && other.event == told.event && other.run == told.run {
			k.w.violate("report response", "%s and %s both got event %d", told.who,
				other.who, told.event)
		}
	}
}

// codeOf returns the fault code of an error; "" if there is no error, or if it is not one of the
// API's.
func codeOf(err error) fault.Code {
	if err == nil {
		return ""
	}
	return fault.CodeOf(err)
}

// retried reports whether the caller repeats a request: its effect is unknown, or the code says so.
func retried(code fault.Code, err error) bool {
	if err == nil {
		return false
	}
	return code == "" || code == fault.InternalServerError || code == fault.TaskInvalidState ||
		code == fault.ConcurrentUpdateError || code.Retryable()
}
