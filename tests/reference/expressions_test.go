package reference_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/tests/reference"
)

// exprInput has values of all kinds, and strings that look like values of another kind.
var exprInput = map[string]any{"a": 1, "b": 2.5, "s": "x", "n": "10", "m": "10.0", "t": true,
	"f": "false",
	"z": nil, "l": []any{1, "1", nil, []any{2}}, "e": []any{}, "o": map[string]any{"k": 1,
		"a b": "v"},
	"big": 9007199254740993, "u": "h\u00e9\u4e16", "j": `{"q":[1,2]}`}

// expressions generates random StateMachine expressions, most of which can be evaluated.
type expressions struct{ *rand.Rand }

func (r expressions) pick(list ...string) string { return list[r.IntN(len(list))] }

func (r expressions) any(depth int) string {
	if depth == 0 || r.IntN(4) == 0 {
		return r.leaf()
	}
	switch r.IntN(6) {
	case 0:
		return "(" + r.any(depth-1) + " " + r.pick("==", "!=", "<", "<=", ">", ">=", "in") + " " +
			r.any(depth-1) + ")"
	case 1:
		return "(" + r.truth(depth-1) + " " + r.pick("&&", "||") + " " + r.truth(depth-1) + ")"
	case 2:
		return r.pick("!", "-") + r.any(depth-1)
	case 3:
		return r.pick("[", "[", "toArray(") + r.any(depth-1) + ", " + r.any(depth-1) + "]"
	}
	return r.call(depth - 1)
}

func (r expressions) truth(depth int) string {
	if r.IntN(3) == 0 {
		return r.any(depth)
	}
	return r.pick("true", "false", "$Input.t", "$Input.a == 1", "1 in $Input.l", "!($Input.b < 2)")
}

func (r expressions) leaf() string {
	return r.pick("$Input.a", "$Input.b", "$Input.s", "$Input.n", "$Input.m", "$Input.t",
		"$Input.f",
		"$Input.z", "$Input.l", "$Input.e", "$Input.o", "$Input.big", "$Input.u", "$Input.l[0]",
		"$Input.l[3][0]", "$Input.l[9]", "$Input.o.k", `$Input.o["a b"]`, "$Input.missing",
		"$Context.Execution.Name", "$Context.Current.RetryCount", "$Context.Workflow.Flow",
		"1", "10",
		"2.50", "1e1", "0", "9007199254740993", `"x"`, "'10'", "`true`", `"\u00e9\n"`,
		"true", "null",
		"[]", "{}", `{"k": 1}`, `""`)
}

func (r expressions) call(depth int) string {
	text := func() string {
		return r.pick(r.any(depth), "$Input.s", "$Input.n", "$Input.u",
			`"a,b"`)
	}
	list := func() string { return r.pick(r.any(depth), "$Input.l", "[1, 2, 1, '1']", "$Input.e") }
	object := func() string { return r.pick(r.any(depth), "$Input.o", `{"k": 2, "z": []}`, "{}") }
	switch r.IntN(17) {
	case 0:
		return "format(" + r.pick(`"{}-{}"`, `"{}\\{{}"`,
			`"{}"`) + ", " + r.any(depth) + ", " + r.any(depth) + ")"
	case 1:
		return "get(" + r.pick(list(), object()) + ", " + r.pick("0", "3", `"k"`,
			r.any(depth)) + ")"
	case 2:
		return "intAdd(" + r.any(depth) + ", " + r.pick("1", "-3", "9223372036854775807",
			r.any(depth)) + ")"
	case 3:
		return "length(" + r.pick(text(), text(), list(), object()) + ")"
	case 4:
		return "regexMatchString(" + text() + ", " + r.pick(`"^[a-z]+$"`, `"1"`, `"("`,
			text()) + ")"
	case 5:
		return "split(" + text() + ", " + r.pick(`","`, `""`, `"0"`, text()) + ")"
	case 6:
		return "arrayContains(" + list() + ", " + r.any(depth) + ")"
	case 7:
		return "arrayUnique(" + list() + ")"
	case 8:
		return "mapKeys(" + object() + ")"
	case 9:
		return "mapValues(" + object() + ")"
	case 10:
		return "jsonMerge(" + object() + ", " + object() + ")"
	case 11:
		return "jsonToString(" + r.any(depth) + ")"
	case 12:
		return r.pick("stringToJson(", "fromJSON(") + r.pick(text(), "$Input.j",
			"jsonToString("+r.any(depth)+")") + ")"
	case 13:
		return "toBase64(" + text() + ")"
	case 14:
		return "fromBase64(" + r.pick(text(), `"Rm5G"`, `"/w=="`) + ")"
	case 15:
		return "hash(" + text() + ", " + r.pick(`"MD5"`, `"SHA-1"`, `"SHA-256"`, `"SHA-512"`,
			text()) + ")"
	}
	return "toArray(" + r.any(depth) + ")"
}

