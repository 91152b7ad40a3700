package cloudflow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/store/memstore"
)

// failing is a flow that fails in a branch, unless its input says otherwise.
const failing = `Type: StateMachine
SpecVersion: v1
Name: %s
StartAt: Check
States:
- {Name: Check, Type: Choice, Branches: [{Condition: '$Input.ok == true', Next: Fine}], Default: Both}
- {Name: Fine, Type: Pass, End: true}
- Name: Both
  Type: Parallel
  Branches:
  - {StartAt: Waits, States: [{Name: Waits, Type: Wait, Seconds: 300, End: true}]}
  - {StartAt: Pay, States: [{Name: Pay, Type: Fail, Code: Declined, Detail: 'limit 100 reached'}]}
  End: true
`

// findHarness is a service with flows whose executions have ended.
type findHarness struct {
	*testing.T
	*cloudflow.Service
	caller cloudflow.Caller
}

func newFindHarness(t *testing.T) *findHarness {
	w := &findHarness{t, newRunningService(memstore.New()),
		cloudflow.Caller{Account: "1234567890123456", Identity: "owner"}}
	for _, name := range []string{"orders", "returns", "secret"} {
		if _, err := w.CreateFlow(t.Context(), w.caller, cloudflow.CreateFlowRequest{Name: name,
			Definition: fmt.Sprintf(failing, name), HiddenPaths: `["customer.card"]`,
			SearchKeys: `[{"Name":"order","Path":"$Input.orderId"},` +
				`{"Name":"card","Path":"$Input.customer.card[0]"}]`}); err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			w.start(name, fmt.Sprintf("x%d", i),
				fmt.Sprintf(`{"ok":%t,"orderId":"A-%d","customer":{"card":[%d]}}`, i == 3, i, i))
		}
	}
	return w
}

func (w *findHarness) start(flowName, name, input string) {
	w.Helper()
	time.Sleep(2 * time.Millisecond) // the list is in the order of starts
	if _, err := w.StartExecution(w.Context(), w.caller, cloudflow.StartExecutionRequest{
		FlowName: flowName, ExecutionName: name, Input: input}); err != nil {
		w.Fatal(err)
	}
}

// list returns the names of all pages, with their flows.
func (w *findHarness) list(c cloudflow.Caller, q cloudflow.ListExecutionsRequest) string {
	w.Helper()
	var names []string
	limit := int64(2)
	for q.Limit = &limit; ; {
		page, err := w.ListExecutions(w.Context(), c, q)
		if err != nil {
			return string(fault.CodeOf(err))
		}
		for _, x := range page.Executions {
			names = append(names, x.FlowName[:1]+x.Name[1:])
		}
		if q.NextToken = page.NextToken; q.NextToken == "" {
			return strings.Join(names, " ")
		}
	}
}

