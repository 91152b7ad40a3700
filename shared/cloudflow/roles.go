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

// referenceMax bounds, in bytes, each reference of a flow to an outside resource, because RoleArn
// is copied into the row of every execution.
const referenceMax = 256

// checkReferences checks the parameters of a flow that reference outside resources; "" means none.
func checkReferences(role, group, storage string) error {
	for _, p := range [...]struct {
		name, text, form string
		valid            func(string) bool
	}{
		{"RoleArn", role, "acs:ram::<account>:role/<name>", isRole},
		{"ResourceGroupId", group, "letters, digits, '.', '-' and '_'", isGroup},
		{"ExternalStorageLocation", storage, "a path or an address of printable ASCII without " +
			"blanks", isLocation},
	} {
		if p.text != "" && (len(p.text) > referenceMax || !p.valid(p.text)) {
			return fault.New(fault.InvalidArgument,
				"%s %s is invalid: it must be %s, of at most %d bytes.",
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
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' &&
			r != '-' && r != '_'
	}) < 0
}

func isLocation(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// checkRole checks that the caller may pass the role to a flow. If the request names the role, it
// also checks that the role exists.
func (s *Service) checkRole(c Caller, role string, named bool) error {
	if role == "" || s.Rights == nil {
		return nil
	}
	account, name, _ := access.ParseRole(role)
	if account != c.Account {
		return fault.New(fault.AccessDenied, "RoleArn %s is a role of another account; a flow "+
			"acts with roles of its own, %s.", role, access.RoleARN(c.Account, "<name>"))
	}
	if c.May != nil && !c.May(access.PassRole, role) {
		return fault.New(fault.AccessDenied, "The resources doesn't belong to you. To write a "+
			"flow with a role, the key's policies must allow %s on %s.", access.PassRole, role)
	}
	if !named {
		return nil
	}
	if _, err := s.Rights(c.Account, role, ""); err != nil {
		return fault.New(fault.InvalidArgument,
			"RoleArn %s: the credentials define no role %s for account %s. "+
				"Define it there under `roles:`, or leave RoleArn out: the flow then acts "+
				"with the rights of the key that writes it.",
			role, name, c.Account)
	}
	return nil
}

// changesBehavior reports whether an update changes what the flow does or the rights that it acts
// with.
func changesBehavior(q UpdateFlowRequest) bool {
	return deref(q.Definition) != "" || q.RoleArn != nil || q.Environment != nil
}

// changeAuthor makes the caller the author of a changed flow, if the caller has the rights for it.
// The caller must be allowed to pass the flow's role, because it changes what the flow does with
// that role. The flow's new rights must cover the flows that m, its current definition, names. A
// nil m is not checked.
func (s *Service) changeAuthor(
	c Caller, f *store.Flow, q UpdateFlowRequest, m *flow.Machine,
) error {
	v, role := c.visibility(f, ""), q.RoleArn != nil
	if err := s.checkRole(c, f.RoleArn, deref(q.RoleArn) != ""); err != nil {
		return v.filterError(err, role)
	}
	f.Author = c.Identity
	if m == nil {
		return nil
	}
	return v.filterError(s.checkFlowTargets(c, f.RoleArn, m), deref(q.Definition) != "" &&
		(role || f.RoleArn == ""))
}

// checkFlowTargets rejects a definition that names, as a constant, a flow that the flow's rights do
// not cover: the rights of its role, or of the caller. A computed name is checked when the task
// acts.
func (s *Service) checkFlowTargets(c Caller, role string, m *flow.Machine) error {
	may, as := c.May, "The key"
	if role != "" {
		if s.Rights == nil {
			return nil
		}
		var err error
		if may, err = s.Rights(c.Account, role, ""); err != nil {
			return nil // a missing role: every task of the flow fails with that reason
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
		return fault.New(fault.AccessDenied, "Line %d, %s: it is for flow %s, on which %s is not "+
			"allowed to the flow. %s has no "+
			"policy that allows it. Allow it there, or give the flow a role that has it (RoleArn).",
			st.Line, stateName(st), value.Quote(name), action, as)
	}
	return nil
}

func stateName(st *flow.State) string { return fmt.Sprintf("state %s", value.Quote(st.Name)) }

// flowAction returns the action of a task on a flow whose name is a constant. flowName is "" for
// every other state.
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
	childStart := flow.ReadChildStart(m.Dialect, t.Resource, func(name string) string {
		if t.Parameters == nil {
			return ""
		}
		v, _ := t.Parameters.ConstantField(name)
		text, _ := v.(string)
		return text
	})
	return "fnf:" + operation, childStart.Flow()
}
