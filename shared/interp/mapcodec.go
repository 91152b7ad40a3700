package interp

import (
	"math"

	"millrace/shared/flow"
)

// Fields of an open MapRun.
const (
	runID          = 1
	runStarted     = 2
	runConcurrency = 3
	runCount       = 4
	runPercentage  = 5
	runBatchItems  = 6
	runBatchBytes  = 7
	runSucceeded   = 8
	runFailed      = 9
	runBytes       = 10
	runFirstError  = 11 // and 12
	runReader      = 13
	runUndone      = 14 // repeated
	runRedo        = 15 // repeated
	runWriter      = 16
	runChildren    = 17
)

// Fields of the items of a child, which are closed.
const (
	childIndex = 1
	childFirst = 2
	childCount = 3
	childInput = 4
)

func encodeChildItems(w *flow.FieldWriter, field int, all []childItems) {
	for _, c := range all {
		start := w.Begin(field)
		w.Uint(childIndex, uint64(c.index))
		w.Uint(childFirst, uint64(c.first))
		w.Uint(childCount, uint64(c.items))
		w.Value(childInput, c.input)
		w.End(start)
	}
}

func decodeChildItems(r *flow.FieldReader) (c childItems) {
	after := r.Enter()
	for r.Next() {
		switch r.Field {
		case childIndex:
			c.index = int(r.Small(math.MaxInt32))
		case childFirst:
			c.first = int(r.Small(math.MaxInt32))
		case childCount:
			c.items = int(r.Small(math.MaxInt32))
		case childInput:
			c.input = r.Value()
		default:
			r.Fail()
		}
	}
	r.Leave(after)
	return c
}

func encodeMapRun(w *flow.FieldWriter, m *mapRun) {
	w.Uint(runID, uint64(m.id))
	w.Uint(runStarted, uint64(m.started))
	w.Uint(runConcurrency, uint64(m.concurrency))
	w.Int(runCount, m.toleratedCount)
	w.Fixed(runPercentage, math.Float64bits(m.toleratedPercentage))
	w.Uint(runBatchItems, uint64(m.batchItems))
	w.Uint(runBatchBytes, uint64(m.batchBytes))
	w.Uint(runSucceeded, uint64(m.succeeded))
	w.Uint(runFailed, uint64(m.failed))
	w.Uint(runBytes, uint64(m.bytes))
	w.Error(runFirstError, m.firstError)
	if m.reader != nil {
		start := w.Begin(runReader)
		encodeReader(w, m.reader)
		w.End(start)
	}
	encodeChildItems(w, runUndone, m.undone)
	encodeChildItems(w, runRedo, m.redo)
	if m.writer != nil {
		start := w.Begin(runWriter)
		encodeWriter(w, m.writer)
		w.End(start)
	}
	w.Uint(runChildren, uint64(m.children))
	w.Unknown(m.unknown)
}

func decodeMapRun(r *flow.FieldReader) *mapRun {
	m := &mapRun{}
	after := r.Enter()
	for r.Next() {
		switch r.Field {
		case runID:
			m.id = int64(r.Uint())
		case runStarted:
			m.started = int64(r.Uint())
		case runConcurrency:
			m.concurrency = int(r.Small(math.MaxInt32))
		case runCount:
			m.toleratedCount = r.Int()
		case runPercentage:
			m.toleratedPercentage = math.Float64frombits(r.Fixed())
		case runBatchItems:
			m.batchItems = int64(r.Uint())
		case runBatchBytes:
			m.batchBytes = int64(r.Uint())
		default:
			m.decodeProgress(r)
		}
	}
	r.Leave(after)
	return m
}

// decodeProgress decodes a field that changes with each child.
func (m *mapRun) decodeProgress(r *flow.FieldReader) {
	switch r.Field {
	case runSucceeded:
		m.succeeded = int(r.Small(math.MaxInt32))
	case runFailed:
		m.failed = int(r.Small(math.MaxInt32))
	case runBytes:
		m.bytes = int(r.Uint())
	case runFirstError:
		r.ErrorName(&m.firstError)
	case runFirstError + 1:
		r.ErrorCause(&m.firstError)
	case runReader:
		m.reader = decodeReader(r)
	case runUndone:
		m.undone = append(m.undone, decodeChildItems(r))
	case runWriter:
		m.writer = decodeWriter(r)
	case runChildren:
		m.children = int(r.Small(math.MaxInt32))
	case runRedo:
		m.redo = append(m.redo, decodeChildItems(r))
	default:
		r.Keep(&m.unknown)
	}
}

// Fields of a MapRun that has ended.
const (
	endedID          = 1
	endedStatus      = 2
	endedStarted     = 3
	endedStopped     = 4
	endedConcurrency = 5
	endedCount       = 6
	endedPercentage  = 7
	endedTotal       = 8
	endedPending     = 9
	endedSucceeded   = 10
	endedFailed      = 11
	endedAborted     = 12
)

func encodeEndedMapRun(w *flow.FieldWriter, m *endedMapRun) {
	w.Uint(endedID, uint64(m.ID))
	w.Uint(endedStatus, uint64(m.Status))
	w.Uint(endedStarted, uint64(m.Started))
	w.Uint(endedStopped, uint64(m.Stopped))
	w.Uint(endedConcurrency, uint64(m.Concurrency))
	w.Int(endedCount, m.ToleratedCount)
	w.Fixed(endedPercentage, math.Float64bits(m.ToleratedPercentage))
	w.Uint(endedTotal, uint64(m.Total))
	w.Uint(endedPending, uint64(m.Pending))
	w.Uint(endedSucceeded, uint64(m.Succeeded))
	w.Uint(endedFailed, uint64(m.Failed))
	w.Uint(endedAborted, uint64(m.Aborted))
	w.Unknown(m.unknown)
}

func decodeEndedMapRun(r *flow.FieldReader) (m endedMapRun) {
	after := r.Enter()
	for r.Next() {
		if to := m.count(r.Field); to != nil {
			*to = int(r.Small(math.MaxInt32))
			continue
		}
		switch r.Field {
		case endedID:
			m.ID = int64(r.Uint())
		case endedStatus:
			m.Status = MapRunStatus(r.Small(uint64(MapRunAborted)))
		case endedStarted:
			m.Started = int64(r.Uint())
		case endedStopped:
			m.Stopped = int64(r.Uint())
		case endedCount:
			m.ToleratedCount = r.Int()
		case endedPercentage:
			m.ToleratedPercentage = math.Float64frombits(r.Fixed())
		default:
			r.Keep(&m.unknown)
		}
	}
	r.Leave(after)
	return m
}

// count returns where a field that is a small number goes; nil: it is none.
func (m *endedMapRun) count(field int) *int {
	switch field {
	case endedConcurrency:
		return &m.Concurrency
	case endedTotal:
		return &m.Total
	case endedPending:
		return &m.Pending
	case endedSucceeded:
		return &m.Succeeded
	case endedFailed:
		return &m.Failed
	case endedAborted:
		return &m.Aborted
	}
	return nil
}
