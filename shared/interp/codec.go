package interp

import (
	"maps"
	"slices"

	"millrace/shared/flow"
)

// BodyInline is the length in bytes of the largest value that a body contains in place even if an
// event holds it too. Such values need no second read.
const BodyInline = 256

// AppendBody appends the body of a state row: what the row keeps of a running execution. Values
// longer than BodyInline must be stored in rows of their own first: see EachUnstored.
func (s *State) AppendBody(dst []byte) []byte {
	e := &flow.Encoder{Buf: dst, Inline: BodyInline}
	keys := s.globalNames()
	e.Uint(uint64(len(keys)))
	for _, k := range keys {
		e.String(k)
		e.Value(s.Globals[k])
	}
	e.Uint(uint64(len(s.Outbox)))
	for i := range s.Outbox {
		encodeOutboxEntry(e, &s.Outbox[i])
	}
	e.Bool(s.root != nil)
	if s.root != nil {
		e.Bool(s.ready)
		encodeScope(e, s.root, s.blockSize())
	}
	return e.Buf
}

// DecodeBody decodes what AppendBody wrote. The state must have its facts.
func (s *State) DecodeBody(b []byte) error {
	d := flow.NewDecoder(b)
	if n := d.Count(); n > 0 {
		s.Globals = map[string]*flow.Value{}
		for ; n > 0 && d.Err == nil; n-- {
			k := d.String()
			s.Globals[k] = d.Value()
		}
	}
	for n := d.Count(); n > 0 && d.Err == nil; n-- {
		s.Outbox = append(s.Outbox, decodeOutboxEntry(d))
	}
	if d.Bool() {
		s.ready = d.Bool()
		s.root = decodeScope(d, nil, 0, s.blockSize())
	}
	return d.Err
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
	e := sc.cur
	if e == nil {
		return
	}
	visit(e.input)
	visit(e.result)
	visit(e.storedItems)
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
}

func encodeScope(e *flow.Encoder, sc *scope, block int) {
	e.Uint(uint64(sc.index))
	e.Value(sc.input)
	e.Value(sc.local)
	e.Uint(uint64(sc.last))
	e.Uint(uint64(sc.entries))
	e.Int(int64(sc.target))
	e.Bool(sc.cur != nil)
	if sc.cur != nil {
		encodeEntry(e, sc.cur, block)
	}
}

// depthMax is the maximum depth of nested scopes in a row. The text of a definition cannot nest as
// deep.
const depthMax = 1000

func decodeScope(d *flow.Decoder, owner *entry, depth, block int) *scope {
	if depth > depthMax {
		d.Err = flow.ErrCorrupt
	}
	if d.Err != nil {
		return nil
	}
	sc := &scope{owner: owner, index: int(d.Uint()), input: d.Value(), local: d.Value(),
		last: int64(d.Uint()), entries: int64(d.Uint()), target: int(d.Int())}
	if d.Bool() {
		sc.cur = decodeEntry(d, sc, depth, block)
	}
	return sc
}

func encodeEntry(e *flow.Encoder, n *entry, block int) {
	e.Uint(uint64(n.node))
	e.Uint(uint64(n.id))
	e.Uint(uint64(n.startID))
	e.Uint(uint64(n.ordinal))
	e.Byte(byte(n.phase))
	e.Uint(uint64(n.last))
	e.Value(n.input)
	e.Value(n.result)
	e.Error(n.failure)
	e.Bool(n.permanent)
	e.Bool(n.timeout)
	e.Int(n.due)
	e.Uint(uint64(len(n.retriesByRule)))
	for _, u := range n.retriesByRule {
		e.Uint(uint64(u))
	}
	e.Uint(uint64(n.retries))
	e.Uint(uint64(n.option))
	e.Bool(n.attempt != nil)
	if n.attempt != nil {
		encodeAttempt(e, n.attempt)
	}
	e.Value(n.storedItems)
	e.Uint(uint64(n.total))
	e.Uint(uint64(n.cursor))
	e.Uint(uint64(n.pending))
	encodeResults(e, n, block)
	e.Uint(uint64(len(n.running)))
	for _, sc := range n.running {
		encodeScope(e, sc, block)
	}
}

func decodeEntry(d *flow.Decoder, sc *scope, depth, block int) *entry {
	n := &entry{
		scope:     sc,
		node:      int(d.Uint()),
		id:        int64(d.Uint()),
		startID:   int64(d.Uint()),
		ordinal:   int64(d.Uint()),
		phase:     phase(d.Byte()),
		last:      int64(d.Uint()),
		input:     d.Value(),
		result:    d.Value(),
		failure:   d.Error(),
		permanent: d.Bool(),
		timeout:   d.Bool(),
		due:       d.Int(),
	}
	for c := d.Count(); c > 0 && d.Err == nil; c-- {
		n.retriesByRule = append(n.retriesByRule, int(d.Uint()))
	}
	n.retries, n.option = int(d.Uint()), int(d.Uint())
	if d.Bool() {
		n.attempt = decodeAttempt(d)
	}
	n.storedItems = d.Value()
	n.total, n.cursor, n.pending = int(d.Uint()), int(d.Uint()), int(d.Uint())
	decodeResults(d, n, block)
	for c := d.Count(); c > 0 && d.Err == nil; c-- {
		n.running = append(n.running, decodeScope(d, n, depth+1, block))
	}
	return n
}

func encodeAttempt(e *flow.Encoder, a *attempt) {
	e.Uint(uint64(a.id))
	e.Uint(uint64(a.number))
	e.Byte(byte(a.phase))
	e.Bool(a.started)
	e.Bool(a.submitted)
	e.Value(a.params)
	e.Int(a.deadline)
	e.Uint(a.owner)
	e.Int(a.until)
	e.Uint(uint64(a.lostCalls))
	e.Byte(byte(a.mode))
	e.Bool(a.http)
	e.String(a.childFlow)
	e.String(a.child)
}

func decodeAttempt(d *flow.Decoder) *attempt {
	return &attempt{
		id:        int64(d.Uint()),
		number:    int(d.Uint()),
		phase:     attemptPhase(d.Byte()),
		started:   d.Bool(),
		submitted: d.Bool(),
		params:    d.Value(),
		deadline:  d.Int(),
		owner:     d.Uint(),
		until:     d.Int(),
		lostCalls: int(d.Uint()),
		mode:      flow.TaskMode(d.Byte()),
		http:      d.Bool(),
		childFlow: d.String(),
		child:     d.String(),
	}
}

func encodeOutboxEntry(e *flow.Encoder, o *OutboxEntry) {
	e.Byte(byte(o.Kind))
	e.Uint(uint64(o.ID))
	e.String(o.Token)
	e.Value(o.Output)
	e.Error(o.Error)
	e.String(o.Flow)
	e.String(o.Name)
	e.Int(o.Next)
	e.Uint(uint64(o.Tries))
}

func decodeOutboxEntry(d *flow.Decoder) OutboxEntry {
	return OutboxEntry{
		Kind:   OutboxKind(d.Byte()),
		ID:     int64(d.Uint()),
		Token:  d.String(),
		Output: d.Value(),
		Error:  d.Error(),
		Flow:   d.String(),
		Name:   d.String(),
		Next:   d.Int(),
		Tries:  int(d.Uint()),
	}
}
