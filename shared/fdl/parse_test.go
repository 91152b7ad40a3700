package fdl_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

const examples = "../../examples/"

func read(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func files(t testing.TB, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(examples + pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no files match %s: %v", pattern, err)
	}
	return names
}

// tree parses a YAML file of test data.
func tree(t testing.TB, name string) *yamldoc.Node {
	t.Helper()
	text := read(t, name)
	report := yamldoc.NewReport(text)
	root := yamldoc.Parse(text, flow.DefaultLimits().DefinitionBytes, report)
	if root == nil {
		t.Fatalf("%s: %v", name, report.Diagnostics())
	}
	return root
}

// definition returns the definition and the flow's name of an example in either dialect.
func definition(t testing.TB, name string) (text []byte, flowName string) {
	t.Helper()
	if strings.Contains(name, "statemachine") {
		return read(t, name), ""
	}
	root := tree(t, name)
	return []byte(root.Get("definition").Text), root.Get("flowName").Text
}

func exampleFlows(t testing.TB) []string {
	t.Helper()
	return append(files(t, "statemachine/[0-9]*.yaml"), files(t, "flowv1/[0-9]*.yaml")...)
}

func TestExamplesParse(t *testing.T) {
	for _, name := range exampleFlows(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, flowName := definition(t, name)
			m, found := fdl.Parse(text, fdl.Options{Name: flowName})
			for _, d := range found {
				expected := strings.Contains(name, "24-end-and-goto") ||
					strings.Contains(name, "25-literal-or-expression")
				if d.Severity == yamldoc.Error || !expected {
					t.Errorf("%s", d.Render(text))
				}
			}
			if m == nil {
				t.Fatal("no machine")
			}
			for i, s := range m.Nodes {
				if s.Node != i || s.Line < 1 || s.Name == "" || s.Kind == 0 {
					t.Errorf("node %d is %+v", i, s)
				}
			}
		})
	}
}

type invalidCases struct {
	Cases []struct {
		Name, Reason, ExecutionMode string
		Definition                  json.RawMessage
	}
}

func invalid(t testing.TB) invalidCases {
	t.Helper()
	var table invalidCases
	if err := json.Unmarshal(read(t, examples+"statemachine/table-invalid-definitions.json"),
		&table); err != nil {
		t.Fatal(err)
	}
	return table
}

func TestInvalidDefinitions(t *testing.T) {
	for _, c := range invalid(t).Cases {
		t.Run(c.Name, func(t *testing.T) {
			m, found := fdl.Parse(c.Definition, fdl.Options{Name: "f", Mode: c.ExecutionMode})
			if m != nil || len(found) == 0 || found[0].Rule != c.Reason {
				t.Errorf("want %s first, got %v", c.Reason, found)
			}
			if err := fdl.Fault(found); err == nil || !strings.HasPrefix(err.Message,
				"Definition is invalid: "+found[0].Path+": ") {
				t.Errorf("fault %v", err)
			}
		})
	}
}

func TestConditionsOfFlowV1(t *testing.T) {
	table := tree(t, examples+"flowv1/table-conditions.yaml")
	parse := func(condition string) yamldoc.Diagnostics {
		text := "version: v1\ntype: flow\nsteps:\n- type: choice\n  name: c\n  choices:\n  - condition: " + quote(condition) + "\n"
		_, found := fdl.Parse([]byte(text), fdl.Options{})
		return found
	}
	for _, c := range table.Get("conditions").Items {
		if found := parse(c.Get("expr").Text); len(found) > 0 {
			t.Errorf("%s: %v", c.Get("expr").Text, found)
		}
	}
	for _, c := range table.Get("invalid").Items {
		if found := parse(c.Text); len(found) == 0 || found[0].Rule != "F08" {
			t.Errorf("%q is not refused: %v", c.Text, found)
		}
	}
}

