package value_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"millrace/shared/value"
)

type exactInner struct {
	Name  string `json:"name"`
	Count int
}

type exactTarget struct {
	Code    string                `json:"Code"`
	Message json.RawMessage       `json:"Message"`
	Inner   exactInner            `json:"inner"`
	Pointer *exactInner           `json:"pointer"`
	List    []exactInner          `json:"list"`
	Map     map[string]exactInner `json:"map"`
	Plain   map[string]string     `json:"plain"`
	Any     any                   `json:"any"`
	Loud    loud                  `json:"loud"`
	Number  json.Number           `json:"number"`
	exactBase
	ExactEmbedded
}

// loud decodes itself from a text.
type loud string

func (l *loud) UnmarshalText(text []byte) error {
	*l = loud(strings.ToUpper(string(text)))
	return nil
}

type exactBase struct{ Hidden string }

// ExactEmbedded is embedded, and its fields are members of the outer object.
type ExactEmbedded struct{ Outer string }

func TestUnmarshalIsExact(t *testing.T) {
	text := `{"code":"wrong","Code":"right","CODE":"wrong","message":1,"INNER":{"name":"wrong"},"inner":{"Name":"wrong","Count":2,"count":3},
		"pointer":{"NAME":"wrong","name":"p"},"list":[{"name":"a"},{"Name":"wrong"}],"map":{"K":{"Name":"wrong","Count":1},"k":{"name":"x"}},
		"plain":{"A":"1","a":"2"},"any":{"A":1,"a":2},"Outer":"o","outer":"wrong","Hidden":"h","hidden":"wrong"}`
	var got exactTarget
	if err := value.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	want := exactTarget{Code: "right", Inner: exactInner{Count: 2}, Pointer: &exactInner{Name: "p"},
		List:  []exactInner{{Name: "a"}, {}},
		Map:   map[string]exactInner{"K": {Count: 1}, "k": {Name: "x"}},
		Plain: map[string]string{"A": "1", "a": "2"},
		Any:   map[string]any{"A": 1.0, "a": 2.0}, exactBase: exactBase{"h"},
		ExactEmbedded: ExactEmbedded{Outer: "o"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

// TestUnmarshalLikeJSON: for exact names, Unmarshal does the same as encoding/json, errors
// included.
func TestUnmarshalLikeJSON(t *testing.T) {
	for _, text := range []string{
		`{"Code":"c","Message":{"a":[1]},"list":null,"pointer":null,"map":null,"inner":null}`,
		`{"Code":7,"inner":{"name":"x"}}`, `[]`, `7`, `null`, `{}`, `{`,
		`{"list":{}}`, `{"map":[]}`, `{"inner":[]}`, `{"Code":"c"} x`, `{"Message":"\u00e9"}`,
		" { \"Code\" : \"a,}]\\\"\" ,\n\"\\u0043ode\"\t:\"b\" , \"list\" : [ { \"name\" : \"x\" } , null ,{}] , \"inner\":{\"Count\": 1e0 } } ",
		` { } `, `{"list":[ ]}`, `{"list":[{"name":1},{"name":"b"}]}`,
		`{"map":{"a":{"name":1},"b":{"name":"b"}},"Outer":"o","Hidden":"h"}`,
		`{"number":"many"}`, `{"number":"12"}`, `{"number":12e1}`, `{"number":""}`,
		`{"loud":"a","Code":"é\u0000","plain":{"b":"\ud83d\ude00"}}`,
	} {
		var got, want exactTarget
		err, wantErr := value.Unmarshal([]byte(text), &got), json.Unmarshal([]byte(text), &want)
		if (err == nil) != (wantErr == nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v %v, want %+v %v", text, got, err, want, wantErr)
		}
	}
}

// TestUnmarshalLenient: UnmarshalLenient accepts what encoding/json accepts, but only exact names.
func TestUnmarshalLenient(t *testing.T) {
	var got struct {
		Name  string
		Items []json.RawMessage
	}
	text := `{"Items":["\ud800",{"n":1}],"name":"wrong","Name":"\ud800","Long":` +
		strings.Repeat("1", 2000) + `}`
	if err := value.UnmarshalLenient([]byte(text), &got); err != nil || len(got.Items) != 2 ||
		got.Name != "\uFFFD" {
		t.Errorf("%+v %v", got, err)
	}
	if err := value.Unmarshal([]byte(text), &got); err == nil {
		t.Error("half a surrogate pair is taken")
	}
	if err := value.UnmarshalLenient([]byte("{\"Name\":\"\xff\"}"), &got); err != nil ||
		got.Name != "\uFFFD" {
		t.Errorf("%+v %v", got, err)
	}
	for _, text := range []string{"", "{", `{"Name":}`, `{} {}`} {
		if value.UnmarshalLenient([]byte(text), &got) == nil ||
			value.Unmarshal([]byte(text), &got) == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	text := []byte(`{"v":1,"p":"x#flow#execution"}`)
	var to struct {
		Version   int    `json:"v"`
		Partition string `json:"p"`
	}
	b.Run("exact", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = value.UnmarshalLenient(text, &to)
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = json.Unmarshal(text, &to)
		}
	})
}
