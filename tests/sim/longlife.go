package sim

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"millrace/shared/flow"
)

// course is how a run goes in time: how far away the deadlines of executions are, by how much their waits
// are longer than those of the flows as drawn, and when there are faults.
type course struct {
	stretch int64           // waits, pauses and time limits are so many times as long
	lulls   []time.Duration // without faults, each followed by some faults again
}

// drawCourse draws it. Deadlines are mostly far away, so that they end nothing that hangs; in every sixth
// run they are as near as the faults. In every third run without an example executions live for hours or days.
func (w *World) drawCourse() {
	c := &w.course
	c.stretch = 1
	limit := []int64{runsMax, 86400, 7 * 86400, 30 * 86400, 31536000, 31536000}[w.number("deadline")%6]
	if w.mocked == nil && !w.burden.drawn {
		c.stretch = []int64{1, 1, 1, 1, 60, 3600}[w.number("stretch")%6]
	}
	if w.limits.Events > 500 && w.number("loops")%8 > 0 { // flows that loop end by their deadline as a rule
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
		lull := lulls[w.number(fmt.Sprintf("lull %d", i))%uint64(len(lulls))]
		if c.stretch == 3600 {
			lull *= 10
		}
		c.lulls = append(c.lulls, lull)
	}
	if limit > runsMax {
		w.limits.Events = min(w.limits.Events, 300) // so loops end, which no deadline does
	}
	w.limits.ExecutionSeconds = limit
	w.limits.WaitSeconds = waitMost
	for i := range w.clients.flows {
		w.clients.flows[i].lengthen(c.stretch)
	}
}

// longRetention is how long executions are kept in runs in which they live for long: their children end
// before them, and are looked at at the end.
const longRetention = 90 * 24 * time.Hour

// waitMost is the longest Wait, s.
const waitMost = 7 * 86400

// lulls are how long there are no faults: from longer than everything may take, to a day.
var lulls = [...]time.Duration{6 * time.Minute, 10 * time.Minute, 40 * time.Minute, 3 * time.Hour, 24 * time.Hour}

// waits finds the numbers of seconds in a definition.
var waits = regexp.MustCompile(`("?(?:Seconds|duration|Timeout|timeoutSeconds|IntervalSeconds|intervalSeconds|MaxBackoffSeconds)"?: )(\d+)`)

// lengthen makes the waits, pauses and time limits of a flow so many times as long.
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

// longest are the limits that definitions are checked by.
func longest() flow.Limits {
	l := flow.DefaultLimits()
	l.WaitSeconds = waitMost
	return l
}

// spell is how long there are faults again after a time without.
func (w *World) spell(i int) time.Duration {
	return time.Minute + time.Duration(w.number(fmt.Sprintf("spell %d", i))%240)*time.Second
}

// stirUp begins a time with faults.
func (w *World) stirUp() {
	w.tracef("the faults begin again")
	w.calm = false
	w.dozing.wakeUp()
	for _, p := range w.processes {
		p.moveClock()
	}
}

// vary lets times without faults and with them follow each other, until nothing goes on any more.
func (w *World) vary() {
	for i, lull := range w.course.lulls {
		until := time.Now().Add(lull)
		w.run(stepsMax/3, func() bool { return w.atRest() || time.Now().After(until) })
		if w.failed() || w.atRest() {
			return
		}
		w.kinds["faults that begin again"]++
		w.stirUp()
		until = time.Now().Add(w.spell(i))
		w.run(stepsMax/3, func() bool { return time.Now().After(until) })
		w.calmDown()
		if w.failed() {
			return
		}
	}
}
