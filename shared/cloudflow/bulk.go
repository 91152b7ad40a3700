package cloudflow

import (
	"context"
	"errors"
	"slices"

	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/value"
)

// Bounds of a bulk operation.
const (
	bulkNamesMax   = 500
	bulkRateMax    = 1000 // executions a second
	bulkRate       = 20   // if the request has none
	bulkSamplesMax = 10
	// bulkCountMax is how many matches a dry run counts, bulkPagesMax how many pages of the list it
	// reads for that.
	bulkCountMax = 100_000
	bulkPagesMax = 100
)

// CreateBulkOperation makes a bulk operation, which the engine then carries out, or says what one
// would act on (docs/api.md#createbulkoperation).
func (s *Service) CreateBulkOperation(
	ctx context.Context, c Caller, q CreateBulkOperationRequest,
) (*BulkOperation, error) {
	b, err := newBulk(q)
	if err != nil {
		return nil, err
	}
	f, err := s.getFlow(ctx, c, q.FlowName)
	if err != nil {
		return nil, err
	}
	if err := c.mayActInBulk(b); err != nil {
		return nil, err
	}
	now := s.Now()
	b.Account, b.FlowID, b.Author = c.Account, f.ID, c.Identity
	b.ID, b.Created = uuid(s.random16(q.FlowName)), now.UnixMilli()
	b.Wake = b.Created
	if b.Filter.End == 0 || b.Filter.End > b.Created {
		b.Filter.End = b.Created // what the operation starts is not acted on
	}
	if q.DryRun != nil && *q.DryRun {
		return s.dryRun(ctx, f, b)
	}
	if b.Name == "" {
		b.Name = "bulk-" + now.UTC().Format("20060102T150405") + "-" + b.ID[:8]
	}
	err = s.Store.CreateBulk(ctx, b)
	if errors.Is(err, store.ErrConflict) {
		return s.existingBulk(ctx, b)
	} else if err != nil {
		return nil, FaultOf(err)
	}
	s.Engine.HintBulk(b)
	return bulkView(b), nil
}

// existingBulk returns the bulk operation that has the name of a new one, if the same key has asked
// for the same: then this request is a repeat.
func (s *Service) existingBulk(
	ctx context.Context, b *store.BulkOperation,
) (*BulkOperation, error) {
	old, err := s.Store.GetBulk(ctx, b.Key())
	if err != nil {
		return nil, FaultOf(err)
	}
	filter := b.Filter
	filter.End = old.Filter.End // by default, the time of the request
	if old.Author != b.Author || old.Operation != b.Operation || old.Filter != filter ||
		!slices.Equal(old.Names, b.Names) {
		return nil, fault.New(fault.BulkAlreadyExists,
			"The bulk operation '%s' already exists in flow '%s'.", b.Name, b.Flow)
	}
	s.Engine.HintBulk(old)
	return bulkView(old), nil
}

// newBulk checks the parameters of a bulk operation.
func newBulk(q CreateBulkOperationRequest) (*store.BulkOperation, error) {
	if err := checkName("FlowName", q.FlowName); err != nil {
		return nil, err
	}
	if q.BulkName != "" {
		if err := checkName("BulkName", q.BulkName); err != nil {
			return nil, err
		}
	}
	if !slices.Contains(engine.BulkOperations, q.Operation) {
		return nil, fault.New(fault.InvalidArgument, "Operation %s must be one of %q.",
			value.Quote(q.Operation), engine.BulkOperations)
	}
	if q.Reason != "" {
		if err := checkText("Reason", &q.Reason, flow.ErrorCauseMax); err != nil {
			return nil, err
		}
	}
	b := &store.BulkOperation{Flow: q.FlowName, Name: q.BulkName, Operation: q.Operation,
		Reason: q.Reason, Rate: bulkRate, Phase: store.BulkActs}
	if q.Rate != nil {
		if *q.Rate < 1 || *q.Rate > bulkRateMax {
			return nil, fault.New(fault.InvalidArgument, "Rate must be from 1 to %d.", bulkRateMax)
		}
		b.Rate = int(*q.Rate)
	}
	return b, selectForBulk(b, q)
}

