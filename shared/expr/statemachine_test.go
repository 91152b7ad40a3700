package expr_test

import (
	"fmt"
	"strings"
	"testing"

	"millrace/shared/expr"
)

// Each case is a StateMachine expression and its JSON value.
var stateMachineCases = []struct{ src, want string }{
	// constants
	{`007`, `7`},
	{`0`, `0`},
	{`-0`, `0`},
	{`1.50`, `1.50`},
	{`2E+3`, `2E+3`},
	{`- 5`, `-5`},
	{`--5`, `5`},
	{`-9223372036854775808`, `-9223372036854775808`},
	{`12345678901234567890123`, `12345678901234567890123`},
	{`"a\"b\\\/\n\u00e9\ud83d\ude00"`, `"a\"b\\/\né😀"`},
	{`'it\'s \n \é'`, `"it's n é"`},
	{"`raw \\n \"x\"`", `"raw \\n \"x\""`},
	{`""`, `""`},
	{`null`, `null`},
	{`[]`, `[]`},
	{`{}`, `{}`},
	{`{"a": 1, "a": 2}`, `{"a":2}`},
	{`{$Input.s: $Input.a, "b": [$Input.z]}`, `{"b":[null],"x":1}`},
	{"\t[ 1 ,\n2 ]\r\n", `[1,2]`},
	// paths
	{`$Input . o [ "k" ]`, `1`},
	{`$Input['o'].k`, `1`},
	{`$Input[format("{}", "o")].k`, `1`},
	{`$Input.list[$Input.a].id`, `2`},
	{`$Input.list[0.0].id`, `1`},
	{`{"in": 1, "true": {"null": 2}}.true.null`, `2`},
	{`{"in": 1}.in`, `1`},
	{`[[1, 2], [3]][0][1]`, `2`},
	{`($Input).a`, `1`},
	{`stringToJson("[5]")[0]`, `5`},
	{`{"é": 1}.é`, `1`},
	{`-$Input.a`, `-1`},
	{`-{"a": -2.50}.a`, `2.50`},
	// comparison
	{`1 < 2 == true`, `true`},
	{`9007199254740993 == 9007199254740992`, `false`},
	{`9007199254740993 > 9007199254740992`, `true`},
	{`1 == 1.0`, `true`},
	{`1e2 == 100`, `true`},
	{`"0x10" == 16`, `false`},
	{`"inf" == 1`, `false`},
	{`"1_0" == 10`, `false`},
	{`"" == 0`, `false`},
	{`"1e1" == 10`, `true`},
	{`10 != "10"`, `false`},
	{`"true" == true`, `true`},
	{`"TRUE" == true`, `false`},
	{`false == "false"`, `true`},
	{`false == "no"`, `false`},
	{`null == "null"`, `false`},
	{`null == false`, `false`},
	{`null != 0`, `true`},
	{`[1, {"a": [2.0]}] == [1.0, {"a": [2]}]`, `true`},
	{`["1"] == [1]`, `false`},
	{`{"a": 1} == {"a": 1, "b": 1}`, `false`},
	{`{"a": 1, "b": 1} == {"a": 1, "c": 1}`, `false`},
	{`[] == {}`, `false`},
	{`$Input == $Context.Current.Input`, `false`},
	{`"é" > "z"`, `true`},
	{`9 < "10"`, `true`},
	{`"9" >= 9`, `true`},
	{`1 in ["1", 1.0]`, `true`},
	{`"1" in [1]`, `false`},
	{`[1] in [[1.0]]`, `true`},
	{`!true || true`, `true`},
	{`true && !false`, `true`},
	{`true || $Input.missing`, `true`},
	{`!!true`, `true`},
	{`(1 == 1) == ("a" in {"a": 1})`, `true`},
	{`-1 < 0 && 1 != 2`, `true`},
	// functions
	{`format("")`, `""`},
	{`format('{"a": "{}"}', 'b')`, `"{\"a\": \"b\"}"`},
	{"format(`\\{\\} \\\\ \\x {}`, null)", `"{} \\ \\x null"`},
	{`format("{}{}", [1, "x"], 1.50)`, `"[1,\"x\"]1.50"`},
	{`get($Input.list, 1).id`, `2`},
	{`get($Context, "Execution").Name`, `"run-1"`},
	{`intAdd(9223372036854775806, 1)`, `9223372036854775807`},
	{`intAdd(-9223372036854775808, 0)`, `-9223372036854775808`},
	{`intAdd(1.0, 2e1)`, `21`},
	{`length("é😀")`, `2`},
	{`length([])`, `0`},
	{`length($Input)`, `9`},
	{`regexMatchString("xay", "a")`, `true`},
	{`regexMatchString("xay", "^a$")`, `false`},
	{`regexMatchString("a.b", $Input.s)`, `false`},
	{`split("a,,b,", ",")`, `["a","","b",""]`},
	{`split("", ",")`, `[""]`},
	{`split("abc", "bc")`, `["a",""]`},
	{`arrayContains([[1], {"a": 1}], {"a": 1.0})`, `true`},
	{`arrayContains(["1"], 1)`, `false`},
	{`arrayContains([null], null)`, `true`},
	{`arrayUnique([1, "1", 1.0, true, "true", null, null, [1], [1.0], {"a": 1, "b": 2}, {"b": 2, "a": 1.0}, 0, -0.0, false])`,
		`[1,"1",true,"true",null,[1],{"a":1,"b":2},0,false]`},
	{`arrayUnique([])`, `[]`},
	{`toArray()`, `[]`},
	{`toArray([1], $Input.z)`, `[[1],null]`},
	{`mapKeys({})`, `[]`},
	{`mapKeys($Input.o)`, `["k","with-dash"]`},
	{`mapValues($Input.o)`, `[1,2]`},
	{`jsonMerge({"a": {"x": 1}}, {"a": {"y": 2}})`, `{"a":{"y":2}}`},
	{`jsonToString("<a>&é")`, `"\"<a>&é\""`},
	{`toJSON({"b": 1.0, "a": null})`, `"{\"a\":null,\"b\":1.0}"`},
	{`stringToJson(" 12.50 ")`, `12.50`},
	{`fromJSON('null')`, `null`},
	{`fromJSON(toJSON($Input.list)) == $Input.list`, `true`},
	{`toBase64("")`, `""`},
	{`fromBase64(toBase64("é"))`, `"é"`},
	{`hash("", "SHA-256")`, `"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`},
	{`length(hash("abc", "SHA-512"))`, `128`},
	{`randomInt(5, 6)`, `5`},
	{`randomInt(-9223372036854775808, -9223372036854775807)`, `-9223372036854775808`},
	{`uuid()`, `"00000000-0000-4000-8000-000000000001"`},
	{`toArray(randomInt(0, 1000), randomInt(0, 1000))`, `[1,2]`},
}

