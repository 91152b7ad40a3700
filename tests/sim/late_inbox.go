package sim

import (
	"fmt"
	"time"

	"millrace/shared/store/driver"
)

// "late inbox": an inbox entry is consumed or deleted.
//
// The process that writes an entry retracts it 5 s later. If that process has died, the entry wakes
// 30 s after it was written, and a sweep deletes it or has it processed. Bound: 80 s after its wake
// time as of the end of the faults, of each death by the poison among them (4077142), or of its
// writing, and 90 s more after faults.
func (w *World) owesInbox(owe func(obligation)) {
	for key := range w.inbox.postponed {
		row, ok := w.disk.keys[key]
		if !ok {
			delete(w.inbox.postponed, key)
			delete(w.inbox.due, key)
			delete(w.inbox.written, key)
			continue
		}
		due := w.inbox.due[key]
		if w.inbox.written[key] <= w.quiescedAt {
			due = row.Wake
		}
		by := w.latest(due, 0)
		if due <= w.quiescedAt+2*w.faults.skew.Milliseconds()+inboxEntryWakes.Milliseconds() {
			by += 2 * w.faults.skew.Milliseconds() // the clock that computed it may have been wrong
		}
		if key.Partition == w.poison.partition {
			by = max(by, w.latest(row.Wake, 0))
		}
		owe(obligation{"late inbox", due, by, fmt.Sprintf("%s, which wakes at %d,",
			show(key), row.Wake)})
	}
}

// inboxEntryWakes is how long after its writing an inbox entry wakes.
const inboxEntryWakes = 30 * time.Second

// noteInboxEntry records when an inbox entry must have been handled. If a sweep postpones it
// without faults, it is due no later for that.
func (w *World) noteInboxEntry(row driver.Row) {
	l := &w.inbox
	if l.due == nil {
		l.due, l.written = map[driver.Key]int64{}, map[driver.Key]int64{}
	}
	l.written[row.Key] = time.Now().UnixMilli()
	if before, ok := l.due[row.Key]; !ok || !w.quiesced || before < w.quiescedAt {
		l.due[row.Key] = row.Wake
	}
	w.clock.recheck()
}
