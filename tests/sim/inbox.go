package sim

import (
	"time"

	"millrace/shared/interp"
	"millrace/shared/store"
)

// letters follows the rows of inboxes. Only the scheduler's goroutine touches it.
type letters struct {
	there    map[store.Key]int   // how often a sweeper has put each off when there were no faults
	marks    map[uint64]bool     // of all that have been posted and not been accepted
	due      map[store.Key]int64 // when each has to be seen to, ms since 1970
	posted   int
	accepted int
}

// crowded draws whether others are faster than a commit. In every second run that is often so for news from outside, and
// now and then for the rest.
func (w *World) crowded(cas store.Row, fold *folded) bool {
	if w.number("crowded")%2 == 0 || cas.Sort != "a" || cas.Version == 1 {
		return false
	}
	chance := 500
	if fold != nil {
		for i := range fold.event.Messages {
			if n := &fold.event.Messages[i]; outside(n) {
				chance = 8500
				if w.letters.marks[n.Mark] {
					chance = 3000 // from an inbox
					break
				}
			}
		}
	}
	return w.faulty(odds{"race lost by news from outside", chance})
}

// outrun is the answer of such a commit. Nobody is faster than a process that owns its store: there it is another fault.
func (w *World) outrun() error {
	if w.home == local {
		return errThrottled
	}
	return store.ErrConflict
}

func outside(n *interp.Message) bool {
	return n.Kind == interp.TaskReported || n.Kind == interp.StopRequested
}

// judgeNews looks at a conditional write that has been made, for news from outside.
func (w *World) judgeNews(p *process, cas store.Row, fold *folded) {
	l := &w.letters
	switch {
	case store.IsInboxEntry(cas.Key):
		w.judgeLetter(p, cas)
	case cas.Sort != "a" || fold == nil || fold.version != cas.Version-1:
	default:
		for i := range fold.event.Messages {
			n := &fold.event.Messages[i]
			if !outside(n) {
				continue
			}
			if w.looked("marked"); n.Mark == 0 {
				w.breach("marked", "%s v%d: whoever has brought the news will not know it again", cas.Partition, cas.Version)
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

// judgeLetter looks at a row of an inbox that has been written. Now and then whoever has put it there dies of it.
func (w *World) judgeLetter(p *process, row store.Row) {
	l := &w.letters
	if l.there == nil {
		l.there, l.marks = map[store.Key]int{}, map[uint64]bool{}
	}
	now := time.Now().UnixMilli()
	mayBeLost := now < w.clock.died+(restartMax+firstSweepMax).Milliseconds() // the hint, with the process that took it
	if row.Version == 1 || w.excused() || mayBeLost || row.Wake <= now {      // the last: until a time that has been, by a slow process
		l.there[row.Key] = 0
	} else if l.there[row.Key]++; l.there[row.Key] > 1 && row.Partition != w.burden.partition {
		w.breach("inbox row", "%s is put off, and nobody sees to it", show(row.Key))
	}
	w.looked("inbox row")
	w.noteLetter(row)
	letter, err := w.raw.InboxEntry(always, row.Key)
	if err != nil {
		w.breach("readable", "%s cannot be read: %v", show(row.Key), err)
		return
	}
	if row.Version == 1 {
		l.posted++
		l.marks[letter.Mark] = true
		if w.faulty(odds{"death after a letter", 2500}) {
			w.sched.post(&operation{key: "kill " + p.name, weight: 100, apply: func() bool { w.kill(p); return true }})
		}
	}
	if row.Wake == 0 || row.Wake > time.Now().UnixMilli()+3_600_000+w.slack() {
		w.breach("inbox row", "%s wakes at %d", show(row.Key), row.Wake)
	}
}
