package flowv1

import (
	"strings"

	"millrace/shared/flow"
)

// mappingContext describes what exists at the place of a mapping, as far as the definition shows
// it.
type mappingContext struct {
	step  bool // $context has a step
	token bool // $context has a task token, because the task waits for a report
	local localShape
}

// localShape is what is known about $local.
type localShape uint8

const (
	anyLocal   localShape = iota
	emptyLocal            // {}
	listLocal             // one object for each branch or iteration
	errorLocal            // error and cause
)

// localShapeOf returns the shape of $local in the outputMappings of a step.
func localShapeOf(kind flow.Kind) localShape {
	switch kind {
	case flow.Pass, flow.Wait, flow.Succeed:
		return emptyLocal
	case flow.Parallel, flow.Map:
		return listLocal
	}
	return anyLocal
}

// selectsNothing returns a hint if a path certainly selects nothing, otherwise "".
func (p mappingContext) selectsNothing(path string) string {
	switch {
	case !p.step && member(path, "$context", "step"):
		return "a flow's own mappings belong to no step"
	case !p.token && member(path, "$context", "task"):
		return "only a task with the pattern waitForCallback has a token"
	}
	rest, ok := strings.CutPrefix(path, "$local")
	if !ok || rest == "" {
		return ""
	}
	switch {
	case p.local == emptyLocal:
		return "this step makes no local data: its $local is {}; " +
			"what the step before gave is in $input"
	case p.local == listLocal && rest[0] == '.':
		return "$local is a list here, one object a branch or iteration: write $local[*]" +
			cut(rest) + " or $local[0]" + cut(rest)
	case p.local == errorLocal && rest[0] == '.' && !member(path, "$local", "error") &&
		!member(path, "$local", "cause") &&
		!member(path, "$local", "code"):
		return "an error has $local.error and $local.cause"
	}
	return ""
}

// member reports whether a path selects a member of a root, or something inside it.
func member(path, root, name string) bool {
	rest, ok := strings.CutPrefix(path, root+"."+name)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
