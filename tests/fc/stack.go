package fc

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"millrace/shared/queue/mnsqueue/rest"
	"millrace/shared/rpc"
	"millrace/shared/store/otsstore"
	harness "millrace/tests/emulators/fc"
	"millrace/tests/emulators/mns"
	"millrace/tests/emulators/tablestore"
)

// The caller of all stacks.
const (
	Account = "1"
	KeyID   = "AKTEST"
	Secret  = "a-secret-of-the-tests"
	callers = `{"accounts":[{"id":"` + Account + `","keys":[{"id":"` + KeyID + `","secret":"` + Secret + `"}]}]}`
)

// Names of a deployment.
const (
	table = "state"
	steps = "millrace"
	dead  = "millrace-dead-letters"
)

// Stack is a deployment: functions, table, queues, trigger, event stream and sweeper. It ends with the test.
type Stack struct {
	API, Runner, Starter, Sweeper *harness.Function
	Service                       *harness.Service // InvokeFunction, of the engine's functions
	Users                         *Users           // the functions, and the other APIs, of users
	Stream                        *harness.Stream
	Store                         *tablestore.Server
	Rows                          *otsstore.Store // past all functions, with a key of the operator's
	MNS                           *mns.Server
	Client                        *rpc.Client // through the HTTP trigger
	Trigger                       string      // its address

	t       testing.TB
	env     []string
	roles   *roles
	clock   string // file; "" without Options.Clock
	stop    context.CancelFunc
	running sync.WaitGroup
}

// Options of a stack.
type Options struct {
	Runtime  harness.Runtime
	Env      []string                  // added to the environment of all functions
	Function func(f *harness.Function) // changes each function
	Stream   func(s *harness.Stream)   // changes the event stream
	Sweeps   time.Duration             // between two sweeps, 2 s; negative: none
	Clock    bool                      // executions go by a clock that Ahead moves
}

