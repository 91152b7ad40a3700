package sim_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"millrace/shared/engine"
	"millrace/shared/queue"
	"millrace/shared/store/driver"
	"millrace/tests/sim"
)

// broken is a store with a bug. A function that is set replaces the driver's operation.
type broken struct {
	driver.Driver
	commit func(d driver.Driver, ctx context.Context, puts []driver.Row, cas driver.Row,
		cond driver.Condition) error
	due func(d driver.Driver, ctx context.Context, shard int, until int64, cursor string,
		limit int) ([]driver.DueRow, string, error)
	get func(d driver.Driver, ctx context.Context, key driver.Key) (driver.Row, error)
}

func (b *broken) Commit(ctx context.Context, puts []driver.Row, cas driver.Row,
	cond driver.Condition) error {
	if b.commit == nil || !strings.HasPrefix(cas.Partition, "x#") {
		return b.Driver.Commit(ctx, puts, cas, cond)
	}
	return b.commit(b.Driver, ctx, puts, cas, cond)
}

func (b *broken) Due(ctx context.Context, shard int, until int64, cursor string,
	limit int) ([]driver.DueRow, string, error) {
	if b.due == nil {
		return b.Driver.Due(ctx, shard, until, cursor, limit)
	}
	return b.due(b.Driver, ctx, shard, until, cursor, limit)
}

func (b *broken) Get(ctx context.Context, key driver.Key) (driver.Row, error) {
	if b.get == nil || !strings.HasPrefix(key.Partition, "x#") {
		return b.Driver.Get(ctx, key)
	}
	return b.get(b.Driver, ctx, key)
}

// row is a bug that changes the state row before the write.
func row(change func(*driver.Row)) func(driver.Driver) driver.Driver {
	return func(d driver.Driver) driver.Driver {
		return &broken{Driver: d, commit: func(d driver.Driver, ctx context.Context,
			puts []driver.Row, cas driver.Row, cond driver.Condition) error {
			change(&cas)
			return d.Commit(ctx, puts, cas, cond)
		}}
	}
}

// commits is a bug in the conditional write.
func commits(f func(d driver.Driver, ctx context.Context, puts []driver.Row, cas driver.Row,
	cond driver.Condition) error) func(driver.Driver) driver.Driver {
	return func(d driver.Driver) driver.Driver { return &broken{Driver: d, commit: f} }
}

// unkept is a queue that loses every message.
type unkept struct{}

func (unkept) Send(context.Context, ...queue.Hint) error { return nil }

