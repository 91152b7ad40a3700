// Command cmd runs the simulation: one seed with its trace, or many.
//
//	go run ./tests/sim/cmd -seed 47 -v              one run, every step
//	go run ./tests/sim/cmd -seed 1 -runs 10000      so many runs, on all processors
//	go run ./tests/sim/cmd -for 1h                  as many as there is time for
//
// A run lives in a test's bubble, so the command builds the test of tests/sim and starts it, once for each processor:
// a run needs the process's source of random bytes for itself.
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
)

var (
	seed  = flag.Uint64("seed", 1, "the first seed")
	runs  = flag.Uint64("runs", 1, "so many seeds from there on")
	flow  = flag.String("flow", "", "an example flow, by a part of its file's name; `generated` for none; nothing for what the seed says")
	home  = flag.String("home", "", "local, servers or functions; nothing for what the seed says")
	show  = flag.Bool("v", false, "show every step")
	going = flag.Duration("for", 0, "go on for so long, whatever -runs says")
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
	var mu sync.Mutex
	var work sync.WaitGroup
	for i := range n {
		work.Go(func() {
			bad := one(binary, i, n, &mu)
			mu.Lock()
			failed = failed || bad
			mu.Unlock()
		})
	}
	work.Wait()
	return failed, nil
}

// one runs its share of the seeds in a process of its own.
func one(binary string, i, n int, mu *sync.Mutex) (failed bool) {
	c := exec.Command(binary, "-test.run", "^TestSeeds$", "-test.timeout", (*going + 24*time.Hour).String(), "-seed", fmt.Sprint(*seed), "-runs", fmt.Sprint(*runs),
		"-flow", *flow, "-home", *home, "-for", going.String(), "-part", fmt.Sprintf("%d/%d", i, n), fmt.Sprintf("-trace=%v", *show))
	c.Env = append(os.Environ(), "GOMAXPROCS=1")
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err == nil {
		print(out, mu)
		err = c.Wait()
	}
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) { // 1: a seed has failed, and said so
		fmt.Fprintln(os.Stderr, err)
	}
	return err != nil
}

// print shows what a process writes, but for what the testing package says.
func print(out io.Reader, mu *sync.Mutex) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		if text := lines.Text(); text != "PASS" && text != "FAIL" && !strings.HasPrefix(text, "--- ") {
			mu.Lock()
			fmt.Println(text)
			mu.Unlock()
		}
	}
}
