package rpc

import (
	"sync"
	"time"
)

// deadline is one of a connection's two deadlines. net/http moves them about eight times a request,
// mostly between calls that find what they need in a buffer; each move costs a timer of the
// runtime. So a deadline reaches the socket when something begins to wait for it.
type deadline struct {
	mu     sync.Mutex
	wanted time.Time // zero: none
	set    time.Time // what the socket has
	busy   bool      // something waits
}

// move changes the deadline, at once if something waits by now.
func (d *deadline) move(t time.Time, set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	if !d.busy {
		return nil
	}
	return d.apply(t, set)
}

// begin precedes a call that may wait.
func (d *deadline) begin(set func(time.Time) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy = true
	d.apply(d.wanted, set)
}

// beginWithin is begin for a call that must not wait longer than most. It may have to end a little
// earlier, after more than half of that: an earlier call's deadline is kept as long as it will do.
func (d *deadline) beginWithin(timeout time.Duration, set func(time.Time) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy = true
	now := time.Now()
	if until := d.set.Sub(now); until > timeout/2 && until <= timeout && !d.passes(d.set) {
		return
	}
	t := now.Add(timeout)
	if d.passes(t) {
		t = d.wanted
	}
	d.apply(t, set)
}

// passes reports whether t is later than what is wanted.
func (d *deadline) passes(t time.Time) bool { return !d.wanted.IsZero() && t.After(d.wanted) }

// end follows the call.
func (d *deadline) end() {
	d.mu.Lock()
	d.busy = false
	d.mu.Unlock()
}

// apply gives the socket its deadline; d.mu is held.
func (d *deadline) apply(t time.Time, set func(time.Time) error) error {
	if t.Equal(d.set) {
		return nil
	}
	d.set = t
	return set(t)
}
