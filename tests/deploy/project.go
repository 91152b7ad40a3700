package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Project is what s.yaml creates on Function Compute, with its variables filled in, and what its
// roles may do.
type Project struct {
	Functions map[string]Object         // properties by the name of the resource
	Actions   map[string][]any          // commands that run before a function is deployed
	Policies  map[string][]RAMStatement // by the name of their file
	Trust     Object                    // who may assume the roles
}

// RAMStatement is a statement of a RAM policy.
type RAMStatement struct {
	Effect           string
	Action, Resource []string
	Condition        Object
}

// Names returns the functions, sorted.
func (p *Project) Names() []string { return slices.Sorted(maps.Keys(p.Functions)) }

// LoadProject reads s.yaml and the policies of infra as a deployment with these environment
// variables sees them. In place of the content of a file that s.yaml reads, the project has the
// file's name in braces.
func LoadProject(text []byte, policies string, environment map[string]string) (*Project, error) {
	doc, vars, err := renderTemplate(text, environment)
	if err != nil {
		return nil, err
	}
	p := &Project{Functions: map[string]Object{}, Actions: map[string][]any{},
		Policies: map[string][]RAMStatement{}}
	for name, r := range asObject(doc["resources"]) {
		if Text(r, "component") != "fc3" {
			return nil, fmt.Errorf("%s: component %v", name, At(r, "component"))
		}
		p.Functions[name] = asObject(At(r, "props"))
		p.Actions[name] = asList(At(r, "actions", "pre-deploy"))
	}
	return p, p.loadPolicies(policies, vars)
}

var expression = regexp.MustCompile(`\$\{([^}]*)\}`)

// renderTemplate fills in variables, as Serverless Devs does, in the forms that s.yaml uses.
func renderTemplate(text []byte, environment map[string]string) (doc Object, vars map[string]string,
	err error) {
	doc, err = Parse(text)
	if err != nil {
		return nil, nil, err
	}
	vars = map[string]string{}
	r := renderer{environment, vars}
	// In the order of the text, because a variable may use the variables before it.
	for _, name := range keyOrder(text, "vars") {
		v := fmt.Sprint(At(doc, "vars", name))
		if vars[name], err = r.text(v); err != nil {
			return nil, nil, fmt.Errorf("vars.%s: %w", name, err)
		}
	}
	resources, err := r.value(doc["resources"])
	doc["resources"] = resources
	return doc, vars, err
}

// keyOrder returns the keys of a mapping at the top level of a YAML text, in the order of the text.
func keyOrder(text []byte, at string) (keys []string) {
	var root yaml.Node
	if yaml.Unmarshal(text, &root) != nil || len(root.Content) == 0 {
		return nil
	}
	top := root.Content[0]
	for i := 0; i+1 < len(top.Content); i += 2 {
		if top.Content[i].Value == at {
			for j := 0; j < len(top.Content[i+1].Content); j += 2 {
				keys = append(keys, top.Content[i+1].Content[j].Value)
			}
		}
	}
	return keys
}

type renderer struct {
	environment, vars map[string]string
}

func (r renderer) value(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return r.text(v)
	case Object:
		out := Object{}
		for name, e := range v {
			e, err := r.value(e)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			out[name] = e
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			var err error
			if out[i], err = r.value(e); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

func (r renderer) text(s string) (string, error) {
	var wrong error
	out := expression.ReplaceAllStringFunc(s, func(m string) string {
		v, err := r.expression(m[2 : len(m)-1])
		if err != nil {
			wrong = err
		}
		return v
	})
	return out, wrong
}

var (
	envCall  = regexp.MustCompile(`^env\('([A-Z_]+)', '([^']*)'\)$`)
	fileCall = regexp.MustCompile(`^file\((.*)\)$`)
)

func (r renderer) expression(e string) (string, error) {
	if m := envCall.FindStringSubmatch(e); m != nil {
		if v, ok := r.environment[m[1]]; ok {
			return v, nil
		}
		return m[2], nil
	}
	if m := fileCall.FindStringSubmatch(e); m != nil {
		name, err := r.expression(m[1])
		return "{" + name + "}", err
	}
	if name, ok := strings.CutPrefix(e, "vars."); ok {
		if v, ok := r.vars[name]; ok {
			return v, nil
		}
	}
	return "", fmt.Errorf("%s is not known here", e)
}

func (p *Project) loadPolicies(directory string, vars map[string]string) error {
	files, err := filepath.Glob(filepath.Join(directory, "*.json"))
	if err != nil {
		return err
	}
	known := maps.Clone(vars)
	delete(known, "functions") // in policies these are the functions that flows may invoke
	maps.Copy(known, map[string]string{"queue": vars["prefix"],
		"letters":      vars["prefix"] + "-dead-letters",
		"eventLetters": vars["prefix"] + "-event-dead-letters", "logstore": "functions"})
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		filled := expression.ReplaceAllStringFunc(string(text), func(m string) string {
			if v, ok := known[m[2:len(m)-1]]; ok {
				return v
			}
			return m
		})
		if name == "trust" {
			err = json.Unmarshal([]byte(filled), &p.Trust)
		} else if name != "trust-tasks" && name != "reserved" {
			// of the role of tasks: who may assume it, and what it is denied
			var doc struct{ Statement []RAMStatement }
			err = json.Unmarshal([]byte(filled), &doc)
			p.Policies[name] = doc.Statement
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// Triggers returns the triggers of a kind that a function has.
func (p *Project) Triggers(function, kind string) (all []Object) {
	for _, t := range asList(At(p.Functions[function], "triggers")) {
		if Text(t, "triggerType") == kind {
			all = append(all, t.(Object))
		}
	}
	return all
}

// Variable returns a variable of a function; "" without it.
func (p *Project) Variable(function, name string) string {
	return Text(p.Functions[function], "environmentVariables", name)
}

// May reports whether the policy of a function allows an action on a resource.
func (p *Project) May(function, action, resource string) bool {
	return slices.ContainsFunc(p.Policies[function], func(s RAMStatement) bool {
		return s.Effect == "Allow" && slices.Contains(s.Action, action) &&
			slices.Contains(s.Resource, resource)
	})
}
