package lambda

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Function is a deployed function: a binary that runs in as many instances as are needed at a time.
type Function struct {
	Name   string
	Binary string
	// the whole environment of the process, except the platform's own variables
	Env          []string
	Timeout      time.Duration
	Instances    int       // maximum
	Freeze       bool      // stop instances between invocations
	Memory       int       // megabytes that an instance is told to have; 0: 512
	Before       []string  // a command that runs the binary: the first words of its command line
	OtherVersion *Function // another version, which gets half of the events; nil: none

	// Log gets every line that an instance prints; nil: none.
	Log func(line string)

	log         *tail
	slots       chan struct{}
	mu          sync.Mutex
	free        []*instance
	all         map[*instance]bool
	closed      bool
	once        sync.Once
	invocations atomic.Int64
	coldStarts  atomic.Int64
	running     atomic.Int64
	billed      atomic.Int64 // ms
}

func (f *Function) begin() {
	f.once.Do(func() {
		f.log = &tail{line: f.Log}
		f.slots = make(chan struct{}, f.Instances)
		f.all = map[*instance]bool{}
	})
}

// Invoke runs an event in an idle instance, or in a new one. It waits if the maximum number of
// instances is busy.
func (f *Function) Invoke(event []byte) ([]byte, error) {
	if f.OtherVersion != nil && rand.IntN(2) == 0 {
		return f.OtherVersion.Invoke(event)
	}
	f.begin()
	f.invocations.Add(1)
	f.running.Add(1)
	defer f.running.Add(-1)
	f.slots <- struct{}{}
	defer func() { <-f.slots }()
	in, err := f.acquire()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	body, err := in.invoke(event)
	f.billed.Add(int64((time.Since(began) + time.Millisecond - 1) / time.Millisecond))
	if errors.Is(err, ErrDied) || errors.Is(err, ErrTimedOut) {
		f.drop(in)
	} else {
		f.release(in)
	}
	return body, err
}

func (f *Function) acquire() (*instance, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, errors.New("lambda: the function has been removed")
	}
	for n := len(f.free); n > 0; n = len(f.free) {
		in := f.free[n-1]
		f.free = f.free[:n-1]
		select {
		case <-in.died:
			delete(f.all, in)
		default:
			return in, nil
		}
	}
	f.coldStarts.Add(1)
	in, err := startInstance(f)
	if err == nil {
		f.all[in] = true
	}
	return in, err
}

func (f *Function) release(in *instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Freeze {
		in.freeze()
	}
	f.free = append(f.free, in)
}

func (f *Function) drop(in *instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, in)
}

// Kill kills every instance, as kill -9 does, and returns how many were in an invocation.
func (f *Function) Kill() (busy int) {
	f.begin()
	f.mu.Lock()
	defer f.mu.Unlock()
	for in := range f.all {
		in.kill()
	}
	busy = len(f.all) - len(f.free)
	f.free, f.all = nil, map[*instance]bool{}
	if f.OtherVersion != nil {
		busy += f.OtherVersion.Kill()
	}
	return busy
}

// Close ends the function. Later invocations fail.
func (f *Function) Close() {
	f.begin()
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.Kill()
}

// Invocations returns the number of invocations.
func (f *Function) Invocations() int64 { return f.invocations.Load() }

// ColdStarts returns the number of processes that were started.
func (f *Function) ColdStarts() int64 { return f.coldStarts.Load() }

// PIDs returns the ids of the running processes.
func (f *Function) PIDs() (all []int) {
	f.begin()
	f.mu.Lock()
	defer f.mu.Unlock()
	for in := range f.all {
		select {
		case <-in.died:
		default:
			all = append(all, in.cmd.Process.Pid)
		}
	}
	return all
}

// Start measures the start of a process.
type Start struct {
	Init   time.Duration // until it requests its first event
	Answer time.Duration // until it has answered that event, from its start
	Memory int64         // maximum resident memory, bytes
}

// Cold starts a process for one event and ends it.
func (f *Function) Cold(event []byte) (s Start, response []byte, err error) {
	f.begin()
	in, err := startInstance(f)
	if err != nil {
		return s, nil, err
	}
	response, err = in.invoke(event)
	s.Answer = time.Since(in.began)
	in.kill()
	<-in.died
	s.Init, s.Memory = in.started, in.memory()
	return s, response, err
}

// Idle reports whether no invocation is in progress or waits for an instance.
func (f *Function) Idle() bool {
	return f.running.Load() == 0 && (f.OtherVersion == nil || f.OtherVersion.Idle())
}

// Billed returns the billed time of invocations: each is rounded up to a millisecond. The start of
// a process counts from the time at which it has started.
func (f *Function) Billed() time.Duration {
	return time.Duration(f.billed.Load()) * time.Millisecond
}

// Output returns the end of what the instances have printed.
func (f *Function) Output() string {
	f.begin()
	return f.log.String()
}
