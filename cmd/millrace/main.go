// Command millrace is the local server of the CloudFlow API and its client. See `millrace help`.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"millrace/shared/cli"
)

// version is set by the linker.
var version = "devel"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process
	os.Exit(cli.Main(ctx, cli.Env{
		Args:        os.Args[1:],
		Stdin:       os.Stdin,
		Stdout:      os.Stdout,
		Stderr:      os.Stderr,
		Getenv:      os.Getenv,
		Version:     version,
		Serve:       serve,
		Terminal:    isTerminal(os.Stdout),
		Interactive: isTerminal(os.Stdin),
	}))
}

// isTerminal reports whether f is a character device, and so may be a terminal. The null device is
// one, too, but nobody sits there: scripts and timers have it as their input.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
