package yamldoc_test

import (
	"strings"
	"testing"

	"millrace/shared/value"
	"millrace/shared/yamldoc"
)

func parse(text string) (*yamldoc.Node, yamldoc.Diagnostics) {
	report := yamldoc.NewReport([]byte(text))
	root := yamldoc.Parse([]byte(text), 256<<10, report)
	return root, report.Diagnostics()
}

func TestScalars(t *testing.T) {
	for text, want := range map[string]string{
		"yes": `"yes"`, "on": `"on"`, "No": `"No"`,
		"2019-05-02T15:04:05Z": `"2019-05-02T15:04:05Z"`, "2019-05-02": `"2019-05-02"`,
		"true": "true", "True": "true", "FALSE": "false", "tRUE": `"tRUE"`,
		"null": "null", "~": "null", "": "null", "NULL": "null", "nUll": `"nUll"`,
		"0": "0", "-0": "-0", "12": "12", "+12": "12", "007": "7", "00": "0", "-012": "-12",
		"1_000": `"1_000"`,
		"0x1F":  "31", "0o17": "15", "0b11": `"0b11"`, "0xZZ": `"0xZZ"`, "0x": `"0x"`,
		"-0x1": `"-0x1"`,
		"1.5":  "1.5", ".5": "0.5", "-.5": "-0.5", "5.": "5", "+1.e3": "1e3", "1e5": "1e5",
		"1E+5": "1E+5", "01.50": "1.50",
		".": `"."`, "-": `"-"`, "+": `"+"`, "1e": `"1e"`, "1.2.3": `"1.2.3"`, "e5": `"e5"`,
		"1:30":     `"1:30"`,
		"52428800": "52428800", "9007199254740993": "9007199254740993",
		"123456789012345678901234567890": "123456789012345678901234567890",
		"1e400":                          "1e400", "'5'": `"5"`, `"true"`: `"true"`,
		"!!str 5": `"5"`, "!!int '5'": "5",
		"!!null ''": "null", "<<": `"<<"`,
		"=": `"="`, "$Input.a": `"$Input.a"`, "|\n  a\n  b": `"a\nb\n"`, ">-\n  a\n  b": `"a b"`,
	} {
		if strings.HasPrefix(text, "-") && len(text) == 1 {
			continue // an empty list in YAML
		}
		root, found := parse("k: " + text + "\n")
		if root == nil {
			t.Errorf("%q: %v", text, found)
			continue
		}
		if got := string(value.Encode(root.Fields[0].Value.Value())); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestNumbersAreJSON(t *testing.T) {
	for _, text := range []string{"+.5e-3", "00.0", "-00.10", "0x7fffffffffffffff", "1.", "+0"} {
		root, found := parse("k: " + text)
		if root == nil {
			t.Fatalf("%q: %v", text, found)
		}
		if _, err := value.Decode(value.Encode(root.Value())); err != nil {
			t.Errorf("%q is written as %s: %v", text, value.Encode(root.Value()), err)
		}
	}
}

func TestRefused(t *testing.T) {
	deep := strings.Repeat("[", yamldoc.DepthMax+1) + strings.Repeat("]", yamldoc.DepthMax+1)
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'h'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 10) +
			"]\n"
	}
	for _, c := range []struct{ name, text, message string }{
		{"duplicate key", "a: 1\nb: 2\na: 3", `the key "a" stands twice in one mapping`},
		{"duplicate key in JSON", `{"a": 1, "a": 2}`, `the key "a" stands twice in one mapping`},
		{"number as key", "1: a", "a key must be a string"},
		{"boolean as key", "true: a", "a key must be a string"},
		{"empty key", "? \n: a", "a key must be a string"},
		{"list as key", "? [a]\n: b", "a key must be a string"},
		{"list as key by alias", "x: &l [a]\n*l : b", "a key must be a string"},
		{"custom tag", "a: !Ref b", "the tag !Ref is not known"},
		{"custom tag on a list", "a: !List [b]", "the tag !List is not known"},
		{"custom tag on a mapping", "a: !Map {b: c}", "the tag !Map is not known"},
		{"binary", "a: !!binary aGk=", "the tag !!binary is not known"},
		{"timestamp tag", "a: !!timestamp 2019-05-02", "the tag !!timestamp is not known"},
		{"wrong tag", "a: !!int b", `"b" does not fit the tag !!int`},
		{"two documents", "a: 1\n---\nb: 2", "the text holds more than one YAML document"},
		{"merge key", "a: &a {x: 1}\nb:\n  <<: *a", "merge keys (<<) are not part of YAML 1.2"},
		{"infinity", "a: .inf", "JSON has no number .inf"},
		{"no number", "a: .NaN", "JSON has no number .NaN"},
		{"large hexadecimal", "a: 0x1ffffffffffffffffff", "number does not fit 64 bits"},
		{"long number", "a: -" + strings.Repeat("7", 1000),
			"number is longer than 1000 characters"},
		{"long number in JSON", `{"a": [1e` + strings.Repeat("7", 1000) + "]}",
			"number is longer than 1000 characters"},
		{"cyclic alias", "a: &a [*a]", "the alias *a names a value that it is part of"},
		{"cyclic alias in a mapping", "a: &a {b: {c: *a}}",
			"the alias *a names a value that it is part of"},
		{"unknown alias", "a: *b", "the text is no valid YAML: unknown anchor 'b' referenced"},
		{"bomb", bomb, "more than 200000 values, aliases expanded"},
		{"heavy bomb", "a: &a " + strings.Repeat("x", 1000) + "\nb: [" +
			strings.Repeat("*a ,", 2000) + "]", "more than 1048576 bytes, aliases expanded"},
		{"deep", deep, "nested deeper than 128 levels"},
		{"deep JSON", strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200),
			"nested deeper than 128 levels"},
		{"deep by aliases", "a: &a " + strings.Repeat("[", 100) + strings.Repeat("]", 100) +
			"\nb: " + strings.Repeat("[", 100) + "*a" + strings.Repeat("]", 100),
			"nested deeper than 128 levels"},
		{"no UTF-8", "a: \xff", "the text is no valid UTF-8"},
		{"nothing", " \n", "the text holds no definition"},
		{"broken", "a: [", "the text is no valid YAML: did not find expected node content"},
		{"too large", "a: " + strings.Repeat("x", 1<<18),
			"the text has 262147 bytes; at most 262144 are allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root, found := parse(c.text)
			if root != nil || len(found) != 1 || found[0].Message != c.message {
				t.Errorf("got %v, %v", root, found)
			}
		})
	}
}

