package engine_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// TestClaimsOfAcceptorsOnlyClaim: also if the flow's row has no dialect, and the engine reads the
// definition for it.
func TestClaimsOfAcceptorsOnlyClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		d := w.deploy(5*time.Minute, nil)
		f := w.flow("f", oneTask)
		f.Dialect = 0
		if x := d.start(f, "one"); x.LastEvent != 1 {
			t.Errorf("the claim has %d events", x.LastEvent)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Succeeded, `{"done":true}`)
	})
}

// TestAcceptorMessages: an acceptor accepts a report, a stop and a child's end without the
// definition, and a worker goes on.
func TestAcceptorMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		d := w.deploy(5*time.Minute, func(o *engine.Options) { o.Now = nil })
		f := w.flow("f",
			"- {Name: A, CALL, TaskMode: WaitForCustomCallback, Next: B}\n"+
				"- {Name: B, CALL, End: true}\n")
		parent := w.flow("parent",
			"- {Name: A, Type: Task, Action: 'FNF:StartExecution', "+
				"TaskMode: WaitForSystemCallback, Parameters: {resourceArn: 'acs:fnf:::flow/f', "+
				"executionName: kid, input: {}}, Next: B}\n- {Name: B, CALL, End: true}\n")
		d.start(parent, "p")
		d.start(f, "stopped")
		time.Sleep(time.Second)
		synctest.Wait()
		if _, err := d.Stop(context.Background(), store.Partition(f.ID, "stopped"),
			&flow.Error{Name: "E"}); err != nil {
			t.Error(err)
		}
		before := w.load(f, "kid").LastEvent
		id, err := d.Report(context.Background(), account, w.tasks.token("kid", "A"),
			engine.Report{Output: []byte(`{"r":1}`)})
		if err != nil || id <= before {
			t.Errorf("report: event %d, %v", id, err)
		}
		if _, err := d.Report(context.Background(), account, w.tasks.token("kid", "A"),
			engine.Report{Output: []byte(`{"r":2}`)}); err == nil {
			t.Error("a second report was accepted")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		w.checkEnded(f, "kid", flow.Succeeded, "")
		w.checkEnded(f, "stopped", flow.Stopped, "")
		w.checkEnded(parent, "p", flow.Succeeded, "")
		if n := w.tasks.called("B"); n != 2 {
			t.Errorf("B was called %d times", n)
		}
	})
}

// TestAcceptorHintsLost: every hint is lost; the hints of the sweeper suffice.
func TestAcceptorHintsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		d := w.deploy(5*time.Minute, nil)
		lost := w.deploy(5*time.Minute, func(o *engine.Options) { o.Queue = discardQueue{} })
		f := w.flow("f",
			"- {Name: A, CALL, Next: B}\n- {Name: B, Type: Wait, Seconds: 200, Next: C}\n"+
				"- {Name: C, CALL, End: true}\n")
		lost.start(f, "one")
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Succeeded, "")
		if d.invocations.Load() == 0 {
			t.Error("nobody worked")
		}
	})
}

// TestAcceptorPoison: an execution that crashes every worker fails in the end, and the failure is
// visible.
func TestAcceptorPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneTask)
		d := w.deploy(5*time.Minute, func(o *engine.Options) { o.Queue = discardQueue{} })
		d.start(f, "one")
		one := store.Partition(f.ID, "one")
		var died int
		for range 60 {
			time.Sleep(90 * time.Minute) // the sweeper sends hints, which are dropped
			if w.load(f, "one").Status.Final() {
				break
			}
			// A worker that dies at its first commit, unless that commit counts attempts or fails
			// the execution.
			attempts, last := w.load(f, "one").EngineAttempts, w.load(f, "one").LastEvent
			w.hooks(nil, func(op string, k driver.Key) error {
				if op == memstore.OpCommit && k.Partition == one &&
					w.load(f, "one").EngineAttempts == attempts &&
					w.load(f, "one").LastEvent == last {
					return nil
				}
				if op == memstore.OpCommit && k.Partition == one {
					died++
					return context.Canceled
				}
				return nil
			})
			d.invoke(context.Background(), 5*time.Minute, one)
			w.hooks(nil, nil)
		}
		x := w.load(f, "one")
		if x.Status != flow.Failed || x.Error == nil || x.Error.Name != "FnF.InternalError" {
			t.Errorf("%v %v after %d deaths; tries %d, begun %d", x.Status, x.Error, died,
				x.SweepAttempts, x.EngineAttempts)
		}
	})
}

// TestAcceptorWithoutDefinition: an execution whose definition is missing fails in the end, and the
// failure is visible.
func TestAcceptorWithoutDefinition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", oneTask)
		var lost atomic.Bool
		d := w.deploy(5*time.Minute, func(o *engine.Options) {
			o.Queue = discardQueue{}
			o.Compile = func(definition, mode string) (*flow.Machine, error) {
				if lost.Load() {
					return nil, errors.New("a definition that nobody understands")
				}
				return compile(definition, mode)
			}
		})
		d.start(f, "one")
		lost.Store(true)
		for range 60 {
			time.Sleep(90 * time.Minute) // the sweeper sends hints, which are dropped
			if w.load(f, "one").Status.Final() {
				break
			}
			d.invoke(context.Background(), 5*time.Minute, store.Partition(f.ID, "one"))
		}
		x := w.load(f, "one")
		if x.Status != flow.Failed || x.Error == nil || x.Error.Name != "FnF.InternalError" {
			t.Errorf("%v %v; tries %d, begun %d", x.Status, x.Error, x.SweepAttempts,
				x.EngineAttempts)
		}
	})
}
