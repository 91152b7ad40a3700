package sim_test

// Changes that only what is checked of bulk operations catches.
func init() {
	mutants = append(mutants, []struct{ name, file, old, new string }{
		{"start again under the name of the moment", "shared/engine/bulkitem.go", "bulkMark(b, x.Run)>>16)", "bulkMark(b, x.Run)>>16+uint64(b.Version))"},
		{"act in bulk before the decision is written", "shared/engine/bulk.go", "	b.Wake = e.nowMillis() + bulkLease.Milliseconds()\n	if err := e.Store.UpdateBulk(ctx, b); err != nil {\n		return err\n	}\n", "	b.Wake = e.nowMillis() + bulkLease.Milliseconds()\n	for _, item := range b.Batch {\n		if _, err := e.actOnItem(ctx, f, b, item); err != nil {\n			return err\n		}\n	}\n	if err := e.Store.UpdateBulk(ctx, b); err != nil {\n		return err\n	}\n"},
		{"forget a batch that was decided", "shared/engine/bulk.go", "	if len(b.Batch) == 0 && !b.StopRequested {", "	if b.Batch = nil; !b.StopRequested {"},
		{"be done with what could not be acted on", "shared/engine/bulk.go", "		result, err := e.actOnItem(ctx, f, b, item)\n		if err != nil {\n			return err\n		}\n", "		result, err := e.actOnItem(ctx, f, b, item)\n		if err != nil {\n			continue\n		}\n"},
		{"do not know one's own stop in bulk", "shared/engine/bulkitem.go", "if _, own := e.findMark(ctx, x, n); own {", "if false {"},
		{"take accepted for ended in bulk", "shared/engine/bulk.go", "if b.Counts.Open() == 0 {", "if true {"},
		{"count a look at the results twice", "shared/engine/bulk.go", "		b.Counts, b.Pass, b.Seen = b.Pass, store.BulkCounts{}, \"\"\n", "		b.Counts, b.Seen = b.Pass, \"\"\n"},
		{"leave bulk operations to the hint", "shared/engine/sweep.go", "		store.BulkRow:             e.sweepTimed(e.bulkRow()),\n", ""},
		{"act in bulk on another life", "shared/engine/bulkitem.go", "err == nil && x.Run != item.Run:", "false:"},
		{"take each named execution as done unless it is there", "shared/engine/bulk.go", "			b.Batch = append(b.Batch, item)\n		}\n		return nil\n", "			if item.Run != 0 {\n				b.Batch = append(b.Batch, item)\n			}\n		}\n		return nil\n"},
	}...)
}
