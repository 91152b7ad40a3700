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

// countBytes counts a text of n bytes that is written, or read again.
func (f *stepper) countBytes(n int) { f.workDone += n / writtenBytes }

// resetBudget sets the budget of a transition: all that it evaluates shares it, such as the conditions
// of a Choice.
func (f *stepper) resetBudget() {
	f.budget = expr.DefaultBudget()
	f.budget.Strict = f.l.StrictPaths
}

// workSpent is how much work the evaluations of the transition have been so far.
func (f *stepper) workSpent() int {
	full := expr.DefaultBudget()
	return full.Nodes - f.budget.Nodes + (full.Bytes-f.budget.Bytes)/budgetBytes
}

// meteredTransition makes a transition and counts its work. One that misses a value is made again, and counts
// then.
func (f *stepper) meteredTransition(sc *scope) error {
	before := f.workDone
	f.resetBudget()
	err := f.transition(sc)
	if _, need := err.(needError); need {
		f.workDone = before
		return err
	}
	f.workDone += transitionWork + f.workSpent()
	return err
}
