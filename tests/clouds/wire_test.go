package clouds_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"millrace/tests/clouds"
	"millrace/tests/support/port"
)

// TestOfficialClients runs the tests of tests/clients, which drive a server with the released
// official clients, against the API function behind its front, compiled as it is deployed. lacks
// names what a deployment of functions does not have.
func TestOfficialClients(t *testing.T) {
	t.Parallel()
	const lacks = "restarts" // clients cannot restart functions
	wire := wireTests(t)
	onEachTarget(t, func(t *testing.T, _ target) (options, string) {
		return clientSettings(t, wire)
	}, func(t *testing.T, s *stack, functions string) {
		endpoint := strings.TrimPrefix(s.address(s.fronts()[0]), "http://")
		text, err := wire("-test.v", "-test.parallel=16")("MILLRACE_WIRE_ENDPOINT="+endpoint,
			"MILLRACE_WIRE_FUNCTIONS="+functions, "MILLRACE_WIRE_LACKS="+lacks)
		passed := 0
		for line := range strings.Lines(text) {
			switch line := strings.TrimSpace(line); {
			case strings.HasPrefix(line, "--- PASS"):
				passed++
			case strings.HasPrefix(line, "--- SKIP"):
				t.Log(line)
			}
		}
		if err != nil || passed < 100 {
			t.Errorf("%v; %d tests passed\n%s", err, passed, failures(text))
		}
		t.Logf("%d tests of official clients passed", passed)
	})
}

// clientSettings returns the options of a deployment for these tests, and the address at which the
// tests will serve the functions of flows.
func clientSettings(t *testing.T, wire wireProgram) (options, string) {
	t.Helper()
	functions, err := port.Loopback()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if text, err := wire("-test.run=^$")("MILLRACE_WIRE_SETTINGS="+dir,
		"MILLRACE_WIRE_FUNCTIONS="+functions); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	settings := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	return options{apis: 16, deployed: true, credentials: settings("credentials.yaml"),
		env: []string{"MILLRACE_FUNCTIONS=" + settings("functions.yaml")}}, functions
}

// failures returns the lines of a test's output, without those about tests that passed.
func failures(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		for _, dull := range []string{"--- PASS", "=== RUN", "=== PAUSE", "=== CONT"} {
			if strings.Contains(line, dull) {
				line = ""
			}
		}
		b.WriteString(line)
	}
	return b.String()
}

// wireProgram runs the tests of tests/clients with arguments and an environment.
type wireProgram func(args ...string) func(env ...string) (string, error)

// wireTests compiles tests/clients and its dependencies. It omits the race detector, because the
// clients have races of their own.
func wireTests(t *testing.T) wireProgram {
	t.Helper()
	root, err := clouds.Root()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(root, "tests", "clients")
	program := filepath.Join(t.TempDir(), "clients.test")
	for _, args := range [][]string{{"./install.sh"}, {"go", "test", "-c", "-o", program, "."}} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = folder
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, text)
		}
	}
	return func(args ...string) func(env ...string) (string, error) {
		return func(env ...string) (string, error) {
			cmd := exec.CommandContext(t.Context(), program, args...)
			cmd.Dir, cmd.Env = folder, append(os.Environ(), env...)
			text, err := cmd.CombinedOutput()
			if exit := (&exec.ExitError{}); err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			return string(text), err
		}
	}
}
