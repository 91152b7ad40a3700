package graph

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"

	"millrace/shared/flow"
)

// Options says what a drawing shows.
type Options struct {
	Title string // what the picture is called for readers who do not see it
	Run   *Run   // nil: the definition alone
	// Bare leaves out the style sheet, for a page that has one (Style).
	Bare bool
}

// SVG draws a graph. Every text in it is escaped, so names from strangers stay text.
func (g *Graph) SVG(w io.Writer, o Options) error {
	p := &svg{run: o.Run}
	p.f(`<svg xmlns="http://www.w3.org/2000/svg" class="flow" role="img" width="%s" height="%s"`+
		` viewBox="0 0 %s %s" aria-label="%s">`+"\n", num(g.Width), num(g.Height), num(g.Width),
		num(g.Height), text(o.Title))
	p.f("<title>%s</title>\n", text(o.Title))
	if !o.Bare {
		p.f("<style>%s</style>\n", Style)
	}
	p.f(`<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7"` +
		` markerHeight="7" orient="auto-start-reverse"><path class="tip" d="M0 0L8 4L0 8z"/>` +
		"</marker></defs>\n")
	p.block(g.Root)
	p.f("</svg>\n")
	_, err := io.WriteString(w, p.b.String())
	return err
}

// svg writes a drawing.
type svg struct {
	b   strings.Builder
	run *Run
}

func (p *svg) f(format string, args ...any) { fmt.Fprintf(&p.b, format, args...) }

// text returns a text as it stands in XML.
func text(s string) string { return html.EscapeString(clean(strings.Join(strings.Fields(s), " "))) }

// num writes a length with at most one decimal.
func num(x float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", math.Round(x*10)/10), ".0")
}

func (p *svg) block(b *Block) {
	for _, e := range b.Edges {
		p.edge(e)
	}
	for _, n := range b.Nodes {
		p.node(n)
	}
	for _, e := range b.Edges {
		p.label(e)
	}
}

// edge draws a line that leaves and enters its nodes vertically.
func (p *svg) edge(e *Edge) {
	var d strings.Builder
	at := e.Points[0]
	fmt.Fprintf(&d, "M%s %s", num(at.X), num(at.Y))
	for _, to := range e.Points[1:] {
		switch {
		case at.X == to.X || e.From == e.To:
			fmt.Fprintf(&d, "L%s %s", num(to.X), num(to.Y))
		default:
			middle := num((at.Y + to.Y) / 2)
			fmt.Fprintf(&d, "C%s %s %s %s %s %s", num(at.X), middle, num(to.X), middle,
				num(to.X), num(to.Y))
		}
		at = to
	}
	p.f(`<path class="edge %s" d="%s" marker-end="url(#tip)"/>`+"\n", edgeClasses[e.Reason], d.String())
}

// edgeClasses are the classes of edges in a drawing.
var edgeClasses = [...]string{Next: "next", Choice: "choice", Default: "default", Catch: "catch"}

// label writes the label of an edge between its first two points.
func (p *svg) label(e *Edge) {
	label := e.label()
	if label == "" {
		return
	}
	at := e.labelAt()
	p.f(`<text class="label" x="%s" y="%s"><title>%s</title>%s</text>`+"\n", num(at.X),
		num(at.Y+4), text(label),
		text(Shorten(strings.Join(strings.Fields(label), " "), LabelMax)))
}

