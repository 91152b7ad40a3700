package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"millrace/shared/store"
)

// power is the embedded store between applying a write and its sync. What is applied decides the
// conditions of later writes, and nothing else: reads show what is durable, and nobody is answered
// before that, not even who has lost a race. When a process dies the system keeps what it has applied;
// when the power goes, what was not synced is gone, but for the first of it.
//
// Everything that judges writes hears of one when it is durable. So whatever an answer, a read or the
// call of a task has shown is compared with what would still be there if the power went at that moment.
type power struct {
	on      bool
	unsafe  Unsafe
	applied []*applied
	made    int
}

// Unsafe is what a store does wrong, on purpose.
type Unsafe struct {
	Shown bool // reads show what is not durable
	Early bool // writes are answered before they are durable
}

// applied is a write that is not durable yet.
type applied struct {
	rows []store.Row
	gone []store.Key
	sync func() // what it does to the rows
	done chan struct{}
}

const (
	faultPower = "power lost"
	lostSync   = "write lost with the power"
)

// drawPower draws whether a run of the embedded store tells applying from durable.
func (w *World) drawPower() {
	w.disk.power.on = w.topology == embedded && w.number("power")%2 == 0 && !slices.Contains(w.without, faultPower)
	if w.bug != nil {
		w.disk.power.unsafe = w.bug.Unsafe
	}
}

// applyUnsynced applies a write, and lets it become durable when the seed says so. The caller has checked its
// condition.
func (d *disk) applyUnsynced(rows []store.Row, gone []store.Key, sync func()) {
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

// sync makes the first so many of the writes that are applied durable, in their order.
func (d *disk) sync(n int) {
	p := &d.power
	now := p.applied[:n:n]
	p.applied = p.applied[n:]
	for _, a := range now {
		a.sync()
		close(a.done)
	}
}

// last is the newest write that is not durable; nil without.
func (p *power) last() *applied {
	if len(p.applied) == 0 {
		return nil
	}
	return p.applied[len(p.applied)-1]
}

// row gives a row as the writes before have left it, durable or not.
func (d *disk) row(key store.Key) (store.Row, bool) {
	for _, a := range slices.Backward(d.power.applied) {
		for _, row := range slices.Backward(a.rows) {
			if row.Key == key {
				return row, true
			}
		}
		if slices.Contains(a.gone, key) {
			return store.Row{}, false
		}
	}
	row, ok := d.keys[key]
	return row, ok
}

// get is a read of one row.
func (d *disk) get(key store.Key) (store.Row, error) {
	if d.power.unsafe.Shown {
		if row, ok := d.row(key); ok {
			return row, nil
		}
		return store.Row{}, store.ErrNotFound
	}
	return d.rows.Get(always, key)
}

// awaitDurable waits until what a writer is told of is durable: its own write, or what it has lost to.
func (l *storeClient) awaitDurable(ctx context.Context, a *applied, err error) error {
	if a == nil || err != nil && !errors.Is(err, store.ErrConflict) || l.w.disk.power.unsafe.Early {
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

// cutPower is the death of a process that owns its store. Sometimes its machine dies with it.
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
