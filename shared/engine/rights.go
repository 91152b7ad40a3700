package engine

import (
	"fmt"

	"millrace/shared/access"
	"millrace/shared/interp"
)

// mayReport returns an error if the key that asked for the report of an execution's end may not
// report. The delivery is then retried like one whose task was not found, because the key may get
// the right back.
func (e *Engine) mayReport(from outboxSource, o *interp.OutboxEntry) error {
	if e.Rights == nil || from.callbackBy == "" {
		return nil
	}
	action := "fnf:ReportTaskSucceeded"
	if o.Error != nil {
		action = "fnf:ReportTaskFailed"
	}
	return e.authorize(from.account, "", from.callbackBy, action, "*")
}

// mayStop returns an error if a flow may not stop executions of another flow.
func (e *Engine) mayStop(from outboxSource, flowName string) error {
	if e.Rights == nil {
		return nil
	}
	return e.authorize(from.account, from.role, from.author, "fnf:StopExecution",
		access.FlowARN(e.Region, from.account, flowName))
}

func (e *Engine) authorize(account, role, author, action, resource string) error {
	may, err := e.Rights(account, role, author)
	if err != nil {
		return fmt.Errorf("engine: no rights: %v", err) // not %w: no delivery ends by it
	}
	if may != nil && !may(action, resource) {
		return fmt.Errorf("the policies of %s do not allow %s on %s",
			access.Principal(role, author), action, resource)
	}
	return nil
}
