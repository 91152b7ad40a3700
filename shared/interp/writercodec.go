package interp

import (
	"math"

	"millrace/shared/flow"
)

// Fields of a resultWriter.
const (
	writerTarget  = 1
	writerWrites  = 2
	writerWriting = 3 // plus 1; absent: no attempt is open
	writerBlocks  = 4
	writerDone    = 5
	writerOutcome = 6 // one for each outcome, in their order
)

// Fields of the files of an outcome, which is closed.
const (
	filesSize  = 1
	filesBlock = 2
	filesOpen  = 3
)

func encodeWriter(w *flow.FieldWriter, m *resultWriter) {
	w.Value(writerTarget, m.target)
	w.Uint(writerWrites, uint64(m.writes))
	w.Uint(writerWriting, uint64(m.writing+1))
	w.Uint(writerBlocks, uint64(m.writingBlocks))
	w.Bool(writerDone, m.done)
	for i := range m.files {
		start := w.Begin(writerOutcome)
		for _, size := range m.files[i].sizes {
			w.Uint(filesSize, uint64(size))
		}
		for _, b := range m.files[i].blocks {
			w.Value(filesBlock, b)
		}
		w.Bytes(filesOpen, m.files[i].open)
		w.End(start)
	}
	w.Unknown(m.unknown)
}

func decodeWriter(r *flow.FieldReader) *resultWriter {
	m := &resultWriter{writing: -1}
	outcome := 0
	after := r.Enter()
	for r.Next() {
		switch r.Field {
		case writerTarget:
			m.target = r.Value()
		case writerWrites:
			m.writes = int(r.Small(math.MaxInt32))
		case writerWriting:
			m.writing = int(r.Small(outcomes+1)) - 1
		case writerBlocks:
			m.writingBlocks = int(r.Small(math.MaxInt32))
		case writerDone:
			m.done = r.Bool()
		case writerOutcome:
			if outcome == outcomes {
				r.Fail()
				break
			}
			m.files[outcome].decode(r)
			outcome++
		default:
			r.Keep(&m.unknown)
		}
	}
	if r.Err == nil && (m.target == nil || outcome != outcomes ||
		m.writing >= 0 && m.writing < outcomes &&
			m.writingBlocks > len(m.files[m.writing].blocks)) {
		r.Fail()
	}
	r.Leave(after)
	return m
}

func (o *outcomeFiles) decode(r *flow.FieldReader) {
	after := r.Enter()
	for r.Next() {
		switch r.Field {
		case filesSize:
			o.sizes = append(o.sizes, int64(r.Uint()))
		case filesBlock:
			b := r.Value()
			o.blocks = append(o.blocks, b)
			o.bytes += b.Len()
		case filesOpen:
			o.open = append([]byte(nil), r.Bytes()...)
		default:
			r.Fail()
		}
	}
	r.Leave(after)
}

// eachValue calls f for every value of the writer.
func (m *resultWriter) eachValue(f func(v *flow.Value)) {
	f(m.target)
	for i := range m.files {
		for _, b := range m.files[i].blocks {
			f(b)
		}
	}
}
