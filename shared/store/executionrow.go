package store

import (
	"millrace/shared/flow"
	"millrace/shared/store/driver"
)

// executionFmt is the format of the state rows that this code writes, of the bodies in them, and of
// history rows, which have no format number of their own. A row of an unknown format is not
// changed.
//
// A new field needs no new format, if programs that do not know it may keep it and go on: give it
// the next free number of its message. Raise the format if they must not: then keep reading rows of
// the earlier number, and add a file of the new rows beside the existing files
// (shared/engine/testdata/stored: let storedNow name the new file, then run go test ./shared/engine
// -run TestStored -update). Do not rewrite the file of a number that has been released.
const executionFmt = 1

// mapRunFmt is the format of rows of executions that have or had MapRuns, and of their children. A
// program that does not know it would take a child for an execution of the whole flow.
const mapRunFmt = 2

// deletedFmt is the format of what stays of a deleted execution. A program that does not know it
// would show the execution.
const deletedFmt = 3

// redrivenFmt is the format of rows of executions that were redriven. A program that does not know
// it would run again what an earlier life has done, and would not know their deadline.
const redrivenFmt = 4

// format returns the number of the format that the execution's row has.
func (x *Execution) format() uint64 {
	switch {
	case x.Deleted > 0:
		return deletedFmt
	case x.Redrive > 0:
		return redrivenFmt
	case x.mapRuns || x.MapNode > 0:
		return mapRunFmt
	}
	return executionFmt
}

// address is the key and fence of an execution's row, and its place in the list. It follows from
// the part of the row that never changes, and from redrive.
type address struct {
	partition, fence string
	group, sort      string // place in the list
	redrive          int    // the redrive that is in fence
}

// rowAddress returns the execution's address. It is built once, because every commit needs it.
func (x *Execution) rowAddress() *address {
	if x.address == nil || x.address.redrive != x.Redrive {
		x.address = &address{partition: Partition(x.FlowID, x.Name), fence: fence(x.Run, x.Redrive),
			group: shardGroup(x.FlowID, x.ListShard), sort: listSort(x.Started, x.Name),
			redrive: x.Redrive}
	}
	return x.address
}

// row encodes the state row.
func (x *Execution) row() driver.Row {
	at := x.rowAddress()
	row := driver.Row{Key: rowKey(at.partition, sortState), Version: x.Version, Fence: at.fence,
		Data: x.encode(), Wake: x.Wake, Expires: x.Expires}
	if x.Deleted == 0 {
		row.List = &driver.ListEntry{Group: at.group, Sort: at.sort, Fields: x.listFields()}
	}
	return row
}

// Fields of a state row. Numbers below 16 are for what most rows have.
const (
	rowClaim          = 1 // message; it never changes after the claim
	rowExpires        = 2
	rowStatus         = 3
	rowStopped        = 4
	rowOutput         = 5
	rowError          = 6 // and 7
	rowLastEvent      = 8
	rowLastTime       = 9 // since the start
	rowTailFirst      = 10
	rowTail           = 11
	rowBody           = 12 // bytes, or a reference
	rowSweepAttempts  = 13
	rowEngineAttempts = 14
	rowRedrive        = 15
	rowDeleted        = 16
	rowPurged         = 17
	rowRedriven       = 18 // since the start
	rowRedriveMark    = 19
	rowDeadline       = 20 // since the start; of the life that a redrive began
	rowMapRuns        = 21 // it has or had MapRuns; the format says so without a redrive
)

func (x *Execution) encode() []byte {
	if x.fixed == nil {
		x.fixed = x.encodeClaim()
	}
	w := flow.FieldWriter{Buf: make([]byte, 0, len(x.fixed)+len(x.Body)+len(x.Tail)+128),
		Inline: flow.EventInline}
	start := w.BeginRow(x.format())
	w.Message(rowClaim, x.fixed)
	w.Uint(rowExpires, uint64(x.Expires))
	w.Uint(rowStatus, uint64(x.Status))
	w.Uint(rowStopped, uint64(x.Stopped))
	w.Value(rowOutput, x.Output)
	w.Error(rowError, x.Error)
	w.Uint(rowLastEvent, uint64(x.LastEvent))
	w.Int(rowLastTime, x.LastTime-x.Started)
	w.Uint(rowTailFirst, uint64(x.TailFirst))
	w.Bytes(rowTail, x.Tail)
	if x.bodyRef != nil {
		w.Inline = 0
		w.Value(rowBody, x.bodyRef)
	} else {
		w.Bytes(rowBody, x.Body)
	}
	w.Uint(rowSweepAttempts, uint64(x.SweepAttempts))
	w.Uint(rowEngineAttempts, uint64(x.EngineAttempts))
	w.Uint(rowDeleted, uint64(x.Deleted))
	w.Bool(rowPurged, x.Purged)
	if x.Redrive > 0 {
		w.Uint(rowRedrive, uint64(x.Redrive))
		w.Int(rowRedriven, x.Redriven-x.Started)
		w.Fixed(rowRedriveMark, x.RedriveMark)
		w.Int(rowDeadline, x.Deadline-x.Started)
		w.Bool(rowMapRuns, x.mapRuns)
	}
	w.Unknown(x.unknown)
	w.End(start)
	return w.Buf
}

