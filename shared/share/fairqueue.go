package share

import (
	"container/list"
	"sync"
)

// FairQueueOptions describe a Line.
type FairQueueOptions struct {
	Pool *Pool
	// WaitingMax is how many requests of an account may wait for the pool; at least 1.
	WaitingMax int
	// Wake is called when a holder that Take has given less than it wanted may ask again. It must
	// not block. It is called without a lock.
	Wake func(account, holder string)
}

// holdersMax bounds how many holders of an account wait to be woken. Those beyond it must ask
// again by themselves.
const holdersMax = 4096

// FairQueue bounds the requests of an account that are made for a Pool: those that hold some of it, and
// a few that wait in the pool. The rest stays with its holders (executions), which take turns: one
// that was given less than it wanted is woken when there is room again. It is safe for many
// goroutines. A nil Line has no bound.
type FairQueue struct {
	FairQueueOptions

	mu       sync.Mutex
	accounts map[string]*accountQueue // of which something is made, waits or was woken
	waiting  list.List                // of *queue, of these: those with waiting holders, by their turns
}

// accountQueue is what a Line knows of one account.
type accountQueue struct {
	name     string
	element  *list.Element            // among the accounts that wait; nil: it is not there
	acquired int                      // places that were taken and not given back
	reserved int                      // of the holders that were woken and have not asked yet
	woken    map[string]int           // by holder, what of promised is meant for it
	holders  list.List                // of *holder, those that wait, in the order of their turns
	byName   map[string]*list.Element // by name
}

// holder waits to be woken.
type holder struct {
	name string
	want int
	turn chan<- struct{}
}

// NewFairQueue returns a Line of which nothing is taken; nil for a nil pool.
func NewFairQueue(o FairQueueOptions) *FairQueue {
	if o.Pool == nil {
		return nil
	}
	o.WaitingMax = max(o.WaitingMax, 1)
	return &FairQueue{FairQueueOptions: o, accounts: map[string]*accountQueue{}}
}

// Acquire returns for how many requests, at most want, there are places. Each must be given back by
// Release. If there are fewer, the holder is woken when it may ask again: by a message to turn,
// which must have room for one, or with a nil turn by Options.Wake. It asks again then, and calls
// Over. Asking again in the meantime is harmless.
func (l *FairQueue) Acquire(account, holderName string, want int, turn chan<- struct{}) int {
	if l == nil || want <= 0 {
		return max(want, 0)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.account(account)
	promise, woken := q.woken[holderName]
	if woken {
		q.reserved -= promise
		q.woken[holderName] = 0
	}
	n := 0
	if first := q.holders.Front(); woken || first == nil || first.Value.(*holder).name == holderName {
		n = min(max(l.available(q), 0), want)
	}
	q.acquired += n
	l.updateTurn(q, holderName, want, n, turn)
	l.cleanUp(q)
	return n
}

// updateTurn puts a holder that was given n of what it wants where it belongs: out of the turns if that
// is all, to their end if it is something, and otherwise it keeps its turn.
func (l *FairQueue) updateTurn(q *accountQueue, name string, want, n int, turn chan<- struct{}) {
	e := q.byName[name]
	switch {
	case n == want && e != nil:
		q.remove(e)
	case n == want:
	case e != nil:
		e.Value.(*holder).want = want - n
		if n > 0 {
			q.holders.MoveToBack(e)
		}
	case q.holders.Len() < holdersMax:
		if q.byName == nil {
			q.byName = map[string]*list.Element{}
		}
		q.byName[name] = q.holders.PushBack(&holder{name, want - n, turn})
	}
}

// Release ends n requests of an account: they hold nothing of the pool any more. It wakes those
// who have room now, of other accounts too, whose share of the pool may have grown.
func (l *FairQueue) Release(account string, n int) {
	if l == nil || n == 0 {
		return
	}
	l.mu.Lock()
	q := l.account(account)
	if q.acquired -= n; q.acquired < 0 {
		l.mu.Unlock()
		panic("share: more places were given back than were taken of " + l.Pool.Name)
	}
	calls := l.takeDue()
	l.cleanUp(q)
	l.mu.Unlock()
	l.wake(calls)
}

// WakeDone says that a holder that was woken has asked, or does not want to any more.
func (l *FairQueue) WakeDone(account, holderName string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	q := l.account(account)
	q.reserved -= q.woken[holderName]
	delete(q.woken, holderName)
	calls := l.takeDue()
	l.cleanUp(q)
	l.mu.Unlock()
	l.wake(calls)
}

// Cancel takes a holder out of the turns that wants nothing any more.
func (l *FairQueue) Cancel(account, holderName string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	q := l.account(account)
	if e := q.byName[holderName]; e != nil {
		q.remove(e)
	}
	l.cleanUp(q)
	l.mu.Unlock()
	l.WakeDone(account, holderName)
}

// Usage returns what every account has of the line: the places that are taken, and the holders that
// wait or were woken; in no order.
func (l *FairQueue) Usage() []Usage {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]Usage, 0, len(l.accounts))
	for _, q := range l.accounts {
		list = append(list, Usage{Account: q.name, Held: int64(q.acquired),
			Waiting: q.holders.Len() + len(q.woken)})
	}
	return list
}

