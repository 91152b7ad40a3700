// Package graph lays out a flow as a graph, and draws it as SVG, Mermaid or DOT, with what a run
// did in it. It is pure. The layout follows the structure of the flow: each scope has layers from
// top to bottom, a Parallel holds its branches side by side, a Map is a box around its processor.
// It depends on the definition alone, so a run changes how a state looks, and never where it is.
package graph

import (
	"errors"
	"strings"

	"millrace/shared/flow"
)

// Graph is a flow with the place of each of its parts. Lengths are in pixels of an SVG, with x to
// the right and y downwards from the upper left corner.
type Graph struct {
	Root          *Block
	Width, Height float64
}

// Block is a scope: the flow itself, a branch, the processor of a Map, or in FlowV1 the steps of
// an option.
type Block struct {
	Label string // the condition of an option, or "branch 0"; "" for the others
	Nodes []*Node
	Edges []*Edge
	Box

	sequence []*Node // edges that close no loop lead from an earlier one to a later one
	layers   [][]*Node
}

// Box is a rectangle.
type Box struct{ X, Y, W, H float64 }

func (b *Box) center() float64 { return b.X + b.W/2 }
func (b *Box) bottom() float64 { return b.Y + b.H }

// Shape says what a node stands for.
type Shape uint8

// The shapes of nodes.
const (
	State Shape = iota
	Start       // where the flow begins
	End         // where the flow ends
	bend        // where an edge passes a layer
)

// Node is a state, or the start or the end of the flow.
type Node struct {
	Shape  Shape
	State  *flow.State // nil unless Shape is State
	Blocks []*Block    // the branches, the processor, or the steps of options
	Box

	layer    int
	place    float64 // the order in its layer while that is sought
	ins      []*segment
	outs     []*segment
	explored exploration
}

// Name returns the name of the state; "" for the start and the end.
func (n *Node) Name() string {
	if n.State == nil {
		return ""
	}
	return n.State.Name
}

// Reason says why a state follows another.
type Reason uint8

// The reasons of edges.
const (
	Next    Reason = iota
	Choice         // an option of a Choice
	Default        // the default of a Choice
	Catch          // a rule of Catch
)

// Edge leads from one state to another of the same block.
type Edge struct {
	From, To *Node
	Reason   Reason
	Label    string // the condition, or the names of the errors; "" for the other reasons
	Points   []Point

	reversed bool
	segments []*segment
	row      int // labels of edges that leave side by side stand in two rows
}

// Point is a place that an edge passes.
type Point struct{ X, Y float64 }

// PartsMax is the most parts that a graph has: states, edges, and the layers that edges pass. A
// larger flow is no picture that helps, and its layout would cost its reader.
const PartsMax = 4000

// ErrTooLarge is returned for a flow with more parts than PartsMax.
var ErrTooLarge = errors.New("graph: the flow is too large to be drawn")

// New lays out a flow.
func New(m *flow.Machine) (*Graph, error) {
	if parts(m) > PartsMax {
		return nil, ErrTooLarge
	}
	root := newBlock(m.Root, "", true)
	passed := 0
	root.each(func(b *Block) { passed += b.layer() })
	if passed > PartsMax {
		return nil, ErrTooLarge
	}
	root.layOut()
	root.move(margin, margin)
	return &Graph{Root: root, Width: root.W + 2*margin, Height: root.H + 2*margin}, nil
}

// parts counts the states and the edges of a flow.
func parts(m *flow.Machine) int {
	n := len(m.Nodes)
	for _, s := range m.Nodes {
		n += 1 + len(s.Catch)
		if s.Choice != nil {
			n += len(s.Choice.Options)
		}
	}
	return n
}

// newBlock returns the block of a scope, without places. The outermost one shows where the flow
// begins and ends.
func newBlock(s *flow.Scope, label string, outermost bool) *Block {
	b := &Block{Label: label}
	for _, state := range s.States {
		b.Nodes = append(b.Nodes, &Node{State: state, Blocks: blocksOf(state)})
	}
	to := func(target int) *Node {
		if target == flow.End {
			return nil
		}
		return b.Nodes[target]
	}
	if outermost {
		start, end := &Node{Shape: Start}, &Node{Shape: End}
		inner := to
		to = func(target int) *Node {
			if n := inner(target); n != nil {
				return n
			}
			return end
		}
		b.connect(start, to(s.Start), Next, "")
		defer func() { b.Nodes = append(append([]*Node{start}, b.Nodes...), end) }()
	}
	for i, state := range s.States {
		b.leave(b.Nodes[i], state, to)
	}
	return b
}

// blocksOf returns the blocks inside a state.
func blocksOf(s *flow.State) (blocks []*Block) {
	switch {
	case s.Map != nil:
		blocks = append(blocks, newBlock(s.Map.Processor, "", false))
	case s.Choice != nil:
		for _, o := range s.Choice.Options {
			if o.Scope != nil {
				blocks = append(blocks, newBlock(o.Scope, o.Condition.String(), false))
			}
		}
		if d := s.Choice.Default.Scope; d != nil {
			blocks = append(blocks, newBlock(d, "default", false))
		}
	}
	for _, branch := range s.Parallel {
		blocks = append(blocks, newBlock(branch, "", false))
	}
	return blocks
}

// leave adds the edges that leave a state. to returns the node of a target; nil: the block ends.
func (b *Block) leave(n *Node, s *flow.State, to func(int) *Node) {
	next := func(target int) *Node {
		if target == flow.StateNext {
			target = s.Next
		}
		return to(target)
	}
	switch s.Kind {
	case flow.Fail:
	case flow.Succeed:
		b.connect(n, to(flow.End), Next, "")
	case flow.Choice:
		for _, o := range s.Choice.Options {
			b.connect(n, next(o.Next), Choice, o.Condition.String())
		}
		b.connect(n, next(s.Choice.Default.Next), Default, "")
	default:
		b.connect(n, next(s.Next), Next, "")
	}
	for _, c := range s.Catch {
		b.connect(n, to(c.Next), Catch, strings.Join(c.Errors, ", "))
	}
}

// connect adds an edge, or a label to the edge that is there.
func (b *Block) connect(from, to *Node, reason Reason, label string) {
	if to == nil {
		return
	}
	for _, e := range b.Edges {
		if e.From == from && e.To == to && e.Reason == reason {
			if label != "" && len(e.Label) < labelBytesMax {
				e.Label += " or " + label
			}
			return
		}
	}
	b.Edges = append(b.Edges, &Edge{From: from, To: to, Reason: reason,
		Label: Shorten(label, labelBytesMax)})
}

// labelBytesMax bounds the label of an edge that stands for several rules or options.
const labelBytesMax = 1000

// move moves a block with all that is in it.
func (b *Block) move(dx, dy float64) {
	b.X, b.Y = b.X+dx, b.Y+dy
	for _, n := range b.Nodes {
		n.X, n.Y = n.X+dx, n.Y+dy
		for _, inner := range n.Blocks {
			inner.move(dx, dy)
		}
	}
	for _, e := range b.Edges {
		for i := range e.Points {
			e.Points[i].X, e.Points[i].Y = e.Points[i].X+dx, e.Points[i].Y+dy
		}
	}
}

// each calls f for a block and for all blocks in it, the outer ones first.
func (b *Block) each(f func(*Block)) {
	f(b)
	for _, n := range b.Nodes {
		for _, inner := range n.Blocks {
			inner.each(f)
		}
	}
}
