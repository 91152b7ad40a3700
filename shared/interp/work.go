package interp

import "millrace/shared/expr"

// Work is counted in steps of expressions, each of which takes about as long. What is counted
// follows from the state and the machine alone, so that a fold is cut at the same place wherever it
// runs.
const (
	transitionWork = 8  // of a transition, beside what it evaluates and writes
	writtenBytes   = 16 // that are written or read again for a step
	budgetBytes    = 64 // that an expression builds for a step
)

// write counts a text of n bytes that is written, or read again.
func (f *fold) write(n int) { f.used += n / writtenBytes }

// refill sets the budget of a transition: all that it evaluates shares it, such as the conditions
// of a Choice.
func (f *fold) refill() {
	f.spend = expr.DefaultBudget()
	f.spend.Strict = f.l.StrictPaths
}

// spent is how much work the evaluations of the transition have been so far.
func (f *fold) spent() int {
	full := expr.DefaultBudget()
	return full.Nodes - f.spend.Nodes + (full.Bytes-f.spend.Bytes)/budgetBytes
}

// paid makes a transition and counts its work. One that misses a value is made again, and counts
// then.
func (f *fold) paid(sc *scope) error {
	before := f.used
	f.refill()
	err := f.transition(sc)
	if _, need := err.(needError); need {
		f.used = before
		return err
	}
	f.used += transitionWork + f.spent()
	return err
}
