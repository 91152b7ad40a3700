package sim_test

import (
	"context"
	"strings"

	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/tests/sim"
)

// brokenFlows is a store with a bug in its handling of flows and lists.
type brokenFlows struct {
	driver.Driver
	commit func(d driver.Driver, ctx context.Context, puts []driver.Row, cas driver.Row,
		cond driver.Condition) error
	put    func(d driver.Driver, ctx context.Context, rows []driver.Row) error
	get    func(d driver.Driver, ctx context.Context, key driver.Key) (driver.Row, error)
	remove func(d driver.Driver, ctx context.Context, key driver.Key, cond *driver.Condition) error
	list   func(d driver.Driver, ctx context.Context, r driver.ListRange) ([]driver.Listed,
		bool, error)
}

func (b *brokenFlows) Commit(ctx context.Context, puts []driver.Row, cas driver.Row,
	cond driver.Condition) error {
	if b.commit == nil || strings.HasPrefix(cas.Partition, "x#") {
		return b.Driver.Commit(ctx, puts, cas, cond)
	}
	return b.commit(b.Driver, ctx, puts, cas, cond)
}

func (b *brokenFlows) Put(ctx context.Context, rows []driver.Row) error {
	if b.put == nil || strings.HasPrefix(rows[0].Partition, "x#") {
		return b.Driver.Put(ctx, rows)
	}
	return b.put(b.Driver, ctx, rows)
}

func (b *brokenFlows) Get(ctx context.Context, key driver.Key) (driver.Row, error) {
	if b.get == nil || strings.HasPrefix(key.Partition, "x#") {
		return b.Driver.Get(ctx, key)
	}
	return b.get(b.Driver, ctx, key)
}

func (b *brokenFlows) Delete(ctx context.Context, key driver.Key, cond *driver.Condition) error {
	if b.remove == nil || strings.HasPrefix(key.Partition, "x#") {
		return b.Driver.Delete(ctx, key, cond)
	}
	return b.remove(b.Driver, ctx, key, cond)
}

func (b *brokenFlows) List(ctx context.Context, r driver.ListRange) ([]driver.Listed, bool, error) {
	if b.list == nil {
		return b.Driver.List(ctx, r)
	}
	return b.list(b.Driver, ctx, r)
}

// flowBug is a bug that replaces some of a driver's operations.
func flowBug(name string, b brokenFlows) sim.Bug {
	return sim.Bug{Name: name, Driver: func(d driver.Driver) driver.Driver {
		one := b
		one.Driver = d
		return &one
	}}
}

// lag is a driver that returns a flow as it was before its last change.
func lag(d driver.Driver) driver.Driver {
	last := map[driver.Key]driver.Row{}
	return &brokenFlows{Driver: d, get: func(d driver.Driver, ctx context.Context,
		key driver.Key) (driver.Row, error) {
		now, err := d.Get(ctx, key)
		if before, ok := last[key]; ok && err == nil && before.Version+1 == now.Version &&
			before.Fence == now.Fence {
			last[key] = now
			return before, nil
		}
		if err == nil && strings.HasPrefix(key.Partition, "f#") {
			last[key] = now
		}
		return now, err
	}}
}

func init() {
	of := func(kind string, then func(*driver.Row)) brokenFlows {
		return brokenFlows{commit: func(d driver.Driver, ctx context.Context, puts []driver.Row,
			cas driver.Row, cond driver.Condition) error {
			if strings.HasPrefix(cas.Partition, kind) {
				then(&cas)
			}
			return d.Commit(ctx, puts, cas, cond)
		}}
	}
	bugs = append(bugs, []struct {
		sim.Bug
		home string
		seed uint64
	}{
		{seed: 20, Bug: flowBug("a superseded definition expires at once",
			of("d#", func(r *driver.Row) { r.Expires, r.Wake = 1, 1 }))},
		{seed: 1, Bug: flowBug("a definition is not there before the flow names it",
			brokenFlows{commit: func(d driver.Driver, ctx context.Context, puts []driver.Row,
				cas driver.Row, cond driver.Condition) error {
				if err := d.Commit(ctx, nil, cas, cond); err != nil || len(puts) == 0 {
					return err
				}
				return d.Put(ctx, puts)
			}})},
		{seed: 1, Bug: flowBug("a definition that is named again gets its end all the same",
			brokenFlows{commit: func(d driver.Driver, ctx context.Context, puts []driver.Row,
				cas driver.Row, cond driver.Condition) error {
				if err := d.Commit(ctx, puts, cas, cond); err != nil || len(puts) == 0 {
					return err
				}
				puts[0].Expires = 1 << 50
				return d.Put(ctx, puts)
			}})},
		{seed: 7, Bug: flowBug("a deletion leaves no tombstone",
			brokenFlows{put: func(driver.Driver, context.Context, []driver.Row) error {
				return nil
			}})},
		{seed: 7, Bug: flowBug("definitions of deleted flows stay",
			brokenFlows{remove: func(d driver.Driver, ctx context.Context, key driver.Key,
				cond *driver.Condition) error {
				if store.KindOf(key) == store.DefinitionRow {
					return nil
				}
				return d.Delete(ctx, key, cond)
			}})},
		{seed: 7, home: "servers", Bug: sim.Bug{Name: "a flow is shown as it was before",
			Driver: lag}},
		{seed: 22, Bug: flowBug("a page of a list skips an entry",
			brokenFlows{list: func(d driver.Driver, ctx context.Context,
				r driver.ListRange) ([]driver.Listed, bool, error) {
				list, more, err := d.List(ctx, r)
				if len(list) > 1 {
					list = append(list[:1:1], list[2:]...)
				}
				return list, more, err
			}})},
		{seed: 72, Bug: flowBug("a list is in the wrong order",
			brokenFlows{list: func(d driver.Driver, ctx context.Context,
				r driver.ListRange) ([]driver.Listed, bool, error) {
				r.Reverse = false
				return d.List(ctx, r)
			}})},
	}...)
}
