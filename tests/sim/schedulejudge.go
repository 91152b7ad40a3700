package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// schedules tracks the rows of schedules. Only the scheduler's goroutine uses it.
type schedules struct {
	owner   *scheduleOwner
	catchUp time.Duration
	rows    map[string]*store.Schedule // by id
	names   map[driver.Key]string      // id of the schedule that a key holds
	started map[string]bool            // by origin
	// changed is when the owner began its current action, ms since 1970, and removing the schedule
	// that it deletes.
	changed  int64
	removing string
}

func (w *World) drawSchedules() {
	w.schedules = schedules{rows: map[string]*store.Schedule{}, names: map[driver.Key]string{},
		started: map[string]bool{}}
	windows := []time.Duration{time.Hour, 2 * time.Minute, 45 * time.Second}
	w.schedules.catchUp = windows[w.number("catch-up window")%uint64(len(windows))]
}

// judgeSchedule checks a schedule that was written or removed (nil): each planned time is decided
// once, when it has come; it is started, or skipped because a later one has come or it is too long
// past.
func (w *World) judgeSchedule(key driver.Key, row *driver.Row) {
	s := &w.schedules
	old := s.rows[s.names[key]]
	if row == nil {
		w.judgeScheduleGone(key, old)
		delete(s.rows, s.names[key])
		delete(s.names, key)
		return
	}
	w.clock.recheck()
	next, err := scheduleIn(*row)
	if err != nil {
		w.violate("readable", "the schedule in %s cannot be read: %v", show(key), err)
		return
	}
	switch {
	case old == nil || old.ID != next.ID:
		if next.Version != 1 || old != nil {
			w.violate("schedule", "%s begins with version %d after %+v", show(key), next.Version, old)
		}
		w.judgeNextPlanned(next, "creation")
	case next.Version != old.Version+1:
		w.violate("schedule", "%s: version %d follows %d", show(key), next.Version, old.Version)
	default:
		w.judgeScheduleWrite(old, next)
	}
	s.names[key], s.rows[next.ID] = next.ID, next
}

func scheduleIn(row driver.Row) (*store.Schedule, error) {
	rows := memstore.New()
	rows.Put(always, []driver.Row{row})
	return store.New(store.Options{Driver: rows}).GetSchedule(always, row.Key)
}

// scheduleText shows a schedule in a message.
func scheduleText(s *store.Schedule) string {
	return fmt.Sprintf("%.8s v%d %q, planned %d, next %d", s.Name, s.Version, s.Expression,
		s.Planned, s.Next)
}

func (w *World) judgeScheduleWrite(old, next *store.Schedule) {
	w.checked("schedule")
	if old.Planned != 0 && next.Planned != old.Planned {
		w.judgePlannedStarted(old, next.Modified != old.Modified)
	}
	if next.Modified == old.Modified {
		if next.Enabled != old.Enabled || next.Expression != old.Expression {
			w.violate("schedule", "%s changes without a request", scheduleText(next))
		}
		w.judgeDecision(old, next)
		return
	}
	if next.Enabled == old.Enabled && next.Expression == old.Expression {
		if next.Next != old.Next || next.Planned != 0 {
			w.violate("schedule", "an update of the payload changes %s to %s", scheduleText(old),
				scheduleText(next))
		}
		return
	}
	w.judgeDropped(old, "changed")
	w.judgeNextPlanned(next, "change")
}

// judgeDecision checks what has been decided about planned times that have come.
func (w *World) judgeDecision(old, next *store.Schedule) {
	now, skew := time.Now().UnixMilli(), w.faults.skew.Milliseconds()
	if next.Next == old.Next {
		if next.Planned != 0 && next.Planned != old.Planned {
			w.violate("planned once", "%s plans a time without a decision", scheduleText(next))
		}
		return
	}
	w.checked("planned once", "planned early")
	var decided []int64
	for t := old.Next; t < next.Next; t = plannedAfter(old, t) {
		decided = append(decided, t)
	}
	latest := int64(0)
	if len(decided) > 0 {
		latest = decided[len(decided)-1]
	}
	late := now+skew-latest > w.schedules.catchUp.Milliseconds()
	switch {
	case old.Next == 0 || !old.Enabled:
		w.violate("planned once", "%s decides, though it plans nothing", scheduleText(next))
	case latest == 0 || plannedAfter(old, latest) != next.Next:
		w.violate("planned once", "%s follows %s: that is no planned time", scheduleText(next),
			scheduleText(old))
	case latest > now+skew:
		w.violate("planned early", "%s decides about %d, and it is %d", scheduleText(next), latest,
			now)
	case next.Planned != latest && (next.Planned != 0 || !late):
		w.violate("planned once", "%s starts %d of %v, and it is %d", scheduleText(next),
			next.Planned, decided, now)
	}
	if next.Planned == 0 || len(decided) > 1 {
		w.kinds["planned time skipped"]++
	}
}

// judgePlannedStarted checks that a planned time is only done with when its execution was started.
// Where the executions of an account are limited, a request that changes the schedule may have it
// rejected, and it may become too late.
func (w *World) judgePlannedStarted(s *store.Schedule, byRequest bool) {
	w.checked("planned time started")
	late := time.Now().UnixMilli() + w.faults.skew.Milliseconds() - s.Planned
	rejected := w.startsAreLimited() &&
		(byRequest || late > w.schedules.catchUp.Milliseconds())
	if !w.schedules.started[scheduleOrigin(s)] && !rejected {
		w.violate("planned time started", "%s is done with its planned time, which was not started",
			scheduleText(s))
	}
}

