package interp_test

import (
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/interp"
)

// benchmark runs executions of a flow from start to end and completes all calls at once.
func benchmark(b *testing.B, definition, input string) {
	m := parse(b, definition, flow.Standard)
	f := facts(m, decode(b, input))
	f.Input.Tree()
	limits := flow.DefaultLimits()
	events := 0
	b.ReportAllocs()
	for b.Loop() {
		s := interp.New(f)
		var messages []interp.Message
		for at := start; !s.Final(); at++ {
			fx := interp.Step(m, &limits, s, interp.StepInput{At: at, Messages: messages,
				Lease: &interp.LeaseOptions{Max: 128, Owner: owner}})
			events += len(fx.Events)
			messages = messages[:0]
			for i := range fx.Calls {
				messages = append(messages, callCompleted(&fx.Calls[i], `{"ok":true}`))
			}
		}
		if s.Status != flow.Succeeded {
			b.Fatal(s.Error)
		}
	}
	b.ReportMetric(float64(events)/float64(b.N), "events/op")
}

func BenchmarkStepPass(b *testing.B) {
	var states []string
	for i := range 20 {
		name := "p" + string(rune('a'+i))
		next := "Next: p" + string(rune('b'+i))
		if i == 19 {
			next = "End: true"
		}
		states = append(states,
			`{Name: `+name+`, Type: Pass, InputConstructor: {n.$: $Input.n, name.$: $Context.Current.Name}, `+next+`}`)
	}
	benchmark(b, stateMachine(states...), `{"n":1}`)
}

func BenchmarkStepTask(b *testing.B) { benchmark(b, stateMachine(fc("a", "End: true")), `{"n":1}`) }

func BenchmarkStepMap(b *testing.B) {
	benchmark(b, stateMachine(
		`{Name: m, Type: Map, ItemsPath: $Input.l, MaxConcurrency: 100, Processor: {StartAt: a, States: [`+fc("a", "End: true")+`]}, End: true}`),
		`{"l":[`+strings.Repeat("1,", 99)+`1]}`)
}

// BenchmarkStepCodec encodes and decodes the body of a Map with 100 open calls.
func BenchmarkStepCodec(b *testing.B) {
	m := parse(b, stateMachine(
		`{Name: m, Type: Map, ItemsPath: $Input.l, MaxConcurrency: 100, Processor: {StartAt: a, States: [`+fc("a", "End: true")+`]}, End: true}`), flow.Standard)
	s, limits := interp.New(facts(m, decode(b, `{"l":[`+strings.Repeat("1,", 99)+`1]}`))),
		flow.DefaultLimits()
	interp.Step(m, &limits, s, interp.StepInput{At: start,
		Lease: &interp.LeaseOptions{Max: 100, Owner: owner}})
	body := s.AppendBody(nil)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := interp.New(s.Facts).DecodeBody(s.AppendBody(body[:0])); err != nil {
			b.Fatal(err)
		}
	}
}
