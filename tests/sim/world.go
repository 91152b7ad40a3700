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
)

// Options of a run.
type Options struct {
	Seed     uint64
	Flow     string    // the example flow to run, by its file's name; "": as the seed says
	Trace    io.Writer // shows every step; nil: none
	Bug      *Bug      // put in on purpose; nil: none
	Topology string    // local, servers or functions; "": as the seed says

	Executions int      // no more than so many are launched; 0: as the seed says
	rounds     int      // the run fails after so many rounds of the scheduler; 0: none
	Blind      []string // invariants that are not checked, to show what nothing else finds
	Without    []string // kinds of faults and of clients that there are none of
}

// Bug changes what a process is made of.
type Bug struct {
	Name   string
	Driver func(store.Driver) store.Driver
	Runner func(*engine.Options)
	Unsafe Unsafe // the embedded store
}

// Report is what a run came to.
type Report struct {
	Seed         uint64
	Topology     string
	Executions   int
	Commits      int
	InboxEntries int // letters put into inboxes
	Accepted     int // of these, by a commit
	Judged       int // executions whose requests were to fit one order
	Undecided    int // of these, those for which that took too long to find out
	Steps        int
	rounds       int
	Faults       map[string]int // how many happened, by kind
	Kinds        map[string]int // executions by what they have in them: language, kinds of states, ends
	Checks       map[string]int // how often each invariant was looked at where it could have been broken
	Worlds       []string       // what kind of run it was
	Sum          uint64         // of everything that happened
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
	raw    *store.Store // over the rows, for looking at them
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
	transactionWork int // of a fold; 0: as usual
	limits          flow.Limits
	retention       time.Duration
	mocked          *flowtest.Setup // an example's tasks; nil: tasks by chance

	processes        []*process
	processesStarted int
	partitions       []string // of executions, in the order of their claims
	runs             map[string]*run
	allRuns          map[uint64]*run // every run there has been
	started          map[string]*run // by origin
	quiesced         bool            // no faults any more
	poison           poison
	namesReused      bool // names are used for the second time: requests about them are not for judgeLinear
	ticks            int64
	steps            int
	commits          int
	executions       int

	rounds        int // of the scheduler
	roundsMax     int // 0: as many as it takes
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
	sharing   sharing

	expresses  expresses
	quiescedAt int64 // when the faults ended, ms since 1970
	liveness

	mu      sync.Mutex
	failure string
	checks  map[string]int // how often each invariant was looked at
}

// How long executions may run, how long they are kept after that, how long there are faults, and how many steps a run
// may take. Executions are kept for longer than faults and freezes take together, as they are for a week at least
// outside: what nobody could bring to its end until then is forgotten.
const (
	runsMax   = 600 // s; in most runs it is days
	retention = time.Hour
	faultsMax = 5 * time.Minute
	stepsMax  = 200_000
)

const account = "1234567890123456"

