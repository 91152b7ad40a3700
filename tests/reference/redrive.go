package reference

// A redrive begins another life of an execution that has ended without success
// (docs/api.md#redriveexecution). Each list of states notes where it is, and each visit what it has
// come to, so that the next life can go on there.

// pageRedrive is where redrives are described.
const pageRedrive = "docs/api.md#redriveexecution"

// place is where a list of states is: the flow's own, a branch, an iteration, or an option.
type place struct {
	begun   bool
	done    bool     // it has run its last state; input, or local, is its result
	at      string   // StateMachine: the state that is open, or the next one
	targets []string // StateMachine: the states of which one is next, if a drawn value decides
	index   int      // FlowV1: of the step that is open, or the next one
	input   any      // StateMachine: of that state
	local   object   // FlowV1: what the steps have put out so far
	open    *visit   // of that state, perhaps of an earlier life; nil before it is entered
}

// enter notes the next state of the list and returns the visit of it that an earlier life has left.
func (p *place) enter(at string, index int, input any, local object) (old *visit) {
	if p.begun && p.at == at && p.index == index {
		old = p.open
	}
	// The life may end before the state is entered: then the one after it goes on from there, too.
	*p = place{begun: true, at: at, index: index, input: input, local: local, open: old}
	return old
}

// resume prepares a visit that goes on from one of an earlier life: it has the same input. If it has
// states inside that were begun, or its work was done, it has the same number of retries, too.
func (v *visit) resume(old *visit) {
	if old == nil {
		return
	}
	v.old = old
	v.fork, v.inner, v.taken = old.fork, old.inner, old.taken // as long as nothing else is known
	v.worked, v.result = old.worked, old.result
	v.input, v.hasInput = old.input, old.hasInput || old.begun > 0
	if old.fork != nil || old.inner != nil || old.worked {
		v.retries = old.retries
	} else if old.retries > 0 && old.contains {
		panic(&Unjudged{"a redrive before the first state inside a state that was retried"})
	}
}

// knownInput returns the input that an earlier life has built.
func (v *visit) knownInput() (any, bool) {
	if v.old == nil || v.old.begun == 0 && !v.old.hasInput {
		return nil, false
	}
	return v.old.input, true
}

// setInput notes the input of a visit.
func (v *visit) setInput(input any) { v.input, v.hasInput = input, true }

// kept returns what the work of an earlier life has come to.
func (v *visit) kept() (any, bool) {
	if v.old == nil || !v.old.worked {
		return nil, false
	}
	return v.old.result, true
}

// noteResult notes that the work of the visit is done.
func (v *visit) noteResult(result any) { v.worked, v.result = true, result }

// again forgets what the visit has come to: its state failed, and its work begins anew.
func (v *visit) again() { v.worked, v.fork, v.inner, v.old = false, nil, nil, nil }

// unfinished notes that the state failed after its work. A task is called again by a redrive.
func (v *visit) unfinished() {
	if v.fork == nil && v.inner == nil {
		v.worked = false
	}
}

// redriven handles the event that begins another life.
func (c *checker) redriven(e *Event) {
	if !c.ended || c.succeeded {
		c.violate(e, pageRedrive, "only an execution that has ended without success is redriven")
	}
	if e.Schedule != e.ID-1 {
		c.violate(e, pageRedrive, "it must follow from the end")
	}
	c.detail(e, pageHistory, object{})
	c.root.kill()
	c.ended, c.ending, c.toAbort, c.failed = false, false, nil, nil
	c.deadline = e.Time + c.limit
	c.beginLife(e)
}

// beginLife starts the outermost list of states.
func (c *checker) beginLife(e *Event) {
	c.root = newThread(c, nil, func(t *thread) (any, *failure) {
		if c.flowV1 {
			return t.flow()
		}
		return t.machine()
	})
	c.root.last, c.root.lastTime = e.ID, e.Time
	c.advance(c.root)
}

// resume takes what the branches of an earlier life have come to. Those that had begun begin
// first.
func (f *fork) resume(old *fork) {
	var open, rest []int
	for i := range f.children {
		switch {
		case old == nil || old.places[i] == nil || !old.places[i].begun && !finished(old, i):
			f.places[i] = &place{}
			rest = append(rest, i)
		case finished(old, i):
			f.places[i] = old.places[i]
			f.children[i] = &thread{done: true, ended: true, result: old.children[i].result,
				stop: func() {}}
			f.ended++
		default:
			f.places[i] = old.places[i]
			open = append(open, i)
		}
	}
	f.order = append(open, rest...)
}

// finished reports whether a branch has ended with a result.
func finished(f *fork, i int) bool { return f.children[i] != nil && f.children[i].ended }
