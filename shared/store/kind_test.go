package store_test

import (
	"testing"

	"millrace/shared/store"
	"millrace/shared/store/driver"
)

func TestKindOf(t *testing.T) {
	x := store.Partition("1234", "a")
	for key, want := range map[driver.Key]store.Kind{
		{Partition: x, Sort: "a"}:                             store.ExecutionRow,
		{Partition: x, Sort: "b#0000000000000001#stop"}:       store.InboxEntryRow,
		{Partition: x, Sort: "b#0000000000000001#0000000007"}: store.InboxEntryRow,
		{Partition: x, Sort: "v#0000000000000001#1#01#0000"}:  store.ValueRow,
		{Partition: x, Sort: "h#0000000000000001#0000000001"}: store.OtherRow,
		{Partition: x, Sort: "z"}:                             store.OtherRow,
		{Partition: "d#1234", Sort: "6f70"}:                   store.DefinitionRow,
		{Partition: "d#1234", Sort: "version#0000000001#0a"}:  store.FlowDetailRow,
		{Partition: "d#1234", Sort: "alias#live#0a"}:          store.FlowDetailRow,
		{Partition: "d#1234", Sort: "schedule#a"}:             store.ScheduleRow,
		store.ScheduleKey("1234", "a"):                        store.ScheduleRow,
		{Partition: "f#1#a", Sort: "a"}:                       store.OtherRow,
		{Partition: "s#1#every hour", Sort: "a"}:              store.OtherRow,
		{Partition: "v#1", Sort: "v#"}:                        store.OtherRow,
		store.TombstoneKey("1234"):                            store.TombstoneRow,
		store.NonceKey("ab"):                                  store.NonceRow,
		store.InvocationRecordKey("id", "f"):                  store.InvocationRecordRow,
		store.ChosenInvocationRecordKey("id", "f", "deleted"): store.InvocationRecordRow,
	} {
		if got := store.KindOf(key); got != want {
			t.Errorf("%v is of kind %d, want %d", key, got, want)
		}
	}
}
