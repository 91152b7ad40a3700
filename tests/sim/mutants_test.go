package sim_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var mutate = flag.Bool("mutants", false, "build the code with each change of mutants, and check that a seed catches it (minutes)")

// mutants are changes of the code itself, each of which must be caught by some seed.
var mutants = []struct{ name, file, old, new string }{
	{"forget the outbox at the end", "shared/interp/failure.go", "	s.Outbox = append(s.Outbox, out)\n", "	_ = out\n"},
	{"take what was not delivered for delivered", "shared/engine/relay.go", "if err := e.deliver(e.backgroundContext(held.partition), from, &out); err != nil {", "if err := e.deliver(e.backgroundContext(held.partition), from, &out); false {"},
	{"call before the commit", "shared/engine/commit.go", "\tvar err error\n\tif t.created {", "\tfor i := range t.out.Calls {\n\t\te.call(m, &t.out.Calls[i])\n\t}\n\tvar err error\n\tif t.created {"},
	{"take a call again while its lease runs", "shared/engine/lease.go", "now >= l.Until+interp.LeaseMargin", "true"},
	{"never take a call again", "shared/engine/lease.go", "now >= l.Until+interp.LeaseMargin", "false"},
	{"throw the results of a lost race away", "shared/engine/retry.go", "		case conflict, unknown:\n			if items =", "		case conflict:\n			failAll(items, err)\n			return\n		case unknown:\n			if items ="},
	{"do not load again after a lost race", "shared/engine/retry.go", "\t\tm.invalidate()\n\t\tfor _, it := range items {", "		for _, it := range items {"},
	{"do not read the claim back", "shared/engine/effects.go", "t.created && i == 0 || t.mailbox.x.ClaimToken == it.start.claim", "t.created && i == 0"},
	{"know no marks", "shared/engine/accept.go", "if event.Mark == n.Mark {", "if false {"},
	{"tell from an old state", "shared/engine/mailbox.go", "(look || needsFreshState(items))", "look"},
	{"each writer decides for itself whether a tail is full", "shared/store/execution.go", "if len(x.Tail) >= full {", "if len(x.Tail) >= full || w.token%3 == 0 {"},
	{"forget the run in the keys of the history", "shared/store/keys.go", `return fmt.Sprintf("h#%016x#%010d", run, first)`, `return fmt.Sprintf("h#%016x#%010d", 0, first)`},
	{"claim what is there", "shared/store/execution.go", "Condition{Absent: true, Now: s.nowMillis()}", "Condition{Absent: true, Now: 1 << 60}"},
	{"open one iteration too many", "shared/interp/fanout.go", "e.mayOpen() && len(e.running) < f.concurrency(e)", "e.mayOpen() && len(e.running) <= f.concurrency(e)"},
	{"forget the deadline of the execution", "shared/interp/timers.go", "		sooner(s.Deadline)\n", "		sooner(s.Deadline + 3_600_000)\n"},
	{"forget ready work in the wake time", "shared/engine/commit.go", "if s.Ready() || t.out.More {", "if t.out.More {"},
	{"let a late result close the next attempt", "shared/interp/message.go", "e.attempt != nil && e.attempt.id == attempt", "e.attempt != nil"},
	{"accept a report twice", "shared/interp/message.go", "\tif refusal != Accepted {\n\t\treturn Reply{Rejection: refusal}\n\t}\n\tif e.map", "\tif refusal != Accepted {\n\t\treturn Reply{Event: f.s.LastEvent}\n\t}\n\tif e.map"},
	{"return success when an inbox entry is written", "shared/engine/inbox.go", "\treturn e.awaitInboxEntry(ctx, l, n)\n", "\treturn reply{x: a.x, stepReply: interp.Reply{Event: a.x.LastEvent + 1}}, nil\n"},
	{"reject a report because another one is in the inbox", "shared/engine/inbox.go", "	switch outcomeOf(err) {\n	case committed, conflict, unknown, gone:\n	default:\n		return reply{}, err\n	}\n", "	if errors.Is(err, store.ErrConflict) {\n		a.stepReply.Rejection = interp.AlreadyEnded\n		return a, nil\n	}\n"},
	{"take a closed attempt for one that the inbox entry has closed", "shared/engine/inbox.go", "if id, ok := e.findMark(ctx, x, *n); ok {", "if id, ok := x.LastEvent, true; ok {"},
	{"mark the messages of several callers with one mark", "shared/engine/accept.go", "\t\tn.Mark = e.Store.Random(partition)\n\t} else if", "		n.Mark = 7\n	} else if"},
	{"a child's end is for whichever attempt is open", "shared/engine/accept.go", "\tif err != nil || !interp.EntryTokens(x.Dialect) {\n\t\treturn 0, err\n\t}\n\tif n.Attempt", "	if err != nil || true {\n		return 0, err\n	}\n	if n.Attempt"},
	{"forget the mark of an inbox entry", "shared/engine/inbox.go", "Error: l.Error, Mark: l.Mark}", "Error: l.Error}"},
	{"never drop an inbox entry", "shared/store/inbox.go", "	return s.driver.Delete(ctx, key, nil)\n}\n\n// Inbox is", "	return nil\n}\n\n// Inbox is"},
	{"forget the wake time of an inbox entry", "shared/engine/inbox.go", "Wake: e.nowMillis() + inboxWakeDelay.Milliseconds(), ", ""},
	{"leave inbox entries to the hint", "shared/engine/sweep.go", "\t\treturn e.wakeInboxEntry(ctx, row.Key)\n", "		return nil\n"},
	{"read no inbox", "shared/engine/load.go", "\treturn e.Store.LoadWithInbox(e.ctx, m.partition)\n", "\tx, err = e.Store.Load(e.ctx, m.partition)\n\treturn x, in, err\n"},
	{"stop no execution of a deleted flow", "shared/engine/purge.go", "\tif err := e.stopAll(ctx, flowID, t.ListShards); err != nil {\n\t\treturn err\n\t}\n", ""},
	{"call a deletion off that has come to pass", "shared/engine/purge.go", "case err != nil && !errors.Is(err, store.ErrNotFound):\n\t\treturn err", "case err != nil:\n\t\treturn e.Store.DeleteTombstone(ctx, key)"},
	{"take a flow that cannot be read for a deleted one", "shared/engine/purge.go", "case err != nil && !errors.Is(err, store.ErrNotFound):", "case false:"},
	{"run what the flow is by now", "shared/engine/machines.go", "	m, err := c.lookup(ctx, x.FlowID, x.Hash, mode)\n", "\thash := x.Hash\n\tif f, err := c.r.Store.GetFlow(ctx, x.Account, x.Flow); err == nil {\n\t\thash = f.Hash\n\t}\n\tm, err := c.lookup(ctx, x.FlowID, hash, mode)\n"},
	{"look at no definition again", "shared/engine/sweep.go", "\t\treturn e.Store.CollectDefinition(ctx, row.Key, e.definitionExpiry())\n", "		return nil\n"},
	{"give the definition that the flow names its end", "shared/store/definition.go", "	if !named {\n", "	if !named || true {\n"},
	{"do not look at the definition that an update supersedes", "shared/store/flow.go", "s.definitionRow(f, f.Hash, before.Data, wake))", "s.definitionRow(f, f.Hash, before.Data, 0))"},
	{"read the definitions of a deleted flow from the first page alone", "shared/store/tombstone.go", "			from = row.Sort + \"\\x00\"\n			if row.Sort", "			if row.Sort"},
	{"name the last event of a page again on the next one", "shared/cloudflow/listing.go", "page.Events[n-1].ID+1, 10)", "page.Events[n-1].ID, 10)"},
	{"begin a page of a list with the last execution of the one before", "shared/store/listmerge.go", "		return s.Sort\n", "		return s.Sort + \"~\"\n"},
	{"call after the lease is over", "shared/engine/calls.go", "flying || now > call.Until || ", "flying || "},
	{"forget rows that have not expired", "shared/store/tombstone.go", "	if state.Expires == 0 || state.Expires > s.nowMillis() {\n		return nil\n	}\n", ""},
	{"take an execution for one that brings its runners down too early", "shared/engine/poison.go", "	sweepAttemptsMax  = 3\n", "	sweepAttemptsMax  = 1\n"},
	{"take an execution for one that brings its runners down after the first", "shared/engine/poison.go", "\tengineAttemptsMax = 5\n", "\tengineAttemptsMax = 1\n"},
	{"never fail an execution that brings its runners down", "shared/engine/poison.go", "x.EngineAttempts >= engineAttemptsMax", "false"},
	{"count only what a sweep finds", "shared/engine/poison.go", "return e.ownsStore() && !m.pickupCounted", "return false && e != nil && !m.pickupCounted"},
	{"write the parts of a value over each other", "shared/store/execution.go", "valueSort(w.x.Run, w.version, token, part)", "valueSort(w.x.Run, w.version, token, 0)"},
	{"join the parts of a value in the wrong order", "shared/store/history.go", "bytes.Join(parts, nil)", "bytes.Join(append(parts[1:], parts[0]), nil)"},
	{"do not read a body that stands in rows of its own", "shared/store/execution.go", "		x.Body = x.bodyRef.Text()\n", ""},
	{"make each block of results one of the first", "shared/interp/blocks.go", "range e.results[i*block : (i+1)*block] {", "range e.results[:block] {"},
	{"go on after the page that was found, not the one that was shown", "shared/cloudflow/listing.go", "	case shown < len(found):\n		position.before = l.Position(&found[shown-1])\n", ""},
	{"end a list with its first scan", "shared/store/listmerge.go", "			if m.empty() {\n", "			if m.empty() || len(page) < l.Limit {\n"},
	{"take the row of another execution for that of this one", "shared/store/executionrow.go", "at.partition != row.Partition || at.fence != row.Fence", "false && at == nil"},
	{"take the row of another flow for that of this one", "shared/store/flowrow.go", "flowKey(f.Account, f.Name) != row.Key || f.ID != row.Fence", "false"},
	{"run whatever a definition's row says", "shared/store/definition.go", "	if err := checkDefinition(row); err != nil {\n		return \"\", err\n	}\n", ""},
	{"list nothing beside an execution that is damaged", "shared/cloudflow/listing.go", "	if store.IsDamaged(err) {", "	if false {"},
	{"take a lease for over a second after its end", "shared/engine/lease.go", "now >= l.Until+interp.LeaseMargin", "now >= l.Until+1000"},
	{"leave the values of lost claims", "shared/store/execution.go", "		w.puts[i].Wake = w.puts[i].Expires\n", "		w.puts[i].Wake = 0\n"},
}

