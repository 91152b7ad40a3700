// Package cover chooses a few of many runs of the simulation. Together the chosen runs reach
// everything that any run reaches: each item several times, and each pair of a fault and an
// invariant.
package cover

import (
	"bufio"
	"container/heap"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Run holds what a seed's run has reached, and its cost.
type Run struct {
	Seed  uint64
	Steps int // of the scheduler: the cost
	Items []string
}

// prefix begins a line that holds a run.
const prefix = "reached "

// Line encodes a run for another process.
func (r *Run) Line() string {
	text, _ := json.Marshal(r)
	return prefix + string(text)
}

// Parse decodes a line of Line; it returns false for any other line.
func Parse(line string) (r Run, ok bool) {
	text, ok := strings.CutPrefix(line, prefix)
	return r, ok && json.Unmarshal([]byte(text), &r) == nil
}

// Want is the number of chosen runs that must reach an item, and a pair of items. If fewer runs
// reach it, all of those are chosen.
type Want struct{ Item, Pair int }

// Choice holds the chosen seeds in rising order, and how many of them reach each item.
type Choice struct {
	Seeds []uint64
	Items map[string]int
	Pairs int // pairs of a fault and an invariant that some run contains
	Steps int
}

// Choose repeatedly takes the run that adds the most wanted items for its cost.
func Choose(runs []Run, want Want) Choice {
	c := Choice{Items: map[string]int{}}
	pairs, queue := map[[2]string]int{}, make(queue, len(runs))
	gain := func(r *Run) (n float64) {
		for _, item := range r.Items {
			if c.Items[item] < want.Item {
				n += 10
			}
		}
		for pair := range pairsOf(r.Items) {
			if pairs[pair] < want.Pair {
				n++
			}
		}
		return n / float64(r.Steps+1000)
	}
	for i := range runs {
		queue[i] = candidate{&runs[i], gain(&runs[i])}
	}
	heap.Init(&queue)
	for len(queue) > 0 {
		// What a run adds only shrinks, so the first candidate is the best one if its value is
		// current.
		best := &queue[0]
		now := gain(best.run)
		if now == 0 {
			heap.Pop(&queue)
			continue
		}
		if now < best.gain {
			best.gain = now
			heap.Fix(&queue, 0)
			continue
		}
		c.take(best.run, pairs)
		heap.Pop(&queue)
	}
	slices.Sort(c.Seeds)
	c.Pairs = len(pairs)
	return c
}

// Count adds a run.
func (c *Choice) Count(r Run) {
	c.Seeds = append(c.Seeds, r.Seed)
	c.Steps += r.Steps
	for _, item := range r.Items {
		c.Items[item]++
	}
}

func (c *Choice) take(r *Run, pairs map[[2]string]int) {
	c.Count(*r)
	for pair := range pairsOf(r.Items) {
		pairs[pair]++
	}
}

// pairsOf returns each fault with each invariant.
func pairsOf(items []string) func(func([2]string) bool) {
	return func(yield func([2]string) bool) {
		for _, fault := range items {
			if !strings.HasPrefix(fault, "fault ") {
				continue
			}
			for _, held := range items {
				if strings.HasPrefix(held, "invariant ") && !yield([2]string{fault, held}) {
					return
				}
			}
		}
	}
}

// Write writes a choice in the form that Read reads.
func (c *Choice) Write(w io.Writer, head string) error {
	b := bufio.NewWriter(w)
	for line := range strings.SplitSeq(head, "\n") {
		fmt.Fprintf(b, "# %s\n", line)
	}
	for _, seed := range c.Seeds {
		fmt.Fprintf(b, "seed %d\n", seed)
	}
	names := make([]string, 0, len(c.Items))
	for name := range c.Items {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(b, "item %d %s\n", c.Items[name], name)
	}
	return b.Flush()
}

// Read reads the seeds, and the items that they must reach.
func Read(r io.Reader) (c Choice, err error) {
	c.Items = map[string]int{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		n, name := uint64(0), ""
		switch word {
		case "seed":
			_, err = fmt.Sscan(rest, &n)
			c.Seeds = append(c.Seeds, n)
		case "item":
			number, item, _ := strings.Cut(rest, " ")
			name = item
			_, err = fmt.Sscan(number, &n)
			c.Items[name] = int(n)
		case "#", "":
		default:
			err = fmt.Errorf("no seed and no item: %s", lines.Text())
		}
		if err != nil {
			return c, err
		}
	}
	return c, lines.Err()
}

// candidate is a run that may be chosen, and the value that was last computed for it.
type candidate struct {
	run  *Run
	gain float64
}

// queue orders candidates by what they add, and equal ones by seed.
type queue []candidate

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].gain != q[j].gain {
		return q[i].gain > q[j].gain
	}
	return q[i].run.Seed < q[j].run.Seed
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(candidate)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	c := (*q)[last]
	*q = (*q)[:last]
	return c
}
