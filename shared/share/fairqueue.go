package share

import (
	"container/list"
	"sync"
)

// FairQueueOptions configure a FairQueue.
type FairQueueOptions struct {
	Pool *Pool
	// WaitingMax is how many requests of an account may wait for the pool; at least 1.
	WaitingMax int
	// Wake is called when a holder that got less than it wanted from Acquire may ask again. It must
	// not block. It is called without a lock.
	Wake func(account, holder string)
}

// holdersMax bounds how many holders of an account wait to be woken. Further holders are not woken
// and must ask again by themselves.
const holdersMax = 4096

// FairQueue bounds the requests of an account for a Pool: those that hold a part of it, and a few
// that wait in the pool. All other requests stay with their holders (executions), which take turns:
// a holder that got less than it wanted is woken when there is capacity again. A FairQueue is safe
// for concurrent use. A nil FairQueue has no bound.
type FairQueue struct {
	FairQueueOptions

	mu       sync.Mutex
	accounts map[string]*accountQueue // those that hold places, wait, or were woken
	waiting  list.List                // of *accountQueue: those with waiting holders, by turn
}

// accountQueue is the state of one account.
type accountQueue struct {
	name     string
	element  *list.Element            // in FairQueue.waiting; nil: not in it
	acquired int                      // places that were acquired and not released
	reserved int                      // places for holders that were woken and have not asked yet
	woken    map[string]int           // by holder, its part of reserved
	holders  list.List                // of *holder: those that wait, by turn
	byName   map[string]*list.Element // elements of holders by name
}

// holder is a holder that waits to be woken.
type holder struct {
	name string
	want int
	turn chan<- struct{}
}

// NewFairQueue returns an empty FairQueue; nil for a nil pool.
func NewFairQueue(o FairQueueOptions) *FairQueue {
	if o.Pool == nil {
		return nil
	}
	o.WaitingMax = max(o.WaitingMax, 1)
	return &FairQueue{FairQueueOptions: o, accounts: map[string]*accountQueue{}}
}

// Acquire returns how many places the holder gets, at most want. Each must be returned with
// Release. If the holder gets fewer, it is woken when it may ask again: by a message to turn, which
// must have capacity for one, or by FairQueueOptions.Wake if turn is nil. The woken holder calls
// Acquire again, and then WakeDone. Asking again before that is harmless.
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
	if first := q.holders.Front(); woken || first == nil ||
		first.Value.(*holder).name == holderName {
		n = min(max(l.available(q), 0), want)
	}
	q.acquired += n
	l.updateTurn(q, holderName, want, n, turn)
	l.cleanUp(q)
	return n
}

// updateTurn updates the turn of a holder that got n of the want places it asked for. If it got
// all, it leaves the turns. If it got some, it moves to the end. If it got none, it keeps its turn.
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

// Release returns n places of an account, which then hold nothing of the pool. It wakes the holders
// that may ask now. They may belong to other accounts, whose share of the pool may have grown.
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

// WakeDone must be called when a woken holder has asked again, or wants nothing any more.
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

// Cancel removes a holder from the turns that wants nothing any more.
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

// Usage returns, for each account, the acquired places and the number of holders that wait or were
// woken, in no order.
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

// available returns how many more places an account may get. It excludes reserved places.
func (l *FairQueue) available(q *accountQueue) int {
	return int(l.Pool.Limit(q.name)) + l.WaitingMax - q.acquired - q.reserved
}

// takeDue removes the holders that must be woken now from the turns. Accounts take turns, one
// holder each, in the order in which they began to wait.
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

// takeDueOf removes the first holder of an account from the turns and returns it, if it must be
// woken now; else nil. It waits until half of the waiting places, or all that the first holder
// wants, are free, because an execution that took one call at a time would commit once per call.
// The pool is not idle in the meantime: the other half waits in it.
func (l *FairQueue) takeDueOf(q *accountQueue) *holder {
	e := q.holders.Front()
	if e == nil {
		return nil
	}
	h, free := e.Value.(*holder), l.available(q)
	if free < min(h.want, max(l.WaitingMax/2, 1)) {
		return nil
	}
	n := min(h.want, free)
	q.reserved += n
	if q.woken == nil {
		q.woken = map[string]int{}
	}
	q.woken[h.name] += n
	q.remove(e)
	return h
}

// wakeup is a due call of Wake.
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
		default: // there is a message already
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

// cleanUp updates whether the account is in FairQueue.waiting, and deletes an account without
// state.
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
