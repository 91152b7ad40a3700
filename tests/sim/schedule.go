package sim

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing/synctest"
	"time"
)

// operation is something that waits for the scheduler.
type operation struct {
	process *process // whose it is; nil for the world's own
	key     string   // tells it from others that wait; the order in which they are looked at
	arrival int      // orders operations of one key, which do not differ
	weight  int      // how much more likely than others it is picked; 0 counts as 1
	// apply carries it out, in the scheduler's goroutine. false: the one who waits does not hear of it.
	apply func() bool
	done  chan struct{}
}

// scheduler holds the operations that wait.
type scheduler struct {
	mu      sync.Mutex
	waiting []*operation
	arrived int
	signal  chan struct{} // has room for one
}

func newScheduler() *scheduler { return &scheduler{signal: make(chan struct{}, 1)} }

// post adds an operation that nobody waits for, or whose waiting the caller does itself.
func (s *scheduler) post(o *operation) {
	s.mu.Lock()
	s.arrived++
	o.arrival = s.arrived
	s.waiting = append(s.waiting, o)
	s.mu.Unlock()
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

// wait adds an operation and waits until it has been carried out, its process has died or ctx has ended. What is in
// flight then may still be carried out, if keep says so.
func (s *scheduler) wait(ctx context.Context, o *operation, keep func() bool) error {
	dead := o.process.died()
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-dead:
		return context.Canceled
	default:
	}
	o.done = make(chan struct{})
	s.post(o)
	select {
	case <-o.done:
		return nil
	case <-dead:
		return context.Canceled
	case <-ctx.Done():
		if keep == nil || !keep() {
			s.withdraw(o)
		}
		s.giveUp(o, dead)
		return ctx.Err()
	}
}

// giveUp lets the one whose time is over go on when the scheduler says so: when it is over for several at the same
// instant, the order in which timers wake them is by chance.
func (s *scheduler) giveUp(o *operation, dead <-chan struct{}) {
	if dead == nil {
		return
	}
	over := &operation{process: o.process, key: o.key + " is given up", apply: func() bool { return true }, done: make(chan struct{})}
	s.post(over)
	select {
	case <-over.done:
	case <-dead:
	}
}

// withdraw takes an operation back.
func (s *scheduler) withdraw(o *operation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = slices.DeleteFunc(s.waiting, func(p *operation) bool { return p == o })
}

// withdrawAll takes back what a process waits for, but what keep says.
func (s *scheduler) withdrawAll(p *process, keep func(*operation) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortFunc(s.waiting, compareOperations)
	s.waiting = slices.DeleteFunc(s.waiting, func(o *operation) bool { return o.process == p && !keep(o) })
}

func compareOperations(a, b *operation) int {
	return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.arrival, b.arrival))
}

// take removes and gives the operation that pick chooses among those that wait, in their order; nil without any.
func (s *scheduler) take(pick func(total int) int) *operation {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return nil
	}
	slices.SortFunc(s.waiting, compareOperations)
	total := 0
	for _, o := range s.waiting {
		total += o.chance()
	}
	if total == 0 {
		return nil
	}
	n := pick(total)
	for i, o := range s.waiting {
		if n -= o.chance(); n < 0 {
			s.waiting = slices.Delete(s.waiting, i, i+1)
			return o
		}
	}
	return nil
}

// chance is how likely an operation is to be picked; 0 while its process is frozen.
func (o *operation) chance() int {
	if o.process != nil && time.Now().Before(o.process.frozen) {
		return 0
	}
	return max(o.weight, 1)
}

// idle tells whether nothing can be picked, and how long that is so at most.
func (s *scheduler) idle() (bool, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	thaws := idleMax
	for _, o := range s.waiting {
		if o.chance() > 0 {
			return false, 0
		}
		thaws = min(thaws, time.Until(o.process.frozen))
	}
	return true, thaws
}

// idleMax bounds how long the world sleeps while nothing waits.
const idleMax = time.Hour

// run makes steps until over says that it is enough, or steps are used up (false).
func (w *World) run(steps int, over func() bool) bool {
	for range steps {
		synctest.Wait()
		if w.rounds++; w.roundsMax > 0 && w.rounds > w.roundsMax {
			w.failf("longer than the run that is to be made shorter")
		}
		if w.failed() || over() {
			return true
		}
		w.judgeDue()
		w.judgeShares()
		w.step()
	}
	return false
}

// tick lets less than a millisecond pass, so that no two steps are at the same fraction of a millisecond. What is
// waited for in the code under test takes whole ones: so nothing that begins in one step is over at the very instant at
// which something from another one is. A bubble wakes what is due at one instant in an order by chance.
func (w *World) tick() {
	const whole = int64(time.Millisecond)
	w.ticks++
	d := (w.ticks - time.Now().UnixNano()) % whole
	time.Sleep(time.Duration((d + whole) % whole))
}

// step carries out one operation, or lets time pass.
func (w *World) step() {
	if idle, most := w.sched.idle(); idle {
		w.judgeIdle()
		if w.quiesced {
			most = w.lookAgain()
		}
		select {
		case <-w.sched.signal:
		default:
			timer := time.NewTimer(most)
			select {
			case <-w.sched.signal:
			case <-timer.C:
			}
			timer.Stop()
		}
		return
	}
	if w.quiesced {
		// no faults any more
	} else if d := w.faults.pause(); d > 0 {
		w.tracef("pass %v", d)
		time.Sleep(d)
		return
	} else if w.faults.hit(w.faults.crash) {
		w.crashOne()
		return
	} else if w.faults.hit(w.faults.freeze) {
		w.freeze()
		return
	} else if w.faults.hit(w.faults.outage) {
		w.beginOutage()
	}
	w.tick()
	o := w.sched.take(w.rand.IntN)
	if o == nil {
		return
	}
	w.steps++
	if o.apply() && o.done != nil {
		close(o.done)
	}
}