// TestFind checks each filter, over one flow and over all, with pages of two.
func TestFind(t *testing.T) {
	w := newFindHarness(t)
	page, err := w.ListExecutions(t.Context(), w.caller,
		cloudflow.ListExecutionsRequest{FlowName: "orders", ExecutionNamePrefix: "x0"})
	if err != nil || len(page.Executions) != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	x := page.Executions[0]
	if x.Source != "key:owner" || x.FailedState != "Pay" || x.ErrorName != "Declined" ||
		len(x.GroupKey) != 16 || fmt.Sprint(x.SearchKeys) != "[{order A-0} {card 0}]" {
		t.Errorf("found %+v", x)
	}
	for _, c := range []struct {
		q    cloudflow.ListExecutionsRequest
		want string
	}{
		{cloudflow.ListExecutionsRequest{FlowName: "*"}, "s3 s2 s1 s0 r3 r2 r1 r0 o3 o2 o1 o0"},
		{cloudflow.ListExecutionsRequest{FlowName: "*", Status: "Succeeded"}, "s3 r3 o3"},
		{cloudflow.ListExecutionsRequest{FlowName: "orders", StateName: "Pay"}, "o2 o1 o0"},
		{cloudflow.ListExecutionsRequest{FlowName: "orders", StateName: "Both"}, ""},
		{cloudflow.ListExecutionsRequest{FlowName: "*", ErrorName: "Declined"},
			"s2 s1 s0 r2 r1 r0 o2 o1 o0"},
		{cloudflow.ListExecutionsRequest{FlowName: "*", ErrorName: "Decl"}, ""},
		{cloudflow.ListExecutionsRequest{FlowName: "*", GroupKey: x.GroupKey}, "o2 o1 o0"},
		{cloudflow.ListExecutionsRequest{FlowName: "*", GroupKey: "0123456789abcdef"}, ""},
		{cloudflow.ListExecutionsRequest{FlowName: "*", GroupKey: "ABC"}, "InvalidArgument"},
		{cloudflow.ListExecutionsRequest{FlowName: "returns", Source: "key"}, "r3 r2 r1 r0"},
		{cloudflow.ListExecutionsRequest{FlowName: "returns", Source: "key:owner"}, "r3 r2 r1 r0"},
		{cloudflow.ListExecutionsRequest{FlowName: "returns", Source: "key:own"}, ""},
		{cloudflow.ListExecutionsRequest{FlowName: "returns", Source: "schedule"}, ""},
		{cloudflow.ListExecutionsRequest{FlowName: "*", SearchKey: "order", SearchValue: "A-1"},
			"s1 r1 o1"},
		{cloudflow.ListExecutionsRequest{FlowName: "*", SearchKey: "order", SearchValue: "A-"}, ""},
		{cloudflow.ListExecutionsRequest{FlowName: "*", SearchKey: "order", SearchValuePrefix: "A-",
			Status: "Succeeded"}, "s3 r3 o3"},
		{cloudflow.ListExecutionsRequest{FlowName: "orders", SearchKey: "card", SearchValue: "2"},
			"AccessDenied"},
		{cloudflow.ListExecutionsRequest{FlowName: "*", SearchKey: "order"}, "InvalidArgument"},
		{cloudflow.ListExecutionsRequest{FlowName: "*", SearchValue: "A-1"}, "InvalidArgument"},
		{cloudflow.ListExecutionsRequest{FlowName: "*", SearchKey: "order", SearchValue: "A-1",
			SearchValuePrefix: "A"}, "InvalidArgument"},
		{cloudflow.ListExecutionsRequest{FlowName: "orders", ErrorName: strings.Repeat("x", 513)},
			"InvalidArgument"},
	} {
		for _, metadata := range []bool{false, true} {
			if c.q.MetadataOnly = &metadata; w.list(w.caller, c.q) != c.want {
				t.Errorf("%+v: %q, want %q", c.q, w.list(w.caller, c.q), c.want)
			}
		}
	}
}

// TestPageTokenOfOtherFilters: a token is taken with the filters that it is from, and no others.
func TestPageTokenOfOtherFilters(t *testing.T) {
	w := newFindHarness(t)
	limit, other, metadata := int64(1), int64(3), true
	first := cloudflow.ListExecutionsRequest{FlowName: "orders", ErrorName: "Declined",
		Limit: &limit}
	page, err := w.ListExecutions(t.Context(), w.caller, first)
	if err != nil || page.NextToken == "" {
		t.Fatalf("%+v, %v", page, err)
	}
	for name, change := range map[string]func(*cloudflow.ListExecutionsRequest){
		"flow":   func(q *cloudflow.ListExecutionsRequest) { q.FlowName = "returns" },
		"all":    func(q *cloudflow.ListExecutionsRequest) { q.FlowName = "*" },
		"error":  func(q *cloudflow.ListExecutionsRequest) { q.ErrorName = "" },
		"state":  func(q *cloudflow.ListExecutionsRequest) { q.StateName = "Pay" },
		"status": func(q *cloudflow.ListExecutionsRequest) { q.Status = "Failed" },
		"begin": func(q *cloudflow.ListExecutionsRequest) {
			q.StartedTimeBegin = "2020-01-01T00:00:00Z"
		},
		"token":  func(q *cloudflow.ListExecutionsRequest) { q.NextToken = "x" + q.NextToken },
		"same":   func(*cloudflow.ListExecutionsRequest) {},
		"longer": func(q *cloudflow.ListExecutionsRequest) { q.Limit, q.MetadataOnly = &other, &metadata },
	} {
		q := first
		q.NextToken = page.NextToken
		change(&q)
		got, err := w.ListExecutions(t.Context(), w.caller, q)
		if good := name == "same" || name == "longer"; good != (err == nil) ||
			!good && fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		} else if good && got.Executions[0].Name != "x1" {
			t.Errorf("%s: %+v", name, got.Executions)
		}
	}
}

