package interp_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/interp"
)

// TestLongReportWithoutMachine: a report above the maximum length of a result fails the execution,
// also if a process without the definition applies it.
func TestLongReportWithoutMachine(t *testing.T) {
	r := newHarness(t, stateMachine(fc("a", "TaskMode: WaitForCustomCallback, End: true")), `{}`)
	call := r.step(0).Calls[0]
	r.step(1, callCompleted(&call, `{}`))
	r.m, r.limits.ResultBytes = nil, 1000
	fx := r.step(2, taskReported(&call, `"`+strings.Repeat("x", 1000)+`"`))
	r.wantEvents(fx, flow.StateAborted, flow.ExecutionFailed)
	if r.s.Status != flow.Failed || r.s.Error.Name != flow.ErrDataLimit {
		t.Errorf("%v %v", r.s.Status, r.s.Error)
	}
}

// TestMessagesNeedNoMachine: every kind of message, in any state of an execution and with any timer
// due, leads to the same reply and the same events without a machine as with one.
func TestMessagesNeedNoMachine(t *testing.T) {
	seeds := uint64(24)
	if testing.Short() {
		seeds = 6
	}
	accepted := map[interp.MessageKind]int{}
	inTheMiddle(t, seeds, func(seed uint64, d *driver) {
		for _, n := range everyMessage(d.state.LastEvent) {
			for _, at := range []int64{d.now, d.now + 400_000, d.facts.Deadline} {
				if stepsTheSame(t, d, at, n) {
					accepted[n.Kind]++
				}
				if t.Failed() {
					t.Fatalf("seed %d, step %d: %+v", seed, d.steps, n)
				}
			}
		}
	})
	for kind := interp.CallCompleted; kind <= interp.CallReturned; kind++ {
		if accepted[kind] < 10 {
			t.Errorf("messages of kind %d were accepted %d times, want 10", kind, accepted[kind])
		}
	}
}

// everyMessage returns messages of every kind, about everything that an event of an execution can
// name.
func everyMessage(last int64) (all []interp.Message) {
	failed := &flow.Error{Name: "Busy", Cause: "because"}
	all = append(all, interp.Message{Kind: interp.StopRequested},
		interp.Message{Kind: interp.StopRequested, Error: failed},
		interp.Message{Kind: interp.EngineFailed, Error: failed})
	for id := range last + 2 {
		all = append(all, interp.Message{Kind: interp.Delivered, OutboxID: id},
			interp.Message{Kind: interp.Delivered, OutboxID: id, Next: start + 1_000_000})
		for _, kind := range []interp.MessageKind{interp.LeaseExpired, interp.LeaseRenewed,
			interp.CallReturned} {
			all = append(all, interp.Message{Kind: kind, Attempt: id, Owner: owner,
				Until: start + 1_000_000})
		}
		for _, result := range []interp.Message{{Output: []byte(`{}`)}, {Output: longResult},
			{Error: failed}} {
			ended, reported := result, result
			ended.Kind, ended.Attempt = interp.CallCompleted, id
			reported.Kind, reported.TokenID, reported.Mark = interp.TaskReported, id, 77
			all = append(all, ended, reported)
			ended.Async = true
			all = append(all, ended)
		}
	}
	return all
}

// longResult exceeds the limit that stepsTheSame sets.
var longResult = []byte(`"` + strings.Repeat("x", 2000) + `"`)

// stepsTheSame applies a message to the driver's execution with and without the machine, and
// reports whether it is accepted.
func stepsTheSame(t *testing.T, d *driver, at int64, n interp.Message) bool {
	t.Helper()
	limits := d.limits
	limits.ResultBytes = 1000
	ev := interp.StepInput{At: at, Messages: []interp.Message{n}, EventsMax: 1}
	without := interp.Step(nil, &limits, d.clone(), ev)
	with := interp.Step(d.m, &limits, d.clone(), ev)
	if !slices.Equal(without.Replies, with.Replies) {
		t.Errorf("without a machine: %v, with it: %v", without.Replies, with.Replies)
	}
	got, want := lines(without.Events), lines(with.Events)
	if !bytes.HasPrefix(want, got) {
		t.Errorf("without a machine:\n%swith it:\n%s", got, want)
	}
	return with.Replies[0].Rejection == interp.Accepted
}

// lines returns events as text, one line for each, without their values.
func lines(events []flow.HistoryEvent) (text []byte) {
	for _, e := range events {
		text = fmt.Appendf(text, "%d<%d %s %d %x %v\n", e.ID, e.Schedule, e.Type, e.Node, e.Mark,
			e.Error)
	}
	return text
}

// clone returns the driver's execution as a process decodes it that has not seen it before.
func (d *driver) clone() *interp.State {
	old, s := d.state, interp.New(d.facts)
	s.Status, s.Output, s.Error, s.Stopped = old.Status, old.Output, old.Error, old.Stopped
	s.LastEvent, s.LastTime = old.LastEvent, old.LastTime
	if err := s.DecodeBody(bytes.Clone(d.body)); err != nil {
		d.t.Fatal(err)
	}
	return s
}
