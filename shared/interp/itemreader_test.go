package interp_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/interp"
)

// readerDefinition is a flow whose only state is a distributed Map with an ItemReader.
func readerDefinition(fields string) string {
	return strings.Replace(mapRunDefinition(flow.Express,
		"ItemReader: {ReaderConfig: {InputType: JSONL}, Parameters: {Bucket: b, Key.$: $Input.key}}\n"+
			fields), "    ItemsPath: $Input.items\n", "", 1)
}

// block returns the message that a block was read: items as JSON, and the cursor after them.
func block(c interp.Call, items string, next int, end bool) interp.Message {
	return interp.Message{Kind: interp.CallCompleted, Attempt: c.Attempt, Output: fmt.Appendf(nil,
		`{"Cursor":{"Offset":%d},"End":%t,"Items":%s}`, next, end, items)}
}

// only returns the only call, which must read items or run a child.
func (r *harness) only(calls []interp.Call, reads bool) interp.Call {
	r.t.Helper()
	if len(calls) != 1 || calls[0].ReadsItems != reads {
		r.t.Fatalf("the calls are %+v", calls)
	}
	return calls[0]
}

// split returns the calls that read, and those of children.
func split(calls []interp.Call) (reads, children []interp.Call) {
	for _, c := range calls {
		if c.ReadsItems {
			reads = append(reads, c)
		} else {
			children = append(children, c)
		}
	}
	return reads, children
}

// TestItemReader: blocks are read one ahead, each from where the one before ended, and each counts
// once.
func TestItemReader(t *testing.T) {
	r := newHarness(t, readerDefinition("MaxConcurrency: 2"), `{"key":"k"}`)
	first := r.only(r.step(0).Calls, true)
	if got := string(first.Params.Text()); got != `{"BytesMax":262144,"ItemBytesMax":65536,`+
		`"ItemsMax":1000,"Source":{"Bucket":"b","InputType":"JSONL","Key":"k"}}` {
		t.Errorf("the first call has %s", got)
	}
	reads, children := split(r.step(1, block(first, `[1,2,3]`, 7, false)).Calls)
	if got := inputs(children); got != "1 2" {
		t.Errorf("children with %s", got)
	}
	second := r.only(reads, true)
	if got := string(second.Params.Text()); !strings.Contains(got, `"Cursor":{"Offset":7}`) {
		t.Errorf("the second call has %s", got)
	}
	r.wantRejections(r.step(2, block(first, `[8,9]`, 7, false)), interp.AlreadyEnded)
	r.wantCounts("Running: 1 pending, 2 running, 0 succeeded, 0 failed, 0 aborted of 3")
	// Two blocks are open, so nothing more is read until the first one is handed out.
	if calls := r.step(3, block(second, `[4,5]`, 9, false)).Calls; len(calls) != 0 {
		t.Fatalf("%+v", calls)
	}
	reads, more := split(r.step(4, ended(children[0], `{"a":1}`)).Calls)
	if got := inputs(more); got != "3" {
		t.Errorf("children with %s", got)
	}
	last := r.only(reads, true)
	if got := string(last.Params.Text()); !strings.Contains(got, `"Cursor":{"Offset":9}`) {
		t.Errorf("the third call has %s", got)
	}
	children = append(children[1:], more...)
	for range 4 {
		var calls []interp.Call
		for _, c := range children {
			_, next := split(r.step(5, ended(c, `{}`)).Calls)
			calls = append(calls, next...)
		}
		children = calls
	}
	// All known items have ended, and the reader may find more.
	r.wantCounts("Running: 0 pending, 0 running, 5 succeeded, 0 failed, 0 aborted of 5")
	r.step(6, block(last, `[]`, 9, true))
	r.wantCounts("Succeeded: 0 pending, 0 running, 5 succeeded, 0 failed, 0 aborted of 5")
	if got := string(r.s.Output.Text()); got != `{"Items":[{"a":1},{},{},{},{}]}` {
		t.Errorf("the output is %s", got)
	}
}

