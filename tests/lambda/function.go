package lambda

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Function is a deployed function: its binary, run in as many instances as are needed at once.
type Function struct {
	Name         string
	Binary       string
	Env          []string // all that the process sees, apart from the platform's own
	Timeout      time.Duration
	Instances    int       // at most
	Freeze       bool      // instances are stopped between invocations
	Memory       int       // megabytes that an instance is told it has; 0: 512
	Before       []string  // a command that runs the binary: its words come first
	OtherVersion *Function // another version of it, which gets half of the events; nil: none

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

// Invoke runs an event in an idle instance, or in a new one, and waits where there are as many as there may be.
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

// Kill ends every instance at once, as kill -9 does, and tells how many were in an invocation.
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

// Close ends the function; later invocations fail.
func (f *Function) Close() {
	f.begin()
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.Kill()
}

// Invocations and ColdStarts count what has been asked for and how many processes were started.
func (f *Function) Invocations() int64 { return f.invocations.Load() }

// ColdStarts is how many processes were started.
func (f *Function) ColdStarts() int64 { return f.coldStarts.Load() }

// PIDs are the processes that run.
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

// Start is what a new process needs.
type Start struct {
	Init   time.Duration // until it asks for its first event
	Answer time.Duration // until it has answered that, since its beginning
	Memory int64         // most of it that was resident, bytes
}

// Cold starts a process for one event and ends it.
func (f *Function) Cold(event []byte) (s Start, answer []byte, err error) {
	f.begin()
	in, err := startInstance(f)
	if err != nil {
		return s, nil, err
	}
	answer, err = in.invoke(event)
	s.Answer = time.Since(in.began)
	in.kill()
	<-in.died
	s.Init, s.Memory = in.started, in.memory()
	return s, answer, err
}

// Idle tells whether no invocation is under way or waits for an instance.
func (f *Function) Idle() bool {
	return f.running.Load() == 0 && (f.OtherVersion == nil || f.OtherVersion.Idle())
}

// Billed is the time that invocations took, each rounded up to a millisecond, as it is billed; the start of a process
// counts from when it has started.
func (f *Function) Billed() time.Duration { return time.Duration(f.billed.Load()) * time.Millisecond }

// Output is the end of what the instances have printed.
func (f *Function) Output() string {
	f.begin()
	return f.log.String()
}