func scheduleOrigin(s *store.Schedule) string {
	return fmt.Sprintf("schedule#%s#%d", s.ID, s.Planned)
}

// startsAreLimited reports whether starts may be rejected.
func (w *World) startsAreLimited() bool { return w.limits.Executions < 10_000 }

// judgeDropped checks that a change or a deletion drops no planned time that had come before.
func (w *World) judgeDropped(old *store.Schedule, how string) {
	w.checked("due before a change")
	if w.startsAreLimited() {
		return // it may have been rejected
	}
	if old.Next > 0 && old.Next <= w.schedules.changed-2*w.faults.skew.Milliseconds() {
		w.violate("due before a change", "%s is %s by a request of %d, and was due", scheduleText(old),
			how, w.schedules.changed)
	}
}

// judgeScheduleGone checks that only its owner's request or its flow's deletion removes a schedule.
func (w *World) judgeScheduleGone(key driver.Key, old *store.Schedule) {
	if old == nil {
		return
	}
	if _, there := w.flows.now[old.FlowID]; !there {
		return
	}
	if w.schedules.removing != old.Name {
		w.violate("schedule", "%s is removed, and its flow is there", show(key))
	}
	if old.Planned != 0 {
		w.judgePlannedStarted(old, true)
	}
	w.judgeDropped(old, "removed")
}

// judgeNextPlanned checks that a schedule that was created or changed plans the first time after
// that, and catches up with nothing.
func (w *World) judgeNextPlanned(s *store.Schedule, after string) {
	w.checked("next planned time")
	now, skew := time.Now().UnixMilli(), w.faults.skew.Milliseconds()
	switch {
	case !s.Enabled && s.Next != 0:
		w.violate("next planned time", "%s is disabled", scheduleText(s))
	case !s.Enabled:
	case plannedAfter(s, s.Next-1) != s.Next:
		w.violate("next planned time", "%s: that is no planned time", scheduleText(s))
	case s.Next <= w.schedules.changed-skew:
		w.violate("next planned time", "%s after a %s of %d: that was before", scheduleText(s), after,
			w.schedules.changed)
	case plannedAfter(s, now+skew) < s.Next:
		w.violate("next planned time", "%s after a %s; an earlier time comes after %d",
			scheduleText(s), after, now)
	}
}

// plannedAfter returns the first planned time after a time, ms since 1970, for the expressions that
// the owner uses: it looks at every second.
func plannedAfter(s *store.Schedule, ms int64) int64 {
	for t := ms/1000*1000 + 1000; ; t += 1000 {
		if isPlanned(s, t) {
			return t
		}
	}
}

func isPlanned(s *store.Schedule, ms int64) bool {
	if minutes, ok := strings.CutPrefix(s.Expression, "@every "); ok {
		n, _ := strconv.ParseInt(strings.TrimSuffix(minutes, "m"), 10, 64)
		since := ms/1000 - s.Created/1000
		return since > 0 && since%(60*n) == 0
	}
	var second, step int
	fmt.Sscanf(s.Expression, "%d */%d", &second, &step)
	at := time.UnixMilli(ms).UTC()
	return at.Second() == second && at.Minute()%step == 0
}

// judgeScheduled checks an execution that was claimed: one of the owner's flow was started for a
// planned time that is decided and not done with, and for each such time there is one.
func (w *World) judgeScheduled(r *run) {
	x := r.x
	origin, scheduled := strings.CutPrefix(x.Origin, "schedule#")
	if x.Account != account || x.Flow != timedFlow && !scheduled {
		return
	}
	w.checked("stray start", "started once for its time")
	id, text, _ := strings.Cut(origin, "#")
	planned, _ := strconv.ParseInt(text, 10, 64)
	s := w.schedules.rows[id]
	_, flowThere := w.flows.now[x.FlowID]
	switch {
	case s == nil && !flowThere: // the deletion of the flow stops it
	case s == nil || s.Planned != planned && !w.startsAreLimited():
		w.violate("stray start", "%s of %s is started, and its schedule is %+v", x.Name, x.Origin, s)
	case w.schedules.started[x.Origin]:
		w.violate("started once for its time", "%s is started again for %s", x.Name, x.Origin)
	case len(s.Name) < 100 && x.Name != fmt.Sprintf("%s-%d", s.Name, planned/1000):
		w.violate("started once for its time", "%s is started for %s", x.Name, x.Origin)
	case !strings.Contains(w.inputOf(r), `"triggerTime":"`+
		time.UnixMilli(planned).UTC().Format("2006-01-02T15:04:05Z")+`"`):
		w.violate("stray start", "%s has the input %s", x.Name, w.inputOf(r))
	}
	w.schedules.started[x.Origin] = true
}

// owesSchedules lists the obligations of schedules: one that is due is seen to. In functions, its
// hints become fewer while nothing takes them.
func (w *World) owesSchedules(owe func(obligation)) {
	ids := make([]string, 0, len(w.schedules.rows))
	for id := range w.schedules.rows {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		s := w.schedules.rows[id]
		wake := s.Wake()
		if wake == 0 || s.Planned != 0 && w.startsAreLimited() {
			continue
		}
		by := w.latest(wake, 0)
		if w.topology == functions {
			by += (2 * sweepEvery).Milliseconds() + 2*max(0, w.quiescedAt-wake)
		}
		owe(obligation{"late schedule", wake, by, "schedule " + scheduleText(s)})
	}
}
