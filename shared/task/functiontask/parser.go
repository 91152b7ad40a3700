package functiontask

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/value"
	"millrace/shared/yamldoc"
)

// errorsMax is the maximum number of errors reported for one file.
const errorsMax = 20

// parser reads the nodes of a file and collects the errors in it.
type parser struct {
	name, dir string
	errs      []error
}

// fields maps the name of each known member of an object to the function that reads it.
type fields map[string]func(*yaml.Node)

func (p *parser) failf(n *yaml.Node, format string, args ...any) {
	if len(p.errs) < errorsMax {
		p.errs = append(p.errs,
			&yamldoc.FileError{Path: p.name, Line: n.Line, Column: n.Column,
				Message: fmt.Sprintf(format, args...)})
	}
}

// object reads a mapping with known members.
func (p *parser) object(n *yaml.Node, known fields) {
	if n.Kind != yaml.MappingNode {
		p.failf(n, "an object is wanted here")
		return
	}
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		read := known[key.Value]
		switch {
		case read == nil || key.Kind != yaml.ScalarNode:
			p.failf(key, "unknown field %q; known here: %s", value.Cut(key.Value, 60),
				strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		case seen[key.Value]:
			p.failf(key, "the field %q stands twice", key.Value)
		default:
			read(v)
		}
		seen[key.Value] = true
	}
}

// each reads the elements of a list; null is an empty list.
func (p *parser) each(n *yaml.Node, read func(*yaml.Node)) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.SequenceNode {
		p.failf(n, "a list is wanted here")
		return
	}
	for _, element := range n.Content {
		read(element)
	}
}

// text reads a scalar as its text.
func (p *parser) text(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		p.failf(n, "a string is wanted here")
		return ""
	}
	if strings.ContainsRune(n.Value, 0) {
		p.failf(n, "a string must not hold a NUL")
		return ""
	}
	return n.Value
}

// number reads a number above 0 and at most limit.
func (p *parser) number(n *yaml.Node, limit float64) float64 {
	f, err := strconv.ParseFloat(n.Value, 64)
	if n.Kind != yaml.ScalarNode || err != nil || !(f > 0 && f <= limit) {
		p.failf(n, "a number above 0, at most %g, is wanted here", limit)
		return 1
	}
	return f
}

// mappingFields returns the members that functions and actions have in common.
func (p *parser) mappingFields(m *task.Mapping) fields {
	return fields{
		"match": func(n *yaml.Node) { m.Match = p.text(n) },
		"http":  func(n *yaml.Node) { m.HTTP = p.address(n) },
		"reply": func(n *yaml.Node) { m.Reply = p.json(n) },
		"error": func(n *yaml.Node) { m.Error = p.failure(n) },
		"timeout": func(n *yaml.Node) {
			m.Timeout = time.Duration(p.number(n, timeoutMax) * float64(time.Second))
		},
	}
}

// function reads one element of `functions`.
func (p *parser) function(n *yaml.Node, file *File) {
	f := Function{Dir: p.dir}
	known := p.mappingFields(&f.Mapping)
	known["command"] = func(n *yaml.Node) {
		p.each(n, func(n *yaml.Node) { f.Command = append(f.Command, p.text(n)) })
	}
	known["dir"] = func(n *yaml.Node) {
		if f.Dir = p.text(n); !filepath.IsAbs(f.Dir) {
			f.Dir = filepath.Join(p.dir, f.Dir)
		}
	}
	known["env"] = func(n *yaml.Node) { f.Env = p.environment(n) }
	known["inherit"] = func(n *yaml.Node) {
		p.each(n, func(n *yaml.Node) { f.Inherit = append(f.Inherit, p.variable(n)) })
	}
	known["user"] = func(n *yaml.Node) {
		if f.User = p.text(n); f.User == "" {
			p.failf(n, "user wants the name of a user, or uid:gid")
		} else if _, err := identityOf(f.User); err != nil {
			p.failf(n, "%v", err)
		}
	}
	known["concurrency"] = func(n *yaml.Node) {
		f.Concurrency = int(p.number(n, concurrencyMax))
		if strconv.Itoa(f.Concurrency) != n.Value {
			p.failf(n, "concurrency must be an integer from 1")
		}
	}
	p.object(n, known)
	p.checkMapping(n, &f.Mapping, has(n, "command"))
	if has(n, "command") && (len(f.Command) == 0 || f.Command[0] == "") {
		p.failf(n, "command names no program")
	}
	for _, name := range []string{"dir", "env", "inherit", "user", "concurrency"} {
		if has(n, name) && !has(n, "command") {
			p.failf(n, "%s belongs to a command", name)
		}
	}
	if len(f.Command) == 0 {
		f.Dir = ""
	}
	file.Functions = append(file.Functions, f)
}

