package security_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/rpc/client"
)

// greed is an account that does its worst to the other accounts of its server, with valid requests
// only. It runs in a separate process that gets only processor time that no other process wants,
// because its clients would be on other machines: their computations must not count as time that
// the server withholds from other accounts. (With the lowest priority alone they keep a processor
// for 3 to 10 ms while the server waits for one.)
type greed struct {
	endpoint string
	life     context.Context
	work     sync.WaitGroup
	served   atomic.Int64
	denied   atomic.Int64 // refused because of the account's share
	other    atomic.Int64 // failed in another way
}

// greedOf is the environment variable with the endpoint to attack. If it is set, the test program
// runs greed instead of its tests.
const greedOf = "MILLRACE_HOSTILE_GREED"

// greedMain is the main function of that process. It ends with its standard input, and prints the
// results of its requests.
func greedMain(endpoint string) {
	life, stop := context.WithCancel(context.Background())
	g := &greed{endpoint: endpoint, life: life}
	g.begin()
	io.Copy(io.Discard, os.Stdin)
	stop()
	g.work.Wait()
	json.NewEncoder(os.Stdout).Encode(counts{g.served.Load(), g.denied.Load(), g.other.Load()})
}

// counts are the numbers of greed's requests that were served, refused because of the account's
// share, and failed in another way.
type counts struct{ Served, Denied, Other int64 }

// startGreed starts greed. The returned function ends it and returns its counts.
func startGreed(t *testing.T, endpoint string) (end func() counts) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("chrt", "--idle", "0", self)
	cmd.Env = append(os.Environ(), greedOf+"="+endpoint)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() (n counts) {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Fatal("the greedy account: ", err)
		}
		if err := json.Unmarshal(out.Bytes(), &n); err != nil {
			t.Fatalf("%v: %q", err, out.String())
		}
		return n
	}
}

func (g *greed) client() *client.Client {
	o := key("stranger", "s8")
	o.Endpoint = g.endpoint
	c, err := client.New(o)
	if err != nil {
		panic(err)
	}
	return c
}

// crowd runs count clients. Each sends again and again until the end.
func (g *greed) crowd(count int, send func(c *client.Client, n int) error) {
	for who := range count {
		g.work.Go(func() {
			c := g.client()
			for n := 0; g.life.Err() == nil; n++ {
				switch err := send(c, who*1_000_000+n); {
				case err == nil:
					g.served.Add(1)
				case fault.CodeOf(err) == fault.ResourceThrottled ||
					fault.CodeOf(err) == fault.ServiceUnavailable:
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

// silent accepts connections and never answers.
func silent() (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		var silenced []net.Conn // kept from the garbage collector, which would close them
		defer func() { runtime.KeepAlive(silenced) }()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			silenced = append(silenced, c)
		}
	}()
	return l.Addr().String()
}

func stateMachine(name, states string) string {
	return "Type: StateMachine\nSpecVersion: v1\nName: " + name + "\nStartAt: A\nStates: " +
		states + "\n"
}

// digits returns an input with two long numbers that differ only in their last digit.
func digits(n int) string {
	return fmt.Sprintf(`{"n":"%[1]s1","m":"%[1]s2"}`, strings.Repeat("7", n))
}

func (g *greed) begin() {
	silence := silent()
	c := g.client()
	compare := strings.Repeat("$Input.n == $Input.m || ", 200) + "$Input.n == $Input.m"
	items := strings.TrimSuffix(strings.Repeat("0, ", 100), ", ")
	for name, states := range map[string]string{
		"pass":    "[{Name: A, Type: Pass, End: true}]",
		"wait":    "[{Name: A, Type: Wait, Seconds: 200, End: true}]",
		"express": "[{Name: A, Type: Wait, Seconds: 10, End: true}]",
		"compute": "[{Name: A, Type: Map, InputConstructor: {items: [" + items +
			"], n.$: $Input.n, m.$: $Input.m}, ItemsPath: $Input.items, Processor: {StartAt: P, " +
			"States: [{Name: P, Type: Pass, InputConstructor: {x.$: '" + compare +
			"'}, End: true}]}, End: true}]",
		"call": "[{Name: A, Type: Map, InputConstructor: {items: [" + items +
			"]}, ItemsPath: $Input.items, MaxConcurrency: 100, Processor: {StartAt: P, States: " +
			"[{Name: P, Type: Task, Action: 'HTTP:Request', Parameters: {url: 'http://" + silence +
			"/', method: GET}, End: true}]}, End: true}]",
	} {
		q := cloudflow.CreateFlowRequest{Name: name, Definition: stateMachine(name, states)}
		if name == "express" {
			q.ExecutionMode = "Express"
		}
		if _, err := c.CreateFlow(context.Background(), q); err != nil {
			panic(fmt.Sprintf("%s: %v", name, err))
		}
	}
	start := func(flow, name, input string) func(c *client.Client, n int) error {
		return func(c *client.Client, n int) error {
			_, err := c.StartExecution(g.life, cloudflow.StartExecutionRequest{FlowName: flow,
				ExecutionName: fmt.Sprint(name, n), Input: input})
			return err
		}
	}
	if err := start("wait", "x", "{}")(c, 0); err != nil {
		panic(err)
	}
	wide := `{"a":[` + strings.TrimSuffix(strings.Repeat(`{"":0},`, 7000), ",") + `]}`
	long := int64(60)
	g.crowd(400, func(c *client.Client, n int) error { // long polls
		_, err := c.DescribeExecution(g.life, cloudflow.DescribeExecutionRequest{FlowName: "wait",
			ExecutionName: "x0", WaitTimeSeconds: &long})
		return err
	})
	g.crowd(100, func(c *client.Client, n int) error {
		_, err := c.StartSyncExecution(g.life, cloudflow.StartExecutionRequest{FlowName: "express"})
		return err
	})
	g.crowd(16, start("compute", "c", digits(900)))
	g.crowd(8, start("call", "s", "{}"))
	g.crowd(16, start("pass", "p", "{}"))
	g.crowd(8, start("pass", "w", wide))
	g.crowd(8, func(c *client.Client, n int) error {
		_, err := c.ListExecutions(g.life, cloudflow.ListExecutionsRequest{FlowName: "pass"})
		return err
	})
	g.crowd(4, func(c *client.Client, n int) error {
		q := cloudflow.CreateFlowRequest{Name: fmt.Sprint("big", n),
			Definition: stateMachine("big", "[{Name: A, Type: Pass, End: true}]") +
				strings.Repeat("# and so on\n", 20_000)}
		if _, err := c.CreateFlow(g.life, q); err != nil {
			return err
		}
		return c.DeleteFlow(g.life, q.Name)
	})
}
