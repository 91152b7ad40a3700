package engine

import (
	"millrace/shared/flow"
	"millrace/shared/store"
)

// logEnd logs a line about an execution that ended without success. Causes and outputs must not be
// logged: they may hold secrets.
func (e *Engine) logEnd(x *store.Execution) {
	if !e.LogEnds || x.Status == flow.Succeeded {
		return
	}
	name := ""
	if x.Error != nil {
		name = x.Error.Name
	}
	e.Log.Info("execution ended without success", "account", x.Account, "flow", x.Flow,
		"execution", x.Name, "status", x.Status.String(), "error", name)
}
