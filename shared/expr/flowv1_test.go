package expr_test

import (
	"strings"
	"testing"

	"millrace/shared/expr"
)

const flowV1Input = `{"t": true, "f": false, "n": 5, "z": 0, "nul": null, "s": "x", "up": "TRUE", "low": "false", "five": "5.0",
	"arr": [1, [2], {"k": "v"}], "o": {"b": 2, "a": [1, 3]}, "recs": [{"p": [1, 2]}, {}, {"p": [3]}, 7], "clé": 1, "a-b": 2, "1": 3}`

func flowV1Env(t testing.TB) *fakeEnv {
	in := decode(t, flowV1Input)
	return &fakeEnv{roots: map[expr.Root]any{expr.Default: in, expr.Input: in}}
}

func TestCondition(t *testing.T) {
	cases := []struct {
		src  string
		want bool
	}{
		{`$.up`, true},
		{`$.low`, false},
		{`$.s`, false},
		{`$`, false},
		{`$.recs[*].p`, false},
		{`3 in $.recs[*].p[*]`, true},
		{`[2] in $.arr`, true},
		{`"2" in [2]`, false},
		{`1 in $.o`, false},
		{`"a" in $.s`, false},
		{`$.missing in [null]`, false},
		{`5 in $.missing`, false},
		{`"5" == "5.0"`, true},
		{`$.five == 5`, true},
		{`"x5" == 5`, false},
		{`"0x5" == 5`, false},
		{`"inf" == "Inf"`, false},
		{`$.up == "true"`, true},
		{`$.t == 7`, true},
		{`$.nul == 0`, true},
		{`$.nul == "false"`, true},
		{`$.nul == "x"`, false},
		{`$.nul != "x"`, true},
		{`$.nul == null`, true},
		{`$.arr == $.arr`, true},
		{`$.arr != $.o`, true},
		{`$.missing == $.missing`, false},
		{`$.missing != $.missing`, false},
		{`-$.s == -$.s`, false},
		{`-$.n == -5`, true},
		{`-$.n < - 4`, true},
		{`$.s < "y"`, true},
		{`$.t > $.f`, false},
		{`$.nul < 1`, false},
		{`"10" > "5"`, false},
		{`"10" > 5`, true},
		{`!!$.n`, true},
		{`!$.arr`, true},
		{`$.n && $.t && !$.z`, true},
		{`$.z || $.nul || "TRUE"`, true},
		{`!($.n > 4 && $.s == "x")`, false},
		{`$["1"] == 3`, true},
		{`$['a-b'] == $.a-b`, true},
		{`$.clé == 1`, true},
		{`$[ 'o' ].a[ 1 ]==3`, true},
		{`$.n in[$.n,$.missing]`, true},
		{"`a\\n` == \"a\\\\n\"", true},
		{`true`, true},
		{`null`, false},
	}
	for _, c := range cases {
		e, parseErr := expr.ParseCondition(c.src)
		if parseErr != nil {
			t.Errorf("%s: %v", c.src, parseErr)
			continue
		}
		b := expr.DefaultBudget()
		got, err := e.Condition(flowV1Env(t), &b)
		if err != nil || got != c.want {
			t.Errorf("%s = %v, %v, want %v", c.src, got, err, c.want)
		}
	}
}

func TestConditionRefused(t *testing.T) {
	cases := []struct{ src, want string }{
		{`$.a == 1 == true`, `unexpected "=="`},
		{`$.a == 'x'`, "written in \" or `"},
		{`$input.a == 1`, `reads the input only`},
		{`$local`, `reads the input only`},
		{`length($.a) == 1`, `unknown name "length"`},
		{`$.a + 1`, `there is no operator +`},
		{`$.a - 1`, `no subtraction`},
		{`$.a.`, `a dot must be followed`},
		{`$.a.1`, `a dot must be followed`},
		{`$..a`, `recursive`},
		{`$.*`, `written [*]`},
		{`$[-1]`, `negative`},
		{`$[1:2]`, `slices`},
		{`$[?(@.a)]`, `filters`},
		{`$[1,2]`, `one element`},
		{`$[a]`, `a bracket holds`},
		{`$[`, `not closed`},
		{`$[0`, `not closed`},
		{`$["a`, `no closing quote`},
		{`$[99999999999999999999]`, `out of range`},
		{`$.a == {}`, `unexpected "{"`},
		{`()`, `unexpected ")"`},
		{`$.a in`, `ends too early`},
		{strings.Repeat("(", 1000), `nested deeper`},
		{strings.Repeat("!", 1000) + "$", `nested deeper`},
		{strings.Repeat(" ", expr.LengthMax) + "$", `longer than`},
	}
	for _, c := range cases {
		_, err := expr.ParseCondition(c.src)
		if err == nil || !strings.Contains(err.Reason, c.want) {
			t.Errorf("%s: %v, want %s", c.src, err, c.want)
		}
	}
}

func TestPath(t *testing.T) {
	cases := []struct{ src, want string }{
		{`$.n`, `5`},
		{`$["n"]`, `5`},
		{`$input["a-b"]`, `2`},
		{`$input.o[*]`, `[[1,3],2]`},
		{`$input.o[*][*]`, `[1,3]`},
		{`$input.recs[*].p`, `[[1,2],[3]]`},
		{`$input.recs[*].p[*]`, `[1,2,3]`},
		{`$input.recs[*].p[0]`, `[1,3]`},
		{`$input.recs[*].p[9]`, `[]`},
		{`$input.missing[*]`, `[]`},
		{`$input.s[*]`, `[]`},
		{`$local[*]`, `[]`},
		{`$input.nul`, `null`},
		{`$input.nul.x`, ``},
		{`$input.arr.k`, ``},
		{`$input.arr["0"]`, ``},
		{`$input.o[0]`, ``},
		{`$input.arr[007]`, ``},
		{`$input.arr[00]`, `1`},
		{`$local`, ``},
		{`$local.x`, ``},
	}
	for _, c := range cases {
		e, parseErr := expr.ParsePath(c.src, expr.Default|expr.Input|expr.Local)
		if parseErr != nil {
			t.Errorf("%s: %v", c.src, parseErr)
			continue
		}
		b := expr.DefaultBudget()
		got, err := e.Eval(flowV1Env(t), &b)
		if _, absent := got.(expr.Absent); absent && c.want == "" {
			continue
		}
		if err != nil || text(got) != c.want {
			t.Errorf("%s = %v, %v, want %s", c.src, got, err, c.want)
		}
	}
}

func TestPathRefused(t *testing.T) {
	cases := []struct{ src, want string }{
		{``, `a path starts with`},
		{`input`, `a path starts with`},
		{` $input`, `a path starts with`},
		{`$inputs`, `unknown root $inputs`},
		{`$Input.a`, `unknown root $Input`},
		{`$context.x`, `$context does not exist here`},
		{`$input `, `unexpected " " in a path`},
		{`$input.a b`, `unexpected " b" in a path`},
		{`$input-x`, `unexpected "-x"`},
		{`$input..a`, `recursive`},
		{strings.Repeat("$", expr.LengthMax+1), `longer than`},
		{"$input.\xff", `not UTF-8`},
	}
	for _, c := range cases {
		_, err := expr.ParsePath(c.src, expr.Default|expr.Input)
		if err == nil || !strings.Contains(err.Reason, c.want) {
			t.Errorf("%s: %v, want %s", c.src, err, c.want)
		}
	}
}