// TestFindOnlyWhatIsVisible: a list of all flows shows only flows that the caller may list, and
// nobody finds out values by searching that he may not see.
func TestFindOnlyWhatIsVisible(t *testing.T) {
	w := newFindHarness(t)
	other := func(statements ...string) cloudflow.Caller {
		return cloudflow.Caller{Account: w.caller.Account, Identity: "other", Region: "r",
			May: mayOf(statements...)}
	}
	const flows = "acs:fnf:*:*:flow/"
	operator := other("Allow * *", "Deny fnf:ListExecutions "+flows+"secret")
	blind := other("Allow fnf:ListExecutions *")
	reader := other("Allow * *", "Deny fnf:ReadPayload *")
	all := cloudflow.ListExecutionsRequest{FlowName: "*", Status: "Succeeded"}
	order := cloudflow.ListExecutionsRequest{FlowName: "orders", SearchKey: "order",
		SearchValue: "A-1"}
	card := cloudflow.ListExecutionsRequest{FlowName: "orders", SearchKey: "card",
		SearchValuePrefix: "1"}
	allCards := card
	allCards.FlowName = "*"
	unknown := cloudflow.ListExecutionsRequest{FlowName: "orders", SearchKey: "old",
		SearchValue: "1"}
	for _, c := range []struct {
		name   string
		caller cloudflow.Caller
		q      cloudflow.ListExecutionsRequest
		want   string
	}{
		{"operator", operator, all, "r3 o3"}, {"blind", blind, all, "s3 r3 o3"},
		{"operator", operator, order, "o1"}, {"blind", blind, order, "AccessDenied"},
		{"reader", reader, order, "AccessDenied"}, {"owner", w.caller, card, "AccessDenied"},
		{"operator", operator, card, "AccessDenied"}, {"operator", operator, allCards, ""},
		{"operator", operator, unknown, "AccessDenied"},
	} {
		if got := w.list(c.caller, c.q); got != c.want {
			t.Errorf("%s asks for %+v: %q, want %q", c.name, c.q, got, c.want)
		}
	}
	for name, c := range map[string]struct {
		caller cloudflow.Caller
		keys   string
	}{"owner": {w.caller, "[{order A-0} {card 0}]"}, "operator": {operator, "[{order A-0}]"},
		"blind": {blind, "[]"}, "reader": {reader, "[]"}} {
		for _, metadata := range []bool{false, true} {
			page, err := w.ListExecutions(t.Context(), c.caller, cloudflow.ListExecutionsRequest{
				FlowName: "orders", ExecutionNamePrefix: "x0", MetadataOnly: &metadata})
			if err != nil || fmt.Sprint(page.Executions[0].SearchKeys) != c.keys {
				t.Errorf("%s, metadata %v: %v, %v", name, metadata, page.Executions[0].SearchKeys, err)
			}
		}
	}
}

// TestSearchKeysParameter checks what the parameter accepts.
func TestSearchKeysParameter(t *testing.T) {
	w := newFindHarness(t)
	for text, wrong := range map[string]string{
		"": "", "[]": "", `[{"Name":"a","Path":"$.x"},{"Name":"b","Path":"$.x"}]`: "",
		`{`: "must be like", `[{"Name":"a","Path":"x"}]`: "path", `[{"Name":"","Path":"$.x"}]`: "name",
		`[{"Name":"a","Path":"$.x"},{"Name":"a","Path":"$.y"}]`:                              "twice",
		`[{"Name":"` + strings.Repeat("a", 33) + `","Path":"$.x"}]`:                          "name",
		"[" + strings.Repeat(`{"Name":"a","Path":"$.x"},`, 3) + `{"Name":"b","Path":"$.x"}]`: "most 3",
	} {
		f, err := w.UpdateFlow(t.Context(), w.caller,
			cloudflow.UpdateFlowRequest{Name: "orders", SearchKeys: &text})
		if wrong == "" && (err != nil || strings.Count(text, "Name") != len(f.SearchKeys)) ||
			wrong != "" && (err == nil || !strings.Contains(err.Error(), wrong)) {
			t.Errorf("%s: %+v, %v", text, f, err)
		}
	}
	none := ""
	if _, err := w.UpdateFlow(t.Context(), w.caller, cloudflow.UpdateFlowRequest{Name: "orders",
		SearchKeys: &none, HiddenPaths: &none}); err != nil {
		t.Fatal(err)
	}
	w.start("orders", "x4", `{"ok":true,"orderId":"A-4"}`)
	got := w.list(w.caller, cloudflow.ListExecutionsRequest{FlowName: "orders", SearchKey: "order",
		SearchValuePrefix: "A"})
	if want := "o3 o2 o1 o0"; got != want || slices.Contains(strings.Fields(got), "o4") {
		t.Errorf("%q, want %q", got, want)
	}
}
