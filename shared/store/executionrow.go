package store

import "millrace/shared/flow"

// executionFmt is the format of the state rows that this code writes, of the bodies in them, and of
// history rows, which have no format number of their own. A row of an unknown format is not
// changed.
//
// If you change what is written: raise the number, keep reading rows of the earlier number, and add
// a file of the new rows beside the existing files (shared/engine/testdata/stored: let storedNow
// name the new file, then run go test ./shared/engine -run TestStored -update). Do not rewrite the
// file of a number that has been in use: stores of users hold rows like those in it.
//
// Format 2 adds Author and CallbackBy to format 1.
const executionFmt = 2

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
			group: listGroup(x.FlowID, x.Name), sort: listSort(x.Started, x.Name),
			redrive: x.Redrive}
	}
	return x.address
}

// row encodes the state row.
func (x *Execution) row() Row {
	at := x.rowAddress()
	return Row{Key: Key{at.partition, sortState}, Version: x.Version, Fence: at.fence,
		Data: x.encode(), Wake: x.Wake, Expires: x.Expires,
		List: &ListEntry{Group: at.group, Sort: at.sort, Fields: x.listFields()}}
}

func (x *Execution) encode() []byte {
	if x.fixed == nil {
		x.fixed = x.encodeFixed()
	}
	e := flow.Encoder{Buf: make([]byte, 0, len(x.fixed)+len(x.Body)+len(x.Tail)+128),
		Inline: flow.EventInline}
	e.Buf = append(e.Buf, x.fixed...)
	e.Int(x.Expires)
	e.Byte(byte(x.Status))
	e.Int(x.Stopped)
	e.Value(x.Output)
	e.Error(x.Error)
	e.Uint(uint64(x.LastEvent))
	e.Int(x.LastTime)
	e.Uint(uint64(x.TailFirst))
	e.Bytes(x.Tail)
	e.Uint(uint64(x.SweepAttempts))
	e.Uint(uint64(x.EngineAttempts))
	e.Uint(uint64(x.Redrive))
	if x.bodyRef != nil {
		e.Inline = 0
		e.Bool(true)
		e.Value(x.bodyRef)
	} else {
		e.Bool(false)
		e.Bytes(x.Body)
	}
	return e.Buf
}

func (x *Execution) encodeFixed() []byte {
	e := flow.Encoder{Buf: make([]byte, 0, 512+len(x.Input)), Inline: flow.EventInline}
	e.Uint(executionFmt)
	for _, t := range []string{x.Account, x.FlowID, x.Flow, x.Name, x.Region, x.RoleArn, x.Origin,
		x.Callback, x.Hash, x.Qualifier, x.MapRun, x.Parent,
		x.Author, x.CallbackBy} {
		e.String(t)
	}
	e.Uint(x.Run)
	e.Buf = append(e.Buf, x.Seed[:]...)
	e.Uint(x.ClaimToken)
	e.Byte(byte(x.Language))
	e.Bool(x.Express)
	e.Int(x.Started)
	e.Int(x.Deadline)
	if x.InputRef != nil {
		e.Inline = 0
		e.Bool(true)
		e.Value(x.InputRef)
	} else {
		e.Bool(false)
		e.Bytes(x.Input)
	}
	e.Uint(uint64(len(x.Environment)))
	for _, v := range x.Environment {
		e.String(v.Name)
		e.String(v.Value)
		e.String(v.Description)
	}
	return e.Buf
}

func decodeExecution(row Row) (*Execution, error) {
	d := flow.NewDecoder(row.Data)
	format := d.Uint()
	if format < 1 || format > executionFmt {
		return nil, ErrFormat
	}
	x := &Execution{Version: row.Version, Wake: row.Wake}
	for _, t := range []*string{&x.Account, &x.FlowID, &x.Flow, &x.Name, &x.Region, &x.RoleArn,
		&x.Origin, &x.Callback, &x.Hash, &x.Qualifier, &x.MapRun, &x.Parent} {
		*t = d.String()
	}
	if format >= 2 {
		x.Author, x.CallbackBy = d.String(), d.String()
	}
	x.Run = d.Uint()
	for i := range x.Seed {
		x.Seed[i] = d.Byte()
	}
	x.ClaimToken = d.Uint()
	x.Language, x.Express = flow.Language(d.Byte()), d.Bool()
	x.Started, x.Deadline = d.Int(), d.Int()
	if d.Bool() {
		x.InputRef = d.Value()
	} else {
		x.Input = d.Bytes()
	}
	for n := d.Count(); n > 0; n-- {
		x.Environment = append(x.Environment, Variable{d.String(), d.String(), d.String()})
	}
	x.fixed = row.Data[: len(row.Data)-d.Left() : len(row.Data)-d.Left()]
	x.Expires = d.Int()
	x.Status, x.Stopped, x.Output, x.Error = flow.Status(d.Byte()), d.Int(), d.Value(), d.Error()
	x.LastEvent, x.LastTime = int64(d.Uint()), d.Int()
	x.TailFirst, x.Tail = int64(d.Uint()), d.Bytes()
	x.SweepAttempts, x.EngineAttempts, x.Redrive = int(d.Uint()), int(d.Uint()), int(d.Uint())
	if d.Bool() {
		x.bodyRef = d.Value()
	} else {
		x.Body = d.Bytes()
	}
	// only long bodies have rows of their own
	emptyBody := x.bodyRef != nil && !x.bodyRef.Loaded() && x.bodyRef.Ref().Len == 0
	if d.Err != nil || int(x.Status) > int(flow.TimedOut) || emptyBody || isBadRef(x.InputRef) ||
		isBadRef(x.bodyRef) {
		return nil, damagedRow("state", row.Key, flow.ErrCorrupt)
	}
	// row of another execution or run
	if at := x.rowAddress(); at.partition != row.Partition || at.fence != row.Fence {
		return nil, damagedRow("state", row.Key, flow.ErrCorrupt)
	}
	return x, nil
}

// isBadRef reports whether the reference of an input or a body points anywhere but to rows of its
// own. Loading an input whose reference points to the input would not end.
func isBadRef(v *flow.Value) bool { return v != nil && !v.Loaded() && v.Ref().Kind != flow.RefRow }
