package sim_test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"millrace/tests/sim"
)

// What is run; tests/sim/cmd sets them.
var (
	seed  = flag.Uint64("seed", 0, "the first seed; 0: the fixed ones")
	runs  = flag.Uint64("runs", 1, "so many seeds from there on")
	flow  = flag.String("flow", "", "an example flow, by a part of its file's name; generated: none")
	home  = flag.String("home", "", "local, servers or functions")
	going = flag.Duration("for", 0, "go on for so long, whatever -runs says")
	part  = flag.String("part", "0/1", "which of the seeds: every second one from the first is 0/2")
	most  = flag.Int("failures", 5, "after how many failures the rest is not run")
	trace = flag.Bool("trace", false, "show every step")
	sums  = flag.Bool("sums", false, "show the sum over each run's steps")
)

// fixed is how many seeds an ordinary test run takes, from 1 on.
const fixed = 1000

// TestSeeds runs a fixed set of seeds, or those that are asked for.
func TestSeeds(t *testing.T) {
	first, n := uint64(1), uint64(fixed)
	if testing.Short() {
		n = fixed / 10
	}
	if *seed > 0 {
		first, n = *seed, *runs
	}
	var share, shares uint64
	if _, err := fmt.Sscanf(*part, "%d/%d", &share, &shares); err != nil || shares == 0 {
		t.Fatalf("-part %s: %v", *part, err)
	}
	begun := time.Now()
	var total sim.Report
	failures, made := 0, 0
	for i := share; failures < *most && (i < n || *going > 0); i += shares {
		if *going > 0 && time.Since(begun) > *going {
			break
		}
		r := run(t, sim.Options{Seed: first + i, Flow: *flow, Home: *home})
		made++
		if *sums {
			fmt.Printf("%d %s %d %x\n", r.Seed, r.Home, r.Steps, r.Sum)
		}
		total.Executions += r.Executions
		total.Commits += r.Commits
		total.Posted += r.Posted
		total.Accepted += r.Accepted
		total.Steps += r.Steps
		if r.Failure != "" {
			failures++
			t.Fail()
			fmt.Println(told(r))
		}
	}
	fmt.Printf("%d runs, %d executions, %d commits, %d letters, %d of them accepted, %d steps, %d failures, %s\n", made, total.Executions, total.Commits, total.Posted, total.Accepted, total.Steps, failures, time.Since(begun).Round(time.Millisecond))
}

func run(t *testing.T, o sim.Options) sim.Report {
	if !*trace {
		return sim.Run(t, o)
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	o.Trace = out
	return sim.Run(t, o)
}

// told is a failure as it is shown: what is wrong, the last steps, and how to see all of them.
func told(r sim.Report) string {
	again := fmt.Sprintf("go run ./tests/sim/cmd -seed %d", r.Seed)
	if *flow != "" {
		again += " -flow " + *flow
	}
	if *home != "" {
		again += " -home " + *home
	}
	return fmt.Sprintf("seed %d (%s): %s\n\nthe last steps:\n%s\n\nto see all of it: %s -v\n", r.Seed, r.Home, r.Failure, strings.Join(r.Tail, "\n"), again)
}
