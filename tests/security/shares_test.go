//go:build linux

package security_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/tests/support/live"
)

// TestGreedyAccount lets one account do its worst on a server with few descriptors. Another
// account's requests and executions must go on. The test prints its latencies, which should stay
// within three times of the quiet ones.
func TestGreedyAccount(t *testing.T) {
	d := seconds(t)
	// the clients would be on other machines
	s := live.New(t, live.Options{Credentials: callers, Settings: "{AllowLoopback: true}",
		Before: []string{"nice", "-n", "5", "prlimit", "--nofile=1200:1200"}})
	s.Start()
	s.WaitReady()
	create(t, s.ClientAs(key("owner", "s1")), "pass", pass("pass"))
	good(t, s, "warm", time.Second)
	quiet := good(t, s, "quiet", d)
	end := startGreed(t, s.Endpoint())
	time.Sleep(2 * time.Second)
	attacked := good(t, s, "beside", d)
	usage := s.Usage()
	greedy := end()
	t.Logf("alone:  %v", quiet)
	t.Logf("beside: %v", attacked)
	t.Logf("ratio:  p50 %.1f, p99 %.1f", float64(attacked.at(0.5))/float64(quiet.at(0.5)),
		float64(attacked.at(0.99))/float64(quiet.at(0.99)))
	t.Logf("the greedy account: %d served, %d refused for its share, %d failed; the server %+v",
		greedy.Served, greedy.Denied, greedy.Other, usage)
	if greedy.Denied == 0 {
		t.Error("the greedy account was never refused: it did not reach its share")
	}
	owner := s.ClientAs(key("owner", "s1"))
	long := int64(30)
	for i := range 5 { // its executions end, too
		name := fmt.Sprint("last", i)
		if _, err := owner.StartExecution(context.Background(), cloudflow.StartExecutionRequest{
			FlowName: "pass", ExecutionName: name}); err != nil {
			t.Fatal(err)
		}
		x, err := owner.DescribeExecution(context.Background(), cloudflow.DescribeExecutionRequest{
			FlowName: "pass", ExecutionName: name, WaitTimeSeconds: &long})
		if err != nil || x.Status != "Succeeded" {
			t.Errorf("%v %v", x, err)
		}
	}
}
