package itemtask_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"millrace/shared/flow"
	"millrace/shared/object"
	"millrace/shared/object/memobject"
	"millrace/shared/task"
	"millrace/shared/task/itemtask"
	"millrace/shared/task/reserved"
	"millrace/shared/value"
)

// world is a runner over objects in memory.
type world struct {
	t       *testing.T
	objects *memobject.Store
	runner  *itemtask.Runner
	request task.Request
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, objects: memobject.New("b", "other"),
		request: task.Request{Account: "1", Region: "local"}}
	w.runner = itemtask.New(itemtask.Options{Objects: w.objects})
	return w
}

func (w *world) put(key, body string) {
	w.t.Helper()
	if err := w.objects.Put(w.t.Context(), object.Name{Bucket: "b", Key: key},
		[]byte(body)); err != nil {
		w.t.Fatal(err)
	}
}

// read reads one block. source are members of the source, as JSON.
func (w *world) read(source, cursor string, itemsMax, bytesMax int) task.Result {
	r := w.request
	if cursor == "" {
		cursor = "{}"
	}
	r.Parameters = json.RawMessage(fmt.Sprintf(
		`{"Source":{"Bucket":"b",%s},"Cursor":%s,"ItemsMax":%d,"BytesMax":%d,"ItemBytesMax":100}`,
		source, cursor, itemsMax, bytesMax))
	return w.runner.Run(w.t.Context(), r)
}

// all reads all items in blocks of so many, and the number of blocks.
func (w *world) all(source string, itemsMax, bytesMax int) (items []any, blocks int) {
	w.t.Helper()
	cursor := ""
	for blocks = 1; blocks < 100; blocks++ {
		got := w.read(source, cursor, itemsMax, bytesMax)
		if got.Error != nil {
			w.t.Fatalf("%s at %s: %v", source, cursor, got.Error)
		}
		again := w.read(source, cursor, itemsMax, bytesMax)
		if !bytes.Equal(got.Output, again.Output) {
			w.t.Fatalf("%s at %s: %s, then %s", source, cursor, got.Output, again.Output)
		}
		tree := got.Tree.(map[string]any)
		if n := len(tree["Items"].([]any)); n > itemsMax || n == 0 && tree["End"] == false {
			w.t.Fatalf("%s at %s: %d items", source, cursor, n)
		}
		items = append(items, tree["Items"].([]any)...)
		if tree["End"] == true {
			return items, blocks
		}
		cursor = string(value.Encode(tree["Cursor"]))
	}
	w.t.Fatal("no end")
	return nil, 0
}

// TestItems: each format gives its items, the same in blocks of any size.
func TestItems(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]struct{ source, body, want string }{
		"lines":                {`"InputType":"JSONL"`, "1\n{\"a\": 2}\n\"x\"\n", `[1,{"a":2},"x"]`},
		"lines, CRLF and BOM":  {`"InputType":"JSONL"`, "\ufeff1\r\n\r\n  \n2", `[1,2]`},
		"no line":              {`"InputType":"JSONL"`, "", `[]`},
		"array":                {`"InputType":"JSON"`, "\ufeff [1, {\"a\": [2, \"],\\\"\"]}\n,\n \"x\", true ,null] \n", `[1,{"a":[2,"],\""]},"x",true,null]`},
		"empty array":          {`"InputType":"JSON"`, "[ ]", `[]`},
		"table":                {`"InputType":"CSV"`, "a,b\n1,2\n3,4\n", `[{"a":"1","b":"2"},{"a":"3","b":"4"}]`},
		"table, ragged":        {`"InputType":"CSV"`, "a,b\n1\n\n2,3,4\n,\n", `[{"a":"1","b":""},{"a":"2","b":"3"},{"a":"","b":""}]`},
		"table, CRLF and BOM":  {`"InputType":"CSV"`, "\ufeffa,b\r\n1,2\r\n\r\n3,\"4\"", `[{"a":"1","b":"2"},{"a":"3","b":"4"}]`},
		"table, quotes":        {`"InputType":"CSV"`, "\"a,1\",b\n\"x\n\"\"y\"\"\",\"\"\n2,é\n", `[{"a,1":"x\n\"y\"","b":""},{"a,1":"2","b":"é"}]`},
		"table without rows":   {`"InputType":"CSV"`, "a,b", `[]`},
		"table, given headers": {`"InputType":"CSV","CSVHeaderLocation":"GIVEN","CSVHeaders":["x"]`, "a,b\nc\n", `[{"x":"a"},{"x":"c"}]`},
		"table, bars":          {`"InputType":"CSV","CSVDelimiter":"PIPE"`, "a|b\n1,2|3\n", `[{"a":"1,2","b":"3"}]`},
		"table, tabs":          {`"InputType":"CSV","CSVDelimiter":"TAB"`, "a\tb\n1\t3\n", `[{"a":"1","b":"3"}]`},
	} {
		w.put("f", test.body)
		w.put("f.gz", packed(test.body))
		for _, key := range []string{"f", "f.gz"} {
			source := `"Key":"` + key + `",` + test.source
			for _, size := range []struct{ items, bytes int }{{1, 1000}, {2, 1000}, {100, 1}, {100, 1000}} {
				items, blocks := w.all(source, size.items, size.bytes)
				if items == nil {
					items = []any{}
				}
				if got := string(value.Encode(items)); got != test.want {
					t.Errorf("%s, %s in blocks of %v: %s, want %s", name, key, size, got, test.want)
				}
				if size.items == 100 && size.bytes == 1000 && blocks != 1 {
					t.Errorf("%s: %d blocks", name, blocks)
				}
			}
		}
	}
}

