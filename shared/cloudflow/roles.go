package cloudflow

import (
	"fmt"
	"strings"

	"millrace/shared/access"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/value"
)

// referenceMax bounds each reference of a flow to something outside, in bytes: RoleArn is copied
// into the row of every execution.
const referenceMax = 256

// checkReferences checks the parameters of a flow that name something outside; "" is none.
func checkReferences(role, group, storage string) error {
	for _, p := range [...]struct {
		name, text, form string
		valid            func(string) bool
	}{
		{"RoleArn", role, "acs:ram::<account>:role/<name>", isRole},
		{"ResourceGroupId", group, "letters, digits, '.', '-' and '_'", isGroup},
		{"ExternalStorageLocation", storage, "a path or an address of printable ASCII without blanks", isLocation},
	} {
		if p.text != "" && (len(p.text) > referenceMax || !p.valid(p.text)) {
			return fault.New(fault.InvalidArgument, "%s %s is invalid: it must be %s, of at most %d bytes.",
				p.name, value.Quote(p.text), p.form, referenceMax)
		}
	}
	return nil
}

func isRole(s string) bool {
	_, _, ok := access.ParseRole(s)
	return ok
}

func isGroup(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
	}) < 0
}

func isLocation(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// checkRole checks that the caller may give a flow a role, and, when it is named now, that it is
// there.
func (s *Service) checkRole(c Caller, role string, named bool) error {
	if role == "" || s.Rights == nil {
		return nil
	}
	account, name, _ := access.ParseRole(role)
	if account != c.Account {
		return fault.New(fault.AccessDenied, "RoleArn %s is a role of another account; a flow acts with roles of its own, "+
			"%s.", role, access.RoleARN(c.Account, "<name>"))
	}
	if c.May != nil && !c.May(access.PassRole, role) {
		return fault.New(fault.AccessDenied, "The resources doesn't belong to you. To write a flow with a role, the key's policies "+
			"must allow %s on %s.", access.PassRole, role)
	}
	if !named {
		return nil
	}
	if _, err := s.Rights(c.Account, role, ""); err != nil {
		return fault.New(fault.InvalidArgument, "RoleArn %s: the credentials define no role %s for account %s. "+
			"Define it there under `roles:`, or leave RoleArn out: the flow then acts with the rights of the key that writes it.",
			role, name, c.Account)
	}
	return nil
}

// changesBehavior reports whether an update changes what the flow does, and with whose rights.
func changesBehavior(q UpdateFlowRequest) bool {
	return deref(q.Definition) != "" || q.RoleArn != nil || q.Environment != nil
}

// changeAuthor makes the caller the author of a changed flow, which it must have the right to be: a
// caller that changes what a flow does must not act with a role that it may not pass, and the
// flow's new rights must reach the flows that m, the definition it has now, names. A nil m is not
// checked.
func (s *Service) changeAuthor(c Caller, f *store.Flow, q UpdateFlowRequest, m *flow.Machine) error {
	v, role := c.visibility(f.Name), q.RoleArn != nil
	if err := s.checkRole(c, f.RoleArn, deref(q.RoleArn) != ""); err != nil {
		return v.filterError(err, role)
	}
	f.Author = c.Identity
	if m == nil {
		return nil
	}
	return v.filterError(s.checkFlowTargets(c, f.RoleArn, m), deref(q.Definition) != "" && (role || f.RoleArn == ""))
}

// checkFlowTargets refuses a definition that names, in constants, a flow that its rights do not reach:
// those of its role, or of the caller. What it only computes is checked when it acts.
func (s *Service) checkFlowTargets(c Caller, role string, m *flow.Machine) error {
	may, as := c.May, "The key"
	if role != "" {
		if s.Rights == nil {
			return nil
		}
		var err error
		if may, err = s.Rights(c.Account, role, ""); err != nil {
			return nil // a role that is not there: every task will say so
		}
		as = "Its role " + role
	}
	if may == nil {
		return nil
	}
	for _, st := range m.Nodes {
		action, name := flowAction(m, st)
		if name == "" || may(action, c.resource(name)) {
			continue
		}
		return fault.New(fault.AccessDenied, "Line %d, %s: it is for flow %s, on which %s is not allowed to the flow. %s has no "+
			"policy that allows it. Allow it there, or give the flow a role that has it (RoleArn).",
			st.Line, stateName(st), value.Quote(name), action, as)
	}
	return nil
}

func stateName(st *flow.State) string { return fmt.Sprintf("state %s", value.Quote(st.Name)) }

// flowAction returns the action that a task does with a flow whose name is a constant; "" for any other
// state.
func flowAction(m *flow.Machine, st *flow.State) (action, flowName string) {
	t := st.Task
	if t == nil {
		return "", ""
	}
	product, operation, _ := strings.Cut(t.Action, ":")
	if !strings.EqualFold(product, "fnf") {
		return "", ""
	}
	operation = strings.TrimPrefix(operation, ":")
	older := m.Language == flow.FlowV1
	asked := flow.ReadChildStart(older, t.Resource, func(name string) string {
		if t.Parameters == nil {
			return ""
		}
		v, _ := t.Parameters.ConstantField(name)
		text, _ := v.(string)
		return text
	})
	if name := asked.Flow(); name != "" || older && t.Resource == "" {
		return "fnf:" + operation, name
	}
	return "", ""
}
