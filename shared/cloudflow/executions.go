package cloudflow

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// StartExecution claims the name and starts the execution (docs/api.md#startexecution). If an
// execution with this name is running, StartExecution returns it and starts nothing. If it has
// ended, the fault is ExecutionAlreadyExists.
func (s *Service) StartExecution(
	ctx context.Context, c Caller, q StartExecutionRequest,
) (*Execution, error) {
	start, err := s.prepare(ctx, c, q)
	if err != nil {
		return nil, err
	}
	f := start.Flow
	if start.Name = q.ExecutionName; start.Name == "" {
		start.Name = s.generatedName(c, q.FlowName)
		if c.Nonce != "" {
			start.Origin = "request#" + c.AccessKey + "#" + c.Nonce
		}
	}
	if q.CallbackToken != "" {
		start.CallbackBy = c.Identity
	}
	x, created, err := s.startQualified(ctx, start)
	if err != nil {
		return nil, err
	}
	if !created && x.Status.Final() {
		return nil, fault.New(fault.ExecutionAlreadyExists,
			"Execution '%s' for flow '%s' already exists.", start.Name, q.FlowName)
	}
	shown, err := s.executionView(ctx, c, f, x)
	if err != nil {
		return nil, err
	}
	if created {
		shown.Input, shown.Hidden = q.Input, nil // the caller sent it
	}
	// The response always shows a running execution, even if the execution ended in the commit that
	// started it.
	shown.Status, shown.Output, shown.StoppedTime = flow.Running.String(), "", 0
	if shown.Hidden != nil {
		shown.Hidden.Output = nil
		shown.Hidden = shown.Hidden.orNil()
	}
	return shown, nil
}

// prepare makes the checks that StartExecution and StartSyncExecution share.
func (s *Service) prepare(
	ctx context.Context, c Caller, q StartExecutionRequest,
) (*engine.Start, error) {
	if err := checkName("FlowName", q.FlowName); err != nil {
		return nil, err
	}
	if q.ExecutionName != "" {
		if err := checkName("ExecutionName", q.ExecutionName); err != nil {
			return nil, err
		}
	}
	if len(q.CallbackToken) > interp.TokenBytesMax {
		return nil, fault.New(fault.InvalidArgument,
			"CallbackFnFTaskToken must have at most %d bytes.", interp.TokenBytesMax)
	}
	input, err := parseObject("Input", q.Input, s.dataBytesMax())
	if err != nil {
		return nil, err
	}
	f, err := s.getFlow(ctx, c, q.FlowName)
	if err != nil {
		return nil, err
	}
	return &engine.Start{
		Flow:          f,
		Input:         []byte(q.Input),
		Canonical:     input.canonical,
		Tree:          input.tree,
		CallbackToken: q.CallbackToken,
		StartedBy:     c.Identity,
		Source:        c.source(),
		Qualifier:     q.Qualifier,
	}, nil
}

// source returns the Source of an execution that a caller starts.
func (c Caller) source() string {
	if c.Source == "" && c.Identity != "" && c.FlowPrincipal == "" {
		return store.SourceKey + c.Identity
	}
	return c.Source
}

// startQualified starts an execution of the version that its qualifier names, or returns the
// execution that has its name. created is that of Engine.StartExecution.
func (s *Service) startQualified(
	ctx context.Context, start *engine.Start,
) (x *store.Execution, created bool, err error) {
	current := start.Flow
	if start.Flow, err = s.qualified(ctx, current, start.Qualifier, start.Name); err != nil {
		return s.existing(ctx, current, start, err)
	}
	if err := s.checkInputSize(ctx, start); err != nil {
		return nil, false, err
	}
	if x, created, err = s.Engine.StartExecution(ctx, *start); err != nil {
		return nil, false, FaultOf(err)
	}
	return x, created, nil
}

// existing returns the execution that already has the name of a rejected start: a name in use comes
// first (docs/api.md#the-same-name-twice). If there is none, it returns rejection.
func (s *Service) existing(
	ctx context.Context, f *store.Flow, start *engine.Start, rejection error,
) (x *store.Execution, created bool, err error) {
	x, err = s.Engine.Load(ctx, store.Partition(f.ID, start.Name))
	if left := store.Deleted(err); left != nil {
		x, err = left, nil
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, false, rejection
	} else if err != nil {
		return nil, false, FaultOf(err)
	}
	return x, start.Origin != "" && x.Origin == start.Origin, nil
}

