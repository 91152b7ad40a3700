package sim

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// Options of a run.
type Options struct {
	Seed     uint64
	Flow     string    // the example flow to run, by its file's name; "": the seed decides
	Trace    io.Writer // shows every step; nil: none
	Bug      *Bug      // a deliberate bug; nil: none
	Topology string    // local, servers or functions; "": the seed decides

	Executions int      // launch at most this many; 0: the seed decides
	rounds     int      // the run fails after this many rounds of the scheduler; 0: no limit
	Blind      []string // invariants that are not checked, to show what no other one finds
	Without    []string // kinds of faults and clients to exclude
}

// Bug replaces parts of a process.
type Bug struct {
	Name   string
	Driver func(driver.Driver) driver.Driver
	Engine func(*engine.Options)
	Unsafe Unsafe // bugs of the embedded store
}

// Report is the result of a run.
type Report struct {
	Seed         uint64
	Topology     string
	Executions   int
	Commits      int
	InboxEntries int // entries written to inboxes
	Accepted     int // of these, by a commit
	Judged       int // executions whose requests had to be linearizable
	Undecided    int // of these, those for which the check took too long
	Steps        int
	rounds       int
	Faults       map[string]int // number of faults, by kind
	Kinds        map[string]int // executions by feature: language, kinds of states, ends
	Checks       map[string]int // checks of each invariant where it could be violated
	Worlds       []string       // the kind of run
	Sum          uint64         // a checksum of everything that happened
	Failure      string         // "" when nothing was wrong
	Tail         []string       // the last steps before a failure
}

// World is one run.
type World struct {
	seed   uint64
	rand   *rand.Rand
	faults *faults
	sched  *scheduler
	disk   *disk
	raw    *store.Store // over the rows, for checks
	trace  trace
	begun  time.Time
	bug    *Bug

	topology        topology
	tail            int
	sizes           sizes
	damage          damage
	queueHour       queueHour
	fleet           fleet
	expires         bool // servers: the store removes expired rows itself
	lease           time.Duration
	calls           int
	transactionWork int // of a transaction; 0: as usual
	limits          flow.Limits
	retention       time.Duration
	mocked          *flowtest.Setup // an example's tasks; nil: random tasks

	processes        []*process
	processesStarted int
	partitions       []string // of executions, in the order of their claims
	runs             map[string]*run
	allRuns          map[uint64]*run // every run so far
	started          map[string]*run // by origin
	quiesced         bool            // there are no faults any more
	poison           poison
	// names are used for the second time: judgeLinear ignores requests about them
	namesReused bool
	ticks       int64
	steps       int
	commits     int
	executions  int

	rounds        int // of the scheduler
	roundsMax     int // 0: no limit
	executionsMax int
	without       []string

	kinds     map[string]int
	tasks     *tasks
	referee   *referee
	clients   *clients
	opHistory []*clientOp
	inbox     inboxRows
	flows     flowRows
	rights    *rights // nil in most runs
	schedules schedules
	bulks     bulks
	deletions deletions
	redrives  redrives
	sharing   sharing

	expresses  expresses
	quiescedAt int64 // when the faults ended, ms since 1970
	liveness

	mu      sync.Mutex
	failure string
	checks  map[string]int // checks of each invariant
}

// The deadline of executions, their retention, the duration of the faults, and the maximum number
// of steps of a run. The retention is longer than faults and freezes together, as it is in
// production, where it is at least a week: an execution that could not be ended before would
// expire.
const (
	runsMax   = 600 // s; days in most runs
	retention = time.Hour
	faultsMax = 5 * time.Minute
	stepsMax  = 200_000
)

const account = "1234567890123456"

// Run makes one run in a bubble of its own.
func Run(t *testing.T, o Options) Report {
	var report Report
	var said []*clientOp
	// The goroutines that run between two steps mostly commute. Where they do not, a single thread
	// keeps their order.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	// A garbage collection during a run would stop the running goroutine and let another one go
	// first, so it waits for the end of the run.
	collect()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(heapMax))
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(o)
		w.runPhases()
		w.end()
		report, said = w.report(), w.opHistory
	})
	if report.Failure == "" {
		v := judgeLinear(said, report.Steps)
		report.Judged, report.Undecided = v.Checked, v.Undecided
		if v.Checked > 0 {
			report.checked("one order")
		}
		if v.Violation != "" && !slices.Contains(o.Blind, "one order") {
			report.violate("one order", v.Violation)
		}
	}
	return report
}

// Between two runs the heap is collected if it has grown by heapGrowth and by as much as the last
// collection left: the data that a long test keeps, above all its subtests, must not be scanned
// after every run. heapMax is for a run that does not end.
const (
	heapGrowth = 64 << 20
	heapMax    = 4 << 30
)

// heapNext is the heap size of the next collection. The runs of a process are sequential.
var heapNext uint64 = heapGrowth

func collect() {
	if heapSize() > heapNext {
		runtime.GC()
		heapNext = 2*heapSize() + heapGrowth
	}
}

