package server

import (
	"slices"
	"testing"

	"millrace/shared/access"
	"millrace/shared/cloudflow"
)

// TestPoliciesKnowOperations checks that policies can name, and so deny, every operation of this
// server.
func TestPoliciesKnowOperations(t *testing.T) {
	for name, o := range operations {
		if !slices.Contains(access.Operations, name) {
			t.Errorf("access.Operations lacks %s", name)
		}
		if o.action != "fnf:"+name {
			t.Errorf("the action of %s is %s", name, o.action)
		}
		resource := "acs:fnf:cn:1:flow/f"
		if o.flow == "" {
			resource = "*"
		}
		p := []access.Policy{{Statements: []access.Statement{
			{Effect: "Allow", Actions: []string{"*"}, Resources: []string{"*"}},
			{Effect: "Deny", Actions: []string{"fnf:" + name}, Resources: []string{"*"}},
		}}}
		if err := access.Check(p); err != nil {
			t.Errorf("%s cannot be denied: %v", name, err)
		}
		caller := cloudflow.Caller{Account: "1", Region: "cn", May: access.MayOf(p, "1", "cn")}
		if caller.May(o.action, resource) {
			t.Errorf("%s is allowed on %s, though denied", name, resource)
		}
	}
}