// checkInputSize compares the input of a start with the data limit of the definition that it runs.
// The limit holds for the text as sent, blanks and escapes included, and for its canonical form.
func (s *Service) checkInputSize(ctx context.Context, start *engine.Start) error {
	dialect, err := s.Engine.Dialect(ctx, start.Flow)
	if err != nil {
		return FaultOf(err)
	}
	limit := s.Limits.Data(dialect)
	if max(len(start.Input), len(start.Canonical)) > limit {
		return fault.TooLarge(limit)
	}
	return nil
}

// generatedName returns a UUID. For a signed request it is derived from the request, so that the
// request, if it is repeated, finds its own execution (docs/protocol.md#start).
func (s *Service) generatedName(c Caller, flowName string) string {
	if c.Nonce == "" {
		return uuid(s.random16(flowName))
	}
	sum := sha256.Sum256([]byte(
		"name#" + c.Account + "#" + c.AccessKey + "#" + c.Nonce + "#" + c.Timestamp))
	return uuid([16]byte(sum[:16]))
}

// StartSyncExecution runs an Express execution and returns its result
// (docs/api.md#startsyncexecution).
func (s *Service) StartSyncExecution(
	ctx context.Context, c Caller, q StartExecutionRequest,
) (*SyncExecution, error) {
	start, err := s.prepare(ctx, c, q)
	if err != nil {
		return nil, err
	}
	start.Name = uuid(s.random16(q.FlowName))
	if q.ExecutionName != "" {
		start.Name = q.ExecutionName + ":" + start.Name
	}
	if start.Flow, err = s.qualified(ctx, start.Flow, q.Qualifier, start.Name); err != nil {
		return nil, err
	}
	if err := s.checkInputSize(ctx, start); err != nil {
		return nil, err
	}
	if start.Flow.Mode != flow.Express {
		return nil, fault.New(fault.ActionNotSupported, "Standard execution is not supported")
	}
	x, err := s.Engine.RunSync(ctx, *start)
	if err != nil {
		return nil, FaultOf(err)
	}
	shown, err := s.fullExecution(ctx, x)
	if err != nil {
		return nil, err
	}
	v := c.visibility(start.Flow, c.Identity)
	v.data = true // the caller started the execution, so its result needs no right to describe it
	out := &SyncExecution{Execution: *v.filter(shown)}
	if x.Error != nil {
		var cause *Shape
		out.ErrorCode = v.mask(x.Error.Name)
		if out.ErrorMessage, cause = v.cause(x.Error.Cause); cause != nil {
			out.Hidden = &Hidden{ErrorMessage: cause}
		}
	}
	return out, nil
}

// StopExecution ends a running execution (docs/api.md#stopexecution).
func (s *Service) StopExecution(
	ctx context.Context, c Caller, q StopExecutionRequest,
) (*Execution, error) {
	if err := checkLookup(q.FlowName, q.ExecutionName); err != nil {
		return nil, err
	}
	if err := checkText("Error", q.Error, flow.ErrorNameMax); err != nil {
		return nil, err
	}
	if err := checkText("Cause", q.Cause, flow.ErrorCauseMax); err != nil {
		return nil, err
	}
	f, err := s.getFlow(ctx, c, q.FlowName)
	if err != nil {
		return nil, err
	}
	x, err := s.Engine.Stop(ctx, store.Partition(f.ID, q.ExecutionName),
		&flow.Error{Name: deref(q.Error), Cause: deref(q.Cause)})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, executionMissing(q.FlowName, q.ExecutionName)
	case errors.Is(err, engine.ErrExecutionEnded):
		return nil, fault.New(fault.ExecutionAlreadyCompleted,
			"Execution '%s' for flow '%s' has already completed.", q.ExecutionName, q.FlowName)
	case err != nil:
		return nil, FaultOf(err)
	}
	shown, err := s.executionView(ctx, c, f, x)
	if err == nil && c.may("fnf:DescribeFlow", q.FlowName) {
		shown.RoleArn = x.RoleArn
	}
	return shown, err
}

