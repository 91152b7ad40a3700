// Package cli is the program `millrace`: its commands over the CloudFlow API, and those that need no server. Streams,
// arguments, environment and clock are handed in, so that a test runs the whole program in its own process.
//
// Results go to Stdout, everything said about them (progress, notes, errors) to Stderr. Exit codes are a promise to
// scripts; see the constants.
package cli

import (
	"context"
	"io"
	"time"
)

// The exit codes.
const (
	ExitOK          = 0   // done
	ExitFailed      = 1   // the request was refused, the execution failed, cases differ, a definition has errors, serve could not start
	ExitUsage       = 2   // wrong arguments, or a file that cannot be read
	ExitUnreachable = 3   // no server answered
	ExitWaiting     = 4   // --timeout passed before the execution ended; it goes on
	ExitInterrupted = 130 // the context was cancelled, by Ctrl-C in most cases
)

// Env is what the program has of the world.
type Env struct {
	Args   []string // without the program's name
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) string
	// Terminal is set when Stdout is one. What is printed there as it is, a definition, must not
	// act on it.
	Terminal bool
	// Serve runs the server until ctx is cancelled; nil makes `serve` fail with a message.
	Serve   func(ctx context.Context, o ServeOptions) error
	Version string // of the build
	// Now and Sleep are the clock; nil is the real one. Sleep gives ctx.Err() when ctx ends first.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
}

// ServeOptions are the flags of `serve`. File names are "" when not given.
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
	Stderr          io.Writer // for log lines, and where the server listens
}

// Main runs the command that the arguments name and gives the exit code. ctx ends what is going on.
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
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
