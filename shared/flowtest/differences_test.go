package flowtest_test

import (
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/shared/value"
)

// TestDifferences checks that names of states with blanks, and an empty list, are distinguished.
func TestDifferences(t *testing.T) {
	r := &flowtest.Result{Entries: []flowtest.Entry{{State: "Ask first"}, {State: "Pay"}},
		Waits: []flowtest.Wait{{State: "Pay", Seconds: 5}}}
	for _, c := range []struct {
		expect flowtest.Expect
		want   string
	}{
		{flowtest.Expect{Visited: []string{"Ask", "first Pay"}},
			"states visited: want Ask, first Pay, got Ask first, Pay"},
		{flowtest.Expect{Visited: []string{}}, "states visited: want none, got Ask first, Pay"},
		{flowtest.Expect{Visited: []string{"Ask first", "Pay"}}, ""},
		{flowtest.Expect{Waits: [][]any{}}, "waits: want no more than 0, got also [Pay, 5]"},
	} {
		if got := strings.Join(flowtest.Check(&flow.Machine{}, r, &c.expect), "\n"); got != c.want {
			t.Errorf("want %q, got %q", c.want, got)
		}
	}
}

// TestPlacesOfDifferences checks that a difference in a value is reported with its place.
func TestPlacesOfDifferences(t *testing.T) {
	object := func(text string) any {
		v, err := value.Decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	wide := make(map[string]any)
	for _, c := range "abcdefghijkl" {
		wide[string(c)] = true
	}
	for _, c := range []struct {
		want, got any
		lines     string
	}{
		{object(`{"a": 1.0, "b": [1]}`), object(`{"b": [1], "a": 1}`), ""},
		{object(`{"a": {"b": [1, {"c": 2}]}}`), object(`{"a": {"b": [1, {"c": 3}]}}`),
			"output.a.b[1].c: want 2, got 3"},
		{object(`{"a": [1, 2]}`), object(`{"a": [1]}`), "output.a: want [1,2], got [1]"},
		{object(`{"a b": 1, "x": null}`), object(`{"y": []}`),
			"output[\"a b\"]: want 1, got nothing\noutput.x: want null, got nothing\n" +
				"output.y: want nothing, got []"},
		{object(`{"a": {}}`), object(`{"a": []}`), "output.a: want {}, got []"},
		{object(`{"a": 1}`), nil, `output: want {"a":1}, got Failed (E: why)`},
		{wide, object(`{"a": true, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1, "h": 1, ` +
			`"i": 1, "j": 1, "k": 1}`), "output: 1 more differ"},
	} {
		r := &flowtest.Result{Status: flow.Succeeded, Output: c.got}
		if c.got == nil {
			r.Status, r.Error = flow.Failed, &flow.Error{Name: "E", Cause: "why"}
		}
		got := strings.Join(flowtest.Check(&flow.Machine{}, r,
			&flowtest.Expect{HasOutput: true, Output: c.want}), "\n")
		if got != c.lines && !strings.HasSuffix(got, "\n"+c.lines) {
			t.Errorf("want %q, got %q", c.lines, got)
		}
	}
	calls := &flowtest.Result{Calls: []flowtest.Call{
		{State: "Ask", Params: object(`{"body": {"id": 1, "more": 2}}`)},
	}}
	part := &flowtest.Expect{CallsInclude: map[string][]any{
		"Ask": {object(`{"body": {"id": 2}}`), object(`{}`)},
	}}
	want := "call 1 of Ask, parameters.body.id: want 2, got 1\n" +
		"call 2 of Ask, parameters: want {}, got no call"
	if got := strings.Join(flowtest.Check(&flow.Machine{}, calls, part), "\n"); got != want {
		t.Errorf("want %q, got %q", want, got)
	}
}
