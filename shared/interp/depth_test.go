package interp_test

import (
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/value"
)

// TestDepth: flows can build values up to the maximum depth. A deeper value is an error of the
// state that builds it, and its Catch applies.
func TestDepth(t *testing.T) {
	catch := `Catch: [{Errors: [FnF.ExpressionError], OutputConstructor: {detail.$: $Context.Current.Error.Detail}, Next: z}], `
	end := `{Name: z, Type: Pass, End: true}`
	deep := strings.Repeat("[", value.DepthMax-1) + strings.Repeat("]", value.DepthMax-1)
	for name, c := range map[string]struct{ flow, input, want string }{
		"Parallel in a loop": {
			flow:  stateMachine(`{Name: a, Type: Parallel, Branches: [{StartAt: b, States: [{Name: b, Type: Pass, End: true}]}], `+catch+`Next: a}`, end),
			input: `{}`, want: "state \"a\" is nested deeper"},
		"Map in a loop": {
			flow:  stateMachine(`{Name: a, Type: Map, ItemsPath: $Input.Items, Processor: {StartAt: b, States: [{Name: b, Type: Pass, OutputConstructor: {x.$: $Input}, End: true}]}, `+catch+`Next: a}`, end),
			input: `{"Items":[{}]}`, want: "nested deeper"},
		"items that are built": {
			flow:  stateMachine(`{Name: a, Type: Map, ItemsPath: 'toArray(toArray($Input.d))', Processor: {StartAt: b, States: [{Name: b, Type: Pass, OutputConstructor: {n: 1}, End: true}]}, `+catch+`Next: z}`, end),
			input: `{"d":` + deep + `}`, want: ""},
		"items that are built around the input": {
			flow:  stateMachine(`{Name: a, Type: Map, ItemsPath: 'toArray(toArray(toArray($Input)))', Processor: {StartAt: b, States: [{Name: b, Type: Pass, OutputConstructor: {n: 1}, End: true}]}, `+catch+`Next: z}`, end),
			input: `{"d":` + deep + `}`, want: "nested deeper"},
		"as deep as it may be": {
			flow:  stateMachine(`{Name: a, Type: Pass, Next: z}`, end),
			input: `{"d":` + deep + `}`, want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := finish(t, c.flow, c.input, flow.DefaultLimits(), tasks{})
			if d.state.Status != flow.Succeeded {
				t.Fatalf("%v: %v", d.state.Status, d.state.Error)
			}
			out, _ := d.state.Output.Object()
			if detail, caught := out["detail"].(string); caught != (c.want != "") ||
				!strings.Contains(detail, c.want) {
				t.Errorf("caught %q, want %q", detail, c.want)
			}
		})
	}
}
