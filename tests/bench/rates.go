package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"millrace/tests/bench/ceiling"
	"millrace/tests/bench/load"
	"millrace/tests/bench/proc"
	"millrace/tests/bench/report"
)

// rate is a scenario that measures a throughput.
type rate struct {
	name       string
	unit       string
	each       int // how many units one execution counts for
	clients    []int
	definition string
	same       ceiling.Flow // the same exchanges
	startOnly  bool         // the response to the start carries the end
	floors     func(f *report.Figure) []report.Floor
}

func half(f *report.Figure) []report.Floor { return []report.Floor{f.HalfOf()} }

func atLeast(n float64) func(f *report.Figure) []report.Floor {
	return func(f *report.Figure) []report.Floor { return []report.Floor{f.AtLeast(n)} }
}

func (b *bench) oneTask(ctx context.Context) error {
	return b.rates(ctx, rate{name: "one-task", unit: "executions", each: 1, clients: []int{64, 256},
		definition: b.rowFlow("one-task", 1), same: ceiling.Flow{InRow: 1}, floors: half})
}

func (b *bench) fiveTasks(ctx context.Context) error {
	return b.rates(ctx, rate{name: "five-tasks", unit: "executions", each: 1, clients: []int{64},
		definition: b.rowFlow("five-tasks", 5), same: ceiling.Flow{InRow: 5}, floors: half})
}

func (b *bench) parallelHTTP(ctx context.Context) error {
	return b.rates(ctx, rate{name: "parallel-http", unit: "calls", each: 100, clients: []int{8},
		definition: parallelFlow("parallel-http", 100, "T", b.taskState("T", "", keepOrder)),
		same:       ceiling.Flow{AtOnce: 100},
		floors:     atLeast(4000)})
}

func (b *bench) parallelPass(ctx context.Context) error {
	return b.rates(ctx, rate{name: "parallel-pass", unit: "executions", each: 1, clients: []int{8},
		definition: parallelFlow("parallel-pass", 100, "P", passState), floors: atLeast(300)})
}

func (b *bench) start(ctx context.Context) error {
	return b.rates(ctx, rate{name: "start", unit: "starts", each: 1, clients: []int{64},
		definition: passFlow("start"),
		startOnly:  true, floors: atLeast(5000)})
}

// lowLoad has a single client, so that an execution waits for the disk only.
func (b *bench) lowLoad(ctx context.Context) error {
	return b.rates(ctx, rate{name: "low-load", unit: "executions", each: 1, clients: []int{1},
		definition: passFlow("low-load"),
		floors: func(f *report.Figure) []report.Floor {
			above := report.Within(f.P50-b.report.Sync, 3*time.Millisecond)
			above.Text += " above the disk's sync, at the median"
			return []report.Floor{above}
		}})
}

// rates measures a scenario with each number of clients.
func (b *bench) rates(ctx context.Context, r rate) error {
	if len(b.clients) > 0 {
		r.clients = b.clients
	}
	for _, clients := range r.clients {
		if err := b.rateOf(ctx, &r, clients); err != nil {
			return err
		}
	}
	return nil
}

// turns is how often a measurement alternates between the engine and its ceiling. If the machine
// becomes slower or faster during the measurement, as cloud machines do from second to second, this
// changes both.
const turns = 6

// turnMin is the shortest turn in which operations complete even on a busy machine.
const turnMin = 250 * time.Millisecond

// rateOf measures the engine and its ceiling in alternating turns.
func (b *bench) rateOf(ctx context.Context, r *rate, clients int) (err error) {
	apart := r.same
	r.same.Definition, apart.Definition, apart.Apart = r.definition, r.definition, true
	bound, err := b.openCeiling(ctx, map[string]ceiling.Flow{r.name: r.same,
		r.name + "-apart": apart})
	if err != nil {
		return err
	}
	defer bound.drop()
	ours, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer ours.drop()
	if err := ours.create(ctx, r.name, r.definition); err != nil {
		return err
	}
	f := report.Figure{Scenario: r.name, Clients: clients, Unit: r.unit}
	var us, limit, two *measured
	for n := range b.turns() {
		if limit, err = b.turn(ctx, bound, r, r.name, clients, n, limit); err != nil {
			return err
		}
		profile := b.profiled(ctx, ours)
		us, err = b.turn(ctx, ours, r, r.name, clients, n, us)
		if err = errors.Join(err, profile()); err != nil {
			return err
		}
		if r.startOnly {
			continue
		}
		if two, err = b.turn(ctx, bound, r, r.name+"-apart", clients, n, two); err != nil {
			return err
		}
	}
	if u, err := ours.Usage(); err == nil {
		f.Resident = u.Resident
	}
	if two != nil {
		f.Apart = two.PerSecond() * float64(r.each)
	}
	f.Ours, f.Ceiling = us.PerSecond()*float64(r.each), limit.PerSecond()*float64(r.each)
	f.P50, f.P99 = us.Quantile(0.5), us.Quantile(0.99)
	f.ServerCPU, f.ClientCPU = us.perUnit(us.server, r), us.perUnit(us.self, r)
	f.CeilingCPU = limit.perUnit(limit.server, r)
	f.Floors = r.floors(&f)
	f.Add("ceiling's CPU over ours, clients included", "%.2f", byCPU(us, limit))
	f.Add("ceiling p50, p99", "%s, %s", limit.Quantile(0.5).Round(time.Microsecond),
		limit.Quantile(0.99).Round(time.Microsecond))
	b.report.Figures = append(b.report.Figures, f)
	return ours.Stop()
}