// TestItemReaderStored: an execution that is stored and decoded after each step does the same.
func TestItemReaderStored(t *testing.T) {
	for _, fields := range []string{"MaxConcurrency: 3", "ItemBatcher: {MaxItemsPerBatch: 4}",
		"ItemConstructor: {v.$: $Item, k.$: $Input.key}\nItemBatcher: {MaxInputBytesPerBatch: 60}"} {
		kept, stored := newHarness(t, readerDefinition(fields), `{"key":"k"}`),
			newHarness(t, readerDefinition(fields), `{"key":"k"}`)
		a, b := readAll(kept, func() {}), readAll(stored, stored.reload)
		if a != b || !strings.Contains(a, "17") {
			t.Errorf("%s: %s, stored %s", fields, a, b)
		}
		if s := kept.s.Status; s != flow.Succeeded {
			t.Errorf("%s: %s %v", fields, s, kept.s.Error)
		}
	}
}

// readAll runs an execution over blocks of 5 items from 0 to 17, and returns the inputs of its
// children. before is called before each step but the first.
func readAll(r *harness, before func()) string {
	var got strings.Builder
	next := 0
	calls := r.step(0).Calls
	for at := int64(1); len(calls) > 0; at++ {
		c := calls[0]
		var message interp.Message
		if c.ReadsItems {
			var items []int
			for ; next < 18 && len(items) < 5; next++ {
				items = append(items, next)
			}
			text, _ := json.Marshal(items)
			message = block(c, string(text), next, next == 18)
		} else {
			message = ended(c, `{}`)
			fmt.Fprintf(&got, "%s ", c.Params.Text())
		}
		before()
		calls = append(calls[1:], r.step(at, message).Calls...)
	}
	return got.String()
}

// TestItemReaderBatches: batches go beyond the end of a block.
func TestItemReaderBatches(t *testing.T) {
	r := newHarness(t, readerDefinition("ItemBatcher: {MaxItemsPerBatch: 7}"), `{"key":"k"}`)
	if got := readAll(r, func() {}); got != `{"Items":[0,1,2,3,4,5,6]} {"Items":[7,8,9,10,11,12,13]} `+
		`{"Items":[14,15,16,17]} ` {
		t.Error(got)
	}
	r.wantCounts("Succeeded: 0 pending, 0 running, 18 succeeded, 0 failed, 0 aborted of 18")
}

// TestItemReaderMax: the smaller of both MaxItems holds, and no more is read than that.
func TestItemReaderMax(t *testing.T) {
	r := newHarness(t, strings.Replace(readerDefinition("MaxItems: 7"), "{InputType: JSONL}",
		"{InputType: JSONL, MaxItems.$: $Input.n}", 1), `{"key":"k","n":3}`)
	c := r.only(r.step(0).Calls, true)
	if got := string(c.Params.Text()); !strings.Contains(got, `"ItemsMax":3,`) {
		t.Error(got)
	}
	r.step(1, block(c, `[1,2,3]`, 3, false))
	r.wantCounts("Running: 0 pending, 3 running, 0 succeeded, 0 failed, 0 aborted of 3")
	r = newHarness(t, readerDefinition("MaxItems: 0"), `{"key":"k"}`)
	r.step(0)
	r.wantCounts("Succeeded: 0 pending, 0 running, 0 succeeded, 0 failed, 0 aborted of 0")
	r = newHarness(t, readerDefinition(""), `{"key":"k"}`)
	r.limits.MapItems = 2
	r.step(1, block(r.only(r.step(0).Calls, true), `[1,2,3]`, 3, false))
	if r.s.Error == nil || r.s.Error.Name != flow.ErrMapRunFailed ||
		!strings.Contains(r.s.Error.Cause, "Limits.MapItems") {
		t.Errorf("it ends with %v", r.s.Error)
	}
}

