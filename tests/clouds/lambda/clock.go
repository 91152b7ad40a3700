package lambda

import (
	"context"
	"time"

	"millrace/tests/clouds"
)

// Idle reports whether nothing is active: no invocation, no message to be delivered now, and
// nothing outside.
func (s *Stack) Idle() bool {
	return s.API.Idle() && s.StepRunner.Idle() && s.Sweeper.Idle() && (s.busy == nil ||
		!s.busy()) && s.drained() && s.StepRunner.Idle()
}

// NextWake returns the earliest wake time of an execution.
func (s *Stack) NextWake() (time.Time, bool) {
	s.T.Helper()
	wake, ok, err := clouds.NextWake(context.Background(), s.Rows)
	if err != nil {
		s.T.Error(err)
	}
	return wake, ok
}
