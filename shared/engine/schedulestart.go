package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"millrace/shared/access"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/value"
)

// ScheduleCounts counts planned times by their outcome. Each counts in one process.
type ScheduleCounts struct {
	Started  int64
	Skipped  int64 // not started, because a later time had come or the time was too long past
	Rejected int64 // not started, because the start was rejected
}

type scheduleCounters struct{ started, skipped, rejected atomic.Int64 }

// ScheduleCounts returns the counts of this process.
func (e *Engine) ScheduleCounts() ScheduleCounts {
	c := &e.schedules
	return ScheduleCounts{c.started.Load(), c.skipped.Load(), c.rejected.Load()}
}

// startPlanned starts the execution for the planned time that is decided (Planned); nothing if
// there is none. Another process may do the same: the execution is started once. rejection says
// that it is not started and will never be. After an error the schedule must stay as it is, and
// startPlanned be called again.
func (e *Engine) startPlanned(
	ctx context.Context, f *store.Flow, s *store.Schedule,
) (rejection, err error) {
	if s.Planned == 0 {
		return nil, nil
	}
	rejection, err = e.tryPlanned(ctx, f, s)
	if err != nil && e.nowMillis()-s.Planned > e.CatchUp.Milliseconds() {
		return err, nil
	}
	return rejection, err
}

// reportPlanned counts a planned time, 0 for none, and logs why its execution was not started.
func (e *Engine) reportPlanned(s *store.Schedule, planned int64, rejection error) {
	switch {
	case planned == 0:
	case rejection == nil:
		e.schedules.started.Add(1)
	default:
		e.schedules.rejected.Add(1)
		e.Log.Warn("a schedule cannot start its flow at a planned time", "account", s.Account,
			"flow", s.Flow, "schedule", s.Name, "time", plannedTime(planned), "err", rejection)
	}
}

// tryPlanned starts the execution for the planned time. rejection says why it can never be started,
// err why it was not now.
func (e *Engine) tryPlanned(
	ctx context.Context, f *store.Flow, s *store.Schedule,
) (rejection, err error) {
	if e.Rights != nil {
		if denied := e.authorize(s.Account, "", s.Author, "fnf:StartExecution",
			access.FlowARN(e.Region, s.Account, s.Flow)); denied != nil {
			return denied, nil
		}
	}
	input, err := ScheduleInput(s.Name, s.Payload, s.Planned)
	if err != nil {
		return err, nil
	}
	start := Start{
		Name: scheduledName(s), Input: input, Canonical: input, Qualifier: s.Qualifier,
		Source: store.SourceSchedule + s.Name,
		Origin: "schedule#" + s.ID + "#" + strconv.FormatInt(s.Planned, 10),
	}
	x, created, err := e.startQualified(ctx, f, &start)
	var missing *store.NoQualifierError
	var large *TooLargeError
	switch {
	case errors.As(err, &missing), errors.As(err, &large):
		return err, nil
	case err != nil:
		return nil, err
	case !created:
		return fmt.Errorf("another execution has the name %s since %s", start.Name,
			plannedTime(x.Started)), nil
	}
	return nil, nil
}

// startQualified starts an execution of f, or of the version of f that the start's qualifier names.
// If there is no such version (any more), it returns the execution that has the name, or a
// *store.NoQualifierError. An input that is too long is a *TooLargeError.
func (e *Engine) startQualified(
	ctx context.Context, f *store.Flow, start *Start,
) (x *store.Execution, created bool, err error) {
	start.Flow, err = e.Store.Qualified(ctx, f, start.Qualifier, start.Name)
	var missing *store.NoQualifierError
	if errors.As(err, &missing) {
		start.Flow = f
		return e.namesake(ctx, start, missing)
	} else if err != nil {
		return nil, false, err
	}
	dialect, err := e.Dialect(ctx, start.Flow)
	if err != nil {
		return nil, false, err
	}
	if limit := e.Limits.Data(dialect); len(start.Input) > limit {
		return nil, false, &TooLargeError{limit}
	}
	return e.StartExecution(ctx, *start)
}

// ScheduleInput returns the input of an execution that a schedule starts, canonical. payload is a
// JSON object as sent, "" for an empty one. The length does not depend on the planned time.
func ScheduleInput(name, payload string, planned int64) ([]byte, error) {
	if payload == "" {
		payload = "{}"
	}
	return value.Canonical([]byte(`{"payload":` + payload + `,"triggerName":"` + name +
		`","triggerTime":"` + plannedTime(planned) + `"}`))
}

// scheduledName returns the name of the execution for the planned time: that of the schedule and
// the time in seconds since 1970. A long name is cut, and has a hash of the whole one, so that
// schedules whose names begin alike do not collide.
func scheduledName(s *store.Schedule) string {
	suffix := "-" + strconv.FormatInt(s.Planned/1000, 10)
	name := s.Name
	if nameMax := flow.NameMax - len(suffix); len(name) > nameMax {
		sum := sha256.Sum256([]byte(name))
		hash := "-" + hex.EncodeToString(sum[:6])
		name = name[:nameMax-len(hash)] + hash
	}
	return name + suffix
}
