package cloudflow_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"millrace/shared/access"
	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/store/memstore"
)

// TestHistoryFromItsEnd: with ReverseOrder the pages lead from the last event to the first, and no
// event is left out or shown twice.
func TestHistoryFromItsEnd(t *testing.T) {
	s, c := newRunningService(memstore.New()), cloudflow.Caller{Account: "1234567890123456"}
	mapRunOf(t, s, c)
	yes, two := true, int64(2)
	q := cloudflow.GetExecutionHistoryRequest{FlowName: "f", ExecutionName: "x", Limit: &two}
	read := func() (ids []int64) {
		for q.NextToken = ""; ; {
			page, err := s.GetExecutionHistory(t.Context(), c, q)
			if err != nil || len(page.Events) == 0 {
				t.Fatal(page, err)
			}
			for _, e := range page.Events {
				ids = append(ids, e.ID)
			}
			if q.NextToken = page.NextToken; q.NextToken == "" {
				return ids
			}
		}
	}
	forward := read()
	q.ReverseOrder = &yes
	backward := read()
	if slices.Reverse(backward); len(forward) < 4 || !slices.Equal(forward, backward) {
		t.Errorf("%v, from the end %v", forward, backward)
	}
	q.NextToken = "1000"
	if page, err := s.GetExecutionHistory(t.Context(), c, q); err != nil ||
		page.Events[0].ID != forward[len(forward)-1] {
		t.Errorf("from an event that is not there yet: %+v, %v", page, err)
	}
}

// TestHistoryWaits: a request for an event that is not there yet gets it with its commit.
func TestHistoryWaits(t *testing.T) {
	s, c := newRunningService(memstore.New()), cloudflow.Caller{Account: "1234567890123456"}
	mapRunOf(t, s, c)
	yes, minute, one := true, int64(60), int64(1)
	q := cloudflow.GetExecutionHistoryRequest{FlowName: "f", ExecutionName: "x", Limit: &one,
		ReverseOrder: &yes}
	last, err := s.GetExecutionHistory(t.Context(), c, q)
	if err != nil {
		t.Fatal(err)
	}
	q = cloudflow.GetExecutionHistoryRequest{FlowName: "f", ExecutionName: "x",
		NextToken: strconv.FormatInt(last.Events[0].ID+1, 10), WaitTimeSeconds: &minute}
	time.AfterFunc(100*time.Millisecond, func() {
		_, _ = s.StopExecution(t.Context(), c, cloudflow.StopExecutionRequest{FlowName: "f",
			ExecutionName: "x"})
	})
	began := time.Now()
	page, err := s.GetExecutionHistory(t.Context(), c, q)
	if took := time.Since(began); err != nil || len(page.Events) == 0 || took < 50*time.Millisecond ||
		took > 30*time.Second {
		t.Errorf("%+v, %v after %v", page, err, took)
	}
	long := int64(61)
	q.WaitTimeSeconds = &long
	if _, err = s.GetExecutionHistory(t.Context(), c, q); fault.CodeOf(err) !=
		fault.InvalidArgument {
		t.Errorf("a wait of 61 s: %v", err)
	}
}

// TestParent: a child of a MapRun names the execution that has it, but not to a caller who may not
// describe that.
func TestParent(t *testing.T) {
	s, c := newRunningService(memstore.New()), cloudflow.Caller{Account: "1234567890123456"}
	mapRun := mapRunOf(t, s, c)
	child := cloudflow.DescribeExecutionRequest{FlowName: "f", ExecutionName: mapRun + "-0"}
	var x *cloudflow.Execution
	var err error
	for range 500 {
		if x, err = s.DescribeExecution(t.Context(), c, child); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil || x.ParentFlowName != "f" || x.ParentExecutionName != "x" ||
		x.MapRunName != mapRun {
		t.Errorf("%+v, %v", x, err)
	}
	c.May = access.May(func(string, string) bool { return false })
	if x, err = s.DescribeExecution(t.Context(), c, child); err != nil || x.MapRunName != "" ||
		x.ParentExecutionName != "" {
		t.Errorf("to a stranger: %+v, %v", x, err)
	}
	c.May = nil
	x, err = s.DescribeExecution(t.Context(), c, cloudflow.DescribeExecutionRequest{FlowName: "f",
		ExecutionName: "x"})
	if err != nil || x.ParentExecutionName != "" {
		t.Errorf("a parent: %+v, %v", x, err)
	}
}
