package cli_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"millrace/shared/cli"
)

// TestConsole: the console shows the flows of the endpoint, with the program's key, until the
// program is told to end.
func TestConsole(t *testing.T) {
	s := newShell(t, succeeding())
	ctx, end := context.WithCancel(t.Context())
	defer end()
	out, stderr := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- cli.Main(ctx, cli.Env{Args: []string{"console", "--listen", "127.0.0.1:0"},
			Stdout: io.Discard, Stderr: stderr,
			Getenv: func(name string) string { return s.env[name] }})
		stderr.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	go io.Copy(io.Discard, out)
	address := regexp.MustCompile(`at (http://127\.0\.0\.1:\d+/);`).FindStringSubmatch(line)
	if err != nil || address == nil || !strings.Contains(line, s.url) {
		t.Fatalf("%q, %v", line, err)
	}
	response, err := http.Get(address[1] + "flows")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || !strings.Contains(string(body), "flows/orders") {
		t.Errorf("%s, %v", body, err)
	}
	end()
	select {
	case got := <-code:
		if got != 0 {
			t.Errorf("exit code %d", got)
		}
	case <-time.After(10 * time.Second):
		t.Error("it does not end")
	}
	s.expect(2, nil, []string{"this machine's own addresses only"}, "console", "--listen",
		"0.0.0.0:8643")
}
