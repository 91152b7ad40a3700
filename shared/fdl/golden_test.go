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

// TestRenderings compares the rendered diagnostics of bad definitions with golden files.
func TestRenderings(t *testing.T) {
	names, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatal("no test data", err)
	}
	for _, name := range names {
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
