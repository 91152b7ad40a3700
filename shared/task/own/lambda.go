package own

import (
	"strings"

	"millrace/shared/glob"
)

// logicalNames are the functions of a deployment on AWS, as template.yaml calls them, in lower case.
var logicalNames = []string{"apifunction", "expressfunction", "steprunnerfunction", "starterfunction", "sweeperfunction"}

// truncatedMin is the length in bytes from which CloudFormation may have cut a name: those of Lambda have
// 64 at most. Among functions of one stack the longest logical name has 7 more than the shortest,
// and the ends that CloudFormation appends differ by one: a stack with a name that is cut has none
// that is shorter than this.
const truncatedMin = 64 - 7 - 1

// AWS returns the functions of a deployment on AWS: running is the name of the one that asks, from
// which those of the same stack are derived.
func AWS(running string) *Resources {
	r := &Resources{}
	if running == "" {
		return r
	}
	lower := strings.ToLower(running)
	r.lambdas = []string{lower}
	for _, one := range logicalNames {
		before, _, ok := strings.Cut(lower, one)
		if !ok {
			continue
		}
		for _, sibling := range logicalNames {
			r.lambdas = append(r.lambdas, before+sibling, before+sibling+"-*")
		}
	}
	r.stack = stackName(lower)
	return r
}

// CheckLambda refuses a Lambda function that is the engine's own, in any account and region, by any
// version or alias.
func (r *Resources) CheckLambda(arn string) error {
	if r == nil {
		return nil
	}
	parts := strings.Split(strings.ToLower(arn), ":")
	if len(parts) <= 6 {
		return nil
	}
	if r.isSibling(parts[6]) {
		return ownError(arn, string(function))
	}
	for _, pattern := range r.lambdas {
		if glob.Match(pattern, parts[6]) {
			return ownError(arn, string(function))
		}
	}
	return nil
}

// isSibling reports whether a name in lower case may be that of a function of the same stack, of
// which CloudFormation has cut the logical name or the stack's, as much as each name needs it.
func (r *Resources) isSibling(name string) bool {
	stack := stackName(name)
	return stack != "" && r.stack != "" && (strings.HasPrefix(stack, r.stack) || strings.HasPrefix(r.stack, stack))
}

// stackName returns what stands before the logical name in a function's name in lower case,
// <stack>-<logical name>-<end>; "" if the name is none that can have been cut, or of another function.
func stackName(name string) string {
	if len(name) < truncatedMin {
		return ""
	}
	front, _, _ := cutLast(name)
	stack, cut, ok := cutLast(front)
	if !ok || cut == "" {
		return ""
	}
	for _, one := range logicalNames {
		if strings.HasPrefix(one, cut) {
			return stack
		}
	}
	return ""
}

// cutLast cuts a name at its last hyphen.
func cutLast(name string) (before, after string, ok bool) {
	i := strings.LastIndexByte(name, '-')
	if i < 0 {
		return "", "", false
	}
	return name[:i], name[i+1:], true
}
