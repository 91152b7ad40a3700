package sim

import (
	"errors"
	"slices"
	"strings"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// damage is what reads return in place of some rows of executions, flows and definitions until the
// faults end: a truncated row, a row with a flipped bit, a row of another execution, or an error of
// the store. After that the rows are intact again, as if restored from a backup.
//
// While a row is damaged, its execution makes no progress and responses are InternalServerError.
// Nothing that depends on the row is written, no response is wrong, no other execution is
// disturbed, and afterwards everything ends. All checks without damage apply with it, too.
type damage struct {
	drawn bool
	rows  map[driver.Key]rowDamage
}

// rowDamage says how a row is damaged.
type rowDamage struct {
	kind   damageKind
	until  time.Time
	offset uint64     // in the row
	other  driver.Row // the row whose data it shows
}

type damageKind int

const (
	cutShort damageKind = iota
	flipped
	exchanged
	unreadable
	damageKinds
)

const (
	faultDamage = "row damaged"
	damagedMax  = 3 // maximum rows of a run
)

// errDamaged is the store's error for a row whose checksum is wrong.
var errDamaged = errors.New("sim: the row is damaged")

func (w *World) drawDamage() {
	w.damage = damage{drawn: w.mocked == nil && w.number("damage")%10 == 0 &&
		!slices.Contains(w.without, faultDamage),
		rows: map[driver.Key]rowDamage{}}
}

// read returns a row as a reader sees it.
func (w *World) read(row driver.Row) (driver.Row, error) {
	d := &w.damage
	if !d.drawn || w.quiesced {
		return row, nil
	}
	h, ok := d.rows[row.Key]
	if !ok && len(d.rows) < damagedMax && w.canBeDamaged(row.Key) &&
		w.faulty(odds{faultDamage, 300}) {
		h = w.drawRowDamage(row)
		d.rows[row.Key] = h
	}
	if time.Now().After(h.until) {
		return row, nil
	}
	return h.apply(w, row)
}

// readAll is read for a page.
func (w *World) readAll(rows []driver.Row) ([]driver.Row, error) {
	if !w.damage.drawn || w.quiesced {
		return rows, nil
	}
	rows = slices.Clone(rows)
	for i := range rows {
		var err error
		if rows[i], err = w.read(rows[i]); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// canBeDamaged reports whether a row may be damaged: a row of an execution, a flow or a definition
// whose damage can be noticed. A value of several rows shows damage by its length, which two
// damaged rows could leave as it is; therefore at most one of them is damaged.
func (w *World) canBeDamaged(k driver.Key) bool {
	for damaged := range w.damage.rows {
		if k.Sort[:1] == "v" && damaged.Partition == k.Partition && damaged.Sort[:1] == "v" {
			return false
		}
	}
	return strings.HasPrefix(k.Partition, "x#") || strings.HasPrefix(k.Partition, "f#") ||
		store.KindOf(k) == store.DefinitionRow
}

func (w *World) drawRowDamage(row driver.Row) rowDamage {
	about := "damage of " + show(row.Key)
	h := rowDamage{kind: damageKind(w.number(about) % uint64(damageKinds)),
		offset: w.number("place of " + about),
		until:  time.Now().Add(time.Duration(w.number("time of "+about)%100) * time.Second)}
	if h.kind == exchanged {
		h.other = w.other(row)
	}
	w.tracef("%s is damaged (%d) until %v", show(row.Key), h.kind, h.until.Sub(w.begun))
	return h
}

// other draws a row of the same kind in another place.
func (w *World) other(row driver.Row) driver.Row {
	for _, key := range w.disk.sorted() {
		found := w.disk.keys[key]
		if key.Partition != row.Partition && key.Partition[:2] == row.Partition[:2] &&
			key.Sort[:1] == row.Sort[:1] &&
			(row.Sort[:1] != "v" || len(found.Data) != len(row.Data)) && row.Sort[:1] != "h" {
			return found
		}
	}
	return driver.Row{}
}

// apply returns the row as a reader sees it. If this kind of damage could not be noticed in the
// row, apply truncates it.
func (h rowDamage) apply(w *World, row driver.Row) (driver.Row, error) {
	switch {
	case h.kind == unreadable:
		return driver.Row{}, errDamaged
	case h.kind == exchanged && h.other.Data != nil:
		row.Data, row.Version, row.Fence = h.other.Data, h.other.Version, h.other.Fence
		return row, nil
	case h.kind == flipped && len(row.Data) > 0:
		bit := h.offset % uint64(8*len(row.Data))
		bent := row
		bent.Data = slices.Clone(row.Data)
		bent.Data[bit/8] ^= 1 << (bit % 8)
		if row.Sort == "a" && strings.HasPrefix(row.Partition, "x#") && !w.isReadable(bent) ||
			store.KindOf(row.Key) == store.DefinitionRow {
			return bent, nil
		}
	}
	row.Data = row.Data[:h.offset%uint64(max(len(row.Data), 1))]
	return row, nil
}

// isReadable reports whether a state row can be decoded with all that the interpreter needs.
func (w *World) isReadable(row driver.Row) bool {
	rows := memstore.New()
	rows.Put(always, []driver.Row{row})
	x, err := store.New(store.Options{Driver: rows,
		Now: func() time.Time { return time.UnixMilli(0) }}).Load(always, row.Partition)
	if err != nil {
		return !store.IsDamaged(err) || errors.Is(err, store.ErrMissing)
	}
	s := interp.New(interp.Facts{Dialect: x.Dialect, Started: x.Started,
		Input: flow.StoredValue(flow.Ref{Kind: flow.RefClaim}), BlockSize: w.sizes.block})
	return x.Body == nil || s.DecodeBody(x.Body) == nil
}

// judgeDamaged checks that damaged executions do not prevent a list of the others of their flow
// ("damaged list").
func (d *reader) judgeDamaged(what string, err error) {
	w := d.c.w
	if !store.IsDamaged(err) || !strings.HasPrefix(what, "executions of ") {
		return
	}
	d.c.note("reader is told of damage", func() {
		for key := range w.damage.rows {
			if strings.HasPrefix(key.Partition, "f#") {
				return // the flow itself may be damaged
			}
		}
		w.violate("damaged list", "the list of %s fails: %v", what, err)
	})
}
