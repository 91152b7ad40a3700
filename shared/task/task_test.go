package task_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"millrace/shared/task"
	"millrace/shared/value"
)

// named is a runner that answers with its name.
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
		{task.Request{Action: "ocr:Recognize", Legacy: true}, "ocr.UnsupportedOperation"},
		{task.Request{Action: "MNS:SendMessage", Legacy: true, Resource: "acs:mns:::/queues/q/messages"}, "MNS.UnsupportedOperation"},
	}
	table := task.NewTable(nil, nil)
	for _, test := range tests {
		got := table.Run(context.Background(), test.request)
		if got.Error == nil || got.Error.Name != test.want {
			t.Errorf("%v: %v, want %s", test.request.Action, got.Error, test.want)
			continue
		}
		for _, part := range []string{test.request.Action, test.request.Resource, "--functions FILE"} {
			if !strings.Contains(got.Error.Cause, part) {
				t.Errorf("the cause lacks %q: %s", part, got.Error.Cause)
			}
		}
	}
	fallback := task.NewTable(nil, named("other"))
	if got := fallback.Run(context.Background(), task.Request{Action: "A:B"}); string(got.Output) != `"other"` {
		t.Errorf("fallback: %s, %v", got.Output, got.Error)
	}
}

func TestParseARN(t *testing.T) {
	arn, err := task.ParseARN("acs:mns:::/queues/q/messages")
	if err != nil || arn != (task.ARN{Service: "mns", Resource: "queues/q/messages"}) {
		t.Errorf("%+v, %v", arn, err)
	}
	if got := arn.Within("cn-hangzhou", "1").String(); got != "acs:mns:cn-hangzhou:1:queues/q/messages" {
		t.Error(got)
	}
	for _, s := range []string{"", "acs", "acs:fc", "acs:fc:::", "arn:fc:::functions/f", "acs::::functions/f",
		"acs:fc:::" + strings.Repeat("f", 2000)} {
		if arn, err := task.ParseARN(s); err == nil {
			t.Errorf("%.40q was accepted as %+v", s, arn)
		}
	}
}

func FuzzParseARN(f *testing.F) {
	f.Add("acs:fc:::functions/f/LATEST")
	f.Add("acs:fc:cn:1:services/s.q/functions/f")
	f.Fuzz(func(t *testing.T, s string) {
		arn, err := task.ParseARN(s)
		if err != nil {
			return
		}
		if again, err := task.ParseARN(arn.String()); strings.HasPrefix(arn.Resource, "/") == false && (err != nil || again != arn) {
			t.Fatalf("%q → %+v → %+v, %v", s, arn, again, err)
		}
	})
}

func TestEnvelope(t *testing.T) {
	got := task.Answered(map[string][]string{"X-B": {"1", "2"}, "A": {"\xff\""}}, 202, []byte("null")).Output
	const want = `{"Body":null,"Code":202,"Header":{"A":"` + "\uFFFD" + `\"","X-B":"1,2"}}`
	if string(got) != want {
		t.Errorf("%s", got)
	}
	if _, err := value.Decode(got); err != nil {
		t.Error(err)
	}
}

func TestBody(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", `""`}, {`{"a":1}`, `{"a":1}`}, {"12", "12"}, {"hello", `"hello"`}, {"{", `"{"`}, {"\xff", "\"\uFFFD\""},
		{`{"a":1} x`, `"{\"a\":1} x"`}, {strings.Repeat("[", 1000) + strings.Repeat("]", 1000), ""},
	}
	for _, test := range tests {
		got := task.Body([]byte(test.text))
		if test.want != "" && string(got) != test.want {
			t.Errorf("Body(%q) = %s", test.text, got)
		}
		if _, err := value.Decode(got); err != nil {
			t.Errorf("Body(%.20q): %v", test.text, err)
		}
	}
}

func TestBare(t *testing.T) {
	tests := []struct{ text, want, name string }{
		{"", "{}", ""}, {" null\n", "{}", ""}, {`{"a":1}`, `{"a":1}`, ""}, {"[1]", "[1]", ""},
		{"hello", "", task.InvalidLocal}, {"{", "", task.InvalidLocal},
	}
	for _, test := range tests {
		got, err := task.Bare([]byte(test.text))
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
	for raw, want := range map[string]string{"": "", "null": "", `"a\nb"`: "a\nb", `{"a": 1}`: `{"a": 1}`, "12": "12", `"bad`: `"bad`} {
		if got := task.Text(json.RawMessage(raw)); got != want {
			t.Errorf("Text(%s) = %q", raw, got)
		}
	}
}

// envelope writes what Answered makes, piece by piece.
func envelope(header map[string][]string, code int, body json.RawMessage) []byte {
	text := fmt.Appendf(nil, `{"Body":%s,"Code":%d,"Header":{`, body, code)
	for i, name := range slices.Sorted(maps.Keys(header)) {
		if i > 0 {
			text = append(text, ',')
		}
		text = value.AppendString(text, strings.ToValidUTF8(name, "\uFFFD"))
		text = append(text, ':')
		text = value.AppendString(text, strings.ToValidUTF8(strings.Join(header[name], ","), "\uFFFD"))
	}
	return append(text, "}}"...)
}

// TestAnswered holds Answered against the text that envelope writes.
func TestAnswered(t *testing.T) {
	header := map[string][]string{"X-B": {"1", "2"}, "A": {"\xff\""}}
	deep := strings.Repeat("[", value.DepthMax) + strings.Repeat("]", value.DepthMax)
	for name, body := range map[string]string{
		"object": ` {"b":1, "a":[true,null,"x"]} `, "text": "hello", "empty": "", "null": "null", "bad UTF-8": "\xff", "too deep with its envelope": deep,
	} {
		t.Run(name, func(t *testing.T) {
			got := task.Answered(header, 201, []byte(body))
			want, err := value.Canonical(envelope(header, 201, task.Body([]byte(body))))
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

// A parameter counts by its exact name, in the spelling of either language.
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
