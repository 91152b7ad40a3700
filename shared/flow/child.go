package flow

import "strings"

// ChildStart is the execution that an FNF:StartExecution task starts. The engine reads it to stop
// the child with its parent, and the task to start the child: both must name the same execution.
type ChildStart struct {
	Resource      string // acs:fnf:{region}:{account}:flow/{name}; "" if FlowName names the flow
	FlowName      string // of a FlowV1 action
	ByName        bool   // FlowName names the flow, or should
	ExecutionName string // "" if the flow does not name the execution
}

// Child is an execution that a task of another execution starts, ready to be started.
type Child struct {
	Account       string // of both executions
	FlowName      string
	ExecutionName string // "" for a name derived from Key
	Input         []byte // a JSON object; nil: {}
	CallbackToken string // token to report to at the end; "" in all modes but WaitForSystemCallback
	Key           string // idempotency key of the attempt: the same key is the same start
}

// Names of parameters that the dialects spell differently. Each dialect accepts both spellings; the
// first one wins.
var (
	ExecutionNameKeys = []string{"executionName", "ExecutionName"}
	InputKeys         = []string{"input", "Input"}
)

// InvocationTypeKeys are the spellings of the invocation type of FC:InvokeFunction. The first one
// present wins.
var InvocationTypeKeys = []string{"invocationType", "InvocationType"}

// ReadChildStart reads a start from the parameters. StateMachine and FlowV1 actions have only
// parameters; a FlowV1 resource has its resourceArn in resource. text returns a parameter as text
// by its exact name, or "" if it is absent or null.
func ReadChildStart(d Dialect, resource string, text func(name string) string) ChildStart {
	c := ChildStart{Resource: resource}
	for _, key := range ExecutionNameKeys {
		if c.ExecutionName == "" {
			c.ExecutionName = text(key)
		}
	}
	d.traits().readFlow(&c, text)
	return c
}

// Flow returns the name of the flow, from the resource or from FlowName; "" if neither names one.
func (c *ChildStart) Flow() string {
	if c.Resource == "" {
		return c.FlowName
	}
	parts := strings.SplitN(c.Resource, ":", 5)
	name, ok := strings.CutPrefix(strings.TrimPrefix(parts[len(parts)-1], "/"), "flow/")
	if !ok || len(parts) != 5 || parts[1] != "fnf" {
		return ""
	}
	return name
}
