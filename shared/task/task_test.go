package task_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/value"
)

// named returns a runner whose result is its name.
func named(name string) task.Runner {
	return task.RunnerFunc(func(context.Context, task.Request) task.Result {
		return task.Result{Output: json.RawMessage(`"` + name + `"`)}
	})
}

func TestTableFindsTheRunner(t *testing.T) {
	table := task.NewTable(map[string]task.Runner{
		"FC:InvokeFunction":  named("fc"),
		"FNF:StartExecution": named("fnf"),
	}, nil)
	tests := []struct{ action, want string }{
		{"FC:InvokeFunction", `"fc"`},
		{"FC::InvokeFunction", `"fc"`},
		{"fc:InvokeFunction", `"fc"`},
		{"fnf:StartExecution", `"fnf"`},
		{"fnf:startexecution", ""},
		{"ECS:DescribeInstances", ""},
		{"", ""},
	}
	for _, test := range tests {
		got := table.Run(context.Background(), task.Request{Action: test.action})
		if string(got.Output) != test.want || (test.want == "") != (got.Error != nil) {
			t.Errorf("%q: %s, %v", test.action, got.Output, got.Error)
		}
	}
}

func TestUnsupportedNamesTheWayOut(t *testing.T) {
	tests := []struct {
		request task.Request
		want    string
	}{
		{task.Request{Action: "ECS:DescribeInstances"}, "ECS.ActionNotSupported"},
		{task.Request{Action: "ocr:Recognize", Dialect: flow.FlowV1}, "ocr.UnsupportedOperation"},
		{
			task.Request{Action: "MNS:SendMessage", Dialect: flow.FlowV1,
				Resource: "acs:mns:::/queues/q/messages"}, "MNS.UnsupportedOperation",
		},
	}
	table := task.NewTable(nil, nil)
	for _, test := range tests {
		got := table.Run(context.Background(), test.request)
		if got.Error == nil || got.Error.Name != test.want {
			t.Errorf("%v: %v, want %s", test.request.Action, got.Error, test.want)
			continue
		}
		for _, part := range []string{
			test.request.Action, test.request.Resource, "--functions FILE",
		} {
			if !strings.Contains(got.Error.Cause, part) {
				t.Errorf("the cause lacks %q: %s", part, got.Error.Cause)
			}
		}
	}
	fallback := task.NewTable(nil, named("other"))
	if got := fallback.Run(context.Background(),
		task.Request{Action: "A:B"}); string(got.Output) != `"other"` {
		t.Errorf("fallback: %s, %v", got.Output, got.Error)
	}
}

func TestEnvelope(t *testing.T) {
	got := task.HTTPResult(map[string][]string{"X-B": {"1", "2"}, "A": {"\xff\""}}, 202,
		[]byte("null")).Output
	const want = `{"Body":null,"Code":202,"Header":{"A":"ÿ\"","X-B":"1,2"}}`
	if string(got) != want {
		t.Errorf("%s", got)
	}
	if _, err := value.Decode(got); err != nil {
		t.Error(err)
	}
}

