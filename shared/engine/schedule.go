package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"millrace/shared/cron"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// scheduleTries is how often a process looks at a schedule that other writers change meanwhile.
const scheduleTries = 8

// earlyHint is how much too early a hint may come, because clocks differ, and still have the
// schedule looked at in time: it is sent again for the time that is left. It must be shorter than
// a minute, or hints that come more than once would last for ever.
const earlyHint = 5 * time.Second

// wakeSchedule advances a schedule that may be due (docs/protocol.md#schedules).
func (e *Engine) wakeSchedule(ctx context.Context, key driver.Key) error {
	for range scheduleTries {
		s, err := e.Store.GetSchedule(ctx, key)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		left := s.Wake() - e.nowMillis()
		if s.Wake() == 0 || left > earlyHint.Milliseconds() {
			return nil
		} else if left > 0 {
			e.HintSchedule(s)
			return nil
		}
		if err := e.advanceSchedule(ctx, s); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return nil // others advance it
}

// SettleSchedule starts what a schedule has planned until now, before a request changes or deletes
// it: nothing that was planned before the change is started after it. So a time that is decided is
// started even if it is still to come by the clock of this process. It returns ErrConflict if the
// schedule has been changed since it was read. The executions that the account may run do not bound
// it: a planned time that they leave no place for is rejected.
func (e *Engine) SettleSchedule(ctx context.Context, s *store.Schedule) error {
	if wake := s.Wake(); s.Planned == 0 && (wake == 0 || wake > e.nowMillis()) {
		return nil
	}
	limited := e.advanceSchedule(ctx, s)
	if !errors.Is(limited, ErrExecutionsLimit) {
		return limited
	}
	for s.Planned != 0 {
		e.reportPlanned(s, s.Planned, limited)
		s.Planned = 0
		skipped, err := e.plan(s)
		if err != nil {
			return err
		}
		e.reportSkipped(s, skipped)
	}
	return nil
}

// advanceSchedule starts what a due schedule has planned, and sets its next wake time. It returns
// ErrConflict if the schedule has been changed since it was read.
func (e *Engine) advanceSchedule(ctx context.Context, s *store.Schedule) error {
	f, err := e.Store.GetFlow(ctx, s.Account, s.Flow)
	if errors.Is(err, store.ErrNotFound) || err == nil && f.ID != s.FlowID {
		return e.Store.DeleteSchedule(ctx, s)
	} else if err != nil {
		return err
	}
	for {
		planned := s.Planned
		rejection, err := e.startPlanned(ctx, f, s)
		if err != nil {
			return err
		}
		// The flow is there after the schedule was written, so its deletion will find the schedule.
		s.Planned, s.CheckFlow = 0, 0
		skipped, err := e.plan(s)
		if err != nil {
			return err
		}
		if err := e.Store.UpdateSchedule(ctx, s); err != nil {
			return err
		}
		e.reportPlanned(s, planned, rejection)
		e.reportSkipped(s, skipped)
		if s.Planned == 0 {
			e.HintSchedule(s)
			return nil
		}
	}
}

// skippedTimes are planned times that are not started.
type skippedTimes struct{ from, before, count int64 }

// plan decides about the planned times that have come: the latest is to be started if it is not
// longer past than CatchUp, the others are skipped. The decision holds once s is written,
// and no time before Next is decided again. So a start that a process makes late is one that was
// decided, and is made by any other process as well.
func (e *Engine) plan(s *store.Schedule) (skipped skippedTimes, err error) {
	now := e.nowMillis()
	if s.Next == 0 || s.Next > now {
		return skipped, nil
	}
	// A newer program may have accepted what this one does not know: the row stays due for it.
	expression, err := cron.Parse(s.Expression)
	if err != nil {
		return skipped, fmt.Errorf("engine: schedule %s of flow %s: %w", s.Name, s.Flow, err)
	}
	plans := plans{expression: expression, schedule: s}
	skipped.from = s.Next
	s.Planned = plans.latest(max(s.Next, now-e.CatchUp.Milliseconds()), now)
	s.Next = plans.after(now)
	if skipped.before = s.Planned; s.Planned == 0 {
		skipped.before = now + 1
	}
	skipped.count = plans.count(skipped.from, skipped.before)
	return skipped, nil
}

func (e *Engine) reportSkipped(s *store.Schedule, t skippedTimes) {
	if t.count == 0 {
		return
	}
	e.schedules.skipped.Add(t.count)
	e.Log.Warn("planned times of a schedule are skipped: they came while it was not seen to",
		"account", s.Account, "flow", s.Flow, "schedule", s.Name, "times", t.count,
		"from", plannedTime(t.from), "before", plannedTime(t.before))
}

// plans computes the planned times of a schedule, in ms since 1970.
type plans struct {
	expression *cron.Expression
	schedule   *store.Schedule
}

// after returns the first planned time after a time; 0 if there is none.
func (p plans) after(ms int64) int64 {
	next := p.expression.Next(time.UnixMilli(ms), time.UnixMilli(p.schedule.Created))
	if next.IsZero() {
		return 0
	}
	return next.UnixMilli()
}

// latest returns the last planned time in the range from from to to, both included; 0 if there is
// none.
func (p plans) latest(from, to int64) (last int64) {
	for t := p.after(from - 1); t > 0 && t <= to; t = p.after(t) {
		last = t
	}
	return last
}

// countMax bounds the work to count what a long outage has left out.
const countMax = 100_000

// count returns how many planned times there are from from on and before to, at most countMax.
func (p plans) count(from, to int64) (n int64) {
	for t := p.after(from - 1); t > 0 && t < to && n < countMax; t = p.after(t) {
		n++
	}
	return n
}

// NextPlanned returns the first planned time of a schedule after now, in ms since 1970; 0 if it is
// disabled. Its expression must be valid.
func (e *Engine) NextPlanned(s *store.Schedule, expression *cron.Expression) int64 {
	if !s.Enabled {
		return 0
	}
	return plans{expression, s}.after(e.nowMillis())
}

// HintSchedule sends a hint for a schedule that was written, if its next planned time comes soon.
// The sweeper sees to later ones, and to everything else that the schedule waits for.
func (e *Engine) HintSchedule(s *store.Schedule) {
	left := s.Next - e.nowMillis()
	if s.Next > 0 && left <= hintDelayMax.Milliseconds() {
		e.sendHint(store.ScheduleHint(s.Key()), time.Duration(max(left, 0))*time.Millisecond)
	}
}

func plannedTime(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }
