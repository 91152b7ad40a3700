package graph

import (
	"fmt"
	"io"
	"strings"

	"millrace/shared/flow"
)

// Mermaid writes a graph as a flowchart of Mermaid, which GitHub and GitLab draw in a page.
func (g *Graph) Mermaid(w io.Writer, o Options) error {
	p := &plain{run: o.Run, ids: map[*Node]string{}}
	p.f("flowchart TD\n")
	p.mermaid(g.Root, "  ")
	if o.Run != nil {
		p.f("%s", mermaidClasses)
	}
	_, err := io.WriteString(w, p.b.String())
	return err
}

const mermaidClasses = `  classDef failed stroke:#c62828,stroke-width:4px
  classDef succeeded stroke:#1a7f4b,stroke-width:2px
  classDef running stroke:#1565c0,stroke-width:3px
  classDef waiting stroke:#1565c0,stroke-dasharray:8 4
  classDef retrying stroke:#b26a00,stroke-dasharray:3 3
  classDef caught stroke:#b26a00,stroke-width:2px
  classDef aborted stroke:#5b6875,stroke-dasharray:2 4
`

// DOT writes a graph for the programs of Graphviz.
func (g *Graph) DOT(w io.Writer, o Options) error {
	p := &plain{run: o.Run, ids: map[*Node]string{}}
	p.f("digraph flow {\n  label=%s\n  node [shape=box]\n", dotText(o.Title))
	p.dot(g.Root, "  ")
	p.f("}\n")
	_, err := io.WriteString(w, p.b.String())
	return err
}

// plain writes a graph as text. Nodes have ids of their own, because names may be anything.
type plain struct {
	b   strings.Builder
	run *Run
	ids map[*Node]string
}

func (p *plain) f(format string, args ...any) { fmt.Fprintf(&p.b, format, args...) }

func (p *plain) id(n *Node) string {
	if p.ids[n] == "" {
		p.ids[n] = fmt.Sprintf("n%d", len(p.ids))
	}
	return p.ids[n]
}

// title returns the name of a state and what a run did in it, if there is one.
func (p *plain) title(s *flow.State) (title string, status Status) {
	status, words := p.run.of(s)
	if words != "" {
		return s.Name + ": " + words, status
	}
	return s.Name, status
}

// mermaidText returns a text in quotes, in which Mermaid reads nothing but entities.
func mermaidText(s string) string {
	s = clean(strings.Join(strings.Fields(s), " "))
	return `"` + strings.NewReplacer("&", "#amp;", `"`, "#quot;", "#", "#35;", "<", "#lt;", ">",
		"#gt;", "`", "#96;").Replace(s) + `"`
}

func dotText(s string) string {
	s = clean(strings.Join(strings.Fields(s), " "))
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func (p *plain) mermaid(b *Block, indent string) {
	for _, n := range b.Nodes {
		id := p.id(n)
		switch {
		case n.Shape == Start:
			p.f("%s%s((\"start\"))\n", indent, id)
		case n.Shape == End:
			p.f("%s%s((\"end\"))\n", indent, id)
		default:
			p.mermaidState(n, id, indent)
		}
	}
	for _, e := range b.Edges {
		arrow, label := "-->", e.label()
		if e.Reason == Catch {
			arrow = "-.->"
		}
		if label != "" {
			label = "|" + mermaidText(label) + "|"
		}
		p.f("%s%s %s%s %s\n", indent, p.id(e.From), arrow, label, p.id(e.To))
	}
}

func (p *plain) mermaidState(n *Node, id, indent string) {
	title, status := p.title(n.State)
	switch {
	case len(n.Blocks) > 0:
		p.f("%ssubgraph %s[%s]\n", indent, id, mermaidText(title))
		for i, inner := range n.Blocks {
			p.f("%s  subgraph %s_%d[%s]\n", indent, id, i, mermaidText(inner.name(i)))
			p.mermaid(inner, indent+"    ")
			p.f("%s  end\n", indent)
		}
		p.f("%send\n", indent)
	case n.State.Kind == flow.Choice:
		p.f("%s%s{%s}\n", indent, id, mermaidText(title))
	default:
		p.f("%s%s[%s]\n", indent, id, mermaidText(title))
	}
	if status != NotReached {
		p.f("%sclass %s %s\n", indent, id, status)
	}
}

// name returns what a block inside a state is called.
func (b *Block) name(i int) string {
	if b.Label != "" {
		return b.Label
	}
	return fmt.Sprintf("%d", i)
}

// label returns the words at an edge; "" if it has none.
func (e *Edge) label() string {
	if e.Reason == Default {
		return "default"
	}
	return e.Label
}

func (p *plain) dot(b *Block, indent string) {
	for _, n := range b.Nodes {
		id := p.id(n)
		switch {
		case n.Shape != State:
			p.f("%s%s [shape=circle label=\"\" width=0.2]\n", indent, id)
		default:
			p.dotState(n, id, indent)
		}
	}
	for _, e := range b.Edges {
		style := ""
		if e.Reason == Catch {
			style = " style=dashed"
		}
		p.f("%s%s -> %s [label=%s%s]\n", indent, p.id(e.From), p.id(e.To), dotText(e.label()),
			style)
	}
}

// dotState writes a state, and below it a cluster for each of its blocks with a line to where the
// block begins, because an edge of DOT cannot begin at a cluster.
func (p *plain) dotState(n *Node, id, indent string) {
	title, status := p.title(n.State)
	look := ""
	switch status {
	case NotReached:
	case Failed:
		look = " color=red penwidth=3"
	case Succeeded:
		look = " color=darkgreen"
	default:
		look = " color=blue style=dashed"
	}
	p.f("%s%s [label=%s%s]\n", indent, id, dotText(title), look)
	for i, inner := range n.Blocks {
		p.f("%ssubgraph cluster_%s_%d {\n%s  label=%s\n", indent, id, i, indent,
			dotText(inner.name(i)))
		p.dot(inner, indent+"  ")
		p.f("%s}\n", indent)
		if first := inner.first(); first != nil {
			p.f("%s%s -> %s [style=dotted]\n", indent, id, p.id(first))
		}
	}
}

// first returns the node that a block begins with; nil if it has none.
func (b *Block) first() *Node {
	if len(b.layers) == 0 {
		return nil
	}
	return b.layers[0][0]
}
