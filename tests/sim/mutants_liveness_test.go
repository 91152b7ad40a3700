package sim_test

// Changes that make something late, or that only what definition and history say tells apart from
// what is right. For each it is known which invariants catch it; without those it must live.
func init() {
	for _, m := range []struct{ invariants, name, file, old, new string }{
		{"late timer,wake,late ready", "wait ten minutes longer", "shared/interp/runstate.go", "	return f.now + n*1000, nil\n", "	return f.now + n*1000 + 600_000, nil\n"},
		{"wake,reference", "wake up 15 s after the end of waits and pauses", "shared/interp/timers.go", "			sooner(e.due)\n", "			sooner(e.due + 15_000)\n"},
		{"late lease,everything ends,example result,nothing left", "take no call whose caller is gone", "shared/interp/task.go", "\t\tif a == nil || a.phase != attemptReady || len(entries) >= t.Max {", "\t\tif a == nil || a.phase != attemptReady || a.lostCalls > 0 || len(entries) >= t.Max {"},
		{"late ready,everything ends,example result,nothing left", "take no attempt after the first", "shared/interp/task.go", "\t\tif a == nil || a.phase != attemptReady || len(entries) >= t.Max {", "\t\tif a == nil || a.phase != attemptReady || a.number > 0 || len(entries) >= t.Max {"},
		{"late outbox", "try what was not delivered again after minutes, not seconds", "shared/engine/relay.go", "Min: time.Second, Max: time.Hour}\n\n// deliver", "Min: time.Minute, Max: time.Hour}\n\n// deliver"},
		{"poll", "look once a minute whether another process has brought the end", "shared/engine/watch.go", "pollIntervalMax = time.Second", "pollIntervalMax = time.Minute"},
		{"poll", "end a long poll after some looks", "shared/engine/watch.go", "time.Until(end) <= 0 {", "pause >= pollIntervalMax {"},
		{"late result,result kept,everything ends", "throw the result of a call away when the store fails", "shared/engine/retry.go", "	case it.message.Kind == interp.CallCompleted, it.message.Kind == interp.Delivered:\n", "	case it.message.Kind == interp.Delivered:\n"},
		{"put off", "put what is due off for three times as long", "shared/engine/poison.go", "Min: time.Minute, Max: time.Hour}", "Min: 3 * time.Minute, Max: time.Hour}"},
		{"lease", "lease calls for ten times as long", "shared/interp/task.go", "until = min(until, f.clock+t.DurationMax)", "until = min(until, f.clock+10*t.DurationMax)"},
		{"retention", "keep an execution from its start on", "shared/engine/commit.go", "ch.Expires = min(s.Stopped, s.Deadline) + ", "ch.Expires = s.Started + "},
		// The invocation at work lingers before its end, too, or it would hardly ever come in
		// between.
		{"heard", "ask for a look after the choice of the work session", "shared/engine/worksession.go", "\te.submitLocked(m, nil)\n\treturn on\n",
			"\tif on == s {\n\t\te.submitLocked(m, nil)\n\t\ttime.Sleep(2 * time.Second)\n\t\treturn on\n\t}\n\tm.mu.Unlock()\n\ttime.Sleep(1500 * time.Millisecond)\n\te.submit(partition, nil)\n\te.mailboxes.release(m)\n\treturn on\n"},
		{"invocation", "begin calls until an invocation ends", "shared/engine/worksession.go", "s.callDeadline = s.deadline - s.callTimeMax.Milliseconds()", "s.callDeadline = s.deadline"},
	} {
		mutants = append(mutants, struct{ name, file, old, new string }{m.name, m.file, m.old, m.new})
		alone[m.name] = m.invariants
	}
	rare["take no call whose caller is gone"] = "-seed 1 -runs 30 -topology servers"                         // 3; those that catch nothing go on for a year
	rare["ask for a look after the choice of the work session"] = "-seed 700 -runs 1500 -topology functions" // 713
	rare["begin calls until an invocation ends"] = "-seed 1 -runs 1500 -topology functions -flow generated"
	rare["take no attempt after the first"] = "-seed 1 -runs 10 -topology local" // 3; elsewhere hints go round and round
	alone["leave the executions of attempts that are given up"] = "orphan,late stop,reference"
	alone["try once more than a rule allows"] = "attempts,reference,late ready,wake"
	alone["try again after half the pause"] = "early,reference"
	alone["leave inbox entries to the hint"] = "late inbox,everything ends"
	alone["forget the outbox at the end"] = "late callback,callback arrives,everything ends,nothing left"
	alone["take what was not delivered for delivered"] = "sent,late callback,callback arrives,late stop,rights,everything ends,nothing left"
}

// alone says for mutants which invariants catch them, and nothing else does.
var alone = map[string]string{}
