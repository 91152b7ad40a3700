package auth

import (
	"fmt"
	"strings"

	"millrace/shared/access"
	"millrace/shared/yamldoc"
	"millrace/shared/yamldoc/strict"
)

// fileMax is the largest credentials file, in bytes.
const fileMax = 4 << 20

// Load reads a credentials file, YAML or JSON (docs/credentials.md). An error has the place of
// every mistake and the correction; it never holds a secret.
func Load(path string) (*Credentials, error) {
	text, err := strict.Read(path, fileMax)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	c, err := Parse(path, text)
	if err != nil {
		return nil, err
	}
	c.file = path
	return c, nil
}

// Parse parses the text of a credentials file. Errors begin with name.
func Parse(name string, text []byte) (*Credentials, error) {
	accounts, err := ParseAccounts(name, text)
	if err != nil {
		return nil, err
	}
	c, err := New(accounts)
	if err != nil {
		return nil, &yamldoc.FileError{Path: name, Message: err.Error()}
	}
	return c, nil
}

// ParseAccounts parses the text of a credentials file to its accounts. Errors begin with name.
func ParseAccounts(name string, text []byte) ([]Account, error) {
	return parseAccounts(name, text, fileReader{})
}

// ParseRights returns what keys and roles may do. It reads a credentials file, whose secrets it
// ignores, or a rights document, which AppendRights writes and which holds no secrets.
func ParseRights(name string, text []byte) (*access.Registry, error) {
	accounts, err := parseAccounts(name, text, fileReader{rights: true})
	if err != nil {
		return nil, err
	}
	register, err := registerOf(accounts)
	if err != nil {
		return nil, &yamldoc.FileError{Path: name, Message: err.Error()}
	}
	return register, nil
}

// The members of a credentials file, beside those of a rights document.
type (
	credentialsFile struct {
		Accounts []fileAccount `json:"accounts" strict:"required"`
	}
	fileAccount struct {
		ID     string       `json:"id" strict:"required"`
		Keys   []fileKey    `json:"keys"`
		Tokens []fileToken  `json:"bearerTokens"`
		Roles  []rightsRole `json:"roles"`
	}
	fileKey struct {
		rightsKey
		Secret        string `json:"secret"`
		SecurityToken string `json:"securityToken"`
	}
	fileToken struct {
		rightsKey
		Token string `json:"token"`
	}
)

func parseAccounts(name string, text []byte, r fileReader) ([]Account, error) {
	var f credentialsFile
	if err := strict.Decode(name, text, &f,
		strict.Options{BytesMax: fileMax, Secret: true, Check: r.check}); err != nil {
		return nil, err
	}
	if f.Accounts == nil {
		return nil, &yamldoc.FileError{Path: name, Line: 1, Column: 1,
			Message: "the file is empty; it needs a list `accounts:`"}
	}
	accounts := make([]Account, len(f.Accounts))
	for i, a := range f.Accounts {
		accounts[i] = a.account()
	}
	return accounts, nil
}

// fileReader reports what is wrong in a file beyond the kinds of its members.
type fileReader struct {
	rights bool // secrets and tokens may be missing, because the result authenticates no caller
}

func (r fileReader) check(at strict.Place, v any) {
	switch v := v.(type) {
	case *fileAccount:
		report(at.Member("id"), checkAccount(v.ID))
	case *fileKey:
		r.checkKey(at, v)
	case *fileToken:
		r.checkToken(at, v)
	case *rightsRole:
		checkPolicies(at, v.Policies)
		report(at.Member("name"), access.CheckRole(v.Name))
	case *rightsPolicy:
		if v.Version != "" && v.Version != "1" {
			at.Member("Version").Failf("the Version of a policy is 1")
		}
	case *rightsStatement:
		s := v.statement()
		report(at, s.Check())
	}
}

func report(at strict.Place, err error) {
	if err != nil {
		at.Failf("%v", err)
	}
}

func (r fileReader) checkKey(at strict.Place, k *fileKey) {
	checkPolicies(at, k.Policies)
	if !r.rights {
		at.Require("secret")
	}
	if at.Require("id") {
		report(at.Member("id"), checkKey(AccessKey{ID: k.ID, Secret: "any"}))
	}
}

func (r fileReader) checkToken(at strict.Place, t *fileToken) {
	checkPolicies(at, t.Policies)
	switch {
	case !r.rights && at.Has("id"):
		at.Key("id").Failf("a bearer token has an id only in a rights document")
	case !r.rights:
		at.Require("token")
	case t.Token == "" && !strings.HasPrefix(t.ID, bearerPrefix):
		at.Failf("a bearer token has a token, or in a rights document an id that begins with %s",
			bearerPrefix)
	}
}

// checkPolicies rejects an empty list, because it could mean everything or nothing.
func checkPolicies(at strict.Place, policies []rightsPolicy) {
	if at.Has("policies") && len(policies) == 0 {
		at.Member("policies").Failf("the list is empty; leave policies out to allow everything")
	}
}

func (a *fileAccount) account() Account {
	to := Account{ID: a.ID}
	for _, k := range a.Keys {
		to.Keys = append(to.Keys, AccessKey{ID: k.ID, Secret: k.Secret,
			SecurityToken: k.SecurityToken, Expires: k.Expires, Policies: policies(k.Policies),
			Replaces: k.Replaces})
	}
	for _, t := range a.Tokens {
		to.Tokens = append(to.Tokens, BearerToken{Token: t.Token, ID: t.ID, Expires: t.Expires,
			Policies: policies(t.Policies), Replaces: t.Replaces})
	}
	for _, r := range a.Roles {
		to.Roles = append(to.Roles, access.Role{Name: r.Name, Policies: policies(r.Policies)})
	}
	return to
}

// policies returns nil for no policies: the key may do everything.
func policies(from []rightsPolicy) []access.Policy {
	var list []access.Policy
	for _, p := range from {
		to := access.Policy{}
		for _, s := range p.Statement {
			to.Statements = append(to.Statements, s.statement())
		}
		list = append(list, to)
	}
	return list
}
