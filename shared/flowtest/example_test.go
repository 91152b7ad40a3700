package flowtest_test

import (
	"fmt"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/shared/value"
)

// A flow runs against mocked outcomes: the first call of the task fails, the second one succeeds.
// The pause before the second one takes no time.
func ExampleExecute() {
	limits := flow.DefaultLimits()
	m, mistakes := fdl.Parse([]byte(`
Type: StateMachine
SpecVersion: v1
Name: order
StartAt: Charge
States:
  - Name: Charge
    Type: Task
    Action: FC:InvokeFunction
    Parameters: {resourceArn: acs:fc:::functions/charge, invocationType: Sync, body.$: $Input}
    Retry:
      - {Errors: [FC.ResourceExhausted], MaxAttempts: 3, IntervalSeconds: 2}
    OutputConstructor: {receipt.$: $Output.Body.receipt}
    End: true
`), fdl.Options{Limits: limits})
	if m == nil {
		fmt.Println(mistakes)
		return
	}
	result, err := flowtest.Execute(m, limits, flowtest.Setup{
		Input: map[string]any{"id": value.FromInt(7)},
		Tasks: map[string][]flowtest.Outcome{"Charge": {
			{Error: &flow.Error{Name: "FC.ResourceExhausted"}},
			{Return: map[string]any{"Body": map[string]any{"receipt": "R1"}}},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Status, string(value.Encode(result.Output)))
	for _, w := range result.Waits {
		fmt.Println("waited", w.Seconds, "s in", w.State)
	}
	fmt.Println(len(result.Calls), "calls")
	// Output:
	// Succeeded {"receipt":"R1"}
	// waited 2 s in Charge
	// 2 calls
}
