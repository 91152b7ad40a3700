package storetest

import (
	"bytes"
	"reflect"
	"testing"

	"millrace/shared/store/driver"
)

// FuzzRow checks that a row is rejected, or that it is read as it was written. read, if not nil, is
// called for each row that was read. It must not change the store if d keeps what it writes.
func FuzzRow(f *testing.F, d driver.Driver, read func(t *testing.T, got driver.Row)) {
	f.Add("x#1#a", "a", "run", []byte("data"), "g", "s", []byte("fields"), int64(1), int64(5),
		int64(7))
	f.Add("p", "v#1", "", bytes.Repeat([]byte("packs well "), 500), "", "", []byte{}, int64(0),
		int64(9), int64(9))
	f.Add("\xff", "\x00", "\xff", []byte{}, "\xff", "", []byte{0}, int64(-1), int64(-1),
		int64(1<<62))
	f.Fuzz(func(t *testing.T, partition, sort, fence string, data []byte, group, listSort string,
		fields []byte, version, wake, expires int64) {
		row := driver.Row{Key: driver.Key{Partition: partition, Sort: sort}, Version: version,
			Fence: fence, Data: bytes.Clone(data), Wake: wake, Expires: expires}
		if group != "" {
			row.List = &driver.ListEntry{Group: group, Sort: listSort, Fields: bytes.Clone(fields)}
		}
		if d.Commit(t.Context(), nil, row, driver.Condition{Absent: true, Now: 1}) != nil {
			return
		}
		got, err := d.Get(t.Context(), row.Key)
		if err != nil {
			t.Fatalf("%+v cannot be read: %v", row, err)
		}
		if read != nil {
			read(t, got)
		}
		if got.List != nil && row.List != nil {
			got.List.Fields = append([]byte{}, got.List.Fields...)
			row.List.Fields = append([]byte{}, row.List.Fields...)
		}
		if !bytes.Equal(got.Data, row.Data) {
			t.Fatalf("%q is read as %q", row.Data, got.Data)
		}
		if got.Data, row.Data = nil, nil; !reflect.DeepEqual(got, row) {
			t.Fatalf("%+v is read as %+v", row, got)
		}
	})
}