// selectForBulk sets which executions an operation is for: those that are named, or those that a
// filter selects. A request that selects nothing in particular is rejected.
func selectForBulk(b *store.BulkOperation, q CreateBulkOperationRequest) error {
	l, err := newListing(ListExecutionsRequest{Status: q.Status,
		StartedTimeBegin: q.StartedTimeBegin, StartedTimeEnd: q.StartedTimeEnd,
		ExecutionNamePrefix: q.ExecutionNamePrefix})
	if err != nil {
		return err
	}
	b.Filter = store.ExecutionFilter{NamePrefix: q.ExecutionNamePrefix, Qualifier: q.Qualifier,
		Begin: l.Begin, End: l.End}
	b.Filter.Status, _ = flow.ParseStatus(q.Status)
	filtered := b.Filter != store.ExecutionFilter{} || q.Status != ""
	switch {
	case q.Status != "" && !engine.AppliesTo(b.Operation, b.Filter.Status):
		return fault.New(fault.InvalidArgument, "%s applies to %s: Status %s selects none.",
			b.Operation, engine.BulkAppliesTo(b.Operation), q.Status)
	case q.ExecutionNames == "" && !filtered:
		return fault.New(fault.InvalidArgument, "ExecutionNames or a filter must say which "+
			"executions: Status, ExecutionNamePrefix, StartedTimeBegin, StartedTimeEnd, Qualifier.")
	case q.ExecutionNames == "":
		return nil
	case filtered:
		return fault.New(fault.InvalidArgument, "ExecutionNames and a filter exclude each other.")
	}
	if err := value.Unmarshal([]byte(q.ExecutionNames), &b.Names); err != nil {
		return fault.New(fault.InvalidArgument, `ExecutionNames must be like ["a","b"]: %v.`, err)
	}
	if len(b.Names) == 0 || len(b.Names) > bulkNamesMax {
		return fault.New(fault.InvalidArgument, "ExecutionNames must have 1 to %d names.",
			bulkNamesMax)
	}
	for _, name := range b.Names {
		if !flow.ValidLookup(name) {
			return fault.New(fault.InvalidArgument, "ExecutionNames: %s is invalid.",
				value.Quote(name))
		}
	}
	slices.Sort(b.Names)
	b.Names = slices.Compact(b.Names)
	return nil
}

// mayActInBulk checks the rights that a bulk operation acts with. They are asked again for each
// execution. A filter shows which executions there are.
func (c Caller) mayActInBulk(b *store.BulkOperation) error {
	if len(b.Names) == 0 {
		if err := c.Authorize("fnf:ListExecutions", b.Flow); err != nil {
			return err
		}
	}
	return c.Authorize("fnf:"+b.Operation, b.Flow)
}

// dryRun returns what a bulk operation would act on.
func (s *Service) dryRun(
	ctx context.Context, f *store.Flow, b *store.BulkOperation,
) (*BulkOperation, error) {
	found := &BulkDryRun{Samples: []string{}}
	add := func(name string) {
		if found.Matches++; len(found.Samples) < bulkSamplesMax {
			found.Samples = append(found.Samples, name)
		}
	}
	for _, name := range b.Names {
		x, err := s.Store.Load(ctx, store.Partition(f.ID, name))
		if err == nil && engine.AppliesTo(b.Operation, x.Status) {
			add(name)
		} else if err != nil && !errors.Is(err, store.ErrNotFound) && !store.IsDamaged(err) {
			return nil, FaultOf(err)
		}
	}
	l := store.ListOptions{FlowID: f.ID, Shards: f.ListShards, Begin: b.Filter.Begin,
		End: b.Filter.End, Limit: 200, Match: func(x store.Summary) bool {
			return b.Filter.Matches(x) && engine.AppliesTo(b.Operation, x.Status)
		}}
	for page := 0; len(b.Names) == 0; page++ {
		if page == bulkPagesMax || found.Matches >= bulkCountMax {
			found.More = true
			break
		}
		list, next, err := s.Store.List(ctx, l)
		if err != nil {
			return nil, FaultOf(err)
		}
		for _, x := range list {
			add(x.Name)
		}
		if l.Before = next; next == "" {
			break
		}
	}
	shown := bulkView(b)
	shown.Status, shown.DryRun = "", found
	return shown, nil
}

