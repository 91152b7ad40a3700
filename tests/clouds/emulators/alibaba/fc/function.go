package fc

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// The account and the region of the harness.
const (
	AccountID = "1234567890123456"
	Region    = "cn-hangzhou"
)

// Runtime is how the harness drives a function's process.
type Runtime uint8

// The runtimes.
const (
	BuiltIn Runtime = iota // go1: the process asks for events
	Custom                 // custom.debian12: the process is an HTTP server
)

// String returns the runtime's name for a test.
func (r Runtime) String() string { return [...]string{"built-in", "custom"}[r] }

// Credentials are the credentials that the platform sends to a function with each request.
type Credentials struct{ ID, Secret, Token string }

// Function is a deployed function: its binary, run in as many instances as are needed at once.
type Function struct {
	Name         string
	Binary       string
	Arguments    []string
	Env          []string // environment of the process, without the platform's own
	Runtime      Runtime
	Timeout      time.Duration // of an invocation; 0: a minute
	Instances    int           // maximum; 0: 1
	Concurrency  int           // invocations of an instance at the same time; 0: 1
	Freeze       bool          // idle instances are stopped
	Memory       int           // megabytes, as announced to an instance; 0: 512
	Before       []string      // a command that runs the binary: prefixed to the command line
	Hooks        bool          // /initialize and /pre-stop are configured
	OtherVersion *Function     // gets half of the invocations; nil: no other version

	// Credentials returns the credentials for a request; nil: none are sent.
	Credentials func() Credentials
	// Retries is how often a failed asynchronous invocation is repeated; RetryPause is the time
	// before each repetition.
	Retries    int
	RetryPause time.Duration
	// Log gets every line that an instance prints; nil: none.
	Log func(line string)

	log         *tail
	slots       chan struct{}
	mu          sync.Mutex
	all         map[*instance]int // number of invocations of each
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
	// ErrDied reports that the process of an instance ended during an invocation.
	ErrDied = errors.New("fc: the function instance exited before the invocation was answered")
	// ErrTimedOut reports that an invocation took longer than the function's timeout; the process
	// was killed.
	ErrTimedOut = errors.New("fc: the function timed out")
	// ErrClosed reports that the function is no longer deployed.
	ErrClosed = errors.New("fc: the function has been removed")
)

// FunctionError is an error that the function itself returned.
type FunctionError struct{ Document string }

func (e *FunctionError) Error() string { return "fc: the function failed: " + e.Document }

// Invoke runs an event in an idle instance, or in a new one. It waits while all instances are busy
// and no further one is allowed.
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

// take returns an instance that has capacity. It prefers the busiest one, so that the others become
// idle.
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

// Kill ends every instance at once, as kill -9 does, and returns how many had an invocation.
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

// Close removes the function after its current invocations. If Hooks is set, its instances get
// /pre-stop before they end. Later invocations fail.
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

// Invocations returns the number of invocations so far.
func (f *Function) Invocations() int64 { return f.invocations.Load() }

// ColdStarts returns the number of processes started.
func (f *Function) ColdStarts() int64 { return f.coldStarts.Load() }

// Output returns the end of what the instances have printed.
func (f *Function) Output() string {
	f.begin()
	return f.log.String()
}

// Async invokes the function without waiting, and repeats a failed invocation up to Retries times.
// task is the caller's id for the invocation; "" for none. Async returns false if the id has been
// used before. It calls done, if not nil, with the result.
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

// requestID returns a new id of a request, in the platform's format.
func requestID() string {
	return "1-" + strconv.FormatInt(time.Now().Unix(), 16) + "-" +
		strconv.FormatInt(0x100000000000+requests.Add(1), 16)
}
