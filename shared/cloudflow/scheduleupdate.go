package cloudflow

import (
	"context"

	"millrace/shared/store"
)

// UpdateSchedule changes the fields that the request has (docs/api.md#updateschedule). What was
// planned before is started before; what is planned from now on follows the change.
func (s *Service) UpdateSchedule(
	ctx context.Context, c Caller, q UpdateScheduleRequest,
) (*Schedule, error) {
	if err := checkSchedule(q.FlowName, q.ScheduleName, deref(q.Description)); err != nil {
		return nil, err
	}
	if deref(q.CronExpression) != "" {
		if _, err := parseExpression(*q.CronExpression); err != nil {
			return nil, err
		}
	}
	if _, err := parseObject("Payload", deref(q.Payload), s.dataBytesMax()); err != nil {
		return nil, err
	}
	f, err := s.getFlow(ctx, c, q.FlowName)
	if err != nil {
		return nil, err
	}
	if _, err := s.qualified(ctx, f, deref(q.Qualifier), ""); err != nil {
		return nil, err
	}
	if err := s.checkPayload(ctx, f, q.ScheduleName, deref(q.Payload)); err != nil {
		return nil, err
	}
	var updated *store.Schedule
	err = s.changeSchedule(ctx, f, q.ScheduleName, func(sch *store.Schedule) error {
		if err := s.applyScheduleUpdate(c, sch, q); err != nil {
			return err
		}
		updated = sch
		return s.Store.UpdateSchedule(ctx, sch)
	})
	if err != nil {
		return nil, err
	}
	s.Engine.HintSchedule(updated)
	return filterSchedule(c, f, q, updated), nil
}

// applyScheduleUpdate applies a checked update. An empty CronExpression is ignored; an empty
// Description, Payload or Qualifier clears the field. A schedule that the update enables, or whose
// expression it changes, is planned from now on: it catches up with nothing.
func (s *Service) applyScheduleUpdate(
	c Caller, sch *store.Schedule, q UpdateScheduleRequest,
) error {
	planned := sch.Enabled
	before := sch.Expression
	if e := deref(q.CronExpression); e != "" {
		sch.Expression = e
	}
	if q.Description != nil {
		sch.Description = *q.Description
	}
	if q.Payload != nil {
		sch.Payload = *q.Payload
	}
	if q.Qualifier != nil {
		sch.Qualifier = *q.Qualifier
	}
	if q.Enable != nil {
		sch.Enabled = *q.Enable
	}
	if sch.Enabled != planned || sch.Expression != before {
		expression, err := parseExpression(sch.Expression)
		if err != nil {
			return err
		}
		sch.Next = s.Engine.NextPlanned(sch, expression)
	}
	sch.Author = c.Identity
	sch.Modified = max(s.Now().UnixMilli(), sch.Modified+1)
	return c.mayStartBy(sch)
}

// filterSchedule hides, if the caller may not describe the schedule, the fields that its update did
// not send.
func filterSchedule(
	c Caller, f *store.Flow, q UpdateScheduleRequest, updated *store.Schedule,
) *Schedule {
	if c.may("fnf:DescribeSchedule", f.Name) {
		return scheduleOf(c, f, updated)
	}
	shown := scheduleView(updated)
	shown.Description, shown.Payload = deref(q.Description), deref(q.Payload)
	shown.CronExpression, shown.Qualifier = deref(q.CronExpression), deref(q.Qualifier)
	return shown
}
