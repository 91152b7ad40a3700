package yamldoc_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestSyntaxPlaces: a YAML error is reported where it is, no matter which part of the YAML parser
// found it. Values that only need quotes get a hint that says so.
func TestSyntaxPlaces(t *testing.T) {
	for _, c := range []struct{ name, text, place, hint string }{
		{"a list in a condition in braces",
			"a:\n  - b: 1\n  - {Condition: $Input.x in [\"a\",\"b\"], Next: A}\n", "3:29",
			"put the whole value in quotes: Condition: '…'"},
		{"a condition that begins with a text",
			"a:\n  - Next: A\n    Condition: \"a\" == $Input.x # why\n", "3:20",
			`put the whole value in quotes: Condition: '"a" == $Input.x'`},
		{"with the other quotes", "a:\n  - Condition: 'a' == $Input.x\n", "2:20",
			"put the whole value in quotes: Condition: '''a'' == $Input.x'"},
		{"with a list", "Condition: [\"a\"] == $Input.x\n", "1:18",
			`put the whole value in quotes: Condition: '["a"] == $Input.x'`},
		{"with a colon", "a: 1\nCondition: $Input.x == \"b: c\"\n", "2:26",
			`put the whole value in quotes: Condition: '$Input.x == "b: c"'`},
		{"with a star", "a: 1\nb: * 3\n", "2:4", "put the whole value in quotes: b: '* 3'"},
		{"with an at sign", "ü: 1\nb: @c\n", "2:4", "put the whole value in quotes: b: '@c'"},
		{"not and and", "a:\n- Condition: !$Input.a && $Input.b\n", "2:24",
			"put the whole value in quotes: Condition: '!$Input.a && $Input.b'"},
		{"wide characters before", "a:\n- {ü: 中文, Condition: $x in [1]}\n", "2:28",
			"put the whole value in quotes: Condition: '…'"},
		{"indentation", "steps:\n  - type: pass\n   name: p\n", "3:4",
			"check the indentation: the keys of one mapping, and the items of one list, begin in the same column"},
		{"indented too far", "a:\n  - Name: A\n      Type: Pass\n", "3:11",
			"check the indentation: the keys of one mapping, and the items of one list, begin in the same column"},
		{"a tab", "a:\n\t- b: 1\n", "2:1", "indent with blanks, not with tabs"},
		{"a tab in a mapping", "a:\n  - b: 1\n\tc: 2\n", "3:1",
			"indent with blanks, not with tabs"},
		{"a colon in a text", "a: 1\nDescription: note: this\n", "2:18",
			"put the whole value in quotes: Description: 'note: this'"},
		{"no colon", "a: 1\nb: 2\nc 2\nd: 3\n", "3:1", ""},
		{"open quote", "a: 1\nb: \"c\nd: 3\n", "2:4", ""},
		{"open bracket", "a: 1\nb: [c,\n\n", "2:7", ""},
		{"open brace", "- {a: $Input.x\n", "1:15", ""},
		{"unknown alias", "a: 1\nb: *c\n", "2:4", ""},
		{"control character", "a: 1\nbü: \x01\n", "2:5", ""},
		{"first line", "a: b: c", "1:5", "put the whole value in quotes: a: 'b: c'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root, found := parse(c.text)
			if root != nil || len(found) != 1 {
				t.Fatalf("%v, %v", root, found)
			}
			if got := fmt.Sprintf("%d:%d", found[0].Line, found[0].Column); got != c.place ||
				found[0].Hint != c.hint {
				t.Errorf("%s: %s, hint %q; want %s, %q", got, found[0].Message, found[0].Hint,
					c.place, c.hint)
			}
		})
	}
}

// TestTags: a condition that begins with a negation is not a tag.
func TestTags(t *testing.T) {
	const forTools = "deployment tools replace such tags before a definition is sent"
	for text, want := range map[string]string{
		"Condition: !$Input.ok":         "an expression that begins with ! must be quoted: '!$Input.ok'",
		"Condition: !$Input.ok == true": "an expression that begins with ! must be quoted: '!$Input.ok == true'",
		"Condition: !($Input.a)":        "an expression that begins with ! must be quoted: '!($Input.a)'",
		"{Condition: !length('a') }":    "an expression that begins with ! must be quoted: '!length(''a'')'",
		"Condition: !$Input.list\n - a": "an expression that begins with ! must be quoted: '!$Input.list'",
		"RoleArn: !Ref Role":            forTools,
		"RoleArn: !Sub ['a', {}]":       forTools,
		"RoleArn: !!binary aGk=":        forTools,
		"x: !$" + strings.Repeat("a", 100) +
			"": "an expression that begins with ! must be quoted: '!$" + strings.Repeat("a", 62) +
			"…'",
	} {
		if _, found := parse(text); len(found) != 1 || found[0].Hint != want {
			t.Errorf("%s: %v, want the hint %q", text, found, want)
		}
	}
}
