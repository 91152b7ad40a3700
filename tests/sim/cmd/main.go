// Command cmd runs the simulation: one seed with its trace, or many.
//
//	go run ./tests/sim/cmd -seed 47 -v              one run, every step
//	go run ./tests/sim/cmd -seed 1 -runs 10000      so many runs, on all processors
//	go run ./tests/sim/cmd -for 1h                  as many as there is time for
//	go run ./tests/sim/cmd -for 1h -seed 500001     the same, from a seed on: where the run before has ended
//
//	go run ./tests/sim/cmd -seed 1 -runs 6000 -choose tests/sim/seeds.txt
//
// runs so many and writes into the file few of them that reach what all of them reach: each invariant
// looked at, each fault, each kind of run, what is in executions, and each fault with each invariant.
//
// Many runs write every half a minute what they have come to, and a summary in Markdown at the end;
// -summary says into which file too.
//
// A failure is shown in the shortest run that was found for it, with the command that shows every step of that.
//
// A run lives in a test's bubble, so the command builds the test of tests/sim and starts it, once for each processor:
// a run has the process's one thread for itself.
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
	seed     = flag.Uint64("seed", 1, "the first seed")
	runs     = flag.Uint64("runs", 1, "so many seeds from there on")
	flow     = flag.String("flow", "", "an example flow, by a part of its file's name; `generated` for none; nothing for what the seed says")
	topology = flag.String("topology", "", "local, servers or functions; nothing for what the seed says")
	show     = flag.Bool("v", false, "show every step")
	going    = flag.Duration("for", 0, "go on for so long, whatever -runs says")
	launched = flag.Int("executions", 0, "launch no more than so many; 0: as the seed says")
	without  = flag.String("without", "", "kinds of faults and clients that there are none of, with commas between them")
	choose   = flag.String("choose", "", "write into this file few of the seeds that reach what all of them do")
	page     = flag.String("summary", "", "write the summary into this file too")
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

// one runs its share of the seeds in a process of its own.
func one(binary string, i, n int, b *board) (failed bool) {
	c := exec.Command(binary, "-test.run", "^TestSeeds$", "-test.timeout", (*going + 24*time.Hour).String(), "-seed", fmt.Sprint(*seed), "-runs", fmt.Sprint(*runs),
		"-flow", *flow, "-topology", *topology, "-executions", fmt.Sprint(*launched), "-without", *without, "-for", going.String(), "-part", fmt.Sprintf("%d/%d", i, n), fmt.Sprintf("-trace=%v", *show), fmt.Sprintf("-progress=%v", b.many()), fmt.Sprintf("-reach=%v", *choose != ""), fmt.Sprintf("-shrink=%v", *choose == ""))
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
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) { // 1: a seed has failed, and said so
		fmt.Fprintln(os.Stderr, err)
	}
	return err != nil
}

// print shows what a process writes, but for what the testing package says.
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
