package value_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"millrace/shared/value"
)

// decodable are texts that Decode accepts, with blanks around them too.
var decodable = []string{
	`null`, `true`, `false`, `""`, `"a"`, `0`, `-0`, `12`, `-1.50`, `1e5`, `1E+05`, `2.5e-3`,
	`1e999`, `12345678901234567890`,
	`[]`, `{}`, `[[]]`, `[1,"a",null,{"b":[true]}]`, `{"a":1,"b":{"c":[]}}`, `{"a":1,"a":{"x":2}}`,
	`{"":0}`,
	`"é😀"`, `"\u00e9\ud83d\ude00"`, `"\uD83D\uDE00"`, `"\"\\\/\b\f\n\r\t"`,
	`"\u0000\u001f\u007F"`, "\"\u2028\"", ` [ 1 , 2 ] `, "\t{\r\n\"a\" : 1 }\n", `"<a>&"`,
}

var undecodable = []string{
	``, ` `, `nul`, `nulll`, `True`, `01`, `1.`, `.5`, `+1`, `-`, `1e`, `1e+`, `--1`, `0x1`, `1_0`,
	`NaN`, `Infinity`, `'a'`, `"a`, `"\`,
	`"\x"`, `"\u12"`, `"\u12g4"`, "\"\n\"", "\"a\\n\x01\"", `[`, `[1`, `[1,`, `[1,]`, `[,]`,
	`[1 2]`, `]`, `{`, `{"a"`, `{"a":`, `{"a":1`,
	`{"a":1,`, `{"a":1,}`, `{a:1}`, `{1:1}`, `{"a" 1}`, `{"a":1 "b":2}`, `1 2`, `{} {}`, `[] x`,
	"\"\xff\"", "\xff", "\x00", "1\x00",
	"\u00a01", `//`,
}

func TestDecode(t *testing.T) {
	for _, text := range decodable {
		got, err := value.Decode([]byte(text))
		want, _ := reference([]byte(text))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %#v, %v, want %#v", text, got, err, want)
		}
	}
	for _, text := range undecodable {
		if got, err := value.Decode([]byte(text)); err == nil || got != nil {
			t.Errorf("%q = %v, want an error", text, got)
		}
	}
}

func TestDecodeDepth(t *testing.T) {
	nested := func(n int) []byte {
		return []byte(strings.Repeat(`{"a":[`, n/2) +
			strings.Repeat(`]}`, n/2))
	}
	if _, err := value.Decode(nested(value.DepthMax)); err != nil {
		t.Error(err)
	}
	if _, err := value.Decode(nested(value.DepthMax + 2)); err != value.ErrDepth {
		t.Error(err)
	}
	if _, err := value.Decode([]byte(strings.Repeat("[", 1_000_000))); err != value.ErrDepth {
		t.Error(err)
	}
}

// TestDecodeOwnsItsText: the result of Decode does not change if the caller changes the text.
func TestDecodeOwnsItsText(t *testing.T) {
	text := []byte(`{"name":["value",12]}`)
	v, err := value.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	clear(text)
	if got := string(value.Encode(v)); got != `{"name":["value",12]}` {
		t.Error(got)
	}
}

func TestCanonical(t *testing.T) {
	cases := []struct{ text, want string }{
		{` { "b" : 1.0 , "a" : [ "<&>" , "\u00e9\/" ] } `, `{"a":["<&>","é/"],"b":1.0}`},
		{`{"é":1,"z":2,"B":3,"":4}`, `{"":4,"B":3,"z":2,"é":1}`},
		{`"\u0000\u001f\"\\\b\f\n\r\t\u007f"`,
			"\"\\u0000\\u001f\\\"\\\\\\u0008\\u000c\\n\\r\\t\u007f\""},
		{`{"a":1,"a":2}`, `{"a":2}`},
	}
	for _, c := range cases {
		got, err := value.Canonical([]byte(c.text))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v, want %s", c.text, got, err, c.want)
		}
	}
	if _, err := value.Canonical([]byte(`{`)); err == nil {
		t.Error("no error")
	}
}

func TestAppend(t *testing.T) {
	got := value.Append([]byte("x"), []any{1, int64(-2), 0.5, 3.0, value.Number("4.0"), nil, true,
		map[string]any{}})
	if string(got) != `x[1,-2,0.5,3,4.0,null,true,{}]` {
		t.Error(string(got))
	}
}

func TestNumbers(t *testing.T) {
	ints := []struct {
		n    value.Number
		want int64
		ok   bool
	}{
		{"5", 5, true}, {"5.0", 5, true}, {"5e2", 500, true}, {"-0", 0, true}, {"5.5", 0, false},
		{"1e300", 0, false}, {"1e999", 0, false},
		{"9223372036854775807", math.MaxInt64, true}, {"-9223372036854775808", math.MinInt64, true},
		{"9223372036854775808", 0, false}, {"x", 0, false}, {"1.00000000000000000001", 0, false},
		{"1e99999999999999999999", 0, false},
		{"9007199254740993.0", 9007199254740993, true},
		{"-92233720368547758080e-1", math.MinInt64, true}, {"1e18", 1e18, true},
		{"0e99999999999999999999", 0, true}, {"5e-1", 0, false}, {"50e-1", 5, true},
	}
	for _, c := range ints {
		if got, ok := value.Int(c.n); got != c.want || ok != c.ok {
			t.Errorf("Int(%s) = %d, %v", c.n, got, ok)
		}
	}
	compares := []struct {
		a, b value.Number
		want int
	}{
		{"1", "1.0", 0}, {"1", "2", -1}, {"2", "1", 1}, {"9007199254740993", "9007199254740992", 1},
		{"-1", "-1.5", 1}, {"1e2", "100", 0},
		{"0", "-0", 0}, {"0.1", "0.2", -1}, {"9223372036854775807", "9223372036854775808", -1},
		{"123456789012345678901234567890", "123456789012345678901234567891", -1},
		{"1.00000000000000000001", "1", 1},
		{"1e400", "1e401", -1}, {"-1e400", "-1e401", 1}, {"1e-400", "0", 1}, {"-1e-400", "0", -1},
		{"0e5", "0e-7", 0},
		{"0.000120e7", "1200", 0}, {"12e99999999999999999999", "12e99999999999999999998", 1},
		{"1e1000000000000000000", "10e999999999999999999", 0},
		{"1e-1000000000000000000", "0.1e-999999999999999999", 0},
		{"1e100000000000000000", "0.1e100000000000000001", 0},
		{"1e-99999999999999999999", "1e5", -1}, {"007", "7", 0},
		{"+7", "7.", 0}, {".5", "5e-1", 0}, {"1e99999999999999999999", "-1e99999999999999999999",
			1},
	}
	for _, c := range compares {
		if got := value.Compare(c.a, c.b); got != c.want {
			t.Errorf("Compare(%s, %s) = %d", c.a, c.b, got)
		}
	}
	for f, want := range map[float64]value.Number{1: "1", -3: "-3", 0.5: "0.5", 1e300: "1e+300",
		1 << 53: "9.007199254740992e+15"} {
		if got := value.FromFloat(f); got != want {
			t.Errorf("FromFloat(%v) = %s", f, got)
		}
	}
}

func TestEqual(t *testing.T) {
	cases := []struct {
		a, b string
		want bool
	}{
		{`null`, `null`, true}, {`null`, `false`, false}, {`1`, `1.0`, true}, {`"1"`, `1`, false},
		{`[1,[2]]`, `[1.0,[2]]`, true},
		{`[1]`, `[1,1]`, false}, {`[]`, `{}`, false}, {`{}`, `{}`, true},
		{`{"a":1}`, `{"b":1}`, false}, {`{"a":{"b":1}}`, `{"a":{"b":1e0}}`, true},
		{`"a"`, `"a"`, true}, {`true`, `true`, true}, {`"a"`, `[]`, false}, {`null`, `{}`, false},
	}
	for _, c := range cases {
		a, _ := reference([]byte(c.a))
		b, _ := reference([]byte(c.b))
		if value.Equal(a, b) != c.want || value.Equal(b, a) != c.want {
			t.Errorf("%s and %s: want %v", c.a, c.b, c.want)
		}
	}
}

func TestMeasure(t *testing.T) {
	for _, text := range decodable {
		v, _ := reference([]byte(text))
		size, err := value.Measure(v, 1<<20)
		if want := len(value.Encode(v)); size != want || err != nil {
			t.Errorf("%s: %d, %v, want %d", text, size, err, want)
		}
	}
	if size, err := value.Measure([]any{1, int64(20), 0.5, strings.Repeat("x", 10)},
		1000); size != 23 || err != nil {
		t.Error(size, err)
	}
}

// TestMeasureBounds: a value whose text would be huge is measured quickly, and a value of the
// maximum depth is accepted.
func TestMeasureBounds(t *testing.T) {
	var v any = []any{"x"}
	for range 60 {
		v = []any{v, v}
	}
	if size, err := value.Measure(v, 1000); size <= 1000 || err != nil {
		t.Error(size, err)
	}
	v = value.Number("1")
	for range value.DepthMax {
		v = map[string]any{"a": v}
	}
	if _, err := value.Measure(v, 1<<20); err != nil {
		t.Error(err)
	}
	if _, err := value.Decode(value.Encode(v)); err != nil {
		t.Error(err)
	}
	for _, deeper := range []any{[]any{v}, map[string]any{"a": v}} {
		if _, err := value.Measure(deeper, 1<<20); err != value.ErrDepth {
			t.Error(err)
		}
		if _, err := value.Decode(value.Encode(deeper)); err != value.ErrDepth {
			t.Error(err)
		}
	}
}

func TestQuote(t *testing.T) {
	if got := value.Quote(`a"b`); got != `"a\"b"` {
		t.Error(got)
	}
	if got := value.Quote(strings.Repeat("é", 500)); len(got) > 220 ||
		!strings.HasSuffix(got, `é…"`) {
		t.Error(got)
	}
}

func FuzzDecode(f *testing.F) {
	for _, text := range append(decodable, undecodable...) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := value.Decode(text)
		want, wantErr := reference(text)
		if err == value.ErrDepth || err == value.ErrMemory {
			return
		}
		if err != nil && strings.Contains(err.Error(), "half a surrogate pair") {
			if wantErr == nil && !strings.Contains(string(value.Encode(want)), "\uFFFD") {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if err != nil && len(text) > value.NumberMax &&
			strings.Contains(err.Error(), "longer than") {
			return
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: %v, the standard library says %v", text, err, wantErr)
		}
		if err != nil {
			return
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q = %#v, want %#v", text, got, want)
		}
		encoded := value.Encode(got)
		if !json.Valid(encoded) {
			t.Fatalf("%q is written as %q", text, encoded)
		}
		again, err := value.Decode(encoded)
		if err != nil || !value.Equal(got, again) {
			t.Fatalf("%q is written as %q, which decodes to %#v, %v", text, encoded, again, err)
		}
		if size, err := value.Measure(got, len(encoded)); size != len(encoded) || err != nil {
			t.Fatalf("%q: measured %d, %v, want %d", text, size, err, len(encoded))
		}
	})
}

var benchmarkText = []byte(
	`{"executionName":"run-1","global":{"g":"v","list":[1,2,3,4,5,6,7,8]},"scopes":[` +
		strings.Repeat(`{"state":"Fetch","attempt":1,"input":{"url":"https://example.com/a?b=c","headers":{"accept":"*/*"},"ok":true,"none":null}},`, 50) +
		`{"state":"Last","note":"two\nlines"}]}`)

func BenchmarkDecode(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(benchmarkText)))
	for b.Loop() {
		if _, err := value.Decode(benchmarkText); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeReference(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(benchmarkText)))
	for b.Loop() {
		if _, err := reference(benchmarkText); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	v, _ := value.Decode(benchmarkText)
	b.ReportAllocs()
	for b.Loop() {
		value.Encode(v)
	}
}

func BenchmarkMeasure(b *testing.B) {
	v, _ := value.Decode(benchmarkText)
	b.ReportAllocs()
	for b.Loop() {
		value.Measure(v, 1<<20)
	}
}
