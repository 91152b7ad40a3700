package fc

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/rpc/client"
	"millrace/shared/store/otsstore"
	"millrace/tests/clouds"
	"millrace/tests/clouds/emulators"
	harness "millrace/tests/clouds/emulators/alibaba/fc"
	emulator "millrace/tests/clouds/emulators/alibaba/mns"
	"millrace/tests/clouds/emulators/alibaba/oss"
	"millrace/tests/clouds/emulators/alibaba/tablestore"
)

// The caller of all stacks.
const (
	Account = clouds.Account
	KeyID   = clouds.KeyID
	Secret  = clouds.Secret
)

// Names of resources.
const (
	table = "state"
	steps = "millrace"
	dead  = "millrace-dead-letters"
	lost  = "millrace-event-dead-letters"
)

// EventBucket is the bucket whose objects under x/ start the flow "started".
const EventBucket = "in"

// Stack is a deployment: functions, table, queues, trigger, event stream and sweeper. It ends with
// the test.
type Stack struct {
	clouds.Flows // through the HTTP trigger

	API, StepRunner, Starter, Sweeper *harness.Function
	Service                           *harness.Service // InvokeFunction, of the engine's functions
	// the functions and other APIs that flows call
	Users  *Users
	Stream *harness.Stream
	Store  *tablestore.Server
	// without functions, with a key of the operator
	Rows    *otsstore.Store
	MNS     *emulator.Server
	OSS     *oss.Server
	Trigger string        // its address
	Clock   *clouds.Clock // nil without Options.Clock

	o                  Options
	env                []string
	endpoint           string // of the store
	stepRunnerEndpoint string // the same, for the step runner
	roles              *roles
}

// View is a stack for a subtest.
type View = Stack

// On returns the stack for a subtest, which errors then fail.
func (s *Stack) On(t testing.TB) *View {
	part := *s
	part.T = t
	return &part
}

// Wait waits until an execution has ended, for at most a minute, and returns it.
func (s *Stack) Wait(flow, name string) *client.Execution {
	s.T.Helper()
	return s.Flows.Wait(flow, name, 3*time.Minute)
}

// Options of a stack.
type Options struct {
	Runtime     harness.Runtime
	Env         []string                  // added to the environment of all functions
	Credentials string                    // the credentials file; "": the caller above
	Function    func(f *harness.Function) // changes each function
	Stream      func(s *harness.Stream)   // changes the event stream
	APIs        int                       // instances of the API; 0: 4
	Sweeps      time.Duration             // interval of sweeps; 0: 2 s; negative: none
	Clock       bool                      // executions use a Clock that the test moves
	// they use one that moves to the next due time by itself; there are no other sweeps. A separate
	// API without OtherCheckout serves the watcher
	Skip bool
	// with Skip: reports that something outside the stack is active; nil: nothing is
	Busy func() bool
	Race bool // functions have the race detector if the test has it
	// another checkout, whose functions get half of the invocations; "": none
	OtherCheckout string
	// the policies of tasks' role allow everything, also the engine's own queues and functions
	Lax bool
}

// Deploy deploys a stack. The functions start at their first invocation.
func Deploy(t testing.TB, o Options) *Stack {
	t.Helper()
	s := &Stack{Flows: clouds.Flows{T: t}, Store: tablestore.New(tablestore.Options{}),
		MNS: emulator.New(emulator.Options{}), OSS: oss.New(oss.Options{}), o: o, roles: &roles{}}
	s.roles.renew(s)
	for _, q := range []string{steps, dead, lost} {
		s.MNS.CreateQueue(q)
	}
	s.createTable()
	s.Service = &harness.Service{Keys: map[string]string{}, Tokens: map[string]string{}}
	s.Users = &Users{stack: s, engine: s.Service, functions: map[string]User{},
		tasks: map[string]*invocation{}}
	s.roles.renew(s)
	if o.Clock || o.Skip {
		s.Clock = clouds.NewClock(t)
	}
	s.env = s.environment(o)
	if o.APIs == 0 {
		o.APIs = 4
	}
	for name, f := range map[string]struct {
		to        **harness.Function
		instances int
	}{"api": {&s.API, o.APIs}, "steprunner": {&s.StepRunner, 8}, "starter": {&s.Starter, 2},
		"sweeper": {&s.Sweeper, 1}} {
		*f.to = s.Function(name, f.instances)
		s.Service.Add(*f.to)
	}
	s.Trigger = s.serve(harness.Trigger{Function: s.API})
	s.Client = s.Connect("v1")
	s.Watcher = s.Client
	if o.Skip { // a long poll does not keep the clock from moving
		s.Watcher = s.connect(s.serve(harness.Trigger{Function: s.function("api", "", 32)}), "v1")
	}
	s.run(o)
	return s
}

