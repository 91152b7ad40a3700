package sim_test

// Changes that only what is checked of callers catches: of accounts, tokens, rights, names, limits
// and lists.
func init() {
	mutants = append(mutants, []struct{ name, file, old, new string }{
		{"take any token", "shared/engine/accept.go", "	if !s.Valid(t) {\n", "	if s == nil {\n"},
		{"prove tokens without their event", "shared/interp/token.go", "	b = binary.BigEndian.AppendUint64(b, uint64(id))\n", "	_ = id\n"},
		{"take the token of an attempt before for the one that is open", "shared/interp/message.go", "o.attempt != nil && o.tokenID(s) == token ||", "o.attempt != nil && o.id <= token && token <= o.tokenID(s) ||"},
		{"take the report of a task that waits for none", "shared/interp/message.go", "	case e.attempt.mode == flow.RequestComplete:\n		return nil, NotWaiting\n", ""},
		{"take the flow of another account where the caller has none", "shared/cloudflow/check.go", "	f, err := s.Store.GetFlow(ctx, c.Account, name)\n", "	f, err := s.Store.GetFlow(ctx, c.Account, name)\n	if errors.Is(err, store.ErrNotFound) {\n		f, err = s.Store.GetFlow(ctx, \"1234567890123456\", name)\n	}\n"},
		{"start the children of all accounts in one", "shared/cloudflow/child.go", "s.Store.GetFlow(ctx, c.Account, c.FlowName)", "s.Store.GetFlow(ctx, \"1234567890123456\", c.FlowName)"},
		{"let flows do everything", "shared/engine/dispatch/dispatch.go", "		c.request.May = may\n", "		_ = may\n"},
		{"let flows without rights do everything", "shared/engine/dispatch/dispatch.go", "\t\t\treturn c.request.DeniedResult(err.Error()), false\n", "			return d.Tasks.Run(ctx, c.request), false\n"},
		{"stop children whatever the flow may", "shared/engine/relay.go", "\t\tif err := e.mayStop(from, o.Flow); err != nil {\n\t\t\treturn err\n\t\t}\n", ""},
		{"report in the name of a key that may not", "shared/engine/relay.go", "\t\tif err := e.mayReport(from, o); err != nil {\n\t\t\treturn err\n\t\t}\n", ""},
		{"forget the author of an execution", "shared/engine/start.go", "		x.Author = s.Flow.Author\n", "		x.Author = \"\"\n"},
		{"let keys act that have run out", "shared/access/registry.go", "return !k.Expires.IsZero() && !now.Before(k.Expires)", "return false"},
		{"stop children with the rights of the author, where there is a role", "shared/engine/rights.go", "e.authorize(from.account, from.role, from.author, ", "e.authorize(from.account, \"\", \"k1\", "},
		{"forget who has started a child", "shared/engine/start.go", "created = a.created || s.Origin != \"\" && a.x.Origin == s.Origin", "created = a.created"},
		{"stop whatever has the name of a child", "shared/engine/relay.go", "	case x.Origin != TaskOrigin(from.key):\n", "	case x.Origin == \"nobody\":\n"},
		{"wait for a running namesake", "shared/cloudflow/child.go", "if !created && (x.Status.Final() || c.CallbackToken != \"\") {", "if !created && x.Status.Final() {"},
		{"tell nothing of what a child has come to", "shared/engine/relay.go", "report.Output = o.Output.Text()", "report.Output = []byte(\"{}\")"},
		{"tell that a failed child has succeeded", "shared/engine/relay.go", "		if o.Error == nil {\n			report.Output", "		if o.Error != nil {\n			report = Report{Output: []byte(\"{}\")}\n		} else {\n			report.Output"},
		{"drop stops of children", "shared/engine/relay.go", "\t\terr = e.stopChild(ctx, from, o)\n", "\t\t_ = e.stopChild\n"},
		{"draw a name for a request that is repeated", "shared/cloudflow/executions.go", "	if c.Nonce == \"\" {\n		return uuid", "	if true {\n		return uuid"},
		{"name requests of two keys alike", "shared/cloudflow/executions.go", "c.AccessKey + \"#\" + c.Nonce + \"#\" + c.Timestamp", "\"#\" + c.Nonce + \"#\" + c.Timestamp"},
		{"forget which request has started an execution", "shared/cloudflow/executions.go", "		if c.Nonce != \"\" {\n			start.Origin", "		if false {\n			start.Origin"},
		{"show the input to each caller", "shared/cloudflow/executions.go", "	if created {\n		shown.Input", "	if true {\n		shown.Input"},
		{"count no starts that are under way", "shared/engine/quota/quota.go", "q.running[account]+q.starting[account] >= q.max", "q.running[account] >= q.max"},
		{"take one call more than there is room for", "shared/engine/step.go", "Max: e.CallsMax - t.callsInFlight()", "Max: e.CallsMax - t.callsInFlight() + 1"},
		{"write one event too many", "shared/interp/step.go", "f.s.LastEvent+int64(n) > int64(f.l.Events)", "f.s.LastEvent+int64(n) > int64(f.l.Events)+1"},
		{"keep open states of any size", "shared/engine/commit.go", "ch.BodyMax = e.Limits.BodyBytes", "ch.BodyMax = 0"},
		{"start with an input of any size", "shared/cloudflow/executions.go", "	if max(len(start.Input), len(start.Canonical)) > limit {", "	if max(len(start.Input), len(start.Canonical)) > 1<<40 {"},
		{"list executions of every status", "shared/cloudflow/listing.go", "(any || s.Status == status) &&", "(any || s.Status >= 0 && status >= 0) &&"},
		{"list executions whatever they are called", "shared/cloudflow/listing.go", "strings.HasPrefix(s.Name, q.ExecutionNamePrefix)", "true"},
		{"list executions started after the end of the time", "shared/store/listmerge.go", "		to = listSort(l.End, \"\")\n", "		to = listSort(l.End+60_000, \"\")\n"},
		{"list executions started before the begin of the time", "shared/store/listmerge.go", "		from = listSort(l.Begin, \"\")\n", "		from = listSort(l.Begin-60_000, \"\")\n"},
		{"list what an execution has become whatever was asked for", "shared/cloudflow/listing.go", "shown == nil || !p.request.fits(shown)", "shown == nil"},
	}...)
}
