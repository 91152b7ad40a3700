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
	"millrace/tests/sim/cover"
	"millrace/tests/sim/tally"
)

// What to run. tests/sim/cmd sets these flags.
var (
	seed = flag.Uint64("seed", 0, "the first seed; 0: the fixed ones")
	runs = flag.Uint64("runs", 1, "the number of seeds")
	flow = flag.String("flow", "",
		"an example flow, by a part of its file's name; generated: no example")
	topology = flag.String("topology", "", "local, servers or functions")
	going    = flag.Duration("for", 0, "run seeds for this time; -runs has no effect")
	part     = flag.String("part", "0/1",
		"the share of the seeds to run: 0/2 is every second one, from the first")
	most     = flag.Int("failures", 5, "stop after this number of failures")
	launched = flag.Int("executions", 0, "the maximum number of executions; 0: the seed decides")
	without  = flag.String("without", "",
		"kinds of faults and clients to leave out, separated by commas")
	shrinks  = flag.Bool("shrink", true, "search for a shorter run with each failure")
	blind    = flag.String("blind", "", "invariants not to check, separated by commas")
	trace    = flag.Bool("trace", false, "show every step")
	progress = flag.Bool("progress", false,
		"print counts of the runs at intervals, for tests/sim/cmd")
	sums    = flag.Bool("sums", false, "print a checksum of the steps of each run")
	reaches = flag.Bool("reach", false,
		"print what each run has reached, for tests/sim/cmd")
)

// TestSeeds runs the seeds of seeds.txt, which are chosen by what they reach, or the requested
// ones.
func TestSeeds(t *testing.T) {
	chosen, reached := fixed(t), cover.Choice{Items: map[string]int{}}
	first, n := uint64(0), uint64(len(chosen.Seeds))
	seedAt := func(i uint64) uint64 { return chosen.Seeds[i] }
	if testing.Short() {
		n /= 10
	}
	if *seed > 0 {
		first, n = *seed, *runs
		seedAt = func(i uint64) uint64 { return first + i }
	}
	var share, shares uint64
	if _, err := fmt.Sscanf(*part, "%d/%d", &share, &shares); err != nil || shares == 0 {
		t.Fatalf("-part %s: %v", *part, err)
	}
	begun, shown := time.Now(), time.Now()
	var total tally.Tally
	total.Next = first
	for i := share; total.Failures < *most && (i < n || *seed > 0 && *going > 0); i += shares {
		if *going > 0 && time.Since(begun) > *going {
			break
		}
		o := sim.Options{Seed: seedAt(i), Flow: *flow, Topology: *topology, Executions: *launched}
		if *without != "" {
			o.Without = strings.Split(*without, ",")
		}
		if *blind != "" {
			o.Blind = strings.Split(*blind, ",")
		}
		r := run(t, o)
		if *sums {
			fmt.Printf("%d %s %d %x\n", r.Seed, r.Topology, r.Steps, r.Sum)
		}
		reach := cover.Run{Seed: r.Seed, Steps: r.Steps, Items: r.Reach()}
		if *reaches && r.Failure == "" {
			fmt.Println(reach.Line())
		}
		reached.Count(reach)
		total.Add(tally.Tally{Runs: 1, Executions: r.Executions, Commits: r.Commits,
			InboxEntries: r.InboxEntries, Accepted: r.Accepted,
			Judged: r.Judged, Undecided: r.Undecided, Steps: r.Steps, Faults: r.Faults,
			Kinds: r.Kinds, Checks: r.Checks})
		total.Next = seedAt(i) + 1
		if r.Failure != "" {
			total.Failures++
			t.Fail()
			if !*trace && *shrinks {
				o, r = sim.Shrink(t, o, r)
			}
			fmt.Println(failureText(o, r))
		}
		if *progress && time.Since(shown) > tally.Every {
			shown = time.Now()
			fmt.Println(total.Line())
		}
	}
	if *progress {
		fmt.Println(total.Line())
		return
	}
	if *seed == 0 && !testing.Short() && !t.Failed() && shares == 1 {
		judgeReach(t, chosen, reached)
	}
	fmt.Printf("%s, %s\n", total, time.Since(begun).Round(time.Millisecond))
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

// failureText describes a failure: the violation, the last steps, and the command that shows all
// steps.
func failureText(o sim.Options, r sim.Report) string {
	again := fmt.Sprintf("go run ./tests/sim/cmd -seed %d", r.Seed)
	if o.Flow != "" {
		again += " -flow " + o.Flow
	}
	if o.Topology != "" {
		again += " -topology " + o.Topology
	}
	if o.Executions > 0 {
		again += fmt.Sprintf(" -executions %d", o.Executions)
	}
	if len(o.Without) > 0 {
		again += fmt.Sprintf(" -without '%s'", strings.Join(o.Without, ","))
	}
	return fmt.Sprintf("seed %d (%s): %s\n\nthe last steps:\n%s\n\nto see all of it: %s -v\n",
		r.Seed, r.Topology, r.Failure, strings.Join(r.Tail, "\n"), again)
}