// DescribeBulkOperation returns a bulk operation (docs/api.md#describebulkoperation).
func (s *Service) DescribeBulkOperation(
	ctx context.Context, c Caller, q BulkOperationRequest,
) (*BulkOperation, error) {
	b, err := s.getBulk(ctx, c, q)
	if err != nil {
		return nil, err
	}
	return bulkView(b), nil
}

// bulkTries is how often a request is repeated that meets other writers of a bulk operation.
const bulkTries = 20

// StopBulkOperation lets a bulk operation take no more executions
// (docs/api.md#stopbulkoperation). Stopping one that has ended changes nothing.
func (s *Service) StopBulkOperation(
	ctx context.Context, c Caller, q BulkOperationRequest,
) (*BulkOperation, error) {
	for range bulkTries {
		b, err := s.getBulk(ctx, c, q)
		if err != nil || b.StopRequested || b.Phase == store.BulkEnded {
			return bulkViewOf(b, err)
		}
		b.StopRequested = true
		err = s.Store.UpdateBulk(ctx, b)
		if err == nil {
			s.Engine.HintBulk(b)
			return bulkView(b), nil
		} else if !errors.Is(err, store.ErrConflict) {
			return nil, FaultOf(err)
		}
	}
	return nil, fault.New(fault.ConcurrentUpdateError, "The bulk operation is being changed. Try "+
		"again.")
}

// bulkToken begins the page tokens of the lists of bulk operations, so that those of other lists
// are rejected.
const bulkToken = "bulks of "

// ListBulkOperations pages through the bulk operations of a flow, those with the last names first
// (docs/api.md#listbulkoperations).
func (s *Service) ListBulkOperations(
	ctx context.Context, c Caller, q ListOfFlowRequest,
) (*BulkOperationPage, error) {
	if err := checkName("FlowName", q.FlowName); err != nil {
		return nil, err
	}
	limit, err := checkLimit(q.Limit, 100)
	if err != nil {
		return nil, err
	}
	f, err := s.getFlow(ctx, c, q.FlowName)
	if err != nil {
		return nil, err
	}
	prefix := bulkToken + f.ID + ":"
	before, err := namedPageToken(q.NextToken, prefix)
	if err != nil {
		return nil, err
	}
	list, more, err := s.Store.ListBulks(ctx, f.ID, before, limit)
	if err != nil {
		return nil, FaultOf(err)
	}
	page := &BulkOperationPage{Operations: []BulkOperation{}}
	for _, b := range list {
		page.Operations = append(page.Operations, *bulkView(b))
	}
	if more {
		page.NextToken = encodePageToken(prefix + list[len(list)-1].Name)
	}
	return page, nil
}

// ListBulkResults pages through the results of a bulk operation by the names of the executions
// (docs/api.md#listbulkresults).
func (s *Service) ListBulkResults(
	ctx context.Context, c Caller, q ListBulkResultsRequest,
) (*BulkResultPage, error) {
	limit, err := checkLimit(q.Limit, 1000)
	if err != nil {
		return nil, err
	}
	b, err := s.getBulk(ctx, c, BulkOperationRequest{q.FlowName, q.BulkName})
	if err != nil {
		return nil, err
	}
	prefix := bulkToken + b.ID + ":"
	after, err := namedPageToken(q.NextToken, prefix)
	if err != nil {
		return nil, err
	}
	list, more, err := s.Store.BulkResults(ctx, b.Key(), after, limit)
	if err != nil {
		return nil, FaultOf(err)
	}
	page := &BulkResultPage{Results: []BulkResult{}}
	for _, r := range list {
		shown := BulkResult{ExecutionName: r.Name, ErrorCode: r.Code, ErrorMessage: r.Message,
			StartedExecutionName: r.Target, Time: r.Time}
		if r.Status != 0 {
			shown.Status = r.Status.String()
		}
		page.Results = append(page.Results, shown)
	}
	if more {
		page.NextToken = encodePageToken(prefix + list[len(list)-1].Name)
	}
	return page, nil
}
