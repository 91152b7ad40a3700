package sim

import (
	"fmt"
	"time"

	"millrace/shared/store"
)

// "late inbox": what lies in an inbox is taken in or dropped.
//
// Whoever puts it there takes it back 5 s later; when he has died, it wakes 30 s after it was posted, and
// a sweep drops it or has it folded. Bound: 80 s after its wake time, as it was when the faults ended or
// it was posted, and 90 s more after faults.
func (w *World) owesInbox(owe func(obligation)) {
	for key := range w.inbox.postponed {
		row, ok := w.disk.keys[key]
		if !ok {
			delete(w.inbox.postponed, key)
			delete(w.inbox.due, key)
			continue
		}
		due := w.inbox.due[key]
		by := w.latest(due, 0)
		if due <= w.quiescedAt+2*w.faults.skew.Milliseconds()+inboxEntryWakes.Milliseconds() {
			by += 2 * w.faults.skew.Milliseconds() // the clock that it was reckoned by may have been wrong
		}
		if key.Partition == w.poison.partition {
			by = max(by, w.latest(row.Wake, 0))
		}
		owe(obligation{"late inbox", due, by, fmt.Sprintf("%s, which wakes at %d,", show(key), row.Wake)})
	}
}

// inboxEntryWakes is when a letter wakes after it was posted.
const inboxEntryWakes = 30 * time.Second

// noteInboxEntry notes when a letter has to be seen to. One that a sweep puts off without faults is not due any later for that.
func (w *World) noteInboxEntry(row store.Row) {
	l := &w.inbox
	if l.due == nil {
		l.due = map[store.Key]int64{}
	}
	if before, ok := l.due[row.Key]; !ok || !w.quiesced || before < w.quiescedAt {
		l.due[row.Key] = row.Wake
	}
	w.clock.recheck()
}
