package app

import (
	"encoding/json"
	"fmt"

	"millrace/shared/task"
	"millrace/shared/task/fctask"
)

// functionsText is the functions file of a cloud: that of the local server, in which a function may be a Lambda
// function and may not be a command.
type functionsText struct {
	Functions []map[string]json.RawMessage
	Actions   []json.RawMessage
}

// functions gives the runners of the actions that invoke functions, and the mapped actions.
func (c *Cloud) functions() (map[string]task.Runner, []task.Mapping, error) {
	const name = "MILLRACE_FUNCTIONS"
	var text functionsText
	if err := decodeYAML([]byte(c.config.Functions), &text); err != nil {
		return nil, nil, fmt.Errorf("%s%w; docs/functions.md has the format", name, err)
	}
	for i, f := range text.Functions {
		if f["command"] != nil {
			return nil, nil, fmt.Errorf("%s: function %d is a command, and a cloud function starts none; give it `lambda:` or `http:`", name, i+1)
		}
	}
	rest, err := json.Marshal(map[string]any{"functions": text.Functions, "actions": text.Actions})
	if err != nil {
		return nil, nil, err
	}
	file, err := fctask.Parse(rest)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return map[string]task.Runner{fctask.Action: fctask.New(fctask.Options{Functions: file.Functions})}, file.Actions, nil
}
