package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const flows = "../../examples"

// project creates a folder with files and makes it the working directory.
func project(t *testing.T, nameText ...string) {
	t.Helper()
	folder := t.TempDir()
	for i := 0; i < len(nameText); i += 2 {
		path := filepath.Join(folder, nameText[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(nameText[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(folder)
}

const (
	misspelt = "version: v1\ntype: flow\nsteps:\n  - type: pas\n    name: one\n"
	warned   = express + "    Colour: red\n"
	express  = "Type: StateMachine\nSpecVersion: v1\nName: quote\nStartAt: W\nStates:\n" +
		"  - Type: Wait\n    Name: W\n    Seconds: 100\n    End: true\n"
)

func TestValidate(t *testing.T) {
	project(t, "flows/a.yaml", good, "flows/b.yml", misspelt, "flows/s.yaml", "edition: 3.0.0\n",
		"flows/a.cases.yaml", "flow: a.yaml\n", "flows/.git/x.yaml", misspelt,
		"flows/node_modules/x.yaml", misspelt, "warned.yaml", warned, "express.yaml", express,
		"none/x.txt", "")
	s := newShell(t, nil)
	s.expect(0, []string{"1 definition: no errors\n"}, nil, "validate", "flows/a.yaml")
	s.expect(1, []string{filepath.Join("flows", "b.yml") + ":4:", "error F", "    - type: pas\n",
		"^\n", "2 definitions: 1 error, 0 warnings; 1 file is no definition\n"}, nil, "validate",
		"flows")
	s.expect(1, []string{"3 definitions: "}, nil, "validate", "flows", "flows/a.yaml",
		"flows/s.yaml")
	s.expect(1, []string{"2 definitions: 1 error"}, nil, "validate", "flows/[ab].y*ml")
	s.expect(0, []string{"warning", "0 errors, 1 warning\n"}, nil, "validate", "warned.yaml")
	s.expect(1, []string{"0 errors, 1 warning\n"}, nil, "validate", "--strict", "warned.yaml")
	s.expect(0, nil, nil, "validate", "express.yaml", "--name", "quote")
	s.expect(1, []string{"express.yaml:3:"}, nil, "validate", "express.yaml", "--name", "other")
	s.stdin = misspelt
	s.expect(1, []string{"<stdin>:4:"}, nil, "validate", "-")
	s.expect(2, nil, []string{"cannot read nowhere.yaml"}, "validate", "nowhere.yaml")
	s.expect(2, nil, []string{"no file matches *.yml"}, "validate", "*.yml")
	s.expect(2, nil, []string{"syntax error in pattern"}, "validate", "[")
	s.expect(2, nil, []string{"no definition found"}, "validate", "none")
	s.expect(0, []string{"1 definition: no errors; 1 file is no definition\n"}, nil, "validate",
		"flows/a.yaml", "flows/a.cases.yaml")
	s.expect(2, nil, []string{"`millrace test` runs files of cases"}, "validate",
		"flows/a.cases.yaml")
	s.expect(2, nil, []string{"--name goes with one file"}, "validate", "--name", "x", "flows")
	s.expect(2, nil, []string{"--mode is Standard or Express"}, "validate", "--mode", "x", "flows")
	code, out, _ := s.run("validate", "flows", "--output", "json")
	var findings []struct {
		File, Severity, Rule string
		Line, Column         int
	}
	if err := json.Unmarshal([]byte(out), &findings); err != nil || code != 1 ||
		len(findings) != 1 || findings[0].Line != 4 || findings[0].Severity != "error" {
		t.Errorf("exit code %d, %v: %s", code, err, out)
	}
	s.expect(0, []string{"[]\n"}, nil, "validate", "flows/a.yaml", "--output", "json")
}

const cases = `flow: order.yaml
cases:
  - name: paid
    input: {id: 7}
    tasks:
      charge:
        - {error: Busy}
        - {return: {paid: true}}
    expect:
      status: Succeeded
      visited: [charge]
      waits: [[charge, 3]]
  - name: declined
    input: {id: 8}
    tasks:
      charge: [{error: CardDeclined, cause: limit}]
    expect:
      status: Succeeded
      error: CardDeclined
`

const order = `version: v1
type: flow
steps:
  - type: task
    name: charge
    resourceArn: acs:fc:cn-hangzhou:1234567890:services/demo_svc/functions/charge
    retry:
      - errors: [Busy]
        intervalSeconds: 3
        maxAttempts: 2
        multiplier: 1
`

func TestTest(t *testing.T) {
	project(t, "flows/order.yaml", order, "flows/order.cases.yaml", cases, "bad/bad.yaml", misspelt,
		"bad/bad.cases.yaml", "flow: bad.yaml\ncases: [{name: a}]\n",
		"bad/format.cases.json", `{"flow": "bad.yaml", "casess": []}`,
		"bad/lost.cases.yml", "flow: lost.yaml\ncases: [{name: a}]\n", "none/x.yaml", "",
		"short.cases.yaml", "flow: flows/order.yaml\ncases: [{name: a}]\n")
	s := newShell(t, nil)
	where := filepath.Join("flows", "order.cases.yaml")
	s.expect(1, []string{"FAIL  " + where +
		":13  declined\n      status: want Succeeded, got Failed (CardDeclined: limit)\n",
		"2 cases in 1 file: 1 passed, 1 failed\n", "! ok "}, nil, "test", "flows")
	s.expect(0, []string{"1 case in 1 file: 1 passed, 0 failed\n"}, nil, "test", "flows", "--run",
		"^pa")
	s.expect(0, []string{"ok    " + where + ":3  paid\n      Succeeded; visited charge\n"}, nil,
		"test", "flows", "--run", "^pa", "--verbose")
	s.expect(2, nil, []string{`no case matches --run "x"`}, "test", "flows", "--run", "x")
	s.expect(2, nil, []string{`--run cannot be "("`}, "test", "flows", "--run", "(")
	s.expect(2, nil, []string{"no *.cases.yaml"}, "test", "none")
	s.expect(1, []string{"bad.yaml:4:", "unknown key", "cannot read",
		"0 cases in 3 files: 0 passed, 0 failed; 3 files cannot be used\n"}, nil, "test", "bad")
	s.expect(1, []string{"add to tasks: charge: [{return: {}}]"}, nil, "test", "short.cases.yaml")
	s.expect(1, []string{"3 cases in 5 files: 1 passed, 2 failed; 3 files cannot be used\n"}, nil,
		"test", ".", "--verbose")
	code, out, _ := s.run("test", "flows", "--output", "json")
	var got []struct {
		File, Case, Status string
		Line               int
		Passed             bool
		Differences        []string
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 1 || len(got) != 2 ||
		!got[0].Passed || got[0].Differences == nil || got[1].Line != 13 {
		t.Errorf("exit code %d, %v: %s", code, err, out)
	}
}

// TestMistakenCases checks that an unusable mock or expectation is reported, and that all mistakes
// of a file are reported at once.
func TestMistakenCases(t *testing.T) {
	project(t, "order.yaml", order, "x.cases.yaml",
		"flow: order.yaml\ncases:\n  - tasks: {charge: [{return: {}}], chrge: [{return: {}}]}\n",
		"y.cases.yaml", "flow: order.yaml\ncass: 1\ncases:\n  - inpt: {}\n    tasks: {Charge: []}\n"+
			"    expect: {status: Succeded}\n")
	newShell(t, nil).expect(1,
		[]string{"FAIL  x.cases.yaml:3\n" +
			"      3:37: tasks: the flow has no state \"chrge\"; did you mean 'charge'?\n",
			"BAD   y.cases.yaml\n      2:1: unknown key \"cass\"; did you mean 'cases'?\n" +
				"      4:5: unknown key \"inpt\"; did you mean 'input'?\n" +
				"      5:13: tasks: the flow has no state \"Charge\"; did you mean 'charge'?\n" +
				"      6:22: status must be Succeeded, Failed or TimedOut, not \"Succeded\"; " +
				"did you mean 'Succeeded'?\n",
			"1 case in 2 files: 0 passed, 1 failed; 1 file cannot be used\n"}, nil, "test")
}

// TestMissingOutcome checks that a case whose run cannot go on shows what differs until there.
func TestMissingOutcome(t *testing.T) {
	project(t, "order.yaml", order, "x.cases.yaml", "flow: order.yaml\ncases:\n"+
		"  - {input: {id: 7}, expect: {taskInputs: {charge: [{id: 8}]}, visited: [charge, charge]}}\n")
	newShell(t, nil).expect(1, []string{"add to tasks: charge:",
		"input.id: want 8, got 7", "! visited:", "! status:"}, nil, "test")
}

// TestJUnit checks the report for CI systems.
func TestJUnit(t *testing.T) {
	project(t, "order.yaml", order, "order.cases.yaml",
		strings.ReplaceAll(cases, "name: declined", "name: '<declined>'"),
		"y.cases.yaml", "flow: order.yaml\ncass: 1\n")
	newShell(t, nil).expect(1, nil, nil, "test", "--junit", "report.xml")
	text, err := os.ReadFile("report.xml")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<testsuites tests="3" failures="1" errors="1">`,
		`<testsuite name="order.cases.yaml" tests="2" failures="1" errors="0">`,
		`<testcase name="&lt;declined&gt;" classname="order.cases.yaml" file="order.cases.yaml" ` +
			`line="13">`,
		`<failure message="status: want Succeeded, got Failed (CardDeclined: limit)">`,
		`<error message="1:1: no cases">`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// TestExamples runs the example flows of both dialects.
func TestExamples(t *testing.T) {
	s := newShell(t, nil)
	s.expect(0, []string{" 0 failed\n"}, nil, "test", filepath.Join(flows, "flowv1", "[0-9]*.yaml"),
		filepath.Join(flows, "statemachine", "[01]*.cases.json"))
	code, out, _ := s.run("validate", filepath.Join(flows, "statemachine"))
	if code != 0 || !strings.Contains(out, "30 definitions: 0 errors") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	code, out, _ = s.run("validate", flows)
	for _, line := range strings.Split(out, "\n") {
		if strings.Contains(line, ": warning") && !strings.Contains(line, "25-literal") {
			code = 1
		}
	}
	if code != 0 {
		t.Errorf("an example has a mistake:\n%s", out)
	}
}
