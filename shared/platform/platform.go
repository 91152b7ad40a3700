// Package platform knows where the program runs. It asks that once, takes the events of that place, and hands what
// they carry to the parts of the engine: an http.Handler, the work on an execution, the start of flows, the sweep.
package platform

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"sync"

	"millrace/shared/task/outbound"
)

// Handler takes one event of the platform and gives its answer. An error makes the platform deliver the event again,
// as far as it does so for that kind of event. It may be called from several goroutines.
type Handler func(ctx context.Context, event []byte) (answer []byte, err error)

// cloudRuntime is a place where functions run: the environment variable that tells it, its name, and what serves there until
// the platform ends the process.
type cloudRuntime struct {
	variable string
	name     string
	serve    func(Handler) error
}

// cloudRuntimes is every place that is known.
var cloudRuntimes = []cloudRuntime{
	{"AWS_LAMBDA_RUNTIME_API", "AWS Lambda", serveLambda},
	{"FC_RUNTIME_API", "the built-in runtime of Function Compute", serveFC},
	{"FC_SERVER_PORT", "a custom runtime of Function Compute", serveCustom},
	{"FC_CUSTOM_LISTEN_PORT", "a custom runtime of Function Compute", serveCustom},
	{"FC_FUNCTION_NAME", "a custom runtime of Function Compute", serveCustom},
}

// runtimeAPIs are the variables that hold where a platform gives out events and takes answers: no
// flow's target.
var runtimeAPIs = []string{"AWS_LAMBDA_RUNTIME_API", "FC_RUNTIME_API"}

// ErrNoRuntime says that the program is run where no function runs.
var ErrNoRuntime = errors.New("this program is a cloud function")

// Run serves until the platform ends the process. open builds the handler; it is called at once, while the platform
// still counts the time as start-up. When it fails, every event is answered with that error, and the next event makes
// it try again: a function that ended itself would only be started again, and again.
func Run(open func(context.Context) (Handler, error)) error {
	h, err := detectRuntime(os.Getenv)
	if err != nil {
		return err
	}
	slog.SetDefault(NewLog(os.Stderr))
	for _, name := range runtimeAPIs {
		outbound.Reserve(os.Getenv(name))
	}
	l := &lazyHandler{open: open}
	if _, err := l.openOnce(context.Background()); err != nil {
		slog.Error("the function cannot work", "err", err)
	}
	return h.serve(withRecovery(l.handle))
}

// Main is Run for a main function: an error is printed and ends the process.
func Main(open func(context.Context) (Handler, error)) {
	if err := Run(open); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// detectRuntime finds where the program runs.
func detectRuntime(getenv func(string) string) (cloudRuntime, error) {
	var names []string
	for _, h := range cloudRuntimes {
		if getenv(h.variable) != "" {
			return h, nil
		}
		names = append(names, fmt.Sprintf("%s (%s)", h.variable, h.name))
	}
	return cloudRuntime{}, fmt.Errorf("%w: none of these variables is set that tell where it runs: %s; to run the engine on one machine use `millrace serve`",
		ErrNoRuntime, strings.Join(names, ", "))
}

// lazyHandler is a handler that is opened by whoever needs it first, and again after a failure.
type lazyHandler struct {
	open  func(context.Context) (Handler, error)
	mu    sync.Mutex
	ready Handler
}

func (l *lazyHandler) openOnce(ctx context.Context) (h Handler, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ready != nil {
		return l.ready, nil
	}
	defer recoverTo(&err)
	if h, err = l.open(ctx); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	l.ready = h
	return h, nil
}

func (l *lazyHandler) handle(ctx context.Context, event []byte) ([]byte, error) {
	h, err := l.openOnce(ctx)
	if err != nil {
		return nil, err
	}
	return h(ctx, event)
}

// errPanic is what the platform is told of a panic; text and stack are for the log.
var errPanic = errors.New("internal error; the log has the cause")

// withRecovery makes a panic an error: the process serves the next event, and no platform ends it.
func withRecovery(h Handler) Handler {
	return func(ctx context.Context, event []byte) (answer []byte, err error) {
		defer recoverTo(&err)
		return h(ctx, event)
	}
}

// recoverTo, deferred, turns a panic into *err.
func recoverTo(err *error) {
	if v := recover(); v != nil {
		slog.Error("panic", "panic", v, "stack", string(debug.Stack()))
		*err = errPanic
	}
}
