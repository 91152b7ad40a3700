package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"

	"millrace/shared/fdl"
	"millrace/shared/flowtest"
)

// definition is a flow to run.
type definition struct {
	name, text, mode string
	input            string
}

// example is one case of an example flow.
type example struct {
	name  string // file and case
	flow  definition
	setup flowtest.Setup
}

// examples are those of tests/testdata/flows, read once.
var examples = sync.OnceValues(readExamples)

func readExamples() ([]example, error) {
	root := "tests/testdata/flows"
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) {
		root = filepath.Join(filepath.Dir(file), "../testdata/flows")
	}
	var list []example
	for _, pattern := range []string{"statemachine/[0-9]*.cases.json", "flow/[0-9]*.yaml"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("sim: no flows in %s: %v", root, err)
		}
		sort.Strings(files)
		for _, path := range files {
			cases, err := readExample(path)
			if err != nil {
				return nil, fmt.Errorf("sim: %s: %w", path, err)
			}
			list = append(list, cases...)
		}
	}
	return list, nil
}

func readExample(path string) ([]example, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, err := flowtest.Load(text)
	if err != nil {
		return nil, err
	}
	source := file.Definition
	if file.Flow != "" {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(path), file.Flow))
		if err != nil {
			return nil, err
		}
		source = string(text)
	}
	m, diagnostics := fdl.Parse([]byte(source), fdl.Options{Mode: file.Mode})
	if m == nil {
		return nil, diagnostics.Err()
	}
	var list []example
	for i, c := range file.Cases {
		e := example{name: fmt.Sprintf("%s/%d", strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), i), setup: c.Setup}
		e.flow = definition{name: file.FlowName, text: source, mode: file.Mode, input: string(encode(c.Setup.Input))}
		if e.flow.name == "" {
			e.flow.name = m.Name
		}
		if e.flow.name == "" {
			e.flow.name = "example"
		}
		e.setup.FlowName = e.flow.name
		list = append(list, e)
	}
	return list, nil
}

// children are what the child that generated flows start may be.
var children = []string{
	"Type: StateMachine\nSpecVersion: v1\nName: child\nStartAt: A\nStates:\n- {Name: A, Type: Pass, End: true}\n",
	"Type: StateMachine\nSpecVersion: v1\nName: child\nStartAt: A\nStates:\n- {Name: A, Type: Wait, Seconds: 3, Next: B}\n- {Name: B, Type: Succeed}\n",
	"Type: StateMachine\nSpecVersion: v1\nName: child\nStartAt: A\nStates:\n- {Name: A, Type: Fail, Code: Own, Detail: on purpose}\n",
	"Type: StateMachine\nSpecVersion: v1\nName: child\nStartAt: A\nStates:\n- {Name: A, Type: Task, Action: 'FC:InvokeFunction', Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}, End: true}\n",
	"Type: StateMachine\nSpecVersion: v1\nName: child\nStartAt: A\nStates:\n- {Name: A, Type: Task, Action: 'FC:InvokeFunction', TaskMode: WaitForCustomCallback, Timeout: 20, Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}, End: true}\n",
	"version: v1\ntype: flow\nsteps:\n- {type: pass, name: a}\n- {type: wait, name: b, duration: 2}\n",
}
