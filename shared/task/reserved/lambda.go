package reserved

import (
	"strings"

	"millrace/shared/glob"
)

// logicalNames are the logical names in template.yaml of a deployment's functions on AWS, in lower
// case.
var logicalNames = []string{
	"apifunction", "expressfunction", "steprunnerfunction", "starterfunction", "sweeperfunction",
}

// truncatedMin is the length in bytes from which CloudFormation may have truncated a function's
// name. Names of Lambda functions have at most 64 bytes. In one stack, the longest logical name is
// 7 bytes longer than the shortest, and the suffixes that CloudFormation appends differ by one
// byte: so if one name of a stack is truncated, none is shorter than this.
const truncatedMin = 64 - 7 - 1

// AWS returns the functions of a deployment on AWS. running is the name of the running function,
// from which the names of the other functions of its stack are derived.
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

// CheckLambda returns an error if a Lambda function is the engine's own, in any account, region,
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

// isSibling reports whether a name in lower case may belong to a function of the same stack.
// CloudFormation truncates the logical name or the stack's name, by a different length for each
// function.
func (r *Resources) isSibling(name string) bool {
	stack := stackName(name)
	return stack != "" && r.stack != "" &&
		(strings.HasPrefix(stack, r.stack) || strings.HasPrefix(r.stack, stack))
}

// stackName returns the part before the logical name in a function's name in lower case,
// <stack>-<logical name>-<suffix>. It returns "" if the name is too short to be truncated or is not
// a name of a deployment's function.
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

// cutLast splits a name at its last hyphen.
func cutLast(name string) (before, after string, ok bool) {
	i := strings.LastIndexByte(name, '-')
	if i < 0 {
		return "", "", false
	}
	return name[:i], name[i+1:], true
}
