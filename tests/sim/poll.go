package sim

import (
	"fmt"
	"time"
)

// "poll": a long poll of DescribeExecution returns Running no earlier than its wait time, and
// returns no later than its wait time or the end of the execution.
//
// The process that serves it need not be the one that commits the end, so it looks at the row
// itself, at least once a second. Bounds: 1 s too early, because the process may have been asked
// for whole seconds in the middle of one, and 3 s too late. The invariant is for polls with no
// faults meanwhile; a process that is about to exit answers at once.
type poll struct {
	by        *process
	partition string
	who       string
	from      int64 // ms since 1970
	waitMax   time.Duration
}

const (
	pollEarly = time.Second
	pollLate  = 3 * time.Second
)

// owesPolls lists the long polls in progress. Only the scheduler's goroutine uses them.
func (w *World) owesPolls(owe func(obligation)) {
	for _, q := range w.polls {
		if q.from < w.quiescedAt || q.by.isDead() || q.by.retiring || w.poison.partition != "" {
			continue
		}
		due := q.from + q.waitMax.Milliseconds()
		if r := w.runs[q.partition]; r != nil && r.x.Status.Final() && !r.ended.IsZero() {
			due = min(due, max(q.from, r.ended.UnixMilli()))
		}
		owe(obligation{"poll", due, due + pollLate.Milliseconds(),
			fmt.Sprintf("the answer of %s", q.who)})
	}
}

// polled records that a long poll has reached a process.
func (w *World) polled(p *process, partition, who string, most time.Duration) *poll {
	q := &poll{p, partition, who, time.Now().UnixMilli(), most}
	w.polls = append(w.polls, q)
	w.clock.recheck()
	return q
}

// answeredPoll records its response; running reports whether that said that the execution runs.
func (w *World) answeredPoll(q *poll, running bool) {
	for i := range w.polls {
		if w.polls[i] == q {
			w.polls = append(w.polls[:i:i], w.polls[i+1:]...)
			break
		}
	}
	took := time.Since(time.UnixMilli(q.from))
	if running && w.quiesced && q.from >= w.quiescedAt {
		w.checked("poll")
	}
	if running && w.quiesced && q.from >= w.quiescedAt && took < q.waitMax-pollEarly &&
		!q.by.retiring && !q.by.isDead() {
		w.violate("poll", "%s has waited %v of %v and has got a running execution", q.who, took,
			q.waitMax)
	}
}
