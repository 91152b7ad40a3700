package flow

import "strings"

// ChildStart is the execution that a task of FNF:StartExecution asks for. The engine reads it to stop
// the child with its parent, and a runner to start it: both must name the same execution.
type ChildStart struct {
	Resource      string // acs:fnf:{region}:{account}:flow/{name}; "" when FlowName names the flow
	FlowName      string // of an action of the older language
	ExecutionName string // "" when the flow gives none
}

// Names of parameters that each language spells in its own way. Both spellings count in both.
var (
	ExecutionNameKeys = []string{"executionName", "ExecutionName"}
	InputKeys         = []string{"input", "Input"}
)

// InvocationTypeKeys are the spellings of the invocation type of FC:InvokeFunction, the one that counts first.
var InvocationTypeKeys = []string{"invocationType", "InvocationType"}

// ReadChildStart reads the request in its three forms: the parameters of the newer language, and of the
// older one resource, which is its resourceArn, or without that the parameters of the action. text
// gives a parameter as a text, by its exact name, and "" for one that is absent or null.
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

// Flow is the name of the flow, as the resource or FlowName has it; "" when neither names one.
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
