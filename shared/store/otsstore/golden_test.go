package otsstore_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/store/driver"
	"millrace/shared/store/otsstore"
	"millrace/tests/clouds/emulators/alibaba/tablestore"
)

// TestRowGolden: the encoding of rows has not changed. If a line here must change, older programs
// cannot read the new rows.
func TestRowGolden(t *testing.T) {
	server := tablestore.New(tablestore.Options{})
	config, k := sdk.NewDefaultTableStoreConfig(), tablestore.DefaultKey
	config.RetryTimes, config.Transport = 0, server
	client := sdk.NewClientWithConfig("http://tablestore.test", tablestore.DefaultInstance, k.ID,
		k.Secret, k.Token, config)
	s := otsstore.New(otsstore.Options{Client: newClient(server, nil), Table: table})
	if err := s.CreateTables(t.Context()); err != nil {
		t.Fatal(err)
	}
	long := bytes.Repeat([]byte("packs well "), 1000)
	compressed, err := base64.StdEncoding.DecodeString(compressedLong)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		row     driver.Row
		key     string // of the partition, in the table
		columns map[string]any
	}{
		{driver.Row{Key: driver.Key{Partition: "x#1#a", Sort: "v#1"}, Data: []byte{0, 1, 2}},
			"57x#1#a",
			map[string]any{"n": int64(0), "f": "", "d": []byte{0, 1, 2}}},
		{driver.Row{Key: driver.Key{Partition: "x#1#a", Sort: "a"}, Version: 4, Fence: "7.0",
			Data: []byte{1}, Wake: 5, Expires: 9000,
			List: &driver.ListEntry{Group: "1#0", Sort: "5#a", Fields: []byte{2}}}, "57x#1#a",
			map[string]any{"n": int64(4), "f": "7.0", "d": []byte{1}, "w": int64(7), "k": int64(5),
				"e": int64(9000), "g": "1#0", "l": "5#a", "i": []byte{2}}},
		{driver.Row{Key: driver.Key{Partition: "x#1#a", Sort: "v#2"}, Data: long, Wake: 9001,
			Expires: 9001}, "57x#1#a",
			map[string]any{"n": int64(0), "f": "", "z": compressed, "w": int64(7), "k": int64(9001),
				"e": int64(9001)}},
	} {
		if err := s.Commit(
			t.Context(), nil, c.row, driver.Condition{Absent: true, Now: 1},
		); err != nil {
			t.Fatal(err)
		}
		k := &sdk.PrimaryKey{}
		k.AddPrimaryKeyColumn("p", c.key)
		k.AddPrimaryKeyColumn("s", c.row.Sort)
		got, err := client.GetRow(&sdk.GetRowRequest{
			SingleRowQueryCriteria: &sdk.SingleRowQueryCriteria{TableName: table, PrimaryKey: k,
				MaxVersion: 1}})
		if err != nil {
			t.Fatal(err)
		}
		var is, want []string
		for _, a := range got.Columns {
			switch a.ColumnName {
			case "t": // the writer token, new each time
			case "z": // the bytes depend on the compressor
				is = append(is, "z")
			default:
				is = append(is, fmt.Sprintf("%s %T %v", a.ColumnName, a.Value, a.Value))
			}
		}
		change := &sdk.PutRowChange{TableName: table, PrimaryKey: k, Condition: &sdk.RowCondition{}}
		change.SetCondition(sdk.RowExistenceExpectation_IGNORE)
		for name, v := range c.columns {
			change.AddColumn(name, v)
			if name == "z" {
				want = append(want, name)
				continue
			}
			want = append(want, fmt.Sprintf("%s %T %v", name, v, v))
		}
		slices.Sort(is)
		slices.Sort(want)
		if !slices.Equal(is, want) {
			t.Errorf("%v is written as\n%s, was\n%s", c.row.Key, strings.Join(is, "\n"),
				strings.Join(want, "\n"))
		}
		if _, err := client.PutRow(&sdk.PutRowRequest{PutRowChange: change}); err != nil {
			t.Fatal(err)
		}
		if row, err := s.Get(t.Context(), c.row.Key); err != nil || !reflect.DeepEqual(row, c.row) {
			t.Errorf("%v is read as %+v, %v", c.row.Key, row, err)
		}
	}
}

// compressedLong is what one version of the compressor made of the text that compresses well.
const compressedLong = "7MahDQAgDATAVboaIShekCBYnzUqzt0Zc996" +
	"KylERERERERERERERERERERERERERMS2/AEAAP//"
