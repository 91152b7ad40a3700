package main

import (
	"context"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"millrace/shared/app/local"
	"millrace/shared/cli"
)

// start serves on a new folder, a relative one, until the test or stop ends it, and returns when it
// listens.
func start(t *testing.T, o cli.ServeOptions) (out *output, stop func() error) {
	t.Helper()
	t.Chdir(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	out, ended := new(output), make(chan error, 1)
	o.Listen, o.Data, o.Stderr = "127.0.0.1:0", "./data", out
	go func() { ended <- serve(ctx, o) }()
	await(t, out, "data in ")
	return out, func() error {
		cancel()
		return <-ended
	}
}

// await waits until the output has a text.
func await(t *testing.T, out *output, text string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(out.String(), text); {
		if time.Now().After(end) {
			t.Fatalf("no %q in %s", text, out.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestStartLine: the line names the folder of the data so that a server started elsewhere, on an
// empty one, is noticed.
func TestStartLine(t *testing.T) {
	out, stop := start(t, cli.ServeOptions{})
	folder, err := os.Getwd()
	if err != nil || !strings.Contains(out.String(), "; data in "+folder+"/data\n") {
		t.Errorf("%v\n%s", err, out.String())
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(out.String(), "stopping; executions go on") {
		t.Errorf("%s", out.String())
	}
}

// TestHangup: a closed terminal does not end the server.
func TestHangup(t *testing.T) {
	out, stop := start(t, cli.ServeOptions{})
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	await(t, out, "SIGHUP is ignored")
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestStopping(t *testing.T) {
	for want, w := range map[string]local.Waiting{
		"stopping; executions go on when the server is started again": {},
		"stopping; waiting for 1 request, for 10s at most. Ctrl-C again stops now. Executions go on " +
			"when the server is started again": {Requests: 1, Longest: 10 * time.Second},
		"stopping; waiting for 2 requests and 1 call of a task, for 10s at most. Ctrl-C again stops " +
			"now. Executions go on when the server is started again": {Requests: 2, Calls: 1,
			Longest: 10 * time.Second},
	} {
		if got := stopping(w); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
