package app

import (
	"encoding/json"
	"fmt"

	"millrace/shared/task"
	"millrace/shared/task/fctask"
	"millrace/shared/task/lambdatask"
)

// functionsFile is the functions file of a cloud: that of the local server, in which a function may be a Lambda function
// and may not be a command. Functions that are Lambda functions come first, then the others in their order.
type functionsFile struct {
	lambda  []lambdatask.Function
	rest    []fctask.Function
	actions []task.Mapping
}

// parseFunctions reads MILLRACE_FUNCTIONS.
func parseFunctions(text string) (functionsFile, error) {
	const name = "MILLRACE_FUNCTIONS"
	var f functionsFile
	var raw struct {
		Functions []map[string]json.RawMessage
		Actions   []json.RawMessage
	}
	if err := decodeYAML([]byte(text), &raw); err != nil {
		return f, fmt.Errorf("%s%w; docs/functions.md has the format", name, err)
	}
	rest := make([]map[string]json.RawMessage, 0, len(raw.Functions))
	for i, one := range raw.Functions {
		switch {
		case one["command"] != nil:
			return f, fmt.Errorf("%s: function %d is a command, and a cloud function starts none; give it `lambda:` or `http:`", name, i+1)
		case one["lambda"] == nil:
			rest = append(rest, one)
			continue
		}
		l, err := lambdaFunction(one)
		if err != nil {
			return f, fmt.Errorf("%s: function %d: %w", name, i+1, err)
		}
		f.lambda = append(f.lambda, l)
	}
	again, err := json.Marshal(map[string]any{"functions": rest, "actions": raw.Actions})
	if err != nil {
		return f, err
	}
	file, err := fctask.Parse(again)
	if err != nil {
		return f, fmt.Errorf("%s: %w", name, err)
	}
	f.rest, f.actions = file.Functions, file.Actions
	return f, nil
}

// lambdaFunction reads {match, lambda}.
func lambdaFunction(one map[string]json.RawMessage) (l lambdatask.Function, err error) {
	for key, to := range map[string]*string{"match": &l.Match, "lambda": &l.ARN} {
		if err := json.Unmarshal(one[key], to); err != nil || *to == "" {
			return l, fmt.Errorf("`%s:` must be a text", key)
		}
	}
	if len(one) != 2 {
		return l, fmt.Errorf("a Lambda function has `match:` and `lambda:` and nothing else")
	}
	return l, lambdatask.CheckARN(l.ARN)
}
