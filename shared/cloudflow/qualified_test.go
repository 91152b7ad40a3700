package cloudflow_test

import (
	"fmt"
	"sync"
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
)

func TestQualifiedStarts(t *testing.T) {
	h := newVersionHarness(t)
	h.publish(1)
	h.update(2)
	h.publish(2)
	h.update(3)
	h.wantCode("create", h.createAlias("live", `[{"Version":"1","Weight":100}]`), "")
	for _, c := range []struct {
		qualifier string
		want      int
		code      fault.Code
	}{
		{"", 3, ""}, {"1", 1, ""}, {"2", 2, ""}, {"live", 1, ""},
		{"3", 0, fault.FlowVersionNotExists}, {"01", 0, fault.FlowVersionNotExists},
		{"dead", 0, fault.FlowAliasNotExists}, {"1live", 0, fault.InvalidArgument},
		{"li ve", 0, fault.InvalidArgument},
	} {
		n, err := h.start("", c.qualifier)
		if n != c.want {
			t.Errorf("qualifier %q runs definition %d, want %d", c.qualifier, n, c.want)
		}
		h.wantCode("qualifier "+c.qualifier, err, c.code)
	}
	h.wantCode("route", h.routeAlias("live", `[{"Version":"2","Weight":100}]`), "")
	if n, err := h.start("x", "live"); n != 2 || err != nil {
		t.Errorf("the alias runs definition %d, %v", n, err)
	}
	for qualifier, want := range map[string]int{"1": 1, "live": 2, "": 6, "9": 0} {
		page, err := h.ListExecutions(t.Context(), h.caller,
			cloudflow.ListExecutionsRequest{FlowName: "f", Qualifier: qualifier})
		if qualifier == "" {
			want = 5
		}
		if err != nil || len(page.Executions) != want {
			t.Errorf("%d executions of qualifier %q, %v, want %d", len(page.Executions),
				qualifier, err, want)
		}
	}
}

// TestExecutionsKeepTheirVersion: what an execution runs does not change when its alias is routed
// elsewhere, nor when its version is deleted.
func TestExecutionsKeepTheirVersion(t *testing.T) {
	h := newVersionHarness(t)
	h.publish(1)
	h.update(2)
	h.publish(2)
	h.wantCode("create", h.createAlias("live", `[{"Version":"1","Weight":100}]`), "")
	if n, err := h.start("x", "live"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	h.wantCode("route", h.routeAlias("live", `[{"Version":"2","Weight":100}]`), "")
	h.wantCode("delete", h.deleteVersion("1"), "")
	x, err := h.DescribeExecution(t.Context(), h.caller, cloudflow.DescribeExecutionRequest{
		FlowName: "f", ExecutionName: "x"})
	if err != nil || numberOf(x.FlowDefinition) != 1 || x.Output != `{"n":1}` {
		t.Errorf("%+v, %v", x, err)
	}
}

// TestNameInUseComesFirst: a start that cannot find its version anymore returns the execution that
// has its name.
func TestNameInUseComesFirst(t *testing.T) {
	h := newVersionHarness(t)
	h.publish(1)
	h.wantCode("create", h.createAlias("live", `[{"Version":"1","Weight":100}]`), "")
	child := flow.Child{Account: h.caller.Account, FlowName: "f", Qualifier: "live", Key: "k"}
	first, err := h.StartChild(t.Context(), child)
	if err != nil {
		t.Fatal(err)
	}
	signed := h.caller
	signed.AccessKey, signed.Nonce = "id", "once"
	request := cloudflow.StartExecutionRequest{FlowName: "f", Qualifier: "live"}
	second, err := h.StartExecution(t.Context(), signed, request)
	if err != nil {
		t.Fatal(err)
	}
	h.wantCode("delete", h.DeleteFlowAlias(t.Context(), h.caller,
		cloudflow.FlowAliasRequest{FlowName: "f", Name: "live"}), "")
	if again, err := h.StartChild(t.Context(), child); err != nil || again != first {
		t.Errorf("the child is %q, was %q, %v", again, first, err)
	}
	if again, err := h.StartExecution(t.Context(), signed, request); err != nil ||
		again.Name != second.Name {
		t.Errorf("%+v, was %+v, %v", again, second, err)
	}
	child.Key = "other"
	_, err = h.StartChild(t.Context(), child)
	h.wantCode("another child", err, fault.FlowAliasNotExists)
}

// TestShares: over 100,000 starts through a weighted alias each version has its share within a
// percent, and every repeat of a start chooses the same version.
func TestShares(t *testing.T) {
	const starts, workers = 100_000, 4
	h := newVersionHarness(t)
	h.publish(1)
	h.update(2)
	h.publish(2)
	h.wantCode("create", h.createAlias("live",
		`[{"Version":"1","Weight":80},{"Version":"2","Weight":20}]`), "")
	var all sync.WaitGroup
	counts := [workers]int{}
	for w := range workers {
		all.Go(func() {
			for i := w; i < starts; i += workers {
				n, err := h.start(fmt.Sprintf("order-%d", i), "live")
				if err != nil || n < 1 || n > 2 {
					t.Errorf("start %d runs definition %d, %v", i, n, err)
					return
				}
				if n == 2 {
					counts[w]++
				}
			}
		})
	}
	all.Wait()
	second := 0
	for _, n := range counts {
		second += n
	}
	if share := float64(second) / starts; share < 0.19 || share > 0.21 {
		t.Errorf("version 2 has %.4f of the starts, want 0.2", share)
	}
}
