package fc

import (
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// readyMax limits how long a process may take to become ready, as on the platform.
const readyMax = 120 * time.Second

// instance is one process of a function.
type instance struct {
	f      *Function
	cmd    *exec.Cmd
	driver driver
	died   chan struct{}
	ready  chan struct{} // closed when the instance is ready, or failed is set
	failed error
	frozen atomic.Bool
	began  time.Time
	init   time.Duration // from the start of the process until it was ready
	busy   time.Time     // since when it has had invocations; guarded by the function's lock
}

// driver speaks to a process in the way of its runtime.
type driver interface {
	// env returns the variables that the process needs to be reachable.
	env() []string
	// start waits until the process is ready and initializes it.
	start(in *instance) error
	// call sends an event or a life-cycle call and waits for the response.
	call(in *instance, v *invocation) ([]byte, error)
	// close releases what the harness holds for the process.
	close()
}

// invocation is one event, or one life-cycle call, sent to a process.
type invocation struct {
	id       string
	kind     kind
	event    []byte
	deadline time.Time
	timeout  time.Duration
}

// kind is the kind of an invocation.
type kind uint8

const (
	eventKind      kind = iota // numbered as in x-fc-function-type
	initializeKind             // numbered as in x-fc-function-type
	preStopKind
)

func startInstance(f *Function) (*instance, error) {
	open := openBuiltIn
	if f.Runtime == Custom {
		open = openCustom
	}
	d, err := open()
	if err != nil {
		return nil, err
	}
	in := &instance{f: f, driver: d, died: make(chan struct{}), ready: make(chan struct{})}
	words := slices.Concat(f.Before, []string{f.Binary}, f.Arguments)
	in.cmd = exec.Command(words[0], words[1:]...)
	in.cmd.Env = append(append(platformEnv(f), d.env()...), f.Env...)
	in.cmd.SysProcAttr = tied()
	in.cmd.Stdout, in.cmd.Stderr = f.log, f.log
	in.began = time.Now()
	if err := in.cmd.Start(); err != nil {
		d.close()
		return nil, err
	}
	go func() {
		in.cmd.Wait()
		close(in.died)
		d.close()
	}()
	go func() {
		in.failed = d.start(in)
		in.init = time.Since(in.began)
		close(in.ready)
	}()
	return in, nil
}

// memory returns the size of an instance, in the platform's notation.
func (f *Function) memory() string {
	if f.Memory == 0 {
		return "512"
	}
	return strconv.Itoa(f.Memory)
}

// platformEnv returns the variables that the platform sets for every function.
func platformEnv(f *Function) []string {
	return []string{"FC_FUNCTION_NAME=" + f.Name, "FC_FUNCTION_HANDLER=index.handler",
		"FC_FUNCTION_MEMORY_SIZE=" + f.memory(), "FC_REGION=" + Region,
		"FC_ACCOUNT_ID=" + AccountID, "FC_INSTANCE_ID=c-" + strconv.FormatInt(requests.Add(1), 10),
		"FC_FUNC_CODE_PATH=/code/"}
}

func (in *instance) newInvocation(k kind, event []byte) *invocation {
	return &invocation{
		id:       requestID(),
		kind:     k,
		event:    event,
		deadline: time.Now().Add(in.f.Timeout),
		timeout:  in.f.Timeout,
	}
}

// wait waits until the instance is ready.
func (in *instance) wait() error {
	late := time.NewTimer(readyMax)
	defer late.Stop()
	select {
	case <-in.ready:
		if in.failed != nil {
			in.kill()
		}
		return in.failed
	case <-in.died:
		return ErrDied
	case <-late.C:
		in.kill()
		return ErrTimedOut
	}
}

// invoke runs one event. After ErrDied and ErrTimedOut the instance must not be used again.
func (in *instance) invoke(event []byte) ([]byte, error) {
	if err := in.wait(); err != nil {
		return nil, err
	}
	return in.within(in.newInvocation(eventKind, event))
}

// within makes a call and ends the process if the call takes too long.
func (in *instance) within(v *invocation) ([]byte, error) {
	type reply struct {
		body []byte
		err  error
	}
	answer := make(chan reply, 1)
	go func() {
		body, err := in.driver.call(in, v)
		answer <- reply{body, err}
	}()
	late := time.NewTimer(v.timeout)
	defer late.Stop()
	select {
	case r := <-answer:
		return r.body, r.err
	case <-late.C:
		in.kill()
		return nil, ErrTimedOut
	}
}

// stop calls /pre-stop, if Hooks is set, and ends the process.
func (in *instance) stop() {
	in.thaw()
	select {
	case <-in.ready:
		if in.f.Hooks && in.failed == nil && !in.dead() {
			in.within(in.newInvocation(preStopKind, nil))
		}
	default:
	}
	in.kill()
	<-in.died
}

func (in *instance) kill() { in.cmd.Process.Kill() }

func (in *instance) dead() bool {
	select {
	case <-in.died:
		return true
	default:
		return false
	}
}

// header returns the headers that the platform sends with every request.
func (in *instance) header(v *invocation) http.Header {
	h := http.Header{}
	set := func(name, value string) { h.Set("x-fc-"+name, value) }
	set("request-id", v.id)
	set("function-name", in.f.Name)
	set("function-handler", "index.handler")
	set("function-memory", in.f.memory())
	set("function-timeout", strconv.Itoa(int((v.timeout+time.Second-1)/time.Second)))
	set("region", Region)
	set("account-id", AccountID)
	set("qualifier", "LATEST")
	set("version-id", "")
	set("retry-count", "0")
	if in.f.Credentials != nil {
		c := in.f.Credentials()
		set("access-key-id", c.ID)
		set("access-key-secret", c.Secret)
		set("security-token", c.Token)
	}
	return h
}