func TestPlaces(t *testing.T) {
	for _, text := range []string{
		"a: 1\nbü:\n  - x\n  - {c: 2}\n",
		"{\"a\": 1,\n\"bü\":\n  [ \"x\",\n    {\"c\": 2}]}",
	} {
		root, found := parse(text)
		if root == nil {
			t.Fatal(found)
		}
		b := root.Get("bü")
		x, c := b.Items[0], &b.Items[1].Fields[0]
		want := [...]int{3, 5, 4, 6, 4, 9}
		if text[0] == '{' {
			want = [...]int{3, 5, 4, 6, 4, 11}
		}
		if got := [...]int{x.Line, x.Column, c.Line, c.Column, c.Value.Line,
			c.Value.Column}; got != want {
			t.Errorf("%q: places %v, want %v", text, got, want)
		}
	}
}

func TestJSONIsAccepted(t *testing.T) {
	text := "\ufeff{\t\"a\": [1, 2.50, \"\\ud83d\\ude00\\/\", null, true],\r\n\t\"b\": {}}\n"
	root, found := parse(text)
	if root == nil {
		t.Fatal(found)
	}
	if got, want := string(
		value.Encode(root.Value())), `{"a":[1,2.50,"😀/",null,true],"b":{}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFlowMappingIsNoJSON(t *testing.T) {
	root, found := parse("{a: 1, b: [yes]}")
	if root == nil {
		t.Fatal(found)
	}
	if got, want := string(value.Encode(root.Value())), `{"a":1,"b":["yes"]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAliases(t *testing.T) {
	root, found := parse("base: &b {x: [1]}\nkey: &k name\nuse: *b\n*k : 2\n")
	if root == nil {
		t.Fatal(found)
	}
	if got, want := string(
		value.Encode(root.Value())),
		`{"base":{"x":[1]},"key":"name","name":2,"use":{"x":[1]}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPath(t *testing.T) {
	var path *yamldoc.Path
	got := path.Key("States").Item(2, "Gate").Key("Branches").Item(0, "").Key("Condition").String()
	if want := "States[2](Gate).Branches[0].Condition"; got != want {
		t.Errorf("path %s, want %s", got, want)
	}
}

func TestRender(t *testing.T) {
	long := strings.Repeat("a", 300)
	for _, c := range []struct {
		d          yamldoc.Diagnostic
		text, want string
	}{
		{yamldoc.Diagnostic{Line: 2, Column: 4, Rule: "V08", Path: "p", Message: "m", Hint: "h"},
			"x\nab\tcd\n", "2:4: error V08 p: m\n    ab cd\n       ^\n    hint: h\n"},
		{yamldoc.Diagnostic{Line: 1, Column: 1, Severity: yamldoc.Warning, Path: "p", Message: "m"},
			"x", "1:1: warning p: m\n    x\n    ^\n"},
		{yamldoc.Diagnostic{Line: 9, Column: 1, Message: "m\x1b[2J"}, "x", "9:1: error: m [2J\n"},
		{yamldoc.Diagnostic{Line: 1, Column: 200, Message: "m"}, long,
			"1:200: error: m\n    …" + long[:100] + "…\n" + strings.Repeat(" ", 71) + "^\n"},
	} {
		if got := c.d.Render([]byte(c.text)); got != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"a: 1", `{"a": [1, {"b": "\ud83d"}]}`, "a: &a [*a]", "a: &a [x]\nb: [*a, *a]", "? [a]\n: b",
		"<<: {a: 1}", "a: !Ref b",
		strings.Repeat("[", 300), strings.Repeat("- ", 300), strings.Repeat("{a: ", 300),
		"a: 0x" + strings.Repeat("f", 100),
		"a: " + strings.Repeat("9", 500) + "e" + strings.Repeat("9", 50), "a: \xff\xfe", "\ufeff{",
		"--- a\n--- b", "%YAML 1.1\n---\na", "a: .inf", "\t", "'", "\"\\",
		"a:\n  # c\n # d\n- x", "{\"a\":1,\"a\":1}", "&a : b", "*a : b", "a: |+\n\n\n",
		"!!int 5: x", "{a: b}: c",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		report := yamldoc.NewReport(text)
		root := yamldoc.Parse(text, 256<<10, report)
		found := report.Diagnostics()
		if (root == nil) == (len(found) == 0) {
			t.Fatalf("tree %v with %v", root, found)
		}
		for _, d := range found {
			d.Render(text)
		}
		if root != nil {
			if _, err := value.Decode(value.Encode(root.Value())); err != nil {
				t.Fatalf("%q gives no JSON: %v", text, err)
			}
		}
	})
}
