package cloud

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/engine"
	"millrace/shared/events"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/queue/memqueue"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
	"millrace/shared/task"
)

// newAsyncResults returns asyncResults over a store. Async results that are sent again are appended
// to sent.
func newAsyncResults(d driver.Driver, sent *[]string) *asyncResults {
	s := store.New(store.Options{Driver: d})
	return &asyncResults{driver: d, log: slog.New(slog.DiscardHandler), dropUnknown: true,
		engine: engine.New(engine.Options{
			Store:  s,
			Queue:  memqueue.New(memqueue.Options{}),
			Limits: flow.DefaultLimits(),
		}),
		output: func(
			*task.Request, string, []byte) task.Result {
			return task.Result{Output: []byte(`{}`)}
		},
		identity: func(function string) (string, error) {
			name, _, _ := strings.Cut(function, "@")
			return name, nil
		},
		resend: func(_ context.Context, text []byte, delay time.Duration) error {
			*sent = append(*sent, delay.String()+" "+string(text))
			return nil
		}}
}

func recordOf(t *testing.T, text string) events.AsyncResult {
	t.Helper()
	o, err := events.DecodeAsyncResult([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

const early = `{"requestContext":{"requestId":"r","functionArn":"f@1","condition":"Success"},` +
	`"responseContext":{"functionError":"E"},"requestPayload":"long","responsePayload":{"a":"<é>"}}`

// rows returns the invocation records of an id.
func rows(t *testing.T, d driver.Driver, partitions ...string) (tokens []string) {
	t.Helper()
	for _, p := range partitions {
		list, _, err := d.Range(t.Context(), driver.Range{Partition: p})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range list {
			n, err := decodeRecord(row)
			if err != nil {
				t.Fatal(err)
			}
			tokens = append(tokens, n.Account+" "+n.Token)
		}
	}
	return tokens
}

// TestUnknownOutcomesWaitInTheQueue: an async result without an invocation record blocks nothing.
// It goes back into the queue up to four times and is then dropped. In a synctest bubble, time
// advances only if a goroutine waits.
func TestUnknownOutcomesWaitInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		o := newAsyncResults(memstore.New(), &sent)
		began, text := time.Now(), early
		for n := range resendMax {
			out := recordOf(t, text)
			if err := o.handle(t.Context(), out); err != nil || len(sent) != n+1 {
				t.Fatal(n, err, sent)
			}
			var ok bool
			if text, ok = strings.CutPrefix(sent[n], "2s "); !ok {
				t.Fatal(sent[n])
			}
			again := recordOf(t, text)
			if again.Resent != n+1 || !again.Failed || string(again.Payload) != `{"a":"<é>"}` ||
				again.Function != out.Function || again.Condition != out.Condition {
				t.Errorf("%s: %+v", text, again)
			}
			if len(text) > len(early)+len(`,"millraceResent":1`) {
				t.Error("it has grown:", text)
			}
		}
		for _, resent := range []string{"4", "5", "-1",
			"1000000"} { // also values that only a forger writes
			last := strings.Replace(early, `"requestContext"`, `"millraceResent":`+resent+
				`,"requestContext"`, 1)
			if err := o.handle(t.Context(), recordOf(t, last)); err != nil ||
				len(sent) != resendMax {
				t.Error(resent, err, len(sent))
			}
		}
		if err := o.handle(t.Context(), events.AsyncResult{RequestID: strings.Repeat("x",
			requestIDMax+1), Function: "f"}); err != nil || len(sent) != resendMax {
			t.Error("an id that nobody can have noted is sent again:", err)
		}
		o.dropUnknown = false // as in a queue with dead letters
		if err := o.handle(t.Context(), events.AsyncResult{
			RequestID: "r",
			Function:  "f",
			Resent:    resendMax,
		}); err == nil {
			t.Error("it is acknowledged")
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("it waited for %s", waited)
		}
	})
}

