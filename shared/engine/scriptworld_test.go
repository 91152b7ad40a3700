package engine_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/flow"
	"millrace/shared/store"
)

// script is the world that the commands of one script act on: a store, processes, and one queue
// whose hints the script delivers. Everything that happens is recorded as a line.
type script struct {
	t     *testing.T
	w     *harness
	began time.Time
	nodes []*scriptNode
	queue scriptHints

	flows    map[string]*store.Flow   // by name
	machines map[string]*flow.Machine // by flow id

	writing sync.Mutex // held while a write is applied and printed
	seen    map[string]seen

	mu     sync.Mutex
	lines  []scriptLine
	calls  []*scriptCall
	tokens map[string]string // last token, by execution/state
	owners map[uint64]string // names of processes, by owner of a lease
}

func newScript(t *testing.T) *script {
	s := &script{t: t, w: newHarness(t), began: time.Now(), flows: map[string]*store.Flow{},
		machines: map[string]*flow.Machine{}, seen: map[string]seen{},
		tokens: map[string]string{}, owners: map[uint64]string{}}
	s.queue.s = s
	t.Cleanup(func() {
		for _, n := range s.nodes {
			n.crash()
		}
	})
	return s
}

// do runs one command until nothing happens any more at this moment, and returns what happened.
func (s *script) do(line, body string) (string, error) {
	words := strings.Fields(line)
	run, ok := scriptCommands[words[0]]
	if !ok {
		return "", fmt.Errorf("there is no command %s", words[0])
	}
	if err := run(s, words[1:], body); err != nil {
		return "", err
	}
	time.Sleep(settleTime)
	synctest.Wait()
	for _, n := range s.nodes {
		if n.isDead() {
			n.crash()
		}
	}
	return s.printed(), nil
}

// checkHistories checks the history of every execution of the script.
func (s *script) checkHistories() {
	for partition := range s.seen {
		id, name, _ := store.ParsePartition(partition)
		for _, f := range s.flows {
			if f.ID == id {
				s.w.history(f, name)
			}
		}
	}
}

// node returns a process that lives.
func (s *script) node(name string) (*scriptNode, error) {
	for _, n := range slices.Backward(s.nodes) {
		if n.name == name {
			if n.isDead() {
				return nil, fmt.Errorf("%s has crashed", name)
			}
			return n, nil
		}
	}
	return nil, fmt.Errorf("there is no process %s", name)
}

// kill makes a process die in the middle of a write.
func (s *script) kill(n *scriptNode, when string) {
	n.mu.Lock()
	n.dead = true
	n.mu.Unlock()
	s.record(rankFault, "%s crashes %s", n.name, when)
}

func (s *script) addOwner(owner uint64, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owners[owner] = name
}

func (s *script) owner(owner uint64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owners[owner]
}

func (s *script) addCall(c *scriptCall, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
	s.tokens[c.execution+"/"+c.state] = token
}

func (s *script) removeCall(c *scriptCall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.calls, c); i >= 0 {
		s.calls = slices.Delete(s.calls, i, i+1)
	}
}

// maskKey returns an idempotency key without most of its random number.
func (s *script) maskKey(key string) string {
	return fmt.Sprintf("%.4s…%d", key, attemptOf(key))
}

// partition returns the partition of an execution that has been committed.
func (s *script) partition(name string) (string, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	for p := range s.seen {
		if executionOf(p) == name {
			return p, nil
		}
	}
	return "", fmt.Errorf("there is no execution %s", name)
}

// scriptHint is a hint in the queue.
type scriptHint struct {
	from      *scriptNode
	partition string
	due       time.Time
}

// scriptHints is the queue of a script: a hint waits until a command delivers or drops it.
type scriptHints struct {
	s       *script
	mu      sync.Mutex
	waiting []*scriptHint
	always  bool // hints are delivered when they are due
}

func (q *scriptHints) add(from *scriptNode, partition string, delay time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	h := &scriptHint{from, partition, time.Now().Add(delay)}
	q.waiting = append(q.waiting, h)
	time.AfterFunc(delay+time.Microsecond, func() {
		if q.takeAlways(h) {
			q.deliver(h, nil, false)
		}
	})
}

// takeAlways removes a hint that is due, if hints are delivered then.
func (q *scriptHints) takeAlways(h *scriptHint) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, h)
	if !q.always || i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// take removes and returns the hints that are due, in a fixed order: several may have been sent at
// the same moment.
func (q *scriptHints) take() []*scriptHint {
	q.mu.Lock()
	defer q.mu.Unlock()
	var due, rest []*scriptHint
	for _, h := range q.waiting {
		if h.due.After(time.Now()) {
			rest = append(rest, h)
		} else {
			due = append(due, h)
		}
	}
	q.waiting = rest
	slices.SortStableFunc(due, func(a, b *scriptHint) int {
		return cmp.Or(a.due.Compare(b.due), strings.Compare(a.partition, b.partition))
	})
	return due
}

// deliver delivers a hint to a process; nil: to its sender if that lives, otherwise to the first
// process that does. keep puts it back, as if its acknowledgment were lost.
func (q *scriptHints) deliver(h *scriptHint, to *scriptNode, keep bool) {
	if to == nil {
		to = h.from
		for _, n := range q.s.nodes {
			if to.isDead() {
				to = n
			}
		}
	}
	if to.isDead() {
		return
	}
	if keep {
		q.add(h.from, h.partition, 0)
	}
	q.s.record(rankWrite, "the hint for %s reaches %s", executionOf(h.partition), to.name)
	to.handle(*h)
}

// deliverEach delivers hints one after the other: what two executions do at the same moment has no
// order.
func (q *scriptHints) deliverEach(hints []*scriptHint, to *scriptNode, keep bool) {
	for _, h := range hints {
		q.deliver(h, to, keep)
		time.Sleep(settleTime)
	}
}

func (q *scriptHints) setAlways(always bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.always = always
}
