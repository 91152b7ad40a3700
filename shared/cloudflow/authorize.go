package cloudflow

import (
	"millrace/shared/access"
	"millrace/shared/fault"
	"millrace/shared/value"
)

// Authorize checks an action, "fnf:<Operation>", on a flow against the caller's policies. flowName
// is "" if the operation names no flow. The fault is AccessDenied.
func (c Caller) Authorize(action, flowName string) error {
	if c.May == nil {
		return nil
	}
	resource := "*"
	if flowName != "" {
		resource = c.resource(flowName)
	}
	if c.May(action, resource) {
		return nil
	}
	return c.accessDenied(action, resource)
}

// AuthorizeReports checks that the caller may send both reports of a task.
func (c Caller) AuthorizeReports() error {
	for _, report := range [...]string{"fnf:ReportTaskSucceeded", "fnf:ReportTaskFailed"} {
		if err := c.Authorize(report, ""); err != nil {
			return err
		}
	}
	return nil
}

// may reports whether the caller's policies allow an action on a flow.
func (c Caller) may(action, flowName string) bool {
	return c.May == nil || c.May(action, c.resource(flowName))
}

func (c Caller) resource(flowName string) string {
	return access.FlowARN(c.Region, c.Account, flowName)
}

// accessDenied returns the fault for an action that policies do not allow: those of the caller's
// key, or those of the identity that a flow acts with.
func (c Caller) accessDenied(action, resource string) error {
	if c.FlowPrincipal != "" {
		return fault.New(fault.AccessDenied, "%s", access.DeniedMessage(c.FlowPrincipal, action,
			value.Cut(resource, 200)))
	}
	return fault.New(fault.AccessDenied, "The resources doesn't belong to you. The key's policies "+
		"do not allow %s on %s.",
		action, value.Cut(resource, 200))
}
