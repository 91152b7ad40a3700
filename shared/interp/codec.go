package interp

import (
	"maps"
	"slices"

	"millrace/shared/flow"
)

// BodyInline is the length in bytes of the largest value that a body contains in place even if an
// event holds it too. Such values need no second read.
const BodyInline = 256

// Fields of a body.
const (
	bodyGlobal = 1
	bodyOutbox = 2
	bodyRoot   = 3
	bodyReady  = 4
	bodyMapRun = 5
)

// Fields of a global variable, which is closed.
const (
	globalName  = 1
	globalValue = 2
)

// AppendBody appends the body of a state row: what the row keeps of a running execution. Values
// longer than BodyInline must be stored in rows of their own first: see EachUnstored.
func (s *State) AppendBody(dst []byte) []byte {
	w := &flow.FieldWriter{Buf: dst, Inline: BodyInline}
	for _, k := range s.globalNames() {
		start := w.Begin(bodyGlobal)
		w.String(globalName, k)
		w.Value(globalValue, s.Globals[k])
		w.End(start)
	}
	for i := range s.Outbox {
		start := w.Begin(bodyOutbox)
		encodeOutboxEntry(w, &s.Outbox[i])
		w.End(start)
	}
	if s.root != nil {
		start := w.Begin(bodyRoot)
		encodeScope(w, s.root, s.blockSize())
		w.End(start)
		w.Bool(bodyReady, s.ready)
	}
	for i := range s.endedMapRuns {
		start := w.Begin(bodyMapRun)
		encodeEndedMapRun(w, &s.endedMapRuns[i])
		w.End(start)
	}
	w.Unknown(s.unknown)
	return w.Buf
}

// DecodeBody decodes what AppendBody wrote. The state must have its facts.
func (s *State) DecodeBody(b []byte) error {
	r := flow.ReadFields(b)
	for r.Next() {
		switch r.Field {
		case bodyGlobal:
			s.decodeGlobal(&r)
		case bodyOutbox:
			s.Outbox = append(s.Outbox, decodeOutboxEntry(&r))
		case bodyRoot:
			s.root = decodeScope(&r, nil, 0, s.blockSize())
		case bodyReady:
			s.ready = r.Bool()
		case bodyMapRun:
			s.endedMapRuns = append(s.endedMapRuns, decodeEndedMapRun(&r))
		default:
			r.Keep(&s.unknown)
		}
	}
	return r.Err
}

func (s *State) decodeGlobal(r *flow.FieldReader) {
	name, v := "", (*flow.Value)(nil)
	after := r.Enter()
	for r.Next() {
		switch r.Field {
		case globalName:
			name = r.String()
		case globalValue:
			v = r.Value()
		default:
			r.Fail()
		}
	}
	if r.Leave(after); s.Globals == nil {
		s.Globals = map[string]*flow.Value{}
	}
	s.Globals[name] = v
}

// globalNames returns the sorted names of the global variables, so that the encoding depends only
// on the state.
func (s *State) globalNames() []string {
	if len(s.Globals) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(s.Globals))
}

// EachUnstored calls f for every value of the body that needs a row of its own: longer than
// BodyInline and in no event. The order is always the same.
func (s *State) EachUnstored(f func(v *flow.Value)) {
	visit := func(v *flow.Value) {
		if v != nil && v.Ref().Kind == flow.RefNone && v.Len() > BodyInline {
			f(v)
		}
	}
	for _, k := range s.globalNames() {
		visit(s.Globals[k])
	}
	for i := range s.Outbox {
		visit(s.Outbox[i].Output)
	}
	visit(s.Output)
	if s.root != nil {
		s.root.eachUnstored(s.blockSize(), visit, f)
	}
}

func (sc *scope) eachUnstored(block int, visit, f func(v *flow.Value)) {
	visit(sc.input)
	visit(sc.local)
	sc.cur.eachUnstored(block, visit, f)
	sc.left.eachUnstored(block, visit, f)
}

func (e *entry) eachUnstored(block int, visit, f func(v *flow.Value)) {
	if e == nil {
		return
	}
	visit(e.input)
	visit(e.result)
	visit(e.storedItems)
	e.mapRun.eachValue(visit)
	e.leftRun.eachValue(visit)
	if e.attempt != nil {
		visit(e.attempt.params)
	}
	for _, v := range e.results {
		visit(v)
	}
	e.pack(block, f)
	for _, child := range e.running {
		child.eachUnstored(block, visit, f)
	}
	for _, child := range e.left {
		child.eachUnstored(block, visit, f)
	}
}