func heapSize() uint64 {
	size := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(size)
	return size[0].Value.Uint64()
}

func newWorld(o Options) *World {
	r := rand.New(rand.NewPCG(o.Seed, 1))
	w := &World{seed: o.Seed, rand: r, faults: drawFaults(r), sched: newScheduler(),
		begun: time.Now(), bug: o.Bug, runs: map[string]*run{}, allRuns: map[uint64]*run{},
		started: map[string]*run{}, flows: newFlowRows(), kinds: map[string]int{},
		checks: map[string]int{}, expresses: newExpresses(),
		deletions: newDeletions(), redrives: redrives{}}
	w.trace.out = o.Trace
	w.executionsMax, w.without, w.roundsMax, w.blind = o.Executions, o.Without, o.rounds, o.Blind
	w.idleSweeps, w.hintTracker = newIdleSweeps(), newHintTracker()
	if w.executionsMax == 0 {
		w.executionsMax = executionsMax
	}
	w.topology = topology(r.IntN(int(topologies)))
	for h := range topologies {
		if o.Topology == h.String() {
			w.topology = h
		}
	}
	w.expires = r.IntN(2) == 0
	w.tail = []int{1, 200, 600, 2048}[r.IntN(4)]
	w.lease = []time.Duration{5 * time.Second, 20 * time.Second, 2 * time.Minute}[r.IntN(3)]
	w.calls = []int{1, 2, 128}[r.IntN(3)]
	w.limits = flow.DefaultLimits()
	if r.IntN(2) == 0 {
		w.limits.MapConcurrency, w.limits.IterationsV1 = 2, 2
	}
	w.limits.Events = []int{60, 500, 500, 500, 500, 500, 500, 5000}[r.IntN(8)]
	w.drawSizes()
	w.disk = newDisk(w, w.topology != embedded, 1+r.IntN(2), []int{1, 2, 0}[r.IntN(3)])
	w.drawPower()
	w.raw = store.New(store.Options{Driver: w.disk.rows,
		Now: func() time.Time { return time.UnixMilli(0) }, TailBytes: w.tail,
		Sizes: w.sizes.store})
	w.tasks, w.referee = newTasks(w), newReferee()
	w.clients = newClients(w)
	w.clients.draw(o.Flow)
	w.drawLarge()
	// a flow owner must know when its requests are over
	if w.mocked != nil || w.number("owner")%3 > 0 {
		w.faults.freeze = odds{"process frozen", []int{0, 0, 5, 30}[w.number("freeze")%4]}
	}
	w.drawClocks()
	w.drawDamage()
	w.drawOutage()
	w.faults.without(w.without)
	w.drawPoison()
	w.drawQueueHour()
	w.drawTimeline()
	w.drawRights()
	w.drawSchedules()
	w.drawBulks()
	w.drawLimits()
	w.drawExpress()
	w.drawShares()
	w.transactionWork = []int{0, 0, 0, 0, 1, 60, 600}[w.number("how much work a fold does")%7]
	w.tracef("seed %d: %v, faults %v, tail %d, lease %v, calls %d, work %d, sizes %v", w.seed,
		w.topology, w.faults, w.tail, w.lease, w.calls, w.transactionWork, &w.sizes)
	for range w.drawProcessCount() {
		w.processes = append(w.processes, newProcess(w))
	}
	w.clients.begin()
	return w
}

// drawProcessCount returns how many processes a run has at a time.
func (w *World) drawProcessCount() int {
	if w.topology == embedded {
		return 1
	}
	n := 1 + w.rand.IntN(3)
	if slices.Contains(w.without, withoutProcesses) {
		return 1
	}
	return w.drawFleet(n)
}

// runPhases runs the time with faults, and then the time in which everything ends.
func (w *World) runPhases() {
	w.run(stepsMax/3, func() bool { return w.clients.quiet() || time.Since(w.begun) > faultsMax })
	w.quiesce()
	w.alternateFaults()
	w.settle()
	w.judgeReleased()
	if w.failed() {
		return
	}
	w.judgeEnds()
	if w.failed() {
		return
	}
	w.expireAll()
}

// settleMax is how long it may take without faults until everything has ended. Lateness is noticed
// at its time, so this bound is for work that no process is responsible for.
const settleMax = 2 * 366 * 24 * time.Hour

// settle lets time pass until every execution has ended and no goroutine waits for anything.
func (w *World) settle() {
	w.checked("everything ends")
	until := time.Now().Add(settleMax)
	if w.poison.enabled {
		until = time.Now().Add(poisonMax)
	}
	w.run(stepsMax, func() bool { return w.atRest() || time.Now().After(until) })
	if !w.failed() && !w.atRest() {
		w.violate("everything ends", "no end after %d steps: %s", w.steps, w.unsettled())
	}
}

// quiesce ends the faults.
func (w *World) quiesce() {
	w.tracef("the faults end")
	w.quiesced, w.quiescedAt = true, w.faultsEnd().UnixMilli()
	w.clock.recheck()
	w.sched.thaw()
	for _, p := range w.processes {
		p.skew.Store(0)
		p.frozen = time.Time{}
	}
}

