package flowtest_test

import (
	"slices"
	"strings"
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/flowtest"
)

// TestLoadTellsAll checks that all mistakes of a file are reported at once, each with its position.
func TestLoadTellsAll(t *testing.T) {
	_, err := flowtest.Load([]byte(`flow: 1
mod: Express
cases:
  - input: []
    tasks: {Ask: [{callback: [1]}, {callback: null}, {retrun: 1}]}
    expect: {status: Done, calls: [[Ask]], states: {Ask: [{inpt: 1}]}}
`))
	if err == nil {
		t.Fatal("accepted")
	}
	want := []string{"1:7: flow must be a text", "2:1: unknown key \"mod\"",
		"4:12: input must be a mapping", "5:30: callback", "5:47: callback",
		"5:55: unknown key \"retrun\"", "6:22: status must be",
		"6:36: each must be [state, value]", "6:60: unknown key \"inpt\""}
	got := strings.Split(err.Error(), "\n")
	for i := range max(len(want), len(got)) {
		if i >= len(got) || i >= len(want) || !strings.HasPrefix(got[i], want[i]) {
			t.Fatalf("got\n%s\nwant\n%s", err, strings.Join(want, "\n"))
		}
	}
	_, err = flowtest.Load([]byte("cases: [" + strings.Repeat("1, ", 1000) + "]"))
	if n := strings.Count(err.Error(), "\n"); n != 50 ||
		!strings.HasSuffix(err.Error(), "more than 50 mistakes") {
		t.Errorf("%d lines: %v", n, err)
	}
}

const asking = `{Type: StateMachine, SpecVersion: v1, Name: f, StartAt: Ask, States: [
 {Name: Ask, Type: Task, Action: HTTP:Request, TaskMode: WaitForCustomCallback,
  Parameters: {url: "http://h", method: POST}, Next: Think},
 {Name: Think, Type: Pass, End: true}]}`

// TestUnknownStates checks that a name that is not a state of the flow is reported wherever a case
// has it.
func TestUnknownStates(t *testing.T) {
	m, diagnostics := fdl.Parse([]byte(asking), fdl.Options{})
	if m == nil {
		t.Fatal(diagnostics)
	}
	file, err := flowtest.Load([]byte(`flow: f.yaml
cases:
  - tasks: {Ask: [{return: 1}], Aks: [], Think: []}
    expect:
      visited: [Ask, Tihnk]
      waits: [[Wiat, 1], [Think, 2]]
      states: {Ask: [], Zzz: []}
      calls: {Ask: [], Think: []}
      callsInclude: [[Ask, 1], [Bsk, 2]]
      taskInputs: {Zzz: []}
  - tasks: {Ask: [{return: 1}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`3:33: tasks: the flow has no state "Aks"; did you mean 'Ask'?`,
		`3:42: tasks: the state "Think" is no task, so it calls nothing`,
		`5:22: visited: the flow has no state "Tihnk"; did you mean 'Think'?`,
		`6:16: waits: the flow has no state "Wiat"`,
		`7:25: states: the flow has no state "Zzz"`,
		`8:24: calls: the state "Think" is no task, so it calls nothing`,
		`9:33: callsInclude: the flow has no state "Bsk"; did you mean 'Ask'?`,
		`10:20: taskInputs: the flow has no state "Zzz"`,
	}
	if got := file.Cases[0].UnknownStates(m); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := file.Cases[1].UnknownStates(m); got != nil {
		t.Error(got)
	}
}

// TestNothingExpected checks that a case without expectations expects success, so that it cannot
// pass whatever happens.
func TestNothingExpected(t *testing.T) {
	file, err := flowtest.Load([]byte("flow: f.yaml\ncases:\n  - {name: a}\n" +
		"  - {name: b, expect: {}}\n  - {name: c, expect: {cause: x}}\n" +
		"  - {name: d, events: []}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"Succeeded", "Succeeded", "", ""} {
		if got := file.Cases[i].Expect.Status; got != want {
			t.Errorf("case %s expects %q, want %q", file.Cases[i].Name, got, want)
		}
	}
}

// TestTellsWhatIsMeant checks that a mistake with one likely cause is reported with that cause
// only.
func TestTellsWhatIsMeant(t *testing.T) {
	for text, want := range map[string]string{
		"flow: f\ncases:\n\t- {name: a}\n": "3:1: the text is no valid YAML: " +
			"found character that cannot start any token; indent with blanks, not with tabs",
		"Type: StateMachine\nStates: []\n": "1:1: this is a definition; " +
			"its cases stand in a file of their own, which names it: flow: FILE",
		"flow: f\ncases: [{tasks: {Ask: [{error: E, callback: {}}]}}]": "2:24: either an error " +
			"or a callback is reported, not both",
	} {
		if _, err := flowtest.Load([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("want %s, got %v", want, err)
		}
	}
}

// TestWhatTasksComeTo checks that a missing outcome, or one that the API would reject, is reported
// with what to do.
func TestWhatTasksComeTo(t *testing.T) {
	m, diagnostics := fdl.Parse([]byte(asking), fdl.Options{})
	if m == nil {
		t.Fatal(diagnostics)
	}
	for name, c := range map[string]struct {
		tasks map[string][]flowtest.Outcome
		want  string
	}{
		"no outcome": {nil,
			`the task "Ask" was called, and the case does not say what comes of it; add to ` +
				`tasks: Ask: [{return: {}}]`},
		"a report of a list": {map[string][]flowtest.Outcome{"Ask": {{Return: []any{}}}},
			`the task "Ask" waits for a report, whose output must be a mapping, not []`},
		"a callback of a text": {map[string][]flowtest.Outcome{"Ask": {{Callback: "a"}}},
			`must be a mapping, not "a"`},
		"a report of an object": {map[string][]flowtest.Outcome{
			"Ask": {{Return: "sent", Callback: map[string]any{}}},
		}, ""},
		"a report without": {map[string][]flowtest.Outcome{"Ask": {{}}}, ""},
		"an error with a return": {map[string][]flowtest.Outcome{
			"Ask": {{Return: "sent", Error: &flow.Error{Name: "E"}}},
		}, ""},
	} {
		_, err := flowtest.Execute(m, flow.DefaultLimits(),
			flowtest.Setup{FlowName: "f", ExecutionName: "e", Start: 1000, Tasks: c.tasks})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	m, _ := fdl.Parse([]byte(asking), fdl.Options{})
	f.Add([]byte("flow: f\ncases: [{name: a, tasks: {Ask: [{callback: {}}, {error: {Code: E}}]}, " +
		"expect: {waits: [[Ask, 1], [], 2], states: {Ask: [{}]}}}]"))
	f.Add([]byte(`{"definition": 1, "cases": [[], {"expect": {"calls": [[1, 2], ["a"]], ` +
		`"visited": [1], "error": {"Code": []}}}]}`))
	f.Add([]byte("cases: &a [*a]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := flowtest.Load(text)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without a word")
			}
			return
		}
		for i := range file.Cases {
			file.Cases[i].UnknownStates(m)
		}
	})
}