// waitMax bounds a long poll, in seconds.
const waitMax = 60

// DescribeExecution returns an execution when it has ended or the wait is over
// (docs/api.md#describeexecution).
func (s *Service) DescribeExecution(
	ctx context.Context, c Caller, q DescribeExecutionRequest,
) (*Execution, error) {
	if err := checkLookup(q.FlowName, q.ExecutionName); err != nil {
		return nil, err
	}
	wait, err := s.waitTime(q.WaitTimeSeconds)
	if err != nil {
		return nil, err
	}
	f, err := s.getFlow(ctx, c, q.FlowName)
	if err != nil {
		return nil, err
	}
	x, err := s.Engine.Await(ctx, store.Partition(f.ID, q.ExecutionName), wait)
	if errors.Is(err, store.ErrNotFound) {
		return nil, executionMissing(q.FlowName, q.ExecutionName)
	} else if err != nil {
		return nil, FaultOf(err)
	}
	shown, err := s.executionView(ctx, c, f, x)
	if err == nil {
		showParent(c, x, shown)
	}
	return shown, err
}

// waitTime returns how long a request waits.
func (s *Service) waitTime(seconds *int64) (time.Duration, error) {
	if seconds == nil {
		return 0, nil
	}
	if *seconds < 0 || *seconds > waitMax {
		return 0, fault.New(fault.InvalidArgument, "WaitTimeSeconds must be from 0 to %d.", waitMax)
	}
	wait := time.Duration(*seconds) * time.Second
	if s.WaitMax > 0 {
		wait = min(wait, s.WaitMax)
	}
	return wait, nil
}

// showParent names the execution that waits for the end of another one, if the caller may describe
// it: that of its MapRun, or the one whose task started it.
func showParent(c Caller, x *store.Execution, shown *Execution) {
	flowName, name := x.Flow, x.Parent
	if x.MapRun == "" {
		waiting, ok := interp.ParseToken(x.Callback)
		if !ok {
			return
		}
		flowName, name = waiting.Flow, waiting.Execution
	}
	if c.may("fnf:DescribeExecution", flowName) {
		shown.ParentFlowName, shown.ParentExecutionName = flowName, name
		shown.MapRunName = x.MapRun
	}
}

// executionView returns an execution of a flow as the wire shows it to a caller.
func (s *Service) executionView(
	ctx context.Context, c Caller, f *store.Flow, x *store.Execution,
) (*Execution, error) {
	if x.Deleted > 0 { // its start is repeated
		out := metadataView(x)
		out.MetadataOnly = false
		return out, nil
	}
	out, err := s.fullExecution(ctx, x)
	if err != nil {
		return nil, err
	}
	v, sum := c.visibility(f, x.StartedBy), x.Summary()
	v.showFound(f, &sum, out)
	if c.May == nil && len(f.HiddenPaths) == 0 {
		return out, nil
	}
	return v.filter(out), nil
}

// fullExecution returns an execution as the wire shows it to its owner.
func (s *Service) fullExecution(ctx context.Context, x *store.Execution) (*Execution, error) {
	definition, err := s.Store.Definition(ctx, x.FlowID, x.Hash)
	if err != nil {
		return nil, FaultOf(err)
	}
	input, err := s.Store.InputText(ctx, x)
	if err != nil {
		return nil, s.readFault(ctx, x, err)
	}
	out := metadataView(x)
	out.MetadataOnly = false
	out.FlowDefinition, out.Input = definition, string(input)
	if x.Status == flow.Succeeded && x.Output != nil {
		if err := s.Store.LoadValues(ctx, x, []*flow.Value{x.Output}); err != nil {
			return nil, s.readFault(ctx, x, err)
		}
		out.Output = string(x.Output.Text())
	}
	return out, nil
}

func metadataView(x *store.Execution) *Execution {
	return &Execution{
		FlowName:     x.Flow,
		Name:         x.Name,
		Status:       x.Status.String(),
		StartedTime:  x.Started,
		StoppedTime:  x.Stopped,
		RedriveCount: int64(x.Redrive),
		RedriveDate:  x.Redriven,
		Environment:  variables(x.Environment, false),
		MetadataOnly: true,
	}
}
