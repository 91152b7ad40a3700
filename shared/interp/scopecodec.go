package interp

import (
	"math"
	"slices"

	"millrace/shared/flow"
)

// depthMax is the maximum depth of nested scopes in a row. The text of a definition cannot nest as
// deep.
const depthMax = 1000

// Fields of a scope.
const (
	scopeIndex   = 1
	scopeInput   = 2
	scopeLocal   = 3
	scopeLast    = 4
	scopeEntries = 5
	scopeTarget  = 6
	scopeEntry   = 7
	scopeLeft    = 8
)

func encodeScope(w *flow.FieldWriter, sc *scope, block int) {
	w.Uint(scopeIndex, uint64(sc.index))
	w.Value(scopeInput, sc.input)
	w.Value(scopeLocal, sc.local)
	w.Uint(scopeLast, uint64(sc.last))
	w.Uint(scopeEntries, uint64(sc.entries))
	w.Int(scopeTarget, int64(sc.target))
	if sc.cur != nil {
		start := w.Begin(scopeEntry)
		encodeEntry(w, sc.cur, block)
		w.End(start)
	}
	if sc.left != nil {
		start := w.Begin(scopeLeft)
		encodeEntry(w, sc.left, block)
		w.End(start)
	}
	w.Unknown(sc.unknown)
}

func decodeScope(r *flow.FieldReader, owner *entry, depth, block int) *scope {
	sc := &scope{owner: owner}
	if depth > depthMax {
		r.Fail()
		return sc
	}
	after := r.Enter()
	for r.Next() {
		switch r.Field {
		case scopeIndex:
			sc.index = int(r.Uint())
		case scopeInput:
			sc.input = r.Value()
		case scopeLocal:
			sc.local = r.Value()
		case scopeLast:
			sc.last = int64(r.Uint())
		case scopeEntries:
			sc.entries = int64(r.Uint())
		case scopeTarget:
			sc.target = int(r.Int())
		case scopeEntry:
			sc.cur = decodeEntry(r, sc, depth, block)
		case scopeLeft:
			sc.left = decodeEntry(r, sc, depth, block)
		default:
			r.Keep(&sc.unknown)
		}
	}
	r.Leave(after)
	return sc
}

// Fields of an entry. Those that most entries have are below 16, where a key takes one byte.
const (
	entryNode        = 1
	entryID          = 2
	entryStartID     = 3
	entryOrdinal     = 4
	entryPhase       = 5
	entryLast        = 6
	entryInput       = 7
	entryResult      = 8
	entryAttempt     = 9
	entryDue         = 10
	entryTotal       = 11
	entryCursor      = 12
	entryPending     = 13
	entryResults     = 14
	entryRunning     = 15
	entryFailure     = 16 // and 17
	entryPermanent   = 18
	entryTimeout     = 19
	entryRuleRetries = 20
	entryRetries     = 21
	entryOption      = 22
	entryStoredItems = 23
	entryMapRun      = 24
	entryLeft        = 25
	entryLeftRun     = 26
	entryResumed     = 27
)

func encodeEntry(w *flow.FieldWriter, n *entry, block int) {
	w.Uint(entryNode, uint64(n.node))
	w.Uint(entryID, uint64(n.id))
	w.Uint(entryStartID, uint64(n.startID))
	w.Uint(entryOrdinal, uint64(n.ordinal))
	w.Uint(entryPhase, uint64(n.phase))
	w.Uint(entryLast, uint64(n.last))
	w.Value(entryInput, n.input)
	w.Value(entryResult, n.result)
	if n.attempt != nil {
		start := w.Begin(entryAttempt)
		encodeAttempt(w, n.attempt)
		w.End(start)
	}
	w.Uint(entryDue, uint64(n.due))
	w.Uint(entryTotal, uint64(n.total))
	w.Uint(entryCursor, uint64(n.cursor))
	w.Uint(entryPending, uint64(n.pending))
	encodeResults(w, n, block)
	for _, sc := range n.running {
		start := w.Begin(entryRunning)
		encodeScope(w, sc, block)
		w.End(start)
	}
	w.Error(entryFailure, n.failure)
	w.Bool(entryPermanent, n.permanent)
	w.Bool(entryTimeout, n.timeout)
	for _, u := range n.retriesByRule {
		w.PresentUint(entryRuleRetries, uint64(u))
	}
	w.Uint(entryRetries, uint64(n.retries))
	w.Uint(entryOption, uint64(n.option))
	w.Value(entryStoredItems, n.storedItems)
	if n.mapRun != nil {
		start := w.Begin(entryMapRun)
		encodeMapRun(w, n.mapRun)
		w.End(start)
	}
	for _, sc := range n.left {
		start := w.Begin(entryLeft)
		encodeScope(w, sc, block)
		w.End(start)
	}
	if n.leftRun != nil {
		start := w.Begin(entryLeftRun)
		encodeMapRun(w, n.leftRun)
		w.End(start)
	}
	w.Bool(entryResumed, n.resumed)
	w.Unknown(n.unknown)
}

