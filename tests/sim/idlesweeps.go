package sim

import (
	"math"
	"time"
)

// idleSweeps lets sweepers sleep through time in which no row becomes due. Only the scheduler's
// goroutine uses it.
//
// A sweep that finds nothing reads its shards and does nothing else. Without faults such sweeps are
// omitted, so days in which nothing happens cost nothing. The next sweep comes at the minute at
// which it would have come anyway.
type idleSweeps struct {
	until int64         // a row with an earlier wake time must wake a sleeper, ms since 1970
	wake  chan struct{} // closed when such a row is written
}

func newIdleSweeps() idleSweeps { return idleSweeps{wake: make(chan struct{})} }

// wakeAll ends the sleep of all sweepers: each decides again when it has to sweep.
func (d *idleSweeps) wakeAll() {
	d.until = 0
	close(d.wake)
	d.wake = make(chan struct{})
}

// noteWake handles the wake time of a row that was written.
func (d *idleSweeps) noteWake(wake int64) {
	if wake > 0 && wake < d.until {
		d.wakeAll()
	}
}

// sweepSeesAhead is how long before a row's wake time a sweep sees it: two minutes, plus the time
// for clocks and steps.
const sweepSeesAhead = 2*time.Minute + 10*time.Second

// skipIdleSweeps sleeps from a sweep until the last minute before the next sweep that finds
// something, and returns how long to wait from then. phase is when the last sweep ended.
func (p *process) skipIdleSweeps(phase time.Time) time.Duration {
	for {
		next, stir := phase.Add(sweepEvery), (chan struct{})(nil)
		look := &operation{process: p, key: p.name + " may doze", apply: func() bool {
			d := &p.w.idleSweeps
			if !p.w.quiesced {
				return true
			}
			first := p.w.disk.firstWake()
			d.until = max(d.until, first)
			sees := time.UnixMilli(first).Add(-sweepSeesAhead)
			if n := sees.Sub(next) / sweepEvery; first == math.MaxInt64 || n > 0 {
				next, stir = next.Add(min(n, idleSkipMax/sweepEvery)*sweepEvery), d.wake
				if first == math.MaxInt64 {
					next = phase.Add(idleSkipMax)
				}
			}
			return true
		}}
		if p.w.sched.wait(p.life, look, nil) != nil || stir == nil {
			return time.Until(next)
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-timer.C:
			return 0
		case <-stir:
			timer.Stop()
			for time.Since(phase) > sweepEvery { // keep the phase of the minutes
				phase = phase.Add(sweepEvery)
			}
		case <-p.life.Done():
			timer.Stop()
			return 0
		}
	}
}

// idleSkipMax is the longest time that a sweeper sleeps.
const idleSkipMax = 30 * 24 * time.Hour

// firstWake returns the earliest wake time of any row, ms since 1970; math.MaxInt64 if there is
// none.
func (d *disk) firstWake() int64 {
	first := int64(math.MaxInt64)
	for _, row := range d.keys {
		if row.Wake > 0 {
			first = min(first, row.Wake)
		}
	}
	return first
}