// TestItemReaderFails: what cannot be read fails the Map, which stops its children; Retry begins
// again, with a MapRun of its own.
func TestItemReaderFails(t *testing.T) {
	r := newHarness(t, readerDefinition("Retry: [{Errors: [FnF.ItemReaderFailed], MaxAttempts: 1, "+
		"IntervalSeconds: 1, BackoffRate: 1}]"), `{"key":"k"}`)
	first := r.only(r.step(0).Calls, true)
	reads, children := split(r.step(1, block(first, `[1]`, 1, false)).Calls)
	broken := interp.Message{Kind: interp.CallCompleted, Attempt: reads[0].Attempt,
		Error: &flow.Error{Name: flow.ErrItemReader, Cause: "b/k, line 2: what"}}
	r.step(2, broken)
	r.wantRejections(r.step(3, ended(children[0], `{}`)), interp.AlreadyEnded)
	again := r.only(r.step(2000).Calls, true)
	if again.Attempt == first.Attempt || again.Attempt == reads[0].Attempt ||
		strings.Contains(string(again.Params.Text()), "Cursor") {
		t.Errorf("again %+v", again)
	}
	r.step(2001, interp.Message{Kind: interp.CallCompleted, Attempt: again.Attempt,
		Output: []byte(`{"Items":[],"Cursor":{},"End":false}`)})
	runs := r.s.MapRuns()
	if len(runs) != 2 || runs[0].Status != interp.MapRunFailed || runs[0].Aborted != 1 ||
		runs[1].Status != interp.MapRunFailed || r.s.Error.Name != flow.ErrItemReader {
		t.Errorf("%+v, %v", runs, r.s.Error)
	}
}

// TestItemReaderTolerance: a percentage is judged when the number of items is known, or when no
// number of items could make up for the failures.
func TestItemReaderTolerance(t *testing.T) {
	for limit, status := range map[int]string{10: "Running", 3: "Failed"} {
		r := newHarness(t, readerDefinition("ToleratedFailurePercentage: 20"), `{"key":"k"}`)
		r.limits.MapItems = limit
		reads, children := split(r.step(1, block(r.only(r.step(0).Calls, true), `[1,2]`, 2, false)).Calls)
		r.step(2, ended(children[0], ""))
		if got := r.s.MapRuns()[0].Status.String(); got != status {
			t.Errorf("of at most %d items: %s", limit, got)
		}
		if status == "Running" {
			r.step(3, block(reads[0], `[3]`, 3, true))
			r.wantCounts("Failed: 1 pending, 0 running, 0 succeeded, 1 failed, 1 aborted of 3")
		}
	}
}

// TestItemReaderLost: the lease of a call that reads expires like any other, and a call that is lost
// again and again fails the Map.
func TestItemReaderLost(t *testing.T) {
	r := newHarness(t, readerDefinition(""), `{"key":"k"}`)
	c := r.only(r.step(0).Calls, true)
	for range interp.CallsMax - 1 {
		lease := r.s.Leases()[0]
		again := r.only(r.step(1, interp.Message{Kind: interp.LeaseExpired, Attempt: c.Attempt,
			Owner: lease.Owner}).Calls, true)
		if again.Attempt != c.Attempt || again.Key != c.Key {
			t.Fatalf("%+v, then %+v", c, again)
		}
	}
	r.step(2, interp.Message{Kind: interp.LeaseExpired, Attempt: c.Attempt,
		Owner: r.s.Leases()[0].Owner})
	if r.s.Error == nil || r.s.Error.Name != flow.ErrItemReader {
		t.Errorf("%s with %v", r.s.Status, r.s.Error)
	}
}

// TestItemReaderStopped: a stop ends an execution whose items are being read.
func TestItemReaderStopped(t *testing.T) {
	r := newHarness(t, readerDefinition(""), `{"key":"k"}`)
	c := r.only(r.step(0).Calls, true)
	r.step(1, interp.Message{Kind: interp.StopRequested})
	r.wantCounts("Aborted: 0 pending, 0 running, 0 succeeded, 0 failed, 0 aborted of 0")
	r.wantRejections(r.step(2, block(c, `[1]`, 1, true)), interp.AlreadyEnded)
}
