package cloud

import (
	"encoding/json"
	"fmt"

	"millrace/shared/config"
	"millrace/shared/task"
	"millrace/shared/task/functiontask"
	"millrace/shared/value"
)

// functionsFile is the functions file of a cloud. It has the format of the local server's file, but
// a function may be a Lambda function (on AWS) or a function of Function Compute (on Alibaba
// Cloud), and must not be a command. On each cloud its own functions come before the rest, each
// group in the order of the file.
type functionsFile struct {
	lambda  []cloudFunction
	fc      []cloudFunction
	rest    []functiontask.Function
	actions []task.Mapping
}

// cloudFunction maps matching functions to a function of a cloud.
type cloudFunction struct {
	number int // position in the file, from 1
	match  string
	name   string // ARN or resource name of the cloud's function
}

// errorf returns an error about the function.
func (f *cloudFunction) errorf(what string) error {
	return fmt.Errorf("%s: function %d: %s", functionsVariable, f.number, what)
}

// functionsVariable is the variable with the functions file.
const functionsVariable = "MILLRACE_FUNCTIONS"

// parseFunctions reads MILLRACE_FUNCTIONS.
func parseFunctions(text string) (functionsFile, error) {
	const name = functionsVariable
	var f functionsFile
	var raw struct {
		Functions []map[string]json.RawMessage
		Actions   []json.RawMessage
	}
	if err := config.Decode([]byte(text), &raw); err != nil {
		return f, fmt.Errorf("%s%w; docs/functions.md has the format", name, err)
	}
	rest := make([]map[string]json.RawMessage, 0, len(raw.Functions))
	for i, one := range raw.Functions {
		switch {
		case one["command"] != nil:
			return f, fmt.Errorf("%s: function %d is a command, and a cloud function starts none; "+
				"give it `lambda:` or `http:`", name, i+1)
		case one["lambda"] == nil && one["fc"] == nil:
			rest = append(rest, one)
			continue
		}
		if err := f.addCloudFunction(i+1, one); err != nil {
			return f, fmt.Errorf("%s: function %d: %w", name, i+1, err)
		}
	}
	again, err := json.Marshal(map[string]any{"functions": rest, "actions": raw.Actions})
	if err != nil {
		return f, err
	}
	file, err := functiontask.Parse(again)
	if err != nil {
		return f, fmt.Errorf("%s: %w", name, err)
	}
	f.rest, f.actions = file.Functions, file.Actions
	return f, nil
}

// addCloudFunction adds a function of a cloud, {match, lambda} or {match, fc}.
func (f *functionsFile) addCloudFunction(number int, one map[string]json.RawMessage) error {
	kind, what := "lambda", "a Lambda function"
	if one["fc"] != nil {
		kind, what = "fc", "a function of Function Compute"
	}
	c := cloudFunction{number: number}
	for key, to := range map[string]*string{"match": &c.match, kind: &c.name} {
		if err := value.Unmarshal(one[key], to); err != nil || *to == "" {
			return fmt.Errorf("`%s:` must be a text", key)
		}
	}
	if len(one) != 2 {
		return fmt.Errorf("%s has `match:` and `%s:` and nothing else", what, kind)
	}
	if kind == "lambda" {
		f.lambda = append(f.lambda, c)
	} else {
		f.fc = append(f.fc, c)
	}
	return nil
}
