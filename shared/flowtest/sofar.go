package flowtest

import "millrace/shared/flow"

// CheckSoFar is like Check, but for a run that could not go on: it compares what has happened with
// what was expected until then.
func CheckSoFar(m *flow.Machine, r *Result, x *Expect) []string {
	y := Expect{
		Calls: byCall(x.Calls, r), CallsInclude: byCall(x.CallsInclude, r),
		Inputs: byCall(x.Inputs, r),
	}
	if x.Visited != nil {
		y.Visited = x.Visited[:min(len(x.Visited), len(r.Entries))]
	}
	if x.Waits != nil && len(r.Waits) > 0 {
		y.Waits = x.Waits[:min(len(x.Waits), len(r.Waits))]
	}
	return Check(m, r, &y)
}

// byCall returns the expectations of the calls that a run has made.
func byCall(expected map[string][]any, r *Result) map[string][]any {
	made := map[string]int{}
	for _, c := range r.Calls {
		made[c.State]++
	}
	out := map[string][]any{}
	for state, list := range expected {
		out[state] = list[:min(len(list), made[state])]
	}
	return out
}
