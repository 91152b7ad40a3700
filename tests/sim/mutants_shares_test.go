package sim_test

// Changes of Express executions, of the shares of accounts, and of what two owners of one flow do to
// each other. For those of the first list it is known which invariants catch them; without those they
// must live.
func init() {
	for _, m := range []struct{ invariants, name, file, old, new string }{
		{"Express leaves nothing,share given back", "answer an Express execution while its calls are in flight", "shared/engine/sync.go", "\tdefer s.goroutines.Wait() // a function's process may be frozen after its answer\n", ""},
		{"Express leaves nothing", "keep what runs in memory, too", "shared/engine/start.go", "	return newSync(r, m, s).run(ctx)\n", "	r.StartExecution(ctx, s)\n	return newSync(r, m, s).run(ctx)\n"},
		{"Express once,share,late Express", "run an Express execution again that has failed", "shared/cloudflow/executions.go", "\tx, err := s.Engine.RunSync(ctx, *start)\n", "\tx, err := s.Engine.RunSync(ctx, *start)\n\tif err == nil && x.Status == flow.Failed {\n\t\tx, err = s.Engine.RunSync(ctx, *start)\n\t}\n"},
		{"Express answer", "answer no error of an Express execution", "shared/engine/sync.go", "s.state.Stopped, s.state.Output, s.state.Error\n", "s.state.Stopped, s.state.Output, nil\n"},
		{"late Express,reference", "let Express executions sleep a quarter of a minute longer", "shared/engine/sync.go", "time.Duration(max(due-s.r.nowMillis(), 0))", "time.Duration(max(due-s.r.nowMillis(), 0)+15_000)"},
		{"call within its lease,one caller", "make a call that waited in line until its lease was over", "shared/engine/calls.go", "t.leaseLost = t.lease != nil && r.nowMillis() > t.lease.until.Load(); t.leaseLost", "t.leaseLost = false; t.leaseLost"},
		{"share", "let an account have all that is free", "shared/share/pool.go", "return p.SingleAccount || a.held == 0 || a.held+n <= free", "return true"},
		{"share by turns", "leave the turn with the account that has it", "shared/share/pool.go", "			p.first = a.next\n			if a.waiters", "			if a.waiters"},
		{"share given back", "keep the place of an Express execution that has ended", "shared/engine/start.go", "	defer r.Shares.Express.Release(s.Flow.Account, 1)\n", ""},
		{"share given back", "keep a processor while a long poll waits", "shared/engine/watch.go", "\tshare.ReleaseTurn(ctx)\n", "\t_ = share.ReleaseTurn\n"},
		{"share given back", "drop an answer and keep its bytes", "shared/engine/calls.go", "			release() // the result is dropped\n", ""},
		{"share given back", "keep the bytes of answers that an Express execution has not folded", "shared/engine/sync.go", "	defer s.releaseAll()\n", ""},
		{"two owners", "replace a flow whatever it has become", "shared/store/flow.go", "	f.Version++\n", "	if now, err := s.driver.Get(ctx, flowKey(f.Account, f.Name)); err == nil {\n		cond.Version, f.Version = now.Version, now.Version\n	}\n	f.Version++\n"},
	} {
		mutants = append(mutants, struct{ name, file, old, new string }{m.name, m.file, m.old, m.new})
		alone[m.name] = m.invariants
	}
	mutants = append(mutants, []struct{ name, file, old, new string }{
		{"keep the last one from an account that holds nothing", "shared/share/pool.go", "return p.SingleAccount || a.held == 0 || a.held+n <= free", "return p.SingleAccount || a.held+n <= free"},
		{"let nobody know that there is room again", "shared/share/pool.go", "	p.wake()\n}\n\n// fits", "}\n\n// fits"},
		{"keep the places in line of calls that are not taken", "shared/engine/shares.go", "	if unused := f.places - taken; unused > 0 {\n", "	if unused := f.places - taken; unused > f.places {\n"},
	}...)
}