func TestStateMachine(t *testing.T) {
	for _, c := range stateMachineCases {
		got, err := eval(c.src, stateMachineEnv(t))
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
		} else if text(got) != c.want {
			t.Errorf("%s = %s, want %s", c.src, text(got), c.want)
		}
	}
}

// Each case is an expression that parses and then fails, and a part of the reason.
var failingCases = []struct{ src, want string }{
	{`$Input.missing`, `"$Input" has no member "missing"`},
	{`$Input.o.x.y`, `"$Input.o" has no member "x"`},
	{`$Input.a.b`, `"$Input.a" is a number and has no member "b"`},
	{`$Input.list["id"]`, `"$Input.list" is an array and has no member "id"`},
	{`$Input.list[2].id`, `"$Input.list" has 2 elements and none at index 2`},
	{`$Input[0]`, `"$Input" is an object and has no element 0`},
	{`$Input.list[-1]`, `the index -1 is negative`},
	{`$Input.list[1.5]`, `1.5 is no index`},
	{`$Input.list[99999999999999999999]`, `is no index`},
	{`$Input.list[null]`, `null selects nothing`},
	{`$Input[true]`, `a boolean selects nothing`},
	{`$Input.s > 3`, `a string and a number have no order`},
	{`null < 1`, `null and a number have no order`},
	{`true < false`, `a boolean and a boolean have no order`},
	{`[] < []`, `have no order`},
	{`"x" < 1`, `have no order`},
	{`1 in 1`, `in takes an array or an object`},
	{`1 in {}`, `the key before in must be a string`},
	{`1 && true`, `&& takes booleans, not a number`},
	{`false || "true"`, `|| takes booleans, not a string`},
	{`!1`, `! takes booleans`},
	{`-"1"`, `- takes a number`},
	{`{1: 2}`, `the key of an object must be a string`},
	{`format(1)`, `format takes a string as its first argument, not a number`},
	{`format("{}")`, `has 1 {} for 0 arguments`},
	{`format("{} {}", 1)`, `has 2 {} for 1 arguments`},
	{`format("x", 1)`, `has 0 {} for 1 arguments`},
	{`get(1, 1)`, `is a number and has no element`},
	{`get({}, "a")`, `"the first argument of get" has no member "a"`},
	{`get([], -1)`, `negative`},
	{`intAdd("1", 1)`, `intAdd takes an integer as its first argument, not a string`},
	{`intAdd(1, 1.5)`, `64-bit integer as its second argument, not 1.5`},
	{`intAdd(9223372036854775807, 1)`, `does not fit`},
	{`intAdd(-9223372036854775808, -1)`, `does not fit`},
	{`intAdd(9223372036854775808, 1)`, `64-bit integer`},
	{`length(1)`, `length takes an array, an object or a string`},
	{`length(null)`, `not null`},
	{`randomInt(2, 2)`, `is empty`},
	{`randomInt(3, 2)`, `is empty`},
	{`randomInt(1.5, 2)`, `64-bit integer`},
	{`regexMatchString(1, "a")`, `takes a string`},
	{`regexMatchString("a", $Input.a)`, `takes a string`},
	{`regexMatchString("a", format("("))`, `bad pattern "(": missing closing )`},
	{`regexMatchString("a", format("(?=a)"))`, `bad pattern`},
	{`split("a", "")`, `the delimiter of split is empty`},
	{`split([], ",")`, `takes a string`},
	{`arrayContains({}, 1)`, `takes an array`},
	{`arrayUnique("a")`, `takes an array`},
	{`mapKeys([])`, `takes an object`},
	{`mapValues(null)`, `takes an object`},
	{`jsonMerge({}, [])`, `takes an object as its second argument`},
	{`stringToJson("{} {}")`, `not JSON`},
	{`stringToJson(1)`, `takes a string`},
	{`fromBase64("Rm5")`, `not base64`},
	{`fromBase64("/w==")`, `not UTF-8`},
	{`hash("a", "SHA1")`, `unknown algorithm "SHA1"`},
	{`hash(1, "MD5")`, `takes a string`},
	{`$Global.g.x`, `"$Global.g" is a string`},
}

