package lambda

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// ErrDied means that the process of an instance ended during an invocation.
var ErrDied = errors.New("lambda: Runtime exited before the invocation was answered")

// ErrTimedOut means that an invocation exceeded the function's timeout; the process was killed.
var ErrTimedOut = errors.New("lambda: Task timed out")

// FunctionError is an error that the function itself returned.
type FunctionError struct{ Document string }

func (e *FunctionError) Error() string { return "lambda: the function failed: " + e.Document }

// instance is one process of a function, with its own runtime API.
type instance struct {
	f      *Function
	cmd    *exec.Cmd
	server *http.Server
	events chan invocation
	died   chan struct{}
	frozen atomic.Bool

	mu      sync.Mutex
	current *invocation
	began   time.Time
	ready   chan struct{} // closed at the first call of next: the instance has started
	started time.Duration // time until then
	once    sync.Once
}

type invocation struct {
	id       string
	event    []byte
	deadline time.Time
	answer   chan reply
}

type reply struct {
	body []byte
	err  error
}

// startInstance starts a process. Its output goes to the function's log.
func startInstance(f *Function) (*instance, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	in := &instance{f: f, events: make(chan invocation), died: make(chan struct{}),
		ready: make(chan struct{}), began: time.Now()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", in.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", in.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", in.failure)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error",
		func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusAccepted) })
	in.server = &http.Server{Handler: mux}
	go in.server.Serve(listener)
	words := append(slices.Clone(f.Before), f.Binary)
	in.cmd = exec.Command(words[0], words[1:]...)
	in.cmd.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(),
		"AWS_LAMBDA_FUNCTION_NAME=" + f.Name,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(cmp.Or(f.Memory, 512)),
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "_HANDLER=bootstrap",
		"LAMBDA_TASK_ROOT=/var/task"}, f.Env...)
	in.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in.cmd.Stdout, in.cmd.Stderr = f.log, f.log
	if err := in.cmd.Start(); err != nil {
		in.server.Close()
		return nil, err
	}
	go func() {
		in.cmd.Wait()
		close(in.died)
		in.server.Close()
	}()
	return in, nil
}

// next gives the next event to the process. The instance is idle until then.
func (in *instance) next(w http.ResponseWriter, r *http.Request) {
	in.once.Do(func() {
		in.started = time.Since(in.began)
		close(in.ready)
	})
	in.mu.Lock()
	in.current = nil
	in.mu.Unlock()
	select {
	case v := <-in.events:
		in.mu.Lock()
		in.current = &v
		in.mu.Unlock()
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", v.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(v.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn",
			"arn:aws:lambda:us-east-1:000000000000:function:"+in.f.Name)
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-5f0e3b1a-0123456789abcdef01234567;Sampled=0")
		h.Set("Content-Type", "application/json")
		w.Write(v.event)
	case <-r.Context().Done():
	case <-in.died:
	}
}

func (in *instance) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	in.finish(r.PathValue("id"), reply{body: body, err: err})
	w.WriteHeader(http.StatusAccepted)
}

func (in *instance) failure(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	in.finish(r.PathValue("id"), reply{err: &FunctionError{string(body)}})
	w.WriteHeader(http.StatusAccepted)
}

// finish answers the current invocation.
func (in *instance) finish(id string, r reply) {
	in.mu.Lock()
	v := in.current
	in.mu.Unlock()
	if v == nil || v.id != id {
		return
	}
	select {
	case v.answer <- r:
	default: // it has timed out
	}
}

// readyMax is how long a process may take until it requests its first event. That does not count as
// the function's time.
const readyMax = 2 * time.Minute

// wait waits until the process has started.
func (in *instance) wait() error {
	late := time.NewTimer(readyMax)
	defer late.Stop()
	select {
	case <-in.ready:
		return nil
	case <-in.died:
		return ErrDied
	case <-late.C:
		in.kill()
		return ErrTimedOut
	}
}

// invoke runs one event. After ErrDied and ErrTimedOut the instance must not be used any more.
func (in *instance) invoke(event []byte) ([]byte, error) {
	in.thaw()
	if err := in.wait(); err != nil {
		return nil, err
	}
	timeout := in.f.Timeout
	v := invocation{id: requestID(), event: event, deadline: time.Now().Add(timeout),
		answer: make(chan reply, 1)}
	late := time.NewTimer(timeout)
	defer late.Stop()
	select {
	case in.events <- v:
	case <-in.died:
		return nil, ErrDied
	case <-late.C:
		in.kill()
		return nil, ErrTimedOut
	}
	select {
	case r := <-v.answer:
		return r.body, r.err
	case <-in.died:
		return nil, ErrDied
	case <-late.C:
		in.kill()
		return nil, ErrTimedOut
	}
}

// freeze and thaw stop the process and resume it, as the platform does between invocations.
func (in *instance) freeze() {
	if in.frozen.CompareAndSwap(false, true) {
		in.cmd.Process.Signal(syscall.SIGSTOP)
	}
}

func (in *instance) thaw() {
	if in.frozen.CompareAndSwap(true, false) {
		in.cmd.Process.Signal(syscall.SIGCONT)
	}
}

// memory returns the maximum memory of the process in bytes, once it has ended.
func (in *instance) memory() int64 {
	usage, _ := in.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if usage == nil {
		return 0
	}
	return usage.Maxrss * 1024
}

func (in *instance) kill() { in.cmd.Process.Kill() }

// tail is a log that keeps its end. It passes lines on if there is a receiver.
type tail struct {
	mu   sync.Mutex
	text bytes.Buffer
	line func(string)
	part []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(p)
	if over := t.text.Len() - 1<<20; over > 0 {
		t.text.Next(over)
	}
	if t.line == nil {
		return len(p), nil
	}
	t.part = append(t.part, p...)
	for {
		i := bytes.IndexByte(t.part, '\n')
		if i < 0 {
			return len(p), nil
		}
		t.line(string(t.part[:i]))
		t.part = t.part[i+1:]
	}
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

var requests atomic.Int64

func requestID() string {
	n := requests.Add(1)
	return strings.ToLower(fmt.Sprintf("%08x-0000-4000-8000-%012x", n,
		time.Now().UnixNano()&0xffffffffffff))
}
