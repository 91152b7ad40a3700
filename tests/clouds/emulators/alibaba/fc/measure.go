package fc

import (
	"errors"
	"time"
)

// Idle reports whether no invocation is running or waiting for an instance, and no asynchronous one
// is still to run.
func (f *Function) Idle() bool {
	return f.running.Load() == 0 && (f.OtherVersion == nil || f.OtherVersion.Idle())
}

// Billed returns the time during which instances had invocations. As in the bill, each such period
// is rounded up to a millisecond, and simultaneous invocations of one instance count once. Periods
// that have not ended are not included.
func (f *Function) Billed() time.Duration {
	return time.Duration(f.billed.Load()) * time.Millisecond
}

// bill ends a period in which an instance had invocations. The caller holds mu.
func (f *Function) bill(in *instance) {
	f.billed.Add(int64((time.Since(in.busy) + time.Millisecond - 1) / time.Millisecond))
}

// Start is what a new process needs.
type Start struct {
	Init   time.Duration // until it is ready: it listens, or asks for its first event
	Answer time.Duration // from its start until it has responded to the first invocation
	Memory int64         // maximum resident memory, bytes
}

// Cold ends the existing instances, runs call, which must make one invocation, and returns what the
// new instance needed for it. It then ends that instance, too.
func (f *Function) Cold(call func() error) (s Start, err error) {
	f.Kill()
	if err := call(); err != nil {
		return s, err
	}
	done := time.Now()
	f.mu.Lock()
	var in *instance
	for in = range f.all {
	}
	f.mu.Unlock()
	if in == nil {
		return s, errors.New("fc: the call has not invoked the function")
	}
	f.Kill()
	<-in.died
	return Start{Init: in.init, Answer: done.Sub(in.began), Memory: in.memory()}, nil
}

// PIDs returns the ids of the running processes.
func (f *Function) PIDs() (all []int) {
	f.begin()
	f.mu.Lock()
	defer f.mu.Unlock()
	for in := range f.all {
		if !in.dead() {
			all = append(all, in.cmd.Process.Pid)
		}
	}
	return all
}
