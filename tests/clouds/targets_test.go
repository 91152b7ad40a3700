package clouds_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"millrace/shared/fault"
	"millrace/shared/rpc/client"
	"millrace/shared/store/driver"
	"millrace/tests/clouds"
	"millrace/tests/clouds/lambda"
	"millrace/tests/faults/versions"
)

// TestMain lets many tests run at once, because they mostly wait.
func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "12")
	code := m.Run()
	lambda.End()
	versions.Remove()
	os.Exit(code)
}

// target is where functions run: a cloud and one of its runtimes.
type target struct {
	name   string
	deploy func(t *testing.T, o options) deployment
	rules  string // MILLRACE_STARTS: the rules by which recorded events start the flow "imported"
}

// targets lists all targets. To run a test on one of them, use its name: go test -run '/fc-custom'.
var targets = []target{{"lambda", deployLambda, lambdaRules}, {"fc-custom", deployCustom, fcRules},
	{"fc-builtin", deployBuiltIn, fcRules}}

// options are the options of a deployment. Functions have the race detector if the test has it.
type options struct {
	env         []string // added to the environment of all functions
	credentials string   // the credentials file; "": the caller of clouds
	apis        int      // instances of the API; 0: 4
	// time skips to the next due time when nothing is active; otherwise a sweep comes every 2 s
	skip          bool
	busy          func() bool // with skip: reports that something outside is active
	faults        bool        // the test uses setWrites and setSends
	deployed      bool        // functions are compiled as they are deployed
	otherCheckout string      // another checkout, whose functions get half of all events; "": none
	// with no more memory than their smallest size, and one instance of the API
	limited bool
}

// deployment is a deployment on one of the targets: what differs between them.
type deployment interface {
	flows(t testing.TB) *clouds.Flows
	rows() driver.Driver                       // without functions and faults
	clock() *clouds.Clock                      // nil without options.skip
	fronts() []string                          // names of the ways to the API
	address(front string) string               // of a front
	connect(front, sign string) *client.Client // signing with "v1" or "v3"
	peaks() (api, runner memoryUse)            // of the processes that run
	apis() int64                               // how many processes of the API have been started
	runs() int64                               // invocations of the step runner

	kill()            // every step runner, as kill -9 does
	sweep()           // a tick of the sweeper
	send(body string) // a message into the engine's queue
	// messages in the queue that can be delivered or are being delivered
	waiting() int
	deadLetters() int // of that queue
	// malformed messages become dead letters; otherwise they are dropped
	deadLettersMalformed() bool

	// decides about each write of the functions to the table; nil: no faults
	setWrites(f func(write) faultKind)
	setSends(f func() faultKind) // the same for each call that sends messages
	// probabilities that a message is delivered twice, out of order, or lost
	disturb(twice, late, lost float64)

	// one more function, with an instance of its own
	function(t *testing.T, name string, env ...string) invoked
	// a valid event for a function: request, batch, object, tick
	event(kind string) []byte
	wrong(t *testing.T) []wrong // environments that are wrong
	starts() starts
}

// memoryUse is the memory of the processes of a function.
type memoryUse struct {
	size  int   // megabytes that a process may use
	peak  int64 // bytes
	ended int   // processes that ended by themselves
}

// invoked is a function that a test invokes itself.
type invoked interface {
	Invoke(event []byte) ([]byte, error)
	ColdStarts() int64
	Output() string
}

// starts is the way in which events start executions on a target.
type starts struct {
	events map[string]string
	names  int // number of executions that all of them start
	// as often as the cloud does, until the function accepts it; does not wait
	deliver     func(event string)
	idle        func() bool // no event is to be delivered, or on its way
	deadLetters func() int
}

// write is a write to the table.
type write struct {
	body       []byte
	stepRunner bool // of a step runner
}

// faultKind is a kind of fault of a service's call.
type faultKind int

// The kinds of faults.
const (
	passes    faultKind = iota
	dropped             // the connection breaks before the call is carried out
	lost                // it is carried out, and the response is lost
	throttled           // it is refused because of too many requests
)

// stack is a deployment, for a test or a subtest.
type stack struct {
	*clouds.Flows
	deployment
}

func (s *stack) on(t *testing.T) *stack { return &stack{s.flows(t), s.deployment} }

// onEachTarget runs a test on each target concurrently. prepare returns the options of its
// deployment and a value for the test.
func onEachTarget[With any](t *testing.T, prepare func(t *testing.T, h target) (options, With),
	test func(t *testing.T, s *stack, with With)) {
	for _, h := range targets {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			o, with := prepare(t, h)
			p := h.deploy(t, o)
			test(t, &stack{p.flows(t), p}, with)
		})
	}
}

// codeOf returns the code of an API error.
func codeOf(err error) string { return string(fault.CodeOf(err)) }

func count(list []string, what string) (n int) {
	for _, s := range list {
		if strings.EqualFold(s, what) {
			n++
		}
	}
	return n
}

// eventually waits until a condition holds. state describes what it waits for.
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

// recorded returns an event that a cloud has sent.
func recorded(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../shared/events/testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const pass = "- {Name: A, Type: Pass, End: true}\n"
