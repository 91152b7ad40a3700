package functiontask

import (
	"context"
	"sync"
	"time"

	"millrace/shared/backoff"
	"millrace/shared/flow"
	"millrace/shared/inflight"
	"millrace/shared/task"
	"millrace/shared/value"
)

// startBackoff is the pause before the next start of a command whose processes exit before their
// first response. A call waits at most startWait for a start; if the pause lasts longer, the call
// fails at once.
var startBackoff = backoff.Policy{Min: 100 * time.Millisecond, Max: 10 * time.Second}

const startWait = time.Second

// pool is a function that is a command: up to Concurrency processes, each with one invocation at a
// time. The pool starts a process when an invocation finds none idle, and keeps it.
type pool struct {
	spec  Function
	log   func(string)
	limit int64
	slots chan struct{} // one for each process that may be busy

	mu      sync.Mutex
	idle    []*worker // the last used one last, so that few processes do most of the work
	all     map[*worker]struct{}
	crashes int       // consecutive processes that exited before their first response
	retryAt time.Time // no process starts before
	closed  bool
}

func newPool(spec Function, log func(string), limit int64) *pool {
	return &pool{
		spec: spec, log: log, limit: limit,
		slots: make(chan struct{}, max(1, spec.Concurrency)),
		all:   make(map[*worker]struct{}),
	}
}

// invoke has one process carry out the invocation. If an idle process turns out to have exited, it
// never received the event, so the next process gets it.
func (p *pool) invoke(ctx context.Context, in *invocation) (response, *flow.Error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return response{}, contextFailure(ctx, in)
	}
	for {
		w, fresh, failure := p.acquire(ctx, in)
		if failure != nil {
			<-p.slots
			return response{}, failure
		}
		o := w.invoke(ctx, in)
		if !o.received && !fresh && ctx.Err() == nil {
			continue
		}
		p.release(w, o)
		if o.failure == nil {
			if err := inflight.ResponseFromContext(ctx).Hold(ctx,
				int64(value.Cost(o.response.body))); err != nil {
				return response{}, contextFailure(ctx, in)
			}
		}
		return o.response, o.failure
	}
}

// acquire returns an idle process, or starts a new one (fresh).
func (p *pool) acquire(
	ctx context.Context, in *invocation,
) (w *worker, fresh bool, failure *flow.Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.closed {
		for len(p.idle) > 0 {
			w = p.idle[len(p.idle)-1]
			p.idle = p.idle[:len(p.idle)-1]
			if w.alive() {
				return w, false, nil
			}
		}
		wait := time.Until(p.retryAt)
		switch {
		case wait <= 0:
			w, failure = p.start(in)
			return w, true, failure
		case wait > startWait:
			return nil, false, task.NewError(unknown,
				"Function "+in.target.Name+" keeps ending before it responds.")
		}
		p.mu.Unlock()
		sleep(ctx, wait)
		p.mu.Lock()
		if failure = contextFailure(ctx, in); failure != nil {
			return nil, false, failure
		}
	}
	return nil, false, task.NewError(internalError, "The functions are being shut down.")
}

// start starts a process. The caller holds mu.
func (p *pool) start(in *invocation) (*worker, *flow.Error) {
	w, err := startWorker(&p.spec, in, p.log, p.limit)
	if err != nil {
		p.log("function " + in.target.Name + ": cannot start: " + err.Error())
		return nil, task.NewError(unknown,
			"Function "+in.target.Name+" cannot be started: "+err.Error())
	}
	p.all[w] = struct{}{}
	go func() {
		<-w.exited
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.all, w)
		if !w.killed.Load() && !w.responded.Load() {
			p.crashed()
		}
	}()
	return w, nil
}

// crashed delays the next start. The caller holds mu.
func (p *pool) crashed() {
	p.crashes++
	p.retryAt = time.Now().Add(startBackoff.After(p.crashes - 1))
}

// release makes a process idle again after an invocation. If the process has the event but did not
// respond, it is still busy with an event whose caller no longer waits: release kills it, and frees
// the slot when it has exited. A process that has not yet requested the event gets more time, up to
// pollMax.
func (p *pool) release(w *worker, o invocationResult) {
	if !o.responded && (o.received || w.stuck()) {
		w.kill()
		go func() {
			<-w.exited
			<-p.slots
		}()
		return
	}
	p.mu.Lock()
	if o.responded {
		p.crashes, p.retryAt = 0, time.Time{}
	}
	if !p.closed {
		p.idle = append(p.idle, w)
	}
	p.mu.Unlock()
	<-p.slots
}

// close asks the processes to exit. It kills those left after closeGrace, or when ctx is done.
func (p *pool) close(ctx context.Context) {
	p.mu.Lock()
	p.closed, p.idle = true, nil
	workers := make([]*worker, 0, len(p.all))
	for w := range p.all {
		workers = append(workers, w)
	}
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, closeGrace)
	defer cancel()
	for _, w := range workers {
		w.terminate()
	}
	for _, w := range workers {
		select {
		case <-w.exited:
		case <-ctx.Done():
			w.kill()
			<-w.exited
		}
	}
}

// sleep waits for d, or until ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
