package share

import (
	"container/list"
	"sync"
)

// LineOptions describe a Line.
type LineOptions struct {
	Pool *Pool
	// Most is how many requests of an account may wait for the pool; at least 1.
	Most int
	// Wake is called when a holder that Take has given less than it wanted may ask again. It must
	// not block. It is called without a lock.
	Wake func(account, holder string)
}

// holdersMax bounds how many holders of an account wait to be woken. Those beyond it must ask
// again by themselves.
const holdersMax = 4096

// Line bounds the requests of an account that are made for a Pool: those that hold some of it, and
// a few that wait in the pool. The rest stays with its holders (executions), which take turns: one
// that was given less than it wanted is woken when there is room again. It is safe for many
// goroutines. A nil Line has no bound.
type Line struct {
	LineOptions

	mu       sync.Mutex
	accounts map[string]*queue // of which something is made, waits or was woken
	waiting  list.List         // of *queue, of these: those with waiting holders, by their turns
}

// queue is what a Line knows of one account.
type queue struct {
	name     string
	place    *list.Element            // among the accounts that wait; nil: it is not there
	made     int                      // places that were taken and not given back
	promised int                      // of the holders that were woken and have not asked yet
	woken    map[string]int           // by holder, what of promised is meant for it
	holders  list.List                // of *holder, those that wait, in the order of their turns
	at       map[string]*list.Element // by name
}

// holder waits to be woken.
type holder struct {
	name string
	want int
	turn chan<- struct{}
}

// NewLine returns a Line of which nothing is taken; nil for a nil pool.
func NewLine(o LineOptions) *Line {
	if o.Pool == nil {
		return nil
	}
	o.Most = max(o.Most, 1)
	return &Line{LineOptions: o, accounts: map[string]*queue{}}
}

// Take returns for how many requests, at most want, there are places. Each must be given back by
// GiveBack. If there are fewer, the holder is woken when it may ask again: by a message to turn,
// which must have room for one, or with a nil turn by Options.Wake. It asks again then, and calls
// Over. Asking again in the meantime is harmless.
func (l *Line) Take(account, name string, want int, turn chan<- struct{}) int {
	if l == nil || want <= 0 {
		return max(want, 0)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.queue(account)
	promise, woken := q.woken[name]
	if woken {
		q.promised -= promise
		q.woken[name] = 0
	}
	n := 0
	if first := q.holders.Front(); woken || first == nil || first.Value.(*holder).name == name {
		n = min(max(l.room(q), 0), want)
	}
	q.made += n
	l.enlist(q, name, want, n, turn)
	l.tidy(q)
	return n
}

// enlist puts a holder that was given n of what it wants where it belongs: out of the turns if that
// is all, to their end if it is something, and otherwise it keeps its turn.
func (l *Line) enlist(q *queue, name string, want, n int, turn chan<- struct{}) {
	e := q.at[name]
	switch {
	case n == want && e != nil:
		q.drop(e)
	case n == want:
	case e != nil:
		e.Value.(*holder).want = want - n
		if n > 0 {
			q.holders.MoveToBack(e)
		}
	case q.holders.Len() < holdersMax:
		if q.at == nil {
			q.at = map[string]*list.Element{}
		}
		q.at[name] = q.holders.PushBack(&holder{name, want - n, turn})
	}
}

// GiveBack ends n requests of an account: they hold nothing of the pool any more. It wakes those
// who have room now, of other accounts too, whose share of the pool may have grown.
func (l *Line) GiveBack(account string, n int) {
	if l == nil || n == 0 {
		return
	}
	l.mu.Lock()
	q := l.queue(account)
	if q.made -= n; q.made < 0 {
		l.mu.Unlock()
		panic("share: more places were given back than were taken of " + l.Pool.Name)
	}
	calls := l.next()
	l.tidy(q)
	l.mu.Unlock()
	l.wake(calls)
}

// Over says that a holder that was woken has asked, or does not want to any more.
func (l *Line) Over(account, name string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	q := l.queue(account)
	q.promised -= q.woken[name]
	delete(q.woken, name)
	calls := l.next()
	l.tidy(q)
	l.mu.Unlock()
	l.wake(calls)
}

// Leave takes a holder out of the turns that wants nothing any more.
func (l *Line) Leave(account, name string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	q := l.queue(account)
	if e := q.at[name]; e != nil {
		q.drop(e)
	}
	l.tidy(q)
	l.mu.Unlock()
	l.Over(account, name)
}

// Usage returns what every account has of the line: the places that are taken, and the holders that
// wait or were woken; in no order.
func (l *Line) Usage() []Usage {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]Usage, 0, len(l.accounts))
	for _, q := range l.accounts {
		list = append(list, Usage{Account: q.name, Held: int64(q.made),
			Waiting: q.holders.Len() + len(q.woken)})
	}
	return list
}

// room is for how many more requests an account has places that are promised to nobody.
func (l *Line) room(q *queue) int {
	return int(l.Pool.Most(q.name)) + l.Most - q.made - q.promised
}

// next takes those out of the turns that are to be woken now. Accounts take turns, a holder each,
// in the order in which they began to wait.
func (l *Line) next() (calls []wakeup) {
	for before := -1; before != len(calls); {
		before = len(calls)
		e := l.waiting.Front()
		for range l.waiting.Len() {
			q := e.Value.(*queue)
			e = e.Next()
			if h := l.nextOf(q); h != nil {
				calls = append(calls, wakeup{q.name, h})
				l.waiting.MoveToBack(q.place)
				l.tidy(q)
			}
		}
	}
	return calls
}

// nextOf takes the first holder of an account out of the turns, if it is to be woken now; nil: it
// is not. It waits until half of the line, or all that the first one wants, is free: an execution
// that takes one call after the other would commit for each of them. The pool does not idle
// meanwhile, because the other half waits in it.
func (l *Line) nextOf(q *queue) *holder {
	e := q.holders.Front()
	if e == nil {
		return nil
	}
	h, room := e.Value.(*holder), l.room(q)
	if room < min(h.want, max(l.Most/2, 1)) {
		return nil
	}
	n := min(h.want, room)
	q.promised += n
	if q.woken == nil {
		q.woken = map[string]int{}
	}
	q.woken[h.name] += n
	q.drop(e)
	return h
}

// wakeup is a call of Wake that is due.
type wakeup struct {
	account string
	holder  *holder
}

func (l *Line) wake(calls []wakeup) {
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

func (q *queue) drop(e *list.Element) {
	delete(q.at, e.Value.(*holder).name)
	q.holders.Remove(e)
}

func (l *Line) queue(account string) *queue {
	q := l.accounts[account]
	if q == nil {
		q = &queue{name: account}
		l.accounts[account] = q
	}
	return q
}

// tidy notes whether holders of an account wait, and forgets an account of which there is nothing.
func (l *Line) tidy(q *queue) {
	if q.holders.Len() > 0 {
		if q.place == nil {
			q.place = l.waiting.PushBack(q)
		}
		return
	}
	if q.place != nil {
		l.waiting.Remove(q.place)
		q.place = nil
	}
	if q.made == 0 && len(q.woken) == 0 {
		delete(l.accounts, q.name)
	}
}
