package sim_test

// Changes that only what is checked of looking for executions catches.
func init() {
	mutants = append(mutants, []struct{ name, file, old, new string }{
		{"find executions whatever their error", "shared/cloudflow/find.go", "		q.ErrorName != \"\" && s.ErrorName != q.ErrorName ||\n", ""},
		{"find a search value by its beginning", "shared/cloudflow/find.go", "			return k == flow.SearchKey{Name: q.SearchKey, Value: q.SearchValue}\n", "			return k.Name == q.SearchKey && strings.HasPrefix(k.Value, q.SearchValue)\n"},
		{"forget the search keys when an execution is loaded", "shared/store/list.go", "x.Source, x.SearchKeys, x.Failure, x.unknownListed = s.Source, s.SearchKeys,", "x.Source, x.SearchKeys, x.Failure, x.unknownListed = s.Source, nil,"},
		{"take a page token of other filters", "shared/cloudflow/find.go", "|| words[0] != fmt.Sprintf(\"%016x\", q.filterHash()) {", "|| words[0] == \"\" {"},
		{"name the state that failed last", "shared/engine/find.go", "		if e.Node >= 0 {\n			node = e.Node\n", "		if e.Node >= 0 {\n			node = (e.Node + 1) % len(m.machine.Nodes)\n"},
		{"begin a page of all flows after all that started together", "shared/store/listmerge.go", "	if several && f.FlowID > flowID {\n", "	if several && f.FlowID < flowID {\n"},
	}...)
}
