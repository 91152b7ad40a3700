package engine

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/value"
)

// Child describes the start of an execution by a task of another execution.
type Child struct {
	Account       string
	FlowName      string
	Name          string // "" derives one from Key
	Input         []byte // a JSON object; nil: {}
	CallbackToken string // token to report to at the end; "" for none
	Key           string // idempotency key of the attempt: the same key is the same start
}

// StartChild starts an execution for a task and returns its name. Called again for the same attempt
// it returns the same execution, even if that has ended.
func (r *Engine) StartChild(ctx context.Context, c Child) (string, error) {
	f, err := r.Store.GetFlow(ctx, c.Account, c.FlowName)
	if errors.Is(err, store.ErrNotFound) {
		return "", fault.New(fault.FlowNotExists, "Flow '%s' does not exist.", c.FlowName)
	} else if err != nil {
		return "", fault.Internal(err)
	}
	name := c.Name
	if name == "" {
		name = interp.ChildName(c.Key)
	} else if !flow.ValidName(name) {
		return "", fault.New(fault.InvalidArgument,
			"ExecutionName '%s' is invalid: %s.", name, flow.NameRule)
	}
	if len(c.Input) == 0 {
		c.Input = []byte("{}")
	}
	canonical, err := value.Canonical(c.Input)
	if err != nil || canonical[0] != '{' {
		return "", fault.New(fault.InvalidArgument, "Input must be a JSON object.")
	}
	lang, err := r.Language(ctx, f)
	if err != nil {
		return "", fault.Internal(err)
	}
	if limit := r.Limits.Data(lang); max(len(c.Input), len(canonical)) > limit {
		return "", fault.TooLarge(limit)
	}
	x, created, err := r.StartExecution(ctx, Start{
		Flow: f, Name: name, Input: c.Input, Canonical: canonical,
		CallbackToken: c.CallbackToken, Origin: taskOrigin(c.Key),
	})
	if err != nil {
		return "", fault.Internal(err)
	}
	if !created && (x.Status.Final() || c.CallbackToken != "") {
		// A running namesake of another origin will never report to this task.
		return "", fault.New(fault.ExecutionAlreadyExists,
			"Execution '%s' for flow '%s' already exists.", name, c.FlowName)
	}
	return x.Name, nil
}

// startedBy returns the attempt whose task started an execution, from its origin; 0 if no task did.
func startedBy(origin string) int64 {
	key, ok := strings.CutPrefix(origin, "task#")
	if !ok || len(key) != 32 {
		return 0
	}
	attempt, err := strconv.ParseInt(key[16:], 16, 64)
	if err != nil {
		return 0
	}
	return attempt
}

// taskOrigin returns the origin of an execution that a task starts.
func taskOrigin(key string) string { return "task#" + key }
