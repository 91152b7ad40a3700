package store

import (
	"math"

	"millrace/shared/flow"
	"millrace/shared/store/driver"
)

// bulkFmt is the format of the rows of bulk operations and of their results. See executionFmt for
// what to do when it changes.
const bulkFmt = 1

// bulkResultFence is the fence of results: they have no incarnations.
const bulkResultFence = "result"

// Fields of a bulk operation.
const (
	bulkAccount       = 1
	bulkFlow          = 2
	bulkFlowID        = 3
	bulkName          = 4
	bulkID            = 5
	bulkOperation     = 6
	bulkNames         = 7 // repeated
	bulkStatus        = 8
	bulkNamePrefix    = 9
	bulkQualifier     = 10
	bulkBegin         = 11
	bulkEnd           = 12
	bulkRate          = 13
	bulkReason        = 14
	bulkAuthor        = 15
	bulkCreated       = 16
	bulkEnded         = 17
	bulkPhase         = 18
	bulkStopRequested = 19
	bulkDone          = 20
	bulkBefore        = 21
	bulkBatch         = 22 // repeated
	bulkCounts        = 23
	bulkPass          = 24
	bulkSeen          = 25
)

// Fields of an execution in a batch, which is closed.
const (
	bulkItemName    = 1
	bulkItemRun     = 2
	bulkItemRedrive = 3
)

// Fields of a result.
const (
	bulkResultName    = 1
	bulkResultRun     = 2
	bulkResultTime    = 3
	bulkResultCode    = 4
	bulkResultMessage = 5
	bulkResultTarget  = 6
	bulkResultStatus  = 7
)

func (b *BulkOperation) row() driver.Row {
	w := flow.FieldWriter{Buf: make([]byte, 0, 512)}
	start := w.BeginRow(bulkFmt)
	for field := bulkAccount; field <= bulkSeen; field++ {
		if p := b.text(field); p != nil {
			w.String(field, *p)
		} else if p := b.number(field); p != nil {
			w.Uint(field, uint64(*p))
		}
	}
	for _, name := range b.Names {
		w.String(bulkNames, name)
	}
	w.Uint(bulkStatus, uint64(b.Filter.Status))
	w.Uint(bulkRate, uint64(b.Rate))
	w.Uint(bulkPhase, uint64(b.Phase))
	w.Bool(bulkStopRequested, b.StopRequested)
	w.Uint(bulkDone, uint64(b.Done))
	for _, item := range b.Batch {
		at := w.Begin(bulkBatch)
		w.String(bulkItemName, item.Name)
		w.Fixed(bulkItemRun, item.Run)
		w.Uint(bulkItemRedrive, uint64(item.Redrive))
		w.End(at)
	}
	b.Counts.encode(&w, bulkCounts)
	b.Pass.encode(&w, bulkPass)
	w.Unknown(b.unknown)
	w.End(start)
	return driver.Row{Key: b.Key(), Version: b.Version, Fence: b.ID, Data: w.Buf, Wake: b.Wake,
		List: &driver.ListEntry{Group: bulkGroup(b.FlowID), Sort: b.Name}}
}

// fields returns the counts in the order of their fields.
func (c *BulkCounts) fields() [6]*int64 {
	return [...]*int64{&c.Accepted, &c.Rejected, &c.Succeeded, &c.Failed, &c.TimedOut, &c.Stopped}
}

func (c *BulkCounts) encode(w *flow.FieldWriter, field int) {
	at := w.Begin(field)
	for i, n := range c.fields() {
		w.Uint(i+1, uint64(*n))
	}
	w.End(at)
}

func (c *BulkCounts) decode(r *flow.FieldReader) {
	after := r.Enter()
	for r.Next() {
		if list := c.fields(); r.Field <= len(list) {
			*list[r.Field-1] = int64(r.Small(math.MaxInt64))
		} else {
			r.Fail()
		}
	}
	r.Leave(after)
}

func decodeBulk(row driver.Row) (*BulkOperation, error) {
	format, r := flow.ReadRow(row.Data)
	if format != bulkFmt {
		return nil, ErrFormat
	}
	b := &BulkOperation{Version: row.Version, Wake: row.Wake}
	for r.Next() {
		b.decodeField(&r)
	}
	if r.Err != nil || b.Key() != row.Key || b.ID != row.Fence {
		return nil, damagedRow("bulk", row.Key, flow.ErrCorrupt)
	}
	return b, nil
}

