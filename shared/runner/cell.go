package runner

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// cell is one execution in this process. Whoever brings news to an idle cell becomes its committer until nothing
// is left to fold.
type cell struct {
	partition string

	mu    sync.Mutex
	items []*item
	look  bool
	busy  bool
	refs  int // holders that keep the cell in the table

	shift   *shift // of the Work that is at it; nil for none
	counted *shift // that the committer counts for

	// Below: only the committer.
	on      *shift           // the shift of this round
	more    bool             // the last fold was cut off by its budget
	x       *store.Execution // nil: not loaded
	state   *interp.State
	machine *flow.Machine
	calls   map[int64]context.CancelFunc // in flight in this process, by attempt
	hint    int64                        // due time of the delayed hint that is under way
	relayed bool                         // the outbox is being relayed

	shown atomic.Pointer[store.Execution] // what the last commit wrote; nil when not known
}

// item is one piece of news on its way into an execution.
type item struct {
	news  interp.News
	start *starting    // instead of news: claim the name
	delay bool         // instead of news: the sweeper has found the row due
	tried bool         // a commit of it has failed: it may have been applied all the same
	done  func(answer) // called once, by the committer; must not block
}

// answer is what became of an item.
type answer struct {
	verdict interp.Verdict
	created bool             // of a start: this start has claimed the name
	tried   bool             // an earlier commit of it failed, and may have been applied
	x       *store.Execution // as committed; a copy
	err     error            // the store could not be reached, or there is no such execution
}

// submit brings an item to an execution and returns at once or after having been its committer.
func (r *Runner) submit(partition string, it *item) {
	c := r.cells.acquire(partition)
	c.mu.Lock()
	if it != nil {
		c.items = append(c.items, it)
	} else {
		c.look = true
	}
	if c.busy {
		c.mu.Unlock()
		r.cells.release(c, r.Exclusive)
		return
	}
	c.begin()
	c.mu.Unlock()
	r.drive(c)
	r.cells.release(c, r.Exclusive)
}

// do submits an item and waits for what becomes of it.
func (r *Runner) do(ctx context.Context, partition string, it *item) (answer, error) {
	got := make(chan answer, 1)
	it.done = func(a answer) { got <- a }
	r.submit(partition, it)
	select {
	case a := <-got:
		return a, a.err
	default: // what is known is told, also when the caller's time is over
	}
	select {
	case a := <-got:
		return a, a.err
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

// drive is the committer: it folds until nothing is left.
func (r *Runner) drive(c *cell) {
	for {
		c.mu.Lock()
		items, look := c.items, c.look
		c.items, c.look = nil, false
		c.on = c.shift
		if len(items) == 0 && !look {
			c.finish()
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		if look {
			c.hint = 0 // the hint that was under way may be this one
		}
		if !r.Exclusive && (look || asked(items)) {
			c.forget()
		}
		r.round(c, items)
	}
}

// asked tells whether somebody outside waits for what becomes of an item. What he is told must be so: a refusal is no
// commit, so nothing else would find out that the state at hand is an old one, in which his attempt does not stand yet or
// the execution still runs.
func asked(items []*item) bool {
	for _, it := range items {
		if it.start != nil || it.news.Kind == interp.Reported || it.news.Kind == interp.StopAsked {
			return true
		}
	}
	return false
}

// again makes the committer come back to the cell after this round.
func (c *cell) again() {
	c.mu.Lock()
	c.look = true
	c.mu.Unlock()
}

// load reads the execution, unless the cell knows it for certain.
func (r *Runner) load(c *cell) error {
	if c.x != nil && c.x.Expires > 0 && c.x.Expires <= r.nowMillis() {
		c.forget()
	}
	if c.x != nil {
		return nil
	}
	x, err := r.Store.Load(r.life, c.partition)
	if err != nil {
		return err
	}
	s, err := stateOf(x)
	if err != nil {
		return err
	}
	c.x, c.state = x, s
	return nil
}

// forget drops what the cell knows: the store knows better. The machine goes too, for the name may by now belong to a
// run of another definition.
func (c *cell) forget() {
	c.x, c.state, c.machine, c.more = nil, nil, nil, false
	c.shown.Store(nil)
}

// stateOf makes the interpreter's state of a state row.
func stateOf(x *store.Execution) (*interp.State, error) {
	input := flow.StoredValue(flow.Ref{Kind: flow.RefClaim})
	s := interp.New(interp.Facts{Account: x.Account, Region: x.Region, FlowID: x.FlowID, Flow: x.Flow, Name: x.Name,
		RoleArn: x.RoleArn, Run: x.Run, Seed: x.Seed, Language: x.Language, Started: x.Started, Deadline: x.Deadline,
		Callback: x.Callback, Express: x.Express, Input: input})
	s.Status, s.Stopped, s.Output, s.Error = x.Status, x.Stopped, x.Output, x.Error
	s.LastEvent, s.LastTime = x.LastEvent, x.LastTime
	if x.Body == nil {
		return s, nil
	}
	return s, s.DecodeBody(x.Body)
}

// copyOf is an execution as others may read it while the committer goes on.
func copyOf(x *store.Execution) *store.Execution {
	y := *x
	y.Body = nil
	if x.Output != nil && !x.Output.Loaded() {
		y.Output = flow.StoredValue(x.Output.Ref())
	}
	if x.InputRef != nil && !x.InputRef.Loaded() {
		y.InputRef = flow.StoredValue(x.InputRef.Ref())
	}
	return &y
}

// borrowed is what copyOf gives, without a copy when nothing in it would be loaded later.
func borrowed(x *store.Execution) *store.Execution {
	if x.Output != nil && !x.Output.Loaded() || x.InputRef != nil && !x.InputRef.Loaded() {
		return copyOf(x)
	}
	return x
}

// errGone says that the execution does not exist (any more).
var errGone = errors.New("runner: no such execution")

// cells is the table of the executions that somebody works on, and of some that are idle.
type cells struct {
	max    int
	shards [64]cellShard
}

type cellShard struct {
	mu   sync.Mutex
	m    map[string]*cell
	idle []*cell // cells without a holder, the longest idle first; may hold cells that are in use again
}

func newCells(most int) *cells {
	t := &cells{max: most/64 + 1}
	for i := range t.shards {
		t.shards[i].m = map[string]*cell{}
	}
	return t
}

func (t *cells) shard(partition string) *cellShard {
	h := uint32(2166136261)
	for i := 0; i < len(partition); i++ {
		h = (h ^ uint32(partition[i])) * 16777619
	}
	return &t.shards[h%64]
}

// acquire gives the cell of a partition and keeps it until release.
func (t *cells) acquire(partition string) *cell {
	s := t.shard(partition)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.m[partition]
	if c == nil {
		c = &cell{partition: partition, calls: map[int64]context.CancelFunc{}}
		s.m[partition] = c
	}
	c.refs++
	return c
}

// peek gives the cell of a partition if there is one.
func (t *cells) peek(partition string) *cell {
	s := t.shard(partition)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m[partition]
}

// release lets a cell go. An idle one is kept for a while only if keep says that it stays true.
func (t *cells) release(c *cell, keep bool) {
	s := t.shard(c.partition)
	s.mu.Lock()
	defer s.mu.Unlock()
	c.refs--
	if c.refs > 0 {
		return
	}
	if !keep {
		delete(s.m, c.partition)
		return
	}
	s.idle = append(s.idle, c)
	for len(s.idle) > t.max {
		old := s.idle[0]
		s.idle[0] = nil
		s.idle = s.idle[1:]
		if old.refs == 0 && s.m[old.partition] == old {
			delete(s.m, old.partition)
		}
	}
}
