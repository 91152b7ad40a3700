package flow

import "strings"

// ChildStart is the execution that an FNF:StartExecution task starts. The engine reads it to stop
// the child with its parent, and the task to start the child: both must name the same execution.
type ChildStart struct {
	// Resource is acs:fnf:{region}:{account}:flow/{name}[/{qualifier}], or "" if FlowName names the
	// flow.
	Resource      string
	FlowName      string // of a FlowV1 action: {name}[/{qualifier}]
	ByName        bool   // FlowName names the flow, or should
	ExecutionName string // "" if the flow does not name the execution

	qualifier string // of the parameters
}

// Child is an execution that a task of another execution starts, ready to be started.
type Child struct {
	Account       string // of both executions
	FlowName      string
	Qualifier     string // version or alias of the flow; "": its current definition
	ExecutionName string // "" for a name derived from Key
	Input         []byte // a JSON object; nil: {}
	CallbackToken string // token to report to at the end; "" in all modes but WaitForSystemCallback
	Key           string // idempotency key of the attempt: the same key is the same start
	Parent        string // flow and execution of the task: orders/order-7
}

// Names of parameters that the dialects spell differently. Each dialect accepts both spellings; the
// first one wins.
var (
	ExecutionNameKeys = []string{"executionName", "ExecutionName"}
	QualifierKeys     = []string{"qualifier", "Qualifier"}
	InputKeys         = []string{"input", "Input"}
)

// InvocationTypeKeys are the spellings of the invocation type of FC:InvokeFunction. The first one
// present wins.
var InvocationTypeKeys = []string{"invocationType", "InvocationType"}

// ReadChildStart reads a start from the parameters. StateMachine and FlowV1 actions have only
// parameters; a FlowV1 resource has its resourceArn in resource. text returns a parameter as text
// by its exact name, or "" if it is absent or null.
func ReadChildStart(d Dialect, resource string, text func(name string) string) ChildStart {
	c := ChildStart{Resource: resource, ExecutionName: firstOf(ExecutionNameKeys, text),
		qualifier: firstOf(QualifierKeys, text)}
	d.traits().readFlow(&c, text)
	return c
}

// firstOf returns the first text that is not "" of the parameters with these names.
func firstOf(keys []string, text func(name string) string) string {
	for _, key := range keys {
		if t := text(key); t != "" {
			return t
		}
	}
	return ""
}

// Flow returns the name of the flow, from the resource or from FlowName; "" if neither names one.
func (c *ChildStart) Flow() string {
	name, _ := SplitQualified(c.qualifiedName())
	return name
}

// Qualifier returns the version or alias of the flow, from the name of the flow or else from the
// parameters; "" if neither has one.
func (c *ChildStart) Qualifier() string {
	if _, qualifier := SplitQualified(c.qualifiedName()); qualifier != "" {
		return qualifier
	}
	return c.qualifier
}

// Unqualified returns the resource name of the flow without the qualifier.
func (c *ChildStart) Unqualified() string {
	resource := c.Resource
	if resource == "" {
		resource = "acs:fnf:::flow/" + c.FlowName
	}
	if _, qualifier, qualified := strings.Cut(c.qualifiedName(), "/"); qualified {
		return strings.TrimSuffix(resource, "/"+qualifier)
	}
	return resource
}

func (c *ChildStart) qualifiedName() string {
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
