package sim_test

// Changes of what flows mean, which the oracle makes too: only the reference sees them.
func init() {
	mutants = append(mutants, []struct{ name, file, old, new string }{
		{"try once more than a rule allows", "shared/interp/retry.go", "if used < st.Retry[i].AttemptsMax {", "if used <= st.Retry[i].AttemptsMax {"},
		{"go on to the next rule when the first is used up", "shared/interp/retry.go", "				return i\n			}\n			return -1\n", "				return i\n			}\n"},
		{"back off before the first retry already", "shared/interp/retry.go", "for i := 1; i < n && delay", "for i := 0; i < n && delay"},
		{"never cap a pause", "shared/interp/retry.go", "min(delay, float64(r.IntervalMax))", "delay"},
		{"try again after half the pause", "shared/interp/retry.go", "e.due, e.phase = f.clock+delay, backingOff", "e.due, e.phase = f.clock+delay/2, backingOff"},
		{"catch what no rule names", "shared/interp/failure.go", "		if f.matches(st.Catch[i].Errors, e.failure.Name) {", "		if i >= 0 {"},
		{"FnF.ALL is a name like others", "shared/interp/dialectstatemachine.go", "rule == flow.ErrorAll || rule == name", "rule == name"},
		{"mix up code and detail", "shared/interp/dialectstatemachine.go", `"Code": e.failure.Name, "Detail": e.failure.Cause`, `"Code": e.failure.Cause, "Detail": e.failure.Name`},
		{"abort all branches but the first", "shared/interp/failure.go", "	for _, child := range owner.running {\n		if child != sc {", "	for i, child := range owner.running {\n		if child != sc && i > 0 {"},
		{"drop the error of a child", "shared/interp/failure.go", "\t\tout.Error = withName(s.Error, flow.ErrExecutionFailed)\n", "		out.Error = &flow.Error{Name: flow.ErrExecutionFailed}\n"},
		{"tell {} for the output of a child", "shared/interp/failure.go", "Token: s.CallbackToken, Output: s.Output}", "Token: s.CallbackToken, Output: flow.Empty()}"},
		{"leave the executions of attempts that are given up", "shared/interp/failure.go", "\tif e.attempt != nil {\n\t\tf.enqueueStopChild(e.attempt)\n\t}\n", ""},
		{"merge nothing into the local data when an error is caught", "shared/interp/dialectflowv1.go", "f.merged(e.scope.local, out)", "f.merged(flow.Empty(), out)"},
		{"put results in the order from the end", "shared/interp/fanout.go", "\te.results[i] = out\n", "\te.results[len(e.results)-1-i] = out\n"},
		{"give iterations the items from the end", "shared/interp/fanout.go", "item := e.items[e.cursor]", "item := e.items[len(e.items)-1-e.cursor]"},
		{"count iterations from 1", "shared/interp/dialectflowv1.go", "value.FromInt(int64(e.cursor))", "value.FromInt(int64(e.cursor) + 1)"},
		{"time a task from the start of the execution", "shared/interp/task.go", "a.deadline = f.now + n*1000", "a.deadline = max(f.s.Started+n*1000, f.now+1)"},
		{"wait from the start of the execution", "shared/interp/runstate.go", "	return f.now + n*1000, nil\n", "	return f.s.Started + n*1000, nil\n"},
		{"take the last condition that is true", "shared/interp/runstate.go", "			taken = i\n			break\n", "			taken = i\n"},
		{"never try again after a timeout", "shared/interp/timers.go", "	e.timeout = true\n", "	e.timeout, e.permanent = true, true\n"},
		{"show the input for the output", "shared/interp/dialectstatemachine.go", "		v := f.env(e, \"OutputConstructor\")\n		v.output = e.result\n", "		v := f.env(e, \"OutputConstructor\")\n		v.output = e.input\n"},
		{"keep the first value of a global variable", "shared/interp/dataflow.go", "		f.s.Globals[k] = v\n", "		if f.s.Globals[k] == nil {\n			f.s.Globals[k] = v\n		}\n"},
		{"forget the local data where a step maps nothing", "shared/interp/dialectflowv1.go", "	return f.overlaid(sc.input, sc.local)\n", "	return sc.input, nil\n"},
		{"count no retries", "shared/interp/dialectstatemachine.go", "\"RetryCount\": constant(value.FromInt(int64(e.retries)))", "\"RetryCount\": constant(value.FromInt(0))"},
		{"draw the same in each attempt", "shared/interp/env.go", "int64(e.node), e.ordinal, int64(e.retries), int64(e.scope.index)", "int64(e.node), e.ordinal, 0, int64(e.scope.index)"},
		{"draw the same in each iteration", "shared/interp/env.go", "int64(e.retries), int64(e.scope.index)", "int64(e.retries), 0"},
	}...)
}
