package yamldoc_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"millrace/shared/yamldoc"
)

// members returns the keys and values of a flat mapping, and the error.
func members(text string) (string, error) {
	report := yamldoc.NewReport([]byte(text))
	root := yamldoc.Parse([]byte(text), 256<<10, report)
	if root == nil {
		if report.Empty() {
			return "", errEmpty
		}
		d := report.Diagnostics()[0]
		return "", fmt.Errorf("%d:%d: %s", d.Line, d.Column, d.Message)
	}
	var b strings.Builder
	for _, f := range root.Fields {
		b.WriteString(f.Key + "=" + f.Value.Text + ";")
	}
	return b.String(), nil
}

var errEmpty = errors.New("no document")

// TestBreaks: a character that ends a line only in YAML 1.1 is an ordinary character everywhere.
func TestBreaks(t *testing.T) {
	for _, c := range []string{"\u0085", "\u2028", "\u2029"} {
		for text, want := range map[string]string{
			"a: 1 # x@b: 2":               "a=1;",
			"a: 1 # x@b: 2\nc: 3 # @d: 4": "a=1;c=3;",
			"# @b: 2\na: 1":               "a=1;",
			"a: x@y":                      "a=x@y;",
			"a: \"x@y\"":                  "a=x@y;",
			"a: 'x@ y'":                   "a=x@ y;",
			"a: |\n  x@  y\n":             "a=x@  y\n;",
			"a: >\n  x@y\n  z\n":          "a=x@y z\n;",
			"a@b: 1":                      "a@b=1;",
			"? a@b\n: c":                  "a@b=c;",
			"a: &n x@y\nb: *n":            "a=x@y;b=x@y;",
			// The escape of a character that may be the replacement.
			"a: \"@\\U000F0000\"":             "a=@\U000f0000;",
			"a: \"@\\U000f0000\"":             "a=@\U000f0000;",
			"a: \U000f0000@\U000f0001":        "a=\U000f0000@\U000f0001;",
			"a: \"@\\N\\L\\P\"":               "a=@\u0085\u2028\u2029;",
			"a: \u0085@\u2028@\u2029@":        "a=\u0085@\u2028@\u2029@;",
			"%YAML 1.2\n---\na: x@y\n...\n#@": "a=x@y;",
		} {
			text, want = strings.ReplaceAll(text, "@", c), strings.ReplaceAll(want, "@", c)
			if got, err := members(text); err != nil || got != want {
				t.Errorf("%+q is %+q %v, want %+q", text, got, err, want)
			}
		}
	}
	hostile := "a: \u2028\n"
	for r := rune(0xF0000); r < 0xF0000+100; r++ {
		hostile += "# " + string(r) + "\n"
	}
	if _, err := members(hostile); err == nil {
		t.Error("no character is left, and nothing is refused")
	}
}

// TestPlaces: a problem after such a character is reported at its line and column.
func TestPlacesAfterBreaks(t *testing.T) {
	_, err := members("a: 1 # x\u2028y\u0085\nb: \u2029x # \u202e\n")
	if err == nil || !strings.HasPrefix(err.Error(), "2:9: U+202E ") {
		t.Errorf("%v", err)
	}
	_, found := parse("a: x\u2028y\nb: \u200bz\n")
	for i, want := range []string{"1:5: warning: U+2028 ", "2:4: warning: U+200B "} {
		if len(found) != 2 || !strings.HasPrefix(found[i].Render(nil), want) {
			t.Fatalf("warnings %v, want %q", found, want)
		}
	}
}

func TestDirectives(t *testing.T) {
	for _, text := range []string{
		"%YAML 1.2\n---\na: 1\n", "%YAML 1.2\r\n---\r\na: 1\r\n", "\ufeff%YAML 1.2\n---\na: 1\n",
		"# c\n\n%YAML  1.2\t# c\n# c\n---\na: 1\n...\n# end\n", "---\na: 1\n...\n",
		"--- # c\na: 1\n", "a: 1\n...\n",
	} {
		if got, err := members(text); err != nil || got != "a=1;" {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"%YAML 1.1\n---\na: 1":            "1:1: the text says that it is YAML 1.1; it is read as YAML 1.2",
		"# c\n%YAML 1.3\n---\na: 1":       "2:1: the text says that it is YAML 1.3; it is read as YAML 1.2",
		"%YAML 1.2 1.2\n---\na: 1":        "1:1: the text says that it is YAML 1.2 1.2",
		"%TAG ! tag:x,2000:\n---\na: 1":   "1:1: the directive %TAG is not supported",
		"%YAML 1.2\n%FOO x\n---\na: !y 1": "2:1: the directive %FOO is not supported",
		"%YAML 1.2\n%YAML 1.2\n---\na: 1": "duplicate %YAML directive",
		"%YAML 1.2\na: 1":                 "mapping values are not allowed",
		"a: 1\n---\nb: 2":                 "2:1: the text holds more than one YAML document",
	} {
		if got, err := members(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", " \n", "# c\n"} {
		if _, err := members(text); err != errEmpty {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestDisguises: texts that editors show differently than they are read are rejected.
func TestDisguises(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1 # x\rb: 2":            "1:9: a carriage return that no line feed follows",
		"a: 1\rb: 2\r":              "a carriage return that no line feed follows",
		"a: 1\n\ufeffb: 2":          "2:1: U+FEFF",
		"a: \"\ufeff\"":             "1:5: U+FEFF",
		"\ufeff\ufeffa: 1":          "U+FEFF",
		"a: x # \u202e }\u2066 if":  "1:8: U+202E",
		"a: \"\u2066\"":             "U+2066",
		"a\u202c: 1":                "U+202C",
		"<<: {a: 1}":                "merge keys",
		"a: &x {b: 1}\nc: {<<: *x}": "2:5: merge keys",
		"a: !!binary aGk=":          "the tag !!binary is not known",
		"a: !x y":                   "the tag !x is not known",
		"a: !!set {x, y}":           "the tag !!set is not known",
	} {
		if got, err := members(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+q is %q, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"a: 1\r\nb: 2\r\n": "a=1;b=2;", "\ufeffa: 1": "a=1;",
		`a: "\u202e\ufeff"`: "a=\u202e\ufeff;",
		"a: 'שלום'":         "a=שלום;", "a: \u200f": "a=\u200f;", `"<<": x`: "<<=x;", "a: !!str 1": "a=1;",
	} {
		if got, err := members(text); err != nil || got != want {
			t.Errorf("%+q is %+q, %v", text, got, err)
		}
	}
}