// Deploy makes a stack. The functions start when they are asked for something.
func Deploy(t testing.TB, o Options) *Stack {
	t.Helper()
	s := &Stack{t: t, Store: tablestore.New(tablestore.Options{}), MNS: mns.New(mns.Options{}), roles: &roles{}}
	s.roles.renew(s)
	for _, q := range []string{steps, dead} {
		s.MNS.CreateQueue(q)
	}
	s.createTable()
	s.Service = &harness.Service{Keys: map[string]string{}, Tokens: map[string]string{}}
	s.Users = &Users{stack: s, engine: s.Service, functions: map[string]User{}, tasks: map[string]*invocation{}}
	s.roles.renew(s)
	if o.Clock {
		s.clock = filepath.Join(t.TempDir(), "clock")
		s.Ahead(0)
	}
	s.env = s.environment(o)
	s.API = s.function("api", time.Minute, 4, o)
	s.Runner = s.function("steprunner", time.Minute, 8, o)
	s.Starter = s.function("starter", time.Minute, 1, o)
	s.Sweeper = s.function("sweeper", time.Minute, 1, o)
	s.Trigger = s.serve(harness.Trigger{Function: s.API})
	client, err := rpc.NewClient(rpc.ClientOptions{Endpoint: s.Trigger, AccessKeyID: KeyID, Secret: Secret, Signature: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	s.Client = client
	s.run(o)
	return s
}

// serve serves a handler until the test ends.
func (s *Stack) serve(h http.Handler) string {
	server := httptest.NewServer(h)
	s.t.Cleanup(server.Close)
	return server.URL
}

// environment is what the functions are told. There are no credentials in it: those come with each request.
func (s *Stack) environment(o Options) []string {
	queues, users := s.serve(s.MNS), s.serve(s.Users)
	env := []string{"STORE_URL=tablestore://" + tablestore.DefaultInstance + "/" + table + "?endpoint=" + s.serve(s.Store), "QUEUE_URL=" + queues + "/queues/" + steps,
		"MILLRACE_CREDENTIALS=" + callers, "MILLRACE_CALL_SECONDS=5", "MILLRACE_STARTS=[{bucket: in, prefix: x/, flow: started, account: '" + Account + "'}]",
		"ALIBABA_CLOUD_ENDPOINT_URL_MNS=" + queues}
	for _, product := range []string{"FC", "EVENTBRIDGE", "ECS", "FNF"} {
		env = append(env, "ALIBABA_CLOUD_ENDPOINT_URL_"+product+"="+users)
	}
	if s.clock != "" {
		env = append(env, "TEST_CLOCK_FILE="+s.clock)
	}
	return append(env, o.Env...)
}

// createTable creates the table as the operator does, with a key of the operator's.
func (s *Stack) createTable() {
	s.t.Helper()
	s.Rows = otsstore.New(otsstore.Options{Table: table, Client: otsstore.NewClient(otsstore.ClientOptions{Endpoint: "http://store", Instance: tablestore.DefaultInstance,
		Transport: s.Store, Credentials: func(context.Context) (otsstore.Credentials, error) {
			return otsstore.Credentials{AccessKeyID: tablestore.DefaultKey.ID, AccessKeySecret: tablestore.DefaultKey.Secret}, nil
		}})})
	if err := s.Rows.CreateTables(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// function deploys one.
func (s *Stack) function(name string, timeout time.Duration, instances int, o Options) *harness.Function {
	f := &harness.Function{Name: name, Binary: Binary(s.t, name, s.clock != ""), Env: s.env, Runtime: o.Runtime, Timeout: timeout, Instances: instances, Hooks: true,
		Freeze: true, Retries: 2, RetryPause: 100 * time.Millisecond, Credentials: s.roles.current}
	if o.Runtime == harness.Custom {
		f.Concurrency = 4
	}
	if o.Function != nil {
		o.Function(f)
	}
	s.Service.Add(f)
	s.t.Cleanup(func() {
		f.Close()
		if s.t.Failed() {
			out := f.Output()
			s.t.Logf("%s: %d invocations, %d cold starts; its output ends with\n%s", name, f.Invocations(), f.ColdStarts(), out[max(0, len(out)-3000):])
		}
	})
	return f
}

// run starts the event stream and the timer.
func (s *Stack) run(o Options) {
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	client := &rest.Client{Endpoint: rest.Endpoint(mns.AccountID, mns.Region, false), HTTP: &http.Client{Transport: s.MNS.Transport()},
		Credentials: rest.Static(rest.Credentials{AccessKeyID: mns.AccessKeyID, AccessKeySecret: mns.AccessKeySecret})}
	s.Stream = &harness.Stream{Client: client, Queue: steps, Invoke: s.Runner.Invoke, Batch: 16, Tasks: 8, Retries: 176, Tolerant: true, DeadLetter: dead,
		Pause: func(int) time.Duration { return 100 * time.Millisecond }}
	if o.Stream != nil {
		o.Stream(s.Stream)
	}
	s.running.Go(func() { s.Stream.Run(ctx) })
	if o.Sweeps == 0 {
		o.Sweeps = 2 * time.Second
	}
	if o.Sweeps > 0 {
		s.running.Go(func() { s.schedule(ctx, o.Sweeps) })
	}
	s.t.Cleanup(func() {
		s.stop()
		s.running.Wait()
	})
}

func (s *Stack) schedule(ctx context.Context, every time.Duration) {
	for t := time.NewTicker(every); ; {
		select {
		case <-t.C:
			s.Sweep()
		case <-ctx.Done():
			t.Stop()
			return
		}
	}
}

// Ahead sets how far the clock of executions is ahead of the machine's.
func (s *Stack) Ahead(d time.Duration) {
	s.t.Helper()
	err := os.WriteFile(s.clock+".new", []byte(strconv.FormatInt(d.Milliseconds(), 10)), 0o600)
	if err == nil {
		err = os.Rename(s.clock+".new", s.clock)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// Sweep is a tick of the timer.
func (s *Stack) Sweep() {
	event := fmt.Sprintf(`{"triggerTime":%q,"triggerName":"sweep","payload":""}`, time.Now().UTC().Format(time.RFC3339))
	if _, err := s.Sweeper.Invoke([]byte(event)); err != nil {
		s.t.Error("sweep:", err)
	}
}

// Send puts a text into the queue, as a destination of asynchronous invocations does.
func (s *Stack) Send(text string) {
	if _, err := s.Stream.Client.SendOne(context.Background(), steps, rest.Out{Body: text}, 0); err != nil {
		s.t.Error("send:", err)
	}
}