func decodeExecution(row driver.Row) (*Execution, error) {
	format, r := flow.ReadRow(row.Data)
	if format < executionFmt || format > redrivenFmt {
		return nil, ErrFormat
	}
	x := &Execution{Version: row.Version, Wake: row.Wake, mapRuns: format == mapRunFmt}
	for r.Next() {
		x.decodeField(&r)
	}
	x.LastTime += x.Started
	if x.Redrive > 0 {
		x.Redriven += x.Started
		x.firstDeadline, x.Deadline = x.Deadline, x.Started+x.firstDeadline
	}
	if row.List != nil && r.Err == nil {
		r.Err = x.decodeListed(row.List.Fields)
	}
	// only long bodies have rows of their own
	emptyBody := x.bodyRef != nil && x.bodyRef.Ref().Len == 0
	if r.Err != nil || emptyBody || (x.Deleted > 0) != (format == deletedFmt) ||
		isBadRef(x.InputRef) || isBadRef(x.bodyRef) {
		return nil, damagedRow("state", row.Key, flow.ErrCorrupt)
	}
	// row of another execution or run
	if at := x.rowAddress(); at.partition != row.Partition || at.fence != row.Fence {
		return nil, damagedRow("state", row.Key, flow.ErrCorrupt)
	}
	return x, nil
}

// decodeField decodes a field of a state row.
func (x *Execution) decodeField(r *flow.FieldReader) {
	switch r.Field {
	case rowClaim:
		x.decodeClaim(r)
	case rowExpires:
		x.Expires = int64(r.Uint())
	case rowStatus:
		x.Status = flow.Status(r.Small(uint64(flow.TimedOut)))
	case rowStopped:
		x.Stopped = int64(r.Uint())
	case rowOutput:
		x.Output = r.Value()
	case rowError:
		r.ErrorName(&x.Error)
	case rowError + 1:
		r.ErrorCause(&x.Error)
	case rowLastEvent:
		x.LastEvent = int64(r.Uint())
	case rowLastTime:
		x.LastTime = r.Int()
	case rowTailFirst:
		x.TailFirst = int64(r.Uint())
	case rowTail:
		x.Tail = r.Bytes()
	case rowBody:
		x.Body, x.bodyRef = bytesOrRef(r)
	case rowSweepAttempts:
		x.SweepAttempts = int(r.Uint())
	case rowEngineAttempts:
		x.EngineAttempts = int(r.Uint())
	case rowRedrive:
		x.Redrive = int(r.Uint())
	case rowDeleted:
		x.Deleted = int64(r.Uint())
	case rowPurged:
		x.Purged = r.Bool()
	case rowRedriven:
		x.Redriven = r.Int()
	case rowRedriveMark:
		x.RedriveMark = r.Fixed()
	case rowDeadline:
		x.firstDeadline = r.Int() // until all fields are read
	case rowMapRuns:
		x.mapRuns = r.Bool()
	default:
		r.Keep(&x.unknown)
	}
}

// bytesOrRef reads bytes that may have rows of their own instead.
func bytesOrRef(r *flow.FieldReader) ([]byte, *flow.Value) {
	if v := r.Value(); !v.Loaded() {
		return nil, v
	} else {
		return v.Text(), nil
	}
}

// isBadRef reports whether the reference of an input or a body points anywhere but to rows of its
// own. Loading an input whose reference points to the input would not end.
func isBadRef(v *flow.Value) bool { return v != nil && !v.Loaded() && v.Ref().Kind != flow.RefRow }
