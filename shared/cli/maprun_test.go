package cli_test

import (
	"strings"
	"testing"

	"millrace/shared/cloudflow"
)

// TestMapRun: what the commands of a MapRun ask for, and what they print.
func TestMapRun(t *testing.T) {
	api := &fakeAPI{}
	s := newShell(t, api)
	s.expect(0, []string{"MapRun:        m\n", "Status:        Running\n",
		"Items:         5 of 9 ended: 2 succeeded, 2 failed, 1 aborted; 1 running, 3 pending\n",
		"Tolerated:     4 failed items, 12.5 %\n"}, nil, "maprun", "describe", "f", "x", "m")
	s.expect(0, []string{"Concurrency:   7\n"}, nil, "maprun", "update", "f", "x", "m",
		"--concurrency", "7", "--tolerated-percentage", "12.5")
	s.expect(0, nil, nil, "maprun", "children", "f", "m", "--status", "failed")
	want := []string{"DescribeMapRun {FlowName:f ExecutionName:x MapRunName:m}",
		"UpdateMapRun f/x/m 7 true 12.5", "ListExecutions Failed"}
	for i, w := range want {
		if i >= len(api.requests) || !strings.HasPrefix(api.requests[i], w) {
			t.Errorf("request %d of %q is not %s", i, api.requests, w)
		}
	}
}

// mapRunOf is the MapRun that the fake describes.
func mapRunOf(q cloudflow.MapRunRequest) *cloudflow.MapRun {
	return &cloudflow.MapRun{
		FlowName: q.FlowName, ExecutionName: q.ExecutionName, Name: q.MapRunName, Status: "Running",
		StartedTime: noon.UnixMilli(), Concurrency: 7, ToleratedFailedCount: 4,
		ToleratedFailedPercentage: 12.5, ItemCounts: cloudflow.ItemCounts{Total: 9, Pending: 3,
			Running: 1, Succeed: 2, Failed: 2, Aborted: 1},
	}
}
