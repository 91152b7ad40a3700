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
func (w *World) owesLetters(owe func(owed)) {
	for key := range w.letters.there {
		row, ok := w.disk.keys[key]
		if !ok {
			delete(w.letters.there, key)
			delete(w.letters.due, key)
			continue
		}
		due := w.letters.due[key]
		by := w.by(due, 0)
		if due <= w.calmed+2*w.faults.skew.Milliseconds()+letterWakes.Milliseconds() {
			by += 2 * w.faults.skew.Milliseconds() // the clock that it was reckoned by may have been wrong
		}
		if key.Partition == w.burden.partition {
			by = max(by, w.by(row.Wake, 0))
		}
		owe(owed{"late inbox", due, by, fmt.Sprintf("%s, which wakes at %d,", show(key), row.Wake)})
	}
}

// letterWakes is when a letter wakes after it was posted.
const letterWakes = 30 * time.Second

// noteLetter notes when a letter has to be seen to. One that a sweep puts off without faults is not due any later for that.
func (w *World) noteLetter(row store.Row) {
	l := &w.letters
	if l.due == nil {
		l.due = map[store.Key]int64{}
	}
	if before, ok := l.due[row.Key]; !ok || !w.calm || before < w.calmed {
		l.due[row.Key] = row.Wake
	}
	w.clock.again()
}
