package cloudflow

import "context"

// Schedules are not supported yet, so the operations that create them are not served. The operation
// that lists them is, because clients list before they delete a flow.

// ListSchedules returns an empty page (docs/api.md#listschedules).
func (s *Service) ListSchedules(
	ctx context.Context, c Caller, q ListOfFlowRequest,
) (EmptyPage, error) {
	return s.listNothing(ctx, c, q)
}

// listNothing makes the checks of a list that has rows. It rejects every NextToken, because no page
// of these lists has one.
func (s *Service) listNothing(
	ctx context.Context, c Caller, q ListOfFlowRequest,
) (EmptyPage, error) {
	if err := checkName("FlowName", q.FlowName); err != nil {
		return EmptyPage{}, err
	}
	if _, err := checkLimit(q.Limit, 1000); err != nil {
		return EmptyPage{}, err
	}
	if q.NextToken != "" {
		return EmptyPage{}, errPageToken()
	}
	_, err := s.getFlow(ctx, c, q.FlowName)
	return EmptyPage{}, err
}
