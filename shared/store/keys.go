package store

import (
	"fmt"
	"hash/fnv"
	"strings"
)

// Sort keys of an execution's partition: state, inbox, history, values, in this order (execution.md 1.1). What lies
// between "a" and "c" is the state and the inbox.
const (
	sortState      = "a"
	prefixInbox    = "b#"
	sortAfterInbox = "c"
	prefixValue    = "v#"
)

// listShards is the number of list groups of a flow: one group must not take all writes of a busy flow.
const listShards = 4

func flowKey(account, name string) Key { return Key{"f#" + account + "#" + name, sortState} }

// flowGroup lists all flows, by account and name.
const flowGroup = "flows"

func flowSort(account, name string) string { return account + "#" + name }

// flowSortBounds are the bounds of an account's flows in the list.
func flowSortBounds(account string) (from, to string) { return account + "#", account + "$" }

func definitionKey(flowID, hash string) Key { return Key{definitionPartition(flowID), hash} }

// definitionPartition holds the definitions of a flow, and its tombstone.
func definitionPartition(flowID string) string { return "d#" + flowID }

// Partition is the partition of an execution: what a hint names.
func Partition(flowID, execution string) string { return "x#" + flowID + "#" + execution }

// ParsePartition takes an execution's partition apart; false for another kind.
func ParsePartition(p string) (flowID, execution string, ok bool) {
	rest, ok := strings.CutPrefix(p, "x#")
	if !ok {
		return "", "", false
	}
	flowID, execution, ok = strings.Cut(rest, "#")
	return flowID, execution, ok && flowID != "" && execution != ""
}

func listGroup(flowID, execution string) string {
	h := fnv.New32a()
	h.Write([]byte(execution))
	return shardGroup(flowID, int(h.Sum32()%listShards))
}

func shardGroup(flowID string, shard int) string { return fmt.Sprintf("%s#%d", flowID, shard) }

func listSort(started int64, name string) string { return fmt.Sprintf("%013d#%s", started, name) }

// inboxEntrySort is the sort key of the one place in an inbox for news about an attempt, by the id in its token, or for a
// stop (0).
func inboxEntrySort(run uint64, token int64) string {
	if token == 0 {
		return fmt.Sprintf("%s%016x#stop", prefixInbox, run)
	}
	return fmt.Sprintf("%s%016x#%010d", prefixInbox, run, token)
}

func eventSort(run uint64, first int64) string { return fmt.Sprintf("h#%016x#%010d", run, first) }

func valueSort(run uint64, version int64, token uint64, part int) string {
	return fmt.Sprintf("v#%016x#%d#%016x#%04d", run, version, token, part)
}

func fence(run uint64, redrive int) string { return fmt.Sprintf("%016x.%d", run, redrive) }

// NonceKey is the key of a signature nonce that has been used.
func NonceKey(hash string) Key { return Key{"n#" + hash, sortState} }

// InvocationRecordKey is the key of what is known of an asynchronous invocation, by its id and the function,
// whose name has no "#".
func InvocationRecordKey(id, function string) Key { return Key{"r#" + id + "#" + function, sortState} }

// ChosenInvocationRecordKey is the key of one of the notes under an id that a flow has chosen, by the task that
// waits. Such notes have a partition of their own, in which none replaces that of another task.
func ChosenInvocationRecordKey(id, function, task string) Key {
	return Key{"r#chosen#" + id + "#" + function, task}
}

// IsInvocationRecord tells whether a key is that of such a note.
func IsInvocationRecord(k Key) bool { return strings.HasPrefix(k.Partition, "r#") }

// IsNonce tells whether a key is that of a nonce.
func IsNonce(k Key) bool { return strings.HasPrefix(k.Partition, "n#") }

// IsDefinition tells whether a key is that of a definition.
func IsDefinition(k Key) bool {
	return strings.HasPrefix(k.Partition, "d#") && k.Sort != sortTombstone
}

// IsValue tells whether a key is that of a value of an execution.
func IsValue(k Key) bool { return strings.HasPrefix(k.Sort, prefixValue) }

// sortTombstone stands among the hashes of definitions.
const sortTombstone = "deleted"

// ParseTombstone gives the flow id of a tombstone's key; false for another row.
func ParseTombstone(k Key) (flowID string, ok bool) {
	flowID, ok = strings.CutPrefix(k.Partition, "d#")
	return flowID, ok && k.Sort == sortTombstone
}

// TombstoneKey is the key of a flow's tombstone.
func TombstoneKey(flowID string) Key { return Key{definitionPartition(flowID), sortTombstone} }
