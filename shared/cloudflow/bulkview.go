package cloudflow

import (
	"context"
	"errors"
	"strings"

	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/store"
)

// getBulk reads the bulk operation that a request names. Errors are faults.
func (s *Service) getBulk(
	ctx context.Context, c Caller, q BulkOperationRequest,
) (*store.BulkOperation, error) {
	if err := checkName("FlowName", q.FlowName); err != nil {
		return nil, err
	}
	if err := checkName("BulkName", q.BulkName); err != nil {
		return nil, err
	}
	f, err := s.getFlow(ctx, c, q.FlowName)
	if err != nil {
		return nil, err
	}
	b, err := s.Store.GetBulk(ctx, store.BulkKey(f.ID, q.BulkName))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.New(fault.BulkNotExists,
			"The bulk operation '%s' does not exist in flow '%s'.", q.BulkName, q.FlowName)
	} else if err != nil {
		return nil, FaultOf(err)
	}
	return b, nil
}

// namedPageToken returns the name that a page token holds after its prefix; "" for no token.
func namedPageToken(text, prefix string) (string, error) {
	token, err := decodePageToken(text)
	if err != nil || token == "" {
		return "", err
	}
	name, ok := strings.CutPrefix(token, prefix)
	if !ok || !flow.ValidLookup(name) {
		return "", errPageToken()
	}
	return name, nil
}

func bulkViewOf(b *store.BulkOperation, err error) (*BulkOperation, error) {
	if err != nil {
		return nil, err
	}
	return bulkView(b), nil
}

func bulkView(b *store.BulkOperation) *BulkOperation {
	counts := b.Counts
	shown := &BulkOperation{
		FlowName: b.Flow, Name: b.Name, Operation: b.Operation, Status: bulkStatus(b),
		Reason: b.Reason, CreatedBy: b.Author, Rate: int64(b.Rate), CreatedTime: b.Created,
		StoppedTime: b.Ended,
		Counts: BulkCounts{Accepted: counts.Accepted, Rejected: counts.Rejected,
			Running: counts.Open(), Succeeded: counts.Succeeded, Failed: counts.Failed,
			TimedOut: counts.TimedOut, Stopped: counts.Stopped},
	}
	if len(b.Names) == 0 {
		shown.AppliesTo = engine.BulkAppliesTo(b.Operation)
	}
	return shown
}

// bulkStatus returns what a bulk operation does: Running while it takes executions, Waiting for the
// ends of those that it has started, and then Completed, or Stopped if a request has stopped it.
func bulkStatus(b *store.BulkOperation) string {
	switch {
	case b.Phase == store.BulkEnded && b.StopRequested:
		return "Stopped"
	case b.Phase == store.BulkEnded:
		return "Completed"
	case b.Phase == store.BulkWaits:
		return "Waiting"
	}
	return "Running"
}
