package deploy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Stack is what a template creates with certain parameters: conditions are evaluated, and what they
// exclude is removed. Functions have the properties of Globals. References to parameters are
// unchanged.
type Stack struct {
	Parameters Object // values
	Resources  map[string]Object
	Outputs    Object
}

// Deploy evaluates the conditions of a template for parameters. The parameters that are not given
// have their defaults.
func Deploy(template Object, parameters map[string]string) (*Stack, error) {
	d := &decider{values: Object{}, conditions: asObject(template["Conditions"])}
	for name, p := range asObject(template["Parameters"]) {
		d.values[name] = At(p, "Default")
		if v, ok := parameters[name]; ok {
			d.values[name] = v
		}
		if d.values[name] == nil {
			return nil, fmt.Errorf("parameter %s has no value", name)
		}
	}
	s := &Stack{Parameters: d.values, Resources: map[string]Object{}}
	for name, r := range asObject(template["Resources"]) {
		if v := d.entry(r); v != nil {
			s.Resources[name] = withGlobals(v,
				asObject(d.prune(At(template, "Globals", "Function"))))
		}
	}
	s.Outputs = Object{}
	for name, o := range asObject(template["Outputs"]) {
		if v := d.entry(o); v != nil {
			s.Outputs[name] = v
		}
	}
	return s, d.err
}

func asObject(v any) Object {
	m, _ := v.(Object)
	return m
}

// withGlobals adds the properties of Globals to a function.
func withGlobals(r, globals Object) Object {
	if r["Type"] != "AWS::Serverless::Function" {
		return r
	}
	properties := maps.Clone(globals)
	own := asObject(r["Properties"])
	variables := maps.Clone(asObject(At(globals, "Environment", "Variables")))
	if variables == nil {
		variables = Object{}
	}
	maps.Copy(variables, asObject(At(own, "Environment", "Variables")))
	if properties == nil {
		properties = Object{}
	}
	maps.Copy(properties, own)
	properties["Environment"] = Object{"Variables": variables}
	r = maps.Clone(r)
	r["Properties"] = properties
	return r
}

// decider evaluates conditions.
type decider struct {
	values     Object
	conditions Object
	err        error
}

// entry returns a resource or output; nil if its condition excludes it.
func (d *decider) entry(v any) Object {
	if c := Text(v, "Condition"); c != "" && !d.named(c) {
		return nil
	}
	return asObject(d.prune(v))
}

func (d *decider) named(name string) bool {
	c, ok := d.conditions[name]
	if !ok {
		d.err = fmt.Errorf("there is no condition %s", name)
	}
	return ok && d.holds(c)
}

func (d *decider) holds(v any) bool {
	if name := Text(v, "Condition"); name != "" {
		return d.named(name)
	}
	for f, args := range asObject(v) {
		list, _ := args.([]any)
		switch f {
		case "Fn::Equals":
			return len(list) == 2 && d.text(list[0]) == d.text(list[1])
		case "Fn::Not":
			return len(list) == 1 && !d.holds(list[0])
		case "Fn::And":
			return !slices.ContainsFunc(list, func(c any) bool { return !d.holds(c) })
		case "Fn::Or":
			return slices.ContainsFunc(list, d.holds)
		}
	}
	d.err = fmt.Errorf("not a condition: %v", v)
	return false
}

func (d *decider) text(v any) string {
	if name := Text(v, "Ref"); name != "" {
		return fmt.Sprint(d.values[name])
	}
	if join, ok := At(v, "Fn::Join").([]any); ok && len(join) == 2 {
		return d.text(join[1]) // of a list that a parameter has as one string
	}
	return fmt.Sprint(v)
}

// gone marks AWS::NoValue.
type gone struct{}

// prune evaluates every Fn::If and removes values that are AWS::NoValue.
func (d *decider) prune(v any) any {
	switch v := v.(type) {
	case Object:
		if choice, ok := v["Fn::If"].([]any); ok && len(choice) == 3 {
			if d.named(fmt.Sprint(choice[0])) {
				return d.prune(choice[1])
			}
			return d.prune(choice[2])
		}
		if v["Ref"] == "AWS::NoValue" {
			return gone{}
		}
		out := Object{}
		for key, e := range v {
			if e = d.prune(e); e != (gone{}) {
				out[key] = e
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			if e = d.prune(e); e != (gone{}) {
				out = append(out, e)
			}
		}
		return out
	}
	return v
}

// Names returns the names of the resources of a type, sorted.
func (s *Stack) Names(kind string) (names []string) {
	for name, r := range s.Resources {
		if r["Type"] == kind {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Property is At within the properties of a resource.
func (s *Stack) Property(name string, path ...any) any {
	return At(s.Resources[name]["Properties"], path...)
}

// Number returns a property that is a number, or a parameter with a number; 0 for anything else.
func (s *Stack) Number(name string, path ...any) float64 {
	v := s.Property(name, path...)
	if p := Text(v, "Ref"); p != "" {
		v = s.Parameters[p]
	}
	n, _ := v.(float64)
	return n
}

var inSub = regexp.MustCompile(`\$\{([^!}][^}]*)\}`)

// References returns the resources, parameters and pseudo parameters that a value refers to,
// sorted.
func References(v any) []string {
	seen := map[string]bool{}
	references(v, seen)
	return slices.Sorted(maps.Keys(seen))
}

func references(v any, seen map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			references(e, seen)
		}
	case Object:
		if name, ok := v["Ref"].(string); ok && len(v) == 1 {
			seen[name] = true
			return
		}
		if name := Text(v, "Fn::GetAtt", 0); name != "" {
			seen[name] = true
			return
		}
		if sub, ok := v["Fn::Sub"]; ok {
			text, locals := Text(v, "Fn::Sub"), Object{}
			if list, ok := sub.([]any); ok {
				text, locals = Text(list, 0), asObject(At(list, 1))
				references(locals, seen)
			}
			for _, m := range inSub.FindAllStringSubmatch(text, -1) {
				name, _, _ := strings.Cut(m[1], ".")
				if _, local := locals[name]; !local {
					seen[name] = true
				}
			}
			return
		}
		for _, e := range v {
			references(e, seen)
		}
	}
}

// Show returns a value as a short text: Ref X is X, GetAtt X.Arn is X.Arn, Sub is its text.
func Show(v any) string {
	if name := Text(v, "Ref"); name != "" {
		return name
	}
	if list, ok := At(v, "Fn::GetAtt").([]any); ok && len(list) == 2 {
		return fmt.Sprint(list[0], ".", list[1])
	}
	if text := Text(v, "Fn::Sub"); text != "" {
		return text
	}
	return fmt.Sprint(v)
}
