package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/cli"
)

// output is a buffer that may be read while it is written.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// TestSampleSucceeds: the sample flow, which a new user sees first, succeeds, and the command that
// is printed for it shows its definition.
func TestSampleSucceeds(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, ended := new(output), make(chan error, 1)
	go func() {
		ended <- serve(ctx, cli.ServeOptions{
			Listen: "127.0.0.1:0",
			Data:   t.TempDir(),
			Sample: true,
			Stderr: out,
		})
	}()
	for end := time.Now().Add(time.Minute); !strings.Contains(out.String(),
		"The sample flow has run"); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(out.String(), "sample: ") || time.Now().After(end) {
			t.Fatal(out.String())
		}
	}
	_, rest, _ := strings.Cut(out.String(), "bin/millrace flow describe")
	command, _, _ := strings.Cut(rest, "\n")
	definition := new(output)
	code := cli.Main(ctx, cli.Env{
		Args:   append([]string{"flow", "describe"}, strings.Fields(command)...),
		Stdout: definition,
		Stderr: definition,
	})
	if code != cli.ExitOK || definition.String() != string(sample) {
		t.Errorf("flow describe%s: exit code %d\n%s", command, code, definition)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
