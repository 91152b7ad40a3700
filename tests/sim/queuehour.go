package sim

import (
	"slices"
	"time"
)

// queueHour is an hour in which the queue of servers or functions fails: it refuses what is sent,
// or delivers nothing until the hour is over. It begins among the other faults and lasts longer.
//
// Servers lose only the precision of their waits: sweeps alone keep everything going, within the
// bounds that hold without hints. In functions sweeps send hints, so nothing proceeds until the
// hour is over.
type queueHour struct {
	refuses bool
	silent  bool
	from    time.Time
	until   time.Time
}

const (
	faultQueueHour = "queue out of order for an hour"
	queueHourTakes = time.Hour
)

func (w *World) drawQueueHour() {
	if w.topology == embedded || w.mocked != nil || w.number(faultQueueHour)%16 > 0 ||
		slices.Contains(w.without, faultQueueHour) {
		return
	}
	o := &w.queueHour
	o.refuses = w.number("how the queue is out of order")%2 == 0
	o.silent = !o.refuses
	o.from = w.begun.Add(
		time.Duration(w.number("when the queue is out of order")%240) * time.Second)
	o.until = o.from.Add(queueHourTakes)
	// no row may expire before the end of the hour and of the delays that it causes
	w.retention = max(w.retention, poisonRetention)
	w.kinds["run whose queue is out of order for an hour"]++
}

// now reports whether this is that hour.
func (o *queueHour) now() bool { return time.Now().After(o.from) && time.Now().Before(o.until) }

// rejects reports whether the queue refuses messages now.
func (w *World) rejects() bool {
	if !w.queueHour.refuses || !w.queueHour.now() {
		return false
	}
	w.faults.hits["hint rejected"]++
	return true
}

// queueDelay returns how long the queue holds back the messages that it should deliver now.
func (w *World) queueDelay() time.Duration {
	if !w.queueHour.silent || !w.queueHour.now() {
		return 0
	}
	w.faults.hits["hint held"]++
	return time.Until(w.queueHour.until)
}

// faultsEnd returns when the faults are over. The queue's may be the last.
func (w *World) faultsEnd() time.Time {
	if w.topology == functions && w.queueHour.until.After(time.Now()) {
		return w.queueHour.until
	}
	return time.Now()
}

// mayBeLate reports whether delays are allowed now: while there are faults, and in functions as
// long as the queue fails, which may be long after the other faults. There a sweep passes its work
// on by a hint, and the next sweep postpones the execution again, which is no violation.
func (w *World) mayBeLate() bool { return !w.quiesced || time.Now().UnixMilli() <= w.quiescedAt }
