package graph_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/graph"
	"millrace/tests/support/examples"
)

// compile compiles a definition; nil if it is none.
func compile(t *testing.T, text string) *flow.Machine {
	t.Helper()
	m, diagnostics := fdl.Parse([]byte(text), fdl.Options{Mode: flow.Standard})
	if m == nil {
		t.Log(diagnostics)
	}
	return m
}

// definitions returns the machines of all examples by the names of their files.
func definitions(t *testing.T) map[string]*flow.Machine {
	t.Helper()
	files, err := examples.All()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*flow.Machine{}
	for _, f := range files {
		all[f.Name] = f.Machine
	}
	return all
}

// layOut lays out a flow.
func layOut(t *testing.T, m *flow.Machine) *graph.Graph {
	t.Helper()
	g, err := graph.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestTooLarge: a flow with too many parts, or whose edges pass too many layers, is not laid out.
// The largest that is takes little.
func TestTooLarge(t *testing.T) {
	chain := func(n int, last bool) *flow.Machine {
		states := make([]*flow.State, n)
		for i := range states {
			next := i + 1
			if next == n {
				next = flow.End
			}
			states[i] = &flow.State{Node: i, Name: "s", Kind: flow.Pass, Next: next}
			if last && i < n-1 { // an edge from each state to the last one
				states[i].Catch = []flow.Catch{{Errors: []string{"E"}, Next: n - 1}}
			}
		}
		return &flow.Machine{Root: &flow.Scope{States: states}, Nodes: states}
	}
	for name, c := range map[string]struct {
		m     *flow.Machine
		large bool
	}{
		"long": {chain(graph.PartsMax/2, false), false}, "longer": {chain(graph.PartsMax, false), true},
		"few long edges": {chain(60, true), false}, "many long edges": {chain(200, true), true},
	} {
		if _, err := graph.New(c.m); errors.Is(err, graph.ErrTooLarge) != c.large {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// blocks returns a block and all blocks in it.
func blocks(b *graph.Block) []*graph.Block {
	all := []*graph.Block{b}
	for _, n := range b.Nodes {
		for _, inner := range n.Blocks {
			all = append(all, blocks(inner)...)
		}
	}
	return all
}

func inside(inner, outer graph.Box) bool {
	return inner.X >= outer.X && inner.Y >= outer.Y && inner.X+inner.W <= outer.X+outer.W+0.01 &&
		inner.Y+inner.H <= outer.Y+outer.H+0.01
}

func apart(a, b graph.Box) bool {
	return a.X+a.W <= b.X || b.X+b.W <= a.X || a.Y+a.H <= b.Y || b.Y+b.H <= a.Y
}

// TestLayout: in every example each state has a place of its own within what it belongs to, and
// each edge leaves and enters its states at their borders.
func TestLayout(t *testing.T) {
	for path, m := range definitions(t) {
		g := layOut(t, m)
		states := 0
		for _, b := range blocks(g.Root) {
			for i, n := range b.Nodes {
				if n.Shape == graph.State {
					states++
				}
				if !inside(n.Box, b.Box) {
					t.Errorf("%s: %s is outside its block: %+v, %+v", path, n.Name(), n.Box, b.Box)
				}
				for _, o := range b.Nodes[i+1:] {
					if !apart(n.Box, o.Box) {
						t.Errorf("%s: %s and %s overlap: %+v, %+v", path, n.Name(), o.Name(), n.Box,
							o.Box)
					}
				}
				for _, inner := range n.Blocks {
					if !inside(inner.Box, n.Box) {
						t.Errorf("%s: a block of %s is outside of it", path, n.Name())
					}
				}
			}
			for _, e := range b.Edges {
				checkEdge(t, path, e)
			}
		}
		if states != len(m.Nodes) {
			t.Errorf("%s: %d states are drawn of %d", path, states, len(m.Nodes))
		}
	}
}

func checkEdge(t *testing.T, path string, e *graph.Edge) {
	t.Helper()
	touches := func(p graph.Point, b graph.Box) bool {
		return p.X >= b.X && p.X <= b.X+b.W && (p.Y == b.Y || p.Y == b.Y+b.H || p.X == b.X+b.W)
	}
	if len(e.Points) < 2 || !touches(e.Points[0], e.From.Box) ||
		!touches(e.Points[len(e.Points)-1], e.To.Box) {
		t.Errorf("%s: the edge from %s to %s has the points %v between %+v and %+v", path,
			e.From.Name(), e.To.Name(), e.Points, e.From.Box, e.To.Box)
	}
}

// TestEdges: what the definition says leads where is in the graph, and nothing else.
func TestEdges(t *testing.T) {
	m := compile(t, `Type: StateMachine
SpecVersion: v1
Name: f
StartAt: A
States:
- {Type: Task, Name: A, Action: "HTTP:Request", Parameters: {url: "http://a.example", method: GET},
  Catch: [{Errors: [FnF.Timeout, X], Next: C}], Next: B}
- Type: Choice
  Name: B
  Branches:
  - {Condition: "$Input.n > 1", Next: A}
  - {Condition: "$Input.n < 0", Next: C}
  - {Condition: "$Input.n == 0", Next: C}
  Default: D
- {Type: Fail, Name: C, Code: no, Detail: no}
- {Type: Succeed, Name: D}
`)
	if m == nil {
		t.Fatal("the definition has mistakes")
	}
	reasons := map[graph.Reason]string{graph.Next: "next", graph.Choice: "choice",
		graph.Default: "default", graph.Catch: "catch"}
	var got []string
	for _, e := range layOut(t, m).Root.Edges {
		got = append(got, strings.TrimSpace(e.From.Name()+"→"+e.To.Name()+" "+reasons[e.Reason]+" "+
			e.Label))
	}
	want := []string{"→A next", "A→B next", "A→C catch FnF.Timeout, X", "B→A choice $Input.n > 1",
		"B→C choice $Input.n < 0 or $Input.n == 0", "B→D default", "D→ next"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

// TestSVGIsXML: every drawing is well-formed, names every state, and is the same each time.
func TestSVGIsXML(t *testing.T) {
	for path, m := range definitions(t) {
		var first, second strings.Builder
		o := graph.Options{Title: path, Run: graph.NewRun()}
		if err := errors.Join(layOut(t, m).SVG(&first, o), layOut(t, m).SVG(&second, o)); err != nil {
			t.Fatal(err)
		}
		if first.String() != second.String() {
			t.Errorf("%s: two drawings differ", path)
		}
		d := xml.NewDecoder(strings.NewReader(first.String()))
		titles := map[string]bool{}
		for in := ""; ; {
			token, err := d.Token()
			if err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			switch token := token.(type) {
			case xml.StartElement:
				in = token.Name.Local
			case xml.CharData:
				if in == "title" {
					name, _, _ := strings.Cut(string(token), ", ")
					titles[name] = true
				}
			}
		}
		for _, s := range m.Nodes {
			if !titles[strings.Join(strings.Fields(s.Name), " ")] {
				t.Errorf("%s: the drawing does not name %q", path, s.Name)
			}
		}
	}
}

// TestHostileNames: a name is text in every form, whatever it holds.
func TestHostileNames(t *testing.T) {
	const name = `</title><script>alert(1)</script>"];` + "\u202e\u0000\u200b`#"
	state := &flow.State{Name: name, Kind: flow.Pass, Next: flow.End}
	m := &flow.Machine{Root: &flow.Scope{States: []*flow.State{state}}, Nodes: []*flow.State{state}}
	for form, draw := range map[string]func(*graph.Graph, io.Writer, graph.Options) error{
		"svg": (*graph.Graph).SVG, "mermaid": (*graph.Graph).Mermaid, "dot": (*graph.Graph).DOT} {
		var b strings.Builder
		if err := draw(layOut(t, m), &b, graph.Options{Title: name}); err != nil {
			t.Fatal(err)
		}
		bad := []string{"\u202e", "\x00", "\u200b"}
		switch form {
		case "svg", "mermaid":
			bad = append(bad, "<script>")
		case "dot":
			bad = append(bad, `script>"]`)
		}
		for _, s := range bad {
			if strings.Contains(b.String(), s) {
				t.Errorf("%s has %q:\n%s", form, s, b.String())
			}
		}
	}
}
