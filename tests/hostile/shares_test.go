//go:build linux

package hostile_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/rpc"
	"millrace/tests/live"
)

// greed is one account doing its worst to the others of its server, all of it with valid requests.
type greed struct {
	t      *testing.T
	s      *live.Server
	life   context.Context
	work   sync.WaitGroup
	served atomic.Int64
	denied atomic.Int64 // refused for the account's share
	other  atomic.Int64 // failed in another way
}

// crowd runs so many clients, each of which sends again and again until the end.
func (g *greed) crowd(count int, send func(c *rpc.Client, n int) error) {
	for who := range count {
		g.work.Go(func() {
			c := g.s.ClientAs(key("stranger", "s8"))
			for n := 0; g.life.Err() == nil; n++ {
				switch err := send(c, who*1_000_000+n); {
				case err == nil:
					g.served.Add(1)
				case fault.CodeOf(err) == fault.ResourceThrottled || fault.CodeOf(err) == fault.ServiceUnavailable:
					g.denied.Add(1)
					time.Sleep(10 * time.Millisecond)
				case g.life.Err() == nil:
					g.other.Add(1)
					time.Sleep(10 * time.Millisecond)
				}
			}
		})
	}
}

// silent takes connections and never answers.
func silent(t *testing.T) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
		}
	}()
	return l.Addr().String()
}

func stateMachine(name, states string) string {
	return "Type: StateMachine\nSpecVersion: v1\nName: " + name + "\nStartAt: A\nStates: " + states + "\n"
}

// digits is an input with two long numbers that differ in their last digit alone.
func digits(n int) string {
	return fmt.Sprintf(`{"n":"%[1]s1","m":"%[1]s2"}`, strings.Repeat("7", n))
}

func (g *greed) begin() {
	silence := silent(g.t)
	c := g.s.ClientAs(key("stranger", "s8"))
	compare := strings.Repeat("$Input.n == $Input.m || ", 200) + "$Input.n == $Input.m"
	items := strings.TrimSuffix(strings.Repeat("0, ", 100), ", ")
	for name, states := range map[string]string{
		"pass":    "[{Name: A, Type: Pass, End: true}]",
		"wait":    "[{Name: A, Type: Wait, Seconds: 200, End: true}]",
		"express": "[{Name: A, Type: Wait, Seconds: 10, End: true}]",
		"compute": "[{Name: A, Type: Map, InputConstructor: {items: [" + items + "], n.$: $Input.n, m.$: $Input.m}, ItemsPath: $Input.items, Processor: {StartAt: P, States: [{Name: P, Type: Pass, InputConstructor: {x.$: '" + compare + "'}, End: true}]}, End: true}]",
		"call":    "[{Name: A, Type: Map, InputConstructor: {items: [" + items + "]}, ItemsPath: $Input.items, MaxConcurrency: 100, Processor: {StartAt: P, States: [{Name: P, Type: Task, Action: 'HTTP:Request', Parameters: {url: 'http://" + silence + "/', method: GET}, End: true}]}, End: true}]",
	} {
		q := cloudflow.CreateFlowRequest{Name: name, Definition: stateMachine(name, states)}
		if name == "express" {
			q.ExecutionMode = "Express"
		}
		if _, err := c.CreateFlow(context.Background(), q); err != nil {
			g.t.Fatalf("%s: %v", name, err)
		}
	}
	start := func(flow, name, input string) func(c *rpc.Client, n int) error {
		return func(c *rpc.Client, n int) error {
			_, err := c.StartExecution(g.life, cloudflow.StartExecutionRequest{FlowName: flow, ExecutionName: fmt.Sprint(name, n), Input: input})
			return err
		}
	}
	if err := start("wait", "x", "{}")(c, 0); err != nil {
		g.t.Fatal(err)
	}
	wide := `{"a":[` + strings.TrimSuffix(strings.Repeat(`{"":0},`, 7000), ",") + `]}`
	long := int64(60)
	g.crowd(400, func(c *rpc.Client, n int) error { // long polls
		_, err := c.DescribeExecution(g.life, cloudflow.DescribeExecutionRequest{FlowName: "wait", ExecutionName: "x0", WaitTimeSeconds: &long})
		return err
	})
	g.crowd(100, func(c *rpc.Client, n int) error {
		_, err := c.StartSyncExecution(g.life, cloudflow.StartExecutionRequest{FlowName: "express"})
		return err
	})
	g.crowd(16, start("compute", "c", digits(900)))
	g.crowd(8, start("call", "s", "{}"))
	g.crowd(16, start("pass", "p", "{}"))
	g.crowd(8, start("pass", "w", wide))
	g.crowd(8, func(c *rpc.Client, n int) error {
		_, err := c.ListExecutions(g.life, cloudflow.ListExecutionsRequest{FlowName: "pass"})
		return err
	})
	g.crowd(4, func(c *rpc.Client, n int) error {
		q := cloudflow.CreateFlowRequest{Name: fmt.Sprint("big", n), Definition: stateMachine("big", "[{Name: A, Type: Pass, End: true}]") + strings.Repeat("# and so on\n", 20_000)}
		if _, err := c.CreateFlow(g.life, q); err != nil {
			return err
		}
		return c.DeleteFlow(g.life, q.Name)
	})
}

// TestGreedyAccount: one account does its worst on a server with few descriptors, and the other one's requests and executions go on.
// What it costs the other one is printed; it should stay within three times of its quiet value.
func TestGreedyAccount(t *testing.T) {
	d := seconds(t)
	s := live.New(t, live.Options{Credentials: callers, Settings: "{AllowLoopback: true}", Before: []string{"prlimit", "--nofile=1200:1200"}})
	s.Start()
	s.Answers()
	create(t, s.ClientAs(key("owner", "s1")), "pass", pass("pass"))
	good(t, s, "warm", time.Second)
	quiet := good(t, s, "quiet", d)
	life, stop := context.WithCancel(context.Background())
	g := &greed{t: t, s: s, life: life}
	g.begin()
	time.Sleep(time.Second)
	beside := good(t, s, "beside", d)
	usage := s.Usage()
	stop()
	g.work.Wait()
	t.Logf("alone:  %v", quiet)
	t.Logf("beside: %v", beside)
	t.Logf("ratio:  p50 %.1f, p99 %.1f", float64(beside.at(0.5))/float64(quiet.at(0.5)), float64(beside.at(0.99))/float64(quiet.at(0.99)))
	t.Logf("the greedy account: %d served, %d refused for its share, %d failed; the server %+v", g.served.Load(), g.denied.Load(), g.other.Load(), usage)
	if g.denied.Load() == 0 {
		t.Error("the greedy account was never refused: it did not reach its share")
	}
	owner := s.ClientAs(key("owner", "s1"))
	long := int64(30)
	for i := range 5 { // and its executions come to their ends
		name := fmt.Sprint("last", i)
		if _, err := owner.StartExecution(context.Background(), cloudflow.StartExecutionRequest{FlowName: "pass", ExecutionName: name}); err != nil {
			t.Fatal(err)
		}
		x, err := owner.DescribeExecution(context.Background(), cloudflow.DescribeExecutionRequest{FlowName: "pass", ExecutionName: name, WaitTimeSeconds: &long})
		if err != nil || x.Status != "Succeeded" {
			t.Errorf("%v %v", x, err)
		}
	}
}
