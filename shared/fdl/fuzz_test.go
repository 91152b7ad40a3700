package fdl_test

import (
	"strings"
	"testing"

	"millrace/shared/expr"
	"millrace/shared/fdl"
	"millrace/shared/flow"
)

func FuzzParse(f *testing.F) {
	for _, name := range exampleFlows(f) {
		text, _ := definition(f, name)
		f.Add(text)
	}
	for _, c := range invalid(f).Cases {
		f.Add([]byte(c.Definition))
	}
	for _, name := range []string{"statemachine", "v1", "machines/statemachine", "machines/flowv1"} {
		f.Add(read(f, "testdata/"+name+".yaml"))
	}
	const head = "Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: A\nStates:\n- Name: A\n  Type: Pass\n  End: true\n  OutputConstructor:\n    "
	for _, seed := range []string{
		head + "a.$: " + strings.Repeat("(", 2000), head + "a.$: " + strings.Repeat("length(", 200),
		head + "a.$: " + strings.Repeat("!", 2000) + "true",
		head + "a.$: $Input" + strings.Repeat("[0]", 2000),
		head + "a: 0x" + strings.Repeat("f", 200), head + "a: " + strings.Repeat("9", 2000),
		head + "a.$: \xff", head + "a: &a [*a]", head +
			"a: &a {b.$: $Input}\n    c: *a\n    d.$: *a",
		"version: v1\ntype: flow\nsteps: &s\n- type: parallel\n  name: p\n  branches: [{steps: *s}]",
		"version: v1\ntype: flow\nsteps:\n- &s {type: pass, name: a}\n- *s",
		"version: v1\ntype: flow\nsteps: [{type: wait, name: w, duration: 1e400}]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, mode := range []string{flow.Standard, flow.Express} {
			m, found := fdl.Parse(text, fdl.Options{Mode: mode})
			if (m == nil) != (fdl.Fault(found) != nil) {
				t.Fatalf("machine %v with %v", m, found)
			}
			for _, d := range found {
				if d.Line < 1 || d.Column < 1 || d.Message == "" {
					t.Fatalf("diagnostic %+v", d)
				}
				d.Render(text)
			}
			if m != nil {
				sound(t, m)
			}
		}
	})
}

// sound checks what the interpreter assumes about a machine.
func sound(t *testing.T, m *flow.Machine) {
	t.Helper()
	count := 0
	var walk func(*flow.Scope)
	option := func(s *flow.Scope, o flow.Option) {
		if o.Next != flow.StateNext {
			target(t, s, o.Next)
		}
		if o.Scope != nil {
			walk(o.Scope)
		}
	}
	walk = func(s *flow.Scope) {
		target(t, s, s.Start)
		for _, st := range s.States {
			count++
			if st.Node < 0 || st.Node >= len(m.Nodes) || m.Nodes[st.Node] != st || st.Kind == 0 {
				t.Fatalf("state %+v", st)
			}
			target(t, s, st.Next)
			for _, c := range st.Catch {
				target(t, s, c.Next)
			}
			body(t, st, s, walk, option)
		}
	}
	walk(m.Root)
	if count != len(m.Nodes) {
		t.Fatalf("%d states, %d nodes", count, len(m.Nodes))
	}
}

func target(t *testing.T, s *flow.Scope, i int) {
	t.Helper()
	if i < flow.End || i >= len(s.States) {
		t.Fatalf("target %d of %d states", i, len(s.States))
	}
}

// body checks that a state has what its kind needs, and walks the inner scopes.
func body(t *testing.T, st *flow.State, s *flow.Scope, walk func(*flow.Scope),
	option func(*flow.Scope, flow.Option)) {
	t.Helper()
	ok := true
	switch st.Kind {
	case flow.Wait:
		ok = st.Wait != nil && (st.Wait.Seconds == nil) != (st.Wait.Until == nil)
	case flow.Fail:
		ok = st.Fail != nil
	case flow.Choice:
		if ok = st.Choice != nil; ok {
			for _, o := range st.Choice.Options {
				ok = ok && o.Condition != nil
				option(s, o)
			}
			option(s, st.Choice.Default)
		}
	case flow.Parallel:
		ok = len(st.Parallel) > 0
		for _, b := range st.Parallel {
			walk(b)
		}
	case flow.Map:
		if ok = st.Map != nil && st.Map.Items != nil && st.Map.Processor != nil; ok {
			walk(st.Map.Processor)
		}
	case flow.Task:
		ok = st.Task != nil && st.Task.Action != ""
	}
	if !ok {
		t.Fatalf("state %+v", st)
	}
	if st.Input != nil {
		_, _ = st.Input.Build(env{}, &expr.Budget{Nodes: 1000, Bytes: 1 << 20})
	}
}

// TestHostileTexts checks only that the compiler returns, with or without a machine.
func TestHostileTexts(t *testing.T) {
	const size = 30_000
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	state := func(rest string) string {
		return "Type: StateMachine\nStates:\n- Name: a\n  Type: Pass\n  End: true\n" + rest
	}
	for name, text := range map[string]string{
		"deep lists": fill("["), "deep mappings": fill("{a: "), "deep blocks": fill("- "),
		"deep keys": fill("? "), "deep JSON": fill(`{"a":`),
		"comments": "a:\n" + fill("- a # x\n# y\n"), "tags": fill("!!str "), "anchors": fill("&a "),
		"aliases":    "a: &a [x]\nb: [" + fill("*a ,") + "]",
		"empty keys": fill("?\n"), "documents": fill("--- a\n"),
		"empty steps":  "version: v1\ntype: flow\nsteps:\n" + fill("- {}\n"),
		"empty states": "Type: StateMachine\nStates:\n" + fill("- {}\n"),
		"misspelt states": "Type: StateMachine\nStates:\n" +
			fill("- {Name: A, Type: Pasz, Nxt: x}\n"),
		"bad expressions": state("  OutputConstructor:\n    a.$: [" + fill("$Input.x y,") + "]"),
		"deep expression": state("  OutputConstructor:\n    a.$: " + fill("f(")),
	} {
		if m, found := fdl.Parse([]byte(text), fdl.Options{}); m != nil || fdl.Fault(found) == nil ||
			len(found) > 2000 {
			t.Errorf("%s: machine %v, %d diagnostics", name, m != nil, len(found))
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"statemachine/27-video-compare.yaml", "flowv1/20-polling.yaml"} {
		b.Run(name[:strings.IndexByte(name, '/')], func(b *testing.B) {
			text, flowName := definition(b, examples+name)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if m, found := fdl.Parse(text, fdl.Options{Name: flowName}); m == nil {
					b.Fatal(found)
				}
			}
		})
	}
}