// turns returns the number of turns. It is 1 for a profile, which needs its time in one piece.
func (b *bench) turns() int {
	if b.profile != "" {
		return 1
	}
	return max(1, min(turns, int(b.length/turnMin)))
}

// turn measures one server for one turn and adds the result to those of earlier turns.
func (b *bench) turn(ctx context.Context, s *target, r *rate, flow string, clients, n int,
	before *measured) (*measured, error) {
	warm := b.warm()
	if n > 0 {
		warm /= turns // the server is warm from earlier turns
	}
	m, err := b.window(ctx, s, r, flow, clients, warm, b.length/time.Duration(b.turns()))
	if err != nil || before == nil {
		return m, err
	}
	return &measured{load.Join(before.Result, m.Result), before.server + m.server,
		before.self + m.self}, nil
}

// measured is a window and the CPU time that it cost.
type measured struct {
	*load.Result
	server, self time.Duration // CPU time of all executions
}

// perUnit returns the CPU time for each unit of a scenario.
func (m *measured) perUnit(cpu time.Duration, r *rate) time.Duration {
	return cpu / time.Duration(m.Count*r.each)
}

// byCPU returns a ratio that hardly depends on other load on the machine: the CPU time of an
// execution in the ceiling, on all processors, divided by that in the engine.
func byCPU(us, limit *measured) float64 {
	each := func(m *measured) float64 { return (m.server + m.self).Seconds() / float64(m.Count) }
	return each(limit) / max(each(us), 1e-9)
}

// names gives each execution a unique name.
var names atomic.Int64

// window drives a server for one window.
func (b *bench) window(ctx context.Context, s *target, r *rate, flow string, clients int, warm,
	length time.Duration) (*measured, error) {
	var usage [2][2]proc.Usage
	read := func(at int) func() {
		return func() {
			usage[at][0], _ = s.Usage()
			usage[at][1], _ = proc.Measure(os.Getpid())
		}
	}
	got, err := load.Run(ctx, load.Options{Clients: clients, Warm: warm, Window: length,
		Begin: read(0), End: read(1),
		Do: func(ctx context.Context, client, turn int) error {
			n := names.Add(1)
			name, input := fmt.Sprintf("x%d", n), fmt.Sprintf(`{"order":%d}`, n)
			if r.startOnly {
				_, err := s.starts(ctx, flow, name, input)
				return err
			}
			return s.succeeds(ctx, flow, name, input)
		}})
	if err != nil {
		return nil, err
	}
	if got.Count == 0 {
		return nil, errors.New("nothing was answered in time: give it more -seconds")
	}
	m := &measured{Result: got}
	m.server = usage[1][0].CPU - usage[0][0].CPU
	m.self = usage[1][1].CPU - usage[0][1].CPU
	return m, nil
}

// warm returns how long a server is warmed up.
func (b *bench) warm() time.Duration { return min(b.length/2, time.Second) }

// profiled takes a CPU profile of a server during a measurement, if the command line asks for one.
// The returned function waits for the profile.
func (b *bench) profiled(ctx context.Context, s *target) (wait func() error) {
	if b.profile == "" {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	go func() {
		time.Sleep(b.warm())
		done <- b.fetchProfile(ctx, s)
	}()
	return func() error { return <-done }
}

func (b *bench) fetchProfile(ctx context.Context, s *target) error {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", s.pprof,
		max(int(b.length.Seconds()), 1))
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the profile: %s", response.Status)
	}
	file, err := os.Create(b.profile)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, response.Body)
	return errors.Join(err, file.Close())
}
