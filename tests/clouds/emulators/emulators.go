// Package emulators starts servers for tests, on loopback, that behave like those of AWS: dynalite
// for DynamoDB and fauxqs for SQS. They are npm packages of pinned versions; install.sh installs
// them into node_modules once.
//
// Known differences from the services: dynalite has no transactions, cannot enable TTL (it returns
// UnknownOperationException), returns no item with a failed condition, and its indexes never lag.
// fauxqs accepts delays beyond 900 s, and never repeats or reorders messages.
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

// Region is the region of the emulators. They accept any credentials.
const Region = "us-east-1"

// DynamoDBVariable is the environment variable with the endpoint of another DynamoDB to use instead
// of dynalite, such as a DynamoDB Local. A person who accepts the licence of DynamoDB Local must
// start it.
const DynamoDBVariable = "MILLRACE_TEST_DYNAMODB"

// StartDynalite starts a DynamoDB and returns its endpoint when it is ready. The server ends with
// the test. The test is skipped where Node.js is missing, but never in CI. Tables should have names
// of Unique, because tests may share the server.
func StartDynalite(t testing.TB) (endpoint string) {
	t.Helper()
	if endpoint := os.Getenv(DynamoDBVariable); endpoint != "" {
		return endpoint
	}
	return start(t, "dynalite.js")
}

var names atomic.Int64

// Unique returns a name for a table or a queue that no other test uses.
func Unique(prefix string) string {
	return fmt.Sprintf("%s-%d-%d-%d", prefix, os.Getpid(), time.Now().UnixMilli(), names.Add(1))
}

// StartFauxqs starts an SQS without queues and returns its endpoint. Otherwise it works as
// StartDynalite does.
func StartFauxqs(t testing.TB) (endpoint string) {
	t.Helper()
	return start(t, "fauxqs.mjs")
}

// startTime limits how long a server may take to be ready; on an idle machine it takes less than a
// second.
const startTime = 3 * time.Minute

func start(t testing.TB, script string) string {
	t.Helper()
	dir := installed(t)
	cmd := exec.Command("node", script)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe() // its end ends the server, even if this process is killed
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

// installed returns the folder of the emulators. It skips the test where they cannot run.
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
		return "", "the emulators need Node.js 20 or newer (nodejs.org), and CI must have it: " +
			err.Error()
	}
	dir, err := folder()
	if err != nil {
		return "", err.Error()
	}
	unlock, err := lock()
	if err != nil {
		return "", "tests/clouds/emulators: " + err.Error()
	}
	defer unlock()
	if text, err := exec.Command(filepath.Join(dir, "install.sh")).CombinedOutput(); err != nil {
		return "", "tests/clouds/emulators/install.sh: " + err.Error() + "\n" + string(text)
	}
	return dir, ""
}

// folder finds tests/clouds/emulators from a test's working directory, which is inside the
// repository.
func folder() (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		dir := filepath.Join(at, "tests", "clouds", "emulators")
		if _, err := os.Stat(filepath.Join(dir, "install.sh")); err == nil {
			return dir, nil
		}
		above := filepath.Dir(at)
		if above == at {
			return "", errors.New("tests/clouds/emulators is not above the test's folder")
		}
		at = above
	}
}
