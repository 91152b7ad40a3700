package sim_test

// Changes that only what is checked of schedules catches.
func init() {
	mutants = append(mutants, []struct{ name, file, old, new string }{
		{"start a planned time under the name of the moment", "shared/engine/schedulestart.go", "strconv.FormatInt(s.Planned/1000, 10)\n\tname", "strconv.FormatInt(s.Planned/1000+s.Version, 10)\n\tname"},
		{"start before the decision is written", "shared/engine/schedule.go", "		if err := e.Store.UpdateSchedule(ctx, s); err != nil {\n			return err\n		}\n		e.reportPlanned", "		if _, err := e.startPlanned(ctx, f, s); err != nil {\n			return err\n		}\n		if err := e.Store.UpdateSchedule(ctx, s); err != nil {\n			return err\n		}\n		e.reportPlanned"},
		{"start the first of several planned times", "shared/engine/schedule.go", "plans.latest(max(s.Next, now-e.CatchUp.Milliseconds()), now)", "s.Next"},
		{"decide about a time that is to come", "shared/engine/schedule.go", "	now := e.nowMillis()\n	if s.Next == 0", "	now := e.nowMillis() + 30_000\n	if s.Next == 0"},
		{"be done with a start that has failed", "shared/engine/schedulestart.go", "	return rejection, err\n}\n\n// reportPlanned", "	return rejection, nil\n}\n\n// reportPlanned"},
		{"change a schedule that is due", "shared/cloudflow/schedules.go", "		err = s.Engine.SettleSchedule(ctx, sch)\n", "		_ = s.Engine.SettleSchedule\n"},
		{"catch up with what came while it was disabled", "shared/cloudflow/scheduleupdate.go", "		sch.Next = s.Engine.NextPlanned(sch, expression)\n	}\n	sch.Author", "		if next := s.Engine.NextPlanned(sch, expression); next == 0 || sch.Next == 0 {\n			sch.Next = next\n		}\n	}\n	sch.Author"},
		{"start a disabled schedule", "shared/engine/schedule.go", "	if !s.Enabled {\n		return 0\n	}\n", ""},
		{"keep the schedules of a deleted flow", "shared/engine/schedule.go", "		return e.Store.DeleteSchedule(ctx, s)\n", "		return nil\n"},
		{"leave schedules to the hint", "shared/engine/sweep.go", "		store.ScheduleRow:         e.sweepTimed(e.scheduleRow()),\n", ""},
		{"forget the planned time that is to be started", "shared/store/schedule.go", "{s.Next, s.Planned, s.CheckFlow}", "{s.Next, s.CheckFlow}"},
		{"write a schedule over a newer version", "shared/store/schedule.go", "	cond := driver.Condition{Version: c.Version, Fence: c.ID}\n	c.Version++", "	cond := driver.Condition{Version: c.Version, Fence: c.ID}\n	if now, err := s.GetSchedule(ctx, c.Key()); err == nil {\n		cond.Version, c.Version = now.Version, now.Version\n	}\n	c.Version++"},
	}...)
}
