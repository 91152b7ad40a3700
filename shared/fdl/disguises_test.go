package fdl_test

import (
	"reflect"
	"strings"
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

// The flows of TestCommentsAreNotRead. @ is replaced by the line ends of YAML 1.1.
const (
	hiddenInput = `Type: StateMachine
SpecVersion: v1
Name: f
StartAt: A
States:
  - Name: A
    Type: Pass
    Next: B
    # a comment@    InputConstructor: {hidden: true}
  - {Name: B, Type: Pass, End: true}
`
	hiddenMember = `Type: StateMachine
SpecVersion: v1
Name: f
StartAt: A
States:
  - Name: A
    Type: Pass
    End: true
    OutputConstructor:
      a: 1
      # a comment@      b: 2
`
	hiddenEnd = `version: v1
type: flow
steps:
  - type: pass
    name: a
    # a comment@    end: true
  - type: pass
    name: b
    outputMappings: [{target: reached, source: b}]
`
)

// TestCommentsAreNotRead: a comment continues after U+2028, U+2029 and U+0085, and a warning says
// where they are.
func TestCommentsAreNotRead(t *testing.T) {
	for _, text := range []string{hiddenInput, hiddenMember, hiddenEnd} {
		before, _, _ := strings.Cut(text, "@")
		for _, c := range []string{"\u2028", "\u2029", "\u0085"} {
			want, _ := fdl.Parse([]byte(strings.ReplaceAll(text, "@", " ")), fdl.Options{})
			got, found := fdl.Parse([]byte(strings.ReplaceAll(text, "@", c)), fdl.Options{})
			if got == nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%+q in\n%s\n%v", c, text, found)
			}
			line := strings.Count(before, "\n") + 1
			if n := len(found); n == 0 || found[n-1].Line != line ||
				found[n-1].Severity != yamldoc.Warning {
				t.Errorf("%+q: no warning at line %d: %v", c, line, found)
			}
		}
	}
}

// TestLinesBehindBreaks: an error after such a character is reported at its line.
func TestLinesBehindBreaks(t *testing.T) {
	text := "Type: StateMachine # \u2028\u2029\u0085\nSpecVersion: v1\nName: f\nStartAt: A\nStates:\n- {Name: A, Type: Pas, End: true}\n"
	if _, found := fdl.Parse([]byte(text), fdl.Options{}); len(found) == 0 || found[0].Line != 6 ||
		found[0].Column != 19 {
		t.Errorf("%v", found)
	}
	if _, found := fdl.Parse([]byte(text+"- {\u2028"), fdl.Options{}); len(found) == 0 ||
		found[0].Line != 7 {
		t.Errorf("%v", found)
	}
}

// TestAmbiguousScalars: scalars that older tools or editors read differently are rejected or cause
// a warning, in YAML and JSON.
func TestAmbiguousScalars(t *testing.T) {
	yamlText := "version: v1\ntype: flow\nsteps:\n- type: pass\n  name: p\n  outputMappings: [{target: t, source: @}]\n"
	jsonText := `{"version": "v1", "type": "flow", "steps": [{"type": "pass", "name": "p", "outputMappings": [{"target": "t", "source": @}]}]}`
	for _, c := range []struct {
		text, value, message string
		severity             yamldoc.Severity
	}{
		{yamlText, "yes", "the boolean true in YAML 1.1", yamldoc.Warning},
		{yamlText, "Off", "the boolean false in YAML 1.1", yamldoc.Warning},
		{yamlText, "00123", "00123 is the number 123", yamldoc.Warning},
		{yamlText, "-012.5", "-012.5 is the number -12.5", yamldoc.Warning},
		{yamlText, "0o17", "0o17 is the number 15 here", yamldoc.Warning},
		{yamlText, "0b11", "0b11 is text here", yamldoc.Warning},
		{yamlText, "1_000", "1_000 is text here", yamldoc.Warning},
		{yamlText, "12:30", "12:30 is text here", yamldoc.Warning},
		{yamlText, "x\u00a0", "blank", yamldoc.Warning},
		{yamlText, "x\u200b", "U+200B is not shown", yamldoc.Warning},
		{jsonText, "\"x\u200b\"", "U+200B is not shown", yamldoc.Warning},
		{jsonText, "\"x\u2028\"", "U+2028 is part of the line", yamldoc.Warning},
		{yamlText, "x\u202e", "U+202E", yamldoc.Error},
		{jsonText, "\"x\u202e\"", "U+202E", yamldoc.Error},
		{jsonText, "\"x\ufeff\"", "U+FEFF", yamldoc.Error},
		{jsonText, `"\ud83d"`, "half of a surrogate pair", yamldoc.Error},
		{jsonText, `"\ude00\ud83d"`, "half of a surrogate pair", yamldoc.Error},
		{yamlText, `"\ud83d\ude00"`, "invalid Unicode character escape", yamldoc.Error},
		{yamlText, `"\/"`, "unknown escape character", yamldoc.Error},
		{yamlText, "[?x]", "question mark", yamldoc.Error},
		{yamlText, "{a: 1, ?b: 2}", "question mark", yamldoc.Error},
		{yamlText, "x # y\rz", "carriage return", yamldoc.Error},
	} {
		_, found := fdl.Parse([]byte(strings.Replace(c.text, "@", c.value, 1)), fdl.Options{})
		ok := false
		for _, d := range found {
			ok = ok || d.Severity == c.severity && strings.Contains(d.Message, c.message)
		}
		if !ok {
			t.Errorf("%+q: %+v, want %v %q", c.value, found, c.severity, c.message)
		}
	}
	for _, c := range [][2]string{
		{yamlText, "'yes'"}, {yamlText, `"00123"`}, {yamlText, "0"}, {yamlText, "0.5"},
		{yamlText, "2026-11-30T07:00:00Z"},
		{yamlText, "'[?(x)]'"}, {yamlText, "{? x : 1}"}, {yamlText, "シャツ 流"},
		{yamlText, "'\u3000'"},
		{jsonText, `"\ud83d\ude00"`}, {jsonText, `"\\ud83d"`}, {jsonText, `"\/"`},
		{jsonText, `"yes"`}, {jsonText, `"00123"`},
	} {
		m, found := fdl.Parse([]byte(strings.Replace(c[0], "@", c[1], 1)), fdl.Options{})
		if m == nil || len(found) > 0 {
			t.Errorf("%+q: %+v", c[1], found)
		}
	}
}

// TestVersionHeader: the headers of a YAML 1.2 document are accepted.
func TestVersionHeader(t *testing.T) {
	for _, text := range []string{hiddenInput, hiddenEnd} {
		text = strings.ReplaceAll(text, "@", " ")
		for _, c := range []string{"%YAML 1.2\n---\n@", "%YAML 1.2 # c\n---\n@...\n",
			"---\n@...\n# end\n", "# c\n%YAML 1.2\n--- # c\n@"} {
			if m, found := fdl.Parse([]byte(strings.Replace(c, "@", text, 1)),
				fdl.Options{Mode: flow.Standard}); m == nil {
				t.Errorf("%q: %v", c, found)
			}
		}
		for _, c := range []string{"%YAML 1.1\n---\n@", "%TAG !e! tag:x:\n---\n@", "%X\n---\n@"} {
			if m, _ := fdl.Parse([]byte(strings.Replace(c, "@", text, 1)),
				fdl.Options{}); m != nil {
				t.Errorf("%q is accepted", c)
			}
		}
	}
}