// TestEarlyOutcomes: an async result that comes before its invocation record is not lost.
func TestEarlyOutcomes(t *testing.T) {
	var sent []string
	d := memstore.New()
	o := newAsyncResults(d, &sent)
	if err := o.handle(t.Context(), recordOf(t, early)); err != nil || len(sent) != 1 {
		t.Fatal(err, sent)
	}
	if err := o.Record(t.Context(), "r", task.InvocationRecord{
		Account:  "1",
		Token:    "t",
		Function: "f",
	}); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, d, "r#r#f"); len(got) != 1 {
		t.Fatal(got)
	}
	err := o.handle(t.Context(), recordOf(t, strings.TrimPrefix(sent[0], "2s ")))
	// A reported invocation has no record any more.
	if left := rows(t, d, "r#r#f"); err != nil || len(sent) != 1 || len(left) != 0 {
		t.Error(err, sent, left)
	}
}

// TestChosenIDsReplaceNothing: an id that a flow chooses never replaces another task's invocation
// record, whatever it looks like. Each task gets the result of its own invocation, as the service
// reports it.
func TestChosenIDsReplaceNothing(t *testing.T) {
	ids := []string{"order-7", "E5A0C2F1-0000-4000-8000-000000000001",
		"m_0123456789abcdef0123456789abcdef"}
	for _, id := range ids {
		var sent, queried []string
		d := memstore.New()
		o := newAsyncResults(d, &sent)
		ended := map[string]bool{}
		o.queryResult = func(
			_ context.Context, n task.InvocationRecord, id string,
		) (task.Result, bool, error) {
			queried = append(queried, n.Account)
			return task.Result{Output: []byte(`{}`)}, ended[n.Account], nil
		}
		writeRecord := func(account, function string, chosen bool) {
			if err := o.Record(t.Context(), id,
				task.InvocationRecord{
					Account:  account,
					Token:    "t",
					Function: function,
					Chosen:   chosen,
				}); err != nil {
				t.Fatal(err)
			}
		}
		writeRecord("1", "f@LATEST", true)
		writeRecord("2", "f@live", true)
		writeRecord("2", "f@live", true) // the same task again
		chosen := store.ChosenInvocationRecordKey(id, "f", "").Partition
		got := rows(t, d, chosen)
		if slices.Sort(got); !slices.Equal(got, []string{"1 t", "2 t"}) {
			t.Errorf("%s: %q", id, got)
		}
		writeRecord("3", "f@LATEST", false)
		writeRecord("2", "f@live", true)
		if got := rows(t, d, "r#"+id+"#f"); !slices.Equal(got, []string{"3 t"}) {
			t.Errorf("%s: %q", id, got)
		}
		take := func() {
			if err := o.handle(t.Context(), events.AsyncResult{
				RequestID: id,
				Function:  "f@LATEST",
			}); err != nil {
				t.Error(err)
			}
		}
		take()
		if len(queried) != 0 || len(rows(t, d, "r#"+id+"#f")) != 0 {
			t.Errorf("%s: %v", id, queried)
		}
		ended["1"] = true
		take()
		if got := rows(t, d, chosen); !slices.Equal(got, []string{"2 t"}) || len(queried) != 2 ||
			len(sent) != 0 {
			t.Errorf("%s: %q %q %q", id, got, queried, sent)
		}
		take() // no invocation has ended, and another record may still be written
		if len(sent) != 1 {
			t.Errorf("%s: %q", id, sent)
		}
	}
}

// TestAttack2Flood: a flood of async results blocks nothing. Half have ids without an invocation
// record; half have an id that a task of another account chose and whose invocation has not ended.
// No task is reported, nothing waits, and each async result is dropped after a few tries.
func TestAttack2Flood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const records = 2000
		var sent []string
		queried := 0
		d := memstore.New()
		o := newAsyncResults(d, &sent)
		o.queryResult = func(
			context.Context, task.InvocationRecord, string,
		) (task.Result, bool, error) {
			queried++
			return task.Result{}, false, nil
		}
		if err := o.Record(t.Context(), "order-7",
			task.InvocationRecord{
				Account:  "1",
				Token:    "t",
				Function: "f",
				Chosen:   true,
			}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var queue []events.AsyncResult
		for i := range records {
			id := "order-7"
			if i%2 == 0 {
				id = fmt.Sprint("nobody-", i)
			}
			queue = append(queue, events.AsyncResult{
				RequestID: id,
				Function:  "f@LATEST",
				Condition: "Success",
				Payload:   []byte(`{"paid":"forged"}`),
			})
		}
		for round := 0; len(queue) > 0; round++ {
			if round > resendMax {
				t.Fatalf("%d records are in the queue for good", len(queue))
			}
			sent = nil
			for _, out := range queue {
				if err := o.handle(t.Context(), out); err != nil {
					t.Fatal(err)
				}
			}
			queue = nil
			for _, text := range sent {
				queue = append(queue, recordOf(t, strings.TrimPrefix(text, "2s ")))
			}
		}
		if waited := time.Since(began); waited != 0 || queried != records/2*(resendMax+1) {
			t.Errorf("it waited for %s, the service was asked %d times", waited, queried)
		}
		if got := rows(t, d, store.ChosenInvocationRecordKey("order-7", "f",
			"").Partition); !slices.Equal(got, []string{"1 t"}) {
			t.Errorf("the task was reported: %q", got)
		}
	})
}

