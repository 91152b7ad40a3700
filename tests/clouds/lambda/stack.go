package lambda

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"millrace/shared/rpc/client"
	"millrace/shared/store/driver"
	"millrace/shared/store/dynamostore"
	"millrace/tests/clouds"
	"millrace/tests/clouds/emulators"
)

// The caller of all stacks, unless Options.Credentials says otherwise.
const (
	Account = clouds.Account
	KeyID   = clouds.KeyID
	Secret  = clouds.Secret
)

// Functions are the names of the functions.
var Functions = clouds.Functions

// Root returns the folder of the repository, above the working directory.
func Root() (string, error) { return clouds.Root() }

// Stack is a deployment: functions, table, queue with its dead letters, gateways, poller and
// sweeper. It ends with the test.
type Stack struct {
	clouds.Flows // through the HTTP API; with Options.Aside a separate API serves the watcher

	API, StepRunner, Sweeper *Function
	Poller                   *Poller
	Clock                    *clouds.Clock // nil without Options.Clock
	// the environment of a function without injected faults
	Plain         []string
	Gateways      map[Form]string    // addresses
	Table         string             // name
	Dynamo        *dynamodb.Client   // without injected faults
	SQS           *sqs.Client        // without injected faults
	Rows          driver.Driver      // the table, without injected faults
	queue, dead   string             // URLs
	background    *clouds.Background // poller, schedule and clock
	busy          func() bool        // Options.Busy
	build         clouds.Build
	otherCheckout string // Options.OtherCheckout
}

// Options of a stack.
type Options struct {
	Env         []string          // added to the environment of all functions
	Credentials string            // the credentials file; "": the caller above
	APIFaults   emulators.Faulty  // faults between the API and the table; nil: none
	Faults      emulators.Faulty  // the same between the step runner and the table
	SweepFaults emulators.Faulty  // the same between the sweeper and the table
	QueueFaults emulators.Faulty  // the same between all functions and the queue
	Poller      func(*Poller)     // changes the poller
	Function    func(f *Function) // changes each function
	APIs        int               // instances of the API; 0: 4
	Sweeps      time.Duration     // interval of sweeps; 0: 2 s; negative: none
	// executions are read without API, gateways, faults and OtherCheckout
	Aside bool
	Clock bool // executions use a Clock that the test moves
	// they use one that moves to the next due time by itself; there are no other sweeps
	Skip bool
	// with Skip: reports that something outside the stack is active; nil: nothing is
	Busy     func() bool
	Receives int  // deliveries until a message is a dead letter; 0: 5
	Race     bool // functions have the race detector if the test has it
	// another checkout, whose functions get half of the events; "": none
	OtherCheckout string
}

// Deploy deploys a stack. The functions start at their first invocation.
func Deploy(t testing.TB, o Options) *Stack {
	t.Helper()
	ddb, queues := startShared(t)
	s := &Stack{Flows: clouds.Flows{T: t}, Table: emulators.Unique("millrace"),
		Dynamo: dynamodb.NewFromConfig(emulators.Config(ddb, nil)),
		SQS:    sqs.NewFromConfig(emulators.Config(queues, nil)), Gateways: map[Form]string{},
		busy: o.Busy, otherCheckout: o.OtherCheckout,
		build: clouds.Build{Cloud: clouds.AWS, Clock: o.Clock || o.Skip, Race: o.Race}}
	s.Rows = dynamostore.New(dynamostore.Options{Client: s.Dynamo, Table: s.Table})
	if err := dynamostore.CreateTable(t.Context(), s.Dynamo, s.Table); err != nil {
		t.Fatal(err)
	}
	s.createQueues(o)
	env := s.environment(o, proxied(t, queues, o.QueueFaults))
	through := func(f emulators.Faulty) []string {
		return append([]string{"AWS_ENDPOINT_URL_DYNAMODB=" + proxied(t, ddb, f)}, env...)
	}
	s.Plain = through(nil)
	if o.APIs == 0 {
		o.APIs = 4
	}
	s.API = s.Function("api", 29*time.Second, o.APIs, through(o.APIFaults), o.Function)
	s.StepRunner = s.Function("steprunner", 30*time.Second, 8, through(o.Faults), o.Function)
	s.Sweeper = s.Function("sweeper", 30*time.Second, 1, through(o.SweepFaults), o.Function)
	for _, form := range []Form{HTTPAPI, HTTPAPIProd, RESTAPI, FunctionURL} {
		s.Gateways[form] = s.gateway(form, s.API)
	}
	s.Client = s.Connect(HTTPAPI, "v1")
	s.Watcher = s.Client
	if o.Aside || o.Skip {
		watched := s.function("api", 29*time.Second, 32, s.Plain, nil, s.build)
		s.Watcher = s.connect(s.gateway(HTTPAPI, watched), "v1")
	}
	s.poll(o)
	return s
}

// proxied returns the endpoint behind faults, if there are any.
func proxied(t testing.TB, endpoint string, f emulators.Faulty) string {
	if f == nil {
		return endpoint
	}
	return emulators.Proxy(t, endpoint, f)
}