// action reads one element of `actions`.
func (p *parser) action(n *yaml.Node, file *File) {
	var m task.Mapping
	p.object(n, p.mappingFields(&m))
	p.checkMapping(n, &m, false)
	file.Actions = append(file.Actions, m)
}

// checkMapping checks that a mapping has a pattern and exactly one kind of response.
func (p *parser) checkMapping(n *yaml.Node, m *task.Mapping, command bool) {
	if n.Kind != yaml.MappingNode {
		return
	}
	if m.Match == "" {
		p.failf(n, "match is missing")
	}
	count := 0
	for _, name := range []string{"http", "reply", "error"} {
		if has(n, name) {
			count++
		}
	}
	if command {
		count++
	}
	if count != 1 {
		p.failf(n, "exactly one of http, command (functions only), reply and error is wanted")
	}
}

// has reports whether an object has a member.
func has(n *yaml.Node, name string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Kind == yaml.MappingNode && n.Content[i].Value == name {
			return true
		}
	}
	return false
}

// address reads an absolute http or https address.
func (p *parser) address(n *yaml.Node) string {
	s := p.text(n)
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		p.failf(n, "http wants an absolute http or https address")
	}
	return s
}

// failure reads a fixed error.
func (p *parser) failure(n *yaml.Node) *flow.Error {
	var name, cause string
	p.object(n, fields{
		"name":  func(n *yaml.Node) { name = p.text(n) },
		"cause": func(n *yaml.Node) { cause = p.text(n) },
	})
	if name == "" {
		p.failf(n, "the error has no name")
	}
	return task.NewError(name, cause)
}

// environment reads an object of variables.
func (p *parser) environment(n *yaml.Node) map[string]string {
	env := make(map[string]string)
	if n.Kind != yaml.MappingNode {
		p.failf(n, "env wants an object of names and values")
		return env
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := p.variable(n.Content[i])
		env[name] = p.text(n.Content[i+1])
	}
	return env
}

// variable reads the name of a variable.
func (p *parser) variable(n *yaml.Node) string {
	name := p.text(n)
	if name == "" || strings.Contains(name, "=") {
		p.failf(n, "%q is no name of a variable", name)
	}
	return name
}

// json reads any value as JSON.
func (p *parser) json(n *yaml.Node) json.RawMessage {
	v, err := plain(n, 0)
	if err != nil {
		p.failf(n, "reply: %v", err)
		return nil
	}
	return value.Encode(v)
}

// plain converts a node to a value. A number keeps its text if JSON has the same syntax.
func plain(n *yaml.Node, depth int) (any, error) {
	if depth >= value.DepthMax-1 {
		return nil, value.ErrDepth
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if _, twice := m[key.Value]; twice || key.Kind != yaml.ScalarNode ||
				key.Tag == "!!merge" {
				return nil, fmt.Errorf("line %d: %q is no key of its own", key.Line, key.Value)
			}
			v, err := plain(n.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			m[key.Value] = v
		}
		return m, nil
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, element := range n.Content {
			v, err := plain(element, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.ScalarNode:
		return scalar(n)
	}
	return nil, errors.New("aliases are not supported")
}

// scalar converts a scalar to a value.
func scalar(n *yaml.Node) (any, error) {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle |
		yaml.LiteralStyle | yaml.FoldedStyle
	tagged := n.Style&yaml.TaggedStyle != 0
	if n.Style&quoted != 0 && !tagged || tagged && n.ShortTag() == "!!str" {
		return n.Value, nil
	}
	kind, text, reason := yamldoc.Plain(n.Value)
	if reason != "" {
		return nil, fmt.Errorf("line %d: %s", n.Line, reason)
	}
	switch kind {
	case yamldoc.Null:
		return nil, nil
	case yamldoc.Bool:
		return text == "true", nil
	case yamldoc.Number:
		return value.Number(text), nil
	}
	return text, nil
}
