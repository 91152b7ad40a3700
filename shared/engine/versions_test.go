package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// published is a flow "f" with version 1, to which its alias "live" routes, and another current
// definition. An execution ends with the number of its definition.
func published(h *node) *store.Flow {
	h.w.t.Helper()
	ctx, s := context.Background(), h.service()
	text := func(n int) string {
		return fmt.Sprintf("Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: A\nStates:\n"+
			"- {Name: A, Type: Pass, OutputConstructor: {n: %d}, End: true}\n", n)
	}
	f := h.w.define("f", flow.Standard, text(1))
	newer := text(2)
	_, err := s.PublishFlowVersion(ctx, scheduleCaller,
		cloudflow.PublishFlowVersionRequest{FlowName: "f"})
	if err == nil {
		_, err = s.CreateFlowAlias(ctx, scheduleCaller, cloudflow.CreateFlowAliasRequest{
			FlowName: "f", Name: "live",
			RoutingConfigurations: `[{"Version":"1","Weight":100}]`})
	}
	if err == nil {
		_, err = s.UpdateFlow(ctx, scheduleCaller,
			cloudflow.UpdateFlowRequest{Name: "f", Definition: &newer})
	}
	if err != nil {
		h.w.t.Fatal(err)
	}
	return f
}

func (h *node) deleteAlias() {
	h.w.t.Helper()
	if err := h.service().DeleteFlowAlias(context.Background(), scheduleCaller,
		cloudflow.FlowAliasRequest{FlowName: "f", Name: "live"}); err != nil {
		h.w.t.Fatal(err)
	}
}

func (w *harness) wantOutput(f *store.Flow, name, want string) {
	w.t.Helper()
	x := w.load(f, name)
	if x.Status != flow.Succeeded || string(x.Output.Text()) != want {
		w.t.Errorf("%s has the status %v and the output %s, want %s", name, x.Status,
			x.Output.Text(), want)
	}
}

// TestScheduleOfVersion: a schedule with a qualifier starts what its alias routes to. If its start
// is made again after the alias is gone, it finds its execution; a later start is rejected.
func TestScheduleOfVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(nil)
		f := published(h)
		if _, err := h.service().CreateSchedule(context.Background(), scheduleCaller,
			cloudflow.CreateScheduleRequest{FlowName: "f", ScheduleName: "s",
				CronExpression: "20 */2 * * * *", Qualifier: "live"}); err != nil {
			t.Fatal(err)
		}
		writes := 0
		w.hooks(func(op string, k driver.Key) error {
			if op != memstore.OpCommit || store.KindOf(k) != store.ScheduleRow {
				return nil
			}
			if writes++; writes == 2 { // the first decides what to start, the second that it is
				return errors.New("lost before it was written")
			}
			return nil
		}, nil)
		time.Sleep(20*time.Second + time.Millisecond)
		w.wantOutput(f, "s-946684820", `{"n":1}`)
		h.deleteAlias()
		time.Sleep(4 * time.Minute)
		w.checkStarted(f, startOf("s", 20*time.Second, 0))
		if c := h.ScheduleCounts(); writes < 4 || c.Started != 1 || c.Skipped != 0 ||
			c.Rejected != 2 {
			t.Errorf("counts %+v", c)
		}
	})
}

// TestSubFlowOfVersion: a task starts a version by the resource name of its flow, or by a
// parameter, and waits for it.
func TestSubFlowOfVersion(t *testing.T) {
	for what, parameters := range map[string]string{
		"resource name": "{resourceArn: 'acs:fnf:::flow/f/live'}",
		"parameter":     "{resourceArn: 'acs:fnf:::flow/f', qualifier: 1}",
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
				h := w.open(nil)
				published(h)
				parent := w.define("p", flow.Standard, "Type: StateMachine\nSpecVersion: v1\n"+
					"Name: p\nStartAt: A\nStates:\n- {Name: A, Type: Task, "+
					"Action: 'FNF:StartExecution', TaskMode: WaitForSystemCallback, "+
					"Parameters: "+parameters+", End: true}\n")
				h.start(parent, "x")
				time.Sleep(time.Minute)
				w.wantOutput(parent, "x", `{"n":1}`)
			})
		})
	}
}
