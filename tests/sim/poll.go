package sim

import (
	"fmt"
	"time"
)

// "poll": a long poll of DescribeExecution is answered Running no earlier than its time says, and no later than that or than the
// end of the execution.
//
// The process that is asked need not be the one that brings the end: it looks itself, once a second at least. Bounds: 1 s too early,
// since the process may have been asked for whole seconds in the middle of one, and 3 s too late. It is for polls without faults
// in between; a process that is to end answers at once.
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

// polls are those that are under way. Only the scheduler's goroutine touches it.
func (w *World) owesPolls(owe func(obligation)) {
	for _, q := range w.polls {
		if q.from < w.quiescedAt || q.by.isDead() || q.by.retiring || w.poison.partition != "" {
			continue
		}
		due := q.from + q.waitMax.Milliseconds()
		if r := w.runs[q.partition]; r != nil && r.x.Status.Final() && !r.ended.IsZero() {
			due = min(due, max(q.from, r.ended.UnixMilli()))
		}
		owe(obligation{"poll", due, due + pollLate.Milliseconds(), fmt.Sprintf("the answer of %s", q.who)})
	}
}

// polled notes that a long poll has reached a process.
func (w *World) polled(p *process, partition, who string, most time.Duration) *poll {
	q := &poll{p, partition, who, time.Now().UnixMilli(), most}
	w.polls = append(w.polls, q)
	w.clock.recheck()
	return q
}

// answeredPoll notes its answer; running reports whether the execution is said to run.
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
	if running && w.quiesced && q.from >= w.quiescedAt && took < q.waitMax-pollEarly && !q.by.retiring && !q.by.isDead() {
		w.violate("poll", "%s has waited %v of %v and is told that it runs", q.who, took, q.waitMax)
	}
}
