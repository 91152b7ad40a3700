package engine

import (
	"millrace/shared/access"
	"millrace/shared/fault"
	"millrace/shared/interp"
)

// mayReport returns an error if the key that asked for the report of an execution's end may not
// report. The delivery is then retried like one whose task was not found, because the key may get
// the right back.
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

// mayStop returns an error if a flow may not stop executions of another flow.
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
