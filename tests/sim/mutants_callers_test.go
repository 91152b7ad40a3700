package sim_test

// Changes that only what is checked of callers catches: of accounts, tokens, rights, names, limits and lists.
func init() {
	mutants = append(mutants, []struct{ name, file, old, new string }{
		{"take any token", "shared/runner/accept.go", "	if !s.Valid(t) {\n", "	if s == nil {\n"},
		{"prove tokens without their event", "shared/interp/token.go", "	b = binary.BigEndian.AppendUint64(b, uint64(id))\n", "	_ = id\n"},
		{"take the token of an attempt before for the one that is open", "shared/interp/news.go", "o.attempt != nil && o.tokenID(s) == token ||", "o.attempt != nil && o.id <= token && token <= o.tokenID(s) ||"},
		{"take the report of a task that waits for none", "shared/interp/news.go", "	case e.attempt.mode == flow.RequestComplete:\n		return nil, NotWaiting\n", ""},
		{"take the flow of another account where the caller has none", "shared/cloudflow/check.go", "	f, err := s.Store.GetFlow(ctx, c.Account, name)\n", "	f, err := s.Store.GetFlow(ctx, c.Account, name)\n	if errors.Is(err, store.ErrNotFound) {\n		f, err = s.Store.GetFlow(ctx, \"1234567890123456\", name)\n	}\n"},
		{"start the children of all accounts in one", "shared/runner/child.go", "r.Store.GetFlow(ctx, c.Account, c.FlowName)", "r.Store.GetFlow(ctx, \"1234567890123456\", c.FlowName)"},
		{"let flows do everything", "shared/runner/calls.go", "		request.May = may\n", "		_ = may\n"},
		{"let flows without rights do everything", "shared/runner/calls.go", "			return request.Denied(err.Error())\n", "			return r.Tasks.Run(ctx, request)\n"},
		{"stop children whatever the flow may", "shared/runner/relay.go", "	if err := r.mayStop(from, o.Flow); err != nil {\n		return err\n	}\n", ""},
		{"report in the name of a key that may not", "shared/runner/relay.go", "		if err := r.mayReport(from, o); err != nil {\n			return err\n		}\n", ""},
		{"forget the author of an execution", "shared/runner/start.go", "		x.Author = s.Flow.Author\n", "		x.Author = \"\"\n"},
		{"let keys act that have run out", "shared/access/register.go", "return !k.Expires.IsZero() && !now.Before(k.Expires)", "return false"},
		{"stop children with the rights of the author, where there is a role", "shared/runner/rights.go", "r.mayNow(from.account, from.role, from.author, ", "r.mayNow(from.account, \"\", \"k1\", "},
		{"forget who has started a child", "shared/runner/start.go", "created = a.created || s.Origin != \"\" && a.x.Origin == s.Origin", "created = a.created"},
		{"stop whatever has the name of a child", "shared/runner/relay.go", "	case x.Origin != taskOrigin(from.key):\n", "	case x.Origin == \"nobody\":\n"},
		{"wait for a running namesake", "shared/runner/child.go", "if !created && (x.Status.Final() || c.Callback != \"\") {", "if !created && x.Status.Final() {"},
		{"tell nothing of what a child has come to", "shared/runner/relay.go", "report.Output = o.Output.Text()", "report.Output = []byte(\"{}\")"},
		{"tell that a failed child has succeeded", "shared/runner/relay.go", "		if o.Error == nil {\n			report.Output", "		if o.Error != nil {\n			report = Report{Output: []byte(\"{}\")}\n		} else {\n			report.Output"},
		{"drop stops of children", "shared/runner/relay.go", "		err = r.stopChild(ctx, from, o)\n", "		_ = r.stopChild\n"},
		{"draw a name for a request that is repeated", "shared/cloudflow/executions.go", "	if c.Nonce == \"\" {\n		return uuid", "	if true {\n		return uuid"},
		{"name requests of two keys alike", "shared/cloudflow/executions.go", "c.AccessKey + \"#\" + c.Nonce + \"#\" + c.Timestamp", "\"#\" + c.Nonce + \"#\" + c.Timestamp"},
		{"forget which request has started an execution", "shared/cloudflow/executions.go", "		if c.Nonce != \"\" {\n			start.Origin", "		if false {\n			start.Origin"},
		{"show the input of whoever asks", "shared/cloudflow/executions.go", "	if created {\n		shown.Input", "	if true {\n		shown.Input"},
		{"count no starts that are under way", "shared/runner/census.go", "c.n[account]+c.coming[account] >= most", "c.n[account] >= most"},
		{"take one call more than there is room for", "shared/runner/fold.go", "Max: r.CallsMax - f.flying()", "Max: r.CallsMax - f.flying() + 1"},
		{"write one event too many", "shared/interp/step.go", "f.s.LastEvent+int64(n) > int64(f.l.Events)", "f.s.LastEvent+int64(n) > int64(f.l.Events)+1"},
		{"keep open states of any size", "shared/runner/commit.go", "BodyMax: r.Limits.BodyBytes", "BodyMax: 0"},
		{"start with an input of any size", "shared/cloudflow/executions.go", "	if limit := s.Limits.Data(lang); input.size > limit {", "	if limit := s.Limits.Data(lang); false {"},
	}...)
}
