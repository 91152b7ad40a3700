package sim_test

// Changes of Express executions, of the shares of accounts, and of what two owners of one flow do
// to each other. For those of the first list it is known which invariants catch them; without those
// they must live.
func init() {
	for _, m := range []struct{ invariants, name, file, old, new string }{
		{"Express leaves nothing,share given back", "return from an Express execution while its calls are in flight", "shared/engine/express/express.go", "\tdefer s.goroutines.Wait() // a function's process may be frozen after its answer\n", ""},
		{"Express leaves nothing", "keep what runs in memory, too", "shared/engine/start.go", "	return e.express.Run(ctx, m, x, state)\n", "	e.StartExecution(ctx, s)\n	return e.express.Run(ctx, m, x, state)\n"},
		{"Express once,share,late Express", "run an Express execution again that has failed", "shared/cloudflow/executions.go", "\tx, err := s.Engine.RunSync(ctx, *start)\n", "\tx, err := s.Engine.RunSync(ctx, *start)\n\tif err == nil && x.Status == flow.Failed {\n\t\tx, err = s.Engine.RunSync(ctx, *start)\n\t}\n"},
		{"Express response", "return no error of an Express execution", "shared/engine/express/express.go", "s.state.Stopped, s.state.Output, s.state.Error\n", "s.state.Stopped, s.state.Output, nil\n"},
		{"late Express,reference", "let Express executions sleep a quarter of a minute longer", "shared/engine/express/express.go", "time.Duration(max(due-s.now(), 0))", "time.Duration(max(due-s.now(), 0)+15_000)"},
		{"call within its lease,one caller", "make a call that waited in line until its lease was over", "shared/engine/dispatch/dispatch.go", "	if c.Lease != nil && c.Lease.over(d.Now()) {", "	if false {"},
		{"share", "let an account have all that is free", "shared/share/pool.go", "return p.SingleAccount || a.held == 0 || a.held+n <= free", "return true"},
		{"share by turns", "leave the turn with the account that has it", "shared/share/pool.go", "			p.first = a.next\n			if a.waiters", "			if a.waiters"},
		{"share given back", "keep the place of an Express execution that has ended", "shared/engine/start.go", "	defer e.Shares.Express.Release(s.Flow.Account, 1)\n", ""},
		{"share given back", "keep a processor while a long poll waits", "shared/engine/watch.go", "\tshare.ReleaseTurn(ctx)\n", "\t_ = share.ReleaseTurn\n"},
		{"share given back", "drop a result and keep its bytes", "shared/engine/calls.go", "			release() // the result is dropped\n", ""},
		{"share given back", "keep the bytes of results that an Express execution has not applied", "shared/engine/express/express.go", "	defer s.releaseAll()\n", ""},
		{"two owners", "replace a flow whatever it has become", "shared/store/flow.go", "	f.Version++\n", "	if now, err := s.driver.Get(ctx, flowKey(f.Account, f.Name)); err == nil {\n		cond.Version, f.Version = now.Version, now.Version\n	}\n	f.Version++\n"},
	} {
		mutants = append(mutants, struct{ name, file, old, new string }{m.name, m.file, m.old, m.new})
		alone[m.name] = m.invariants
	}
	mutants = append(mutants, []struct{ name, file, old, new string }{
		{"keep the last one from an account that holds nothing", "shared/share/pool.go", "return p.SingleAccount || a.held == 0 || a.held+n <= free", "return p.SingleAccount || a.held+n <= free"},
		{"let nobody know that there is room again", "shared/share/pool.go", "	p.wake()\n}\n\n// fits", "}\n\n// fits"},
		{"keep the places in line of calls that are not taken", "shared/engine/shares.go", "\tif unused := t.places - taken; unused > 0 {\n", "\tif unused := t.places - taken; unused > t.places {\n"},
	}...)
}
