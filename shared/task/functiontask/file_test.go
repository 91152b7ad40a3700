package functiontask_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
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
	got, err := functiontask.Parse("functions",
		[]byte(`{"functions": [{"match": "f", "reply": {"a": [1]}}]}`))
	if err != nil || len(got.Functions) != 1 || string(got.Functions[0].Reply) != `{"a":[1]}` {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{"", "# nothing\n", "functions:\nactions: []\n"} {
		if got, err := functiontask.Parse("functions", []byte(text)); err != nil ||
			len(got.Functions)+len(got.Actions) > 0 {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ text, want string }{
		{"functions: [", "functions:1:13: the text is no valid YAML"},
		{"- a", "functions:1:1: the text must be a mapping, not a list"},
		{"function: []", `functions:1:1: there is no "function"; did you mean 'functions'?`},
		{"functions: 3", "functions:1:12: functions must be a list, not a number"},
		{"functions:\n- 3", "functions:2:3: functions[0] must be a mapping, not a number"},
		{"functions:\n- reply: 1", "functions:2:3: functions[0].match is missing"},
		{"functions:\n- match: f", "functions:2:3: exactly one of"},
		{"functions:\n- match: f\n  reply: 1\n  http: http://h", "functions:2:3: exactly one of"},
		{
			"functions:\n- match: f\n  reply: 1\n  reply: 2",
			`functions:4:3: the key "reply" stands twice in one mapping`,
		},
		{"functions:\n- match: f\n  http: h:80", "functions:3:9: http must be an absolute"},
		{"functions:\n- match: f\n  command: []", "functions:3:12: command names no program"},
		{"functions:\n- match: f\n  command: ./x", "functions:3:12: functions[0].command must be a list, not a string"},
		{
			"functions:\n- match: f\n  command: [x]\n  concurrency: 1.5",
			"functions:4:16: functions[0].concurrency must be a whole number, not 1.5",
		},
		{
			"functions:\n- match: f\n  command: [x]\n  concurrency: 0",
			"functions:4:16: concurrency must be from 1 to 256",
		},
		{"functions:\n- match: f\n  reply: 1\n  timeout: NaN",
			`functions:4:12: functions[0].timeout must be a number, not the text "NaN"`},
		{"functions:\n- match: f\n  reply: 1\n  timeout: 100000", "at most 86400"},
		{"functions:\n- match: f\n  reply: 1\n  dir: x", "functions:4:3: dir belongs to a command"},
		{"functions:\n- match: f\n  command: [x]\n  env: {A=B: c}", "no name of a variable"},
		{"functions:\n- match: f\n  reply: .inf", "JSON has no number .inf"},
		{"functions:\n- match: f\n  reply: {a: 1, a: 2}", `the key "a" stands twice`},
		{"functions:\n- match: f\n  reply: &a [*a]", "names a value that it is part of"},
		{"functions:\n- match: f\n  command: [\"a\\0\"]", "must not hold the character NUL"},
		{"functions:\n- match: f\n  lambda: x", "functions:3:3: lambda is for functions in a cloud"},
		{"functions:\n- http: h:80\n  tiemout: 1\n", "functions:2:3: functions[0].match is missing\n" +
			"functions:2:9: http must be an absolute http or https address\n" +
			"functions:3:3: there is no \"functions[0].tiemout\"; did you mean 'timeout'?; " +
			"docs/functions.md has the format"},
		{"functions:\n- match: f\n  error: {cause: c}", "functions:3:10: functions[0].error.name is missing"},
		{
			"functions:\n- match: f\n  reply: 1 # x\r  timeout: 1",
			"functions:3:15: a carriage return",
		},
		{"functions:\n- match: f\n  reply: x\u202e", "functions:3:11: U+202E"},
		{"functions:\n- match: f\n  reply: {<<: {a: 1}}", "functions:3:11: merge keys"},
		{"functions:\n- match: f\n  reply: !!binary aGk=", "functions:3:10: the tag !!binary is not known"},
		{"%YAML 1.1\n---\nfunctions: []", "the text says that it is YAML 1.1"},
		{"functions: []\n---\nfunctions: []", "functions:2:1: the text holds more than one YAML document"},
		{"actions:\n- match: A:B\n  command: [x]", `functions:3:3: there is no "actions[0].command"; known here: match, http,`},
		{strings.Repeat("#", 1<<20+1), "functions:1:1: the text has 1048577 bytes; at most 1048576 are allowed"},
	}
	for _, test := range tests {
		_, err := functiontask.Parse("functions", []byte(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60q: %v, want %q", test.text, err, test.want)
		}
	}
}

// TestYAML12: a functions file is read by the rules of YAML 1.2, comments to their end and scalars
// by its core schema.
func TestYAML12(t *testing.T) {
	text := "%YAML 1.2\n---\nfunctions:\n- match: f\n  reply: [yes, 010, 0o10, 1_000, 1:30, " +
		"0x1F, True, ~, .5] # x\u2028  timeout: 9\n...\n"
	f, err := functiontask.Parse("functions", []byte(text))
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
		file, err := functiontask.Parse("functions", []byte(text))
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
	file, err := functiontask.Parse("functions", []byte(text))
	if err != nil || len(file.Functions) != 4 || len(file.Actions) != 2 {
		t.Errorf("%+v, %v", file, err)
	}
}
