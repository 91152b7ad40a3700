package store

import (
	"fmt"
	"hash/fnv"
	"strings"

	"millrace/shared/store/driver"
)

// Sort keys of an execution's partition, in order: state, inbox, history, values
// (docs/protocol.md#keys). The keys from "a" to "c" are the state and the inbox, so one read
// returns both.
const (
	sortState      = "a"
	prefixInbox    = "b#"
	sortAfterInbox = "c"
	prefixValue    = "v#"
)

// defaultListShards is the default of Options.ListShards, ListShardsMax its maximum.
const (
	defaultListShards = 4
	ListShardsMax     = 64
)

func rowKey(partition, sort string) driver.Key {
	return driver.Key{Partition: partition, Sort: sort}
}

func flowKey(account, name string) driver.Key {
	return rowKey("f#"+account+"#"+name, sortState)
}

// deploymentKey is the key of the row of what holds for the whole store.
func deploymentKey() driver.Key { return rowKey("g#deployment", sortState) }

// flowGroup is the list group of all flows, ordered by account and name.
const flowGroup = "flows"

func flowSort(account, name string) string { return account + "#" + name }

// flowSortBounds returns the bounds of an account's flows in the list.
func flowSortBounds(account string) (from, to string) { return account + "#", account + "$" }

func definitionKey(flowID, hash string) driver.Key {
	return rowKey(definitionPartition(flowID), hash)
}

// definitionPartition is the partition of a flow's definitions, schedules and tombstone. What it
// holds goes with the flow (DeleteDefinitions).
func definitionPartition(flowID string) string { return "d#" + flowID }

// Partition returns the partition of an execution. A hint names it.
func Partition(flowID, execution string) string { return "x#" + flowID + "#" + execution }

// ParsePartition splits an execution's partition. ok is false for any other partition.
func ParsePartition(p string) (flowID, execution string, ok bool) {
	rest, ok := strings.CutPrefix(p, "x#")
	if !ok {
		return "", "", false
	}
	flowID, execution, ok = strings.Cut(rest, "#")
	return flowID, execution, ok && flowID != "" && execution != ""
}

// ListShard returns the shard of the flow's list that an execution with this name begins in. One
// shard alone would take all list writes of a busy flow.
func (f *Flow) ListShard(execution string) int {
	h := fnv.New32a()
	h.Write([]byte(execution))
	return int(h.Sum32() % uint32(max(f.ListShards, 1)))
}

func shardGroup(flowID string, shard int) string { return fmt.Sprintf("%s#%d", flowID, shard) }

func listSort(started int64, name string) string { return fmt.Sprintf("%013d#%s", started, name) }

// inboxEntrySort returns the sort key of an inbox entry. An inbox has one place for each attempt,
// by the id in the task token, and for each life of the execution one for a stop (token 0).
func inboxEntrySort(run uint64, token int64, redrive int) string {
	switch {
	case token == 0 && redrive == 0:
		return fmt.Sprintf("%s%016x#stop", prefixInbox, run)
	case token == 0:
		return fmt.Sprintf("%s%016x#stop.%d", prefixInbox, run, redrive)
	}
	return fmt.Sprintf("%s%016x#%010d", prefixInbox, run, token)
}

func eventSort(run uint64, first int64) string { return fmt.Sprintf("h#%016x#%010d", run, first) }

func valueSort(run uint64, version int64, token uint64, part int) string {
	return fmt.Sprintf("v#%016x#%d#%016x#%04d", run, version, token, part)
}

func fence(run uint64, redrive int) string { return fmt.Sprintf("%016x.%d", run, redrive) }

// NonceKey returns the key of a used signature nonce.
func NonceKey(hash string) driver.Key { return rowKey("n#"+hash, sortState) }

// InvocationRecordKey returns the key of the record of an asynchronous invocation, by the id of the
// invocation and the name of its function, which has no "#".
func InvocationRecordKey(id, function string) driver.Key {
	return rowKey("r#"+id+"#"+function, sortState)
}

