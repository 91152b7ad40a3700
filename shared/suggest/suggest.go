// Package suggest finds what a misspelt word was probably meant to be.
package suggest

import (
	"fmt"
	"strings"
)

// Hint returns a hint that names the candidate most similar to word, or "" if none is similar. It
// looks at no more than the first 256 candidates.
func Hint(word string, candidates []string) string {
	const lengthMax = 64
	if word == "" || len(word) > lengthMax {
		return ""
	}
	best, bestDistance := "", len(word)/3+1
	bestDistance = min(bestDistance, 3)
	for i, c := range candidates {
		if i == 256 {
			break
		}
		if c == word || c == "" || len(c) > lengthMax {
			continue
		}
		if d := distance(word, c, bestDistance); d < bestDistance ||
			d == bestDistance && best == "" {
			best, bestDistance = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean '%s'?", best)
}

// distance returns the edit distance of two words; 0 if they differ only in case. Above distanceMax
// it may return any greater number.
func distance(a, b string, distanceMax int) int {
	if strings.EqualFold(a, b) {
		return 0
	}
	if len(a)-len(b) > distanceMax || len(b)-len(a) > distanceMax {
		return distanceMax + 1
	}
	var above, row [65]int
	for j := range len(b) + 1 {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
		}
		above = row
	}
	return above[len(b)]
}
