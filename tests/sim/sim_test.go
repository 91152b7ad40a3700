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
	runs = flag.Uint64("runs", 1, "so many seeds from there on")
	flow = flag.String("flow", "",
		"an example flow, by a part of its file's name; generated: none")
	topology = flag.String("topology", "", "local, servers or functions")
	going    = flag.Duration("for", 0, "go on for so long, whatever -runs says")
	part     = flag.String("part", "0/1",
		"which of the seeds: every second one from the first is 0/2")
	most     = flag.Int("failures", 5, "after how many failures the rest is not run")
	launched = flag.Int("executions", 0, "launch no more than so many; 0: as the seed says")
	without  = flag.String("without", "",
		"kinds of faults and clients that there are none of, with commas between them")
	shrinks  = flag.Bool("shrink", true, "look for a shorter run of each failure")
	blind    = flag.String("blind", "", "invariants that are not checked, with commas between them")
	trace    = flag.Bool("trace", false, "show every step")
	progress = flag.Bool("progress", false,
		"write from time to time, for tests/sim/cmd to read, what has been run")
	sums    = flag.Bool("sums", false, "show the sum over each run's steps")
	reaches = flag.Bool("reach", false,
		"write, for tests/sim/cmd to read, what each run has reached")
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
			fmt.Println(told(o, r))
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

// told describes a failure: the violation, the last steps, and the command that shows all steps.
func told(o sim.Options, r sim.Report) string {
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
