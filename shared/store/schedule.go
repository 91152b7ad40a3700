package store

import (
	"context"

	"millrace/shared/store/driver"
)

// Schedule is a schedule of a flow (docs/protocol.md#schedules). Times are in ms since 1970.
//
// Planned and Next say what was decided about its planned times: those before Planned are started
// or skipped, Planned is being started, those between Planned and Next are skipped, Next is the
// first that is still to come.
type Schedule struct {
	Account     string
	Flow        string // name
	FlowID      string
	Name        string // unique in the flow
	ID          string // UUID, new for each creation
	Description string
	Payload     string // JSON object as sent; "" for none
	Expression  string
	Qualifier   string // version or alias of the flow; "": its current definition
	Enabled     bool
	Created     int64 // "@every" counts from it
	Modified    int64 // by a request; starts do not change it
	// Author is the public id of the key that last changed the schedule; "" on an open server. What
	// it starts, it starts with this key's rights.
	Author string

	Next    int64 // 0 while it is disabled
	Planned int64 // planned time whose execution must be started; 0: none
	// CheckFlow is when to check that the flow still exists, because its deletion may have missed
	// a schedule that was created at the same time. 0: it is certain that the deletion of the flow
	// removes the schedule.
	CheckFlow int64

	Version int64

	unknown []byte // fields of the row that only a newer program knows
}

// Wake returns when the schedule must be looked at, ms since 1970; 0: never.
func (s *Schedule) Wake() int64 {
	wake := int64(0)
	for _, need := range [...]int64{s.Next, s.Planned, s.CheckFlow} {
		if need > 0 && (wake == 0 || need < wake) {
			wake = need
		}
	}
	return wake
}

// Key returns the key of the schedule's row.
func (s *Schedule) Key() driver.Key { return ScheduleKey(s.FlowID, s.Name) }

// GetSchedule reads a schedule, strongly consistent. It returns ErrNotFound if there is none.
func (s *Store) GetSchedule(ctx context.Context, k driver.Key) (*Schedule, error) {
	row, err := s.driver.Get(ctx, k)
	if err != nil {
		return nil, err
	}
	return decodeSchedule(row)
}

// CreateSchedule writes a new schedule. It returns ErrConflict if the name is taken in the flow.
func (s *Store) CreateSchedule(ctx context.Context, c *Schedule) error {
	c.Version = 1
	return s.writeSchedule(ctx, c, driver.Condition{Absent: true, Now: s.nowMillis()})
}

// UpdateSchedule writes a schedule that was read. It returns ErrConflict if the schedule has
// changed since. After an error, c has its version again.
func (s *Store) UpdateSchedule(ctx context.Context, c *Schedule) error {
	cond := driver.Condition{Version: c.Version, Fence: c.ID}
	c.Version++
	err := s.writeSchedule(ctx, c, cond)
	if err != nil {
		c.Version = cond.Version
	}
	return err
}

func (s *Store) writeSchedule(ctx context.Context, c *Schedule, cond driver.Condition) error {
	row := c.row()
	if cond.Absent {
		if err := s.diskUse.admit(c.Account); err != nil {
			return err
		}
	}
	err := s.driver.Commit(ctx, nil, row, cond)
	if err == nil && cond.Absent {
		s.diskUse.add(c.Account, sizeOfRow(&row))
	}
	return err
}

// DeleteSchedule removes a schedule that was read. It returns ErrConflict if the schedule has
// changed since, or is gone.
func (s *Store) DeleteSchedule(ctx context.Context, c *Schedule) error {
	return s.driver.Delete(ctx, c.Key(), &driver.Condition{Version: c.Version, Fence: c.ID})
}

// ListSchedules reads at most limit schedules of a flow by name, strongly consistent, beginning
// after the given name. more reports that others are left.
func (s *Store) ListSchedules(
	ctx context.Context, flowID, after string, limit int,
) (list []*Schedule, more bool, err error) {
	from := prefixSchedule
	if after != "" {
		from += after + "\x00"
	}
	// One more than asked for is read: that a driver may have more rows does not say that it has.
	for more = true; more && len(list) <= limit; {
		var rows []driver.Row
		rows, more, err = s.driver.Range(ctx, driver.Range{Partition: definitionPartition(flowID),
			From: from, To: afterSchedules, Limit: limit + 1 - len(list)})
		if err != nil {
			return nil, false, err
		}
		for _, row := range rows {
			c, err := decodeSchedule(row)
			if err != nil {
				return nil, false, err
			}
			list = append(list, c)
			from = row.Sort + "\x00"
		}
	}
	if len(list) > limit {
		return list[:limit], true, nil
	}
	return list, false, nil
}