// ChosenInvocationRecordKey returns the key of an invocation record whose id a flow has chosen, for
// the task that waits for it. Such records have a partition of their own, with one row for each
// task: two tasks with the same id do not overwrite each other.
func ChosenInvocationRecordKey(id, function, task string) driver.Key {
	return rowKey("r#chosen#"+id+"#"+function, task)
}

// IsValue reports whether a key is that of a value of an execution.
func IsValue(k driver.Key) bool { return strings.HasPrefix(k.Sort, prefixValue) }

// Prefixes of the sort keys of a flow's versions and aliases, in the partition of its definitions.
// A number has ten digits, so that versions are in order.
const (
	prefixVersion = "version#"
	prefixAlias   = "alias#"
)

func versionSort(number int64, token uint64) string {
	return fmt.Sprintf("%s%010d#%016x", prefixVersion, number, token)
}

func aliasSort(name string, token uint64) string {
	return fmt.Sprintf("%s%s#%016x", prefixAlias, name, token)
}

// Sort keys of a flow's schedules and of its tombstone, in the same partition.
const (
	sortTombstone  = "deleted"
	prefixSchedule = "schedule#"
	afterSchedules = "schedule$"
)

// ParseTombstone returns the flow id of a tombstone's key. ok is false for any other key.
func ParseTombstone(k driver.Key) (flowID string, ok bool) {
	flowID, ok = strings.CutPrefix(k.Partition, "d#")
	return flowID, ok && k.Sort == sortTombstone
}

// TombstoneKey returns the key of a flow's tombstone.
func TombstoneKey(flowID string) driver.Key {
	return rowKey(definitionPartition(flowID), sortTombstone)
}

// ScheduleKey returns the key of a schedule.
func ScheduleKey(flowID, name string) driver.Key {
	return rowKey(definitionPartition(flowID), prefixSchedule+name)
}

// ParseScheduleKey splits the key of a schedule. ok is false for any other key.
func ParseScheduleKey(k driver.Key) (flowID, name string, ok bool) {
	flowID, inFlow := strings.CutPrefix(k.Partition, "d#")
	name, ok = strings.CutPrefix(k.Sort, prefixSchedule)
	return flowID, name, ok && inFlow && flowID != "" && name != ""
}

// ScheduleHint returns what a hint names to have a schedule looked at, where others name the
// partition of an execution.
func ScheduleHint(k driver.Key) string { return k.Partition + "#" + k.Sort }

// ParseScheduleHint returns the key of the schedule that a hint names. ok is false if the hint
// names something else.
func ParseScheduleHint(hint string) (k driver.Key, ok bool) {
	partition, name, ok := strings.Cut(hint, "#"+prefixSchedule)
	k = rowKey(partition, prefixSchedule+name)
	if _, _, is := ParseScheduleKey(k); !is {
		ok = false
	}
	return k, ok
}

// Sort keys of the results of a bulk operation, in its partition.
const (
	prefixBulkResult = "r#"
	afterBulkResults = "r$"
)

// BulkKey returns the key of a bulk operation.
func BulkKey(flowID, name string) driver.Key { return rowKey("o#"+flowID+"#"+name, sortState) }

// ParseBulkHint returns the key of the bulk operation that a hint names: its partition. ok is false
// if the hint names something else.
func ParseBulkHint(hint string) (k driver.Key, ok bool) {
	rest, ok := strings.CutPrefix(hint, "o#")
	flowID, name, named := strings.Cut(rest, "#")
	return rowKey(hint, sortState), ok && named && flowID != "" && name != ""
}

func bulkResultKey(bulk driver.Key, execution string) driver.Key {
	return rowKey(bulk.Partition, prefixBulkResult+execution)
}

// bulkGroup is the list group of the bulk operations of a flow, ordered by name.
func bulkGroup(flowID string) string { return "bulk#" + flowID }
