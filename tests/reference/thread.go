package reference

import (
	"fmt"
	"iter"
	"slices"
)

// thread is one sequence of states: the outermost list, a branch, or an iteration. Its code is a
// coroutine: it runs until it needs the next event and continues when the history has reached it.
type thread struct {
	c      *checker
	parent *thread
	yield  func(struct{}) bool
	next   func() (struct{}, bool)
	stop   func()
	result any
	fail   *failure
	done   bool
	ended  bool // with a result

	wants    []want // while it waits for an event
	got      *Event // the event it was woken with, until it is taken
	last     int64  // the event that leads to its next one
	lastTime int64
	due      int64    // its next event comes no earlier; 0: it may at once
	open     []*visit // states that are open, the outermost first
	attempt  int64    // the attempt that waits for an execution that it started; 0: none
	fork     *fork    // while it waits for branches
	place    *place   // of a branch or iteration
}

// want is an event with which a thread can continue. An empty typ or step matches any.
type want struct {
	cause     int64
	typ, step string
}

// visit is one entry of a state.
type visit struct {
	t       *thread
	name    string
	id      int64 // its Entered event
	begun   int64 // its Started event
	last    int64 // its last event so far
	input   any
	raw     any
	retries int
	used    map[int]int // by retry rule

	hasInput bool
	worked   bool // its work is done, and has come to the result
	result   any
	contains bool   // states
	fork     *fork  // its branches or iterations
	inner    *place // FlowV1: the list of its option
	taken    object // FlowV1: that option
	old      *visit // of an earlier life, until its work is taken over

	branches []int64 // events with which branches or iterations inside have ended
	token    string
}

// mayEnd reports whether a visit may be aborted after an event: after its own last event, or after
// the end of a branch whose result has not reached the state around it yet.
func (v *visit) mayEnd(event int64) bool {
	return v.last == event || slices.Contains(v.branches, event) || v.branches != nil &&
		v.begun == event
}

// inside reports whether a visit is inside another one.
func (v *visit) inside(w *visit) bool {
	t, before := v.t, v
	for t != nil {
		for _, o := range t.open {
			if o == before {
				break
			}
			if o == w {
				return true
			}
		}
		t = t.parent
		before = nil
	}
	return false
}

type killed struct{}

func newThread(c *checker, parent *thread, run func(*thread) (any, *failure)) *thread {
	t := &thread{c: c, parent: parent}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if r := recover(); r != nil {
				if _, ok := r.(killed); !ok {
					panic(r)
				}
			}
		}()
		t.yield = yield
		t.result, t.fail = run(t)
	})
	return t
}

// pause blocks until the thread is woken.
func (t *thread) pause() {
	if !t.yield(struct{}{}) {
		panic(killed{})
	}
}

// kill ends a thread and those inside it.
func (t *thread) kill() {
	if t.fork != nil {
		for _, child := range t.fork.children {
			if child != nil {
				child.kill()
			}
		}
	}
	t.stop()
}

// each calls f for a thread and for those inside it that have not ended.
func (t *thread) each(f func(*thread)) {
	if t.done {
		return
	}
	f(t)
	if t.fork != nil {
		for _, child := range t.fork.children {
			if child != nil {
				child.each(f)
			}
		}
	}
}

// waiter returns the thread that waits for an event.
func (t *thread) waiter(e *Event) *thread {
	var found *thread
	t.each(func(t *thread) {
		for _, w := range t.wants {
			if found == nil && t.got == nil && w.cause == e.Schedule && (w.typ == "" ||
				w.typ == e.Type) && (w.step == "" || w.step == e.Step) {
				found = t
			}
		}
	})
	return found
}

// advance wakes a thread and handles its end.
func (c *checker) advance(t *thread) {
	t.wants = nil
	if _, going := t.next(); going {
		if t.fork != nil {
			c.spawn(t)
		}
		return
	}
	t.done, t.ended = true, t.fail == nil
	if t.parent != nil {
		c.joined(t)
	}
}

// peek waits for one of some events and leaves it to be taken.
func (t *thread) peek(wants ...want) *Event {
	if t.got == nil {
		t.wants = wants
		t.pause()
	}
	return t.got
}

// take takes the event that was peeked at. It must have the type given, and must not be early or
// late.
func (t *thread) take(typ, rule string) *Event {
	c, due := t.c, max(t.due, t.lastTime)
	e := t.takeOutside(typ, rule)
	if late := c.out.Late.Milliseconds(); c.out.Late >= 0 && e.Time > due+late {
		c.violate(e, rule, "it must come at %d, not later than %d", due, due+late)
	}
	return e
}

