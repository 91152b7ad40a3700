package cloudflow

import (
	"context"
	"strings"

	"millrace/shared/flow"
)

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
		shown := scheduleOf(c, f, sch)
		if !described {
			shown.Payload, shown.Hidden = "", nil
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
