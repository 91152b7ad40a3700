// Package suggest finds what a misspelt word was probably meant to be.
package suggest

import (
	"fmt"
	"strings"
)

// Hint returns a hint that names the candidate most similar to word, or "" if none is similar. It
// looks at no more than the first 256 candidates.
func Hint(word string, candidates []string) string {
	best := Nearest(word, candidates, min(len(word)/3+1, 3))
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean '%s'?", best)
}

// Nearest returns the candidate most similar to word, or "" if all differ from it by more than
// distanceMax letters or are equal to it. Two letters that changed places count as one. It looks at
// no more than the first 256 candidates.
func Nearest(word string, candidates []string, distanceMax int) string {
	if word == "" || len(word) > lengthMax {
		return ""
	}
	best, bestDistance := "", distanceMax
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
	return best
}

// lengthMax is the longest word, in bytes, that has a suggestion.
const lengthMax = 64

// distance returns the edit distance of two words; 0 if they differ only in case. Above distanceMax
// it may return any greater number.
func distance(a, b string, distanceMax int) int {
	if strings.EqualFold(a, b) {
		return 0
	}
	if len(a)-len(b) > distanceMax || len(b)-len(a) > distanceMax {
		return distanceMax + 1
	}
	var before, above, row [lengthMax + 1]int // of the last letters of a
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
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above = above, row
	}
	return above[len(b)]
}