func TestStateMachineFails(t *testing.T) {
	w := stateMachineEnv(t)
	for _, c := range failingCases {
		e, parseErr := expr.Parse(c.src, stateMachineRoots)
		if parseErr != nil {
			t.Errorf("%s: %v", c.src, parseErr)
			continue
		}
		b := expr.DefaultBudget()
		got, err := e.Eval(w, &b)
		failed, ok := err.(*expr.Error)
		if !ok || got != nil {
			t.Errorf("%s = %v, %v, want an error", c.src, got, err)
		} else if failed.Source != c.src || !strings.Contains(failed.Reason, c.want) {
			t.Errorf("%s: %v, want %s", c.src, err, c.want)
		}
	}
}

// Each case is a text that does not parse, a part of the reason, and the text before the error.
var refusedCases = []struct{ src, want, upTo string }{
	{``, `ends too early`, ``},
	{`  `, `ends too early`, `  `},
	{`1 +2`, `use intAdd`, `1 `},
	{`1 - 2`, `use intAdd`, `1 `},
	{`$Input.with-dash`, `["a-b"]`, `$Input.with`},
	{`2 * 3`, `intAdd`, `2 `},
	{`2 / 3`, `intAdd`, `2 `},
	{`2 % 3`, `intAdd`, `2 `},
	{`true ? 1 : 2`, `no operator ?:`, `true `},
	{`$Input.a ?? 1`, `no operator ??`, `$Input.a `},
	{`"a" =~ "b"`, `regexMatchString`, `"a" `},
	{`$Input.a = 1`, `use ==`, `$Input.a `},
	{`true & true`, `use &&`, `true `},
	{`true | true`, `use ||`, `true `},
	{`1 << 2`, `no operator <<`, `1 `},
	{`1 ^ 2`, `no operator ^`, `1 `},
	{`~1`, `no operator ~`, ``},
	{`true and false`, `written &&`, `true `},
	{`not true`, `written &&`, ``},
	{`$Input.a[*]`, `wildcards`, `$Input.a[`},
	{`$Input.*`, `wildcards`, `$Input.`},
	{`$Input.a[1:2]`, `slices`, `$Input.a[1`},
	{`$Input.a[:2]`, `unexpected ":"`, `$Input.a[`},
	{`$Input.a[?(@.x)]`, `filters`, `$Input.a[`},
	{`$Input..a`, `recursive`, `$Input.`},
	{`$Input.a @ 1`, `unexpected character '@'`, `$Input.a `},
	{`$Input.`, `a dot must be followed`, `$Input.`},
	{`$Input.0`, `a dot must be followed`, `$Input.`},
	{`$Input["a"`, `ends too early`, `$Input["a"`},
	{`$Input[]`, `unexpected "]"`, `$Input[`},
	{`$`, `unknown root $:`, ``},
	{`$.a`, `unknown root $:`, ``},
	{`$input.a`, `written $Input`, ``},
	{`$Inputs.a`, `unknown root $Inputs`, ``},
	{`$local.x`, `unknown root $local`, ``},
	{`1 == $Output.a`, `$Output does not exist here`, `1 == `},
	{`$Item`, `$Item does not exist here`, ``},
	{`nope(1)`, `unknown function nope`, ``},
	{`Length(1)`, `it is written length`, ``},
	{`ready == "x"`, `unknown name "ready"`, ``},
	{`length()`, `length takes 1 argument, not 0`, ``},
	{`1 == length(1, 2)`, `length takes 1 argument, not 2`, `1 == `},
	{`hash("a")`, `hash takes 2 arguments, not 1`, ``},
	{`uuid(1)`, `uuid takes no arguments, not 1`, ``},
	{`format()`, `format takes at least 1 argument, not 0`, ``},
	{`length([1)`, `unexpected ")"`, `length([1`},
	{`length(1,)`, `unexpected ")"`, `length(1,`},
	{`[1,]`, `unexpected "]"`, `[1,`},
	{`{"a"}`, `unexpected "}"`, `{"a"`},
	{`{"a": 1,}`, `unexpected "}"`, `{"a": 1,`},
	{`(1`, `ends too early`, `(1`},
	{`1 2`, `unexpected "2"`, `1 `},
	{`1 "a"`, `unexpected string "a"`, `1 `},
	{`true in`, `ends too early`, `true in`},
	{`in $Input`, `unexpected "in"`, ``},
	{`"a`, `no closing quote`, ``},
	{`"a\`, `no closing quote`, `"a`},
	{`"\x"`, `backslash`, `"`},
	{`"\u12"`, `hexadecimal`, `"`},
	{`"a\ud83d"`, `half of a surrogate pair`, `"a`},
	{`"\ud83d\u0041"`, `half of a surrogate pair`, `"`},
	{`"\ud83d\u00"`, `half of a surrogate pair`, `"`},
	{`{"\ude00\ud83d": 1}`, `half of a surrogate pair`, `{"`},
	{`12a`, `runs into a word`, ``},
	{`1e`, `exponent`, ``},
	{strings.Repeat("1", 1001), `longer than 1000 characters`, ``},
	{`1.`, `a dot must be followed`, `1.`},
	{`.5`, `unexpected "."`, ``},
	{`regexMatchString("a", "(")`, `missing closing )`, ``},
	{`regexMatchString("a", 1)`, `takes a string`, ``},
	{`regexMatchString("a", "((a{100}){10}b){9}")`, `invalid repeat count`, ``},
	{`regexMatchString("a", "a{1000}b{1000}c{1000}")`, `repeats too much`, ``},
	{"\"\xff\"", `not UTF-8`, ``},
}

func TestRefused(t *testing.T) {
	for _, c := range refusedCases {
		_, err := expr.Parse(c.src, stateMachineRoots)
		if err == nil {
			t.Errorf("%s: no error", c.src)
		} else if !strings.Contains(err.Reason, c.want) || err.Offset != len(c.upTo) {
			t.Errorf("%s: %v at %d, want %s at %d", c.src, err, err.Offset, c.want, len(c.upTo))
		}
	}
}

func TestCallDepth(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("toArray(", n) + strings.Repeat(")", n) }
	if _, err := expr.Parse(deep(expr.CallDepthMax), 0); err != nil {
		t.Error(err)
	}
	if _, err := expr.Parse("["+deep(expr.CallDepthMax)+","+deep(expr.CallDepthMax)+"]",
		0); err != nil {
		t.Error("side by side:", err)
	}
	if _, err := expr.Parse(deep(expr.CallDepthMax+1), 0); err == nil {
		t.Error("no error one level deeper")
	}
}

func TestRoots(t *testing.T) {
	e, err := expr.Parse(`$Input.a == 1 || format("{}", $Global.g) == $Input.s`, stateMachineRoots)
	if err != nil {
		t.Fatal(err)
	}
	if e.Roots() != expr.Input|expr.Global {
		t.Errorf("roots %b", e.Roots())
	}
}

func TestSelections(t *testing.T) {
	e, err := expr.Parse(`$Context.a['b'][0].c == $Context || $Input.d > $Context[$Input.e]`,
		expr.Context|expr.Input)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(e.Selections(expr.Context)); got != "[[a b] [] []]" {
		t.Error(got)
	}
	if got := fmt.Sprint(e.Selections(expr.Input)); got != "[[d] [e]]" {
		t.Error(got)
	}
	if e, err = expr.ParsePath("$context.task[0].token", expr.Context); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(e.Selections(expr.Context)); got != "[[task]]" {
		t.Error(got)
	}
}