func (p *svg) node(n *Node) {
	if n.Shape != State {
		p.f(`<circle class="%s" cx="%s" cy="%s" r="%s"/>`+"\n",
			map[Shape]string{Start: "start", End: "end"}[n.Shape], num(n.center()),
			num(n.Y+n.H/2), num(n.H/2))
		return
	}
	s := n.State
	status, words := p.run.of(s)
	p.f(`<g class="state %s" data-node="%d" data-status="%s">`+"\n<title>%s</title>\n",
		strings.TrimSpace(strings.ToLower(s.Kind.String())+" "+string(status)), s.Node, status,
		text(strings.TrimSuffix(s.Name+", "+caption(s)+", "+words, ", ")))
	p.f(`<rect x="%s" y="%s" width="%s" height="%s" rx="%d"/>`+"\n", num(n.X), num(n.Y), num(n.W),
		num(n.H), corner(s.Kind))
	p.line(n, "name", 19, Shorten(s.Name, NameMax))
	if words == "" {
		words = Shorten(caption(s), NameMax)
	} else {
		words = marks[status] + " " + words
	}
	p.line(n, "caption", 36, words)
	for _, b := range n.Blocks {
		p.f(`<rect class="block" x="%s" y="%s" width="%s" height="%s" rx="6"/>`+"\n", num(b.X),
			num(b.Y), num(b.W), num(b.H))
		if b.Label != "" {
			p.f(`<text class="label" x="%s" y="%s"><title>%s</title>%s</text>`+"\n",
				num(b.center()), num(b.Y+labelHeight-2), text(b.Label),
				text(Shorten(b.Label, LabelMax)))
		}
	}
	p.f("</g>\n")
	for _, b := range n.Blocks {
		p.block(b)
	}
}

// line writes a line of text in the middle of a node.
func (p *svg) line(n *Node, class string, dy float64, s string) {
	p.f(`<text class="%s" x="%s" y="%s">%s</text>`+"\n", class, num(n.center()), num(n.Y+dy), text(s))
}

// of returns what a run did in a state, and its words. Without a run both are "".
func (r *Run) of(s *flow.State) (Status, string) {
	if r == nil {
		return NotReached, ""
	}
	v := r.States[s.Name]
	if v == nil {
		v = &Counts{}
	}
	status := r.status(v, s.Kind == flow.Wait)
	return status, v.words(status)
}

// marks tell statuses apart without colours.
var marks = map[Status]string{Failed: "✗", Retrying: "↻", Waiting: "◷", Running: "▶", Caught: "⤳",
	Aborted: "■", Succeeded: "✓", NotReached: "·"}

// corner returns the radius of the corners of a state: the kinds that only steer are round.
func corner(k flow.Kind) int {
	switch k {
	case flow.Choice, flow.Succeed, flow.Fail:
		return 20
	}
	return 6
}

// Style is the style sheet of drawings. It has no scripts and names no other file.
const Style = `
.flow{font-family:system-ui,sans-serif;--ink:#1d2733;--soft:#5b6875;--paper:#fff;--line:#8794a1}
.flow text{fill:var(--ink);text-anchor:middle}
.flow .name{font-size:13px;font-weight:600}
.flow .caption{font-size:11px;fill:var(--soft)}
.flow .label{font-size:11px;fill:var(--soft);paint-order:stroke;stroke:var(--paper);stroke-width:4px}
.flow rect{fill:var(--paper);stroke:var(--line);stroke-width:1.5}
.flow rect.block{stroke-dasharray:4 3;stroke-width:1;fill:none}
.flow .edge{fill:none;stroke:var(--line);stroke-width:1.5}
.flow .edge.catch{stroke-dasharray:5 4}
.flow .tip,.flow .start,.flow .end{fill:var(--line)}
.flow .end{stroke:var(--ink);stroke-width:3}
.flow .succeeded>rect:first-of-type{stroke:#1a7f4b;stroke-width:2.5}
.flow .failed>rect:first-of-type{stroke:#c62828;stroke-width:4;fill:#fdecea}
.flow .running>rect:first-of-type{stroke:#1565c0;stroke-width:3;fill:#e8f1fb}
.flow .waiting>rect:first-of-type{stroke:#1565c0;stroke-width:2;stroke-dasharray:8 4}
.flow .retrying>rect:first-of-type{stroke:#b26a00;stroke-width:3;stroke-dasharray:3 3}
.flow .caught>rect:first-of-type{stroke:#b26a00;stroke-width:2.5}
.flow .aborted>rect:first-of-type{stroke:#5b6875;stroke-width:3;stroke-dasharray:2 4}
@media (prefers-color-scheme:dark){
.flow{--ink:#e8edf2;--soft:#a9b4bf;--paper:#161b21;--line:#6c7883}
.flow .failed>rect:first-of-type{fill:#3b1715}
.flow .running>rect:first-of-type{fill:#10253d}}
`
