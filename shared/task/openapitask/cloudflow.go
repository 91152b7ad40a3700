package openapitask

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"millrace/shared/access"
	"millrace/shared/alibaba/acs"
	"millrace/shared/arn"
	"millrace/shared/flow"
	"millrace/shared/glob"
	"millrace/shared/task"
	"millrace/shared/value"
)

// ActionStartExecution is the action that CloudFlow carries out.
const ActionStartExecution = "FNF:StartExecution"

// CloudFlow starts executions of flows on Alibaba Cloud's own CloudFlow, in the engine's account:
// of flows whose resource name, acs:fnf:{region}:{account}:flow/{name}, matches one of Match. Next
// carries out all others.
//
// A task cannot wait for the end of such an execution, because CloudFlow reports it to its own
// tasks only. A task can wait until the execution itself reports it by its task token.
type CloudFlow struct {
	Service
	Match []string // globs, on the name as written and in full
	Next  task.Runner
}

// Run starts the execution and returns when CloudFlow has responded, or passes the request to Next.
func (t *CloudFlow) Run(ctx context.Context, r task.Request) task.Result {
	s, err := parseStartRequest(&r)
	if err != nil || !t.matches(s) {
		return t.Next.Run(ctx, r) // Next also reports what is wrong with the request
	}
	if !flow.ValidName(s.flow) {
		return startFailure(&r, task.NewError(r.ErrorName(invalidArgument),
			fmt.Sprintf("%q is no name of a flow: %s.", value.Cut(s.flow, 80), flow.NameRule)))
	}
	if cause := t.denyReason(&r, "StartExecution", s.arn.Region, s.flow); cause != "" {
		return r.DeniedResult(cause)
	}
	c, err := t.call(&r, s)
	if err != nil {
		return startFailure(&r, task.NewError(r.ErrorName(invalidArgument), err.Error()))
	}
	a, err := t.Client.Do(ctx, c)
	var resp struct{ FlowName, Name, RequestId string }
	if err == nil {
		err = value.Unmarshal(a.Body, &resp)
	}
	if err != nil {
		e := failure(ctx, &r, err)
		// A name derived from the attempt can only be taken by an earlier call of the same attempt.
		if !s.derived || !strings.HasSuffix(e.Name, ".ExecutionAlreadyExists") {
			return startFailure(&r, e)
		}
	}
	return r.StartedResult(s.flow, s.name, resp.RequestId)
}

// denyReason returns why the flow of a request may not call an operation of CloudFlow itself on a
// flow there, "" if it may. The flow there belongs to the engine's account. An empty flowName means
// an operation that names no flow; an empty region means the engine's.
func (s *Service) denyReason(r *task.Request, operation, region, flowName string) string {
	if r.May == nil {
		return ""
	}
	resource := "*"
	if flowName != "" {
		if region == "" {
			region = s.Endpoints.Region
		}
		resource = access.FlowARN(region, s.Endpoints.Account, flowName)
	}
	action := "fnf:" + operation
	if r.May(action, resource) {
		return ""
	}
	return access.DeniedMessage(access.Principal(r.RoleArn, r.Author), action,
		value.Cut(resource, 200))
}

// denyCloudFlow returns why the flow of a request may not call an operation of CloudFlow itself
// with these parameters, "" if it may. Every flow that the parameters may name, however the service
// reads them, must be open to flows by the operator's configuration (MILLRACE_CLOUDFLOW), and the
// calling flow must have the right to the operation on it. If the parameters name a role, the
// calling flow must have the right to pass it.
func (t *AnyProduct) denyCloudFlow(
	r *task.Request, product, operation string, p map[string]any,
) string {
	if _, listed := t.Products[product]; !listed && r.Account != t.Endpoints.Account {
		return "CloudFlow's own flows are those of the cloud's account, " + t.Endpoints.Account +
			", and this flow is of another, " + r.Account +
			". The operator can open them by listing fnf in MILLRACE_PRODUCTS."
	}
	region, _ := p["RegionId"].(string)
	var names []string
	for parameter, v := range p {
		text := task.Text(value.Encode(v))
		switch {
		case v == nil || text == "":
		case strings.EqualFold(parameter, "FlowName"), strings.EqualFold(parameter, "Name"):
			if !flow.ValidName(text) {
				return fmt.Sprintf("%s %q is no name of a flow: %s.", parameter,
					value.Cut(text, 80), flow.NameRule)
			}
			names = append(names, text)
		case strings.EqualFold(parameter, "RoleArn"):
			if r.May != nil && !r.May(access.PassRole, text) {
				return access.DeniedMessage(access.Principal(r.RoleArn, r.Author), access.PassRole,
					value.Cut(text, 200))
			}
		}
	}
	if names == nil {
		names = []string{""}
	}
	for _, name := range names {
		if cause := t.denyFlow(r, operation, region, name); cause != "" {
			return cause
		}
	}
	return ""
}

