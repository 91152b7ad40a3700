package sim

import (
	"context"
	"fmt"
	"slices"

	"millrace/shared/store/driver"
)

// storeClient is one process's access to the store.
type storeClient struct {
	w *World
	p *process
}

var _ driver.Driver = (*storeClient)(nil)

// Shards implements driver.Driver.
func (l *storeClient) Shards() int { return l.w.disk.rows.Shards() }

// SetShards implements driver.Driver.
func (l *storeClient) SetShards(n int) {
	l.w.disk.rows.SetShards(n)
	l.w.disk.index.SetShards(n)
}

// Close implements driver.Driver.
func (l *storeClient) Close() error { return nil }

// read carries out an operation that changes nothing.
func (l *storeClient) read(ctx context.Context, what string, do func() error) error {
	var err error
	o := &operation{process: l.p, key: l.p.name + " " + l.w.requester(ctx) + what}
	o.apply = func() bool {
		if l.w.inOutage() || l.w.faulty(l.w.faults.throttle) {
			err = errThrottled
		} else {
			err = do()
		}
		l.w.tracef("%s: %s", o.key, outcome(err))
		return true
	}
	if werr := l.w.sched.wait(ctx, o, nil); werr != nil {
		return werr
	}
	return err
}

// write carries out a change, with the faults of the seed. half is the part of it that can be
// written without the rest; nil for none.
func (l *storeClient) write(ctx context.Context, what string, half func(), do func() error) error {
	w, p := l.w, l.p
	var err error
	var last *applied
	o := &operation{process: p, key: p.name + " " + w.requester(ctx) + what}
	o.apply = func() bool {
		f := w.faults
		defer func() { last = w.disk.power.last() }()
		switch {
		case o.process.isDead() || w.quiesced:
			err = do()
		case w.inOutage() || f.hit(f.throttle):
			err = errThrottled
		case f.hit(f.before):
			w.tracef("%s: dies before", o.key)
			w.kill(p)
			return false
		case f.hit(f.after):
			w.tracef("%s: dies after, %s", o.key, outcome(do()))
			w.kill(p)
			return false
		case half != nil && f.hit(f.partial):
			half()
			if w.chance("dies half way "+o.key, 3333) {
				w.tracef("%s: dies half way", o.key)
				w.kill(p)
				return false
			}
			err = errLost
		case f.hit(f.lost):
			w.tracef("%s: answer lost, %s", o.key, outcome(do()))
			err = errLost
			return true
		case f.hit(f.late):
			err = errGivenUp
			w.sched.post(&operation{key: "late " + o.key, apply: func() bool {
				w.tracef("late %s: %s", o.key, outcome(do()))
				return true
			}})
		default:
			err = do()
		}
		w.tracef("%s: %s", o.key, outcome(err))
		return true
	}
	if werr := w.sched.wait(ctx, o,
		func() bool { return w.chance(o.key, w.faults.keep.of) }); werr != nil {
		return werr
	}
	return l.awaitDurable(ctx, last, err)
}

func outcome(err error) string {
	if err == nil {
		return "done"
	}
	return err.Error()
}

// Get implements driver.Driver.
func (l *storeClient) Get(ctx context.Context, key driver.Key) (row driver.Row, err error) {
	err = l.read(ctx, "get "+show(key), func() (err error) {
		if row, err = l.w.disk.get(key); err == nil {
			row, err = l.w.read(row)
		}
		return err
	})
	return row, err
}

// Range implements driver.Driver.
func (l *storeClient) Range(ctx context.Context, r driver.Range) (rows []driver.Row, more bool,
	err error) {
	err = l.read(ctx, fmt.Sprintf("range %s to %s %d %v",
		show(driver.Key{Partition: r.Partition, Sort: r.From}), r.To, r.Limit, r.Reverse),
		func() (err error) {
			if rows, more, err = l.w.disk.rows.Range(always, r); err == nil {
				rows, err = l.w.readAll(rows)
			}
			return err
		})
	return rows, more, err
}

// List implements driver.Driver.
func (l *storeClient) List(ctx context.Context, r driver.ListRange) (entries []driver.Listed,
	more bool, err error) {
	err = l.read(ctx, fmt.Sprintf("list %s %s to %s", r.Group, r.From, r.To), func() (err error) {
		l.w.disk.catchUp(l.w.quiesced)
		entries, more, err = l.w.disk.index.List(always, r)
		return err
	})
	return entries, more, err
}

// Due implements driver.Driver.
func (l *storeClient) Due(ctx context.Context, shard int, until int64, cursor string,
	limit int) (due []driver.DueRow, next string, err error) {
	err = l.read(ctx, fmt.Sprintf("due %d after %q", shard, cursor), func() (err error) {
		l.w.disk.catchUp(l.w.quiesced)
		due, next, err = l.w.disk.index.Due(always, shard, until, cursor, limit)
		return err
	})
	return due, next, err
}

// Commit implements driver.Driver. In the embedded store a commit is atomic.
func (l *storeClient) Commit(ctx context.Context, puts []driver.Row, cas driver.Row,
	cond driver.Condition) error {
	d, step := l.w.disk, l.p.lastTransaction(cas.Partition)
	half := func() { d.put(l.p, l.w.some(puts), nil) }
	if l.w.topology == embedded {
		half = nil
	}
	what := fmt.Sprintf("commit %s v%d with %d", show(cas.Key), cas.Version, len(puts))
	return l.write(ctx, what, half, func() error {
		if l.w.topology == embedded && !d.satisfies(cas.Key, cond) {
			return driver.ErrConflict
		}
		if l.w.losesRace(cas, step) {
			return l.w.lostRaceError()
		}
		if l.w.topology != embedded {
			d.put(l.p, puts, nil)
			if err := d.replace(l.p, cas, cond, step); err != nil {
				return err
			}
			l.w.judgeMessages(l.p, cas, step)
			return nil
		}
		d.applyUnsynced(append(puts[:len(puts):len(puts)], cas), nil, func() {
			d.put(l.p, puts, nil)
			d.put(l.p, []driver.Row{cas}, step)
			l.w.judgeMessages(l.p, cas, step)
		})
		return nil
	})
}

// Put implements driver.Driver.
func (l *storeClient) Put(ctx context.Context, rows []driver.Row) error {
	step := l.p.lastTransaction(rows[0].Partition)
	half := func() { l.w.disk.put(l.p, l.w.some(rows), nil) }
	if l.w.topology == embedded || len(rows) == 1 {
		half = nil
	}
	return l.write(ctx, "put "+show(rows[0].Key), half, func() error {
		l.w.disk.applyUnsynced(rows, nil, func() { l.w.disk.put(l.p, rows, step) })
		return nil
	})
}

// Delete implements driver.Driver.
func (l *storeClient) Delete(ctx context.Context, key driver.Key, cond *driver.Condition) error {
	return l.write(ctx, "delete "+show(key), nil,
		func() error { return l.w.disk.remove(l.p, key, cond) })
}

func show(k driver.Key) string { return k.Partition + " " + k.Sort }

// some draws which of several rows are written when a request for all of them fails: as if some of
// a batch were written before the rest was throttled.
func (w *World) some(rows []driver.Row) []driver.Row {
	if w.rand.IntN(2) == 0 {
		return rows
	}
	return slices.DeleteFunc(slices.Clone(rows),
		func(driver.Row) bool { return w.rand.IntN(2) == 0 })
}