func packed(body string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(body))
	z.Close()
	return b.String()
}

// TestListing: the objects of a bucket are the items, in the order of their keys.
func TestListing(t *testing.T) {
	w := newWorld(t)
	for _, key := range []string{"in/b", "in/a", "in/c", "out/a"} {
		w.put(key, key)
	}
	for _, n := range []int{1, 2, 100} {
		items, _ := w.all(`"Prefix":"in/"`, n, 1000)
		var keys []string
		for _, i := range items {
			o := i.(map[string]any)
			keys = append(keys, o["Key"].(string))
			if o["Size"] != value.Number("4") || o["Etag"] == "" || o["LastModified"] == nil {
				t.Errorf("%v", o)
			}
		}
		if got := strings.Join(keys, " "); got != "in/a in/b in/c" {
			t.Errorf("by %d: %s", n, got)
		}
	}
	if items, _ := w.all(`"Prefix":"none"`, 3, 1000); len(items) != 0 {
		t.Errorf("%v", items)
	}
}

// TestInventory: the rows of all files of a manifest are the items.
func TestInventory(t *testing.T) {
	w := newWorld(t)
	w.put("data/1.csv.gz", packed("\"src\",\"a%2Fb+c\",\"1\"\n\"src\",\"d\",\"2\"\n"))
	w.put("data/2.csv", "")
	w.put("data/3.csv", "src,e,3\n")
	w.put("manifest.json", `{"sourceBucket":"src","destinationBucket":"arn:aws:s3:::b","fileFormat":`+
		`"CSV","fileSchema":"Bucket, Key, Size","version":"1","files":[{"key":"data/1.csv.gz","size":1},`+
		`{"key":"data/2.csv"},{"key":"data/3.csv"}]}`)
	const want = `[{"Bucket":"src","Key":"a/b c","Size":"1"},{"Bucket":"src","Key":"d","Size":"2"},` +
		`{"Bucket":"src","Key":"e","Size":"3"}]`
	for _, n := range []int{1, 2, 100} {
		items, _ := w.all(`"Key":"manifest.json","InputType":"MANIFEST"`, n, 1000)
		if got := string(value.Encode(items)); got != want {
			t.Errorf("by %d: %s", n, got)
		}
	}
}

