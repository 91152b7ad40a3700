package graph

import "slices"

// Measures of the drawing, in pixels.
const (
	margin      = 16.0
	nodeWidth   = 120.0 // of the narrowest state
	nodeHeight  = 46.0
	markerSize  = 18.0 // of the start and the end
	padding     = 14.0 // within a state that holds blocks, and around a block's nodes
	headHeight  = 44.0 // of the name of a state that holds blocks
	labelHeight = 18.0 // of a block's label
	columnGap   = 28.0
	bendGap     = 16.0 // beside an edge that passes a layer
	layerGap    = 52.0
)

// layOut places the nodes and edges of a block, from its upper left corner at 0, 0.
func (b *Block) layOut() {
	for _, n := range b.Nodes {
		n.measure()
	}
	b.fillLayers()
	b.order()
	b.placeLayers()
	b.align()
	b.fit()
	for _, layer := range b.layers {
		for _, n := range layer {
			n.setPorts()
		}
	}
	for _, e := range b.Edges {
		e.route()
	}
	b.setRows()
	for _, n := range b.Nodes {
		n.settle()
	}
}

// measure gives a node its size, and lays out the blocks in it.
func (n *Node) measure() {
	if n.Shape != State {
		n.W, n.H = markerSize, markerSize
		return
	}
	n.W = max(nodeWidth, 2*padding+textWidth(Shorten(n.State.Name, NameMax), nameSize),
		2*padding+textWidth(Shorten(caption(n.State), NameMax), captionSize))
	n.H = nodeHeight
	if len(n.Blocks) == 0 {
		return
	}
	inner, height := padding, 0.0
	for _, block := range n.Blocks {
		block.layOut()
		inner += block.W + padding
		height = max(height, block.H)
	}
	for _, block := range n.Blocks {
		block.H = height
	}
	n.W, n.H = max(n.W, inner), headHeight+height+padding
}

// settle moves the blocks of a node to where the node is.
func (n *Node) settle() {
	x := n.X + padding
	for _, block := range n.Blocks {
		block.move(x, n.Y+headHeight)
		x += block.W + padding
	}
}

// placeLayers gives each layer its height, and each node its place from above and a first place
// from the left.
func (b *Block) placeLayers() {
	y := padding
	if b.Label != "" {
		y += labelHeight
	}
	for _, layer := range b.layers {
		height := 0.0
		for _, n := range layer {
			height = max(height, n.H)
		}
		x := 0.0
		for i, n := range layer {
			if i > 0 {
				x += gap(layer[i-1], n)
			}
			n.X, n.Y = x, y+(height-n.H)/2
			x += n.W
			if n.Shape == bend {
				n.Y, n.H = y, height
			}
		}
		y += height + layerGap
	}
	b.H = y - layerGap + padding
}

// gap returns the distance between two nodes that stand side by side.
func gap(a, b *Node) float64 {
	if a.Shape == bend || b.Shape == bend {
		return bendGap
	}
	return columnGap
}

// align moves the nodes of each layer towards what they are connected with, in turns from above
// and from below.
func (b *Block) align() {
	for sweep := range 2*sweeps + 1 {
		for i := range b.layers {
			layer, sought := b.layers[i], (*Node).above
			if sweep%2 == 1 {
				layer, sought = b.layers[len(b.layers)-1-i], (*Node).below
			}
			spread(layer, sought)
		}
	}
}

// group is neighbours of a layer that touch each other and move together.
type group struct {
	wanted float64 // the sum of the places that its members want, each less its offset
	weight float64
	nodes  []*Node
}

func (g *group) at() float64 { return g.wanted / g.weight }

// bendWeight is how much more an edge that passes wants to stay straight than a state wants to stay
// in the middle.
const bendWeight = 4

// spread gives the nodes of a layer the places nearest to the middle of their neighbours at which
// they do not overlap: groups that would overlap are joined, and take the mean of what they want.
func spread(layer []*Node, neighbours func(*Node) []*Node) {
	var groups []*group
	offset := map[*Node]float64{}
	at := 0.0
	for i, n := range layer {
		if i > 0 {
			at += layer[i-1].W + gap(layer[i-1], n)
		}
		offset[n] = at
		wanted, weight := n.X, 1.0
		if near := neighbours(n); len(near) > 0 {
			sum := 0.0
			for _, o := range near {
				sum += o.center()
			}
			wanted = sum/float64(len(near)) - n.W/2
		}
		if n.Shape == bend {
			weight = bendWeight
		}
		groups = append(groups, &group{(wanted - at) * weight, weight, []*Node{n}})
		for len(groups) > 1 && groups[len(groups)-2].at() > groups[len(groups)-1].at() {
			last, before := groups[len(groups)-1], groups[len(groups)-2]
			before.wanted += last.wanted
			before.weight += last.weight
			before.nodes = append(before.nodes, last.nodes...)
			groups = groups[:len(groups)-1]
		}
	}
	for _, g := range groups {
		for _, n := range g.nodes {
			n.X = g.at() + offset[n]
		}
	}
}

// fit moves the nodes of a block so that the leftmost one keeps the padding, and gives the block
// its width.
func (b *Block) fit() {
	all := slices.Concat(b.layers...)
	if len(all) == 0 {
		b.W, b.H = nodeWidth, 2*padding
		return
	}
	left, right := all[0].X, 0.0
	for _, n := range all {
		left = min(left, n.X)
	}
	for _, n := range all {
		n.X += padding - left
		right = max(right, n.X+n.W)
	}
	if slices.ContainsFunc(b.Edges, func(e *Edge) bool { return e.reversed || e.From == e.To }) {
		right += bendGap // a loop at the right
	}
	b.W = max(right+padding, 2*padding+textWidth(Shorten(b.Label, LabelMax), captionSize))
}