func decodeEntry(r *flow.FieldReader, sc *scope, depth, block int) *entry {
	n := &entry{scope: sc}
	after := r.Enter()
	for r.Next() {
		if r.Field < entryAttempt {
			n.decodeProgress(r)
			continue
		}
		switch r.Field {
		case entryAttempt:
			n.attempt = decodeAttempt(r)
		case entryDue:
			n.due = int64(r.Uint())
		case entryTotal:
			n.total = int(r.Small(math.MaxInt32))
		case entryCursor:
			n.cursor = int(r.Uint())
		case entryPending:
			n.pending = int(r.Uint())
		case entryResults:
			n.decodeResults(r, block)
		case entryRunning:
			n.running = append(n.running, decodeScope(r, n, depth+1, block))
		case entryLeft:
			n.left = append(n.left, decodeScope(r, n, depth+1, block))
		default:
			n.decodeRare(r)
		}
	}
	// The smallest entry has some bytes, so a damaged row cannot hold too many of them.
	if r.Err == nil && (n.id == 0 || n.phase < entered || len(n.results) > n.total+1 ||
		n.mapRun != nil && !n.hasChildren() ||
		n.reader() != nil && !n.reader().consistent(n) || !n.hasItems(n.mapRun) ||
		!n.hasItems(n.leftRun)) {
		r.Fail()
	}
	r.Leave(after)
	return n
}

// hasChildren reports whether each scope of a MapRun is a child in flight.
func (e *entry) hasChildren() bool {
	for _, sc := range e.running {
		if sc.cur == nil || sc.cur.attempt == nil || sc.index < 0 ||
			sc.index >= e.children() {
			return false
		}
	}
	return true
}

// hasItems reports whether the items of a MapRun that are kept for a redrive are some of the
// entry's.
func (e *entry) hasItems(r *mapRun) bool {
	if r == nil {
		return true
	}
	for _, c := range slices.Concat(r.undone, r.redo) {
		if c.index >= len(e.results) || c.items == 0 || c.first+c.items > e.total {
			return false
		}
	}
	return true
}

// decodeProgress decodes a field that tells where the entry is.
func (e *entry) decodeProgress(r *flow.FieldReader) {
	switch r.Field {
	case entryNode:
		e.node = int(r.Uint())
	case entryID:
		e.id = int64(r.Uint())
	case entryStartID:
		e.startID = int64(r.Uint())
	case entryOrdinal:
		e.ordinal = int64(r.Uint())
	case entryPhase:
		e.phase = phase(r.Small(math.MaxUint8))
	case entryLast:
		e.last = int64(r.Uint())
	case entryInput:
		e.input = r.Value()
	case entryResult:
		e.result = r.Value()
	}
}

// decodeRare decodes a field that few entries have.
func (e *entry) decodeRare(r *flow.FieldReader) {
	switch r.Field {
	case entryFailure:
		r.ErrorName(&e.failure)
	case entryFailure + 1:
		r.ErrorCause(&e.failure)
	case entryPermanent:
		e.permanent = r.Bool()
	case entryTimeout:
		e.timeout = r.Bool()
	case entryRuleRetries:
		e.retriesByRule = append(e.retriesByRule, int(r.Uint()))
	case entryRetries:
		e.retries = int(r.Uint())
	case entryOption:
		e.option = int(r.Uint())
	case entryStoredItems:
		e.storedItems = r.Value()
	case entryMapRun:
		e.mapRun = decodeMapRun(r)
	case entryLeftRun:
		e.leftRun = decodeMapRun(r)
	case entryResumed:
		e.resumed = r.Bool()
	default:
		r.Keep(&e.unknown)
	}
}

// Fields of an attempt.
const (
	attemptID        = 1
	attemptNumber    = 2
	attemptPhaseNow  = 3
	attemptStarted   = 4
	attemptAccepted  = 5
	attemptParams    = 6
	attemptDeadline  = 7
	attemptOwner     = 8
	attemptUntil     = 9
	attemptLostCalls = 10
	attemptMode      = 11
	attemptHTTP      = 12
	attemptChildFlow = 13
	attemptChild     = 14
	attemptItems     = 15
	attemptFirst     = 16
)

