package auth

import (
	"encoding/json"
	"slices"
	"time"

	"millrace/shared/access"
)

// A rights document has all of a credentials file except the secrets.
type (
	rightsFile struct {
		Accounts []rightsAccount `json:"accounts"`
	}
	rightsAccount struct {
		ID     string       `json:"id"`
		Keys   []rightsKey  `json:"keys,omitempty"`
		Tokens []rightsKey  `json:"bearerTokens,omitempty"`
		Roles  []rightsRole `json:"roles,omitempty"`
	}
	rightsKey struct {
		ID       string         `json:"id"`
		Expires  string         `json:"expires,omitempty"`
		Policies []rightsPolicy `json:"policies,omitempty"`
		Replaces []string       `json:"replaces,omitempty"`
	}
	rightsRole struct {
		Name     string         `json:"name"`
		Policies []rightsPolicy `json:"policies,omitempty"`
	}
	rightsPolicy struct {
		Statement []rightsStatement
	}
	rightsStatement struct {
		Effect           string
		Action, Resource []string
	}
)

// AppendRights appends the rights document of accounts, JSON in one line: what keys and roles may
// do, without secrets and tokens.
func AppendRights(dst []byte, accounts []Account) ([]byte, error) {
	f := rightsFile{Accounts: []rightsAccount{}}
	for _, a := range accounts {
		to := rightsAccount{ID: a.ID}
		for _, k := range a.Keys {
			to.Keys = append(to.Keys,
				rightsKey{k.ID, rightsTime(k.Expires), rightsPolicies(k.Policies), k.Replaces})
		}
		for _, t := range a.Tokens {
			to.Tokens = append(to.Tokens,
				rightsKey{BearerID(t.Token), rightsTime(t.Expires), rightsPolicies(t.Policies),
					t.Replaces})
		}
		for _, r := range a.Roles {
			to.Roles = append(to.Roles, rightsRole{r.Name, rightsPolicies(r.Policies)})
		}
		f.Accounts = append(f.Accounts, to)
	}
	text, err := json.Marshal(f)
	return append(dst, text...), err
}

func rightsTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func rightsPolicies(policies []access.Policy) []rightsPolicy {
	list := make([]rightsPolicy, len(policies))
	for i, p := range policies {
		// an empty policy allows nothing; null would mean no policy
		list[i].Statement = []rightsStatement{}
		for _, s := range p.Statements {
			list[i].Statement = append(list[i].Statement,
				rightsStatement{s.Effect, slices.Clone(s.Actions), slices.Clone(s.Resources)})
		}
	}
	return list
}
