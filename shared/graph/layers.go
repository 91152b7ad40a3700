package graph

import (
	"cmp"
	"slices"
)

// segment is the part of an edge between two layers that follow each other.
type segment struct {
	from, to *Node // from is in the upper layer
	edge     *Edge

	leaves, enters float64 // where it leaves from, and enters to
}

// exploration is how far the search for loops has come with a node.
type exploration uint8

const (
	unseen exploration = iota
	onPath             // the search has come through it and is below it
	done
)

// layer puts each node into a layer, below all nodes that lead to it. It returns how many layers
// the edges pass together.
func (b *Block) layer() (passed int) {
	b.sequence = b.breakLoops()
	lower := map[*Node][]*Node{}
	for _, e := range b.Edges {
		from, to := e.ends()
		lower[from] = append(lower[from], to)
	}
	for _, n := range b.sequence {
		for _, below := range lower[n] {
			below.layer = max(below.layer, n.layer+1)
		}
	}
	b.sinkEnd()
	for _, e := range b.Edges {
		from, to := e.ends()
		passed += to.layer - from.layer
	}
	return passed
}

// fillLayers lists the nodes by their layers and divides the edges into segments.
func (b *Block) fillLayers() {
	for _, n := range b.sequence {
		b.put(n)
	}
	for _, e := range b.Edges {
		b.divide(e)
	}
}

// breakLoops reverses the edges that close a loop, and returns the nodes so that every other edge
// leads from an earlier one to a later one. What follows first in the text comes first.
func (b *Block) breakLoops() (order []*Node) {
	leaving := map[*Node][]*Edge{}
	for _, e := range b.Edges {
		leaving[e.From] = append(leaving[e.From], e)
	}
	var visit func(n *Node)
	visit = func(n *Node) {
		n.explored = onPath
		for _, e := range slices.Backward(leaving[n]) {
			switch e.To.explored {
			case unseen:
				visit(e.To)
			case onPath:
				e.reversed = true
			}
		}
		n.explored = done
		order = append(order, n)
	}
	for _, n := range slices.Backward(b.Nodes) {
		if n.explored == unseen && b.isFirst(n) {
			visit(n)
		}
	}
	for _, n := range slices.Backward(b.Nodes) { // what nothing leads to but a loop
		if n.explored == unseen {
			visit(n)
		}
	}
	slices.Reverse(order)
	return order
}

// isFirst reports whether no edge leads to a node.
func (b *Block) isFirst(n *Node) bool {
	return !slices.ContainsFunc(b.Edges, func(e *Edge) bool { return e.To == n && e.From != n })
}

// ends returns the ends of an edge as the layers have them.
func (e *Edge) ends() (upper, lower *Node) {
	if e.reversed {
		return e.To, e.From
	}
	return e.From, e.To
}

// sinkEnd puts the end of the flow below everything.
func (b *Block) sinkEnd() {
	last := 0
	for _, n := range b.Nodes {
		last = max(last, n.layer)
	}
	for _, n := range b.Nodes {
		if n.Shape == End && last > n.layer {
			n.layer = last
		}
	}
}

// put appends a node to its layer.
func (b *Block) put(n *Node) {
	for len(b.layers) <= n.layer {
		b.layers = append(b.layers, nil)
	}
	n.place = float64(len(b.layers[n.layer]))
	b.layers[n.layer] = append(b.layers[n.layer], n)
}

// divide divides an edge into segments, with a bend in each layer between its ends. An edge from a
// node to itself has none.
func (b *Block) divide(e *Edge) {
	upper, lower := e.ends()
	if upper == lower {
		return
	}
	at := upper
	for layer := upper.layer + 1; layer <= lower.layer; layer++ {
		next := lower
		if layer < lower.layer {
			next = &Node{Shape: bend, layer: layer}
			b.put(next)
		}
		s := &segment{from: at, to: next, edge: e}
		at.outs, next.ins = append(at.outs, s), append(next.ins, s)
		e.segments = append(e.segments, s)
		at = next
	}
}

// sweeps is how often the order of the layers is improved, down and up. More sweeps change little.
const sweeps = 4

// order orders each layer so that few edges cross: each node goes to the middle of what it is
// connected with in the layer before, in turns from above and from below.
func (b *Block) order() {
	for sweep := range sweeps {
		for i := range b.layers {
			layer, sought := b.layers[i], (*Node).above
			if sweep%2 == 1 {
				layer, sought = b.layers[len(b.layers)-1-i], (*Node).below
			}
			sortLayer(layer, sought)
		}
	}
}

func sortLayer(layer []*Node, neighbours func(*Node) []*Node) {
	for _, n := range layer {
		if near := neighbours(n); len(near) > 0 {
			sum := 0.0
			for _, o := range near {
				sum += o.place
			}
			n.place = sum / float64(len(near))
		}
	}
	slices.SortStableFunc(layer, func(a, b *Node) int { return cmp.Compare(a.place, b.place) })
	for i, n := range layer {
		n.place = float64(i)
	}
}

// above returns the nodes of the layer above that a node is connected with, as often as they pull.
func (n *Node) above() (nodes []*Node) {
	for _, s := range n.ins {
		nodes = append(nodes, slices.Repeat([]*Node{s.from}, s.edge.pull())...)
	}
	return nodes
}

// below returns the nodes of the layer below that a node is connected with, as often as they pull.
func (n *Node) below() (nodes []*Node) {
	for _, s := range n.outs {
		nodes = append(nodes, slices.Repeat([]*Node{s.to}, s.edge.pull())...)
	}
	return nodes
}

// pull returns how strongly an edge draws its ends together: the way without errors is straight.
func (e *Edge) pull() int {
	if e.Reason == Catch {
		return 1
	}
	return 4
}
