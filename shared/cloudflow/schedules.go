package cloudflow

import (
	"context"
	"errors"
	"time"

	"millrace/shared/fault"
	"millrace/shared/store"
)

// scheduleTries is how often a change of a schedule is made again because the schedule was written
// meanwhile: each of its starts writes it.
const scheduleTries = 8

// flowCheckDelay is when the sweeper checks whether the flow of a new schedule still exists.
const flowCheckDelay = time.Minute

// CreateSchedule stores a schedule that starts the flow from its first planned time on
// (docs/api.md#createschedule).
func (s *Service) CreateSchedule(
	ctx context.Context, c Caller, q CreateScheduleRequest,
) (*Schedule, error) {
	if err := checkSchedule(q.FlowName, q.ScheduleName, q.Description); err != nil {
		return nil, err
	}
	expression, err := parseExpression(q.CronExpression)
	if err != nil {
		return nil, err
	}
	if _, err := parseObject("Payload", q.Payload, s.dataBytesMax()); err != nil {
		return nil, err
	}
	f, err := s.getFlow(ctx, c, q.FlowName)
	if err != nil {
		return nil, err
	}
	if _, err := s.qualified(ctx, f, q.Qualifier, ""); err != nil {
		return nil, err
	}
	if err := s.checkPayload(ctx, f, q.ScheduleName, q.Payload); err != nil {
		return nil, err
	}
	now := s.Now()
	sch := &store.Schedule{
		Account:     c.Account,
		Flow:        f.Name,
		FlowID:      f.ID,
		Name:        q.ScheduleName,
		ID:          uuid(s.random16(q.ScheduleName)),
		Description: q.Description,
		Payload:     q.Payload,
		Expression:  q.CronExpression,
		Qualifier:   q.Qualifier,
		Enabled:     q.Enable == nil || *q.Enable,
		Created:     now.UnixMilli(),
		Modified:    now.UnixMilli(),
		Author:      c.Identity,
		CheckFlow:   now.Add(flowCheckDelay).UnixMilli(),
	}
	if err := c.mayStartBy(sch); err != nil {
		return nil, err
	}
	sch.Next = s.Engine.NextPlanned(sch, expression)
	if err := s.admitSchedule(ctx, sch); err != nil {
		return nil, err
	}
	return s.writeNewSchedule(ctx, sch) // the caller sent all of it
}

// writeNewSchedule writes a schedule whose name is free.
func (s *Service) writeNewSchedule(ctx context.Context, sch *store.Schedule) (*Schedule, error) {
	err := s.Store.CreateSchedule(ctx, sch)
	if errors.Is(err, store.ErrConflict) {
		// The write may have been applied and its result lost. The stored schedule then has the id
		// that this request generated.
		got, gerr := s.Store.GetSchedule(ctx, sch.Key())
		if gerr != nil || got.ID != sch.ID {
			return nil, scheduleExists(sch.Flow, sch.Name)
		}
	} else if err != nil {
		return nil, FaultOf(err)
	}
	s.Engine.HintSchedule(sch)
	return scheduleView(sch), nil
}

// admitSchedule rejects a schedule whose name is taken, or that the flow has no place for.
func (s *Service) admitSchedule(ctx context.Context, sch *store.Schedule) error {
	list, _, err := s.Store.ListSchedules(ctx, sch.FlowID, "", s.Limits.Schedules)
	if err != nil {
		return FaultOf(err)
	}
	if len(list) < s.Limits.Schedules {
		return nil
	}
	// ScheduleAlreadyExists comes before the limit: with a schedule of this name, none would be
	// added.
	if _, err := s.Store.GetSchedule(ctx, sch.Key()); err == nil {
		return scheduleExists(sch.Flow, sch.Name)
	} else if !errors.Is(err, store.ErrNotFound) {
		return FaultOf(err)
	}
	return fault.New(fault.InvalidArgument, "Flow '%s' has its limit of %d schedules.", sch.Flow,
		s.Limits.Schedules)
}

