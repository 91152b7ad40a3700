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
	}...)
}