// atRest reports whether nothing is active, and starts the rescuer when it is due.
func (w *World) atRest() bool {
	w.rescue()
	return w.clients.quiet() && w.settled()
}

// settled reports whether every execution has ended and has nothing to send.
func (w *World) settled() bool { return w.unsettled() == "" && len(w.processes) > 0 }

func (w *World) unsettled() string {
	for _, partition := range w.partitions {
		r := w.runs[partition]
		if r != nil && (!r.x.Status.Final() || len(r.state.Outbox) > 0) {
			return fmt.Sprintf("%s is %v, %d in its outbox, wakes at %d, now %d", partition,
				r.x.Status, len(r.state.Outbox), r.x.Wake, time.Now().UnixMilli())
		}
	}
	return w.unpurged()
}

// end lets every goroutine in the bubble end.
func (w *World) end() {
	w.clients.leave()
	for _, p := range w.processes {
		close(p.dead)
		p.end()
	}
	synctest.Wait()
	time.Sleep(2 * time.Hour) // timers of dead processes
	synctest.Wait()
}

func (w *World) report() Report {
	r := Report{Seed: w.seed, Topology: w.topology.String(), Executions: w.executions,
		Commits: w.commits, InboxEntries: w.inbox.posted, Accepted: w.inbox.accepted,
		Steps: w.steps, rounds: w.rounds, Sum: w.trace.sum, Failure: w.failure,
		Faults: w.faults.hits, Kinds: w.kinds, Checks: w.checks, Worlds: w.worlds()}
	if r.Failure != "" {
		r.Tail = w.trace.tail()
	}
	return r
}

// failf records a failure; only the first one counts.
func (w *World) failf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failure == "" {
		w.failure = fmt.Sprintf(format, args...)
	}
}

func (w *World) failed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure != ""
}

// interpreterPanicked handles a panic of the interpreter.
func (w *World) interpreterPanicked(log string) {
	w.violate("no panic", "the interpreter broke: %s", log)
}

// faulty draws a fault, as long as there are faults.
func (w *World) faulty(o odds) bool { return !w.quiesced && w.faults.hit(o) }

// chance draws by a text. Any goroutine may call it.
func (w *World) chance(about string, chance int) bool {
	return int(w.number(about)%10_000) < chance
}

func (w *World) number(about string) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s", w.seed, about)
	x := h.Sum64()
	x ^= x >> 32
	return x * 0x9e3779b97f4a7c15 >> 3
}

// request makes a client's request to a process that the seed chooses. After an error that is no
// fault the request may have been carried out or not.
func request[T any](w *World, said *clientOp, who string,
	do func(context.Context, *cloudflow.Service) (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	got := make(chan answer, 1)
	var to *process
	send := &operation{key: "request " + who}
	send.apply = func() bool {
		if len(w.processes) == 0 || w.faulty(w.faults.network) {
			w.tracef("%s: not sent", send.key)
			return true
		}
		to = w.processes[w.rand.IntN(len(w.processes))]
		if w.faulty(w.faults.jump) {
			to.moveClock()
		}
		w.tracef("%s: to %s", send.key, to.name)
		if said != nil && !w.namesReused {
			said.call = int64(w.steps)
			w.opHistory = append(w.opHistory, said)
		}
		to.spawn(func() {
			ctx, cancel := context.WithTimeout(context.WithValue(context.WithValue(to.life,
				requester{}, who), servingProcess{}, to), requestTimeout)
			defer cancel()
			var a answer
			ctx, over := to.acquireProcessor(ctx, said != nil || strings.HasPrefix(who, "sync "))
			a.value, a.err = do(ctx, to.service)
			over()
			reply := &operation{process: to, key: to.name + " answers " + who}
			reply.apply = func() bool {
				lost := w.faulty(w.faults.network)
				w.tracef("%s: lost %v, %s", reply.key, lost, outcome(a.err))
				if lost {
					a = answer{err: errLost}
				} else if said != nil {
					said.complete(w.steps, a.value, a.err)
				}
				got <- a
				return true
			}
			w.sched.wait(to.life, reply, nil)
		})
		return true
	}
	var none T
	if err := w.sched.wait(w.clients.life, send, nil); err != nil {
		return none, err
	}
	if to == nil {
		return none, errLost
	}
	timer := time.NewTimer(requestTimeout + 20*time.Second)
	defer timer.Stop()
	select {
	case a := <-got:
		return a.value, a.err
	case <-to.dead:
		return none, errLost
	case <-timer.C:
		return none, errGivenUp
	}
}

// requestTimeout is how long a request may take.
const requestTimeout = 90 * time.Second

// requester is the context key of the client's name, and servingProcess that of the process.
type (
	requester      struct{}
	servingProcess struct{}
)

func (w *World) requester(ctx context.Context) string {
	if who, ok := ctx.Value(requester{}).(string); ok {
		return who + " "
	}
	if partition := engine.BackgroundPartition(ctx); partition != "" {
		return "for " + partition + " "
	}
	return ""
}
