package interp

import "millrace/shared/expr"

// Work is counted in expression steps, which all take about the same time. The count depends only
// on the state and the machine, so every process cuts a step at the same place.
const (
	transitionWork = 8  // per transition, besides what it evaluates and writes
	writtenBytes   = 16 // bytes written or read again that count as one expression step
	budgetBytes    = 64 // bytes built by expressions that count as one expression step
)

// countBytes counts n bytes that are written or read again.
func (f *stepper) countBytes(n int) { f.workDone += n / writtenBytes }

// resetBudget sets the budget that all evaluations of a transition share, such as the conditions of
// a Choice.
func (f *stepper) resetBudget() {
	f.budget = expr.DefaultBudget()
	f.budget.Strict = f.l.StrictPaths
}

// workSpent returns the work of the evaluations of the transition so far.
func (f *stepper) workSpent() int {
	full := expr.DefaultBudget()
	return full.Nodes - f.budget.Nodes + (full.Bytes-f.budget.Bytes)/budgetBytes
}

// meteredTransition makes a transition and counts its work. A transition that needs values is
// repeated, and counts only then.
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