// rare are runs that catch a mutant which none of the first seeds does.
var rare = map[string]string{
	"take a flow that cannot be read for a deleted one":        "-seed 20011839 -topology servers",
	"a child's end is for whichever attempt is open":           "-seed 239 -topology servers -flow generated",
	"list what an execution has become whatever was asked for": "-seed 2334 -topology servers -flow generated",
	"leave the values of lost claims":                          "-seed 5363 -topology servers",
	"count no starts that are under way":                       "-seed 15 -topology local -flow generated",
}

// TestMutants changes the code, one change at a time, and runs seeds until one catches it. Without -mutants it checks that
// the changes fit the code.
func TestMutants(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			dir := t.TempDir()
			source := filepath.Join(root, m.file)
			text, err := os.ReadFile(source)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(string(text), m.old) != 1 {
				t.Fatalf("%s has the text %d times:\n%s", m.file, strings.Count(string(text), m.old), m.old)
			}
			if !*mutate {
				return // only whether the change can be made
			}
			changed, overlay, binary := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "sim.test")
			replace, _ := json.Marshal(map[string]any{"Replace": map[string]string{source: changed}})
			if err := os.WriteFile(changed, []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(overlay, replace, 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, ".").CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			// The first failure ends the process; a shorter run of it would take longer than
			// finding it.
			seeds := "-seed 1 -runs 1500"
			if known, ok := rare[m.name]; ok {
				seeds = known
			}
			c := exec.Command(binary, append(strings.Fields(seeds), "-test.run", "^TestSeeds$", "-failures", "1", "-shrink=false")...)
			c.Env = append(os.Environ(), "GOMAXPROCS=1")
			out, err := c.CombinedOutput()
			if err == nil {
				t.Fatal("no seed catches it")
			}
			first, _, _ := strings.Cut(string(out), "\n")
			t.Logf("%.220s", first)
			passesUnchanged(t, seeds, first)
			if blind := alone[m.name]; blind != "" {
				lives(t, binary, seeds, blind)
			}
		})
	}
}

