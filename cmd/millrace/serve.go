package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"millrace/shared/app/local"
	"millrace/shared/cli"
	"millrace/shared/config"
)

// serve runs the server until ctx ends.
func serve(ctx context.Context, o cli.ServeOptions) error {
	defer ignoreHangup(o.Stderr)()
	settings, err := config.Load(o.ConfigFile)
	if err != nil {
		return err
	}
	return local.Serve(ctx, local.Config{
		Listen:       o.Listen,
		Data:         o.Data,
		Credentials:  o.CredentialsFile,
		Functions:    o.FunctionsFile,
		Settings:     settings,
		SettingsFile: o.ConfigFile,
		Certificate:  o.CertificateFile,
		Key:          o.KeyFile,
		Log:          slog.New(slog.NewTextHandler(o.Stderr, nil)),
		Stopping:     func(w local.Waiting) { fmt.Fprintln(o.Stderr, stopping(w)) },
		Ready: func(address string) {
			endpoint := "http://" + address
			if o.CertificateFile != "" {
				endpoint = "https://" + address
			}
			announce(o, endpoint)
			if o.Sample {
				go runSample(ctx, o, endpoint)
			}
		},
	})
}

// announce prints the address of the server and who may call it.
func announce(o cli.ServeOptions, endpoint string) {
	callers := "open to this machine: no credentials are asked for, any key works"
	if o.CredentialsFile != "" {
		callers = "signed requests of " + o.CredentialsFile
	}
	data, err := filepath.Abs(o.Data)
	if err != nil {
		data = o.Data
	}
	fmt.Fprintf(o.Stderr, "millrace %s serves %s (%s); data in %s\n",
		o.Version, endpoint, callers, data)
}

// stopping says what a server that stops waits for, and how not to wait.
func stopping(w local.Waiting) string {
	var parts []string
	for _, p := range []struct {
		n         int64
		one, many string
	}{{w.Requests, "request", "requests"}, {w.Calls, "call of a task", "calls of tasks"}} {
		switch {
		case p.n == 1:
			parts = append(parts, "1 "+p.one)
		case p.n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.many))
		}
	}
	if parts == nil {
		return "stopping; executions go on when the server is started again"
	}
	return fmt.Sprintf("stopping; waiting for %s, for %v at most. Ctrl-C again stops now. "+
		"Executions go on when the server is started again", strings.Join(parts, " and "),
		w.Longest)
}

// ignoreHangup keeps the server running when its terminal is closed, and until the function that it
// returns is called. The server reads its files once, so the signal reloads nothing.
func ignoreHangup(log io.Writer) (end func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for range hangups {
			fmt.Fprintln(log, "SIGHUP is ignored: the files of the flags are read at the start "+
				"alone; start the server again to read them")
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(hangups)
	}
}

//go:embed sample.yaml
var sample []byte

// runSample creates and runs a flow with the program's own commands, and prints them.
func runSample(ctx context.Context, o cli.ServeOptions, endpoint string) {
	service, err := sampleService(ctx)
	if err != nil {
		fmt.Fprintln(o.Stderr, "sample:", err)
		return
	}
	input := fmt.Sprintf(`{"name":"Millrace","items":[1,2,3],"service":%q}`, service)
	for _, args := range [][]string{
		{"flow", "apply", "sample", "-"},
		{"start", "sample", "--input", input, "--wait"},
	} {
		fmt.Fprintf(o.Stderr, "\n$ millrace %s\n", shellLine(args))
		env := cli.Env{
			Args:    append(args, "--endpoint", endpoint),
			Stdin:   bytes.NewReader(sample), // of `-`
			Stdout:  os.Stdout,
			Stderr:  o.Stderr,
			Version: o.Version,
		}
		if code := cli.Main(ctx, env); code != cli.ExitOK {
			fmt.Fprintf(o.Stderr, "sample: exit status %d\n", code)
			return
		}
	}
	_, address, _ := strings.Cut(endpoint, "://")
	fmt.Fprintf(o.Stderr, sampleUsage, endpoint, input, endpoint, endpoint, service, address,
		endpoint)
}

// sampleService runs the service that the sample flow calls, until ctx ends. It is a separate
// server, because flows must not call Millrace's own.
func sampleService(ctx context.Context) (url string, _ error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s := &http.Server{ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintln(w, `{"weather":"fair"}`)
		})}
	go s.Serve(l)
	context.AfterFunc(ctx, func() { s.Close() })
	return "http://" + l.Addr().String(), nil
}

// sampleUsage says how to see the sample, and to start it again, from another terminal.
const sampleUsage = `
The sample flow has run. See its definition, and start it again, from another terminal:

  bin/millrace flow describe sample --definition --endpoint %s
  bin/millrace start sample --input '%s' --wait --endpoint %s
  curl -s '%s/' -d Action=StartExecution -d Version=2019-03-15 -d FlowName=sample --data-urlencode 'Input={"name":"curl","items":[],"service":"%s"}'

or with an official SDK, unchanged but for the address:

  Go    client, _ := fnf.NewClientWithAccessKey("local", "any", "any"); client.Domain = "%s"
  Node  new Client({endpoint: "%s", accessKeyId: "any", accessKeySecret: "any"})

Ctrl-C stops the server; what it has acknowledged is kept. Stop it before you start another one here.
`

func shellLine(args []string) string {
	out := ""
	for i, a := range args {
		if i > 0 {
			out += " "
		}
		if len(a) > 0 && (a[0] == '{') {
			a = "'" + a + "'"
		}
		out += a
	}
	return out
}
