package fctask

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
	closeGrace  = 2 * time.Second
	outputGrace = time.Second
	askMax      = 120 * time.Second
	secondWait  = 2 * time.Second
)

// worker is one process of a command, with the listener that serves it the runtime APIs.
type worker struct {
	name   string // of the function that it was started for
	cmd    *exec.Cmd
	server *http.Server
	log    func(string)  // a line about the process
	offer  chan *handoff // taken by a poll for the next event
	asking chan struct{} // full while a request waits for the next event: one at a time
	limit  int64

	exited   chan struct{} // closed when the process has ended
	end      string        // how; valid once exited is closed
	killed   atomic.Bool   // by us
	answered atomic.Bool   // at least once

	mu      sync.Mutex
	since   time.Time   // of the start or the last answer
	current *handoff    // taken and not answered
	initErr *task.Error // what the process reported instead of asking for an event
}

// handoff is an invocation on its way through a worker.
type handoff struct {
	in   *invocation
	done chan outcome // has room for the one outcome
}

// outcome is how an invocation left a worker.
type outcome struct {
	answer   answer
	failure  *task.Error
	taken    bool // the process has had the event
	answered bool // the process has answered and can have another
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
		name: in.target.Name, offer: make(chan *handoff), asking: make(chan struct{}, 1), limit: limit,
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
	as.become(w.cmd)
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
	go w.server.Serve(newOwnListener(listener, newPeers(w.cmd.Process.Pid, as.uid), w.log))
	return w, nil
}

// newServer serves the runtime APIs to the connections of an ownListener.
func (w *worker) newServer(address string) *http.Server {
	return &http.Server{
		Handler: withoutPages(address, w.routes(), w.log), ReadHeaderTimeout: 10 * time.Second,
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
	w.end = "exit status 0"
	if w.cmd.ProcessState != nil {
		w.end = w.cmd.ProcessState.String()
	} else if err != nil {
		w.end = err.Error()
	}
	if !w.killed.Load() {
		w.log("ended: " + w.end)
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
	return time.Since(w.since) > askMax
}

// invoke gives the process one event and waits for the answer, the end of the process or of ctx.
func (w *worker) invoke(ctx context.Context, in *invocation) outcome {
	h := &handoff{in: in, done: make(chan outcome, 1)}
	select {
	case w.offer <- h:
	case <-w.exited:
		return outcome{failure: w.failure("exited before it asked for an event")}
	case <-ctx.Done():
		return outcome{failure: interrupted(ctx, in)}
	}
	select {
	case o := <-h.done:
		return o
	case <-w.exited:
	case <-ctx.Done():
		return outcome{failure: interrupted(ctx, in), taken: true}
	}
	select {
	case o := <-h.done: // answered with its last breath
		return o
	default:
		return outcome{failure: w.failure("exited during the call"), taken: true}
	}
}

// failure is the error of a process that ended: what it reported about its start, else how it ended.
func (w *worker) failure(what string) *task.Error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.initErr != nil {
		return w.initErr
	}
	return task.NewError(unknown, "Function "+w.name+" "+what+": "+w.end)
}

// take makes a handoff the current one.
func (w *worker) take(h *handoff) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current = h
}

// giveBack offers an event again that the process has got in part or not at all: no answer would
// come.
func (w *worker) giveBack(h *handoff) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current == h {
		w.current = nil
		go w.offerAgain(h)
	}
}

// settle answers the current invocation if it has this id.
func (w *worker) settle(id string, a answer, failure *task.Error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current == nil || w.current.in.id != id {
		return false
	}
	w.answered.Store(true)
	w.since = time.Now()
	w.current.done <- outcome{answer: a, failure: failure, taken: true, answered: true}
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
