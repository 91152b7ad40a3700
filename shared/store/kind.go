package store

import (
	"strings"

	"millrace/shared/store/driver"
)

// Kind is the kind of a row, as its key shows it.
type Kind uint8

// The kinds of rows that have a wake time.
const (
	OtherRow            Kind = iota // of a newer program, or without a wake time
	ExecutionRow                    // the state row of an execution
	InboxEntryRow                   // a message in an execution's inbox
	ValueRow                        // a part of a value of an execution
	DefinitionRow                   // a definition of a flow
	TombstoneRow                    // the trace of a deleted flow
	NonceRow                        // a used signature nonce
	InvocationRecordRow             // an asynchronous invocation that waits for its result
	FlowDetailRow                   // a version or an alias of a flow
	ScheduleRow                     // a schedule of a flow
	BulkRow                         // a bulk operation
)

// KindOf returns the kind of a row.
func KindOf(k driver.Key) Kind {
	family, _, _ := strings.Cut(k.Partition, "#")
	switch {
	case family == "x" && k.Sort == sortState:
		return ExecutionRow
	case family == "x" && IsInboxEntry(k):
		return InboxEntryRow
	case family == "x" && IsValue(k):
		return ValueRow
	case family == "d" && k.Sort == sortTombstone:
		return TombstoneRow
	case family == "d" && isFlowDetail(k):
		return FlowDetailRow
	case family == "d" && strings.HasPrefix(k.Sort, prefixSchedule):
		return ScheduleRow
	case family == "d":
		return DefinitionRow
	case family == "o" && k.Sort == sortState:
		return BulkRow
	case family == "n":
		return NonceRow
	case family == "r":
		return InvocationRecordRow
	}
	return OtherRow
}

// isFlowDetail reports whether a key of a partition of definitions is that of a version or alias.
func isFlowDetail(k driver.Key) bool {
	return strings.HasPrefix(k.Sort, prefixVersion) || strings.HasPrefix(k.Sort, prefixAlias)
}
