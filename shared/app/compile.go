package app

import (
	"millrace/shared/fdl"
	"millrace/shared/flow"
)

// boolOr is a setting, or otherwise when it is not set.
func boolOr(set *bool, otherwise bool) bool {
	if set != nil {
		return *set
	}
	return otherwise
}

// compiler compiles definitions that stand in the store: they were checked when they came, and a limit that has
// been lowered since must not stop what runs.
func compiler(limits flow.Limits) func(definition, mode string) (*flow.Machine, error) {
	limits.WaitSeconds, limits.WaitSecondsExpr, limits.WaitSecondsV1 = 1<<40, 1<<40, 1<<40
	limits.TaskSeconds, limits.ExecutionSeconds, limits.ExpressSeconds = 1<<40, 1<<40, 1<<40
	limits.ParallelBranches, limits.BranchesV1 = max(limits.ParallelBranches, 1<<20), max(limits.BranchesV1, 1<<20)
	limits.DefinitionBytes = max(limits.DefinitionBytes, 64<<20)
	return func(definition, mode string) (*flow.Machine, error) {
		m, diagnostics := fdl.Parse([]byte(definition), fdl.Options{Mode: mode, Limits: limits})
		if m == nil {
			return nil, diagnostics.Err()
		}
		return m, nil
	}
}
