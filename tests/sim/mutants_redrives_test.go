package sim_test

// Changes that only what is checked of redrives catches.
func init() {
	mutants = append(mutants, []struct{ name, file, old, new string }{
		{"redrive again what runs since a redrive", "shared/engine/redrive.go", "	case count >= 0 && x.Redrive > count, count < 0 && x.Redrive > 0 && !x.Status.Final():\n		return true, nil\n", ""},
		{"redrive whatever life it is", "shared/interp/redrive.go", "	case n.Life <= s.Redrives:\n		if n.Life", "	case n.Life < 0:\n		if n.Life"},
		{"forget the deadline of a redriven execution", "shared/store/executionrow.go", "		w.Int(rowDeadline, x.Deadline-x.Started)\n", "		w.Int(rowDeadline, x.firstDeadline-x.Started)\n"},
		{"let the rows of an earlier life expire", "shared/store/redrive.go", "			kept = append(kept, row)\n", ""},
		{"let the rows of the redrive's own commit expire", "shared/store/execution.go", "		x.Expires = c.Expires // the rows of this commit must not expire before the new life\n", ""},
		{"drop what was open when an execution is stopped", "shared/interp/failure.go", "	if status == flow.Succeeded {\n		s.root = nil\n	}\n", "	if status == flow.Succeeded || status == flow.Stopped {\n		s.root = nil\n	}\n"},
		{"run a whole Parallel again", "shared/interp/redrive.go", "	e.left, e.leftRun = old.left, old.leftRun\n", "	e.resumed = false\n"},
		{"forget results of an earlier life", "shared/interp/redrive.go", "	e.results, e.blocks, e.storedItems = old.results, old.blocks, old.storedItems\n", "	e.results, e.storedItems = make([]*flow.Value, len(old.results)), old.storedItems\n"},
		{"call again a task whose result had come", "shared/interp/redrive.go", "	if e.phase != finishing && e.total == 0 && !e.resumed {", "	if e.total == 0 {"},
		{"build the input of a state anew", "shared/interp/redrive.go", "	e.input = old.input\n", ""},
	}...)
}