func TestBody(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", `""`}, {`{"a":1}`, `{"a":1}`}, {"12", "12"}, {"hello", `"hello"`}, {"{", `"{"`},
		{`{"a":1} x`, `"{\"a\":1} x"`},
		{"\uFEFF[1]", "[1]"}, {"\uFEFFhello", `"hello"`}, {"a\uFEFF", "\"a\uFEFF\""},
	}
	for _, test := range tests {
		got, failed := task.Body("", []byte(test.text))
		if failed != nil || string(got) != test.want {
			t.Errorf("Body(%q) = %s, %v", test.text, got, failed)
		}
		if _, err := value.Decode(got); err != nil {
			t.Errorf("Body(%.20q): %v", test.text, err)
		}
	}
}

func TestBare(t *testing.T) {
	tests := []struct{ text, want, name string }{
		{"", "{}", ""}, {" null\n", "{}", ""}, {`{"a":1}`, `{"a":1}`, ""}, {"[1]", "[1]", ""},
		{"hello", "", flow.ErrInvalidLocal}, {"{", "", flow.ErrInvalidLocal}, {"\uFEFF{}", "{}",
			""},
		{"\uFEFFnull", "{}", ""}, {"\uFEFF", "{}", ""},
	}
	for _, test := range tests {
		got, err := task.JSONBody("text/plain", []byte(test.text))
		name := ""
		if err != nil {
			name = err.Name
		}
		if string(got) != test.want || name != test.name {
			t.Errorf("Bare(%q) = %s, %v", test.text, got, err)
		}
	}
}

func TestText(t *testing.T) {
	for raw, want := range map[string]string{
		"": "", "null": "", `"a\nb"`: "a\nb", `{"a": 1}`: `{"a": 1}`, "12": "12", `"bad`: `"bad`,
	} {
		if got := task.Text(json.RawMessage(raw)); got != want {
			t.Errorf("Text(%s) = %q", raw, got)
		}
	}
}

// envelope builds the output of HTTPResult, piece by piece.
func envelope(header map[string][]string, code int, body json.RawMessage) []byte {
	text := fmt.Appendf(nil, `{"Body":%s,"Code":%d,"Header":{`, body, code)
	for i, name := range slices.Sorted(maps.Keys(header)) {
		if i > 0 {
			text = append(text, ',')
		}
		text = value.AppendString(text, name)
		text = append(text, ':')
		text = value.AppendString(text, strings.Join(header[name], ","))
	}
	return append(text, "}}"...)
}

// TestAnswered compares HTTPResult with the text that envelope builds.
func TestAnswered(t *testing.T) {
	header := map[string][]string{"X-B": {"1", "2"}, "A": {"é\""}}
	deep := strings.Repeat("[", value.DepthMax) + strings.Repeat("]", value.DepthMax)
	for name, body := range map[string]string{
		"object": ` {"b":1, "a":[true,null,"x"]} `, "text": "hello", "empty": "", "null": "null",
		"marked": "\uFEFF[1]", "marked text": "\uFEFFhello", "too deep with its envelope": deep,
	} {
		t.Run(name, func(t *testing.T) {
			got := task.HTTPResult(header, 201, []byte(body))
			text, failed := task.Body("", []byte(body))
			if failed != nil {
				t.Fatal(failed)
			}
			want, err := value.Canonical(envelope(header, 201, text))
			if err != nil {
				if got.Tree != nil {
					t.Errorf("a tree of a text that cannot be read again: %v", err)
				}
				return
			}
			if string(got.Output) != string(want) || got.Error != nil {
				t.Errorf("got %s, want %s", got.Output, want)
			}
			if again := value.Encode(got.Tree); string(again) != string(want) {
				t.Errorf("the tree is %s, want %s", again, want)
			}
		})
	}
}

// TestAnswersThatAreNotTaken: a body that the engine does not accept never becomes a text that
// looks like it: JSON beyond the engine's limits, bytes that are not UTF-8, unknown charsets. Each
// error says why, and shows the Content-Type.
func TestAnswersThatAreNotTaken(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	digits := strings.Repeat("7", value.NumberMax+1)
	members := `[{"":0}` + strings.Repeat(`,{"":0}`, 200_000) + "]"
	for name, c := range map[string]struct{ kind, body, want string }{
		"binary": {
			"image/png", "\x89PNG\r\n\x1a\n", `no text in UTF-8 (Content-Type "image/png")`,
		},
		"nothing said": {"", "{\"a\":\"\xe9\"}", `no text in UTF-8 (it has no Content-Type)`},
		"not as declared": {
			"text/plain; charset=utf-8", "\xe9",
			`no text in UTF-8 (Content-Type "text/plain; charset=utf-8")`,
		},
		"unknown charset": {
			"text/html;charset=Big5", "a",
			`its charset is not known here (Content-Type "text/html;charset=Big5")`,
		},
		"no GBK": {
			"application/json; charset=GBK", "{\"a\":\"\xff\xff\"}",
			`no text of its charset (Content-Type "application/json; charset=GBK")`,
		},
		"too deep": {
			"application/json", deep(value.DepthMax + 1), "nested deeper than 256 levels",
		},
		"far too deep": {"application/json", deep(100_000), "nested deeper than 256 levels"},
		"a long number": {
			"application/json", `{"n":` + digits + `}`, "longer than 1000 characters",
		},
		"much memory": {"application/json", members, "too much memory"},
		"half a pair": {
			"application/json", `{"a\ud800":1,"a\ud801":2}`, "half a surrogate pair",
		},
		"half a pair, GB": {
			"application/json;charset=gb18030", `"\ud800"`, "half a surrogate pair",
		},
		"a header of binary": {"a/b\xff", "\xff", `Content-Type "a/bÿ"`},
	} {
		header := map[string][]string{"Content-Type": {c.kind}}
		if c.kind == "" {
			delete(header, "Content-Type")
		}
		result := task.HTTPResult(header, 200, []byte(c.body))
		_, bare := task.JSONBody(c.kind, []byte(c.body))
		_, body := task.Body(c.kind, []byte(c.body))
		for _, got := range []*flow.Error{result.Error, bare, body} {
			if got == nil || got.Name != flow.ErrInvalidLocal || !strings.Contains(got.Cause,
				c.want) {
				t.Errorf("%s: %v, want %s", name, got, c.want)
			}
		}
		if cause := task.Cause(header, 500, []byte(c.body)); !strings.Contains(cause,
			`"Code":500`) ||
			!strings.Contains(cause, string(value.AppendString(nil, c.want)[1:len(c.want)])) {
			t.Errorf("%s: the cause is %s", name, cause)
		}
	}
	for _, text := range []string{digits + " hello", `{"n":` + digits, `"\ud800`, `say "\ud800"`} {
		if got, failed := task.Body("", []byte(text)); failed != nil ||
			string(got) != string(value.AppendString(nil, text)) {
			t.Errorf("%.20q, which is no JSON at all: %.40s, %v", text, got, failed)
		}
	}
}

// TestAnswersInOtherCharsets: a declared charset is the charset of the response, JSON or not.
func TestAnswersInOtherCharsets(t *testing.T) {
	for _, c := range []struct{ kind, body, want string }{
		// \xc2\xa3 is valid UTF-8, too: "£"
		{"application/json;charset=GBK", "{\"\xd6\xd0\":\"\xc2\xa3\"}", `{"中":"拢"}`},
		{"text/plain; charset=gb18030", "\x94\x39\xda\x33", `"💩"`},
		{"text/plain; charset=ISO-8859-1", "\xe9\x80", "\"é\u0080\""},
		{"text/plain; charset=utf-16", "\xff\xfe{\x00}\x00", `{}`},
	} {
		got := task.HTTPResult(map[string][]string{"Content-Type": {c.kind}}, 200, []byte(c.body))
		want := `{"Body":` + c.want + `,"Code":200,"Header":{"Content-Type":"` + c.kind + `"}}`
		if string(got.Output) != want {
			t.Errorf("%s, %q: %s, %v", c.kind, c.body, got.Output, got.Error)
		}
	}
}

// TestInvocationNames: parameter names are exact, in the spelling of either dialect.
func TestInvocationNames(t *testing.T) {
	for parameters, want := range map[string]string{
		`{"resourceArn":"r","invocationType":"Async","body":"b"}`:                    "r Async b",
		`{"resourceArn":"r","InvocationType":"Async"}`:                               "r Async ",
		`{"resourceArn":"r","invocationType":"Sync","InvocationType":"Async"}`:       "r Sync ",
		`{"resourceArn":"r","RESOURCEARN":"x","invocationtype":"Async","Body":"no"}`: "r  ",
		`{"ResourceArn":"r"}`: "resourceArn is required",
	} {
		v, err := task.ReadInvocation(&task.Request{Parameters: json.RawMessage(parameters)})
		got := fmt.Sprint(err)
		if err == nil {
			got = v.ResourceArn + " " + v.Type + " " + string(v.Event)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", parameters, got, want)
		}
	}
}
