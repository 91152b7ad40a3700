package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/rpc/client"
	functions "millrace/tests/clouds"
	"millrace/tests/clouds/emulators"
	harness "millrace/tests/clouds/emulators/alibaba/fc"
	"millrace/tests/clouds/emulators/alibaba/mns"
	"millrace/tests/clouds/emulators/alibaba/tablestore"
	"millrace/tests/clouds/fc"
	"millrace/tests/clouds/lambda"
)

// deployment is a stack in a cloud, with the faults that these tests can cause in it.
type deployment struct {
	client *client.Client
	kill   []func() (busy int) // one for each function; busy is the number of invocations cut off
	sweep  func()
	clock  *functions.Clock
	store  atomic.Bool // the store is unreachable
	queue  atomic.Bool // the queue is unreachable
	full   atomic.Bool // the queue takes no messages
}

// sweeping ticks until the test ends. A failed sweep is repeated, as by a timer.
func (d *deployment) sweeping(t *testing.T) {
	life, stop := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		for life.Err() == nil {
			d.sweep()
			select {
			case <-time.After(time.Second):
			case <-life.Done():
			}
		}
	})
	t.Cleanup(func() {
		stop()
		work.Wait()
	})
}

var errAway = errors.New("connection refused: it has been stopped")

// onAWS deploys to Lambda, DynamoDB and SQS.
func onAWS(t *testing.T) *deployment {
	d := &deployment{}
	table := func(c emulators.Call) (*http.Response, error) {
		if d.store.Load() {
			return nil, errAway
		}
		return c.Send()
	}
	s := lambda.Deploy(t, lambda.Options{Env: []string{"MILLRACE_CALL_SECONDS=1"}, APIFaults: table,
		Faults: table, SweepFaults: table,
		Sweeps: -1, Clock: true, Receives: 1000,
		QueueFaults: func(c emulators.Call) (*http.Response, error) {
			switch {
			case d.queue.Load():
				return nil, errAway
			case d.full.Load():
				return c.Refuse(http.StatusForbidden, "OverLimit", "the queue is full")
			}
			return c.Send()
		}})
	d.client, d.clock = s.Client, s.Clock
	d.kill = []func() int{s.API.Kill, s.StepRunner.Kill, s.Sweeper.Kill}
	d.sweep = func() { s.Sweeper.Invoke([]byte(`{"kind":"sweep"}`)) }
	return d
}

// onAlibaba deploys to Function Compute, TableStore and MNS.
func onAlibaba(t *testing.T) *deployment {
	d := &deployment{}
	s := fc.Deploy(t, fc.Options{Runtime: harness.Custom, Env: []string{"MILLRACE_CALL_SECONDS=1"},
		Sweeps: -1, Clock: true})
	s.Store.SetFault(func(tablestore.Request) tablestore.Fault {
		return tablestore.Fault{Drop: d.store.Load()}
	})
	s.MNS.SetHook(func(c mns.Call) mns.Fault {
		switch {
		case d.queue.Load():
			return mns.LoseCall
		case d.full.Load() && (c.Op == "SendMessage" || c.Op == "BatchSendMessage"):
			return mns.Throttle
		}
		return mns.None
	})
	d.client, d.clock = s.Client, s.Clock
	d.kill = []func() int{s.API.Kill, s.StepRunner.Kill, s.Sweeper.Kill}
	event := fmt.Sprintf(`{"triggerTime":%q,"triggerName":"sweep","payload":""}`,
		time.Now().UTC().Format(time.RFC3339))
	d.sweep = func() { s.Sweeper.Invoke([]byte(event)) }
	return d
}

// stepsDefinition is a flow that needs several invocations: each wait is a timer of its own.
const stepsDefinition = "Type: StateMachine\nSpecVersion: v1\nName: steps\nStartAt: A\nStates:\n" +
	"- {Name: A, Type: Pass, OutputConstructor: {n.$: $Input.n}, Next: B}\n" +
	"- Name: B\n  Type: Parallel\n  Branches:\n" +
	"  - {StartAt: C, States: [{Name: C, Type: Wait, Seconds: 1, End: true}]}\n" +
	"  - {StartAt: D, States: [{Name: D, Type: Pass, Next: E}, {Name: E, Type: Wait, Seconds: " +
	"2, End: true}]}\n" +
	"  OutputConstructor: {n.$: $Input.n}\n  Next: F\n" +
	"- {Name: F, Type: Wait, Seconds: 1, End: true}\n"

