package runner

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/share"
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

	// Its shard's lock guards these:
	weight int           // bytes when it was idle last
	idle   *list.Element // in the shard's list; nil while somebody holds it

	hurry   chan struct{} // closed to end the committer's waiting for answers; nil: it does not
	missing int           // answers that it waits for

	shift   *shift // of the Work that is at it; nil for none
	counted *shift // that the committer counts for

	// Below: only the committer.
	on        *shift           // the shift of this round
	taken     bool             // this process has counted that it takes the execution up, or need not
	more      bool             // the last fold was cut off by its budget
	held      bool             // the last fold was given fewer calls than were ready
	x         *store.Execution // nil: not loaded
	state     *interp.State
	machine   *flow.Machine
	calls     map[int64]*calling // in flight in this process, by attempt
	hint      int64              // due time of the delayed hint that is under way
	inbox     store.Inbox        // read with x and not yet folded
	since     int64              // ms since 1970: commits are counted from here on
	commits   int
	committed time.Time // the last one
	relayed   bool      // the outbox is being relayed
	runs      bool      // it had not ended when this process saw it last

	shown atomic.Pointer[store.Execution] // what the last commit wrote; nil when not known
}

// item is one piece of news on its way into an execution.
type item struct {
	news  interp.Message
	start *starting    // instead of news: claim the name
	delay bool         // instead of news: the sweeper has found the row due
	inbox bool         // instead of news: there may be some in the inbox
	turn  bool         // instead of news: the account may take calls again
	tried bool         // a commit of it has failed: it may have been applied all the same
	lost  int          // how many have
	late  int          // how often it was put off for an error that time does not mend
	done  func(answer) // called once, by the committer; must not block
	over  func()       // called before done, whether or not anybody waits for it still; nil: nothing is
}

// answer is what became of an item.
type answer struct {
	verdict interp.Reply
	created bool             // of a start: this start has claimed the name
	tried   bool             // an earlier commit of it failed, and may have been applied
	x       *store.Execution // as committed; a copy
	err     error            // the store could not be reached, or there is no such execution
}

// submit brings an item to an execution and returns at once or after having been its committer.
func (r *Runner) submit(partition string, it *item) {
	c := r.cells.acquire(partition)
	c.mu.Lock()
	r.bring(c, it)
}

// bring is submit for a caller that has acquired the cell, and holds its lock; it lets go of both.
func (r *Runner) bring(c *cell, it *item) {
	if it != nil {
		c.items = append(c.items, it)
	} else {
		c.look = true
	}
	c.hasten(it)
	if c.busy {
		c.mu.Unlock()
		r.cells.release(c, r.Exclusive)
		return
	}
	c.begin()
	c.mu.Unlock()
	r.drive(c, false)
}

// do submits an item and waits for its result.
func (r *Runner) do(ctx context.Context, partition string, it *item) (answer, error) {
	share.Pause(ctx)
	got := make(chan answer, 1)
	it.done = func(a answer) {
		if it.over != nil {
			it.over()
		}
		got <- a
	}
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

// drive is the committer: it folds until nothing is left, and then releases the cell. When an
// execution computes for longer than a fold may, drive goes on in a goroutine of its own, because
// its caller waits for the result of its own news alone. own says that this is that goroutine.
func (r *Runner) drive(c *cell, own bool) {
	for {
		r.gather(c)
		c.mu.Lock()
		items, look := c.items, c.look
		c.items, c.look = nil, false
		c.on = c.shift
		if len(items) == 0 && !look {
			c.rest()
			c.finish()
			c.mu.Unlock()
			r.cells.release(c, r.Exclusive)
			return
		}
		c.mu.Unlock()
		if look {
			c.hint = 0 // the hint that was under way may be this one
		}
		if !r.Exclusive && (look || asked(items)) {
			c.forget()
		}
		r.peek(c)
		r.round(c, items, look)
		if c.more && !own && c.on == nil && r.enter() {
			go func() {
				defer r.work.Done()
				r.drive(c, true)
			}()
			return
		}
	}
}

// rest drops what need not be in memory while nothing goes on: an idle execution is kept as long as there is room, and trees
// are many times as large as what was sent. Calls in flight will be answered soon, and with the trees at hand. Those of
// an execution that was held back may wait for long.
func (c *cell) rest() {
	if c.state != nil && (len(c.calls) == 0 || c.held) {
		c.state.DropTrees()
	}
}

// bytes is about how much memory the execution takes that is known; nobody holds the cell.
func (c *cell) bytes() int {
	if c.x == nil {
		return 0
	}
	n := len(c.x.Input) + len(c.x.Tail) + len(c.x.Body)
	if v := c.x.InputRef; v != nil {
		n += len(v.Text())
	}
	if c.state != nil {
		n += c.state.Size()
	}
	return n
}

// asked tells whether somebody outside waits for what becomes of an item. What he is told must be so: a refusal is no
// commit, so nothing else would find out that the state at hand is an old one, in which his attempt does not stand yet or
// the execution still runs. And what is in the inbox is for a state that may be newer than the one at hand.
func asked(items []*item) bool {
	for _, it := range items {
		if it.start != nil || it.inbox || it.outside() {
			return true
		}
	}
	return false
}

// outside tells whether an item is news that somebody outside brings.
func (it *item) outside() bool {
	return it.news.Kind == interp.TaskReported || it.news.Kind == interp.StopRequested
}

// again makes the committer come back to the cell after this round.
func (c *cell) again() {
	c.mu.Lock()
	c.look = true
	c.mu.Unlock()
}

// forget drops what the cell knows: the store knows better. The machine goes too, for the name may by now belong to a
// run of another definition.
func (c *cell) forget() {
	c.x, c.state, c.machine, c.inbox, c.more = nil, nil, nil, store.Inbox{}, false
	c.shown.Store(nil)
}