// available is for how many more requests an account has places that are promised to nobody.
func (l *FairQueue) available(q *accountQueue) int {
	return int(l.Pool.Limit(q.name)) + l.WaitingMax - q.acquired - q.reserved
}

// takeDue takes those out of the turns that are to be woken now. Accounts take turns, a holder each,
// in the order in which they began to wait.
func (l *FairQueue) takeDue() (calls []wakeup) {
	for before := -1; before != len(calls); {
		before = len(calls)
		e := l.waiting.Front()
		for range l.waiting.Len() {
			q := e.Value.(*accountQueue)
			e = e.Next()
			if h := l.takeDueOf(q); h != nil {
				calls = append(calls, wakeup{q.name, h})
				l.waiting.MoveToBack(q.element)
				l.cleanUp(q)
			}
		}
	}
	return calls
}

// takeDueOf takes the first holder of an account out of the turns, if it is to be woken now; nil: it
// is not. It waits until half of the line, or all that the first one wants, is free: an execution
// that takes one call after the other would commit for each of them. The pool does not idle
// meanwhile, because the other half waits in it.
func (l *FairQueue) takeDueOf(q *accountQueue) *holder {
	e := q.holders.Front()
	if e == nil {
		return nil
	}
	h, room := e.Value.(*holder), l.available(q)
	if room < min(h.want, max(l.WaitingMax/2, 1)) {
		return nil
	}
	n := min(h.want, room)
	q.reserved += n
	if q.woken == nil {
		q.woken = map[string]int{}
	}
	q.woken[h.name] += n
	q.remove(e)
	return h
}

// wakeup is a call of Wake that is due.
type wakeup struct {
	account string
	holder  *holder
}

func (l *FairQueue) wake(calls []wakeup) {
	for _, c := range calls {
		if c.holder.turn == nil {
			l.Wake(c.account, c.holder.name)
			continue
		}
		select {
		case c.holder.turn <- struct{}{}:
		default: // one is there already
		}
	}
}

func (q *accountQueue) remove(e *list.Element) {
	delete(q.byName, e.Value.(*holder).name)
	q.holders.Remove(e)
}

func (l *FairQueue) account(account string) *accountQueue {
	q := l.accounts[account]
	if q == nil {
		q = &accountQueue{name: account}
		l.accounts[account] = q
	}
	return q
}

// cleanUp notes whether holders of an account wait, and forgets an account of which there is nothing.
func (l *FairQueue) cleanUp(q *accountQueue) {
	if q.holders.Len() > 0 {
		if q.element == nil {
			q.element = l.waiting.PushBack(q)
		}
		return
	}
	if q.element != nil {
		l.waiting.Remove(q.element)
		q.element = nil
	}
	if q.acquired == 0 && len(q.woken) == 0 {
		delete(l.accounts, q.name)
	}
}
