package auth

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"millrace/shared/access"
	"millrace/shared/yamldoc"
)

// fileMax is the largest credentials file, in bytes.
const fileMax = 4 << 20

// Load reads a credentials file, YAML or JSON (docs/credentials.md). An error names the file, the
// line and the correction; it never holds a secret.
func Load(path string) (*Credentials, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, fileMax+1))
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	accounts, err := ParseAccounts(text)
	if err != nil {
		return nil, yamldoc.InFile(path, err)
	}
	c, err := New(accounts)
	if err != nil {
		return nil, yamldoc.InFile(path, err)
	}
	c.file = path
	return c, nil
}

// ParseAccounts parses the text of a credentials file.
func ParseAccounts(text []byte) ([]Account, error) { return parseAccounts(text, &fileReader{}) }

// ParseRights returns what keys and roles may do. It reads a credentials file, whose secrets it
// ignores, or a rights document, which AppendRights writes and which holds no secrets.
func ParseRights(text []byte) (*access.Registry, error) {
	accounts, err := parseAccounts(text, &fileReader{rights: true})
	if err != nil {
		return nil, err
	}
	return registerOf(accounts)
}

func parseAccounts(text []byte, r *fileReader) ([]Account, error) {
	if len(text) > fileMax {
		return nil, fmt.Errorf("the file is larger than %d bytes", fileMax)
	}
	if bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
		// JSON may be indented with tabs, YAML may not
		text = bytes.ReplaceAll(text, []byte("\t"), []byte(" "))
	}
	root, err := yamldoc.Decode(text)
	var problem *yamldoc.Problem
	switch {
	case err == yamldoc.ErrEmpty:
		return nil, errors.New("the file is empty; it needs a list `accounts:`")
	case errors.As(err, &problem):
		return nil, problem
	case err != nil:
		return nil, syntaxError(err)
	}
	var accounts []Account
	r.object(root, map[string]func(*yaml.Node){
		"accounts": func(n *yaml.Node) { accounts = list(r, n, r.account) },
	}, "accounts")
	return accounts, r.err
}

// syntaxError keeps only the line number of a YAML error, because its text may quote the line and a
// secret in it.
func syntaxError(err error) error {
	const message = "this is neither YAML nor JSON; check the indentation and the quotes"
	if at := yamldoc.InFile("", err); at.Line > 0 {
		return &yamldoc.Problem{Line: at.Line, Message: message}
	}
	return errors.New(message)
}

// fileReader converts YAML nodes to accounts and keeps the first error.
type fileReader struct {
	err    error
	at     string // the known key whose value is being read, or was read last
	rights bool   // secrets and tokens may be missing, because the result authenticates no caller
}

func (r *fileReader) fail(n *yaml.Node, format string, args ...any) {
	if r.err == nil {
		r.err = &yamldoc.Problem{Line: n.Line, Column: n.Column,
			Message: fmt.Sprintf(format, args...)}
	}
}

// object passes each value of a mapping to the reader of its key.
func (r *fileReader) object(n *yaml.Node, fields map[string]func(*yaml.Node), required ...string) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "here must be a mapping with the keys %s", names(fields))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		read := fields[key.Value]
		if read == nil {
			r.fail(key, "unknown key%s; the keys here are %s", quotedKey(key.Value), names(fields))
			return
		}
		if seen[key.Value] {
			r.fail(key, "the key %s is there twice", key.Value)
			return
		}
		seen[key.Value] = true
		r.at = key.Value
		read(v)
	}
	for _, key := range required {
		if !seen[key] {
			r.fail(n, "the key %s is missing", key)
		}
	}
}

// quotedKey quotes an unknown key if it looks like a word, that is, like a misspelled key. Anything
// else may be a secret: YAML reads `secret:x`, without a space, as a key.
func quotedKey(key string) string {
	const longest = 14 // securityToken has 13 letters; secrets are longer
	for _, c := range key {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return ""
		}
	}
	if len(key) > longest {
		return ""
	}
	return fmt.Sprintf(" %q", key)
}

func names(fields map[string]func(*yaml.Node)) string {
	all := make([]string, 0, len(fields))
	for name := range fields {
		all = append(all, name)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// list reads a sequence.
func list[T any](r *fileReader, n *yaml.Node, read func(*yaml.Node) T) []T {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "%s must be a list", r.at)
		return nil
	}
	all := make([]T, 0, len(n.Content))
	for _, e := range n.Content {
		all = append(all, read(e))
	}
	return all
}

// text returns a function that reads a string into dst. A number is taken as written, because ids
// are often all digits.
func (r *fileReader) text(dst *string) func(*yaml.Node) {
	return func(n *yaml.Node) { *dst = r.scalar(n) }
}

