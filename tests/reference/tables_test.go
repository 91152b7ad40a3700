package reference

import (
	"os"
	"path/filepath"
	"testing"
)

// table reads one of the tables next to the example flows.
func table(t *testing.T, name string) object {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../examples", name))
	if err != nil {
		t.Fatal(err)
	}
	v, err := readYAML(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return v.(object)
}

// TestExpressions checks that the reference evaluates the documented expressions as documented.
func TestExpressions(t *testing.T) {
	all := table(t, "statemachine/table-expressions.json")
	roots := object{}
	for name, v := range all["roots"].(object) {
		roots[name[1:]] = v
	}
	list := listField(all, "cases")
	for _, c := range list {
		c := c.(object)
		text := textField(c, "expr")
		got, err, refused := tried(text, &scope{roots, newDrawn()})
		if _, fails := c["error"]; fails != (err != nil || refused != nil) || !fails &&
			newDrawn().match(c["value"], got) != "" {
			t.Errorf("%s: want %v %v, got %v, %v, %v", text, c["value"], c["error"], got, err,
				refused)
		}
	}
	if len(list) < 60 {
		t.Errorf("only %d expressions", len(list))
	}
}

// tried evaluates an expression that may be malformed. refused is the reference's reason why it
// cannot judge the expression.
func tried(text string, s *scope) (got any, err *failure, refused any) {
	defer func() { refused = recover() }()
	got, err = evaluate(errExpression, func() any { return parsed.get(text)(s) })
	return got, err, nil
}

// TestConditions does the same for FlowV1 conditions.
func TestConditions(t *testing.T) {
	all := table(t, "flowv1/table-conditions.yaml")
	list := listField(all, "conditions")
	for _, c := range list {
		text := textField(c.(object), "expr")
		if got := condition(text, all["input"]); got != c.(object)["result"] {
			t.Errorf("%s is %v", text, got)
		}
	}
	for _, c := range listField(all, "invalid") {
		func() {
			defer func() {
				if _, ok := recover().(*Unjudged); !ok {
					t.Errorf("%q is judged", c)
				}
			}()
			condition(c.(string), all["input"])
		}()
	}
	if len(list) < 50 {
		t.Errorf("only %d conditions", len(list))
	}
}

// TestSources does the same for the sources of FlowV1 mappings.
func TestSources(t *testing.T) {
	all := table(t, "flowv1/table-sources.yaml")
	list := listField(all, "sources")
	for _, c := range list {
		c := c.(object)
		if got := (rootsV1{all["input"], all["local"],
			all["context"]}).source(c["source"]); !equal(got, c["result"]) {
			t.Errorf("%v gives %v", c["source"], text(got))
		}
	}
	if len(list) < 25 {
		t.Errorf("only %d sources", len(list))
	}
}
