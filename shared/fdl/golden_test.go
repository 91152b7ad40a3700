package fdl_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/shared/fdl"
)

var update = flag.Bool("update", false, "write the golden files")

// TestRenderings compares the rendered diagnostics of bad definitions with golden files. Those in
// the folder mistakes have one mistake each, one that people make.
func TestRenderings(t *testing.T) {
	names, _ := filepath.Glob("testdata/*.yaml")
	mistakes, _ := filepath.Glob("testdata/mistakes/*.yaml")
	if len(names) == 0 || len(mistakes) < 40 {
		t.Fatalf("%d and %d files of test data", len(names), len(mistakes))
	}
	for _, name := range append(names, mistakes...) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text := read(t, name)
			_, found := fdl.Parse(text, fdl.Options{})
			var b strings.Builder
			for _, d := range found {
				b.WriteString(d.Render(text))
			}
			if err := fdl.Fault(found); err != nil {
				b.WriteString("fault: " + err.Error() + "\n")
			}
			golden := strings.TrimSuffix(name, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got, want := b.String(), string(read(t, golden)); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
