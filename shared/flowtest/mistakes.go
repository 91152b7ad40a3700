package flowtest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"millrace/shared/flow"
)

// mistakesMax is how many mistakes of a file are reported.
const mistakesMax = 50

// mistake is a mistake at a place of a file of cases.
type mistake struct {
	line, column int
	text         string
}

func (m mistake) Error() string { return fmt.Sprintf("%d:%d: %s", m.line, m.column, m.text) }

// join returns an error that unwraps to the mistakes, in the order of the file; nil if there are
// none.
func join(list []mistake) error {
	slices.SortStableFunc(list, func(a, b mistake) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	all := make([]error, 0, len(list))
	for i, m := range list {
		if i == mistakesMax {
			all = append(all, fmt.Errorf("more than %d mistakes", mistakesMax))
			break
		}
		all = append(all, m)
	}
	return errors.Join(all...)
}

// Mistakes returns the error of Load together with the names of states, in all cases, that the flow
// does not have.
func (f *File) Mistakes(m *flow.Machine) error {
	list := f.mistakes
	for i := range f.Cases {
		list = append(list, f.Cases[i].unknownStates(m)...)
	}
	return join(list)
}
