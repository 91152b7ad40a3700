package flowtest

import (
	"fmt"
	"regexp"

	"millrace/shared/value"
)

// placesMax is how many differences of one value are listed.
const placesMax = 10

// compare reports where two JSON values differ, one line per place.
func (c *checker) compare(what string, want, got any) { c.places(what, want, got, false) }

// include reports which members of want are missing or different in got, at any depth. got may have
// further members.
func (c *checker) include(what string, want, got any) { c.places(what, want, got, true) }

func (c *checker) places(what string, want, got any, part bool) {
	d := differences{part: part}
	d.walk(what, want, got)
	c.lines = append(c.lines, d.lines...)
	if more := d.count - len(d.lines); more > 0 {
		c.lines = append(c.lines, fmt.Sprintf("%s: %d more differ", what, more))
	}
}

// differences collects the places where two values differ.
type differences struct {
	part  bool // got may have members that want does not have
	lines []string
	count int
}

func (d *differences) add(where, want, got string) {
	if d.count++; d.count <= placesMax {
		d.lines = append(d.lines, fmt.Sprintf("%s: want %s, got %s", where, want, got))
	}
}

// walk compares objects member by member and lists of the same length element by element, and
// anything else as a whole.
func (d *differences) walk(where string, want, got any) {
	switch w := want.(type) {
	case map[string]any:
		if g, ok := got.(map[string]any); ok {
			d.members(where, w, g)
			return
		}
	case []any:
		if g, ok := got.([]any); ok && len(g) == len(w) && !d.part {
			for i := range w {
				d.walk(fmt.Sprintf("%s[%d]", where, i), w[i], g[i])
			}
			return
		}
	}
	if !value.Equal(want, got) {
		d.add(where, show(want), show(got))
	}
}

func (d *differences) members(where string, want, got map[string]any) {
	for _, key := range sorted(want) {
		if g, ok := got[key]; ok {
			d.walk(where+step(key), want[key], g)
		} else {
			d.add(where+step(key), show(want[key]), "nothing")
		}
	}
	if d.part {
		return
	}
	for _, key := range sorted(got) {
		if _, ok := want[key]; !ok {
			d.add(where+step(key), "nothing", show(got[key]))
		}
	}
}

var plainKey = regexp.MustCompile(`^[\pL_][\pL\pN_-]*$`)

// step formats a member as a path element.
func step(key string) string {
	if plainKey.MatchString(key) {
		return "." + key
	}
	return "[" + value.Quote(key) + "]"
}
