package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"millrace/shared/cloudflow"
	"millrace/shared/config"
	"millrace/shared/rpc/client"
	"millrace/tests/bench/ceiling"
	"millrace/tests/bench/proc"
	"millrace/tests/bench/report"
	"millrace/tests/support/port"
)

// // The client's credentials on every measured server.
const (
	accessKey = "bench"
	secret    = "a-secret-of-the-benchmarks"
)

// bench is one run of the program.
type bench struct {
	*options
	progress io.Writer
	self     string // path of this program's own binary
	tasks    *tasks
	report   report.Report
	servers  int // counts the servers started so far; part of their folders' names
}

func newBench(ctx context.Context, o *options, progress io.Writer) (*bench, error) {
	b := &bench{options: o, progress: progress}
	var err error
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if b.dir == "" {
		b.dir = "."
	}
	if b.dir, err = os.MkdirTemp(b.dir, ".bench-"); err != nil {
		return nil, err
	}
	if b.dir, err = filepath.Abs(b.dir); err != nil {
		return nil, err
	}
	if inMemory(b.dir) {
		b.say("%s is in memory, where a sync costs nothing: name a folder on a disk with -dir",
			b.dir)
	}
	if b.tasks, err = newTasks(); err != nil {
		return nil, err
	}
	credentials := fmt.Sprintf("accounts:\n- id: \"1234567890123456\"\n  keys:\n"+
		"  - {id: %s, secret: %s}\n", accessKey, secret)
	err = errors.Join(os.WriteFile(b.path("credentials.yaml"), []byte(credentials), 0o600),
		b.writeSettings())
	if err != nil {
		return nil, err
	}
	b.report.Machine = fmt.Sprintf("%s/%s, %d CPUs, %s", runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), runtime.Version())
	b.report.Sync, b.report.Append, err = syncTimes(b.dir)
	return b, err
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) say(format string, a ...any) { fmt.Fprintf(b.progress, format+"\n", a...) }

// writeSettings raises the limits that the scenarios exceed, and lets flows call this machine.
func (b *bench) writeSettings() error {
	yes := true
	s := config.Settings{AllowLoopback: &yes, AllowPrivate: &yes, Limits: map[string]int64{
		"Executions": 10_000_000, "Events": 10_000_000, "EventBytes": 64 << 20,
		"ResultBytes": 64 << 20,
		"BodyBytes":   256 << 20, "ParallelBranches": 1000, "RequestBytes": 16 << 20,
	}}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(b.path("settings.json"), text, 0o600)
}

func (b *bench) close() error {
	b.tasks.close()
	return os.RemoveAll(b.dir)
}

// target is a measured process and a client of it.
type target struct {
	*proc.Process
	*client.Client
	address string
	pprof   string // address, "" if the server has none
	data    string // folder or file that the server writes
}

// drop kills the server, if it still runs, and removes its data.
func (s *target) drop() {
	s.Kill()
	os.RemoveAll(s.data)
}

// open starts the engine on a new folder.
func (b *bench) open(ctx context.Context) (*target, error) {
	b.servers++
	return b.reopen(ctx, b.path(fmt.Sprintf("data-%d", b.servers)))
}

// reopen starts the engine on an existing folder.
func (b *bench) reopen(ctx context.Context, data string) (*target, error) {
	s := &target{data: data}
	var err error
	if s.address, err = port.Loopback(); err != nil {
		return nil, err
	}
	o := proc.Options{Name: "millrace", Path: b.binary, Log: b.path("server.log"),
		Args: []string{"serve", "--listen", s.address,
			"--data", data, "--credentials", b.path("credentials.yaml"), "--config",
			b.path("settings.json")}}
	if b.binary == "" {
		o.Path = b.self
	}
	if b.profile != "" {
		if s.pprof, err = port.Loopback(); err != nil {
			return nil, err
		}
		o.Env = []string{pprofVariable + "=" + s.pprof}
	}
	return s, s.start(ctx, o)
}

// start starts the process and makes the client.
func (s *target) start(ctx context.Context, o proc.Options) (err error) {
	o.Health = "http://" + s.address + "/healthz"
	s.Client, err = client.New(client.Options{Endpoint: "http://" + s.address,
		AccessKeyID: accessKey, Secret: secret})
	if err != nil {
		return err
	}
	s.Process, err = proc.Start(ctx, o)
	return err
}

// allocated is the size in bytes of the log that a ceiling may fill during a measurement.
func (b *bench) allocated() int64 {
	const bytesPerSecond = 24 << 20
	return max(8<<20, int64((3*b.length/2+3*b.warm()).Seconds()*bytesPerSecond))
}

// openCeiling starts the ceiling with the flows that it must know.
func (b *bench) openCeiling(ctx context.Context, flows map[string]ceiling.Flow) (*target, error) {
	b.servers++
	name := fmt.Sprintf("ceiling-%d", b.servers)
	s := &target{data: b.path(name + ".log")}
	text, err := json.Marshal(ceiling.Config{Log: s.data, Allocated: b.allocated(),
		TaskURL: b.tasks.url, AccessKey: accessKey, Secret: secret, Flows: flows})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(b.path(name+".json"), text, 0o600); err != nil {
		return nil, err
	}
	if s.address, err = port.Loopback(); err != nil {
		return nil, err
	}
	return s, s.start(ctx, proc.Options{Name: "the ceiling", Path: b.self,
		Log:  b.path("server.log"),
		Args: []string{"ceiling", "--listen", s.address, "--config", b.path(name + ".json")}})
}

// create creates a flow.
func (s *target) create(ctx context.Context, name, definition string) error {
	_, err := s.CreateFlow(ctx, cloudflow.CreateFlowRequest{Name: name, Definition: definition,
		Type: "FDL", Description: "benchmark"})
	return err
}

// starts starts an execution.
func (s *target) starts(ctx context.Context, flow, name, input string) (*client.Execution, error) {
	return s.StartExecution(ctx, cloudflow.StartExecutionRequest{FlowName: flow,
		ExecutionName: name, Input: input})
}

// succeeds starts an execution and waits until it has succeeded.
func (s *target) succeeds(ctx context.Context, flow, name, input string) error {
	x, err := s.starts(ctx, flow, name, input)
	if err != nil {
		return err
	}
	return s.awaits(ctx, x)
}

// awaits waits until an execution has succeeded.
func (s *target) awaits(ctx context.Context, x *client.Execution) (err error) {
	wait := int64(60)
	for x.Status == "Running" || x.Status == "Starting" {
		x, err = s.DescribeExecution(ctx, cloudflow.DescribeExecutionRequest{FlowName: x.FlowName,
			ExecutionName: x.Name, WaitTimeSeconds: &wait})
		if err != nil {
			return err
		}
	}
	if x.Status == "Succeeded" {
		return nil
	}
	h, err := s.GetExecutionHistory(ctx, cloudflow.GetExecutionHistoryRequest{FlowName: x.FlowName,
		ExecutionName: x.Name})
	if err != nil || len(h.Events) == 0 {
		return fmt.Errorf("execution %s is %s (%v)", x.Name, x.Status, err)
	}
	return fmt.Errorf("execution %s is %s: %s", x.Name, x.Status,
		h.Events[len(h.Events)-1].EventDetail)
}
