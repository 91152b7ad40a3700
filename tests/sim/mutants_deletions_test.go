package sim_test

// Changes that only what is checked of deletions catches.
func init() {
	mutants = append(mutants, []struct{ name, file, old, new string }{
		{"delete what runs", "shared/engine/delete.go", "	case !m.state.Final():\n		return nil, ErrExecutionRunning\n", ""},
		{"delete what has not reported its end", "shared/engine/delete.go", "	case len(m.state.Outbox) > 0:\n		return nil, ErrEndNotReported\n", ""},
		{"free the name of what is deleted", "shared/store/deleteexecution.go", "	left.Deleted, left.Wake = s.nowMillis(), wake\n", "	left.Deleted, left.Wake, left.Expires = s.nowMillis(), wake, s.nowMillis()\n"},
		{"start again what is deleted when a start is repeated", "shared/engine/start.go", "	case left != nil:\n		return left, s.Origin != \"\" && left.Origin == s.Origin, nil\n", "	case left != nil:\n		return left, false, nil\n"},
		{"leave the purge that a crash has cut off", "shared/engine/sweep.go", "		return e.purge(ctx, left)\n", "		return nil\n"},
		{"say that all is purged after the first page", "shared/store/deleteexecution.go", "		if !more || len(rows) == 0 {\n", "		if more || len(rows) == 0 || from != \"\" {\n"},
		{"go on with what the mailbox has when it is deleted", "shared/engine/delete.go", "	if err == nil {\n		m.invalidate()\n	}\n", ""},
		{"take a damaged read for a deletion", "shared/cloudflow/deleteexecution.go", "errors.Is(gone, store.ErrNotFound) || gone == nil && now.Run != x.Run {", "gone == nil || now == nil {"},
		{"list what is deleted", "shared/store/executionrow.go", "	if x.Deleted == 0 {\n		row.List", "	if x.Version > 0 {\n		row.List"},
	}...)
}
