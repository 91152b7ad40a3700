package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"gopkg.in/yaml.v3"
)

// Object is a JSON object.
type Object = map[string]any

// Load reads a template and expands short tags: !Ref x is {"Ref":"x"}, !GetAtt a.b is
// {"Fn::GetAtt":["a","b"]}, any other !X is {"Fn::X":…}. Values have the types of encoding/json. A
// duplicate key, an anchor or an alias is an error, because the services do not agree on its
// meaning.
func Load(path string) (Object, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(text)
}

// Parse is Load for a text.
func Parse(text []byte) (Object, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, err
	}
	if len(root.Content) != 1 {
		return nil, fmt.Errorf("the template is empty")
	}
	v, err := expand(root.Content[0])
	if err != nil {
		return nil, err
	}
	return normal(v)
}

// normal returns v with the types of encoding/json.
func normal(v any) (doc Object, err error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return doc, json.Unmarshal(text, &doc)
}

func expand(n *yaml.Node) (any, error) {
	if n.Anchor != "" || n.Kind == yaml.AliasNode {
		return nil, fmt.Errorf("line %d: an anchor or alias", n.Line)
	}
	v, err := plain(n)
	if err != nil || !strings.HasPrefix(n.Tag, "!") || strings.HasPrefix(n.Tag, "!!") {
		return v, err
	}
	name := strings.TrimPrefix(n.Tag, "!")
	switch text, isText := v.(string); {
	case name == "Ref" || name == "Condition":
		return Object{name: v}, nil
	case name == "GetAtt" && isText:
		resource, attribute, _ := strings.Cut(text, ".")
		return Object{"Fn::GetAtt": []any{resource, attribute}}, nil
	}
	return Object{"Fn::" + name: v}, nil
}

func plain(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		return mapping(n)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := expand(c)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		return n.Value, nil
	}
	var v any
	return v, n.Decode(&v)
}

func mapping(n *yaml.Node) (any, error) {
	m := Object{}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i].Value
		if _, ok := m[key]; ok {
			return nil, fmt.Errorf("line %d: %s stands twice", n.Content[i].Line, key)
		}
		v, err := expand(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		m[key] = v
	}
	return m, nil
}

// At follows keys and list positions into a document; nil if there is no such value.
func At(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(Object)
			v = m[p]
		case int:
			list, _ := v.([]any)
			if p >= len(list) {
				return nil
			}
			v = list[p]
		}
	}
	return v
}

// Text is At for a string; "" for anything else.
func Text(v any, path ...any) string {
	s, _ := At(v, path...).(string)
	return s
}
