package rpc

import (
	"errors"
	"fmt"
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
	}
	for _, r := range s.Resources {
		if r != "*" && !strings.HasPrefix(r, "acs:fnf:") {
			return fmt.Errorf("Resource %q is not one of this service; write acs:fnf:<region>:<account>:flow/<name>, a glob, or \"*\"", r)
		}
	}
	return nil
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
