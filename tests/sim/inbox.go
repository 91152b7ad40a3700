package sim

import (
	"time"

	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// inboxRows tracks the rows of inboxes. Only the scheduler's goroutine uses it.
type inboxRows struct {
	// how often a sweeper postponed each one when there were no faults
	postponed map[driver.Key]int
	marks     map[uint64]bool      // of all entries that were written and not accepted
	due       map[driver.Key]int64 // when each must have been handled, ms since 1970
	written   map[driver.Key]int64 // when each was last written, ms since 1970
	posted    int
	accepted  int
}

// losesRace draws whether a commit loses a race. In every second run commits with external messages
// lose it often, and other commits sometimes.
func (w *World) losesRace(cas driver.Row, step *transaction) bool {
	if w.number("crowded")%2 == 0 || cas.Sort != "a" || cas.Version == 1 {
		return false
	}
	chance := 500
	if step != nil {
		for i := range step.input.Messages {
			if n := &step.input.Messages[i]; isExternal(n) {
				chance = 8500
				if w.inbox.marks[n.Mark] {
					chance = 3000 // from an inbox
					break
				}
			}
		}
	}
	return w.faulty(odds{"conflict of a message from outside", chance})
}

// lostRaceError returns the error of such a commit. A process that owns its store cannot lose a
// race, so there it is another fault.
func (w *World) lostRaceError() error {
	if w.topology == embedded {
		return errThrottled
	}
	return store.ErrConflict
}

func isExternal(n *interp.Message) bool {
	return n.Kind == interp.TaskReported || n.Kind == interp.StopRequested
}

// judgeMessages checks the external messages of a conditional write that succeeded.
func (w *World) judgeMessages(p *process, cas driver.Row, step *transaction) {
	l := &w.inbox
	switch {
	case store.IsInboxEntry(cas.Key):
		w.judgeInboxEntry(p, cas)
	case cas.Sort != "a" || step == nil || step.version != cas.Version-1:
	default:
		for i := range step.input.Messages {
			n := &step.input.Messages[i]
			if !isExternal(n) {
				continue
			}
			if w.checked("marked"); n.Mark == 0 {
				w.violate("marked", "%s v%d: the sender of the message cannot recognize it",
					cas.Partition, cas.Version)
			}
		}
		if r := w.runs[cas.Partition]; r != nil && len(l.marks) > 0 {
			for i := len(r.events) - 1; i >= 0; i-- {
				if m := r.events[i].Mark; l.marks[m] {
					delete(l.marks, m)
					l.accepted++
				}
			}
		}
	}
}

// judgeInboxEntry checks a row of an inbox that was written. Sometimes it kills the process that
// wrote the row.
func (w *World) judgeInboxEntry(p *process, row driver.Row) {
	l := &w.inbox
	if l.postponed == nil {
		l.postponed, l.marks = map[driver.Key]int{}, map[uint64]bool{}
	}
	now := time.Now().UnixMilli()
	// the hint, with the process that took it
	mayBeLost := now < w.clock.died+(restartMax+firstSweepMax).Milliseconds()
	// wake in the past: written by a slow process
	if row.Version == 1 || w.mayBeLate() || mayBeLost || row.Wake <= now {
		l.postponed[row.Key] = 0
	} else if l.postponed[row.Key]++; l.postponed[row.Key] > 1 &&
		row.Partition != w.poison.partition {
		w.violate("inbox row", "%s is put off again, and nothing handles it", show(row.Key))
	}
	w.checked("inbox row")
	w.noteInboxEntry(row)
	entry, err := w.raw.InboxEntry(always, row.Key)
	if err != nil {
		w.violate("readable", "%s cannot be read: %v", show(row.Key), err)
		return
	}
	if row.Version == 1 {
		l.posted++
		l.marks[entry.Mark] = true
		if w.faulty(odds{"death after an inbox entry", 2500}) {
			w.sched.post(&operation{key: "kill " + p.name, weight: 100,
				apply: func() bool { w.kill(p); return true }})
		}
	}
	if row.Wake == 0 || row.Wake > time.Now().UnixMilli()+3_600_000+w.slack() {
		w.violate("inbox row", "%s wakes at %d", show(row.Key), row.Wake)
	}
}
