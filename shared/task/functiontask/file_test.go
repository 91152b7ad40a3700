package functiontask_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/functiontask"
)

const example = `
functions:
  - match: acs:fc:*:*:functions/greet/*
    http: http://127.0.0.1:9001
  - match: charge*
    command: [./charge, --port, 80]
    dir: bin
    env: {A: b, N: 1, EMPTY: ""}
    concurrency: 4
    timeout: 1.5
  - match: hello
    reply: {message: hi, n: 12345678901234567890, list: [1.50, null, true, 2020-01-02], hex: 0x10}
  - match: broken
    error: {name: Boom, cause: text}
actions:
  - match: MNS:*
    http: http://127.0.0.1:9002/x
    timeout: 3
  - match: SMS:SendSms
    reply: null
`

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "functions.yaml")
	if err := os.WriteFile(path, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := functiontask.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	want := &functiontask.File{
		Functions: []functiontask.Function{
			{
				Mapping: task.Mapping{
					Match: "acs:fc:*:*:functions/greet/*", HTTP: "http://127.0.0.1:9001",
				},
			},
			{
				Mapping: task.Mapping{Match: "charge*", Timeout: 1500 * time.Millisecond},
				Command: []string{"./charge", "--port", "80"}, Dir: filepath.Join(dir, "bin"),
				Env: map[string]string{"A": "b", "N": "1", "EMPTY": ""}, Concurrency: 4,
			},
			{Mapping: task.Mapping{Match: "hello", Reply: json.RawMessage(
				`{"hex":16,"list":[1.50,null,true,"2020-01-02"],"message":"hi","n":` +
					`12345678901234567890}`)}},
			{
				Mapping: task.Mapping{
					Match: "broken", Error: &flow.Error{Name: "Boom", Cause: "text"},
				},
			},
		},
		Actions: []task.Mapping{
			{Match: "MNS:*", HTTP: "http://127.0.0.1:9002/x", Timeout: 3 * time.Second},
			{Match: "SMS:SendSms", Reply: json.RawMessage("null")},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if _, err := functiontask.Load(filepath.Join(dir, "none.yaml")); err == nil {
		t.Error("a missing file was loaded")
	}
}

func TestParseJSONAndEmpty(t *testing.T) {
	got, err := functiontask.Parse([]byte(`{"functions": [{"match": "f", "reply": {"a": [1]}}]}`))
	if err != nil || len(got.Functions) != 1 || string(got.Functions[0].Reply) != `{"a":[1]}` {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{"", "# nothing\n", "functions:\nactions: []\n"} {
		if got, err := functiontask.Parse([]byte(text)); err != nil ||
			len(got.Functions)+len(got.Actions) > 0 {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ text, want string }{ // C is a column
		{"functions: [", "functions:1: did not find"},
		{"- a", "functions:1:C: an object is wanted"},
		{"function: []", `functions:1:C: unknown field "function"; known here: actions, functions`},
		{"functions: 3", "a list is wanted"},
		{"functions:\n- 3", "functions:2:C: an object is wanted"},
		{"functions:\n- reply: 1", "functions:2:C: match is missing"},
		{"functions:\n- match: f", "functions:2:C: exactly one of"},
		{"functions:\n- match: f\n  reply: 1\n  http: http://h", "functions:2:C: exactly one of"},
		{
			"functions:\n- match: f\n  reply: 1\n  reply: 2",
			`functions:4:C: the field "reply" stands twice`,
		},
		{"functions:\n- match: f\n  http: h:80", "functions:3:C: http wants"},
		{"functions:\n- match: f\n  command: []", "functions:2:C: command names no program"},
		{"functions:\n- match: f\n  command: ./x", "functions:3:C: a list is wanted"},
		{
			"functions:\n- match: f\n  command: [x]\n  concurrency: 1.5",
			"functions:4:C: concurrency must be an integer",
		},
		{
			"functions:\n- match: f\n  command: [x]\n  concurrency: 0",
			"functions:4:C: a number above 0",
		},
		{"functions:\n- match: f\n  reply: 1\n  timeout: NaN", "functions:4:C: a number above 0"},
		{"functions:\n- match: f\n  reply: 1\n  timeout: 100000", "at most 86400"},
		{"functions:\n- match: f\n  reply: 1\n  dir: x", "dir belongs to a command"},
		{"functions:\n- match: f\n  command: [x]\n  env: {A=B: c}", "no name of a variable"},
		{"functions:\n- match: f\n  reply: .inf", "JSON has no number .inf"},
		{"functions:\n- match: f\n  reply: {a: 1, a: 2}", "no key of its own"},
		{"functions:\n- match: f\n  reply: [&a 1, *a]", "aliases are not supported"},
		{"functions:\n- match: f\n  error: {cause: c}", "the error has no name"},
		{
			"functions:\n- match: f\n  reply: 1 # x\r  timeout: 1",
			"functions:3:15: a carriage return",
		},
		{"functions:\n- match: f\n  reply: x\u202e", "functions:3:11: U+202E"},
		{"functions:\n- match: f\n  reply: {<<: {a: 1}}", "functions:3:11: merge keys"},
		{"functions:\n- match: f\n  reply: !!binary aGk=", "a tag that YAML 1.2 does not know"},
		{"%YAML 1.1\n---\nfunctions: []", "the text says that it is YAML 1.1"},
		{"functions: []\n---\nfunctions: []", "must be one YAML document"},
		{"actions:\n- match: A:B\n  command: [x]", `functions:3:C: unknown field "command"`},
		{strings.Repeat("#", 1<<20+1), "larger than"},
	}
	for _, test := range tests {
		_, err := functiontask.Parse([]byte(test.text))
		want := regexp.MustCompile(strings.Replace(regexp.QuoteMeta(test.want), ":C:", `:\d+:`, 1))
		if err == nil || !want.MatchString(err.Error()) {
			t.Errorf("%.60q: %v, want %q", test.text, err, test.want)
		}
	}
}

// TestYAML12: a functions file is read by the rules of YAML 1.2, comments to their end and scalars
// by its core schema.
func TestYAML12(t *testing.T) {
	text := "%YAML 1.2\n---\nfunctions:\n- match: f\n  reply: [yes, 010, 0o10, 1_000, 1:30, " +
		"0x1F, True, ~, .5] # x\u2028  timeout: 9\n...\n"
	f, err := functiontask.Parse([]byte(text))
	if err != nil || len(f.Functions) != 1 {
		t.Fatalf("%+v %v", f, err)
	}
	got := string(f.Functions[0].Reply)
	if want := `["yes",10,8,"1_000","1:30",31,true,null,0.5]`; got != want ||
		f.Functions[0].Timeout != 0 {
		t.Errorf("%s, timeout %v, want %s", got, f.Functions[0].Timeout, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example)
	f.Add("functions: &a [*a]")
	f.Add("functions:\n- match: f\n  reply: {<<: {a: 1}}")
	f.Add("actions: [{match: !!binary x, reply: !!int abc}]")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := functiontask.Parse([]byte(text))
		if (file == nil) == (err == nil) {
			t.Fatalf("%v, %v", file, err)
		}
		if err != nil {
			return
		}
		for _, fn := range file.Functions {
			if fn.Match == "" || fn.HTTP == "" && fn.Error == nil && len(fn.Command) == 0 &&
				!json.Valid(fn.Reply) {
				t.Fatalf("%+v", fn)
			}
		}
	})
}

// TestDocumentedExample parses the example of docs/functions.md.
func TestDocumentedExample(t *testing.T) {
	page, err := os.ReadFile("../../../docs/functions.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	text, _, _ := strings.Cut(rest, "```")
	file, err := functiontask.Parse([]byte(text))
	if err != nil || len(file.Functions) != 4 || len(file.Actions) != 2 {
		t.Errorf("%+v, %v", file, err)
	}
}
