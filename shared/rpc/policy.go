package rpc

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"millrace/shared/glob"
)

// Policy is a RAM-style policy: what a key may do. A key with several policies has the statements of all.
type Policy struct{ Statements []Statement }

// Statement allows or denies actions on resources. Actions are globs over names like `fnf:StartExecution`, in any
// case; resources are globs over names like `acs:fnf:<region>:<account>:flow/<name>`. `*` stands for any characters,
// `?` for one.
type Statement struct {
	Effect    string // "Allow" or "Deny"
	Actions   []string
	Resources []string
}

// check refuses what would silently match nothing.
func (s *Statement) check() error {
	if s.Effect != "Allow" && s.Effect != "Deny" {
		return fmt.Errorf("Effect is %q; write Allow or Deny", s.Effect)
	}
	if len(s.Actions) == 0 || len(s.Resources) == 0 {
		return errors.New("a statement needs at least one Action and one Resource; write \"*\" for any")
	}
	for _, a := range s.Actions {
		if a != "*" && !strings.HasPrefix(strings.ToLower(a), "fnf:") {
			return fmt.Errorf("Action %q is not one of this service; write fnf:<Operation>, a glob like fnf:Start*, or \"*\"", a)
		}
		if !namesOperation(a) {
			return fmt.Errorf("Action %q fits no operation; write fnf:<Operation> as the API calls it, a glob like fnf:Start*, or \"*\"", a)
		}
	}
	for _, r := range s.Resources {
		if r != "*" && !strings.HasPrefix(r, "acs:fnf:") {
			return fmt.Errorf("Resource %q is not one of this service; write acs:fnf:<region>:<account>:flow/<name>, a glob, or \"*\"", r)
		}
		if r != "*" && !namesFlow(r) {
			return fmt.Errorf("Resource %q fits no flow; write acs:fnf:<region>:<account>:flow/<name>, a glob, or \"*\"", r)
		}
	}
	return nil
}

// notServed are the product's operations that this server does not have. Policies may speak of them.
var notServed = []string{
	"CreateSchedule", "UpdateSchedule", "DescribeSchedule", "DeleteSchedule",
	"PublishFlowVersion", "DeleteFlowVersion",
	"CreateFlowAlias", "UpdateFlowAlias", "DeleteFlowAlias", "DescribeFlowAlias",
	"DescribeMapRun", "UpdateMapRun", "UpdateFlowDraft", "StartDebugExecution", "DescribeAgentRunLogs",
}

// namesOperation tells whether an action of a policy can be meant.
func namesOperation(action string) bool {
	action = strings.ToLower(action)
	fits := func(name string) bool { return glob.Match(action, strings.ToLower("fnf:"+name)) }
	for name := range operations {
		if fits(name) {
			return true
		}
	}
	return slices.ContainsFunc(notServed, fits)
}

// namesFlow tells whether a resource of a policy can fit a flow, as far as its parts say: `*` may stand for several.
func namesFlow(resource string) bool {
	parts := strings.SplitN(resource, ":", 5)
	if len(parts) < 5 {
		return strings.Contains(resource, "*")
	}
	const flows = "flow/"
	kind := parts[4]
	if i := strings.IndexAny(kind, "*?"); i >= 0 {
		kind = kind[:min(i, len(flows))]
	}
	return strings.HasPrefix(kind, flows) || kind != parts[4] && strings.HasPrefix(flows, kind)
}

// Allows tells whether the policies together allow an action on a resource, both written out: a statement allows it,
// and none denies it.
func Allows(policies []Policy, action, resource string) bool {
	action = strings.ToLower(action)
	allowed := false
	for _, p := range policies {
		for i := range p.Statements {
			s := &p.Statements[i]
			if !s.matches(action, resource) {
				continue
			}
			if s.Effect != "Allow" {
				return false
			}
			allowed = true
		}
	}
	return allowed
}

// matches takes the action in lower case.
func (s *Statement) matches(action, resource string) bool {
	for _, a := range s.Actions {
		if !glob.Match(strings.ToLower(a), action) {
			continue
		}
		for _, r := range s.Resources {
			if glob.Match(r, resource) {
				return true
			}
		}
		return false
	}
	return false
}