// TestMistakes: what cannot be read fails with the object, the line and the reason.
func TestMistakes(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("x", 100)
	for body, test := range map[string][2]string{
		"1\n{]\n":                                {`"InputType":"JSONL"`, "b/f, line 2: unexpected"},
		"1\n\"" + long + "\"":                    {`"InputType":"JSONL"`, "b/f, line 2: the item is longer than the 100"},
		"1\n" + long + strings.Repeat(long, 99):  {`"InputType":"JSONL"`, "b/f, line 2: the line is longer"},
		"{}":                                     {`"InputType":"JSON"`, "b/f, line 1: a JSON array must begin with ["},
		"":                                       {`"InputType":"JSON"`, "b/f, line 1: the array ends too early"},
		"[1,\n2":                                 {`"InputType":"JSON"`, "b/f, line 2: the array ends too early"},
		"[1,\n\n]":                               {`"InputType":"JSON"`, "b/f, line 3: an element of the array is missing"},
		"[1\n2]":                                 {`"InputType":"JSON"`, "b/f, line 1: unexpected"},
		"[1] 2":                                  {`"InputType":"JSON"`, "b/f, line 1: something follows the array"},
		"[\"a\" \"b\"]":                          {`"InputType":"JSON"`, "b/f, line 1: unexpected"},
		"[\n" + strings.Repeat("[", 3000):        {`"InputType":"JSON"`, "b/f, line 2: the element is longer"},
		"a,a\n1,2":                               {`"InputType":"CSV"`, `b/f, line 1: the header "a" occurs twice`},
		"a,\n1,2":                                {`"InputType":"CSV"`, `b/f, line 1: header 2 is empty`},
		"\n\n":                                   {`"InputType":"CSV"`, `b/f, line 1: the file has no row with headers`},
		"a\n1\nx\"y\n":                           {`"InputType":"CSV"`, `b/f, line 3: bare " in non-quoted`},
		"a\n1\n\"x\ny":                           {`"InputType":"CSV"`, `b/f, line 3: extraneous or missing " in quoted-field`},
		"a\n1\n\"" + strings.Repeat("x\n", 9000): {`"InputType":"CSV"`, `b/f, line 3: the row is longer`},
		"a\n1\n\xff":                             {`"InputType":"CSV"`, `b/f, line 3: the row is not UTF-8`},
		"a\n" + long:                             {`"InputType":"CSV"`, `b/f, line 2: the item is longer than the 100 bytes`},
		"{} ":                                    {`"InputType":"MANIFEST"`, `b/f: the format of an inventory must be CSV`},
		"x":                                      {`"InputType":"MANIFEST"`, `b/f: it is no manifest`},
		`{"fileFormat":"CSV","fileSchema":"Key","files":[{"key":"none"}]}`: {`"InputType":"MANIFEST"`,
			`b/none: there is no such object`},
		"y": {`"InputType":"XML"`, "InputType must be CSV, JSON, JSONL or MANIFEST"},
		"z": {`"InputType":"CSV","CSVDelimiter":","`, "CSVDelimiter must be"},
		"w": {`"InputType":"CSV","CSVHeaderLocation":"GIVEN"`, "CSVHeaders: there are no headers"},
	} {
		w.put("f", body)
		for _, n := range []int{1, 100} {
			got := w.failure(`"Key":"f",`+test[0], n)
			if !strings.Contains(got, test[1]) {
				t.Errorf("%.20q by %d: %.200s, want %s", body, n, got, test[1])
			}
		}
	}
	w.put("f.gz", "this is plain text")
	for source, want := range map[string]string{
		`"Key":"f.gz","InputType":"JSONL"`: "b/f.gz: it is no valid gzip file",
		`"Key":"no","InputType":"JSONL"`:   "b/no: there is no such object",
		`"InputType":"JSONL"`:              "Parameters.Key is required",
		`"Bucket":"no","Prefix":"x"`:       `bucket no, prefix "x": there is no such bucket`,
		`"Bucket":""`:                      "Parameters.Bucket is required",
		`"Key":7`:                          "wrong types",
	} {
		if got := w.failure(source, 1); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", source, got, want)
		}
	}
}

// failure returns the cause of the error with which reading ends.
func (w *world) failure(source string, itemsMax int) string {
	w.t.Helper()
	cursor := ""
	for range 100 {
		got := w.read(source, cursor, itemsMax, 1000)
		if got.Error != nil {
			if got.Error.Name != flow.ErrItemReader {
				w.t.Errorf("%s: %v", source, got.Error)
			}
			return got.Error.Cause
		}
		tree := got.Tree.(map[string]any)
		if tree["End"] == true {
			return "no error"
		}
		cursor = string(value.Encode(tree["Cursor"]))
	}
	return "no end"
}

// TestChanged: an object that changes while it is read fails the next block.
func TestChanged(t *testing.T) {
	w := newWorld(t)
	const source = `"Key":"f","InputType":"JSONL"`
	w.put("f", "1\n2\n3\n")
	first := w.read(source, "", 2, 1000)
	cursor := string(value.Encode(first.Tree.(map[string]any)["Cursor"]))
	w.put("f", "1\n2\n4\n")
	got := w.read(source, cursor, 2, 1000)
	if got.Error == nil || !strings.Contains(got.Error.Cause,
		"b/f, after line 2: the object has changed while it was read") {
		t.Errorf("%s %v", got.Output, got.Error)
	}
}