// changeSchedule reads a schedule and changes it. If it was written meanwhile, it does both again.
// Before each change, it starts what the schedule has planned until then. Errors are faults.
func (s *Service) changeSchedule(
	ctx context.Context, f *store.Flow, name string, change func(*store.Schedule) error,
) error {
	for range scheduleTries {
		sch, err := s.getSchedule(ctx, f, name)
		if err != nil {
			return err
		}
		err = s.Engine.SettleSchedule(ctx, sch)
		if err == nil {
			err = change(sch)
		}
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, store.ErrConflict):
			return FaultOf(err)
		}
	}
	return fault.New(fault.ConcurrentUpdateError, "Update conflict, please retry.")
}

func (s *Service) getSchedule(
	ctx context.Context, f *store.Flow, name string,
) (*store.Schedule, error) {
	sch, err := s.Store.GetSchedule(ctx, store.ScheduleKey(f.ID, name))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.New(fault.ScheduleNotExists,
			"The schedule '%s' for flow '%s' does not exist.", name, f.Name)
	} else if err != nil {
		return nil, FaultOf(err)
	}
	return sch, nil
}

// DescribeSchedule returns a schedule (docs/api.md#describeschedule).
func (s *Service) DescribeSchedule(
	ctx context.Context, c Caller, q ScheduleRequest,
) (*Schedule, error) {
	if err := checkSchedule(q.FlowName, q.ScheduleName, ""); err != nil {
		return nil, err
	}
	f, err := s.getFlow(ctx, c, q.FlowName)
	if err != nil {
		return nil, err
	}
	sch, err := s.getSchedule(ctx, f, q.ScheduleName)
	if err != nil {
		return nil, err
	}
	return scheduleOf(c, f, sch), nil
}

// DeleteSchedule deletes a schedule (docs/api.md#deleteschedule). Executions that it has started go
// on. What was planned before is started before.
func (s *Service) DeleteSchedule(ctx context.Context, c Caller, q ScheduleRequest) error {
	if err := checkSchedule(q.FlowName, q.ScheduleName, ""); err != nil {
		return err
	}
	f, err := s.getFlow(ctx, c, q.FlowName)
	if err != nil {
		return err
	}
	tried := ""
	err = s.changeSchedule(ctx, f, q.ScheduleName, func(sch *store.Schedule) error {
		if tried != "" && tried != sch.ID {
			return nil // the one to delete is gone: this one was created since
		}
		tried = sch.ID
		return s.Store.DeleteSchedule(ctx, sch)
	})
	if fault.CodeOf(err) == fault.ScheduleNotExists && tried != "" {
		return nil // this request deleted it and the result was lost, or another one did
	}
	return err
}

// scheduleOf returns a schedule as the wire shows it to a caller that may describe it. Its payload
// is part of the inputs of executions; the key that has last written the schedule sees all of it.
func scheduleOf(c Caller, f *store.Flow, s *store.Schedule) *Schedule {
	shown := scheduleView(s)
	if shown.Payload != "" {
		v, hidden := c.visibility(f, s.Author), &Hidden{}
		v.tokens = true // no task has run yet
		shown.Payload, hidden.Payload = v.text(shown.Payload, hidden)
		shown.Hidden = hidden.orNil()
	}
	return shown
}

func scheduleView(s *store.Schedule) *Schedule {
	return &Schedule{
		ID: s.ID, Name: s.Name, Description: s.Description, Payload: s.Payload,
		CronExpression: s.Expression, Qualifier: s.Qualifier, Enable: s.Enabled,
		CreatedTime: s.Created, LastModifiedTime: s.Modified,
	}
}

func scheduleExists(flowName, name string) error {
	return fault.New(fault.ScheduleAlreadyExists, "The schedule '%s' already exists in flow '%s'.",
		name, flowName)
}
