//go:build unix

package tutorial_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// copyBlocks writes the blocks of an English page into its Chinese one, if both have as many.
func copyBlocks(t *testing.T, english string) {
	t.Helper()
	chinese := translations(t)[english]
	if chinese == "" {
		return
	}
	lines := strings.Split(text(t, chinese), "\n")
	from, to := blocks(text(t, english)), blocks(text(t, chinese))
	if len(from) != len(to) {
		t.Errorf("%s has %d blocks and %s %d: none is copied", english, len(from), chinese, len(to))
		return
	}
	for i, old := range slices.Backward(to) { // the lines before it keep their numbers
		end := old.line - 1 + strings.Count(old.text, "\n") + 1
		lines = slices.Replace(lines, old.line-1, end, strings.Split(from[i].text, "\n")...)
	}
	err := os.WriteFile("../../../"+chinese, []byte(strings.Join(lines, "\n")), 0o644)
	if err != nil {
		t.Fatal(err)
	}
}

// blocks returns the blocks of code of a page.
func blocks(text string) (found []part) {
	for _, s := range sections(text) {
		for _, p := range s.parts {
			if p.kind == "block" {
				found = append(found, p)
			}
		}
	}
	return found
}
