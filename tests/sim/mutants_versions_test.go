package sim_test

// Changes that only what is checked of versions and aliases catches.
func init() {
	mutants = append(mutants, []struct{ name, file, old, new string }{
		{"use the number of a deleted version again", "shared/store/version.go", "v.token, v.Number = token, f.LastVersion+1\n", "v.token, v.Number = token, int64(len(c.Versions))+1\n"},
		{"delete a version that an alias uses", "shared/cloudflow/versions.go", "known.Uses(number); alias != \"\" {", "known.Uses(number); alias == \"-\" {"},
		{"forget the choice of an alias", "shared/store/qualifier.go", "at := binary.BigEndian.Uint64(sum[:]) % total\n", "at := (binary.BigEndian.Uint64(sum[:]) ^ Random()) % total\n"},
		{"choose one version for all executions", "shared/store/qualifier.go", "e.Name + \"#\" + execution", "e.Name + \"#\""},
		{"run the current definition whatever the qualifier", "shared/store/qualifier.go", "	return f.At(v), nil\n", "	_ = v\n	return f, nil\n"},
		{"publish a request twice", "shared/cloudflow/versions.go", "known.Published(token); e != nil {", "known.Published(token); e != nil && e.Number < 0 {"},
		{"route to versions that do not exist", "shared/cloudflow/routes.go", "		if known.Version(r.Version) == nil {\n", "		if r.Version < 0 {\n"},
		{"let the definitions of versions expire", "shared/store/definition.go", "return err == nil && c.hasDefinition(definition.Sort), err", "return err == nil && c == nil, err"},
		{"keep the definition of a deleted version for ever", "shared/store/version.go", "		puts, err = s.collectAgain(ctx, f, puts, definitionKey(f.ID, v.Hash), wake, checkDefinition)\n", "		_ = v\n"},
		{"remove the rows of versions that the flow has", "shared/store/version.go", "	if named {\n", "	if named && row.Version < 0 {\n"},
		{"look at no version and no alias again", "shared/engine/sweep.go", "\t\t\treturn e.Store.CollectFlowDetail(ctx, row.Key)\n", "			return nil\n"},
		{"leave no trace of what an update of an alias replaces", "shared/store/version.go", "		if puts, err = s.collectAgain(ctx, f, puts, before, wake, nil); err != nil {\n			return err\n		}\n", "		_ = before\n"},
	}...)
}
