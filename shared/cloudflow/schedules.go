package cloudflow

import (
	"context"
	"errors"
	"strings"
	"time"

	"millrace/shared/cron"
	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/flow"
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
	return s.writeNewSchedule(ctx, sch)
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
	return filterSchedule(c, q, scheduleView(updated)), nil
}

// applyScheduleUpdate applies a checked update. An empty CronExpression is ignored; an empty
// Description, Payload or Qualifier clears the field. A schedule that the update enables, or whose expression
// it changes, is planned from now on: it catches up with nothing.
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

// changeSchedule reads a schedule and changes it. If it was written meanwhile, it does both again.
// Before each change, what the schedule has planned until then is seen to. Errors are faults.
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
	return scheduleView(sch), nil
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

// scheduleToken begins the page tokens of ListSchedules, so that those of other lists are rejected.
const scheduleToken = "schedules of "

// ListSchedules pages by name through the schedules of a flow (docs/api.md#listschedules).
func (s *Service) ListSchedules(
	ctx context.Context, c Caller, q ListOfFlowRequest,
) (*SchedulePage, error) {
	if err := checkName("FlowName", q.FlowName); err != nil {
		return nil, err
	}
	limit, err := checkLimit(q.Limit, 1000)
	if err != nil {
		return nil, err
	}
	token, err := decodePageToken(q.NextToken)
	if err != nil {
		return nil, err
	}
	f, err := s.getFlow(ctx, c, q.FlowName)
	if err != nil {
		return nil, err
	}
	prefix := scheduleToken + f.ID + ":"
	after, ok := strings.CutPrefix(token, prefix)
	if token != "" && (!ok || !flow.ValidName(after)) {
		return nil, errPageToken()
	}
	list, more, err := s.Store.ListSchedules(ctx, f.ID, after, limit)
	if err != nil {
		return nil, FaultOf(err)
	}
	described := c.may("fnf:DescribeSchedule", f.Name)
	page, size := &SchedulePage{Schedules: []Schedule{}}, 0
	for i, sch := range list {
		shown := scheduleView(sch)
		if !described {
			shown.Payload = ""
		}
		page.Schedules = append(page.Schedules, *shown)
		size += len(shown.Payload) + len(shown.Description) + 512
		if last := i+1 == len(list); last && more || !last && size > s.PageBytes {
			page.NextToken = encodePageToken(prefix + sch.Name)
			break
		}
	}
	return page, nil
}

// checkSchedule checks what the operations on one schedule have in common.
func checkSchedule(flowName, name, description string) error {
	if err := checkName("FlowName", flowName); err != nil {
		return err
	}
	if err := checkName("ScheduleName", name); err != nil {
		return err
	}
	if len(description) > descriptionMax {
		return fault.New(fault.InvalidArgument, "Description must have at most %d bytes.",
			descriptionMax)
	}
	return nil
}

func parseExpression(text string) (*cron.Expression, error) {
	e, err := cron.Parse(text)
	if err != nil {
		return nil, fault.New(fault.InvalidArgument, "CronExpression is invalid: %v.", err)
	}
	return e, nil
}

// checkPayload checks that a payload fits into the input of the executions, with what a schedule
// adds to it.
func (s *Service) checkPayload(
	ctx context.Context, f *store.Flow, name, payload string,
) error {
	if payload == "" {
		return nil
	}
	dialect, err := s.Engine.Dialect(ctx, f)
	if err != nil {
		return FaultOf(err)
	}
	limit := s.Limits.Data(dialect)
	empty, err := engine.ScheduleInput(name, "", 0)
	if err != nil {
		return fault.Internal(err)
	}
	limit -= len(empty) - len("{}")
	if len(payload) > limit {
		return fault.TooLarge(limit)
	}
	input, err := engine.ScheduleInput(name, payload, 0)
	if err != nil {
		return fault.New(fault.InvalidArgument, "Payload must be a JSON object: %v.", err)
	}
	if len(input) > s.Limits.Data(dialect) {
		return fault.TooLarge(limit)
	}
	return nil
}

// mayStartBy checks that the caller may start the flow of an enabled schedule, because the schedule
// starts it with the caller's rights.
func (c Caller) mayStartBy(sch *store.Schedule) error {
	if !sch.Enabled {
		return nil
	}
	return c.Authorize("fnf:StartExecution", sch.Flow)
}

// filterSchedule hides, if the caller may not describe the schedule, the fields that its update did
// not send.
func filterSchedule(c Caller, q UpdateScheduleRequest, shown *Schedule) *Schedule {
	if c.may("fnf:DescribeSchedule", q.FlowName) {
		return shown
	}
	shown.Description, shown.Payload = deref(q.Description), deref(q.Payload)
	shown.CronExpression, shown.Qualifier = deref(q.CronExpression), deref(q.Qualifier)
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