// Run makes one run in a bubble of its own.
func Run(t *testing.T, o Options) Report {
	var report Report
	var said []*clientOp
	// What runs between two steps mostly commutes; where it does not, one thread keeps its order.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	// A collection in mid-run would stop the one that runs and let another one go first: it waits for the end of a run.
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

// Between two runs the heap is collected when it has grown by heapGrowth and by as much as the last collection has left: what
// a long test keeps, its subtests above all, must not be looked through after every run. heapMax is for a run that never
// ends.
const (
	heapGrowth = 64 << 20
	heapMax    = 4 << 30
)

// heapNext is the size at which the heap is collected next. Runs of a process come one after the other.
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
	w := &World{seed: o.Seed, rand: r, faults: drawFaults(r), sched: newScheduler(), begun: time.Now(), bug: o.Bug, runs: map[string]*run{}, allRuns: map[uint64]*run{}, started: map[string]*run{}, flows: newFlowRows(), kinds: map[string]int{}, checks: map[string]int{}, expresses: newExpresses()}
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
	w.raw = store.New(store.Options{Driver: w.disk.rows, Now: func() time.Time { return time.UnixMilli(0) }, TailBytes: w.tail, Sizes: w.sizes.store})
	w.tasks, w.referee = newTasks(w), newReferee()
	w.clients = newClients(w)
	w.clients.draw(o.Flow)
	w.drawLarge()
	if w.mocked != nil || w.number("owner")%3 > 0 { // an owner must know when his requests are over
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
	w.drawLimits()
	w.drawExpress()
	w.drawShares()
	w.transactionWork = []int{0, 0, 0, 0, 1, 60, 600}[w.number("how much work a fold does")%7]
	w.tracef("seed %d: %v, faults %v, tail %d, lease %v, calls %d, work %d, sizes %v", w.seed, w.topology, w.faults, w.tail, w.lease, w.calls, w.transactionWork, &w.sizes)
	for range w.drawProcessCount() {
		w.processes = append(w.processes, newProcess(w))
	}
	w.clients.begin()
	return w
}

// drawProcessCount is how many processes a run has at a time.
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

// runPhases is the time with faults, and then the one in which everything comes to its end.
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

// settleMax is how long it may take without faults until everything has ended: what is late is noticed at the time, so this
// is for what is nobody's to do.
const settleMax = 2 * 366 * 24 * time.Hour

// settle lets time pass until every execution has ended and nobody waits for anything.
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
	for _, p := range w.processes {
		p.skew.Store(0)
		p.frozen = time.Time{}
	}
}

// atRest reports whether nothing goes on, and sees to what nobody else does.
func (w *World) atRest() bool {
	w.rescue()
	return w.clients.quiet() && w.settled()
}

// settled tells whether every execution has ended and has nothing to send.
func (w *World) settled() bool { return w.unsettled() == "" && len(w.processes) > 0 }

func (w *World) unsettled() string {
	for _, partition := range w.partitions {
		r := w.runs[partition]
		if r != nil && (!r.x.Status.Final() || len(r.state.Outbox) > 0) {
			return fmt.Sprintf("%s is %v, %d in its outbox, wakes at %d, now %d", partition, r.x.Status, len(r.state.Outbox), r.x.Wake, time.Now().UnixMilli())
		}
	}
	return ""
}

// end lets everything in the bubble come to its end.
func (w *World) end() {
	w.clients.leave()
	for _, p := range w.processes {
		close(p.dead)
		p.end()
	}
	synctest.Wait()
	time.Sleep(2 * time.Hour) // timers of what has died
	synctest.Wait()
}

func (w *World) report() Report {
	r := Report{Seed: w.seed, Topology: w.topology.String(), Executions: w.executions, Commits: w.commits, InboxEntries: w.inbox.posted, Accepted: w.inbox.accepted, Steps: w.steps, rounds: w.rounds, Sum: w.trace.sum, Failure: w.failure, Faults: w.faults.hits, Kinds: w.kinds, Checks: w.checks, Worlds: w.worlds()}
	if r.Failure != "" {
		r.Tail = w.trace.tail()
	}
	return r
}

// failf notes what is wrong; the first one counts.
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

// interpreterPanicked is told when the interpreter has panicked.
func (w *World) interpreterPanicked(log string) {
	w.violate("no panic", "the interpreter broke: %s", log)
}

// faulty draws a fault that ends with the faults.
func (w *World) faulty(o odds) bool { return !w.quiesced && w.faults.hit(o) }

// chance draws, in any goroutine, by what is asked about.
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

// request makes a request of a process that the seed chooses, as somebody outside does. An error that is no fault means
// that it may have been carried out or not.
func request[T any](w *World, said *clientOp, who string, do func(context.Context, *cloudflow.Service) (T, error)) (T, error) {
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
			ctx, cancel := context.WithTimeout(context.WithValue(context.WithValue(to.life, requester{}, who), servingProcess{}, to), requestTimeout)
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

// asker is the key of who asks, in a context, and answering that of the process.
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