// underLoad starts executions from several clients at once until hurt returns. Each start is
// repeated until it is acknowledged. Then underLoad checks all executions.
func (d *deployment) underLoad(t *testing.T, starters int, hurt func()) {
	t.Helper()
	if _, err := d.client.CreateFlow(context.Background(),
		cloudflow.CreateFlowRequest{Name: "steps", Definition: stepsDefinition,
			Type: "FDL"}); err != nil {
		t.Fatal(err)
	}
	d.sweeping(t)
	var mu sync.Mutex
	known, refused := map[string]int{}, 0
	stop := make(chan struct{})
	var work sync.WaitGroup
	var next atomic.Int64
	for range starters {
		work.Go(func() {
			for {
				n := int(next.Add(1))
				x := fmt.Sprint("x", n)
				for try := 0; ; try++ {
					_, err := d.client.StartExecution(context.Background(),
						cloudflow.StartExecutionRequest{FlowName: "steps", ExecutionName: x,
							Input: fmt.Sprintf(`{"n":%d}`, n)})
					mu.Lock()
					switch code := fault.CodeOf(err); {
					case err == nil || code == fault.ExecutionAlreadyExists && try > 0:
						known[x] = n
						err = nil
					case code.Retryable() || ofPlatform(err):
						// the fault asks the client to try again
						refused++
					default:
						t.Errorf("%s is refused: %v", x, err)
					}
					mu.Unlock()
					if err == nil {
						break
					}
					time.Sleep(50 * time.Millisecond)
				}
				select {
				case <-stop:
					return
				case <-time.After(200 * time.Millisecond):
				}
			}
		})
	}
	hurt()
	close(stop)
	work.Wait()
	// executions that lost their hint or their owner are due
	if err := d.clock.Move(3 * time.Minute); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d acknowledged, %d refused", len(known), refused)
	var all sync.WaitGroup
	places := make(chan struct{}, 4)
	for x, n := range known {
		places <- struct{}{}
		all.Go(func() {
			d.ends(t, x, n)
			<-places
		})
	}
	all.Wait()
}

// ofPlatform reports whether an error comes from the front end, which has no response of a function
// that was killed.
func ofPlatform(err error) bool {
	var r *client.ErrorResponse
	return errors.As(err, &r) && r.HTTPStatus >= 500
}

// ends waits for an execution and checks its end.
func (d *deployment) ends(t *testing.T, x string, n int) {
	wait := int64(10)
	var got *client.Execution
	var err error
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); {
		got, err = d.client.DescribeExecution(context.Background(),
			cloudflow.DescribeExecutionRequest{FlowName: "steps", ExecutionName: x,
				WaitTimeSeconds: &wait})
		if err == nil && got.Status != "Running" {
			break
		}
	}
	if err != nil || got.Status != "Succeeded" || got.Output != fmt.Sprintf(`{"n":%d}`, n) {
		t.Errorf("%s: %+v, %v", x, got, err)
	}
}

// clouds runs a test on both clouds. It is for `make chaos` only: tests/clouds causes faults in
// both clouds within seconds.
func clouds(t *testing.T, test func(t *testing.T, d *deployment, each time.Duration)) {
	each, yes := long(t)
	if !yes {
		t.Log("nothing is done without MILLRACE_CHAOS_SECONDS")
		return
	}
	t.Run("AWS", func(t *testing.T) { test(t, onAWS(t), each) })
	t.Run("Alibaba", func(t *testing.T) { test(t, onAlibaba(t), each) })
}

// TestCloudKills kills random instances of all functions under load.
func TestCloudKills(t *testing.T) {
	clouds(t, func(t *testing.T, d *deployment, each time.Duration) {
		d.underLoad(t, 2, func() {
			busy, kills := 0, 0
			for until := time.Now().Add(each); time.Now().Before(until); {
				time.Sleep(time.Duration(100+rand.IntN(500)) * time.Millisecond)
				busy += d.kill[rand.IntN(len(d.kill))]()
				kills++
			}
			t.Logf("%d times, %d in the middle of something", kills, busy)
		})
	})
}

// TestCloudOutages makes the store unreachable for a while, then the queue. Then the queue is full.
func TestCloudOutages(t *testing.T) {
	clouds(t, func(t *testing.T, d *deployment, each time.Duration) {
		away := min(each, 30*time.Second)
		d.underLoad(t, 2, func() {
			for _, what := range []*atomic.Bool{&d.store, &d.queue, &d.full} {
				time.Sleep(time.Second)
				what.Store(true)
				time.Sleep(away)
				what.Store(false)
			}
			time.Sleep(time.Second)
		})
	})
}

// TestCloudClockSetBack sets the clock of all functions back by an hour under load, and right again
// later.
func TestCloudClockSetBack(t *testing.T) {
	clouds(t, func(t *testing.T, d *deployment, each time.Duration) {
		d.underLoad(t, 2, func() {
			for _, by := range []time.Duration{0, -time.Hour, 0} {
				if err := d.clock.Set(by); err != nil {
					t.Error(err)
				}
				time.Sleep(each / 3)
			}
		})
	})
}
