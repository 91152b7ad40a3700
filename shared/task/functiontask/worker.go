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

	"millrace/shared/task"
)

// Time that processes get to end by themselves; that their output gets after their end; that a
// process gets to ask for an event, after its start and after each answer (the platform's own limit
// for a start); and that a second request for the next event waits for the first to go, whose
// connection may have broken just now.
const (
	closeGrace        = 2 * time.Second
	outputGrace       = time.Second
	pollMax           = 120 * time.Second
	duplicatePollWait = 2 * time.Second
)

// worker is one process of a command, with the listener that serves it the runtime APIs.
type worker struct {
	name    string // of the function that it was started for
	cmd     *exec.Cmd
	server  *http.Server
	log     func(string)  // a line about the process
	offer   chan *handoff // taken by a poll for the next event
	polling chan struct{} // full while a request waits for the next event: one at a time
	limit   int64

	exited     chan struct{} // closed when the process has ended
	exitStatus string        // how; valid once exited is closed
	killed     atomic.Bool   // by us
	responded  atomic.Bool   // at least once

	mu      sync.Mutex
	since   time.Time   // of the start or the last answer
	current *handoff    // taken and not answered
	initErr *task.Error // what the process reported instead of asking for an event
}

// handoff is an invocation on its way through a worker.
type handoff struct {
	in   *invocation
	done chan invocationResult // has room for the one outcome
}

// invocationResult is how an invocation left a worker.
type invocationResult struct {
	response  response
	failure   *task.Error
	received  bool // the process has had the event
	responded bool // the process has answered and can have another
}

// startWorker starts a process of the command, in a group of its own.
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
		name: in.target.Name, offer: make(chan *handoff), polling: make(chan struct{}, 1), limit: limit,
		exited: make(chan struct{}), since: time.Now(),
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
	// A process that is early waits in the listener's queue.
	go w.server.Serve(newPeerListener(listener, newPeers(w.cmd.Process.Pid, as.uid), w.log))
	return w, nil
}

// newServer serves the runtime APIs to the connections of an ownListener.
func (w *worker) newServer(address string) *http.Server {
	return &http.Server{
		Handler: rejectBrowsers(address, w.routes(), w.log), ReadHeaderTimeout: 10 * time.Second,
		ConnContext: withConn,
	}
}

// prefix begins each line that is logged about the process, once it has been started.
func (w *worker) prefix() string {
	return "function " + w.name + "[" + strconv.Itoa(w.cmd.Process.Pid) + "]: "
}

// supervise starts the process and waits for its end, both on one thread: on Linux the process is told to die with
// the thread that started it, which is how it ends when this one is killed.
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
	killGroup(w.cmd) // what it has left behind
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

// alive tells whether the process has not ended.
func (w *worker) alive() bool {
	select {
	case <-w.exited:
		return false
	default:
		return true
	}
}

// stuck tells whether the process has not asked for an event for too long.
func (w *worker) stuck() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.since) > pollMax
}

// invoke gives the process one event and waits for the answer, the end of the process or of ctx.
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
	case o := <-h.done: // answered with its last breath
		return o
	default:
		return invocationResult{failure: w.failure("exited during the call"), received: true}
	}
}

// failure is the error of a process that ended: what it reported about its start, else how it ended.
func (w *worker) failure(what string) *task.Error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.initErr != nil {
		return w.initErr
	}
	return task.NewError(unknown, "Function "+w.name+" "+what+": "+w.exitStatus)
}

// setCurrent makes a handoff the current one.
func (w *worker) setCurrent(h *handoff) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current = h
}

// requeue offers an event again that the process has got in part or not at all: no answer would
// come.
func (w *worker) requeue(h *handoff) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current == h {
		w.current = nil
		go w.reoffer(h)
	}
}

// complete answers the current invocation if it has this id.
func (w *worker) complete(id string, a response, failure *task.Error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current == nil || w.current.in.id != id {
		return false
	}
	w.responded.Store(true)
	w.since = time.Now()
	w.current.done <- invocationResult{response: a, failure: failure, received: true, responded: true}
	w.current = nil
	return true
}

// kill ends the process and its group by force.
func (w *worker) kill() {
	if w.alive() {
		w.killed.Store(true)
		killGroup(w.cmd)
	}
}

// terminate asks the group to end.
func (w *worker) terminate() {
	if w.alive() {
		w.killed.Store(true)
		terminateGroup(w.cmd)
	}
}