func (b *BulkOperation) decodeField(r *flow.FieldReader) {
	if p := b.text(r.Field); p != nil {
		*p = r.String()
		return
	}
	if p := b.number(r.Field); p != nil {
		*p = int64(r.Uint())
		return
	}
	switch r.Field {
	case bulkNames:
		b.Names = append(b.Names, r.String())
	case bulkStatus:
		b.Filter.Status = flow.Status(r.Small(uint64(flow.TimedOut)))
	case bulkRate:
		b.Rate = int(r.Small(math.MaxInt32))
	case bulkPhase:
		b.Phase = BulkPhase(r.Small(math.MaxUint8))
	case bulkStopRequested:
		b.StopRequested = r.Bool()
	case bulkDone:
		b.Done = int(r.Small(math.MaxInt32))
	case bulkBatch:
		b.Batch = append(b.Batch, decodeBulkItem(r))
	case bulkCounts:
		b.Counts.decode(r)
	case bulkPass:
		b.Pass.decode(r)
	default:
		r.Keep(&b.unknown)
	}
}

func decodeBulkItem(r *flow.FieldReader) (item BulkItem) {
	after := r.Enter()
	for r.Next() {
		switch r.Field {
		case bulkItemName:
			item.Name = r.String()
		case bulkItemRun:
			item.Run = r.Fixed()
		case bulkItemRedrive:
			item.Redrive = int(r.Small(math.MaxInt32))
		default:
			r.Fail()
		}
	}
	r.Leave(after)
	return item
}

// text returns the text that a field of the row holds; nil: the field is no text.
func (b *BulkOperation) text(field int) *string {
	switch field {
	case bulkAccount:
		return &b.Account
	case bulkFlow:
		return &b.Flow
	case bulkFlowID:
		return &b.FlowID
	case bulkName:
		return &b.Name
	case bulkID:
		return &b.ID
	case bulkOperation:
		return &b.Operation
	case bulkNamePrefix:
		return &b.Filter.NamePrefix
	case bulkQualifier:
		return &b.Filter.Qualifier
	case bulkReason:
		return &b.Reason
	case bulkAuthor:
		return &b.Author
	case bulkBefore:
		return &b.Before
	case bulkSeen:
		return &b.Seen
	}
	return nil
}

// number returns the time that a field of the row holds; nil: the field is no time.
func (b *BulkOperation) number(field int) *int64 {
	switch field {
	case bulkBegin:
		return &b.Filter.Begin
	case bulkEnd:
		return &b.Filter.End
	case bulkCreated:
		return &b.Created
	case bulkEnded:
		return &b.Ended
	}
	return nil
}

func (r *BulkResult) row(bulk driver.Key) driver.Row {
	w := flow.FieldWriter{Buf: make([]byte, 0, 128)}
	start := w.BeginRow(bulkFmt)
	w.String(bulkResultName, r.Name)
	w.Fixed(bulkResultRun, r.Run)
	w.Uint(bulkResultTime, uint64(r.Time))
	w.String(bulkResultCode, r.Code)
	w.String(bulkResultMessage, r.Message)
	w.String(bulkResultTarget, r.Target)
	w.Uint(bulkResultStatus, uint64(r.Status))
	w.Unknown(r.unknown)
	w.End(start)
	return driver.Row{Key: bulkResultKey(bulk, r.Name), Version: r.Version,
		Fence: bulkResultFence, Data: w.Buf}
}

func decodeBulkResult(row driver.Row) (*BulkResult, error) {
	format, r := flow.ReadRow(row.Data)
	if format != bulkFmt {
		return nil, ErrFormat
	}
	b := &BulkResult{Version: row.Version}
	for r.Next() {
		switch r.Field {
		case bulkResultName:
			b.Name = r.String()
		case bulkResultRun:
			b.Run = r.Fixed()
		case bulkResultTime:
			b.Time = int64(r.Uint())
		case bulkResultCode:
			b.Code = r.String()
		case bulkResultMessage:
			b.Message = r.String()
		case bulkResultTarget:
			b.Target = r.String()
		case bulkResultStatus:
			b.Status = flow.Status(r.Small(uint64(flow.TimedOut)))
		default:
			r.Keep(&b.unknown)
		}
	}
	if r.Err != nil || prefixBulkResult+b.Name != row.Sort {
		return nil, damagedRow("bulk result", row.Key, flow.ErrCorrupt)
	}
	return b, nil
}
