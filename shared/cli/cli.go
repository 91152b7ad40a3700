// Package cli implements the program `millrace`: the commands that call the CloudFlow API, and
// those that need no server. Streams, arguments, environment and clock are parameters, so that a
// test can run the whole program in its own process.
//
// Results go to Stdout; everything else (progress, notes, errors) goes to Stderr. Exit codes are a
// promise to scripts; see the constants.
package cli

import (
	"context"
	"io"
	"time"

	"millrace/shared/backoff"
)

// The exit codes.
const (
	ExitOK          = 0   // done
	ExitFailed      = 1   // an execution, test case, definition or serve failed
	ExitUsage       = 2   // wrong arguments, or a file that cannot be read
	ExitUnreachable = 3   // no response from a server
	ExitWaiting     = 4   // --timeout passed before the execution ended; it is still running
	ExitRefused     = 5   // the server rejected the request
	ExitInterrupted = 130 // the context was cancelled, usually by Ctrl-C
)

// Env is the environment of the program.
type Env struct {
	Args   []string // without the program's name
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) string
	// Terminal is set if Stdout is a terminal. A definition is printed as it is, so its control
	// characters must be escaped there.
	Terminal bool
	// Interactive is set if Stdin is a terminal, where a question can be asked.
	Interactive bool
	// Serve runs the server until ctx is cancelled. If nil, `serve` fails with a message.
	Serve   func(ctx context.Context, o ServeOptions) error
	Version string // of the build
	// Now and Sleep are the clock; nil is the real one. Sleep returns ctx.Err() if ctx ends first.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
}

// ServeOptions are the flags of `serve`. A file name is "" if its flag is not set.
type ServeOptions struct {
	Listen          string // host:port
	Data            string // folder of the store
	CredentialsFile string
	FunctionsFile   string
	ConfigFile      string
	CertificateFile string // with KeyFile: the server speaks TLS
	KeyFile         string
	Sample          bool // run the sample flow once the server listens
	Version         string
	Stderr          io.Writer // receives log lines and the address that the server listens on
}

// Main runs the command that the arguments name and returns the exit code. It returns when ctx
// ends.
func Main(ctx context.Context, env Env) int {
	if env.Now == nil {
		env.Now = time.Now
	}
	if env.Sleep == nil {
		env.Sleep = sleep
	}
	if env.Getenv == nil {
		env.Getenv = func(string) string { return "" }
	}
	c := &invocation{Env: env, ctx: ctx}
	return c.exit(c.run())
}

func sleep(ctx context.Context, d time.Duration) error {
	if !backoff.Wait(ctx, d) {
		return ctx.Err()
	}
	return nil
}
