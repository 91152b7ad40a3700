package deploy

import (
	"fmt"
	"slices"
	"strings"
)

// Grant is one action that a role may perform on one resource, in the form of Show.
type Grant struct {
	Action, Resource string
}

// Grants returns what the policies of a role allow, sorted.
func (s *Stack) Grants(role string) (all []Grant) {
	for _, p := range s.policiesOf(role) {
		for _, statement := range asList(At(p, "PolicyDocument", "Statement")) {
			for _, action := range many(At(statement, "Action")) {
				for _, resource := range many(At(statement, "Resource")) {
					all = append(all, Grant{Show(action), Show(resource)})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b Grant) int {
		return strings.Compare(a.Resource+"\x00"+a.Action, b.Resource+"\x00"+b.Action)
	})
	return all
}

// policiesOf returns the policies in a role, and those that name it.
func (s *Stack) policiesOf(role string) []any {
	all := slices.Clone(asList(s.Property(role, "Policies")))
	for _, name := range s.Names(kindPolicy) {
		for _, r := range asList(s.Property(name, "Roles")) {
			if Text(r, "Ref") == role {
				all = append(all, s.Property(name))
			}
		}
	}
	return all
}

// many returns v if it is a list, and otherwise a list of v.
func many(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// checkRoles: a function has a role of its own, written in the template, which only Lambda may
// assume.
func checkRoles(s *Stack) (wrong []string) {
	seen := map[string]bool{}
	for _, f := range s.Names(kindFunction) {
		role := Text(s.Property(f, "Role"), "Fn::GetAtt", 0)
		if s.Resources[role]["Type"] != kindRole || seen[role] {
			wrong = append(wrong, f+": no role of its own")
		}
		seen[role] = true
		if s.Property(f, "Policies") != nil {
			wrong = append(wrong, f+": Policies beside its role")
		}
		logs := Text(s.Property(f, "LoggingConfig", "LogGroup"), "Ref")
		for _, g := range s.Grants(role) {
			if strings.HasPrefix(g.Action, "logs:") && g.Resource != logs+".Arn" {
				wrong = append(wrong, fmt.Sprintf("%s: may %s in %s", role, g.Action, g.Resource))
			}
		}
	}
	for _, role := range s.Names(kindRole) {
		if s.Property(role, "ManagedPolicyArns") != nil {
			wrong = append(wrong, role+": policies that are managed elsewhere")
		}
		for _, statement := range asList(s.Property(role, "AssumeRolePolicyDocument",
			"Statement")) {
			if Text(statement, "Principal", "Service") != "lambda.amazonaws.com" ||
				len(asObject(At(statement, "Principal"))) != 1 {
				wrong = append(wrong, role+": others than Lambda may take it")
			}
		}
	}
	return wrong
}

// Justified lists the grants with a wildcard, and the reasons.
var Justified = map[Grant]string{
	{"kms:GenerateDataKey*", "KmsKeyArn"}: "of one key, through DynamoDB only; the pair of " +
		"actions that DynamoDB documents",
	{"kms:ReEncrypt*", "KmsKeyArn"}: "as above: ReEncryptFrom and ReEncryptTo",
}

// checkWildcards: no role is allowed every action, or an action on every resource.
func checkWildcards(s *Stack) (wrong []string) {
	for _, role := range s.Names(kindRole) {
		for _, g := range s.Grants(role) {
			if strings.Contains(g.Action+g.Resource, "*") && Justified[g] == "" {
				wrong = append(wrong, fmt.Sprintf("%s: may %s on %s", role, g.Action, g.Resource))
			}
		}
		for _, p := range s.policiesOf(role) {
			for _, statement := range asList(At(p, "PolicyDocument", "Statement")) {
				if At(statement, "NotAction") != nil || At(statement, "NotResource") != nil ||
					At(statement, "Resource") == nil {
					wrong = append(wrong, role+": a statement about everything but")
				}
			}
		}
	}
	return wrong
}

// checkPrincipals: a service may send or invoke only on behalf of a source in this account.
func checkPrincipals(s *Stack) (wrong []string) {
	for _, name := range s.Names("AWS::SQS::QueuePolicy") {
		for _, statement := range asList(s.Property(name, "PolicyDocument", "Statement")) {
			service := Text(statement, "Principal", "Service")
			if service == "" || At(statement, "Condition", "ArnEquals", "aws:SourceArn") == nil {
				wrong = append(wrong, name+": anybody's source may send")
			}
			// The name of a bucket does not show which account owns it.
			if service == "s3.amazonaws.com" && At(statement, "Condition", "StringEquals",
				"aws:SourceAccount") == nil {
				wrong = append(wrong, name+": another account's bucket may send")
			}
			for _, v := range append(many(At(statement, "Action")),
				many(At(statement, "Resource"))...) {
				if strings.Contains(Show(v), "*") {
					wrong = append(wrong, name+": a wildcard")
				}
			}
		}
	}
	for _, name := range s.Names("AWS::Lambda::Permission") {
		if s.Property(name, "SourceArn") == nil || s.Property(name, "SourceAccount") == nil {
			wrong = append(wrong, name+": anybody's source may invoke")
		}
	}
	return wrong
}