// bugs are deliberate bugs. Each must be caught at its seed, or earlier.
var bugs = []struct {
	sim.Bug
	home string
	seed uint64
}{
	{seed: 2, Bug: sim.Bug{Name: "a commit has no condition",
		Driver: commits(func(d driver.Driver, ctx context.Context, puts []driver.Row,
			cas driver.Row, _ driver.Condition) error {
			return d.Put(ctx, append(puts[:len(puts):len(puts)], cas))
		})}},
	{seed: 2, Bug: sim.Bug{Name: "a claim has no condition",
		Driver: commits(func(d driver.Driver, ctx context.Context, puts []driver.Row,
			cas driver.Row, cond driver.Condition) error {
			if cond.Absent {
				return d.Put(ctx, append(puts[:len(puts):len(puts)], cas))
			}
			return d.Commit(ctx, puts, cas, cond)
		})}},
	{seed: 2, Bug: sim.Bug{Name: "the rows beside a commit are written after it",
		Driver: commits(func(d driver.Driver, ctx context.Context, puts []driver.Row,
			cas driver.Row, cond driver.Condition) error {
			if err := d.Commit(ctx, nil, cas, cond); err != nil || len(puts) == 0 {
				return err
			}
			return d.Put(ctx, puts)
		})}},
	{seed: 2, Bug: sim.Bug{Name: "a full tail is not kept",
		Driver: commits(func(d driver.Driver, ctx context.Context, puts []driver.Row,
			cas driver.Row, cond driver.Condition) error {
			var kept []driver.Row
			for _, p := range puts {
				if !strings.HasPrefix(p.Sort, "h#") {
					kept = append(kept, p)
				}
			}
			return d.Commit(ctx, kept, cas, cond)
		})}},
	{seed: 1, Bug: sim.Bug{Name: "a lost answer counts as success",
		Driver: commits(func(d driver.Driver, ctx context.Context, puts []driver.Row,
			cas driver.Row, cond driver.Condition) error {
			if err := d.Commit(ctx, puts, cas, cond); errors.Is(err, driver.ErrConflict) ||
				ctx.Err() != nil {
				return err
			}
			return nil
		})}},
	{seed: 3, Bug: sim.Bug{Name: "a lost race counts as success",
		Driver: commits(func(d driver.Driver, ctx context.Context, puts []driver.Row,
			cas driver.Row, cond driver.Condition) error {
			if err := d.Commit(ctx, puts, cas, cond); !errors.Is(err, driver.ErrConflict) {
				return err
			}
			return nil
		})}},
	{seed: 5, Bug: sim.Bug{Name: "a commit is acknowledged before it is durable",
		Driver: commits(func(d driver.Driver, ctx context.Context, puts []driver.Row,
			cas driver.Row, cond driver.Condition) error {
			go d.Commit(ctx, puts, cas, cond)
			return nil
		})}},
	{seed: 1, Bug: sim.Bug{Name: "a row has no wake time",
		Driver: row(func(r *driver.Row) { r.Wake = 0 })}},
	{seed: 1, Bug: sim.Bug{Name: "a row wakes late", Driver: row(func(r *driver.Row) {
		if r.Wake != 0 && r.Wake != r.Expires {
			r.Wake += 60_000
		}
	})}},
	{seed: 1, Bug: sim.Bug{Name: "the claim has no wake time", Driver: row(func(r *driver.Row) {
		if r.Version == 1 {
			r.Wake = 0
		}
	})}},
	{seed: 3, Bug: sim.Bug{Name: "the sweeper finds nothing",
		Driver: func(d driver.Driver) driver.Driver {
			return &broken{Driver: d, due: func(driver.Driver, context.Context, int, int64, string,
				int) ([]driver.DueRow, string, error) {
				return nil, "", nil
			}}
		}}},
	{seed: 86, Bug: sim.Bug{Name: "the sweeper reads one page alone",
		Driver: func(d driver.Driver) driver.Driver {
			return &broken{Driver: d, due: func(d driver.Driver, ctx context.Context, shard int,
				until int64, cursor string, limit int) ([]driver.DueRow, string, error) {
				rows, _, err := d.Due(ctx, shard, until, "", 1)
				return rows, "", err
			}}
		}}},
	{seed: 1, Bug: sim.Bug{Name: "an ended execution expires at once",
		Driver: row(func(r *driver.Row) { r.Expires = 1 })}},
	{seed: 2, Bug: sim.Bug{Name: "values never expire",
		Driver: commits(func(d driver.Driver, ctx context.Context, puts []driver.Row,
			cas driver.Row, cond driver.Condition) error {
			puts = append([]driver.Row{}, puts...)
			for i := range puts {
				puts[i].Expires = 0
			}
			return d.Commit(ctx, puts, cas, cond)
		})}},
	{seed: 5363, Bug: sim.Bug{Name: "values of claims are not found again",
		Driver: commits(func(d driver.Driver, ctx context.Context, puts []driver.Row,
			cas driver.Row, cond driver.Condition) error {
			puts = append([]driver.Row{}, puts...)
			for i := range puts {
				puts[i].Wake = 0
			}
			return d.Commit(ctx, puts, cas, cond)
		})}, home: "servers"},
	{seed: 9, Bug: sim.Bug{Name: "reads show what was there a commit ago",
		Driver: func(d driver.Driver) driver.Driver {
			shown := map[driver.Key]driver.Row{}
			return &broken{Driver: d, get: func(d driver.Driver, ctx context.Context,
				key driver.Key) (driver.Row, error) {
				now, err := d.Get(ctx, key)
				before, ok := shown[key]
				if err == nil {
					shown[key] = now
				}
				if ok && err == nil && now.Version == before.Version+1 &&
					now.Fence == before.Fence {
					return before, nil
				}
				return now, err
			}}
		}}},
	{seed: 537, Bug: sim.Bug{Name: "reads show what a power loss takes away",
		Unsafe: sim.Unsafe{Shown: true}}, home: "local"},
	{seed: 3, Bug: sim.Bug{Name: "a write is answered before its sync",
		Unsafe: sim.Unsafe{Early: true}}, home: "local"},
	{seed: 2, Bug: sim.Bug{Name: "leases of others are ignored", Engine: func(o *engine.Options) {
		o.Topology = engine.Embedded
	}}, home: "servers"},
	{seed: 2, Bug: sim.Bug{Name: "more iterations are open than allowed",
		Engine: func(o *engine.Options) {
			o.Limits.MapConcurrency, o.Limits.IterationsV1 = 100, 100
		}}},
}

// searchMax is the number of seeds that are tried for a bug.
const searchMax = 400

// TestBugs checks that each bug is caught: by its known seed, or, if the meaning of seeds has
// changed, by another one.
func TestBugs(t *testing.T) {
	for _, b := range bugs {
		t.Run(b.Name, func(t *testing.T) {
			r := sim.Run(t, sim.Options{Seed: b.seed, Bug: &b.Bug, Topology: b.home})
			for s := uint64(1); s <= searchMax && r.Failure == ""; s++ {
				r = sim.Run(t, sim.Options{Seed: s, Bug: &b.Bug, Topology: b.home})
			}
			if r.Failure == "" {
				t.Fatal("no seed catches it")
			}
			if r.Seed != b.seed {
				t.Logf("seed %d catches it now, no longer %d", r.Seed, b.seed)
			}
			t.Logf("seed %d: %.200s", r.Seed, r.Failure)
		})
	}
}

// TestNoHints loses every hint. That must change only when things happen (R1). In functions the
// sweeper wakes an engine with a hint, so there some hints must arrive.
func TestNoHints(t *testing.T) {
	bug := &sim.Bug{Name: "no hints", Engine: func(o *engine.Options) { o.Queue = unkept{} }}
	for s := uint64(1); s <= 40; s++ {
		home := []string{"local", "servers"}[s%2]
		o := sim.Options{Seed: s, Bug: bug, Topology: home}
		if r := sim.Run(t, o); r.Failure != "" {
			t.Fatal(failureText(o, r))
		}
	}
}
