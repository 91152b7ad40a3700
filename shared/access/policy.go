// Package access defines who may do what: policies, the keys and roles that have them, and what an
// execution may do with their rights. It knows nothing of secrets and signatures.
package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"millrace/shared/glob"
)

// Policy is a RAM-style policy: what a key or a role may do. The statements of all policies of a
// key apply together.
type Policy struct{ Statements []Statement }

// Statement allows or denies actions on resources. Actions are globs over names like
// `fnf:StartExecution`, in any case; resources are globs over names like
// `acs:fnf:<region>:<account>:flow/<name>`. `*` matches any characters, `?` one.
type Statement struct {
	Effect    string // "Allow" or "Deny"
	Actions   []string
	Resources []string
}

// PassRole is the action, on the role's resource name, that a caller needs to write a flow with a
// role.
const PassRole = "ram:PassRole"

// ReadPayload is the right to see what executions of a flow work on: inputs, outputs and causes. It
// comes with the right to describe executions or to read their histories, unless a statement denies
// it: policies that were written before it keep their meaning.
const ReadPayload = "fnf:ReadPayload"

// Check returns the error of the first statement that has one.
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

// Check returns an error if the statement, or a part of it, could never match anything.
func (s *Statement) Check() error {
	if s.Effect != "Allow" && s.Effect != "Deny" {
		return fmt.Errorf("Effect is %q; write Allow or Deny", s.Effect)
	}
	if len(s.Actions) == 0 || len(s.Resources) == 0 {
		return errors.New("a statement needs at least one Action and one Resource; write \"*\" " +
			"for any")
	}
	var actions, resources kind // all together
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
			return fmt.Errorf("Resource %q fits none of the statement's actions: %s", r,
				actions.resourceHint())
		}
		resources |= k
	}
	for _, a := range s.Actions {
		if k, _ := kindOfAction(a); k&resources == 0 {
			return fmt.Errorf("Action %q fits none of the statement's resources: %s", a,
				k.resourceHint())
		}
	}
	return nil
}

// kind is a set of the kinds of resources that an action works on or that a resource can name.
type kind uint8

const (
	flows kind = 1 << iota
	roles
	objects
)

// ObjectActions are the actions on objects that a distributed Map needs the right to. Resources are
// `acs:oss:<region>:<account>:<bucket>/<key>`, and the bucket alone to list it.
var ObjectActions = []string{"oss:GetObject", "oss:ListObjects", "oss:PutObject"}

// resourceHint says which resource an action of the kind works on.
func (k kind) resourceHint() string {
	switch k {
	case roles:
		return PassRole + " is for resources like acs:ram::<account>:role/<name>"
	case objects:
		return "oss:GetObject is for resources like acs:oss:<region>:<account>:<bucket>/<key>"
	}
	return "fnf:<Operation> is for resources like acs:fnf:<region>:<account>:flow/<name>"
}

func kindOfAction(a string) (k kind, _ error) {
	lower := strings.ToLower(a)
	if a != "*" && !strings.HasPrefix(lower, "fnf:") && !strings.HasPrefix(lower, "ram:") &&
		!strings.HasPrefix(lower, "oss:") {
		return 0, fmt.Errorf("Action %q is not one of this service; write fnf:<Operation>, a "+
			"glob like fnf:Start*, "+
			PassRole+", or \"*\"", a)
	}
	if slices.ContainsFunc(Operations, func(name string) bool {
		return glob.Match(lower, strings.ToLower("fnf:"+name))
	}) || glob.Match(lower, strings.ToLower(ReadPayload)) {
		k = flows
	}
	if glob.Match(lower, strings.ToLower(PassRole)) {
		k |= roles
	}
	if slices.ContainsFunc(ObjectActions, func(name string) bool {
		return glob.Match(lower, strings.ToLower(name))
	}) {
		k |= objects
	}
	switch {
	case k != 0:
		return k, nil
	case strings.HasPrefix(lower, "ram:"):
		return 0, fmt.Errorf("Action %q fits no operation; the only one of RAM here is %s", a,
			PassRole)
	case strings.HasPrefix(lower, "oss:"):
		return 0, fmt.Errorf("Action %q fits no operation; those of OSS here are %s", a,
			strings.Join(ObjectActions, ", "))
	}
	return 0, fmt.Errorf("Action %q fits no operation; write fnf:<Operation> as the API calls it, "+
		"a glob like fnf:Start*, or \"*\"", a)
}

func kindOfResource(r string) (kind, error) {
	switch {
	case r == "*":
		return flows | roles | objects, nil
	case strings.HasPrefix(r, "acs:fnf:"):
		if !canName(r, "flow/") {
			return 0, fmt.Errorf("Resource %q fits no flow; write "+
				"acs:fnf:<region>:<account>:flow/<name>, a glob, or \"*\"", r)
		}
		return flows, nil
	case strings.HasPrefix(r, "acs:ram:"):
		if !canName(r, "role/") {
			return 0, fmt.Errorf("Resource %q fits no role; write "+
				"acs:ram::<account>:role/<name>, a glob, or \"*\"", r)
		}
		return roles, nil
	}
	if strings.HasPrefix(r, "acs:oss:") {
		if strings.Count(r, ":") < 4 && !strings.Contains(r, "*") {
			return 0, fmt.Errorf("Resource %q fits no object; write "+
				"acs:oss:<region>:<account>:<bucket>/<key>, a glob, or \"*\"", r)
		}
		return objects, nil
	}
	return 0, fmt.Errorf("Resource %q is not one of this service; write "+
		"acs:fnf:<region>:<account>:flow/<name>, "+
		"acs:ram::<account>:role/<name> for "+PassRole+", a glob, or \"*\"", r)
}

// canName reports whether a policy's resource can match a resource name whose last part begins with
// prefix. A `*` may match several parts.
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

// Operations are all operations of CloudFlow, including those that this server does not support,
// because policies may name them, and those that only this server has.
var Operations = []string{
	"CreateFlow", "UpdateFlow", "DescribeFlow", "DeleteFlow", "ListFlows",
	"StartExecution", "StartSyncExecution", "StopExecution", "DescribeExecution", "ListExecutions",
	"GetExecutionHistory", "ReportTaskSucceeded", "ReportTaskFailed", "DescribeRegions",
	"CreateSchedule", "UpdateSchedule", "DescribeSchedule", "DeleteSchedule", "ListSchedules",
	"PublishFlowVersion", "DeleteFlowVersion", "ListFlowVersions",
	"CreateFlowAlias", "UpdateFlowAlias", "DeleteFlowAlias", "DescribeFlowAlias", "ListFlowAliases",
	"CreateBulkOperation", "DescribeBulkOperation", "ListBulkOperations", "ListBulkResults",
	"StopBulkOperation",
	"DescribeMapRun", "UpdateMapRun", "UpdateFlowDraft", "StartDebugExecution",
	"DescribeAgentRunLogs", "DeleteExecution", "RedriveExecution",
}

// Allows reports whether the policies together allow an action on a resource: a statement allows
// it, and none denies it. ReadPayload needs no statement that allows it. Neither action nor
// resource may be a glob.
func Allows(policies []Policy, action, resource string) bool {
	allowed := action == ReadPayload
	action = strings.ToLower(action)
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

// matches reports whether the statement applies to an action, in lower case, on a resource.
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
