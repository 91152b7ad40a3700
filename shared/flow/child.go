package flow

import "strings"

// ChildStart is the execution that an FNF:StartExecution task starts. The engine reads it to stop
// the child with its parent, and the task to start the child: both must name the same execution.
type ChildStart struct {
	Resource      string // acs:fnf:{region}:{account}:flow/{name}; "" if FlowName names the flow
	FlowName      string // of a FlowV1 action
	ExecutionName string // "" if the flow does not name the execution
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
func ReadChildStart(v1 bool, resource string, text func(name string) string) ChildStart {
	c := ChildStart{Resource: resource}
	for _, key := range ExecutionNameKeys {
		if c.ExecutionName == "" {
			c.ExecutionName = text(key)
		}
	}
	switch {
	case v1 && resource == "":
		c.FlowName = text("FlowName")
	case !v1:
		c.Resource = text("resourceArn")
	}
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
