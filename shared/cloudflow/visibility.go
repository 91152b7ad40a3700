package cloudflow

import (
	"millrace/shared/access"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/store"
)

// visibility is what a response may show a caller of a flow and its executions: no more than
// DescribeFlow, DescribeExecution and the reports would show or allow.
type visibility struct {
	flow    bool // definition and environment: fnf:DescribeFlow
	data    bool // input and output: fnf:DescribeExecution
	payload bool // the same, and histories: not denied by fnf:ReadPayload
	tokens  bool // live task tokens: both reports

	// paths are the flow's hidden paths, unless the caller has started the execution.
	paths hiddenPaths
}

// visibility returns what the caller may see of a flow and an execution of it. startedBy is the key
// that has started the execution.
func (c Caller) visibility(f *store.Flow, startedBy string) visibility {
	v := visibility{
		flow:    c.may("fnf:DescribeFlow", f.Name),
		data:    c.may("fnf:DescribeExecution", f.Name),
		payload: c.may(access.ReadPayload, f.Name),
		tokens:  c.AuthorizeReports() == nil,
	}
	if len(f.HiddenPaths) > 0 && !c.isStarter(startedBy) {
		v.paths = newHiddenPaths(f.HiddenPaths)
	}
	return v
}

// isStarter reports whether the caller has the key that has started an execution. What a flow does
// in a key's name is not done by the key: everybody who may read the flow's executions sees it.
func (c Caller) isStarter(startedBy string) bool {
	return c.FlowPrincipal == "" && c.Identity == startedBy
}

// filter hides what the caller may not see.
func (v visibility) filter(x *Execution) *Execution {
	if !v.flow {
		x.FlowDefinition, x.Environment = "", nil
	}
	if !v.data {
		x.Input, x.Output = "", ""
		return x
	}
	hidden := &Hidden{}
	x.Input, hidden.Input = v.text(x.Input, hidden)
	x.Output, hidden.Output = v.text(x.Output, hidden)
	x.Hidden = hidden.orNil()
	return x
}

// text hides what the caller may not see of a JSON text: all of it, and then shape is not nil, or
// the values at hidden paths.
func (v visibility) text(text string, hidden *Hidden) (shown string, shape *Shape) {
	switch {
	case text == "":
		return "", nil
	case !v.payload:
		return "", shapeOf([]byte(text))
	case len(v.paths) > 0:
		text = string(v.paths.hide([]byte(text), hidden))
	}
	return v.mask(text), nil
}

// cause hides the cause of an error from a caller who may not see payloads: causes quote them, with
// hidden values too.
func (v visibility) cause(text string) (shown string, shape *Shape) {
	if text == "" || v.payload && len(v.paths) == 0 {
		return v.mask(text), nil
	}
	return "", &Shape{Type: "string", Bytes: len(text)}
}

// event hides what the caller may not see of a history event, whose values are loaded. It reports
// whether it has hidden anything.
func (v visibility) event(e *flow.HistoryEvent) bool {
	if v.payload && len(v.paths) == 0 || e.Type == flow.MapRunStarted {
		return false
	}
	hidden := &Hidden{}
	for _, p := range [...]**flow.Value{&e.Input, &e.Local, &e.Output} {
		if *p == nil {
			continue
		}
		text := (*p).Text()
		if !v.payload {
			hidden.Input = shapeOf(text)
			*p = flow.NewValue(hidden.Input.String())
		} else {
			*p = flow.TextValue(v.paths.hide(text, hidden))
		}
	}
	if e.Error != nil && e.Error.Cause != "" {
		hidden.ErrorMessage = &Shape{Type: "string", Bytes: len(e.Error.Cause)}
		e.Error = &flow.Error{Name: e.Error.Name, Cause: hidden.ErrorMessage.String()}
	}
	return hidden.orNil() != nil
}

// filterUpdated hides, if the caller may not describe the flow, every field that the update did not
// send. Otherwise a caller that may only change a description would get the whole flow in the
// response.
func (v visibility) filterUpdated(f *Flow, sent UpdateFlowRequest) *Flow {
	if v.flow {
		return f
	}
	shown := &Flow{
		ID:                      f.ID,
		Name:                    f.Name,
		CreatedTime:             f.CreatedTime,
		LastModifiedTime:        f.LastModifiedTime,
		Type:                    deref(sent.Type),
		Definition:              deref(sent.Definition),
		Description:             deref(sent.Description),
		RoleArn:                 deref(sent.RoleArn),
		ExternalStorageLocation: deref(sent.ExternalStorageLocation),
	}
	if sent.Environment != nil {
		shown.Environment = f.Environment
	}
	if sent.HiddenPaths != nil {
		shown.HiddenPaths = f.HiddenPaths
	}
	if sent.SearchKeys != nil {
		shown.SearchKeys = f.SearchKeys
	}
	return shown
}

// filterError hides, if the caller may not describe the flow, why an update was rejected. It keeps
// the reason if the caller sent the role or the definition that the reason names.
func (v visibility) filterError(err error, sent bool) error {
	if err == nil || v.flow || sent {
		return err
	}
	return fault.New(fault.AccessDenied, "The resources doesn't belong to you. The flow that the "+
		"update leaves has a role, "+
		"or names flows, that this needs more rights for. To a key with fnf:DescribeFlow on the "+
		"flow, the response says which.")
}
