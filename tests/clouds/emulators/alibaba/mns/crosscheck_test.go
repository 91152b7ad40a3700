package mns_test

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"

	"millrace/tests/clouds/emulators/alibaba/mns"
)

// crossCheck runs the official Node.js client against an endpoint. It is skipped where Node.js is
// missing, but never in CI.
func crossCheck(t *testing.T, arguments ...string) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("CI must have Node.js 20 or newer: ", err)
		}
		t.Skip("the cross-check needs Node.js 20 or newer: ", err)
	}
	if text, err := exec.Command("npm/install.sh").CombinedOutput(); err != nil {
		t.Fatalf("npm/install.sh: %v\n%s", err, text)
	}
	text, err := exec.CommandContext(t.Context(), "node",
		append([]string{"npm/crosscheck.js"}, arguments...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	t.Logf("%s", text)
}

// TestCrossCheck: the official client accepts the command as MNS, with a long-lived key and with a
// temporary one.
func TestCrossCheck(t *testing.T) {
	binary := t.TempDir() + "/mns"
	build := exec.Command("go", "build", "-o", binary, "./cmd/mns")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	t.Run("key", func(t *testing.T) {
		crossCheck(t, serve(t, binary), mns.AccountID, mns.AccessKeyID, mns.AccessKeySecret)
	})
	t.Run("token", func(t *testing.T) {
		crossCheck(t, serve(t, binary, "-id", "STS.1", "-secret", "s", "-token", "CAIS"),
			mns.AccountID, "STS.1", "s", "CAIS")
	})
}

// serve starts the command and returns its endpoint.
func serve(t *testing.T, binary string, arguments ...string) string {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"-stdin"}, arguments...)...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("mns: %v", err)
		}
	})
	line, _ := bufio.NewReader(out).ReadString('\n')
	endpoint, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if !ok {
		t.Fatalf("mns printed %q", line)
	}
	return endpoint
}
