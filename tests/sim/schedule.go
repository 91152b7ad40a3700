package sim

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing/synctest"
	"time"
)

// operation is an operation that waits for the scheduler.
type operation struct {
	process *process // its process; nil for the world's own
	key     string   // distinguishes it from other waiting operations, and orders them
	arrival int      // orders operations with the same key, which are interchangeable
	weight  int      // how much likelier than others it is picked; 0 counts as 1
	// apply carries it out, in the scheduler's goroutine. If it returns false, the waiter does not
	// learn of it.
	apply func() bool
	done  chan struct{}
}

// scheduler holds the waiting operations.
type scheduler struct {
	mu      sync.Mutex
	waiting []*operation
	arrived int
	signal  chan struct{} // has capacity for one signal
}

func newScheduler() *scheduler { return &scheduler{signal: make(chan struct{}, 1)} }

// post adds an operation that no goroutine waits for, or whose caller waits by itself.
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

// wait adds an operation and waits until it was carried out, its process died or ctx ended. An
// operation in flight may still be carried out after that, if keep says so.
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

// giveUp lets a waiter whose time is over continue when the scheduler says so. If several times end
// at the same instant, the order in which timers wake the waiters is random.
func (s *scheduler) giveUp(o *operation, dead <-chan struct{}) {
	if dead == nil {
		return
	}
	over := &operation{process: o.process, key: o.key + " is given up",
		apply: func() bool { return true }, done: make(chan struct{})}
	s.post(over)
	select {
	case <-over.done:
	case <-dead:
	}
}

// withdraw removes an operation.
func (s *scheduler) withdraw(o *operation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = slices.DeleteFunc(s.waiting, func(p *operation) bool { return p == o })
}

// withdrawAll removes the operations of a process, except those that keep selects.
func (s *scheduler) withdrawAll(p *process, keep func(*operation) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortFunc(s.waiting, compareOperations)
	s.waiting = slices.DeleteFunc(s.waiting, func(o *operation) bool {
		return o.process == p && !keep(o)
	})
}

func compareOperations(a, b *operation) int {
	return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.arrival, b.arrival))
}

// take removes and returns the waiting operation that pick chooses; nil if there is none.
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

// chance returns how likely an operation is to be picked; 0 while its process is frozen.
func (o *operation) chance() int {
	if o.process != nil && time.Now().Before(o.process.frozen) {
		return 0
	}
	return max(o.weight, 1)
}

// idle reports whether nothing can be picked, and for how long at most.
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

// thaw lets every process continue whose operations wait, dead ones too: a write that a dead
// process sent may still be carried out, but no later than the faults end (4066559).
func (s *scheduler) thaw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.waiting {
		if o.process != nil {
			o.process.frozen = time.Time{}
		}
	}
}

// idleMax is the longest time that the world sleeps while nothing waits.
const idleMax = time.Hour

// run makes steps until over returns true, or until all steps are used (false).
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

// tick lets less than a millisecond pass, so that no two steps have the same fraction of a
// millisecond. The code under test waits for whole milliseconds, so nothing that begins in one step
// ends at the same instant as something from another step. A bubble wakes what is due at one
// instant in random order.
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
		// There are no faults any more.
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
