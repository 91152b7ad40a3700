package message_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore/otsprotocol"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"

	"millrace/tests/clouds/emulators/alibaba/tablestore/message"
)

// built returns a message of the SDK as it is sent.
func built(t *testing.T, m protoadapt.MessageV1) []byte {
	t.Helper()
	b, err := proto.Marshal(protoadapt.MessageV2Of(m))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func check[T any](t *testing.T, got T, err error, want T) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func equal(a, b protoadapt.MessageV1) bool {
	return proto.Equal(protoadapt.MessageV2Of(a), protoadapt.MessageV2Of(b))
}

func ptr[T any](v T) *T { return &v }

// TestRequests: the Decode functions read every field of the SDK's requests.
func TestRequests(t *testing.T) {
	condition := &otsprotocol.Condition{
		RowExistence:    otsprotocol.RowExistenceExpectation_EXPECT_EXIST.Enum(),
		ColumnCondition: []byte("c"),
	}
	w, err := message.DecodeWrite(built(t, &otsprotocol.PutRowRequest{
		TableName: proto.String("t"),
		Row:       []byte("row"),
		Condition: condition,
		ReturnContent: &otsprotocol.ReturnContent{
			ReturnType:        otsprotocol.ReturnType_RT_AFTER_MODIFY.Enum(),
			ReturnColumnNames: []string{"a", "b"},
		},
		TransactionId: proto.String("x"),
	}), message.OpPut)
	check(t, w, err, message.Write{
		Table:     "t",
		Op:        message.OpPut,
		Row:       []byte("row"),
		Condition: message.Condition{Existence: message.ExpectExist, Column: []byte("c")},
		Return: message.ReturnContent{
			Type:    message.ReturnAfterModify,
			Columns: []string{"a", "b"},
		},
		Transaction: "x",
	})

	batch, err := message.DecodeBatchWrite(built(t, &otsprotocol.BatchWriteRowRequest{
		IsAtomic: proto.Bool(true),
		Tables: []*otsprotocol.TableInBatchWriteRowRequest{
			{
				TableName: proto.String("t"),
				Rows: []*otsprotocol.RowInBatchWriteRowRequest{{
					Type:      otsprotocol.OperationType_DELETE.Enum(),
					RowChange: []byte("r"),
					Condition: condition,
				}},
			}},
	}))
	check(t, batch, err, message.BatchWrite{
		Atomic: true,
		Tables: []message.TableWrites{{Table: "t", Rows: []message.Write{
			{
				Op:        message.OpDelete,
				Row:       []byte("r"),
				Condition: message.Condition{Existence: message.ExpectExist, Column: []byte("c")},
			}}}},
	})

	times := &otsprotocol.TimeRange{
		StartTime:    proto.Int64(1),
		EndTime:      proto.Int64(-2),
		SpecificTime: proto.Int64(3),
	}
	projection := message.Projection{
		Columns: []string{"a"},
		Time: &message.TimeRange{
			Start:    ptr(int64(1)),
			End:      ptr(int64(-2)),
			Specific: ptr(int64(3)),
		},
		MaxVersions: ptr(int32(2)),
		Filter:      []byte("f"),
		StartColumn: ptr("b"),
		EndColumn:   ptr("c"),
	}
	get, err := message.DecodeGetRow(built(t, &otsprotocol.GetRowRequest{
		TableName:     proto.String("t"),
		PrimaryKey:    []byte("k"),
		ColumnsToGet:  []string{"a"},
		TimeRange:     times,
		MaxVersions:   proto.Int32(2),
		Filter:        []byte("f"),
		StartColumn:   proto.String("b"),
		EndColumn:     proto.String("c"),
		Token:         []byte("n"),
		TransactionId: proto.String("x"),
	}))
	check(t, get, err, message.GetRow{
		Table:       "t",
		Key:         []byte("k"),
		Projection:  projection,
		Token:       []byte("n"),
		Transaction: "x",
	})

	reads, err := message.DecodeBatchGet(built(t,
		&otsprotocol.BatchGetRowRequest{Tables: []*otsprotocol.TableInBatchGetRowRequest{{
			TableName:    proto.String("t"),
			PrimaryKey:   [][]byte{[]byte("k"), []byte("l")},
			Token:        [][]byte{[]byte("n")},
			ColumnsToGet: []string{"a"},
			TimeRange:    times,
			MaxVersions:  proto.Int32(2),
			Filter:       []byte("f"),
			StartColumn:  proto.String("b"),
			EndColumn:    proto.String("c"),
		}}}))
	check(t, reads, err, []message.TableReads{{
		Table:      "t",
		Keys:       [][]byte{[]byte("k"), []byte("l")},
		Tokens:     [][]byte{[]byte("n")},
		Projection: projection,
	}})

	span, err := message.DecodeGetRange(built(t, &otsprotocol.GetRangeRequest{
		TableName:                proto.String("t"),
		Direction:                otsprotocol.Direction_BACKWARD.Enum(),
		ColumnsToGet:             []string{"a"},
		TimeRange:                times,
		MaxVersions:              proto.Int32(2),
		Limit:                    proto.Int32(-1),
		InclusiveStartPrimaryKey: []byte("k"),
		ExclusiveEndPrimaryKey:   []byte("l"),
		Filter:                   []byte("f"),
		StartColumn:              proto.String("b"),
		EndColumn:                proto.String("c"),
		Token:                    []byte("n"),
		TransactionId:            proto.String("x"),
		ReturnEntirePrimaryKeys:  proto.Bool(false),
	}))
	check(t, span, err, message.GetRange{
		Table:         "t",
		Direction:     message.Backward,
		Projection:    projection,
		Limit:         ptr(int32(-1)),
		Start:         []byte("k"),
		End:           []byte("l"),
		Token:         []byte("n"),
		Transaction:   "x",
		NamedKeysOnly: true,
	})
}

func TestSchemas(t *testing.T) {
	units := &otsprotocol.ReservedThroughput{CapacityUnit: &otsprotocol.CapacityUnit{
		Read:  proto.Int32(1),
		Write: proto.Int32(2),
	}}
	options := &otsprotocol.TableOptions{
		TimeToLive:                proto.Int32(-1),
		MaxVersions:               proto.Int32(3),
		DeviationCellVersionInSec: proto.Int64(4),
		AllowUpdate:               proto.Bool(false),
	}
	index := &otsprotocol.IndexMeta{
		Name:            proto.String("i"),
		PrimaryKey:      []string{"a"},
		DefinedColumn:   []string{"b"},
		IndexUpdateMode: otsprotocol.IndexUpdateMode_IUM_SYNC_INDEX.Enum(),
		IndexType:       otsprotocol.IndexType_IT_LOCAL_INDEX.Enum(),
	}
	wantOptions := message.Options{
		TimeToLive:  ptr(int32(-1)),
		MaxVersions: ptr(int32(3)),
		Deviation:   ptr(int64(4)),
		AllowUpdate: ptr(false),
	}
	wantIndex := message.IndexMeta{
		Name:       "i",
		Key:        []string{"a"},
		Defined:    []string{"b"},
		UpdateMode: message.UpdateSync,
		Type:       message.IndexLocal,
	}
	meta := message.TableMeta{
		Name: "t",
		Key: []message.KeySchema{{
			Name:   "p",
			Type:   message.KeyInteger,
			Option: message.OptionAutoIncrement,
		}},
		Defined: []message.DefinedColumn{{Name: "b", Type: message.DefinedBlob}},
	}

	create, err := message.DecodeCreateTable(built(t,
		&otsprotocol.CreateTableRequest{ReservedThroughput: units, TableOptions: options,
			IndexMetas: []*otsprotocol.IndexMeta{index}, EnableLocalTxn: proto.Bool(true),
			TableMeta: &otsprotocol.TableMeta{TableName: proto.String("t"),
				PrimaryKey: []*otsprotocol.PrimaryKeySchema{{
					Name:   proto.String("p"),
					Type:   otsprotocol.PrimaryKeyType_INTEGER.Enum(),
					Option: otsprotocol.PrimaryKeyOption_AUTO_INCREMENT.Enum(),
				}},
				DefinedColumn: []*otsprotocol.DefinedColumnSchema{{
					Name: proto.String("b"),
					Type: otsprotocol.DefinedColumnType_DCT_BLOB.Enum(),
				}}}}))
	check(t, create, err, message.CreateTable{
		Meta:     meta,
		Reserved: message.Units{Read: 1, Write: 2},
		Options:  wantOptions,
		Indexes:  []message.IndexMeta{wantIndex},
		LocalTxn: true,
	})

	update, err := message.DecodeUpdateTable(built(t, &otsprotocol.UpdateTableRequest{
		TableName:          proto.String("t"),
		ReservedThroughput: units,
		TableOptions:       options,
	}))
	check(t, update, err, message.UpdateTable{
		Table:    "t",
		Reserved: &message.Units{Read: 1, Write: 2},
		Options:  wantOptions,
	})

	add, err := message.DecodeCreateIndex(built(t, &otsprotocol.CreateIndexRequest{
		MainTableName:   proto.String("t"),
		IndexMeta:       index,
		IncludeBaseData: proto.Bool(true),
	}))
	check(t, add, err, message.CreateIndex{Table: "t", Index: wantIndex, BaseData: true})

	// The response that describes the table has the same fields for the SDK.
	var described otsprotocol.DescribeTableResponse
	if err := proto.Unmarshal(message.AppendDescription(nil,
		message.Description{Meta: meta, Reserved: message.Units{Read: 1, Write: 2}, Raised: 5,
			Options: wantOptions, Status: message.StatusActive,
			Indexes: []message.IndexMeta{wantIndex}}),
		protoadapt.MessageV2Of(&described)); err != nil {
		t.Fatal(err)
	}
	if !equal(described.IndexMetas[0], index) || !equal(described.TableOptions, options) ||
		!equal(described.ReservedThroughputDetails.CapacityUnit, units.CapacityUnit) ||
		described.ReservedThroughputDetails.GetLastIncreaseTime() != 5 ||
		described.TableMeta.PrimaryKey[0].GetOption() !=
			otsprotocol.PrimaryKeyOption_AUTO_INCREMENT ||
		described.TableMeta.DefinedColumn[0].GetType() != otsprotocol.DefinedColumnType_DCT_BLOB ||
		described.GetTableStatus() != otsprotocol.TableStatus_ACTIVE {
		t.Errorf("described as %v", described.String())
	}
}

// TestAnswers: the SDK reads the responses.
func TestAnswers(t *testing.T) {
	var batch otsprotocol.BatchWriteRowResponse
	if err := proto.Unmarshal(message.AppendBatch(nil,
		[]message.BatchTable{{Table: "t", Rows: []message.BatchRow{
			{Code: "OTSServerBusy", Text: "Server is busy."}, {
				Consumed: message.Units{Write: 3},
				Row:      []byte("r"),
			}}}}), protoadapt.MessageV2Of(&batch)); err != nil {
		t.Fatal(err)
	}
	rows := batch.Tables[0].Rows
	if rows[0].GetIsOk() || rows[0].Error.GetCode() != "OTSServerBusy" || !rows[1].GetIsOk() ||
		*rows[1].Consumed.CapacityUnit.Write != 3 ||
		*rows[1].Consumed.CapacityUnit.Read != 0 || string(rows[1].Row) != "r" {
		t.Errorf("read as %v", batch.String())
	}
	var span otsprotocol.GetRangeResponse
	if err := proto.Unmarshal(message.AppendRange(nil, message.Units{Read: 2}, []byte("rows"),
		[]byte("next")), protoadapt.MessageV2Of(&span)); err != nil {
		t.Fatal(err)
	}
	if string(span.Rows) != "rows" || string(span.NextStartPrimaryKey) != "next" ||
		*span.Consumed.CapacityUnit.Read != 2 {
		t.Errorf("read as %v", span.String())
	}
	var failed otsprotocol.Error
	err := proto.Unmarshal(message.AppendError(nil, "c", "t"), protoadapt.MessageV2Of(&failed))
	if err != nil || failed.GetCode() != "c" || failed.GetMessage() != "t" {
		t.Errorf("read as %v, %v", failed.String(), err)
	}
}

// FuzzDecode: any input is decoded or rejected as malformed.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x0a\x01t\x12\x03row\x1a\x02\x08\x01"))
	f.Add([]byte("\x08\x02\x12\x16\x08\x01\x12\x12\x08\x01\x12\x0e" +
		"\x08\x01\x12\x01c\x1a\x02\x02\x01\x20\x01\x28\x01"))
	f.Add([]byte("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Add(message.AppendDescription(nil, message.Description{Options: message.Options{
		TimeToLive:  ptr(int32(1)),
		MaxVersions: ptr(int32(1)),
		Deviation:   ptr(int64(1)),
		AllowUpdate: ptr(true),
	}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		refuse := func(_ any, err error) {
			if err != nil && !errors.Is(err, message.ErrMalformed) {
				t.Errorf("%T: %v", err, err)
			}
		}
		refuse(message.DecodeCreateTable(b))
		refuse(message.DecodeUpdateTable(b))
		refuse(message.DecodeCreateIndex(b))
		refuse(message.DecodeWrite(b, message.OpPut))
		refuse(message.DecodeBatchWrite(b))
		refuse(message.DecodeGetRow(b))
		refuse(message.DecodeBatchGet(b))
		refuse(message.DecodeGetRange(b))
		refuse(message.DecodeTableName(b))
		filter, err := message.DecodeFilter(b)
		refuse(filter, err)
		if err == nil && filter.Leaves() < 1 {
			t.Errorf("%+v has no leaf", filter)
		}
	})
}
