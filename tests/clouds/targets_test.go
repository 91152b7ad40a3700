package clouds_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"millrace/shared/fault"
	"millrace/shared/rpc"
	"millrace/shared/store"
	"millrace/tests/clouds"
	"millrace/tests/lambda"
	"millrace/tests/versions"
)

// TestMain lets many tests run at once: they mostly wait.
func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "12")
	code := m.Run()
	lambda.End()
	versions.Remove()
	os.Exit(code)
}

// target is where functions run: a cloud, and there one of its runtimes.
type target struct {
	name   string
	deploy func(t *testing.T, o options) deployment
	rules  string // MILLRACE_STARTS: which of the recorded events start the flow "imported"
}

// targets are all of them. A test is run for one by its name: go test -run '/fc-custom'.
var targets = []target{{"lambda", deployLambda, lambdaRules}, {"fc-custom", deployCustom, fcRules}, {"fc-builtin", deployBuiltIn, fcRules}}

// options of a deployment. Functions have the race detector if the test has it.
type options struct {
	env         []string    // added to the environment of all functions
	credentials string      // the credentials file; "": the caller of clouds
	apis        int         // instances of the API; 0: 4
	skip        bool        // time moves on by itself, to whatever is due next, when nothing goes on; else a sweep comes every 2 s
	busy        func() bool // with skip: something goes on outside
	faults      bool        // setWrites and setSends are used
	deployed    bool        // functions are compiled as they are deployed
	beside      string      // another checkout, whose functions get half of all events; "": none
	limited     bool        // and have no more memory than their smallest size; the API has one instance
}

// deployment is a deployment in one of the homes: what each does in its own way.
type deployment interface {
	flows(t testing.TB) *clouds.Flows
	rows() store.Driver                     // past all functions and faults
	clock() *clouds.Clock                   // nil without options.skip
	fronts() []string                       // the ways to the API, by name
	address(front string) string            // of a front
	connect(front, sign string) *rpc.Client // signing with "v1" or "v3"
	peaks() (api, runner memoryUse)         // of the processes that run
	apis() int64                            // how many processes of the API there have been
	runs() int64                            // how many invocations of the step runner

	kill()                      // every runner, as kill -9 does
	sweep()                     // a tick of the sweeper
	send(body string)           // a message into the engine's queue
	waiting() int               // messages in the queue that can be delivered or are being
	deadLetters() int           // dead letters of it
	deadLettersMalformed() bool // messages that nobody understands become dead letters, and are not let go

	setWrites(f func(write) faultKind) // decides about each write of the functions to the table; nil ends that
	setSends(f func() faultKind)       // the same about each call that sends messages
	disturb(twice, late, lost float64) // how likely a message is delivered twice, out of order, or forgotten

	function(t *testing.T, name string, env ...string) invoked // one more function, in an instance of its own
	event(kind string) []byte                                  // a good event for a function: request, batch, object, tick
	wrong(t *testing.T) []wrong                                // environments that are wrong
	starts() starts
}

// memoryUse is what the processes of a function have needed.
type memoryUse struct {
	size  int   // megabytes that one may have
	peak  int64 // bytes
	ended int   // processes that have ended by themselves
}

// invoked is a function that a test invokes itself.
type invoked interface {
	Invoke(event []byte) ([]byte, error)
	ColdStarts() int64
	Output() string
}

// starts is how events start executions in a home.
type starts struct {
	events      map[string]string
	names       int                // how many executions all of them start
	deliver     func(event string) // as often as the home does, until the function takes it; does not wait
	idle        func() bool        // nothing is to be delivered, or on its way
	deadLetters func() int
}

// write is a write to the table on its way.
type write struct {
	body       []byte
	stepRunner bool // of a step runner
}

// faultKind is what becomes of a call of a service.
type faultKind int

// The fates.
const (
	passes    faultKind = iota
	dropped             // the connection breaks before anything is done
	lost                // it is done, and the answer is lost
	throttled           // it is refused, there is too much
)

// stack is a deployment in a test, or in a part of one.
type stack struct {
	*clouds.Flows
	deployment
}

func (s *stack) on(t *testing.T) *stack { return &stack{s.flows(t), s.deployment} }

// onEachTarget runs a test in each home at the same time, on a deployment of its own with the options that prepare gives,
// together with what else the test needs.
func onEachTarget[With any](t *testing.T, prepare func(t *testing.T, h target) (options, With), test func(t *testing.T, s *stack, with With)) {
	for _, h := range targets {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			o, with := prepare(t, h)
			p := h.deploy(t, o)
			test(t, &stack{p.flows(t), p}, with)
		})
	}
}

// codeOf is the code of a refusal.
func codeOf(err error) string { return string(fault.CodeOf(err)) }

func count(list []string, what string) (n int) {
	for _, s := range list {
		if strings.EqualFold(s, what) {
			n++
		}
	}
	return n
}

// eventually waits until something holds, which says what it waits for.
func eventually(t *testing.T, what func() (done bool, state string)) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		done, state := what()
		if done {
			return
		}
		if time.Now().After(end) {
			t.Fatal(state)
		}
	}
}

// recorded is an event as a cloud has sent it.
func recorded(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../shared/trigger/testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const pass = "- {Name: A, Type: Pass, End: true}\n"
