package sim_test

// Changes of distributed Maps. For each it is known which invariants catch it; without those it
// must live.
func init() {
	const seeds = "-seed 1 -runs 80 -flow 30-map-batches"
	const clients = "-seed 1 -runs 400 -flow generated" // runs with clients that change MapRuns
	for _, m := range []struct{ invariants, name, seeds, file, old, new string }{
		{"MapRun counts", "count a child of a MapRun twice", seeds, "shared/interp/mapchild.go", "		r.succeeded += a.items\n", "		r.succeeded += 2 * a.items\n"},
		{"MapRun tolerance,example result", "tolerate one failure too many", seeds, "shared/interp/mapchild.go", "int64(r.failed) <= count)", "int64(r.failed) <= count+1)"},
		{"MapRun concurrency", "ignore the concurrency of a MapRun", seeds, "shared/interp/fanout.go", "		return e.mapRun.concurrency\n", "		return math.MaxInt\n"},
		{"MapRun stops", "let the children of a MapRun run on", seeds, "shared/interp/mapchild.go", "			f.cancelAttempt(sc.cur)\n			sc.cur.phase", "			sc.cur.phase"},
		{"MapRun counts", "take an Express child that has failed for one that has succeeded", clients, "shared/interp/mapchild.go", "		f.endChild(e, n, n.Error)\n", "		result := *n\n		if n.Error != nil {\n			result.Output, result.Tree = []byte(\"1\"), nil\n		}\n		f.endChild(e, &result, nil)\n"},
		{"same child", "run an Express child again as another", clients, "shared/engine/mapchild.go", "interp.ChildSeed(p.Seed, c.key)", "interp.ChildSeed(p.Seed, c.key+fmt.Sprint(now))"},
		{"MapRun advances", "let the next end of a child apply an update", clients, "shared/interp/mapchild.go", "	f.noteProgress(e)\n	f.checkTolerance(e)\n	return Reply{}\n", "	f.out.Changed = true\n	f.checkTolerance(e)\n	return Reply{}\n"},
		{"MapRun update", "forget the tolerance of an update", clients, "shared/interp/mapchild.go", "		r.toleratedCount = *u.ToleratedCount\n", "		_ = *u.ToleratedCount\n"},
		{"MapRun tolerance", "do not look at the failures when an update tolerates fewer", clients, "shared/interp/mapchild.go", "	f.noteProgress(e)\n	f.checkTolerance(e)\n	return Reply{}\n", "	f.noteProgress(e)\n	return Reply{}\n"},
	} {
		mutants = append(mutants, struct{ name, file, old, new string }{m.name, m.file, m.old, m.new})
		alone[m.name] = m.invariants
		rare[m.name] = m.seeds
	}
	mutants = append(mutants, struct{ name, file, old, new string }{"run the whole flow as a child", "shared/engine/machines.go", "	return m.Child(mapNode - 1)\n", "	return m\n"})
	rare["run the whole flow as a child"] = seeds
	for _, m := range []struct{ name, file, old, new string }{
		{"forget where the reader of items is", "shared/interp/readercodec.go", "	w.Value(readerCursor, r.cursor)\n", ""},
		{"end a MapRun before all items are read", "shared/interp/itemreader.go", "e.reader() == nil || e.reader().end", "true"},
		{"take a block of items twice", "shared/interp/itemreader.go", "	e.attempt = nil\n	f.out.Changed = true\n", "	f.out.Changed = true\n"},
		{"hand out one item of a block for all", "shared/interp/itemreader.go", "b.tree[index-b.first]", "b.tree[0]"},
		{"read beyond MaxItems", "shared/interp/itemreader.go", "items, r.end = items[:left], true", "r.end = true"},
		{"write the result of a child twice", "shared/interp/mapchild.go", "		r.writer.add(f.s.childName(r, index), result, err)\n", "		r.writer.add(f.s.childName(r, index), result, err)\n		r.writer.add(f.s.childName(r, index), result, err)\n"},
		{"forget the last results", "shared/interp/writercodec.go", "		w.Bytes(filesOpen, m.files[i].open)\n", ""},
		{"write the manifest before the results", "shared/interp/resultwriter.go", "if o.bytes >= fileBytesMin || last && o.bytes > 0 {", "if o.bytes >= fileBytesMin {"},
	} {
		mutants = append(mutants, struct{ name, file, old, new string }{m.name, m.file, m.old, m.new})
		rare[m.name] = "-seed 1 -runs 150 -flow reader"
	}
}
