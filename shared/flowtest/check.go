package flowtest

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"millrace/shared/flow"
	"millrace/shared/value"
)

// Check compares a result with the expectation and returns one line per difference.
func Check(m *flow.Machine, r *Result, x *Expect) []string {
	c := &checker{}
	if x.Status != "" && x.Status != r.Status.String() {
		c.differ("status", x.Status, r.Status.String()+reason(r.Error))
	}
	switch {
	case !x.HasOutput, value.Equal(x.Output, r.Output):
	case r.Status == flow.Succeeded:
		c.compare("output", x.Output, r.Output)
	case len(c.lines) == 0: // otherwise the status line has said it
		c.differ("output", show(x.Output), r.Status.String()+reason(r.Error))
	}
	c.failure(r, x)
	if x.Visited != nil {
		var got []string
		for _, v := range r.Entries {
			got = append(got, v.State)
		}
		if strings.Join(got, "\x00") != strings.Join(x.Visited, "\x00") {
			c.differ("states visited", names(x.Visited), names(got))
		}
	}
	if x.Waits != nil {
		c.waits(r, x)
	}
	c.states(r, x)
	c.calls(r, x)
	if x.Events != nil {
		c.events(m, r, x)
	}
	return c.lines
}

type checker struct{ lines []string }

func (c *checker) differ(what, want, got string) {
	c.lines = append(c.lines, fmt.Sprintf("%s: want %s, got %s", what, want, got))
}

// names joins the names of states, which may contain blanks.
func names(states []string) string {
	if len(states) == 0 {
		return "none"
	}
	return strings.Join(states, ", ")
}

func show(v any) string {
	if v == nil {
		return "null"
	}
	return string(value.Encode(v))
}

func reason(e *flow.Error) string {
	if e == nil {
		return ""
	}
	return " (" + e.Name + ": " + e.Cause + ")"
}

func (c *checker) failure(r *Result, x *Expect) {
	got := flow.Error{}
	if r.Error != nil {
		got = *r.Error
	}
	if x.ErrorName != nil && *x.ErrorName != got.Name {
		c.differ("error", value.Quote(*x.ErrorName), value.Quote(got.Name))
	}
	if x.ErrorCause != nil && *x.ErrorCause != got.Cause {
		c.differ("cause", value.Quote(*x.ErrorCause), value.Quote(got.Cause))
	}
}

// waits compares waits in order. A Wait until a past instant does not wait, so it may be missing in
// the result.
func (c *checker) waits(r *Result, x *Expect) {
	got := r.Waits
	for i, want := range x.Waits {
		if len(want) != 2 {
			c.differ("waits", "[state, seconds or instant]", show(want))
			return
		}
		if len(got) > 0 && got[0].matches(want) {
			got = got[1:]
			continue
		}
		if _, instant := want[1].(string); instant {
			continue
		}
		c.differ(fmt.Sprintf("wait %d", i+1), show(want), showWaits(got))
		return
	}
	if len(got) > 0 {
		c.differ("waits", fmt.Sprintf("no more than %d", len(x.Waits)), "also "+showWaits(got))
	}
}

func (w Wait) matches(want []any) bool {
	if want[0] != any(w.State) {
		return false
	}
	switch t := want[1].(type) {
	case value.Number:
		return value.Compare(t, value.FromFloat(w.Seconds)) == 0
	case string:
		at, err := time.Parse(time.RFC3339, t)
		return err == nil && at.UnixMilli() == w.Until
	}
	return false
}

func showWaits(w []Wait) string {
	if len(w) == 0 {
		return "none"
	}
	var parts []string
	for _, v := range w {
		parts = append(parts, fmt.Sprintf("[%s, %g]", v.State, v.Seconds))
	}
	return strings.Join(parts, " ")
}

func (c *checker) states(r *Result, x *Expect) {
	for _, name := range sorted(x.States) {
		var entries []Entry
		for _, v := range r.Entries {
			if v.State == name {
				entries = append(entries, v)
			}
		}
		c.checkSurplus("entries of state "+name, len(x.States[name]), len(entries))
		for i, want := range x.States[name] {
			what := fmt.Sprintf("state %s, entry %d", name, i+1)
			if i >= len(entries) {
				c.differ(what, "an entry", "none")
				break
			}
			if want.HasInput {
				c.compare(what+", input", want.Input, entries[i].Input)
			}
			if want.HasOutput {
				c.compare(what+", output", want.Output, entries[i].Output)
			}
		}
	}
}

func (c *checker) calls(r *Result, x *Expect) {
	c.perCall(r, x.Calls, "parameters", func(k Call) any { return k.Params }, c.compare)
	c.perCall(r, x.CallsInclude, "parameters", func(k Call) any { return k.Params }, c.include)
	c.perCall(r, x.Inputs, "input", func(k Call) any { return k.Input }, c.compare)
}

func (c *checker) perCall(
	r *Result, want map[string][]any, what string, of func(Call) any,
	compare func(what string, want, got any),
) {
	for _, name := range sorted(want) {
		var calls []Call
		for _, k := range r.Calls {
			if k.State == name {
				calls = append(calls, k)
			}
		}
		c.checkSurplus("calls of "+name, len(want[name]), len(calls))
		for i, w := range want[name] {
			where := fmt.Sprintf("call %d of %s, %s", i+1, name, what)
			if i >= len(calls) {
				c.differ(where, show(w), "no call")
			} else {
				compare(where, w, of(calls[i]))
			}
		}
	}
}

// checkSurplus reports calls or entries beyond the expected ones: a list of expectations has one
// element for each. They are reported only once, even if several lists are too short.
func (c *checker) checkSurplus(what string, want, got int) {
	if got <= want {
		return
	}
	line := fmt.Sprintf("%s: want %d, got %d", what, want, got)
	if !slices.Contains(c.lines, line) {
		c.lines = append(c.lines, line)
	}
}

func (c *checker) events(m *flow.Machine, r *Result, x *Expect) {
	for i, want := range x.Events {
		if i >= len(r.Events) {
			c.differ(fmt.Sprintf("event %d", i+1), show(want), "none")
			return
		}
		e := &r.Events[i]
		got := []any{value.FromInt(e.ID), value.FromInt(e.Schedule), e.Type.String(), e.StepName(m),
			r.Detail(e, m)}
		if !value.Equal(want, got) {
			c.differ(fmt.Sprintf("event %d", i+1), show(want), show(got))
			return
		}
	}
	if len(r.Events) > len(x.Events) {
		c.differ("events", fmt.Sprint(len(x.Events)), fmt.Sprint(len(r.Events)))
	}
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