// denyFlow does denyCloudFlow's checks for one flow; an empty name means an operation that names no
// flow.
func (t *AnyProduct) denyFlow(r *task.Request, operation, region, name string) string {
	if cause := t.denyReason(r, operation, region, name); cause != "" {
		return cause
	}
	if name == "" {
		name = "*" // all flows
	}
	if region == "" {
		region = t.Endpoints.Region
	}
	full := access.FlowARN(region, t.Endpoints.Account, name)
	for _, pattern := range t.CloudFlow {
		if glob.Match(pattern, full) {
			return ""
		}
	}
	return "fnf:" + operation + " is for " + value.Cut(full, 200) +
		", which the operator has not opened to flows (MILLRACE_CLOUDFLOW)."
}

// startRequest is a parsed request to start an execution.
type startRequest struct {
	written   string // resource name, without the qualifier
	arn       arn.ARN
	flow      string
	qualifier string // version or alias of the flow; "": none
	name      string
	derived   bool // the name was not chosen by the flow
	input     json.RawMessage
}

// parseStartRequest reads the request in any of its three forms: the parameters of StateMachine,
// the resourceArn of FlowV1, the action of FlowV1.
func parseStartRequest(r *task.Request) (*startRequest, error) {
	p, err := task.ReadParameters(r.Parameters)
	if err != nil {
		return nil, err
	}
	child := flow.ReadChildStart(r.Dialect, r.Resource, p.Text)
	s := &startRequest{
		written: child.Unqualified(), flow: child.Flow(), qualifier: child.Qualifier(),
		name: child.ExecutionName, input: p.First(flow.InputKeys...),
	}
	if r.Resource != "" && len(r.Parameters) == 0 {
		s.input = r.Input
	}
	if s.arn, err = arn.Parse(s.written); err != nil {
		return nil, err
	}
	if s.flow == "" {
		return nil, errors.New("no flow")
	}
	if s.name == "" {
		sum := sha256.Sum256([]byte("start\x00" + r.Key))
		s.name, s.derived = "m-"+hex.EncodeToString(sum[:16]), true
	}
	return s, nil
}

func (t *CloudFlow) matches(s *startRequest) bool {
	full := s.arn.WithDefaults(t.Endpoints.Region, t.Endpoints.Account).String()
	for _, pattern := range t.Match {
		if glob.Match(pattern, s.written) || glob.Match(pattern, full) {
			return true
		}
	}
	return false
}

// call returns the call of StartExecution.
func (t *CloudFlow) call(r *task.Request, s *startRequest) (*acs.Request, error) {
	if r.Mode == flow.WaitForSystemCallback {
		return nil, fmt.Errorf(
			"the end of an execution of CloudFlow's own cannot be waited for (%s): let it "+
				"report the task by token, or start it without waiting", s.written)
	}
	if s.arn.Account != "" && s.arn.Account != t.Endpoints.Account {
		return nil, fmt.Errorf("the flow belongs to another account: %s", s.written)
	}
	product := knownProducts["fnf"]
	endpoint, err := t.Endpoints.Product("fnf", s.arn.Region, product.Host)
	if err != nil {
		return nil, err
	}
	input := task.Text(s.input)
	if input == "" {
		input = "{}"
	}
	form := url.Values{"FlowName": {s.flow}, "ExecutionName": {s.name}, "Input": {input}}
	if s.qualifier != "" {
		form.Set("Qualifier", s.qualifier)
	}
	return rpc(endpoint, "StartExecution", product.Version, form), nil
}

// startFailure returns the result of a task that failed with an error of CloudFlow.
func startFailure(r *task.Request, e *flow.Error) task.Result {
	_, code, _ := strings.Cut(e.Name, ".")
	return r.OwnFailure(code, e.Cause)
}
