package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// The limits of a test run of a mutant. A mutant that never ends or uses ever more memory must not
// affect the machine.
const (
	memorySoft = "2GiB"  // the garbage collector works hard from here on
	memoryHard = 8 << 20 // KiB of address space
	outputMax  = 1 << 20 // bytes of output that are kept
	buildLimit = 10 * time.Minute
)

// outcome is the way in which a run ended.
type outcome string

const (
	passed    outcome = "passed"
	failed    outcome = "failed"
	hung      outcome = "hung"      // it took longer than its limit
	unreached outcome = "unreached" // no test reaches the changed code, so none was run
	unbuilt   outcome = "unbuilt"   // it does not compile after all
)

// isCaught reports whether the run noticed the mutant.
func (h outcome) isCaught() bool { return h == failed || h == hung }

// build compiles the tests of a package with the additional flags, such as -overlay. It reports
// whether the package has tests.
func build(root, pkg, binary string, flags ...string) (there bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), buildLimit)
	defer cancel()
	args := append([]string{"test", "-c", "-vet=off", "-o", binary}, flags...)
	c := exec.CommandContext(ctx, "go", append(args, pkg)...)
	c.Dir, c.Env = root, environ()
	if out, err := c.CombinedOutput(); err != nil {
		return false, fmt.Errorf("go test -c %s: %w\n%s", pkg, err, out)
	}
	if _, err := os.Stat(binary); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return true, nil
}

// run runs a test binary in the directory of its package and returns its output. Afterwards its
// temporary files and all processes that it started are gone.
func run(ctx context.Context, dir string, limit time.Duration, env []string, binary string,
	args ...string) (outcome, string, error) {
	temp, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return "", "", err
	}
	defer os.RemoveAll(temp)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	script := fmt.Sprintf(`ulimit -v %d 2>/dev/null; exec "$0" "$@"`, memoryHard)
	c := exec.CommandContext(ctx, "sh", append([]string{"-c", script, binary}, args...)...)
	c.Dir = dir
	c.Env = append(append(environ(), "TMPDIR="+temp, "GOMEMLIMIT="+memorySoft), env...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = 5 * time.Second
	var out output
	c.Stdout, c.Stderr = &out, &out
	err = c.Run()
	if c.Process != nil {
		// processes that it left behind; mostly none
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return passed, out.String(), nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return hung, out.String(), nil
	case ctx.Err() != nil:
		return "", out.String(), ctx.Err()
	case errors.As(err, &exit) || errors.Is(err, exec.ErrWaitDelay):
		return failed, out.String(), nil
	}
	return "", out.String(), err
}

// output keeps the beginning of the written data.
type output struct {
	mu   sync.Mutex
	kept bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept.Write(p[:min(len(p), outputMax-o.kept.Len())])
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.kept.String()
}