// condition generates a random FlowV1 condition.
func (r expressions) condition(depth int) string {
	if depth == 0 || r.IntN(5) == 0 {
		return r.pick("$.a", "$.b", "$.s", "$.n", "$.m", "$.t", "$.f", "$.z", "$.l", "$.o",
			"$.missing", "$.l[0]",
			"$.l[*]", "$.l[9]", "$.o.k", `$.o["a b"]`, "$.big", "1", "10", "2.5", `"x"`, "`10`",
			`"TRUE"`,
			"true",
			"false", "null", "[1, \"1\"]")
	}
	switch r.IntN(4) {
	case 0:
		return "(" + r.condition(depth-1) + " " + r.pick("&&",
			"||") + " " + r.condition(depth-1) + ")"
	case 1:
		return r.pick("!", "!", "-") + "(" + r.condition(depth-1) + ")"
	}
	return "(" + r.condition(depth-1) + " " + r.pick("==", "!=", "<", "<=", ">", ">=", "in") + " " +
		r.condition(depth-1) + ")"
}

// evaluating returns a flow that evaluates one random expression or condition.
func evaluating(r expressions, flowV1 bool) string {
	var tree any
	if flowV1 {
		source := r.pick("$input", "$local", "$.o", "$input.l[*]", "$input.o[*]", "$input['o'].k",
			"$context", "x")
		yes := map[string]any{"type": "pass", "name": "yes",
			"outputMappings": []any{map[string]any{"target": "v", "source": source}}}
		choice := map[string]any{"type": "choice", "name": "c",
			"choices": []any{map[string]any{"condition": r.condition(3), "steps": []any{yes}}}}
		tree = map[string]any{"version": "v1", "type": "flow", "steps": []any{choice}}
	} else {
		pass := map[string]any{"Name": "P", "Type": "Pass", "End": true,
			"OutputConstructor": map[string]any{"v.$": r.pick(r.any(3), r.call(0), r.call(1))}}
		tree = map[string]any{"Type": "StateMachine", "SpecVersion": "v1", "Name": "f",
			"StartAt": "P",
			"States":  []any{pass}}
	}
	text, err := json.Marshal(tree)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// TestRandomExpressions judges the results of random expressions and conditions in flows.
func TestRandomExpressions(t *testing.T) {
	judged := map[flow.Status]int{}
	for seed := *first; seed < *first+5**flows; seed++ {
		definition := evaluating(expressions{rand.New(rand.NewPCG(seed, 3))}, seed%2 == 1)
		m, _ := fdl.Parse([]byte(definition), fdl.Options{Mode: flow.Standard})
		if m == nil {
			continue // malformed
		}
		setup := flowtest.Setup{FlowName: "f", ExecutionName: "exec", Start: start,
			Input: treeOf(exprInput)}
		got, err := flowtest.Execute(m, flow.DefaultLimits(), setup)
		if err != nil {
			t.Fatal(err)
		}
		err = reference.Check(definition, inputText(setup.Input), contextOf(&setup),
			eventsOf(m, got.Events),
			recordOf(m, &setup, got))
		if err != nil {
			t.Fatalf("seed %d: %v\n%s\ncomes to %v %v", seed, err, definition, got.Output,
				got.Error)
		}
		judged[got.Status]++
	}
	t.Log(judged)
	if n := int(*flows); judged[flow.Succeeded] < 2*n || judged[flow.Failed] < n/2 {
		t.Errorf("judged are %v", judged)
	}
}
