package task

import (
	"context"
	"encoding/json"
	"strings"

	"millrace/shared/arn"
	"millrace/shared/value"
)

// Owns reports whether a resource belongs to the flow's own account. An empty account counts as the
// flow's.
func (r *Request) Owns(name arn.ARN) bool {
	return name.Account == "" || name.Account == r.Account
}

// RestrictAccounts returns a runner that passes requests to next, unless they name a resource of
// another account than the flow's: then the task fails with AccessDenied. It checks the resource
// name of FlowV1 and every parameter resourceArn, for every action, so a runner need not check
// them. Resources of products other than FNF may also belong to the account shared: a cloud's
// account, whose services all accounts use; "" means there is none.
func RestrictAccounts(next Runner, shared string) Runner {
	return &accountRestriction{next, shared}
}

// accountRestriction is a type and not a RunnerFunc, because a closure with its own copy of each
// request would make the stack of a call grow once more.
type accountRestriction struct {
	next   Runner
	shared string
}

func (o *accountRestriction) Run(ctx context.Context, r Request) Result {
	if foreign := o.foreignResource(&r); foreign != "" {
		return r.DeniedResult("The resource belongs to another account than the flow, " +
			r.Account + ": " + foreign +
			". Leave the account out (acs:{service}:{region}::{resource}), or name the flow's own.")
	}
	return o.next.Run(ctx, r)
}

// foreignResource returns a resource name in the request that belongs to another account, "" if
// there is none.
func (o *accountRestriction) foreignResource(r *Request) (foreignResource string) {
	eachResource(r, func(name string) {
		parsed, err := arn.Parse(name)
		if err != nil || r.Owns(parsed) ||
			o.shared != "" && parsed.Account == o.shared && parsed.Service != "fnf" {
			return // the runner that needs a resource name reports what is wrong with it
		}
		foreignResource = name
	})
	return foreignResource
}

// eachResource calls visit for each resource name in a request. It compares parameter names without
// case, as runners do.
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
