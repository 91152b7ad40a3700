package access

import (
	"fmt"
	"strings"
	"time"
)

// Account has the keys and roles of an account. Only they have rights in it.
type Account struct {
	ID    string
	Keys  []Key
	Roles []Role
}

// Key is an access key or a bearer token, by its public id.
type Key struct {
	ID       string
	Expires  time.Time // zero: never
	Policies []Policy  // none: everything in the account is allowed
	// Ids of keys that no longer exist, or will not. Flows that they wrote then have this key's
	// rights.
	Replaces []string
}

// Role is a role that flows may act with.
type Role struct {
	Name     string
	Policies []Policy // none: everything in the account is allowed
}

// May reports whether an action on a resource is allowed: "fnf:StartExecution" on
// "acs:fnf:<region>:<account>:flow/<name>", or on "*" for an operation that names no flow. A nil
// May allows everything.
type May func(action, resource string) bool

// Registry looks up the rights of keys and roles. It is immutable and safe for concurrent use.
type Registry struct{ accounts map[string]*account }

type account struct {
	keys     map[string]*Key
	replaced map[string]*Key // by the id of the replaced key
	roles    map[string]*Role
}

// NewRegistry checks policies, roles and replacements. The caller must have checked that ids of
// accounts are unique, and ids of keys among all accounts.
func NewRegistry(accounts []Account) (*Registry, error) {
	r := &Registry{accounts: map[string]*account{}}
	for i := range accounts {
		a := &accounts[i]
		to := r.accounts[a.ID]
		if to == nil {
			to = &account{
				keys:     map[string]*Key{},
				replaced: map[string]*Key{},
				roles:    map[string]*Role{},
			}
			r.accounts[a.ID] = to
		}
		if err := to.add(a); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (a *account) add(from *Account) error {
	for i := range from.Keys {
		k := &from.Keys[i]
		if err := Check(k.Policies); err != nil {
			return fmt.Errorf("key %s: %w", k.ID, err)
		}
		a.keys[k.ID] = k
		for _, old := range k.Replaces {
			if err := a.replace(old, k); err != nil {
				return err
			}
		}
	}
	for i := range from.Roles {
		role := &from.Roles[i]
		if err := CheckRole(role.Name); err != nil {
			return err
		}
		if err := Check(role.Policies); err != nil {
			return fmt.Errorf("role %s: %w", role.Name, err)
		}
		if a.roles[role.Name] != nil {
			return fmt.Errorf("role %s is there twice in account %s", role.Name, from.ID)
		}
		a.roles[role.Name] = role
	}
	return nil
}

func (a *account) replace(old string, by *Key) error {
	if old == by.ID {
		return fmt.Errorf("key %s replaces itself; name the ids of the keys before it", old)
	}
	if other := a.replaced[old]; other != nil {
		return fmt.Errorf("key %s is replaced by %s and by %s; only one may", old, other.ID, by.ID)
	}
	a.replaced[old] = by
	return nil
}

// roleMax bounds the name of a role, in bytes.
const roleMax = 64

// CheckRole returns an error if the name is not valid for a role.
func CheckRole(name string) error {
	if name == "" || len(name) > roleMax || strings.Trim(name, nameCharacters+".") != "" {
		return fmt.Errorf("role %q must be 1 to %d letters, digits, '.', '-' or '_'", name, roleMax)
	}
	return nil
}

const nameCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// RoleARN returns the resource name of a role.
func RoleARN(account, name string) string { return "acs:ram::" + account + ":role/" + name }

// ParseRole splits the resource name of a role. It returns false for anything else.
func ParseRole(arn string) (account, name string, ok bool) {
	rest, ok := strings.CutPrefix(arn, "acs:ram::")
	if !ok {
		return "", "", false
	}
	account, name, ok = strings.Cut(rest, ":role/")
	ok = ok && account != "" && len(account) <= 64 && strings.Trim(account, nameCharacters) == "" &&
		CheckRole(name) == nil
	return account, name, ok
}

// Has reports whether an account is defined, even without rights.
func (r *Registry) Has(accountID string) bool { return r.accounts[accountID] != nil }

// NoRightsError says why a flow has no rights, and what to do about it.
type NoRightsError struct{ Reason string }

func (e *NoRightsError) Error() string { return e.Reason }

func noRights(format string, args ...any) error {
	return &NoRightsError{fmt.Sprintf(format, args...)}
}

// RightsOf returns what a flow of an account may do at a time. The flow has the rights of role, a
// resource name. If role is "" it has those of author, the id of the key that wrote the flow last.
// Errors are *NoRightsError; readers of the flow's executions see their text.
func (r *Registry) RightsOf(accountID, role, author, region string, now time.Time) (May, error) {
	a := r.accounts[accountID]
	switch {
	case role != "":
		owner, name, ok := ParseRole(role)
		if !ok || owner != accountID || a == nil || a.roles[name] == nil {
			return nil, noRights("The flow acts with its role %s, which the credentials do not "+
				"define. "+
				"Define it there under `roles:` of account %s, or give the flow a role that is "+
				"there.", role, accountID)
		}
		return MayOf(a.roles[name].Policies, accountID, region), nil
	case author == "":
		return nil, noRights("The flow was written without a key and has no role, so it has no "+
			"rights here. %s", repairHint)
	}
	k := a.key(author, now)
	switch {
	case k == nil:
		return nil, noRights("The flow acts with the rights of key %s, which wrote it last, and "+
			"the credentials of account %s have no such key. %s", author, accountID, repairHint)
	case k.expired(now):
		return nil, noRights("The flow acts with the rights of key %s, which wrote it last and "+
			"has expired. %s", author, repairHint)
	}
	return MayOf(k.Policies, accountID, region), nil
}

// FlowARN returns the resource name of a flow.
func FlowARN(region, account, name string) string {
	return "acs:fnf:" + region + ":" + account + ":flow/" + name
}

// Principal names the identity that a flow acts with, for messages: "role <ARN>" or "key <id>"; ""
// for neither.
func Principal(role, author string) string {
	switch {
	case role != "":
		return "role " + role
	case author != "":
		return "key " + author
	}
	return ""
}

// DeniedMessage says that a flow's rights do not allow an action on a resource, and what to do
// about it. principal is a result of Principal.
func DeniedMessage(principal, action, resource string) string {
	return "The flow acts with the rights of " + principal + ", whose policies do not allow " +
		action + " on " + resource +
		". Allow it there, or give the flow another role."
}

// repairHint says what to do about a flow without rights.
const repairHint = "Write the flow again with a valid key (UpdateFlow with its Definition), " +
	"give it a role (RoleArn), " +
	"or let a valid key replace that one (`replaces:` in the credentials)."

// key returns the valid key for an id: the key itself, or else the key that replaces it, and so on.
// If none is valid, key returns an expired one; nil if there is none.
func (a *account) key(id string, now time.Time) (k *Key) {
	if a == nil {
		return nil
	}
	for range len(a.keys) + 1 { // the bound ends cycles of replacements
		if own := a.keys[id]; own != nil {
			k = own
			if !own.expired(now) {
				return own
			}
		}
		next := a.replaced[id]
		if next == nil {
			return k
		}
		k, id = next, next.ID
	}
	return k
}

func (k *Key) expired(now time.Time) bool { return !k.Expires.IsZero() && !now.Before(k.Expires) }

// MayOf returns what policies allow in an account; nil if there are no policies. The resource `*`,
// of an operation that names no flow, counts as `acs:fnf:<region>:<account>:*`, which a statement
// for certain flows does not match.
func MayOf(policies []Policy, account, region string) May {
	if len(policies) == 0 {
		return nil
	}
	return func(action, resource string) bool {
		if resource == "*" {
			resource = "acs:fnf:" + region + ":" + account + ":*"
		}
		return Allows(policies, action, resource)
	}
}
