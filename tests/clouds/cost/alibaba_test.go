package cost_test

import (
	"testing"
	"time"

	"millrace/shared/rpc/client"
	"millrace/tests/clouds/cost"
	harness "millrace/tests/clouds/emulators/alibaba/fc"
	"millrace/tests/clouds/fc"
)

// alibaba is a deployment whose emulators count requests.
type alibaba struct {
	*fc.Stack
	tasks *work
	ahead time.Duration // how far the clock of executions is ahead

	calls                   map[string]int64 // of MNS, at the begin of metering
	requests, runs, batches int64            // at the begin of metering
	sweeps                  int64            // so far, then
	api, runner             time.Duration
}

// stateTable is the name of the table, not of an index, in deployments of tests.
const stateTable = "state"

// openAlibaba deploys functions with the settings of s.yaml.
func openAlibaba(t *testing.T) target {
	a := &alibaba{tasks: newWork()}
	a.Stack = fc.Deploy(t, fc.Options{Runtime: harness.Custom,
		Env: []string{"MILLRACE_CALL_SECONDS=120", "MILLRACE_SETTINGS={Limits: {Events: 100000}}"},
		Function: func(f *harness.Function) {
			switch f.Name {
			case "api":
				f.Timeout, f.Concurrency = 330*time.Second, 50
			case "steprunner":
				f.Timeout, f.Concurrency = 600*time.Second, 10
			}
		},
		Sweeps: -1, Clock: true,
	})
	a.Users.Add("f", a.tasks.do)
	return a
}

func (a *alibaba) prices() cost.Cloud     { return cost.Alibaba }
func (a *alibaba) client() *client.Client { return a.Client }
func (a *alibaba) work() *work            { return a.tasks }
func (a *alibaba) now() time.Time         { return time.Now().Add(a.ahead) }

func (a *alibaba) idle() bool {
	active, inactive, _ := a.MNS.Counts("millrace")
	return active+inactive == 0 && a.API.Idle() && a.StepRunner.Idle() && a.Sweeper.Idle()
}

// pass lets time pass, for delayed messages too.
func (a *alibaba) pass(_ *testing.T, by time.Duration) {
	a.ahead += by
	a.Ahead(a.ahead)
	a.MNS.Advance(by)
	a.Sweep()
}

func (a *alibaba) reset() {
	a.Store.ResetUsage()
	a.calls, a.sweeps = a.MNS.Calls(), a.Sweeper.Invocations()
	a.requests, a.runs, a.batches = a.API.Invocations(), a.StepRunner.Invocations(),
		a.Stream.Batches.Load()
	a.api, a.runner = a.API.Billed(), a.StepRunner.Billed()
}

func (a *alibaba) used(t *testing.T) cost.Bill {
	t.Helper()
	var writes, reads, indexWrites, indexReads float64
	for name, u := range a.Store.Usage() {
		t.Logf("%s: %+v", name, u)
		writes += float64(u.Writes)
		reads += float64(u.Reads)
		if name != stateTable {
			// A read of an index looks for due rows. Here it finds few, and costs one unit.
			reads -= float64(u.Requests)
			indexWrites += float64(u.Writes)
			indexReads += float64(u.Reads - u.Requests)
		}
	}
	// The search for due rows begins with the row that has the number of shards.
	reads -= float64(a.Sweeper.Invocations() - a.sweeps)
	batches := float64(a.Stream.Batches.Load() - a.batches)
	calls := a.MNS.Calls()
	sends := float64(calls["SendMessage"] +
		calls["BatchSendMessage"] - a.calls["SendMessage"] - a.calls["BatchSendMessage"])
	invocations := float64(a.API.Invocations() - a.requests + a.StepRunner.Invocations() - a.runs)
	api, runner := (a.API.Billed() - a.api).Seconds(), (a.StepRunner.Billed() - a.runner).Seconds()
	return cost.Bill{Used: []float64{writes, reads, sends + 2*batches, batches, invocations,
		api*cost.AlibabaAPICPU + runner*cost.AlibabaRunnerCPU,
		api*cost.AlibabaAPIMemory + runner*cost.AlibabaRunnerMemory},
		IndexWrites: indexWrites, IndexReads: indexReads}
}
