package fc

import (
	"errors"
	"time"
)

// Idle tells whether no invocation is under way, waits for an instance, or is to come as an asynchronous one.
func (f *Function) Idle() bool {
	return f.running.Load() == 0 && (f.OtherVersion == nil || f.OtherVersion.Idle())
}

// Billed is the time that instances had invocations, each such time rounded up to a millisecond, as it is billed:
// invocations at the same time in the same instance are billed once. What is under way is not in it yet.
func (f *Function) Billed() time.Duration { return time.Duration(f.billed.Load()) * time.Millisecond }

// bill ends a time in which an instance had invocations. The caller holds mu.
func (f *Function) bill(in *instance) {
	f.billed.Add(int64((time.Since(in.busy) + time.Millisecond - 1) / time.Millisecond))
}

// Start is what a new process needs.
type Start struct {
	Init   time.Duration // until it can be used: it listens, or asks for its first event
	Answer time.Duration // until it has answered the first invocation, since its beginning
	Memory int64         // most of it that was resident, bytes
}

// Cold ends the instances that there are and tells what the new one needs by which call, one invocation, is answered. It
// ends that one, too.
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

// PIDs are the processes that run.
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
