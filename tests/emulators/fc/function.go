package fc

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// What the harness is when nobody says otherwise.
const (
	AccountID = "1234567890123456"
	Region    = "cn-hangzhou"
)

// Runtime is how a function's process is driven.
type Runtime uint8

// The runtimes.
const (
	BuiltIn Runtime = iota // go1: the process asks for events
	Custom                 // custom.debian12: the process is an HTTP server
)

// String is the runtime's name in a test.
func (r Runtime) String() string { return [...]string{"built-in", "custom"}[r] }

// Credentials are what the platform gives to a function with each request.
type Credentials struct{ ID, Secret, Token string }

// Function is a deployed function: its binary, run in as many instances as are needed at once.
type Function struct {
	Name         string
	Binary       string
	Arguments    []string
	Env          []string // all that the process sees, apart from the platform's own
	Runtime      Runtime
	Timeout      time.Duration // of an invocation; 0: a minute
	Instances    int           // at most; 0: 1
	Concurrency  int           // invocations of an instance at a time; 0: 1
	Freeze       bool          // idle instances are stopped
	Memory       int           // megabytes that an instance is told it has; 0: 512
	Before       []string      // a command that runs the binary: its words come first
	Hooks        bool          // /initialize and /pre-stop are configured
	OtherVersion *Function     // another version of it, which gets half of the invocations; nil: none

	// Credentials is asked for each request; nil: none are sent.
	Credentials func() Credentials
	// Retries is how often an asynchronous invocation is made again after an error; RetryPause is how long that takes.
	Retries    int
	RetryPause time.Duration
	// Log gets every line that an instance prints; nil: none.
	Log func(line string)

	log         *tail
	slots       chan struct{}
	mu          sync.Mutex
	all         map[*instance]int // how many invocations each has
	closed      bool
	once        sync.Once
	background  sync.WaitGroup // asynchronous invocations
	tasks       map[string]bool
	invocations atomic.Int64
	coldStarts  atomic.Int64
	running     atomic.Int64
	billed      atomic.Int64 // ms
}

func (f *Function) begin() {
	f.once.Do(func() {
		if f.Timeout == 0 {
			f.Timeout = time.Minute
		}
		f.Instances, f.Concurrency = max(f.Instances, 1), max(f.Concurrency, 1)
		f.log = &tail{line: f.Log}
		f.slots = make(chan struct{}, f.Instances*f.Concurrency)
		f.all = map[*instance]int{}
		f.tasks = map[string]bool{}
	})
}

// Errors of an invocation.
var (
	// ErrDied says that the process of an instance ended in an invocation.
	ErrDied = errors.New("fc: the function instance exited before the invocation was answered")
	// ErrTimedOut says that an invocation took longer than the function may; the process was killed.
	ErrTimedOut = errors.New("fc: the function timed out")
	// ErrClosed says that the function is no longer deployed.
	ErrClosed = errors.New("fc: the function has been removed")
)

// FunctionError is an error that the function itself answered.
type FunctionError struct{ Document string }

func (e *FunctionError) Error() string { return "fc: the function failed: " + e.Document }

// Invoke runs an event in an idle instance, or in a new one, and waits where there are as many as there may be.
func (f *Function) Invoke(event []byte) ([]byte, error) {
	var body []byte
	err := f.use(func(in *instance) (err error) {
		body, err = in.invoke(event)
		return err
	})
	return body, err
}

// use runs call with an instance.
func (f *Function) use(call func(*instance) error) error {
	if f.OtherVersion != nil && rand.IntN(2) == 0 {
		return f.OtherVersion.use(call)
	}
	f.begin()
	f.invocations.Add(1)
	f.running.Add(1)
	defer f.running.Add(-1)
	f.slots <- struct{}{}
	defer func() { <-f.slots }()
	in, err := f.take()
	if err != nil {
		return err
	}
	err = call(in)
	f.give(in, errors.Is(err, ErrDied) || errors.Is(err, ErrTimedOut))
	return err
}

// take gives an instance that has room, the busiest so that the others can rest.
func (f *Function) take() (*instance, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, ErrClosed
	}
	var best *instance
	for in, n := range f.all {
		switch {
		case in.dead():
			delete(f.all, in)
		case n < f.Concurrency && (best == nil || n > f.all[best]):
			best = in
		}
	}
	if best == nil {
		f.coldStarts.Add(1)
		in, err := startInstance(f)
		if err != nil {
			return nil, err
		}
		best = in
	}
	if f.all[best]++; f.all[best] == 1 {
		best.busy = time.Now()
	}
	best.thaw()
	return best, nil
}

func (f *Function) give(in *instance, gone bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.all[in]; !ok {
		return
	}
	f.all[in]--
	if gone || f.all[in] == 0 {
		f.bill(in)
	}
	if gone {
		delete(f.all, in)
	} else if f.all[in] == 0 && f.Freeze {
		in.freeze()
	}
}

// Start starts n instances that are idle at first, as a provisioned function has them.
func (f *Function) Start(n int) error {
	f.begin()
	f.mu.Lock()
	defer f.mu.Unlock()
	for range n {
		f.coldStarts.Add(1)
		in, err := startInstance(f)
		if err != nil {
			return err
		}
		f.all[in] = 0
	}
	return nil
}

// Kill ends every instance at once, as kill -9 does, and tells how many were in an invocation.
func (f *Function) Kill() (busy int) {
	f.begin()
	f.mu.Lock()
	defer f.mu.Unlock()
	for in, n := range f.all {
		in.kill()
		if n > 0 {
			busy++
		}
	}
	f.all = map[*instance]int{}
	if f.OtherVersion != nil {
		busy += f.OtherVersion.Kill()
	}
	return busy
}

// Close ends the function after what is under way: its instances are told to stop, where that is configured, and end.
// Later invocations fail.
func (f *Function) Close() {
	f.begin()
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.background.Wait()
	for range cap(f.slots) {
		f.slots <- struct{}{}
	}
	f.mu.Lock()
	var all []*instance
	for in := range f.all {
		all = append(all, in)
	}
	f.mu.Unlock()
	for _, in := range all {
		in.stop()
	}
	for range cap(f.slots) {
		<-f.slots
	}
}

// Invocations is how many invocations there have been.
func (f *Function) Invocations() int64 { return f.invocations.Load() }

// ColdStarts is how many processes were started.
func (f *Function) ColdStarts() int64 { return f.coldStarts.Load() }

// Output is the end of what the instances have printed.
func (f *Function) Output() string {
	f.begin()
	return f.log.String()
}

// Async invokes the function without waiting, again after an error as often as Retries says. task is the caller's id for
// it: the same id again is refused with false; "" for none. done gets how it ended, if it is not nil.
func (f *Function) Async(event []byte, task string, done func(body []byte, err error)) bool {
	f.begin()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || task != "" && f.tasks[task] {
		return false
	}
	f.tasks[task] = true
	f.running.Add(1)
	f.background.Go(func() {
		defer f.running.Add(-1)
		body, err := f.Invoke(event)
		for n := 0; err != nil && n < f.Retries && !errors.Is(err, ErrClosed); n++ {
			time.Sleep(f.RetryPause)
			body, err = f.Invoke(event)
		}
		if done != nil {
			done(body, err)
		}
	})
	return true
}

var requests atomic.Int64

// requestID is an id of a request, as the platform writes them.
func requestID() string {
	return "1-" + strconv.FormatInt(time.Now().Unix(), 16) + "-" + strconv.FormatInt(0x100000000000+requests.Add(1), 16)
}
