package functiontask

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"millrace/shared/flow"
	"millrace/shared/task"
)

// Time limits of a process:
//   - closeGrace: from the request to terminate to the kill.
//   - outputGrace: for the rest of its output, after it has exited.
//   - pollMax: from its start, or from its last result, to its next request for an event. The
//     platform has the same limit for a start.
//   - duplicatePollWait: how long a second request for the next event waits for the first to end,
//     whose connection may have broken a moment ago.
const (
	closeGrace        = 2 * time.Second
	outputGrace       = time.Second
	pollMax           = 120 * time.Second
	duplicatePollWait = 2 * time.Second
)

// worker is one process of a command, with the server of its runtime APIs.
type worker struct {
	name    string // of the function for which it was started
	cmd     *exec.Cmd
	server  *http.Server
	log     func(string)  // logs one line about the process
	offer   chan *handoff // received by a request for the next event
	polling chan struct{} // full while a request waits for the next event: one at a time
	limit   int64

	exited     chan struct{} // closed when the process has exited
	exitStatus string        // valid once exited is closed
	killed     atomic.Bool   // by this runner
	responded  atomic.Bool   // to at least one event

	mu      sync.Mutex
	since   time.Time   // the start or the last result
	current *handoff    // sent to the process, no result yet
	initErr *flow.Error // reported by the process instead of a request for an event
}

// handoff is an invocation on its way through a worker.
type handoff struct {
	in   *invocation
	done chan invocationResult // buffers the one result
}

// invocationResult is what a worker returns for an invocation.
type invocationResult struct {
	response  response
	failure   *flow.Error
	received  bool // the event was sent to the process
	responded bool // the process returned a result and can take another event
}

// startWorker starts a process of the command, in its own process group.
func startWorker(spec *Function, in *invocation, log func(string), limit int64) (*worker, error) {
	as, err := identityOf(spec.User)
	if err != nil {
		return nil, err
	}
	listener, err := listen()
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	w := &worker{
		name: in.target.Name, offer: make(chan *handoff), polling: make(chan struct{}, 1),
		limit: limit, exited: make(chan struct{}), since: time.Now(),
	}
	w.log = func(line string) { log(w.prefix() + line) }
	w.server = w.newServer(address)
	w.cmd = exec.Command(spec.Command[0], spec.Command[1:]...)
	w.cmd.Dir = spec.Dir
	w.cmd.Env = environment(spec, as, in, address)
	w.cmd.WaitDelay = outputGrace
	out, errs := newLines(log), newLines(log)
	w.cmd.Stdout, w.cmd.Stderr = out, errs
	setGroup(w.cmd)
	as.apply(w.cmd)
	started := make(chan error)
	go w.supervise(started, out, errs)
	if err := <-started; err != nil {
		listener.Close()
		if spec.User != "" {
			err = fmt.Errorf("as user %s, who must be able to reach and run it: %w", spec.User, err)
		}
		return nil, err
	}
	// A process that connects before Serve waits in the listener's queue.
	go w.server.Serve(newPeerListener(listener, newPeers(w.cmd.Process.Pid, as.uid), w.log))
	return w, nil
}

// newServer returns the server of the runtime APIs, for the connections of a peerListener.
func (w *worker) newServer(address string) *http.Server {
	return &http.Server{
		Handler: rejectBrowsers(address, w.routes(), w.log), ReadHeaderTimeout: 10 * time.Second,
		ConnContext: withConn,
	}
}

// prefix begins each log line about the process. It must not be called before the process has
// started.
func (w *worker) prefix() string {
	return "function " + w.name + "[" + strconv.Itoa(w.cmd.Process.Pid) + "]: "
}

// supervise starts the process and waits for its exit, both on one locked thread: on Linux the
// kernel kills the process when the thread that started it ends. So the process dies if the server
// is killed.
func (w *worker) supervise(started chan<- error, out, errs *lines) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := w.cmd.Start(); err != nil {
		started <- err
		return
	}
	out.start(w.prefix())
	errs.start(w.prefix())
	started <- nil
	err := w.cmd.Wait()
	killGroup(w.cmd) // the processes that it leaves behind
	out.flush()
	errs.flush()
	w.exitStatus = "exit status 0"
	if w.cmd.ProcessState != nil {
		w.exitStatus = w.cmd.ProcessState.String()
	} else if err != nil {
		w.exitStatus = err.Error()
	}
	if !w.killed.Load() {
		w.log("ended: " + w.exitStatus)
	}
	close(w.exited)
	w.server.Close()
}

// alive reports whether the process has not exited.
func (w *worker) alive() bool {
	select {
	case <-w.exited:
		return false
	default:
		return true
	}
}

// stuck reports whether the process has not requested an event for longer than pollMax.
func (w *worker) stuck() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.since) > pollMax
}

// invoke sends one event to the process. It waits for the result, the exit of the process, or the
// end of ctx.
func (w *worker) invoke(ctx context.Context, in *invocation) invocationResult {
	h := &handoff{in: in, done: make(chan invocationResult, 1)}
	select {
	case w.offer <- h:
	case <-w.exited:
		return invocationResult{failure: w.failure("exited before it asked for an event")}
	case <-ctx.Done():
		return invocationResult{failure: contextFailure(ctx, in)}
	}
	select {
	case o := <-h.done:
		return o
	case <-w.exited:
	case <-ctx.Done():
		return invocationResult{failure: contextFailure(ctx, in), received: true}
	}
	select {
	case o := <-h.done: // the process responded just before it exited
		return o
	default:
		return invocationResult{failure: w.failure("exited during the call"), received: true}
	}
}

// failure returns the error of a process that exited: the init error if it reported one, else an
// error with its exit status.
func (w *worker) failure(what string) *flow.Error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.initErr != nil {
		return w.initErr
	}
	return task.NewError(unknown, "Function "+w.name+" "+what+": "+w.exitStatus)
}

// setCurrent makes h the current handoff.
func (w *worker) setCurrent(h *handoff) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current = h
}

// requeue offers an event again if the process has not read all of it, because the process will
// send no result for it.
func (w *worker) requeue(h *handoff) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current == h {
		w.current = nil
		go w.reoffer(h)
	}
}

// complete ends the current invocation with a result. It returns false if the current invocation
// does not have this id.
func (w *worker) complete(id string, a response, failure *flow.Error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current == nil || w.current.in.id != id {
		return false
	}
	w.responded.Store(true)
	w.since = time.Now()
	w.current.done <- invocationResult{
		response: a, failure: failure, received: true, responded: true,
	}
	w.current = nil
	return true
}

// kill kills the process and its group.
func (w *worker) kill() {
	if w.alive() {
		w.killed.Store(true)
		killGroup(w.cmd)
	}
}

// terminate asks the process group to exit.
func (w *worker) terminate() {
	if w.alive() {
		w.killed.Store(true)
		terminateGroup(w.cmd)
	}
}