func encodeAttempt(w *flow.FieldWriter, a *attempt) {
	w.Uint(attemptID, uint64(a.id))
	w.Uint(attemptNumber, uint64(a.number))
	w.Uint(attemptPhaseNow, uint64(a.phase))
	w.Bool(attemptStarted, a.started)
	w.Bool(attemptAccepted, a.submitted)
	w.Value(attemptParams, a.params)
	w.Uint(attemptDeadline, uint64(a.deadline))
	w.Fixed(attemptOwner, a.owner)
	w.Uint(attemptUntil, uint64(a.until))
	w.Uint(attemptLostCalls, uint64(a.lostCalls))
	w.Uint(attemptMode, uint64(a.mode))
	w.Bool(attemptHTTP, a.http)
	w.String(attemptChildFlow, a.childFlow)
	w.String(attemptChild, a.child)
	w.Uint(attemptItems, uint64(a.items))
	w.Uint(attemptFirst, uint64(a.first))
	w.Unknown(a.unknown)
}

func decodeAttempt(r *flow.FieldReader) *attempt {
	a := &attempt{}
	after := r.Enter()
	for r.Next() {
		switch r.Field {
		case attemptID:
			a.id = int64(r.Uint())
		case attemptNumber:
			a.number = int(r.Uint())
		case attemptPhaseNow:
			a.phase = attemptPhase(r.Small(math.MaxUint8))
		case attemptStarted:
			a.started = r.Bool()
		case attemptAccepted:
			a.submitted = r.Bool()
		case attemptParams:
			a.params = r.Value()
		case attemptDeadline:
			a.deadline = int64(r.Uint())
		case attemptOwner:
			a.owner = r.Fixed()
		case attemptUntil:
			a.until = int64(r.Uint())
		case attemptLostCalls:
			a.lostCalls = int(r.Uint())
		default:
			a.decodeTarget(r)
		}
	}
	r.Leave(after)
	return a
}

// decodeTarget decodes a field that tells what the attempt calls.
func (a *attempt) decodeTarget(r *flow.FieldReader) {
	switch r.Field {
	case attemptMode:
		a.mode = flow.TaskMode(r.Small(math.MaxUint8))
	case attemptHTTP:
		a.http = r.Bool()
	case attemptChildFlow:
		a.childFlow = r.String()
	case attemptChild:
		a.child = r.String()
	case attemptItems:
		a.items = int(r.Small(math.MaxInt32))
	case attemptFirst:
		a.first = int(r.Small(math.MaxInt32))
	default:
		r.Keep(&a.unknown)
	}
}

// Fields of an outbox entry.
const (
	outboxKind   = 1
	outboxID     = 2
	outboxToken  = 3
	outboxOutput = 4
	outboxError  = 5 // and 6
	outboxFlow   = 7
	outboxName   = 8
	outboxNext   = 9
	outboxTries  = 10
	outboxSince  = 11
)

func encodeOutboxEntry(w *flow.FieldWriter, o *OutboxEntry) {
	w.Uint(outboxKind, uint64(o.Kind))
	w.Uint(outboxID, uint64(o.ID))
	w.String(outboxToken, o.Token)
	w.Value(outboxOutput, o.Output)
	w.Error(outboxError, o.Error)
	w.String(outboxFlow, o.Flow)
	w.String(outboxName, o.Name)
	w.Uint(outboxNext, uint64(o.Next))
	w.Uint(outboxTries, uint64(o.Tries))
	w.Uint(outboxSince, uint64(o.Since))
	w.Unknown(o.unknown)
}

func decodeOutboxEntry(r *flow.FieldReader) (o OutboxEntry) {
	after := r.Enter()
	for r.Next() {
		switch r.Field {
		case outboxKind:
			o.Kind = OutboxKind(r.Small(math.MaxUint8))
		case outboxID:
			o.ID = int64(r.Uint())
		case outboxToken:
			o.Token = r.String()
		case outboxOutput:
			o.Output = r.Value()
		case outboxError:
			r.ErrorName(&o.Error)
		case outboxError + 1:
			r.ErrorCause(&o.Error)
		case outboxFlow:
			o.Flow = r.String()
		case outboxName:
			o.Name = r.String()
		case outboxNext:
			o.Next = int64(r.Uint())
		case outboxTries:
			o.Tries = int(r.Uint())
		case outboxSince:
			o.Since = int64(r.Uint())
		default:
			r.Keep(&o.unknown)
		}
	}
	r.Leave(after)
	return o
}
