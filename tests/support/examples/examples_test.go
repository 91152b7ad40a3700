package examples_test

import (
	"testing"

	"millrace/shared/fdl"
	"millrace/tests/support/examples"
)

// warned are the examples that have warnings, because they show what they warn of.
var warned = map[string]bool{
	"24-end-and-goto.yaml":                true,
	"25-literal-or-expression.cases.json": true,
}

// TestNoWarnings: no example has a warning that it does not show on purpose.
func TestNoWarnings(t *testing.T) {
	examples.Each(t, func(t *testing.T, f *examples.File) {
		text := []byte(f.Definition)
		_, found := fdl.Parse(text, fdl.Options{Mode: f.Mode})
		if warned[f.Name] {
			return
		}
		for _, d := range found {
			t.Error(d.Render(text))
		}
	})
}
