package fdl

import "millrace/shared/flow"

// Compiler returns a compiler for stored definitions. They were checked when they were created. A
// limit that was lowered since then must not stop their executions, so Compiler raises the limits.
func Compiler(limits flow.Limits) func(definition, mode string) (*flow.Machine, error) {
	limits.WaitSeconds, limits.WaitSecondsExpr, limits.WaitSecondsV1 = 1<<40, 1<<40, 1<<40
	limits.TaskSeconds, limits.ExecutionSeconds, limits.ExpressSeconds = 1<<40, 1<<40, 1<<40
	limits.ParallelBranches, limits.BranchesV1 = max(limits.ParallelBranches, 1<<20),
		max(limits.BranchesV1, 1<<20)
	limits.DefinitionBytes = max(limits.DefinitionBytes, 64<<20)
	return func(definition, mode string) (*flow.Machine, error) {
		m, diagnostics := Parse([]byte(definition), Options{Mode: mode, Limits: limits})
		if m == nil {
			return nil, Fault(diagnostics)
		}
		return m, nil
	}
}