// passesUnchanged checks that what has caught a mutant catches nothing without it.
func passesUnchanged(t *testing.T, seeds, failure string) {
	var seed uint64
	if n, _ := fmt.Sscanf(failure, "seed %d", &seed); n == 0 {
		return // it has ended the process
	}
	args := append(strings.Fields(seeds), "-seed", fmt.Sprint(seed), "-runs", "1", "-test.run", "^TestSeeds$", "-shrink=false")
	if out, err := exec.Command(os.Args[0], args...).CombinedOutput(); err != nil {
		first, _, _ := strings.Cut(string(out), "\n")
		t.Errorf("seed %d fails without the change, too: %.220s", seed, first)
	}
}

// lives checks that seeds that catch a mutant do not when some invariants are not checked, so that
// those catch it alone.
func lives(t *testing.T, binary, seeds, blind string) {
	args := append(strings.Fields(strings.Replace(seeds, "-runs 1500", "-runs 300", 1)), "-test.run", "^TestSeeds$", "-failures", "1", "-shrink=false", "-blind", blind)
	c := exec.Command(binary, args...)
	c.Env = append(os.Environ(), "GOMAXPROCS=1")
	if out, err := c.CombinedOutput(); err != nil {
		first, _, _ := strings.Cut(string(out), "\n")
		t.Errorf("without %s it is caught all the same: %.300s", blind, first)
	}
}