func TestSourcesOfFlowV1(t *testing.T) {
	for _, s := range tree(t, examples+"flowv1/table-sources.yaml").Get("sources").Items {
		text, err := json.Marshal(map[string]any{"version": "v1", "type": "flow",
			"steps": []any{map[string]any{
				"type": "pass", "name": "p", "outputMappings": []any{map[string]any{"target": "t",
					"source": sourceOf(s.Get("source"))}},
			}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, found := fdl.Parse(text, fdl.Options{}); fdl.Fault(found) != nil {
			t.Errorf("%s: %v", text, found)
		}
	}
}

func sourceOf(n *yamldoc.Node) any {
	if n == nil {
		return nil
	}
	return n.Value()
}

func quote(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func TestDialectDetection(t *testing.T) {
	for _, c := range []struct{ text, rule, message string }{
		{"", "", "the text holds no definition"},
		{"# nothing", "", "the text holds no definition"},
		{"just text", "V01", "a definition must be a mapping with Type or type"},
		{"- a", "V01", "a definition must be a mapping with Type or type"},
		{"a: 1", "V01", "a definition must be a mapping with Type or type"},
		{"Type: Workflow\nSpecVersion: V3", "V01",
			"must be StateMachine (Workflow is the spelling of the preview)"},
		{"Type: flow", "V01", "must be StateMachine"},
		{"type: StateMachine\nversion: v1\nsteps: []", "F01", "must be flow"},
		{"type: flow\nversion: v2\nsteps: []", "F01", "must be v1, v1.0 or v1beta1"},
		{"States: []", "V01", "is missing; it must be StateMachine"},
		{"steps: []\nversion: v1", "F01", "must be flow"},
	} {
		_, found := fdl.Parse([]byte(c.text), fdl.Options{})
		if len(found) == 0 || found[0].Rule != c.rule || found[0].Message != c.message {
			t.Errorf("%q: %v", c.text, found)
		}
	}
}

func TestNameOfTheCall(t *testing.T) {
	for _, c := range []struct{ text, name, rule string }{
		{"Type: StateMachine\nSpecVersion: v1\nName: a\nStartAt: A\nStates: [{Name: A, Type: Succeed}]", "a", ""},
		{"Type: StateMachine\nSpecVersion: v1\nName: a\nStartAt: A\nStates: [{Name: A, Type: Succeed}]", "b", "V03"},
		{"Type: StateMachine\nSpecVersion: v1\nName: 1a\nStartAt: A\nStates: [{Name: A, Type: Succeed}]", "", "V03"},
		{"version: v1\ntype: flow\nsteps: []", "b", ""},
		{"version: v1\ntype: flow\nname: a\nsteps: []", "b", "F02"},
	} {
		_, found := fdl.Parse([]byte(c.text), fdl.Options{Name: c.name})
		rule := ""
		if len(found) > 0 {
			rule = found[0].Rule
		}
		if rule != c.rule {
			t.Errorf("%q as %s: %v", c.text, c.name, found)
		}
	}
}

// TestNameOfOtherLetters: the message about names makes clear that letters of other alphabets are
// not allowed.
func TestNameOfOtherLetters(t *testing.T) {
	for rule, text := range map[string]string{
		"V03": "Type: StateMachine\nSpecVersion: v1\nName: 订单\nStartAt: A\nStates: [{Name: A, Type: Succeed}]",
		"F02": "version: v1\ntype: flow\nname: 订单\nsteps: []",
	} {
		_, found := fdl.Parse([]byte(text), fdl.Options{})
		const want = "must be 1 to 128 ASCII letters, digits, _ and -, the first a letter or _"
		if len(found) == 0 || found[0].Rule != rule || found[0].Message != want {
			t.Errorf("%s: %v", rule, found)
		}
	}
}

func TestSizeLimit(t *testing.T) {
	text := []byte("version: v1\ntype: flow\nsteps: []\n#" + strings.Repeat("x", 100))
	if m, found := fdl.Parse(text, fdl.Options{}); m == nil {
		t.Error(found)
	}
	if m, found := fdl.Parse(text,
		fdl.Options{Limits: flow.Limits{DefinitionBytes: 99}}); m != nil || fdl.Fault(found) == nil {
		t.Error("a text over the limit is accepted")
	}
}
