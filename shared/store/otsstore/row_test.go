package otsstore_test

import (
	"reflect"
	"testing"

	"millrace/shared/store/driver"
	"millrace/shared/store/otsstore"
	"millrace/shared/store/storetest"
	"millrace/tests/clouds/emulators/alibaba/tablestore"
)

// FuzzRow: a row is rejected, or it is read as it was written, through the codecs of the SDK and
// the emulator.
func FuzzRow(f *testing.F) {
	s := otsstore.New(otsstore.Options{Client: newClient(tablestore.New(tablestore.Options{}), nil),
		Table: table})
	if err := s.CreateTables(f.Context()); err != nil {
		f.Fatal(err)
	}
	storetest.FuzzRow(f, s, func(t *testing.T, got driver.Row) {
		rows, _, err := s.Range(t.Context(), driver.Range{Partition: got.Partition, From: got.Sort})
		if err != nil || len(rows) == 0 || !reflect.DeepEqual(rows[0], got) {
			t.Fatalf("Get says %+v, Range %+v, %v", got, rows, err)
		}
		if err := s.Delete(t.Context(), got.Key, nil); err != nil {
			t.Fatal(err)
		}
	})
}
