package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"millrace/shared/store/driver"
)

// power models the embedded store between applying a write and syncing it. The conditions of later
// writes see what is applied, and nothing else does: reads show only what is durable, and no write
// returns before its result is durable, not even one that lost a race. When a process dies, the
// system keeps what it has applied. When the power fails, unsynced writes are lost, except perhaps
// the first few.
//
// All checks of writes see a write when it is durable. So everything that a response, a read or a
// call of a task has shown is compared with what would remain if the power failed at that moment.
type power struct {
	on      bool
	unsafe  Unsafe
	applied []*applied
	made    int
}

// Unsafe is a deliberate bug of a store.
type Unsafe struct {
	Shown bool // reads show what is not durable
	Early bool // writes return before they are durable
}

// applied is a write that is not durable yet.
type applied struct {
	rows []driver.Row
	gone []driver.Key
	sync func() // its effect on the rows
	done chan struct{}
}

const (
	faultPower = "power lost"
	lostSync   = "write lost with the power"
)

// drawPower draws whether a run of the embedded store separates applying from syncing.
func (w *World) drawPower() {
	w.disk.power.on = w.topology == embedded && w.number("power")%2 == 0 &&
		!slices.Contains(w.without, faultPower)
	if w.bug != nil {
		w.disk.power.unsafe = w.bug.Unsafe
	}
}

// applyUnsynced applies a write and lets it become durable when the seed says so. The caller has
// checked its condition.
func (d *disk) applyUnsynced(rows []driver.Row, gone []driver.Key, sync func()) {
	p := &d.power
	if !p.on {
		sync()
		return
	}
	a := &applied{rows, gone, sync, make(chan struct{})}
	p.applied = append(p.applied, a)
	p.made++
	d.w.sched.post(&operation{key: fmt.Sprintf("sync %d", p.made), apply: func() bool {
		if n := slices.Index(p.applied, a); n >= 0 {
			d.sync(n + 1)
		}
		return true
	}})
}

// sync makes the first n applied writes durable, in their order.
func (d *disk) sync(n int) {
	p := &d.power
	now := p.applied[:n:n]
	p.applied = p.applied[n:]
	for _, a := range now {
		a.sync()
		close(a.done)
	}
}

// last returns the newest write that is not durable; nil if there is none.
func (p *power) last() *applied {
	if len(p.applied) == 0 {
		return nil
	}
	return p.applied[len(p.applied)-1]
}

// row returns a row with all earlier writes applied, durable or not.
func (d *disk) row(key driver.Key) (driver.Row, bool) {
	for _, a := range slices.Backward(d.power.applied) {
		for _, row := range slices.Backward(a.rows) {
			if row.Key == key {
				return row, true
			}
		}
		if slices.Contains(a.gone, key) {
			return driver.Row{}, false
		}
	}
	row, ok := d.keys[key]
	return row, ok
}

// get reads one row.
func (d *disk) get(key driver.Key) (driver.Row, error) {
	if d.power.unsafe.Shown {
		if row, ok := d.row(key); ok {
			return row, nil
		}
		return driver.Row{}, driver.ErrNotFound
	}
	return d.rows.Get(always, key)
}

// awaitDurable waits until the write that a writer's result depends on is durable: its own, or the
// one that it lost the race to.
func (l *storeClient) awaitDurable(ctx context.Context, a *applied, err error) error {
	if a == nil || l.w.disk.power.unsafe.Early ||
		err != nil && !errors.Is(err, driver.ErrConflict) {
		return err
	}
	select {
	case <-a.done:
		return err
	case <-l.p.dead:
		return context.Canceled
	case <-ctx.Done():
		return ctx.Err()
	}
}

// cutPower handles the death of a process that owns its store. Sometimes its machine dies with it.
func (d *disk) cutPower(p *process) {
	n := len(d.power.applied)
	if !d.power.on || n == 0 {
		return
	}
	kept := n
	if d.w.number("power of "+p.name)%2 == 0 {
		kept = int(d.w.number("power kept of "+p.name) % uint64(n))
		d.w.faults.hits[faultPower]++
		d.w.faults.hits[lostSync] += n - kept
		d.w.tracef("the power goes, %d of %d writes are lost", n-kept, n)
	}
	d.sync(kept)
	d.power.applied = nil
}
