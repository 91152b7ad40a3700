// Package proc runs the measured servers, each in a process of its own, and reports what they use.
package proc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Options describe the program to run.
type Options struct {
	Name   string // for messages
	Path   string
	Args   []string
	Env    []string // added to the environment of this process
	Log    string   // file for the output of the program
	Health string   // URL that responds with 200 when the program is ready
}

// Process is a running program.
type Process struct {
	Options
	cmd *exec.Cmd
	// open as long as this process lives: a child that reads it ends with its parent
	input io.Closer
	ended chan struct{}
	err   error // of Wait; valid after ended
}

// Start starts a program and waits until it is ready. The error shows the end of its output.
func Start(ctx context.Context, o Options) (*Process, error) {
	log, err := os.OpenFile(o.Log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &Process{Options: o, cmd: exec.Command(o.Path, o.Args...), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), o.Env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if p.input, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	if err := p.ready(ctx); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

// readyMax is how long a server may take to become ready.
const readyMax = 60 * time.Second

// ready polls the server until it responds.
func (p *Process) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyMax)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.Health, nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(r); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended before it was ready: %v\n%s", p.Name, p.err, p.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s did not answer: %w\n%s", p.Name, ctx.Err(), p.tail())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// tail returns the end of the output.
func (p *Process) tail() string {
	text, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// PID returns the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// stopMax is how long a server may take to end after a request to stop.
const stopMax = 20 * time.Second

// Stop asks the process to end and waits. It kills a process that does not end in time, and returns
// an error.
func (p *Process) Stop() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s had ended already: %v\n%s", p.Name, p.err, p.tail())
	default:
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopMax):
		p.Kill()
		return fmt.Errorf("%s did not end when asked to\n%s", p.Name, p.tail())
	}
	p.input.Close()
	if p.err != nil {
		return fmt.Errorf("%s: %w\n%s", p.Name, p.err, p.tail())
	}
	return nil
}

// Kill ends the process at once, as kill -9 does, and waits until it is gone.
func (p *Process) Kill() {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return
	}
	<-p.ended
	p.input.Close()
}
