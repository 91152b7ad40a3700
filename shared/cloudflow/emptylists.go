package cloudflow

import "context"

// No flow has schedules, versions or aliases yet: the operations that make them are not served. The
// operations that list them are, because clients list before they delete a flow.

// ListSchedules lists a flow's schedules: none (api.md 4.14).
func (s *Service) ListSchedules(ctx context.Context, c Caller, q ListOfFlowRequest) (EmptyPage, error) {
	return s.listNothing(ctx, c, q)
}

// ListFlowVersions lists a flow's versions: none (api.md 4.15).
func (s *Service) ListFlowVersions(ctx context.Context, c Caller, q ListOfFlowRequest) (EmptyPage, error) {
	return s.listNothing(ctx, c, q)
}

// ListFlowAliases lists a flow's aliases: none (api.md 4.16).
func (s *Service) ListFlowAliases(ctx context.Context, c Caller, q ListOfFlowRequest) (EmptyPage, error) {
	return s.listNothing(ctx, c, q)
}

// listNothing makes the checks that a list with rows would make. Every NextToken is invalid,
// because no page has ever had one.
func (s *Service) listNothing(ctx context.Context, c Caller, q ListOfFlowRequest) (EmptyPage, error) {
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
