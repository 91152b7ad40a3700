package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/task"
)

const flowV1Wait = `version: v1
type: flow
steps:
  - type: task
    name: A
    resourceArn: acs:fc:::services/s/functions/f
    pattern: waitForCallback
    end: true
    catch:
      - {errors: [FnF.ALL], goto: saved}
  - {type: pass, name: saved, outputMappings: [{target: saved, source: true}]}
`

const stateMachineWait = `Type: StateMachine
SpecVersion: v1
Name: %s
StartAt: A
States:
  - Name: A
    Type: Task
    Action: FC:InvokeFunction
    TaskMode: WaitForCustomCallback
    Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}
    Catch: [{Errors: [FnF.ALL], OutputConstructor: {saved: true}, Next: saved}]
    End: true
  - {Name: saved, Type: Succeed}
`

// sized returns a JSON object of n bytes.
func sized(n int) []byte { return []byte(`{"x":"` + strings.Repeat("y", n-8) + `"}`) }

// dataLimits are the two dialects and how many bytes may be reported to a task of each.
var dataLimits = []struct {
	name, definition string
	limit            int
}{
	{"flowV1", flowV1Wait, 32 << 10},
	{"stateMachine", fmt.Sprintf(stateMachineWait, "stateMachine"), 64 << 10},
}

// TestReportLimit: a report is measured by the limit of the execution's own dialect. If it is too
// large, the task keeps waiting.
func TestReportLimit(t *testing.T) {
	for _, l := range dataLimits {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			h := w.open(nil)
			f := w.define(l.name, flow.Standard, l.definition)
			h.start(f, "one")
			time.Sleep(time.Second)
			token := w.tasks.token("one", "A")
			report := func(n int) error {
				_, err := h.Report(context.Background(), account, token,
					engine.Report{Output: sized(n)})
				return err
			}
			err := report(l.limit + 1)
			var large *engine.TooLargeError
			if !errors.As(err, &large) || large.Limit != l.limit {
				t.Errorf("%s: a report of %d bytes gives %v", l.name, l.limit+1, err)
			}
			if x := w.load(f, "one"); x.Status != flow.Running {
				t.Errorf("%s: it is %v", l.name, x.Status)
			}
			// In FlowV1, input, output and local data of a step count together.
			if err := report(l.limit - 7); err != nil {
				t.Errorf("%s: a report of %d bytes gives %v", l.name, l.limit-7, err)
			}
			time.Sleep(time.Second)
			w.checkEnded(f, "one", flow.Succeeded, "")
			h.close()
		})
	}
}

// TestCallbackLimit: if an execution's output is larger than the dialect of the waiting task
// allows, it is reported as failed, and the flow can catch that. A smaller output is reported as it
// is.
func TestCallbackLimit(t *testing.T) {
	const caught = `{"saved":true}`
	for _, l := range dataLimits {
		for _, output := range []int{32<<10 - 7, 32<<10 + 1, 64<<10 - 7} {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
				h := w.open(nil)
				f := w.define(l.name, flow.Standard, l.definition)
				h.start(f, "one")
				time.Sleep(time.Second)
				child := w.flow("child", onePass)
				in := sized(output)
				h.startWith(engine.Start{Flow: child, Name: "c", Input: in, Canonical: in,
					CallbackToken: w.tasks.token("one", "A")})
				time.Sleep(time.Minute)
				want := len(in)
				if output > l.limit {
					want = len(caught)
				}
				w.checkEnded(f, "one", flow.Succeeded, "")
				if x := w.load(f, "one"); x.Output == nil || x.Output.Len() != want {
					t.Errorf("%s: a child with an output of %d bytes: got %v %v, want %d bytes",
						l.name, output,
						x.Output, x.Error, want)
				}
				h.close()
			})
		}
	}
}

// TestChildInputLimit: the input of an execution that a task starts is measured by the dialect of
// the flow that is started.
func TestChildInputLimit(t *testing.T) {
	for _, l := range dataLimits {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			h := w.open(nil)
			w.define(l.name, flow.Standard, l.definition)
			for n, want := range map[int]fault.Code{l.limit: "",
				l.limit + 1: fault.EntityTooLarge} {
				_, err := h.service().StartChild(context.Background(),
					flow.Child{Account: account, FlowName: l.name,
						ExecutionName: fmt.Sprint("n", n), Input: sized(n), Key: fmt.Sprint(n)})
				if fault.CodeOf(err) != want {
					t.Errorf("%s: an input of %d bytes gives %v", l.name, n, err)
				}
			}
			h.close()
		})
	}
}

// TestRepeatedStartAtTheLimit: a start that would start nothing is neither throttled nor rejected
// by a full disk.
func TestRepeatedStartAtTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(func(o *engine.Options) { o.Limits.Executions = 3 })
		h.CountingDone(true)
		f := w.flow("f", oneTask)
		w.tasks.on("A", func(ctx context.Context, r task.Request) task.Result {
			if r.Execution == "ended" {
				return task.Result{Output: []byte(`{}`)}
			}
			return sleeping(time.Hour, `{}`)(ctx, r)
		})
		h.start(f, "ended")
		time.Sleep(time.Second)
		var runs []uint64
		for i := range 3 {
			runs = append(runs, h.start(f, fmt.Sprint("e", i)).Run)
		}
		repeated := func(when string) {
			for i, run := range runs {
				x, created, err := h.StartExecution(context.Background(),
					starting(f, fmt.Sprint("e", i)))
				if err != nil || created || x.Run != run || x.Status != flow.Running {
					t.Errorf("%s, e%d again: %v, created %v, %v", when, i, x, created, err)
				}
			}
			x, created, err := h.StartExecution(context.Background(), starting(f, "ended"))
			if err != nil || created || x.Status != flow.Succeeded {
				t.Errorf("%s, the ended one again: %v, created %v, %v", when, x, created, err)
			}
		}
		repeated("at the limit")
		_, _, err := h.StartExecution(context.Background(), starting(f, "e3"))
		if !errors.Is(err, engine.ErrExecutionsLimit) {
			t.Errorf("a fourth one: %v", err)
		}
		// A repeat of a start whose response was lost: its origin identifies it.
		same := starting(f, "e0")
		same.Origin = "request#k#n"
		if _, created, err := h.StartExecution(context.Background(), same); err != nil || created {
			t.Errorf("a start of another origin: created %v, %v", created, err)
		}
		h.close()

		h = w.open(nil)
		w.hooks(func(op string, _ driver.Key) error {
			if strings.HasPrefix(op, "commit") {
				return store.ErrDiskFull
			}
			return nil
		}, nil)
		repeated("on a full disk")
		w.hooks(nil, nil)
		h.close()
	})
}
