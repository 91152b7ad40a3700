package main

import (
	"context"
	"net/url"
	"strings"
)

// roleSteps returns the steps of the functions' roles and policies.
func (k *cloud) roleSteps() (all []step) {
	for _, role := range roles {
		name := k.config.prefix + "-" + role
		all = append(all, k.roleStep(name, "trust"), k.policyStep(name, role),
			k.attachStep(name, name))
	}
	// A separate role signs the requests of flows. The step runner assumes it, and so does the API
	// function for synchronous executions. The policy "reserved" denies it the engine's own
	// resources, whatever else it is allowed.
	tasks, reserved := k.config.prefix+"-tasks", k.config.prefix+"-reserved"
	all = append(all, k.roleStep(tasks, "trust-tasks"), k.policyStep(reserved, "reserved"),
		k.attachStep(reserved, tasks))
	if len(k.config.functions) == 0 {
		return all
	}
	all = append(all, k.policyStep(tasks, "tasks"), k.attachStep(tasks, tasks))
	// Only the engine reads the results of asynchronous invocations, each for the flow that made
	// the invocation. The role of tasks could read those of all accounts.
	ends := k.config.prefix + "-ends"
	all = append(all, k.policyStep(ends, "ends"))
	for _, role := range []string{"steprunner", "api"} {
		all = append(all, k.attachStep(ends, k.config.prefix+"-"+role))
	}
	return all
}

// ram calls an operation of RAM.
func (k *cloud) ram(ctx context.Context, action string, parameters url.Values, to any) error {
	return k.rpc(ctx, k.config.endpoint("ram", "https://ram.aliyuncs.com"), "2015-05-01", action,
		parameters, to)
}

// ramCheckResult interprets the error of a check: EntityNotExist means that the resource is
// missing.
func ramCheckResult(err error) (checkResult, error) {
	if strings.HasPrefix(code(err), "EntityNotExist") {
		return checkResult{state: missing}, nil
	}
	return checkResult{}, err
}

// existing ignores the error that a resource exists already.
func existing(err error) error {
	if strings.HasPrefix(code(err), "EntityAlreadyExist") {
		return nil
	}
	return err
}

// roleStep returns the step of a role. The file trust names who may assume it.
func (k *cloud) roleStep(name, trust string) step {
	return step{part: "roles", name: "role " + name,
		check: func(ctx context.Context) (checkResult, error) {
			var got struct {
				Role struct{ AssumeRolePolicyDocument string }
			}
			f, err := ramCheckResult(k.ram(ctx, "GetRole", url.Values{"RoleName": {name}}, &got))
			if err != nil || f.state == missing {
				return f, err
			}
			return k.compare(trust, got.Role.AssumeRolePolicyDocument, "who may take it")
		},
		apply: func(ctx context.Context, f checkResult) error {
			document, err := k.config.policy(trust)
			if err != nil {
				return err
			}
			if f.state == outdated {
				return k.ram(ctx, "UpdateRole",
					url.Values{"RoleName": {name}, "NewAssumeRolePolicyDocument": {document}}, nil)
			}
			return existing(k.ram(ctx, "CreateRole",
				url.Values{
					"RoleName":                 {name},
					"AssumeRolePolicyDocument": {document},
					"Description":              {"A function of Millrace"},
				}, nil))
		}}
}

// compare compares a document with the file that it should equal.
func (k *cloud) compare(file, got, what string) (checkResult, error) {
	want, err := k.config.policy(file)
	if err != nil || compactJSON(got) == want {
		return checkResult{}, err
	}
	return checkResult{outdated, what}, nil
}

// policyStep returns the step of a policy whose default version is the document of a file.
func (k *cloud) policyStep(name, file string) step {
	parameters := url.Values{"PolicyName": {name}, "PolicyType": {"Custom"}}
	return step{part: "roles", name: "policy " + name,
		check: func(ctx context.Context) (checkResult, error) {
			var got struct {
				DefaultPolicyVersion struct{ PolicyDocument string }
			}
			f, err := ramCheckResult(k.ram(ctx, "GetPolicy", parameters, &got))
			if err != nil || f.state == missing {
				return f, err
			}
			return k.compare(file, got.DefaultPolicyVersion.PolicyDocument, "what it allows")
		},
		apply: func(ctx context.Context, f checkResult) error {
			document, err := k.config.policy(file)
			if err != nil {
				return err
			}
			if f.state == outdated {
				return k.ram(ctx, "CreatePolicyVersion",
					url.Values{
						"PolicyName":     {name},
						"PolicyDocument": {document},
						"SetAsDefault":   {"true"},
						"RotateStrategy": {"DeleteOldestNonDefaultVersionWhenLimitExceeded"},
					}, nil)
			}
			return existing(k.ram(ctx, "CreatePolicy",
				url.Values{
					"PolicyName":     {name},
					"PolicyDocument": {document},
					"Description":    {"A function of Millrace"},
				}, nil))
		}}
}

// attachStep returns the step that attaches a policy to a role.
func (k *cloud) attachStep(policy, role string) step {
	return step{part: "roles", name: "policy " + policy + " for role " + role,
		check: func(ctx context.Context) (checkResult, error) {
			var got struct {
				Policies struct {
					Policy []struct{ PolicyName, PolicyType string }
				}
			}
			f, err := ramCheckResult(k.ram(ctx, "ListPoliciesForRole",
				url.Values{"RoleName": {role}}, &got))
			if err != nil || f.state == missing {
				return f, err
			}
			for _, p := range got.Policies.Policy {
				if p.PolicyName == policy && p.PolicyType == "Custom" {
					return checkResult{}, nil
				}
			}
			return checkResult{state: missing}, nil
		},
		apply: func(ctx context.Context, _ checkResult) error {
			return existing(k.ram(ctx, "AttachPolicyToRole",
				url.Values{"PolicyName": {policy}, "PolicyType": {"Custom"}, "RoleName": {role}},
				nil))
		}}
}
