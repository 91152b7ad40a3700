package graph

import (
	"cmp"
	"slices"
)

// route sets the points of an edge: where it leaves its first node, the upper and the lower end of
// each layer that it passes, and where it enters its last node.
func (e *Edge) route() {
	if e.From == e.To {
		e.Points = loop(e.From)
		return
	}
	points := make([]Point, 0, 2*len(e.segments))
	first, last := e.segments[0], e.segments[len(e.segments)-1]
	points = append(points, Point{first.leaves, first.from.bottom()})
	for _, s := range e.segments[1:] {
		points = append(points, Point{s.from.X, s.from.Y}, Point{s.from.X, s.from.bottom()})
	}
	points = append(points, Point{last.enters, last.to.Y})
	if e.reversed {
		slices.Reverse(points)
	}
	e.Points = points
}

// setPorts sets where on the sides of a node its segments begin and end. The segments of one side
// share its width, in the order of their other ends.
func (n *Node) setPorts() {
	for _, side := range [][]*segment{n.ins, n.outs} {
		other := func(s *segment) float64 {
			if s.from == n {
				return s.to.center()
			}
			return s.from.center()
		}
		sorted := slices.Clone(side)
		slices.SortStableFunc(sorted, func(a, b *segment) int {
			return cmp.Compare(other(a), other(b))
		})
		for i, s := range sorted {
			x := n.center()
			if n.Shape == State {
				x = n.X + n.W*float64(i+1)/float64(len(sorted)+1)
			}
			if s.from == n {
				s.leaves = x
			} else {
				s.enters = x
			}
		}
	}
}

// loop returns the points of an edge from a node to itself, at its right.
func loop(n *Node) []Point {
	right, middle := n.X+n.W, n.Y+min(n.H, nodeHeight)/2
	return []Point{{right, middle - 8}, {right + bendGap, middle - 8},
		{right + bendGap, middle + 8}, {right, middle + 8}}
}

// labelAt returns the middle of the label of an edge, a point of its first curve.
func (e *Edge) labelAt() Point {
	a, b := e.Points[0], e.Points[1]
	t := 0.35 + 0.3*float64(e.row)
	rest := 1 - t
	middle := (a.Y + b.Y) / 2
	return Point{
		X: a.X*(rest*rest*rest+3*rest*rest*t) + b.X*(3*rest*t*t+t*t*t),
		Y: a.Y*rest*rest*rest + middle*(3*rest*rest*t+3*rest*t*t) + b.Y*t*t*t,
	}
}

// setRows puts the labels of edges that leave a node side by side into two rows in turn, so that
// long ones do not cover each other.
func (b *Block) setRows() {
	leaving := map[*Node][]*Edge{}
	for _, e := range b.Edges {
		if !e.reversed && (e.Label != "" || e.Reason == Default) {
			leaving[e.From] = append(leaving[e.From], e)
		}
	}
	for _, labelled := range leaving {
		slices.SortStableFunc(labelled, func(a, b *Edge) int {
			return cmp.Compare(a.Points[0].X, b.Points[0].X)
		})
		for i, e := range labelled {
			e.row = i % 2
		}
	}
}