func (r *fileReader) scalar(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Value == "" {
		r.fail(n, "%s must be a text that is not empty", r.at)
		return ""
	}
	return n.Value
}

func (r *fileReader) time(dst *time.Time) func(*yaml.Node) {
	return func(n *yaml.Node) {
		t, err := time.Parse(time.RFC3339, r.scalar(n))
		if err != nil {
			r.fail(n, "the time must look like 2027-01-31T00:00:00Z")
		}
		*dst = t
	}
}

func (r *fileReader) account(n *yaml.Node) (a Account) {
	r.object(n, map[string]func(*yaml.Node){
		"id":           r.text(&a.ID),
		"keys":         func(n *yaml.Node) { a.Keys = list(r, n, r.key) },
		"bearerTokens": func(n *yaml.Node) { a.Tokens = list(r, n, r.bearer) },
		"roles":        func(n *yaml.Node) { a.Roles = list(r, n, r.role) },
	}, "id")
	if r.err == nil {
		if err := checkAccount(a.ID); err != nil {
			r.fail(n, "%v", err)
		}
	}
	return a
}

func (r *fileReader) key(n *yaml.Node) (k AccessKey) {
	r.object(n, map[string]func(*yaml.Node){
		"id":            r.text(&k.ID),
		"secret":        r.text(&k.Secret),
		"securityToken": r.text(&k.SecurityToken),
		"expires":       r.time(&k.Expires),
		"policies":      r.policies(&k.Policies),
		"replaces":      func(n *yaml.Node) { k.Replaces = r.oneOrMore(n) },
	}, r.secret("id", "secret")...)
	if r.err == nil {
		if r.rights && k.Secret == "" {
			k.Secret = "none"
		}
		if err := checkKey(k); err != nil {
			r.fail(n, "%v", err)
		}
	}
	return k
}

// secret returns the required keys. If rights are read, it leaves out the last one, which holds the
// secret.
func (r *fileReader) secret(required ...string) []string {
	if r.rights {
		return required[:len(required)-1]
	}
	return required
}

func (r *fileReader) bearer(n *yaml.Node) (t BearerToken) {
	keys := map[string]func(*yaml.Node){
		"token":    r.text(&t.Token),
		"expires":  r.time(&t.Expires),
		"policies": r.policies(&t.Policies),
		"replaces": func(n *yaml.Node) { t.Replaces = r.oneOrMore(n) },
	}
	if r.rights {
		keys["id"] = r.text(&t.ID)
	}
	r.object(n, keys, r.secret("token")...)
	if r.rights && r.err == nil && t.Token == "" && !strings.HasPrefix(t.ID, bearerPrefix) {
		r.fail(n, "a bearer token has a token, or in a rights document an id that begins with %s",
			bearerPrefix)
	}
	return t
}

func (r *fileReader) role(n *yaml.Node) (role access.Role) {
	r.object(n, map[string]func(*yaml.Node){
		"name":     r.text(&role.Name),
		"policies": r.policies(&role.Policies),
	}, "name")
	if r.err == nil {
		if err := access.CheckRole(role.Name); err != nil {
			r.fail(n, "%v", err)
		}
	}
	return role
}

// policies rejects an empty list, because it could mean everything or nothing.
func (r *fileReader) policies(dst *[]access.Policy) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if *dst = list(r, n, r.policy); len(*dst) == 0 {
			r.fail(n, "the list is empty; leave policies out to allow everything")
		}
	}
}

func (r *fileReader) policy(n *yaml.Node) (p access.Policy) {
	var version string
	r.object(n, map[string]func(*yaml.Node){
		"Version":   func(n *yaml.Node) { version = r.scalar(n) },
		"Statement": func(n *yaml.Node) { p.Statements = list(r, n, r.statement) },
	}, "Statement")
	if version != "" && version != "1" {
		r.fail(n, "the Version of a policy is 1")
	}
	return p
}

func (r *fileReader) statement(n *yaml.Node) (s access.Statement) {
	r.object(n, map[string]func(*yaml.Node){
		"Effect":   r.text(&s.Effect),
		"Action":   func(n *yaml.Node) { s.Actions = r.oneOrMore(n) },
		"Resource": func(n *yaml.Node) { s.Resources = r.oneOrMore(n) },
	}, "Effect", "Action", "Resource")
	if r.err == nil {
		if err := s.Check(); err != nil {
			r.fail(n, "%v", err)
		}
	}
	return s
}

// oneOrMore reads a string or a list of strings.
func (r *fileReader) oneOrMore(n *yaml.Node) []string {
	if n.Kind == yaml.ScalarNode {
		return []string{r.scalar(n)}
	}
	return list(r, n, r.scalar)
}
