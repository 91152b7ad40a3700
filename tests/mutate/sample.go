package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
)

// ranked orders mutants by a number that depends only on the seed and the id. So a sample is the
// same on every machine, and nearly the same after the code has changed elsewhere.
func ranked(all []*mutant, seed uint64) []*mutant {
	rank := map[*mutant][32]byte{}
	for _, m := range all {
		rank[m] = sha256.Sum256(fmt.Appendf(nil, "%d %s", seed, m.ID))
	}
	order := slices.Clone(all)
	slices.SortFunc(order, func(a, b *mutant) int {
		ra, rb := rank[a], rank[b]
		return cmp.Or(bytes.Compare(ra[:], rb[:]), cmp.Compare(a.ID, b.ID))
	})
	return order
}

// chosen is a mutant of a sample, with the text of the changed file.
type chosen struct {
	*mutant
	text []byte
}

// sample takes the first n mutants of the order that compile and are not known to be equivalent. It
// also returns the equivalent ones and the number of those that do not compile, as far as it has
// looked.
func sample(order []*mutant, n int, equivalent map[string]string) (list []chosen, left []*mutant,
	broken int) {
	for _, m := range order {
		if len(list) == n {
			break
		}
		if equivalent[m.ID] != "" {
			left = append(left, m)
			continue
		}
		text, ok := m.compile()
		if !ok {
			broken++
			continue
		}
		list = append(list, chosen{m, text})
	}
	return list, left, broken
}
