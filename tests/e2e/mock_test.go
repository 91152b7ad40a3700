package e2e_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/shared/rpc/client"
	"millrace/shared/task"
	"millrace/shared/value"
)

// mock runs tasks with the outcomes of a case, by state and attempt. It reports the outcome of a
// task that waits for a report through the API, with the token of the call.
type mock struct {
	t      testing.TB
	client *client.Client

	mu      sync.Mutex
	tasks   map[string][]flowtest.Outcome
	used    map[string]int
	calls   []flowtest.Call
	tokens  map[string]string // placeholders of tokens
	pending int               // calls and reports in flight
}

// begin resets the state that the previous case has left.
func (k *mock) begin(t testing.TB, tasks map[string][]flowtest.Outcome) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.t, k.tasks, k.used, k.calls, k.tokens, k.pending = t, tasks, map[string]int{}, nil,
		map[string]string{}, 0
}

// idle reports whether no call or report is in flight.
func (k *mock) idle() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pending == 0
}

func (k *mock) done() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pending--
}

// Run implements task.Runner.
func (k *mock) Run(_ context.Context, r task.Request) task.Result {
	o, ok := k.next(r)
	defer k.done()
	if !ok {
		return task.Fail("NoOutcome", "the case has no outcome for task "+r.State)
	}
	result := task.Result{Output: encode(o.Return)}
	switch {
	case r.Mode == flow.RequestComplete && o.Error != nil:
		return task.Fail(o.Error.Name, o.Error.Cause)
	case r.Mode == flow.RequestComplete:
		return result
	}
	if h := fnv.New32a(); h != nil {
		fmt.Fprint(h, r.State, r.Flow)
		if h.Sum32()%2 == 0 { // reports arrive before or after the call's own result
			k.report(r.Token, o)
			return result
		}
	}
	k.mu.Lock()
	k.pending++
	k.mu.Unlock()
	go func() {
		defer k.done()
		k.report(r.Token, o)
	}()
	return result
}

func (k *mock) next(r task.Request) (flowtest.Outcome, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pending++
	if r.Dialect == flow.FlowV1 {
		raw, _ := base64.StdEncoding.DecodeString(r.Token)
		if i := strings.LastIndexByte(string(raw), '#'); i > 0 {
			k.tokens[r.Token] = base64.StdEncoding.EncodeToString([]byte(string(raw[:i+1]) + "SIG"))
		}
	} else {
		k.tokens[r.Token] = flowtest.MockToken
	}
	c := flowtest.Call{State: r.State}
	if len(r.Parameters) > 0 {
		c.Params = decode(k.t, string(r.Parameters))
	}
	if r.Dialect == flow.FlowV1 {
		c.Input = decode(k.t, string(r.Input))
	}
	k.calls = append(k.calls, c)
	list := k.tasks[r.State]
	if len(list) == 0 {
		return flowtest.Outcome{}, false
	}
	o := list[min(k.used[r.State], len(list)-1)]
	k.used[r.State]++
	return o, true
}

// report reports the outcome through the API.
func (k *mock) report(token string, o flowtest.Outcome) {
	for {
		var err error
		if o.Error != nil {
			q := cloudflow.ReportTaskFailedRequest{TaskToken: token, Error: o.Error.Name}
			if o.Error.Cause != "" {
				q.Cause = &o.Error.Cause
			}
			_, err = k.client.ReportTaskFailed(context.Background(), q)
		} else {
			out := o.Callback
			if out == nil {
				out = o.Return
			}
			_, err = k.client.ReportTaskSucceeded(context.Background(),
				cloudflow.ReportTaskSucceededRequest{TaskToken: token, Output: string(encode(out))})
		}
		if fault.CodeOf(err) == fault.TaskInvalidState {
			time.Sleep(time.Millisecond)
			continue
		}
		if err != nil {
			k.t.Errorf("report: %v", err)
		}
		return
	}
}

// masked replaces each token that is a whole JSON string by its placeholder.
func (k *mock) masked(text string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for token, shown := range k.tokens {
		text = strings.ReplaceAll(text, `"`+token+`"`, `"`+shown+`"`)
	}
	return text
}

func encode(v any) []byte {
	if v == nil {
		return []byte("{}")
	}
	return value.Encode(v)
}

func decode(t testing.TB, text string) any {
	v, err := value.Decode([]byte(text))
	if err != nil {
		t.Errorf("%v in %.200s", err, text)
	}
	return v
}
