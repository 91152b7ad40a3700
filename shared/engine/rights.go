package engine

import (
	"millrace/shared/access"
	"millrace/shared/fault"
	"millrace/shared/interp"
)

// mayReport asks whether the key in whose name an execution's end is reported may still report. A
// report that it may not make now is tried again like one whose task was not found: the rights may
// come back.
func (r *Engine) mayReport(from outboxSource, o *interp.OutboxEntry) error {
	if r.Rights == nil || from.callbackBy == "" {
		return nil
	}
	action := "fnf:ReportTaskSucceeded"
	if o.Error != nil {
		action = "fnf:ReportTaskFailed"
	}
	return r.authorize(from.account, "", from.callbackBy, action, "*")
}

// mayStop asks whether a flow may stop executions of another.
func (r *Engine) mayStop(from outboxSource, flowName string) error {
	if r.Rights == nil {
		return nil
	}
	return r.authorize(from.account, from.role, from.author, "fnf:StopExecution",
		access.FlowARN(r.Region, from.account, flowName))
}

func (r *Engine) authorize(account, role, author, action, resource string) error {
	may, err := r.Rights(account, role, author)
	if err != nil {
		return fault.New(fault.AccessDenied, "%s", err)
	}
	if may != nil && !may(action, resource) {
		return fault.New(fault.AccessDenied, "The policies of %s do not allow %s on %s.",
			access.Principal(role, author), action, resource)
	}
	return nil
}
