package sim

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"millrace/shared/flowtest"
	"millrace/tests/support/examples"
)

// definition is a flow to run.
type definition struct {
	name, text, mode string
	of               string // the account; "": the first
	author, role     string // whose rights it acts with; "": none
	input            string
}

// example is one case of an example flow.
type example struct {
	name  string // file and case
	flow  definition
	setup flowtest.Setup
}

// cases returns the cases of all example flows.
var cases = sync.OnceValues(readCases)

func readCases() ([]example, error) {
	all, err := examples.All()
	if err != nil {
		return nil, err
	}
	var list []example
	for _, f := range all {
		for i, c := range f.Cases {
			e := example{
				name:  fmt.Sprintf("%s/%d", strings.TrimSuffix(f.Name, filepath.Ext(f.Name)), i),
				setup: c.Setup}
			e.setup.FlowName = cmp.Or(f.FlowName, "example")
			e.flow = definition{name: e.setup.FlowName, text: f.Definition, mode: f.Mode,
				input: string(encode(c.Setup.Input))}
			list = append(list, e)
		}
	}
	return list, nil
}

// children are the definitions of the flow that generated flows start as a child.
var children = []string{
	"Type: StateMachine\nSpecVersion: v1\nName: child\nStartAt: A\nStates:\n" +
		"- {Name: A, Type: Pass, End: true}\n",
	"Type: StateMachine\nSpecVersion: v1\nName: child\nStartAt: A\nStates:\n" +
		"- {Name: A, Type: Wait, Seconds: 3, Next: B}\n- {Name: B, Type: Succeed}\n",
	"Type: StateMachine\nSpecVersion: v1\nName: child\nStartAt: A\nStates:\n" +
		"- {Name: A, Type: Fail, Code: Own, Detail: on purpose}\n",
	"Type: StateMachine\nSpecVersion: v1\nName: child\nStartAt: A\nStates:\n" +
		"- {Name: A, Type: Task, Action: 'FC:InvokeFunction', Parameters: {resourceArn: " +
		"'acs:fc:::functions/f', invocationType: Sync}, End: true}\n",
	"Type: StateMachine\nSpecVersion: v1\nName: child\nStartAt: A\nStates:\n" +
		"- {Name: A, Type: Task, Action: 'FC:InvokeFunction', TaskMode: WaitForCustomCallback, " +
		"Timeout: 20, Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}, " +
		"End: true}\n",
	"version: v1\ntype: flow\nsteps:\n- {type: pass, name: a}\n" +
		"- {type: wait, name: b, duration: 2}\n",
}
