package cloudflow

import (
	"context"

	"millrace/shared/cron"
	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/store"
)

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
