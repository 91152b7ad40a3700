package engine

import (
	"slices"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/share"
)

// transaction is one step of an execution and its commit. It either advances the execution, or only
// accepts messages for it. Which of both is not a property of the process: a step runner accepts
// the report of a child's end for an execution that it does not advance.
type transaction struct {
	engine  *Engine
	mailbox *mailbox

	starts    []*envelope
	wakes     []*envelope
	envelopes []*envelope // those with a message
	readInbox bool

	created       bool        // the commit claims the name
	due           bool        // the sweeper found the row due
	late          int64       // ms since it was due; 0 if it was not
	resetCounts   bool        // the row counts attempts: the next commit resets them
	engineCounted *bool       // set once commitWithRetry has counted this engine
	fatal         *flow.Error // the execution cannot be advanced: it ends with this error
	before        need        // what was left to do before the step
	out           interp.Effects

	turn *share.Turn // held while the step computes, nil while it waits

	places        int  // reserved in the line, and neither released nor handed to calls
	callsWithheld bool // the account has no capacity for all ready attempts
}

// newTransaction sorts the envelopes of a transaction.
func newTransaction(e *Engine, m *mailbox, items []*envelope) *transaction {
	t := &transaction{engine: e, mailbox: m}
	for _, it := range items {
		switch {
		case it.start != nil:
			t.starts = append(t.starts, it)
		case it.due, it.capacityFreed:
			t.wakes = append(t.wakes, it)
		case it.inbox:
			t.readInbox = true
		default:
			t.envelopes = append(t.envelopes, it)
		}
	}
	return t
}

// run runs the transaction: load, step, commit, effects.
func (t *transaction) run() error {
	if err := t.load(); err != nil {
		return err
	}
	if err := t.decide(); err != nil {
		t.unreserve(0)
		return err
	}
	t.unreserve(len(t.out.Calls))
	m := t.mailbox
	m.pickupCounted, m.more, m.callsWithheld = true, t.out.More, t.callsWithheld
	t.sendReplies()
	t.applyEffects()
	return nil
}

// decide runs the step and its commit. It holds no processor when it returns or panics.
func (t *transaction) decide() error {
	defer t.endTurn()
	if t.mailbox.work == nil {
		return t.accept()
	}
	return t.advance()
}

// load loads the execution or prepares its claim, and completes the messages of the step.
func (t *transaction) load() (err error) {
	e, m := t.engine, t.mailbox
	if len(t.starts) > 0 {
		t.created, err = e.claim(m, t.starts[0])
	} else {
		err = e.load(m)
	}
	if err != nil {
		return err
	}
	if t.readInbox && e.ownsStore() {
		if m.inbox, err = e.Store.Inbox(e.ctx, m.x); err != nil {
			return err
		}
	}
	t.drainInbox(&m.inbox)
	for _, it := range t.envelopes {
		m.state.Bind(&it.message)
	}
	t.due = slices.ContainsFunc(t.wakes, isDue) && m.x.Wake > 0 && m.x.Wake <= e.nowMillis()
	if t.due {
		t.late = e.nowMillis() - m.x.Wake
	}
	t.resetCounts = m.x.SweepAttempts > 0 || m.x.EngineAttempts > 0
	t.before = need{ready: !t.created && m.state.Ready(), unsent: m.state.Unsent()}
	return nil
}

func isDue(it *envelope) bool { return it.due }

// isDone reports whether the execution has ended and nothing waits for a reply or a delivery.
func (t *transaction) isDone() bool {
	return t.mailbox.state.Final() && len(t.envelopes) == 0 && len(t.mailbox.state.Outbox) == 0
}

// accept accepts the messages and leaves what follows from them to an executor. It needs no machine
// and leases no calls.
func (t *transaction) accept() error {
	if t.isDone() {
		return nil
	}
	if err := t.step(nil, nil); err != nil {
		return err
	}
	if t.out.Changed || t.created {
		return t.commit()
	}
	return nil
}

// advance continues the execution as far as it can, and leases calls.
func (t *transaction) advance() error {
	if t.isDone() {
		return nil
	}
	leave, err := t.enterQuarantine()
	if err != nil {
		return err
	}
	defer leave()
	if err := t.countEngine(); err != nil {
		return err
	}
	if err := t.loadMachine(); err != nil {
		return err
	}
	if err := t.step(t.mailbox.machine, t.leaseOptions()); err != nil {
		return err
	}
	if t.out.Changed || t.created || t.resetCounts || t.wokeEarly() {
		return t.commit()
	}
	return nil
}

// loadMachine loads the machine, unless the mailbox has it or nothing would run on it.
func (t *transaction) loadMachine() (err error) {
	m := t.mailbox
	if m.machine == nil && (!m.state.Final() || t.redrives()) && t.fatal == nil {
		m.machine, err = t.engine.machines.get(t.engine.backgroundContext(m.partition), m.x)
	}
	return err
}

// redrives reports whether a message begins another life of the execution, perhaps.
func (t *transaction) redrives() bool {
	return slices.ContainsFunc(t.envelopes, func(it *envelope) bool {
		return it.message.Kind == interp.RedriveRequested
	})
}

// wokeEarly reports whether the row's wake time passed although nothing was due. It must be moved,
// or the sweeper would find the row again and again.
func (t *transaction) wokeEarly() bool {
	x := t.mailbox.x
	return !t.mailbox.state.Final() && x.Wake > 0 && x.Wake <= t.engine.nowMillis()
}
