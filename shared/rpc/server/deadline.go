package server

import (
	"sync"
	"time"
)

// deadline is the read or the write deadline of a connection. net/http moves each about eight times
// a request, mostly around calls that are served from a buffer; every move costs a runtime timer.
// So a deadline is set on the socket only when a call is about to wait.
type deadline struct {
	mu     sync.Mutex
	wanted time.Time // zero: none
	set    time.Time // the socket's deadline
	busy   bool      // a call waits
}

// move changes the deadline. It is set on the socket at once only if a call is waiting.
func (d *deadline) move(t time.Time, set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	if !d.busy {
		return nil
	}
	return d.apply(t, set)
}

// begin must precede a call that may wait.
func (d *deadline) begin(set func(time.Time) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy = true
	d.apply(d.wanted, set)
}

// beginWithin is begin for a call that must not wait longer than timeout. The call may end earlier,
// but not before half of timeout has passed: the deadline of an earlier call is kept while it is
// good enough, to save a move.
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

// passes reports whether t is later than the wanted deadline.
func (d *deadline) passes(t time.Time) bool { return !d.wanted.IsZero() && t.After(d.wanted) }

// end must follow the call.
func (d *deadline) end() {
	d.mu.Lock()
	d.busy = false
	d.mu.Unlock()
}

// apply sets the deadline of the socket. d.mu is held.
func (d *deadline) apply(t time.Time, set func(time.Time) error) error {
	if t.Equal(d.set) {
		return nil
	}
	d.set = t
	return set(t)
}
