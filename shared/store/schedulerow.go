package store

import (
	"millrace/shared/flow"
	"millrace/shared/store/driver"
)

// scheduleFmt is the format of the schedules that this code writes. See executionFmt for what to do
// when it changes.
const scheduleFmt = 1

// Fields of a schedule.
const (
	scheduleAccount     = 1
	scheduleFlow        = 2
	scheduleFlowID      = 3
	scheduleName        = 4
	scheduleID          = 5
	scheduleDescription = 6
	schedulePayload     = 7
	scheduleExpression  = 8
	scheduleEnabled     = 9
	scheduleCreated     = 10
	scheduleModified    = 11
	scheduleAuthor      = 12
	scheduleNext        = 13
	schedulePlanned     = 14
	scheduleCheckFlow   = 15
	scheduleQualifier   = 16
)

func (s *Schedule) row() driver.Row {
	w := flow.FieldWriter{Buf: make([]byte, 0, 256+len(s.Payload)+len(s.Description))}
	start := w.BeginRow(scheduleFmt)
	w.String(scheduleAccount, s.Account)
	w.String(scheduleFlow, s.Flow)
	w.String(scheduleFlowID, s.FlowID)
	w.String(scheduleName, s.Name)
	w.String(scheduleID, s.ID)
	w.String(scheduleDescription, s.Description)
	w.String(schedulePayload, s.Payload)
	w.String(scheduleExpression, s.Expression)
	w.Bool(scheduleEnabled, s.Enabled)
	w.Uint(scheduleCreated, uint64(s.Created))
	w.Uint(scheduleModified, uint64(s.Modified))
	w.String(scheduleAuthor, s.Author)
	w.Uint(scheduleNext, uint64(s.Next))
	w.Uint(schedulePlanned, uint64(s.Planned))
	w.Uint(scheduleCheckFlow, uint64(s.CheckFlow))
	w.String(scheduleQualifier, s.Qualifier)
	w.Unknown(s.unknown)
	w.End(start)
	return driver.Row{Key: s.Key(), Version: s.Version, Fence: s.ID, Data: w.Buf, Wake: s.Wake()}
}

func decodeSchedule(row driver.Row) (*Schedule, error) {
	format, r := flow.ReadRow(row.Data)
	if format != scheduleFmt {
		return nil, ErrFormat
	}
	s := &Schedule{Version: row.Version}
	for r.Next() {
		if p := s.text(r.Field); p != nil {
			*p = r.String()
			continue
		}
		if p := s.time(r.Field); p != nil {
			*p = int64(r.Uint())
			continue
		}
		if r.Field == scheduleEnabled {
			s.Enabled = r.Bool()
			continue
		}
		r.Keep(&s.unknown)
	}
	if r.Err != nil || s.Key() != row.Key || s.ID != row.Fence {
		return nil, damagedRow("schedule", row.Key, flow.ErrCorrupt)
	}
	return s, nil
}

// text returns the text that a field of the row holds; nil: the field is no text.
func (s *Schedule) text(field int) *string {
	switch field {
	case scheduleAccount:
		return &s.Account
	case scheduleFlow:
		return &s.Flow
	case scheduleFlowID:
		return &s.FlowID
	case scheduleName:
		return &s.Name
	case scheduleID:
		return &s.ID
	case scheduleDescription:
		return &s.Description
	case schedulePayload:
		return &s.Payload
	case scheduleExpression:
		return &s.Expression
	case scheduleAuthor:
		return &s.Author
	case scheduleQualifier:
		return &s.Qualifier
	}
	return nil
}

// time returns the time that a field of the row holds; nil: the field is no time.
func (s *Schedule) time(field int) *int64 {
	switch field {
	case scheduleCreated:
		return &s.Created
	case scheduleModified:
		return &s.Modified
	case scheduleNext:
		return &s.Next
	case schedulePlanned:
		return &s.Planned
	case scheduleCheckFlow:
		return &s.CheckFlow
	}
	return nil
}
