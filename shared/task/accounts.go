package task

import (
	"context"
	"encoding/json"
	"strings"

	"millrace/shared/value"
)

// Owns reports whether a resource name is one of the flow's own account. An empty account is.
func (r *Request) Owns(arn ARN) bool { return arn.Account == "" || arn.Account == r.Account }

// RestrictAccounts returns a runner that hands requests to next, unless they name a resource of another
// account than the flow's: then the task fails with AccessDenied. It looks at the resource name of
// the older language and at every parameter resourceArn, whatever the action, so a runner need not.
// Resources of products other than FNF may also be those of an account of shared: a cloud's, whose
// services all accounts use; "" is none.
func RestrictAccounts(next Runner, shared string) Runner { return &accountRestriction{next, shared} }

// accountRestriction is a type and no RunnerFunc, whose own copy of each request would let the stack of a
// call grow once more.
type accountRestriction struct {
	next   Runner
	shared string
}

func (o *accountRestriction) Run(ctx context.Context, r Request) Result {
	if foreign := o.foreignResource(&r); foreign != "" {
		return r.DeniedResult("The resource belongs to another account than the flow, " + r.Account + ": " + foreign +
			". Leave the account out (acs:{service}:{region}::{resource}), or name the flow's own.")
	}
	return o.next.Run(ctx, r)
}

// foreignResource returns a resource name of the request that is of another account; "" if there is none.
func (o *accountRestriction) foreignResource(r *Request) (foreignResource string) {
	eachResource(r, func(name string) {
		arn, err := ParseARN(name)
		if err != nil || r.Owns(arn) || o.shared != "" && arn.Account == o.shared && arn.Service != "fnf" {
			return // the runner that needs a resource name reports what is wrong with it
		}
		foreignResource = name
	})
	return foreignResource
}

// eachResource visits the resource names of a request. Names of parameters are compared without
// case, as runners read them.
func eachResource(r *Request, visit func(name string)) {
	const parameter = "resourceArn"
	if r.Resource != "" {
		visit(r.Resource)
	}
	if tree, ok := r.Tree.(map[string]any); ok {
		for name, v := range tree {
			if text, is := v.(string); is && strings.EqualFold(name, parameter) {
				visit(text)
			}
		}
		return
	}
	var p map[string]json.RawMessage
	if len(r.Parameters) == 0 || value.Unmarshal(r.Parameters, &p) != nil {
		return
	}
	for name, raw := range p {
		if strings.EqualFold(name, parameter) {
			visit(Text(raw))
		}
	}
}
