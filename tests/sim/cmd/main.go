// Command cmd runs the simulation: one seed with its trace, or many.
//
//	go run ./tests/sim/cmd -seed 47 -v            one run, every step
//	go run ./tests/sim/cmd -seed 1 -runs 10000    that many runs, on all processors
//	go run ./tests/sim/cmd -for 1h                as many runs as the time allows
//	go run ./tests/sim/cmd -for 1h -seed 500001   the same, from the seed where the last run ended
//
//	go run ./tests/sim/cmd -seed 1 -runs 6000 -choose tests/sim/seeds.txt
//
// The last command runs 6000 seeds and writes a few of them into the file. Together the chosen
// seeds reach everything that all seeds reach: each invariant that is checked, each fault, each
// kind of run, each feature of executions, and each fault with each invariant.
//
// With many runs the command prints its progress every half minute, and a summary in Markdown at
// the end. -summary names a file for the summary.
//
// For a failure the command prints the shortest run that was found for it, and the command that
// shows every step of that run.
//
// A run lives in a test's bubble, so the command builds the test of tests/sim and starts it once
// for each processor: a run has the only thread of its process for itself.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"millrace/tests/sim/cover"
	"millrace/tests/sim/tally"
)

var (
	seed = flag.Uint64("seed", 1, "the first seed")
	runs = flag.Uint64("runs", 1, "the number of seeds")
	flow = flag.String("flow", "",
		"an example flow, by a part of its file's name; `generated`: no example; empty: the seed "+
			"decides")
	topology = flag.String("topology", "",
		"local, servers or functions; empty: the seed decides")
	show     = flag.Bool("v", false, "show every step")
	going    = flag.Duration("for", 0, "run seeds for this time; -runs has no effect")
	launched = flag.Int("executions", 0, "the maximum number of executions; 0: the seed decides")
	without  = flag.String("without", "",
		"kinds of faults and clients to leave out, separated by commas")
	choose = flag.String("choose", "",
		"write to this file a few of the seeds that together reach all that the seeds reach")
	page = flag.String("summary", "", "also write the summary to this file")
)

func main() {
	flag.Parse()
	failed, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if failed || err != nil {
		os.Exit(1)
	}
}

func run() (failed bool, err error) {
	dir, err := os.MkdirTemp("", "sim")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "sim.test")
	build := exec.Command("go", "test", "-c", "-o", binary, "millrace/tests/sim")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return false, fmt.Errorf("go test -c: %w", err)
	}
	n := runtime.NumCPU()
	if *runs == 1 && *going == 0 {
		n = 1
	}
	b := newBoard(*seed, n)
	var work sync.WaitGroup
	for i := range n {
		work.Go(func() { b.ended(one(binary, i, n, b)) })
	}
	stop := make(chan struct{})
	go b.tell(stop)
	work.Wait()
	close(stop)
	if *choose != "" {
		if err := writeChoice(*choose, b.reached); err != nil {
			return false, err
		}
	}
	return b.failed, b.end(*page)
}

// one runs its share of the seeds in a separate process.
func one(binary string, i, n int, b *board) (failed bool) {
	c := exec.Command(binary, "-test.run", "^TestSeeds$", "-test.timeout",
		(*going + 24*time.Hour).String(), "-seed", fmt.Sprint(*seed), "-runs", fmt.Sprint(*runs),
		"-flow", *flow, "-topology", *topology, "-executions", fmt.Sprint(*launched), "-without",
		*without, "-for", going.String(), "-part", fmt.Sprintf("%d/%d", i, n),
		fmt.Sprintf("-trace=%v", *show), fmt.Sprintf("-progress=%v", b.many()),
		fmt.Sprintf("-reach=%v", *choose != ""), fmt.Sprintf("-shrink=%v", *choose == ""))
	c.Env = append(os.Environ(), "GOMAXPROCS=1")
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err == nil {
		print(out, i, b)
		err = c.Wait()
	}
	var exit *exec.ExitError
	// 1: a seed has failed and was reported
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		fmt.Fprintln(os.Stderr, err)
	}
	return err != nil
}

// print prints the output of a process, without the lines of the testing package.
func print(out io.Reader, i int, b *board) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		text := lines.Text()
		if t, ok := tally.Parse(text); ok {
			b.heard(i, t)
		} else if r, ok := cover.Parse(text); ok {
			b.reach(r)
		} else if text != "PASS" && text != "FAIL" && !strings.HasPrefix(text, "--- ") {
			b.show(text)
		}
	}
}