// TestRights: the flow needs the right to each object, and to list the bucket. The engine's own
// buckets are read for no flow.
func TestRights(t *testing.T) {
	w := newWorld(t)
	w.put("f", "1")
	w.put("m", `{"fileFormat":"CSV","fileSchema":"Key","destinationBucket":"other","files":[{"key":"x"}]}`)
	var asked []string
	w.request.May = func(action, resource string) bool {
		asked = append(asked, action+" "+resource)
		return strings.HasSuffix(resource, "/m")
	}
	for source, want := range map[string]string{
		`"Key":"f","InputType":"JSONL"`:    "oss:GetObject on acs:oss:local:1:b/f",
		`"Prefix":"f"`:                     "oss:ListObjects on acs:oss:local:1:b",
		`"Key":"m","InputType":"MANIFEST"`: "oss:GetObject on acs:oss:local:1:other/x",
	} {
		if got := w.failure(source, 10); !strings.Contains(got, want) {
			t.Errorf("%s: %s", source, got)
		}
	}
	if len(asked) != 4 {
		t.Errorf("%q", asked)
	}
	w.request.May = nil
	w.runner = itemtask.New(itemtask.Options{Objects: w.objects,
		Own: reserved.Alibaba("q", "f", "s", []string{"acs:oss:*:*:b"})})
	for _, source := range []string{`"Key":"f","InputType":"JSONL"`, `"Prefix":"f"`} {
		if got := w.failure(source, 10); !strings.Contains(got, "reserved") &&
			!strings.Contains(got, "MILLRACE_RESERVED") {
			t.Errorf("%s: %s", source, got)
		}
	}
	w.runner = itemtask.New(itemtask.Options{})
	if got := w.failure(`"Prefix":"f"`, 1); !strings.Contains(got, "functions file") {
		t.Error(got)
	}
}

// TestWrite: a file is written under its key, with the right of the flow; written again, it is the
// same.
func TestWrite(t *testing.T) {
	w := newWorld(t)
	write := func(bucket string) *flow.Error {
		w.request.Parameters = json.RawMessage(`{"Bucket":"` + bucket +
			`","Key":"out/r/SUCCEEDED_0.json","Body":"[1,\"é\"]"}`)
		return w.runner.Run(t.Context(), w.request).Error
	}
	for range 2 {
		if err := write("b"); err != nil {
			t.Fatal(err)
		}
		items, _ := w.all(`"Key":"out/r/SUCCEEDED_0.json","InputType":"JSON"`, 5, 100)
		if got := string(value.Encode(items)); got != `[1,"é"]` {
			t.Error(got)
		}
	}
	if err := write("none"); err == nil || err.Name != flow.ErrResultWriter ||
		!strings.Contains(err.Cause, "none/out/r/SUCCEEDED_0.json: there is no such bucket") {
		t.Error(err)
	}
	w.request.May = func(action, resource string) bool { return action != "oss:PutObject" }
	if err := write("b"); err == nil || !strings.Contains(err.Cause,
		"oss:PutObject on acs:oss:local:1:b/out/r/SUCCEEDED_0.json") {
		t.Error(err)
	}
	w.request.May = nil
	w.runner = itemtask.New(itemtask.Options{Objects: w.objects,
		Own: reserved.Alibaba("q", "f", "s", []string{"acs:oss:*:*:b/out/*"})})
	if err := write("b"); err == nil || !strings.Contains(err.Cause, "MILLRACE_RESERVED") {
		t.Error(err)
	}
	w.runner = itemtask.New(itemtask.Options{})
	if err := write("b"); err == nil || !strings.Contains(err.Cause, "functions file") {
		t.Error(err)
	}
	if err := write(""); err == nil || !strings.Contains(err.Cause, "Bucket is required") {
		t.Error(err)
	}
}

// failing is a store whose first calls fail.
type failing struct {
	object.Store
	failures int
	err      error
}

func (f *failing) Open(
	ctx context.Context, name object.Name, etag string, offset int64,
) (object.Info, io.ReadCloser, error) {
	if f.failures--; f.failures >= 0 {
		return object.Info{}, nil, f.err
	}
	i, r, err := f.Store.Open(ctx, name, etag, offset)
	if f.failures == -1 && err == nil {
		r = io.NopCloser(io.MultiReader(io.LimitReader(r, 3), broken{}))
	}
	return i, r, err
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestRetries: an error that may be temporary is tried again, and nothing is read twice by it.
func TestRetries(t *testing.T) { synctest.Test(t, testRetries) }

func testRetries(t *testing.T) {
	w := newWorld(t)
	w.put("f", "1\n2\n3\n")
	f := &failing{Store: w.objects, failures: 1, err: errors.New("the line is dead")}
	w.runner = itemtask.New(itemtask.Options{Objects: f})
	got := w.read(`"Key":"f","InputType":"JSONL"`, "", 10, 1000)
	if got.Error != nil || !strings.Contains(string(got.Output), `"Items":[1,2,3]`) || f.failures != -2 {
		t.Errorf("%s %v after %d", got.Output, got.Error, f.failures)
	}
	f.failures, f.err = 1, object.ErrDenied
	if got := w.failure(`"Key":"f","InputType":"JSONL"`, 10); f.failures != 0 ||
		!strings.Contains(got, "b/f: access is denied") {
		t.Errorf("%s after %d", got, f.failures)
	}
}
