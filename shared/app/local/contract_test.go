package local_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"millrace/shared/app/local"
	"millrace/shared/cloudflow"
	"millrace/shared/config"
	"millrace/shared/fault"
	"millrace/shared/rpc/client"
)

const (
	passV1           = "version: v1\ntype: flow\nsteps:\n  - {type: pass, name: p}\n"
	stateMachineFlow = "Type: StateMachine\nSpecVersion: v1\nName: %s\nStartAt: A\nStates:\n- " +
		"{Name: A, Type: %s, End: true}\n"
	waitAMoment = "Wait, Seconds: 300"
)

func createFlow(t *testing.T, c *client.Client, q cloudflow.CreateFlowRequest) {
	t.Helper()
	if q.Definition == "" {
		q.Definition = fmt.Sprintf(stateMachineFlow, q.Name, "Pass")
	}
	if _, err := c.CreateFlow(t.Context(), q); err != nil {
		t.Fatal(err)
	}
}

// TestInputSize: the size of an input counts the bytes as sent, blanks and escapes included, in
// both dialects and for both kinds of start. If the canonical form is longer, its size counts.
func TestInputSize(t *testing.T) {
	c := serve(t, local.Config{})
	createFlow(t, c, cloudflow.CreateFlowRequest{Name: "flowV1", Definition: passV1})
	createFlow(t, c, cloudflow.CreateFlowRequest{Name: "stateMachine"})
	createFlow(t, c, cloudflow.CreateFlowRequest{Name: "express", ExecutionMode: "Express"})
	// pad returns an object of n bytes.
	pad := func(part string, n int) string {
		text := `{"x":"` + strings.Repeat(part, (n-8)/len(part)) + `"}`
		return text + strings.Repeat(" ", n-len(text))
	}
	for name, limit := range map[string]int{
		"flowV1":       32 << 10,
		"stateMachine": 64 << 10,
		"express":      64 << 10,
	} {
		start := func(input string) error {
			q := cloudflow.StartExecutionRequest{FlowName: name, Input: input}
			if name == "express" {
				_, err := c.StartSyncExecution(context.Background(), q)
				return err
			}
			_, err := c.StartExecution(context.Background(), q)
			return err
		}
		blanks := func(n int) string { return "{" + strings.Repeat(" ", n-2) + "}" }
		for what, input := range map[string]func(n int) string{
			"blanks": blanks, "letters": func(n int) string { return pad("a", n) },
			"escapes": func(n int) string { return pad(`\u0041`, n) },
			"wide":    func(n int) string { return pad("流", n) },
		} {
			if err := start(input(limit)); err != nil {
				t.Errorf("%s, %d bytes of %s: %.200v", name, limit, what, err)
			}
			// Sizes far beyond what the service decodes are rejected too.
			for _, n := range []int{limit + 1, 2 * limit, 5 * limit} {
				err := start(input(n))
				if fault.CodeOf(err) != fault.EntityTooLarge ||
					!strings.Contains(err.Error(), fmt.Sprint(limit)) {
					t.Errorf("%s, %d bytes of %s: %.200v", name, n, what, err)
				}
			}
		}
		// \b takes two bytes here and six in the canonical form.
		if err := start(pad(`\b`, limit)); fault.CodeOf(err) != fault.EntityTooLarge {
			t.Errorf("%s, an input that grows: %.200v", name, err)
		}
		// The format is checked before the flow, and the flow before the size, whose limit depends
		// on the flow's dialect.
		for input, want := range map[string]fault.Code{
			"[":               fault.InvalidArgument,
			blanks(limit + 1): fault.FlowNotExists,
		} {
			_, err := c.StartExecution(context.Background(),
				cloudflow.StartExecutionRequest{FlowName: "missing", Input: input})
			if fault.CodeOf(err) != want {
				t.Errorf("a missing flow, %d bytes: %.200v", len(input), err)
			}
		}
	}
}

// TestNamesakeFirst: a name in use is reported before a Qualifier that does not exist.
func TestNamesakeFirst(t *testing.T) {
	c := serve(t, local.Config{})
	createFlow(t, c, cloudflow.CreateFlowRequest{Name: "f"})
	createFlow(t, c, cloudflow.CreateFlowRequest{
		Name:       "w",
		Definition: fmt.Sprintf(stateMachineFlow, "w", waitAMoment),
	})
	start := func(flow, name, qualifier, input string) (*client.Execution, error) {
		return c.StartExecution(context.Background(),
			cloudflow.StartExecutionRequest{FlowName: flow, ExecutionName: name,
				Qualifier: qualifier, Input: input})
	}
	for _, flow := range []string{"f", "w"} {
		if _, err := start(flow, "x", "", `{"a":1}`); err != nil {
			t.Fatal(err)
		}
	}
	wait := int64(10)
	x, err := c.DescribeExecution(context.Background(),
		cloudflow.DescribeExecutionRequest{
			FlowName:        "f",
			ExecutionName:   "x",
			WaitTimeSeconds: &wait,
		})
	if err != nil || x.Status != "Succeeded" {
		t.Fatalf("%+v %v", x, err)
	}
	for _, q := range []struct {
		qualifier string
		missing   fault.Code
	}{{"nope", fault.FlowAliasNotExists}, {"7", fault.FlowVersionNotExists}} {
		x, err := start("w", "x", q.qualifier, `{"b":2}`)
		if err != nil || x.Status != "Running" || x.Input != `{"a":1}` {
			t.Errorf("a running namesake and Qualifier %s: %+v %v", q.qualifier, x, err)
		}
		if _, err = start("f", "x", q.qualifier,
			""); fault.CodeOf(err) != fault.ExecutionAlreadyExists {
			t.Errorf("an ended namesake and Qualifier %s: %v", q.qualifier, err)
		}
		for _, name := range []string{"y", ""} {
			if _, err = start("w", name, q.qualifier, ""); fault.CodeOf(err) != q.missing {
				t.Errorf("no namesake and Qualifier %s: %v", q.qualifier, err)
			}
		}
		createFlow(t, c, cloudflow.CreateFlowRequest{
			Name:          "e" + q.qualifier,
			ExecutionMode: "Express",
		})
		_, err = c.StartSyncExecution(context.Background(),
			cloudflow.StartExecutionRequest{FlowName: "e" + q.qualifier,
				ExecutionName: "x", Qualifier: q.qualifier})
		if fault.CodeOf(err) != q.missing {
			t.Errorf("an Express execution and Qualifier %s: %v", q.qualifier, err)
		}
	}
}

// TestRepeatedCreateAtTheLimit: when the account has all the flows it may have, creating one of
// them again reports FlowAlreadyExists.
func TestRepeatedCreateAtTheLimit(t *testing.T) {
	c := serve(t, local.Config{Settings: config.Settings{Limits: map[string]int64{"Flows": 2}}})
	createFlow(t, c, cloudflow.CreateFlowRequest{Name: "a"})
	createFlow(t, c, cloudflow.CreateFlowRequest{Name: "b"})
	for name, want := range map[string]fault.Code{
		"a": fault.FlowAlreadyExists,
		"b": fault.FlowAlreadyExists,
		"c": fault.InvalidArgument,
	} {
		_, err := c.CreateFlow(t.Context(), cloudflow.CreateFlowRequest{
			Name:       name,
			Definition: fmt.Sprintf(stateMachineFlow, name, "Pass"),
		})
		if fault.CodeOf(err) != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}
