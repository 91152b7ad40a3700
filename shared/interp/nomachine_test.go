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

// TestLongReportWithoutMachine: a report that is longer than a result may be fails the execution
// also where it is folded by a process that has no definition.
func TestLongReportWithoutMachine(t *testing.T) {
	r := newRoom(t, machine(fc("a", "TaskMode: WaitForCustomCallback, End: true")), `{}`)
	call := r.step(0).Calls[0]
	r.step(1, answer(&call, `{}`))
	r.m, r.limits.ResultBytes = nil, 1000
	fx := r.step(2, report(&call, `"`+strings.Repeat("x", 1000)+`"`))
	r.wrote(fx, flow.StateAborted, flow.ExecutionFailed)
	if r.s.Status != flow.Failed || r.s.Error.Name != flow.ErrDataLimit {
		t.Errorf("%v %v", r.s.Status, r.s.Error)
	}
}

// TestNewsNeedsNoMachine: without a machine every kind of news is taken in, in whatever state an
// execution is and whatever is due, and comes to the same verdict and the same events as with it.
func TestNewsNeedsNoMachine(t *testing.T) {
	seeds := uint64(24)
	if testing.Short() {
		seeds = 6
	}
	accepted := map[interp.NewsKind]int{}
	inTheMiddle(t, seeds, func(seed uint64, d *driver) {
		for _, n := range everyNews(d.state.LastEvent) {
			for _, at := range []int64{d.now, d.now + 400_000, d.facts.Deadline} {
				if foldsTheSame(t, d, at, n) {
					accepted[n.Kind]++
				}
				if t.Failed() {
					t.Fatalf("seed %d, fold %d: %+v", seed, d.folds, n)
				}
			}
		}
	})
	for kind := interp.Answered; kind <= interp.Returned; kind++ {
		if accepted[kind] < 10 {
			t.Errorf("news of kind %d was accepted %d times", kind, accepted[kind])
		}
	}
}

// everyNews is news of every kind, about everything that an event of an execution can name.
func everyNews(last int64) (all []interp.News) {
	failed := &flow.Error{Name: "Busy", Cause: "because"}
	all = append(all, interp.News{Kind: interp.StopAsked}, interp.News{Kind: interp.StopAsked, Error: failed},
		interp.News{Kind: interp.Broken, Error: failed})
	for id := range last + 2 {
		all = append(all, interp.News{Kind: interp.Sent, Outgoing: id},
			interp.News{Kind: interp.Sent, Outgoing: id, Next: start + 1_000_000})
		for _, kind := range []interp.NewsKind{interp.LeaseOver, interp.Renewed, interp.Returned} {
			all = append(all, interp.News{Kind: kind, Attempt: id, Owner: owner, Until: start + 1_000_000})
		}
		for _, result := range []interp.News{{Output: []byte(`{}`)}, {Output: longResult}, {Error: failed}} {
			ended, reported := result, result
			ended.Kind, ended.Attempt = interp.Answered, id
			reported.Kind, reported.Token, reported.Mark = interp.Reported, id, 77
			all = append(all, ended, reported)
			ended.Async = true
			all = append(all, ended)
		}
	}
	return all
}

// longResult is longer than the limit that foldsTheSame sets.
var longResult = []byte(`"` + strings.Repeat("x", 2000) + `"`)

// foldsTheSame folds news into the driver's execution with and without the machine, and reports
// whether it is accepted.
func foldsTheSame(t *testing.T, d *driver, at int64, n interp.News) bool {
	t.Helper()
	limits := d.limits
	limits.ResultBytes = 1000
	ev := interp.Event{At: at, News: []interp.News{n}, Events: 1}
	without := interp.Step(nil, &limits, d.copied(), ev)
	with := interp.Step(d.m, &limits, d.copied(), ev)
	if !slices.Equal(without.Verdicts, with.Verdicts) {
		t.Errorf("without a machine: %v, with it: %v", without.Verdicts, with.Verdicts)
	}
	got, want := lines(without.Events), lines(with.Events)
	if !bytes.HasPrefix(want, got) {
		t.Errorf("without a machine:\n%swith it:\n%s", got, want)
	}
	return with.Verdicts[0].Refusal == interp.Accepted
}

// lines are events, a line each, without their values.
func lines(events []flow.HistoryEvent) (text []byte) {
	for _, e := range events {
		text = fmt.Appendf(text, "%d<%d %s %d %x %v\n", e.ID, e.Schedule, e.Type, e.Node, e.Mark, e.Error)
	}
	return text
}

// copied is the driver's execution as a process reads it that has not seen it before.
func (d *driver) copied() *interp.State {
	old, s := d.state, interp.New(d.facts)
	s.Status, s.Output, s.Error, s.Stopped = old.Status, old.Output, old.Error, old.Stopped
	s.LastEvent, s.LastTime = old.LastEvent, old.LastTime
	if err := s.DecodeBody(bytes.Clone(d.body)); err != nil {
		d.t.Fatal(err)
	}
	return s
}
