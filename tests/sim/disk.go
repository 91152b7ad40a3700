package sim

import (
	"context"
	"errors"
	"math"
	"sort"
	"strings"
	"time"

	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// Errors of the simulated store.
var (
	errThrottled = errors.New("sim: throttled, nothing done")
	errLost      = errors.New("sim: the answer was lost")
	errGivenUp   = errors.New("sim: no answer in time")
)

// disk holds what all processes share: the rows, and the indexes over them, which may lag.
type disk struct {
	w          *World
	rows       *memstore.Store
	index      *memstore.Store // what List and Due show; the same as rows if it never lags
	behind     []update
	keys       map[driver.Key]driver.Row
	executions int   // rows of executions
	expiring   int   // definitions and tombstones that have an end
	purged     int64 // nothing expires before it, ms since 1970
	power      power
}

// update is a change of a row that the index does not show yet.
type update struct {
	key driver.Key
	row *driver.Row // nil: removed
	at  time.Time
}

func newDisk(w *World, lags bool, shards, page int) *disk {
	d := &disk{w: w, rows: memstore.New(), keys: map[driver.Key]driver.Row{}}
	d.rows.WakeShards, d.rows.PageRows = shards, page
	if d.index = d.rows; lags {
		d.index = memstore.New()
		d.index.WakeShards, d.index.PageRows = shards, page
	}
	return d
}

var always = context.Background()

// put writes rows.
func (d *disk) put(p *process, rows []driver.Row, step *transaction) {
	for _, row := range rows {
		d.w.beforeWrite(p, row, step)
		d.rows.Put(always, []driver.Row{row})
		d.noted(row.Key, &row)
		d.w.afterWrite(p, row, step)
	}
}

// replace is a conditional write.
func (d *disk) replace(p *process, row driver.Row, cond driver.Condition, step *transaction) error {
	if !d.satisfies(row.Key, cond) {
		return store.ErrConflict
	}
	d.applyUnsynced([]driver.Row{row}, nil, func() { d.put(p, []driver.Row{row}, step) })
	return nil
}

func (d *disk) satisfies(key driver.Key, cond driver.Condition) bool {
	row, ok := d.row(key)
	if cond.Absent {
		return !ok || row.Expires != 0 && row.Expires <= cond.Now
	}
	return ok && row.Version == cond.Version && row.Fence == cond.Fence
}

func (d *disk) remove(p *process, key driver.Key, cond *driver.Condition) error {
	if cond != nil && !d.satisfies(key, *cond) {
		return store.ErrConflict
	}
	d.applyUnsynced(nil, []driver.Key{key}, func() {
		d.w.onRemove(p, key)
		d.rows.Delete(always, key, nil)
		d.noted(key, nil)
	})
	return nil
}

func (d *disk) noted(key driver.Key, row *driver.Row) {
	old := d.keys[key]
	before := len(d.keys)
	if strings.HasPrefix(key.Partition, "d#") {
		d.expiring += wakesLater(row) - wakesLater(&old)
	}
	if !strings.HasPrefix(key.Partition, "x#") {
		defer d.w.judgeFlowRow(key, row)
	}
	if row == nil {
		delete(d.keys, key)
	} else {
		d.keys[key] = *row
		d.w.idleSweeps.noteWake(row.Wake)
		if row.Expires > 0 {
			d.purged = min(d.purged, row.Expires)
		}
	}
	if strings.HasPrefix(key.Partition, "x#") {
		d.executions += len(d.keys) - before
	}
	if d.index != d.rows {
		d.behind = append(d.behind, update{key, row, time.Now()})
	}
}

// wakesLater returns 1 if a row has something left to do, 0 otherwise.
func wakesLater(row *driver.Row) int {
	if row == nil || row.Wake == 0 && row.Expires == 0 {
		return 0
	}
	return 1
}

// lagMax is the longest time that an index may lag.
const lagMax = 2 * time.Minute

// catchUp brings the index up to date, as far as the seed allows.
func (d *disk) catchUp(all bool) {
	for len(d.behind) > 0 {
		if !all && time.Since(d.behind[0].at) < lagMax && d.w.faults.hit(d.w.faults.lag) {
			return
		}
		u := d.behind[0]
		d.behind = d.behind[1:]
		if u.row == nil {
			d.index.Delete(always, u.key, nil)
		} else {
			d.index.Put(always, []driver.Row{*u.row})
		}
	}
}

// purge removes expired rows, like a store that expires rows by itself.
func (d *disk) purge(now time.Time) {
	if now.UnixMilli() < d.purged {
		return
	}
	d.purged = math.MaxInt64
	for _, key := range d.sorted() {
		switch row := d.keys[key]; {
		case row.Expires == 0:
		case row.Expires <= now.UnixMilli() && (d.w.quiesced || d.w.rand.IntN(2) == 0):
			d.remove(nil, key, nil)
		default:
			d.purged = min(d.purged, row.Expires)
		}
	}
}

// sorted returns the keys of all rows in order.
func (d *disk) sorted() []driver.Key {
	keys := make([]driver.Key, 0, len(d.keys))
	for key := range d.keys {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool {
		if keys[i].Partition != keys[j].Partition {
			return keys[i].Partition < keys[j].Partition
		}
		return keys[i].Sort < keys[j].Sort
	})
	return keys
}