// takeOutside is take for an event whose time is decided outside: it may be late.
func (t *thread) takeOutside(typ, rule string) *Event {
	e, c := t.got, t.c
	if e.Type != typ {
		c.violate(e, rule, "%s must come here", typ)
	}
	if due := max(t.due, t.lastTime); e.Time < due-c.out.Early.Milliseconds() {
		c.violate(e, rule, "it may come at %d, not before", due)
	}
	t.advanceTo(e)
	return e
}

// advanceTo makes an event the thread's last one.
func (t *thread) advanceTo(e *Event) {
	t.got, t.due = nil, 0
	t.last, t.lastTime = e.ID, e.Time
	if n := len(t.open); n > 0 {
		t.open[n-1].last = e.ID
	}
}

// fork is a set of threads that one thread waits for.
type fork struct {
	children []*thread
	places   []*place // of the children
	order    []int    // in which those begin that have not ended
	start    func(i int) *thread
	width    int
	running  int
	opened   int
	ended    int
	failed   *thread
}

func (f *fork) over() bool { return f.failed != nil || f.ended == len(f.children) }

// branches runs n threads inside the open state, at most width at a time. It returns their results
// in order, or the first failure. The event that was peeked at, if any, is for the first of them.
func (t *thread) branches(n, width int, run func(child *thread, i int) (any, *failure)) ([]any,
	*failure) {
	if t.c.out.Sequential {
		width = 1
	}
	if n == 0 {
		return []any{}, nil
	}
	v := t.open[len(t.open)-1]
	t.fork = &fork{children: make([]*thread, n), places: make([]*place, n), width: width}
	var old *fork
	if v.old != nil && v.old.fork != nil && len(v.old.fork.children) == n {
		old = v.old.fork
	}
	t.fork.resume(old)
	v.fork = t.fork
	t.fork.start = func(k int) *thread {
		i := t.fork.order[k]
		child := newThread(t.c, t, func(child *thread) (any, *failure) { return run(child, i) })
		child.last, child.lastTime = v.begun, t.lastTime
		child.due, child.place = t.due, t.fork.places[i]
		if k >= width { // it waited for its turn
			child.due = max(t.due, t.c.at.Time)
		}
		return child
	}
	if !t.fork.over() {
		t.pause()
	}
	f := t.fork
	t.fork, t.due = nil, 0
	if f.failed != nil {
		return nil, f.failed.fail
	}
	results := make([]any, n)
	for i, child := range f.children {
		results[i] = child.result
	}
	return results, nil
}

// spawn starts threads up to the fork's width, and gives the event that its thread holds to the
// thread that waits for it.
func (c *checker) spawn(t *thread) {
	f, held := t.fork, t.got
	t.got = nil
	for f.opened < len(f.order) && f.running < f.width && f.failed == nil {
		child := f.start(f.opened)
		f.children[f.order[f.opened]] = child
		f.opened++
		f.running++
		c.advance(child)
	}
	if held == nil {
		return
	}
	w := t.waiter(held)
	if w == nil {
		c.violate(held, pageHistory,
			"the first branch or iteration must begin; possible is: %s", c.waiting())
	}
	w.got = held
	c.advance(w)
}

// joined handles the end of a thread inside another one.
func (c *checker) joined(child *thread) {
	t := child.parent
	f := t.fork
	t.last, t.lastTime = child.last, child.lastTime
	v := t.open[len(t.open)-1]
	v.last = child.last
	v.branches = append(v.branches, child.last)
	f.running--
	if child.fail != nil {
		f.failed = child
		for _, other := range f.children {
			if other == nil || other == child || other.done {
				continue
			}
			other.each(func(o *thread) {
				if !c.flowV1 {
					c.toAbort = append(c.toAbort, o.open...)
				}
				o.abandon()
			})
			other.kill()
			other.each(func(o *thread) { o.done = true })
		}
		return
	}
	f.ended++
	c.spawn(t)
}

// abandon records that the execution that an attempt started and waits for must be stopped
// (docs/flowv1.md#flows).
func (t *thread) abandon() {
	if t.attempt != 0 {
		t.c.findings.Abandoned = append(t.c.findings.Abandoned, t.attempt)
		t.attempt = 0
	}
}

func (w want) String() string { return fmt.Sprintf("%s %q of %d", w.typ, w.step, w.cause) }