// TestLongOutcomes: ResultBytes limits the result of an asynchronous invocation, as it limits that
// of a call. The limit of API reports does not apply, because the cloud could not react to a
// rejection. The process that accepts the result has no definitions.
func TestLongOutcomes(t *testing.T) {
	for size, want := range map[int]string{
		100_000:   "Succeeded",
		1<<20 + 1: "Failed FnF.DataLimitExceeded",
	} {
		synctest.Test(t, func(t *testing.T) {
			if got := endByAsyncResult(t, size); got != want {
				t.Errorf("a result of %d bytes: %s, want %s", size, got, want)
			}
		})
	}
}

// endByAsyncResult returns how an execution ends whose task gets an async result of so many bytes.
func endByAsyncResult(t *testing.T, size int) string {
	var sent []string
	o := newAsyncResults(memstore.New(), &sent)
	limits := flow.DefaultLimits()
	s := store.New(store.Options{Driver: o.driver})
	options := engine.Options{
		Store:    s,
		Queue:    memqueue.New(memqueue.Options{}),
		Compile:  fdl.Compiler(limits),
		Limits:   limits,
		Topology: engine.Functions,
	}
	o.engine = engine.New(options)
	options.Topology = engine.Servers
	options.Tasks = task.RunnerFunc(func(ctx context.Context, r task.Request) task.Result {
		if err := o.Record(ctx, "r", task.InvocationRecord{
			Account:  r.Account,
			Token:    r.Token,
			Function: "f",
		}); err != nil {
			t.Error(err)
		}
		return task.Result{Output: []byte(`{}`)}
	})
	full := engine.New(options)
	defer full.Close(t.Context())
	service := cloudflow.New(cloudflow.Options{Store: s, Engine: full, Limits: limits, Log: o.log})
	caller := cloudflow.Caller{Account: "1"}
	definition := "Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: A\nStates:\n" +
		"- {Name: A, Type: Task, TaskMode: WaitForSystemCallback, Action: 'FC:InvokeFunction', " +
		"Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Async}, " +
		"OutputConstructor: {}, End: true}\n"
	if _, err := service.CreateFlow(t.Context(), caller,
		cloudflow.CreateFlowRequest{Name: "f", Definition: definition}); err != nil {
		t.Fatal(err)
	}
	created, err := s.GetFlow(t.Context(), "1", "f")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := service.StartExecution(t.Context(), caller,
		cloudflow.StartExecutionRequest{FlowName: "f", ExecutionName: "x"}); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	o.output = func(*task.Request, string, []byte) task.Result {
		return task.Result{Output: []byte(`"` + strings.Repeat("x", size-2) + `"`)}
	}
	if err := o.handle(t.Context(), events.AsyncResult{
		RequestID: "r",
		Function:  "f",
	}); err != nil {
		t.Error(err)
	}
	if err := full.HandleHint(t.Context(), store.Partition(created.ID, "x")); err != nil {
		t.Error(err)
	}
	synctest.Wait()
	x, err := s.Load(t.Context(), store.Partition(created.ID, "x"))
	if err != nil {
		t.Fatal(err)
	}
	if x.Error != nil {
		return x.Status.String() + " " + x.Error.Name
	}
	return x.Status.String()
}