// Connect returns a client that uses the HTTP trigger and a signature: "v1" or "v3".
func (s *Stack) Connect(signature string) *client.Client {
	s.T.Helper()
	return s.connect(s.Trigger, signature)
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

// serve serves a handler until the test ends.
func (s *Stack) serve(h http.Handler) string {
	server := httptest.NewServer(h)
	s.T.Cleanup(server.Close)
	return server.URL
}

// environment returns the environment of the functions. It holds no credentials: those come with
// each request.
func (s *Stack) environment(o Options) []string {
	if o.Credentials == "" {
		o.Credentials = clouds.Callers
	}
	queues, users := s.serve(s.MNS), s.serve(s.Users)
	s.endpoint, s.stepRunnerEndpoint = s.serve(s.Store), s.serve(s.Store)
	env := []string{s.StoreURL(tablestore.DefaultInstance, table), "QUEUE_URL=" + queues +
		"/queues/" + steps,
		"MILLRACE_CREDENTIALS=" + o.Credentials, "MILLRACE_CALL_SECONDS=5",
		"MILLRACE_STARTS=[{bucket: " + EventBucket + ", prefix: x/, flow: started, account: '" +
			Account + "'}]",
		"MILLRACE_TASK_ROLE=" + TaskRole, "ALIBABA_CLOUD_ENDPOINT_URL_STS=" +
			s.serve(http.HandlerFunc(s.sts)),
		"ALIBABA_CLOUD_ENDPOINT_URL_MNS=" + queues, "ALIBABA_CLOUD_ENDPOINT_URL_OSS=" +
			s.serve(s.OSS)}
	for _, product := range []string{"FC", "EVENTBRIDGE", "ECS", "FNF"} {
		env = append(env, "ALIBABA_CLOUD_ENDPOINT_URL_"+product+"="+users)
	}
	if s.Clock != nil {
		env = append(env, s.Clock.Variable())
	}
	return append(env, o.Env...)
}

// StoreURL returns the variable that names a table of an instance, in the store of this stack.
func (s *Stack) StoreURL(instance, table string) string {
	return storeURL(instance, table, s.endpoint)
}

func storeURL(instance, table, endpoint string) string {
	return "STORE_URL=tablestore://" + instance + "/" + table + "?endpoint=" + endpoint
}

// FromStepRunner reports whether a request to the store came from a step runner.
func (s *Stack) FromStepRunner(r tablestore.Request) bool {
	return "http://"+r.Host == s.stepRunnerEndpoint
}

// createTable creates the table as the operator does, with the operator's key.
func (s *Stack) createTable() {
	s.T.Helper()
	s.Rows = otsstore.New(otsstore.Options{Table: table,
		Client: otsstore.NewClient(otsstore.ClientOptions{Endpoint: "http://store",
			Instance:  tablestore.DefaultInstance,
			Transport: s.Store, Credentials: func(context.Context) (alibaba.Credentials, error) {
				return alibaba.Credentials{AccessKeyID: tablestore.DefaultKey.ID,
					AccessKeySecret: tablestore.DefaultKey.Secret}, nil
			}})})
	if err := s.Rows.CreateTables(s.T.Context()); err != nil {
		s.T.Fatal(err)
	}
}

// Function deploys a function with the environment of the stack and env, together with that of the
// other checkout.
func (s *Stack) Function(name string, instances int, env ...string) *harness.Function {
	f := s.function(name, "", instances, env...)
	if s.o.OtherCheckout != "" {
		f.OtherVersion = s.function(name, s.o.OtherCheckout, instances, env...)
	}
	return f
}

// function deploys a function of a checkout.
func (s *Stack) function(name, dir string, instances int, env ...string) *harness.Function {
	build := clouds.Build{Cloud: clouds.Alibaba, Clock: s.Clock != nil, Race: s.o.Race, Dir: dir}
	own := append([]string{}, s.env...)
	if name == "steprunner" {
		own = append(own, storeURL(tablestore.DefaultInstance, table, s.stepRunnerEndpoint))
	}
	f := &harness.Function{Name: name, Binary: clouds.Binary(s.T, name, build),
		Env: append(own, env...), Runtime: s.o.Runtime,
		Timeout: time.Minute, Instances: instances, Hooks: true, Freeze: true, Retries: 2,
		RetryPause: 100 * time.Millisecond, Credentials: s.roles.current}
	if f.Runtime == harness.Custom {
		f.Concurrency = 4
	}
	if s.o.Function != nil {
		s.o.Function(f)
	}
	var races clouds.Races
	if f.Log == nil {
		f.Log = races.Log
	}
	s.T.Cleanup(func() {
		f.Close()
		races.Check(s.T, name)
		if s.T.Failed() {
			out := f.Output()
			s.T.Logf("%s: %d invocations, %d cold starts; its output ends with\n%s", name,
				f.Invocations(), f.ColdStarts(), out[max(0, len(out)-3000):])
		}
	})
	return f
}

// run starts the event stream and the timer.
func (s *Stack) run(o Options) {
	s.Stream = &harness.Stream{Client: s.MNS.Client(), Queue: steps, Invoke: s.StepRunner.Invoke,
		Batch: 16, Tasks: 8, Retries: 176, Tolerant: true, DeadLetter: dead,
		Pause: func(int) time.Duration { return 100 * time.Millisecond }}
	if o.Stream != nil {
		o.Stream(s.Stream)
	}
	clouds.StartBackground(s.T, func(ctx context.Context) { s.Stream.Run(ctx) },
		clouds.Ticks{Sweep: s.Sweep, Every: o.Sweeps, Skip: o.Skip, Clock: s.Clock, Idle: s.Idle,
			Rows: s.Rows})
}

// Ahead sets how far the clock of executions is ahead of the machine's clock.
func (s *Stack) Ahead(d time.Duration) {
	s.T.Helper()
	if err := s.Clock.Set(d); err != nil {
		s.T.Fatal(err)
	}
}

// Idle reports whether nothing is active: no invocation, no message to be delivered now, and
// nothing outside.
func (s *Stack) Idle() bool {
	for _, f := range []*harness.Function{s.API, s.StepRunner, s.Starter, s.Sweeper} {
		if !f.Idle() {
			return false
		}
	}
	active, inactive, _ := s.MNS.Counts(steps)
	return active+inactive == 0 && (s.o.Busy == nil || !s.o.Busy()) && s.StepRunner.Idle()
}

// Event sends an event to the starter in the way of its source: asynchronously, and again if it
// fails. Finally it becomes a dead letter.
func (s *Stack) Event(event string) {
	s.Starter.Async([]byte(event), "", func(_ []byte, err error) {
		if err != nil {
			s.put(lost, event)
		}
	})
}

// DeadLetters returns the dead letters of the engine, and those of events.
func (s *Stack) DeadLetters() (engine, events []string) {
	return s.MNS.Bodies(dead), s.MNS.Bodies(lost)
}

// Sweep triggers the timer's tick.
func (s *Stack) Sweep() {
	event := fmt.Sprintf(`{"triggerTime":%q,"triggerName":"sweep","payload":""}`,
		time.Now().UTC().Format(time.RFC3339))
	if _, err := s.Sweeper.Invoke([]byte(event)); err != nil {
		s.T.Error("sweep:", err)
	}
}

// Send puts a text into the queue, as a destination of asynchronous invocations does.
func (s *Stack) Send(text string) { s.put(steps, text) }

func (s *Stack) put(queue, text string) {
	if err := s.Stream.Client.Send(context.Background(), queue, text); err != nil {
		s.T.Error("send:", err)
	}
}
