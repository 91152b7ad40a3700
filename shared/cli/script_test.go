package cli_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"millrace/shared/app/local"
	"millrace/shared/cli"
)

// TestMain lets scripts run the program as a process of its own: this binary, called millrace.
func TestMain(m *testing.M) {
	os.Exit(testscript.RunMain(m, map[string]func() int{"millrace": func() int {
		return cli.Main(context.Background(), cli.Env{
			Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
			Getenv: os.Getenv, Version: "v1.2.3",
			Interactive: os.Getenv("TERMINAL") != "", // a script has none
		})
	}}))
}

// TestScripts runs testdata/script against a server on the embedded store, a new one for each
// script. A script that has a functions.yaml gets its functions.
func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts servers")
	}
	testscript.Run(t, testscript.Params{
		Dir:   filepath.Join("testdata", "script"),
		Setup: serveScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
		},
	})
}

// serveScript starts the server of a script.
func serveScript(e *testscript.Env) error {
	functions := filepath.Join(e.WorkDir, "functions.yaml")
	if _, err := os.Stat(functions); err != nil {
		functions = ""
	}
	app, err := local.Open(context.Background(), local.Config{
		Data:      filepath.Join(e.WorkDir, ".data"),
		Functions: functions,
		Log:       slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	host := httptest.NewServer(app.Handler())
	e.Defer(func() {
		host.Close()
		app.Close()
	})
	e.Setenv("MILLRACE_ENDPOINT", host.URL)
	return nil
}

// exits runs a program and checks its exit code: `exits 5 millrace describe a b`.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGUMENT…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
