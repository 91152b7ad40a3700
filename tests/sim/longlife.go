package sim

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"millrace/shared/flow"
)

// timeline is the course of a run: the deadlines of executions, how much longer their waits are
// than those of the flows as drawn, and when there are faults.
type timeline struct {
	stretch      int64           // factor of waits, pauses and time limits
	quietPeriods []time.Duration // without faults; after each there are faults again
}

// drawTimeline draws a timeline. Deadlines are mostly so far away that they do not end an execution
// that hangs. In every sixth run they are as near as the faults. In every third run without an
// example executions live for hours or days.
func (w *World) drawTimeline() {
	c := &w.timeline
	c.stretch = 1
	limit := []int64{runsMax, 86400, 7 * 86400, 30 * 86400, 31536000,
		31536000}[w.number("deadline")%6]
	if w.mocked == nil && !w.poison.enabled {
		c.stretch = []int64{1, 1, 1, 1, 60, 3600}[w.number("stretch")%6]
	}
	// usually the deadline ends flows that loop
	if w.limits.Events > 500 && w.number("loops")%8 > 0 {
		limit, c.stretch = runsMax, 1
	}
	n := w.number("lulls") % 3
	if c.stretch > 1 {
		n += 2
		limit = max(limit, 7*86400)
		w.retention = longRetention
		w.kinds["run of long lives"]++
	}
	for i := range n {
		lull := quietPeriods[w.number(fmt.Sprintf("lull %d", i))%uint64(len(quietPeriods))]
		if c.stretch == 3600 {
			lull *= 10
		}
		c.quietPeriods = append(c.quietPeriods, lull)
	}
	if limit > runsMax {
		w.limits.Events = min(w.limits.Events, 300) // so loops end, which no deadline does
	}
	w.limits.ExecutionSeconds = limit
	w.limits.WaitSeconds = waitMax
	for i := range w.clients.flows {
		w.clients.flows[i].lengthen(c.stretch)
	}
}

// longRetention is the retention in runs with long executions: children end before their parents,
// and are checked at the end.
const longRetention = 90 * 24 * time.Hour

// waitMax is the longest Wait, s.
const waitMax = 7 * 86400

// quietPeriods are the durations without faults: from longer than any operation may take, to a day.
var quietPeriods = [...]time.Duration{6 * time.Minute, 10 * time.Minute, 40 * time.Minute,
	3 * time.Hour, 24 * time.Hour}

// waits matches the numbers of seconds in a definition.
var waits = regexp.MustCompile(
	`("?(?:Seconds|duration|Timeout|timeoutSeconds|IntervalSeconds|intervalSeconds|MaxBackoffSeconds)"?: )(\d+)`)

// lengthen multiplies the waits, pauses and time limits of a flow.
func (f *definition) lengthen(times int64) {
	if times == 1 {
		return
	}
	f.text = waits.ReplaceAllStringFunc(f.text, func(s string) string {
		m := waits.FindStringSubmatch(s)
		n, _ := strconv.ParseInt(m[2], 10, 64)
		return m[1] + strconv.FormatInt(n*times, 10)
	})
}

// longest returns the limits for the validation of such definitions.
func longest() flow.Limits {
	l := flow.DefaultLimits()
	l.WaitSeconds = waitMax
	return l
}

// faultPeriod returns how long there are faults after a quiet period.
func (w *World) faultPeriod(i int) time.Duration {
	return time.Minute + time.Duration(w.number(fmt.Sprintf("spell %d", i))%240)*time.Second
}

// resumeFaults begins a time with faults.
func (w *World) resumeFaults() {
	w.tracef("the faults begin again")
	w.quiesced = false
	w.idleSweeps.wakeAll()
	for _, p := range w.processes {
		p.moveClock()
	}
}

// alternateFaults alternates quiet periods and times with faults until nothing is active any more.
func (w *World) alternateFaults() {
	for i, lull := range w.timeline.quietPeriods {
		until := time.Now().Add(lull)
		w.run(stepsMax/3, func() bool { return w.atRest() || time.Now().After(until) })
		if w.failed() || w.atRest() {
			return
		}
		w.kinds["faults that begin again"]++
		w.resumeFaults()
		until = time.Now().Add(w.faultPeriod(i))
		w.run(stepsMax/3, func() bool { return time.Now().After(until) })
		w.quiesce()
		if w.failed() {
			return
		}
	}
}
