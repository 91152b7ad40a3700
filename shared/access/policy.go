// Package access says who may do what: policies, the keys and roles that have them, and what an
// execution may do in the name of one of them. It knows nothing of secrets and signatures.
package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"millrace/shared/glob"
)

// Policy is a RAM-style policy: what a key or a role may do. A key with several policies has the
// statements of all.
type Policy struct{ Statements []Statement }

// Statement allows or denies actions on resources. Actions are globs over names like
// `fnf:StartExecution`, in any case; resources are globs over names like
// `acs:fnf:<region>:<account>:flow/<name>`. `*` stands for any characters, `?` for one.
type Statement struct {
	Effect    string // "Allow" or "Deny"
	Actions   []string
	Resources []string
}

// PassRole is the action that writing a flow with a role needs, on the role's resource name.
const PassRole = "ram:PassRole"

// Check returns what is wrong with the first statement that is.
func Check(policies []Policy) error {
	for _, p := range policies {
		for i := range p.Statements {
			if err := p.Statements[i].Check(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Check refuses what would silently match nothing.
func (s *Statement) Check() error {
	if s.Effect != "Allow" && s.Effect != "Deny" {
		return fmt.Errorf("Effect is %q; write Allow or Deny", s.Effect)
	}
	if len(s.Actions) == 0 || len(s.Resources) == 0 {
		return errors.New("a statement needs at least one Action and one Resource; write \"*\" for any")
	}
	var actions, resources kind // of all together
	for _, a := range s.Actions {
		k, err := kindOfAction(a)
		if err != nil {
			return err
		}
		actions |= k
	}
	for _, r := range s.Resources {
		k, err := kindOfResource(r)
		if err != nil {
			return err
		}
		if k&actions == 0 {
			return fmt.Errorf("Resource %q fits none of the statement's actions: %s", r, actions.resourceHint())
		}
		resources |= k
	}
	for _, a := range s.Actions {
		if k, _ := kindOfAction(a); k&resources == 0 {
			return fmt.Errorf("Action %q fits none of the statement's resources: %s", a, k.resourceHint())
		}
	}
	return nil
}

// kind is what an action works on, or what a resource can name.
type kind uint8

const (
	flows kind = 1 << iota
	roles
)

// resourceHint says which resource an action of the kind works on.
func (k kind) resourceHint() string {
	if k == roles {
		return PassRole + " is for resources like acs:ram::<account>:role/<name>"
	}
	return "fnf:<Operation> is for resources like acs:fnf:<region>:<account>:flow/<name>"
}

func kindOfAction(a string) (k kind, _ error) {
	lower := strings.ToLower(a)
	if a != "*" && !strings.HasPrefix(lower, "fnf:") && !strings.HasPrefix(lower, "ram:") {
		return 0, fmt.Errorf("Action %q is not one of this service; write fnf:<Operation>, a glob like fnf:Start*, "+
			PassRole+", or \"*\"", a)
	}
	if slices.ContainsFunc(Operations, func(name string) bool { return glob.Match(lower, strings.ToLower("fnf:"+name)) }) {
		k = flows
	}
	if glob.Match(lower, strings.ToLower(PassRole)) {
		k |= roles
	}
	switch {
	case k != 0:
		return k, nil
	case strings.HasPrefix(lower, "ram:"):
		return 0, fmt.Errorf("Action %q fits no operation; the only one of RAM here is %s", a, PassRole)
	}
	return 0, fmt.Errorf("Action %q fits no operation; write fnf:<Operation> as the API calls it, "+
		"a glob like fnf:Start*, or \"*\"", a)
}

func kindOfResource(r string) (kind, error) {
	switch {
	case r == "*":
		return flows | roles, nil
	case strings.HasPrefix(r, "acs:fnf:"):
		if !canName(r, "flow/") {
			return 0, fmt.Errorf("Resource %q fits no flow; write acs:fnf:<region>:<account>:flow/<name>, a glob, or \"*\"", r)
		}
		return flows, nil
	case strings.HasPrefix(r, "acs:ram:"):
		if !canName(r, "role/") {
			return 0, fmt.Errorf("Resource %q fits no role; write acs:ram::<account>:role/<name>, a glob, or \"*\"", r)
		}
		return roles, nil
	}
	return 0, fmt.Errorf("Resource %q is not one of this service; write acs:fnf:<region>:<account>:flow/<name>, "+
		"acs:ram::<account>:role/<name> for "+PassRole+", a glob, or \"*\"", r)
}

// canName reports whether a resource of a policy can fit one whose last part begins with prefix, as
// far as its parts say: `*` may stand for several.
func canName(resource, prefix string) bool {
	parts := strings.SplitN(resource, ":", 5)
	if len(parts) < 5 {
		return strings.Contains(resource, "*")
	}
	last := parts[4]
	if i := strings.IndexAny(last, "*?"); i >= 0 {
		last = last[:min(i, len(prefix))]
	}
	return strings.HasPrefix(last, prefix) || last != parts[4] && strings.HasPrefix(prefix, last)
}

// Operations are the product's, those that this server does not have among them: policies may speak
// of them.
var Operations = []string{
	"CreateFlow", "UpdateFlow", "DescribeFlow", "DeleteFlow", "ListFlows",
	"StartExecution", "StartSyncExecution", "StopExecution", "DescribeExecution", "ListExecutions",
	"GetExecutionHistory", "ReportTaskSucceeded", "ReportTaskFailed", "DescribeRegions",
	"CreateSchedule", "UpdateSchedule", "DescribeSchedule", "DeleteSchedule", "ListSchedules",
	"PublishFlowVersion", "DeleteFlowVersion", "ListFlowVersions",
	"CreateFlowAlias", "UpdateFlowAlias", "DeleteFlowAlias", "DescribeFlowAlias", "ListFlowAliases",
	"DescribeMapRun", "UpdateMapRun", "UpdateFlowDraft", "StartDebugExecution", "DescribeAgentRunLogs",
}

// Allows reports whether the policies together allow an action on a resource, both written out: a
// statement allows it, and none denies it.
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