func (s *Stack) environment(o Options, queues string) []string {
	if o.Credentials == "" {
		o.Credentials = clouds.Callers
	}
	env := []string{"AWS_REGION=" + emulators.Region, "AWS_ACCESS_KEY_ID=test",
		"AWS_SECRET_ACCESS_KEY=test", "AWS_ENDPOINT_URL_SQS=" + queues,
		"STORE_URL=dynamodb://" + s.Table, "QUEUE_URL=" + s.queue, "MILLRACE_REGION=cn-hangzhou",
		"MILLRACE_CREDENTIALS=" + o.Credentials,
		"MILLRACE_CALL_SECONDS=5"}
	if s.build.Clock {
		s.Clock = clouds.NewClock(s.T)
		env = append(env, s.Clock.Variable())
	}
	return append(env, o.Env...)
}

func (s *Stack) createQueues(o Options) {
	s.T.Helper()
	if o.Receives == 0 {
		o.Receives = 5
	}
	s.dead = s.createQueue(emulators.Unique("dead"), nil)
	arn := s.attribute(s.dead, types.QueueAttributeNameQueueArn)
	s.queue = s.createQueue(emulators.Unique("steps"),
		map[string]string{"RedrivePolicy": redrive(arn, o.Receives)})
}

// createQueue creates a queue and returns its URL.
func (s *Stack) createQueue(name string, attributes map[string]string) string {
	s.T.Helper()
	out, err := s.SQS.CreateQueue(s.T.Context(), &sqs.CreateQueueInput{QueueName: &name,
		Attributes: attributes})
	if err != nil {
		s.T.Fatal(err)
	}
	return *out.QueueUrl
}

// On returns the stack for a subtest, which errors then fail.
func (s *Stack) On(t testing.TB) *Stack {
	part := *s
	part.T = t
	return &part
}

// Function deploys a function with the given environment, together with that of the other checkout.
func (s *Stack) Function(name string, timeout time.Duration, instances int, env []string,
	edit func(*Function)) *Function {
	f := s.function(name, timeout, instances, env, edit, s.build)
	if s.otherCheckout != "" {
		other := s.build
		other.Dir = s.otherCheckout
		f.OtherVersion = s.function(name, timeout, instances, env, edit, other)
	}
	return f
}

// function deploys a function of a build.
func (s *Stack) function(name string, timeout time.Duration, instances int, env []string,
	edit func(*Function), b clouds.Build) *Function {
	f := &Function{Name: name, Binary: clouds.Binary(s.T, name, b), Env: env, Timeout: timeout,
		Instances: instances}
	if edit != nil {
		edit(f)
	}
	var races clouds.Races
	if f.Log == nil {
		f.Log = races.Log
	}
	s.T.Cleanup(func() {
		f.Close()
		races.Check(s.T, name)
		if s.T.Failed() {
			s.T.Logf("%s: %d invocations, %d cold starts; its output ends with\n%s", name,
				f.Invocations(), f.ColdStarts(), last(f.Output(), 3000))
		}
	})
	return f
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }

func (s *Stack) gateway(form Form, f *Function) string {
	server := httptest.NewServer(&Gateway{Form: form, Invoke: f.Invoke})
	s.T.Cleanup(server.Close)
	return server.URL
}

// poll starts the event source mapping, and the schedule or the clock that replaces it.
func (s *Stack) poll(o Options) {
	s.Poller = &Poller{Client: s.SQS, URL: s.queue, ARN: "arn:aws:sqs:us-east-1:000000000000:steps",
		Invoke: s.StepRunner.Invoke,
		Batch:  5, Concurrent: 8, Visibility: 3 * time.Second, Random: rand.New(rand.NewPCG(1, 2)),
		LateMax: time.Second}
	if o.Poller != nil {
		o.Poller(s.Poller)
	}
	s.background = clouds.StartBackground(s.T, s.Poller.Run,
		clouds.Ticks{Sweep: s.Sweep, Every: o.Sweeps, Skip: o.Skip, Clock: s.Clock, Idle: s.Idle,
			Rows: s.Rows})
}

// Sweep triggers the sweeper's tick.
func (s *Stack) Sweep() {
	if _, err := s.Sweeper.Invoke([]byte(`{"kind":"sweep"}`)); err != nil {
		s.T.Error("sweep:", err)
	}
}

// Connect returns a client that uses the gateway of a form and a signature: "v1" or "v3".
func (s *Stack) Connect(form Form, signature string) *client.Client {
	s.T.Helper()
	return s.connect(s.Gateways[form], signature)
}

func (s *Stack) connect(endpoint, signature string) *client.Client {
	s.T.Helper()
	c, err := client.New(client.Options{Endpoint: endpoint, AccessKeyID: KeyID,
		Secret: Secret, Signature: signature,
		HTTPClient: &http.Client{Transport: emulators.NewTransport()}})
	if err != nil {
		s.T.Fatal(err)
	}
	return c
}
