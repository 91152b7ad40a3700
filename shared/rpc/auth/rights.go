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
		Expires  time.Time      `json:"expires,omitzero"`
		Policies []rightsPolicy `json:"policies,omitempty"`
		Replaces []string       `json:"replaces,omitempty" strict:"one"`
	}
	rightsRole struct {
		Name     string         `json:"name" strict:"required"`
		Policies []rightsPolicy `json:"policies,omitempty"`
	}
	rightsPolicy struct {
		Version   string            `json:",omitempty"`
		Statement []rightsStatement `strict:"required"`
	}
	rightsStatement struct {
		Effect   string   `strict:"required"`
		Action   []string `strict:"required,one"`
		Resource []string `strict:"required,one"`
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
				rightsKey{k.ID, k.Expires.UTC(), rightsPolicies(k.Policies), k.Replaces})
		}
		for _, t := range a.Tokens {
			to.Tokens = append(to.Tokens,
				rightsKey{BearerID(t.Token), t.Expires.UTC(), rightsPolicies(t.Policies),
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

func (s *rightsStatement) statement() access.Statement {
	return access.Statement{Effect: s.Effect, Actions: s.Action, Resources: s.Resource}
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
