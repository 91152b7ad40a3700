// Package emulators starts servers that behave like those of AWS, on loopback, for tests: dynalite for DynamoDB and
// fauxqs for SQS. They are npm packages of pinned versions; install.sh brings them into node_modules once.
//
// What they are known not to do like the services: dynalite has no transactions, cannot switch TTL on (it answers
// UnknownOperationException), gives no item with a failed condition, and its indexes never lag; fauxqs takes delays
// beyond 900 s, and never repeats or reorders messages.
package emulators

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Region is the region that the emulators stand for. Any credentials will do.
const Region = "us-east-1"

// DynamoDBVariable is the environment variable with the endpoint of another DynamoDB to use in dynalite's place, such
// as a DynamoDB Local that somebody has started who accepts its licence.
const DynamoDBVariable = "MILLRACE_TEST_DYNAMODB"

// StartDynalite starts a DynamoDB and returns its endpoint. It is ready then, and ends with the test. The test is
// skipped where Node.js is missing, but never in CI. Tables should have names of Unique: the server may be a shared one.
func StartDynalite(t testing.TB) (endpoint string) {
	t.Helper()
	if endpoint := os.Getenv(DynamoDBVariable); endpoint != "" {
		return endpoint
	}
	return start(t, "dynalite.js")
}

var names atomic.Int64

// Unique is a name for a table or a queue that no other test has.
func Unique(prefix string) string {
	return fmt.Sprintf("%s-%d-%d-%d", prefix, os.Getpid(), time.Now().UnixMilli(), names.Add(1))
}

// StartFauxqs starts an SQS without queues and returns its endpoint, else as StartDynalite.
func StartFauxqs(t testing.TB) (endpoint string) {
	t.Helper()
	return start(t, "fauxqs.mjs")
}

// startTime is how long a server may take until it is ready; it takes less than a second on an idle machine.
const startTime = 3 * time.Minute

func start(t testing.TB, script string) string {
	t.Helper()
	dir := installed(t)
	cmd := exec.Command("node", script)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe() // its end ends the server, also when this process is killed
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
	stop := sync.OnceValue(func() error {
		in.Close()
		cmd.Process.Kill()
		return cmd.Wait()
	})
	t.Cleanup(func() { stop() })
	late := time.AfterFunc(startTime, func() { cmd.Process.Kill() })
	defer late.Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if endpoint, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
			go io.Copy(io.Discard, out)
			return endpoint
		}
	}
	stop()
	t.Fatalf("%s did not start: %s", script, stderr.String())
	return ""
}

var install struct {
	once sync.Once
	dir  string
	why  string // why the emulators cannot run
}

// installed returns the folder of the emulators, or skips the test.
func installed(t testing.TB) string {
	t.Helper()
	install.once.Do(func() { install.dir, install.why = prepare() })
	if install.why == "" {
		return install.dir
	}
	if os.Getenv("CI") != "" {
		t.Fatal(install.why)
	}
	t.Skip(install.why)
	return ""
}

func prepare() (dir, why string) {
	if _, err := exec.LookPath("node"); err != nil {
		return "", "the emulators need Node.js 20 or newer (nodejs.org), and CI must have it: " + err.Error()
	}
	dir, err := folder()
	if err != nil {
		return "", err.Error()
	}
	unlock, err := lock()
	if err != nil {
		return "", "tests/emulators: " + err.Error()
	}
	defer unlock()
	if text, err := exec.Command(filepath.Join(dir, "install.sh")).CombinedOutput(); err != nil {
		return "", "tests/emulators/install.sh: " + err.Error() + "\n" + string(text)
	}
	return dir, ""
}

// folder finds tests/emulators from a test's working directory, which lies in the repository.
func folder() (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		dir := filepath.Join(at, "tests", "emulators")
		if _, err := os.Stat(filepath.Join(dir, "install.sh")); err == nil {
			return dir, nil
		}
		above := filepath.Dir(at)
		if above == at {
			return "", errors.New("tests/emulators is not above the test's folder")
		}
		at = above
	}
}
