package value_test

import (
	"strings"
	"testing"

	"millrace/shared/value"
)

func TestExceedsDepth(t *testing.T) {
	arrays := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, c := range []struct {
		text  string
		depth int
	}{
		{"1", 0},
		{`"[[[\\\"[["`, 0},
		{"[]", 1},
		{`{"a":[{}],"b":[]}`, 3},
		{`{"]":[1,"}",{"{":"\\\\"}]}`, 3},
		{arrays(256), 256},
		{arrays(257), 257},
	} {
		for depthMax := range 300 {
			if got := value.ExceedsDepth([]byte(c.text), depthMax); got != (depthMax < c.depth) {
				t.Errorf("%.40s deeper than %d: %v", c.text, depthMax, got)
			}
		}
	}
}
