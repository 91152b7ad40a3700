// Package faas runs the program as a cloud function. It detects the cloud once, receives its
// events, and passes their content to the parts of the engine: an http.Handler, the execution of a
// hint, the start of flows, the sweep.
package faas

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"sync"

	"millrace/shared/httpclient"
)

// Handler processes one event of the platform and returns the response. An error makes the platform
// deliver the event again, if it does so for that kind of event. A Handler must be safe for
// concurrent use.
type Handler func(ctx context.Context, event []byte) (response []byte, err error)

// cloudRuntime is an environment in which functions run: the variable that identifies it, its name,
// and the function that serves until the platform ends the process.
type cloudRuntime struct {
	variable string
	name     string
	serve    func(Handler) error
}

// cloudRuntimes lists the supported runtimes.
var cloudRuntimes = []cloudRuntime{
	{"AWS_LAMBDA_RUNTIME_API", "AWS Lambda", serveLambda},
	{"FC_RUNTIME_API", "the built-in runtime of Function Compute", serveFC},
	{"FC_SERVER_PORT", "a custom runtime of Function Compute", serveCustom},
	{"FC_CUSTOM_LISTEN_PORT", "a custom runtime of Function Compute", serveCustom},
	{"FC_FUNCTION_NAME", "a custom runtime of Function Compute", serveCustom},
}

// runtimeAPIs are the variables with the addresses of the platforms' runtime APIs, which flows must
// not call.
var runtimeAPIs = []string{"AWS_LAMBDA_RUNTIME_API", "FC_RUNTIME_API"}

// ErrNoRuntime means that the program does not run as a cloud function.
var ErrNoRuntime = errors.New("this program is a cloud function")

// Run serves until the platform ends the process. It calls open at once, while the platform still
// counts the time as start-up, to build the handler. If open fails, every event fails with that
// error, and the next event calls open again: if the function exited, the platform would only start
// it again and again.
func Run(open func(context.Context) (Handler, error)) error {
	rt, err := detectRuntime(os.Getenv)
	if err != nil {
		return err
	}
	slog.SetDefault(NewLog(os.Stderr))
	for _, name := range runtimeAPIs {
		httpclient.Reserve(os.Getenv(name))
	}
	l := &lazyHandler{open: open}
	if _, err := l.openOnce(context.Background()); err != nil {
		slog.Error("the function cannot work", "err", err)
	}
	return rt.serve(withRecovery(l.handle))
}

// Main is Run for a main function: it prints an error and exits.
func Main(open func(context.Context) (Handler, error)) {
	if err := Run(open); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// detectRuntime returns the runtime that the program runs in.
func detectRuntime(getenv func(string) string) (cloudRuntime, error) {
	var names []string
	for _, rt := range cloudRuntimes {
		if getenv(rt.variable) != "" {
			return rt, nil
		}
		names = append(names, fmt.Sprintf("%s (%s)", rt.variable, rt.name))
	}
	return cloudRuntime{}, fmt.Errorf("%w: none of these variables is set that tell where it "+
		"runs: %s; to run the engine on one machine use `millrace serve`",
		ErrNoRuntime, strings.Join(names, ", "))
}

// lazyHandler opens its handler at the first use, and again after a failure.
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

// errPanic is the error that the platform gets for a panic. The log has its text and stack.
var errPanic = errors.New("internal error; the log has the cause")

// withRecovery converts a panic to an error, so that the process can serve the next event.
func withRecovery(h Handler) Handler {
	return func(ctx context.Context, event []byte) (response []byte, err error) {
		defer recoverTo(&err)
		return h(ctx, event)
	}
}

// recoverTo converts a panic to *err. It must be deferred.
func recoverTo(err *error) {
	if v := recover(); v != nil {
		slog.Error("panic", "panic", v, "stack", string(debug.Stack()))
		*err = errPanic
	}
}
