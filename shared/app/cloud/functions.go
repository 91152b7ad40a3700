package cloud

import (
	"fmt"

	"millrace/shared/task"
	"millrace/shared/task/functiontask"
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
	var f functionsFile
	file, err := functiontask.ParseCloud(functionsVariable, []byte(text))
	if err != nil {
		return f, err
	}
	f.actions = file.Actions
	for i, one := range file.Functions {
		switch {
		case one.Lambda != "":
			f.lambda = append(f.lambda, cloudFunction{i + 1, one.Match, one.Lambda})
		case one.FC != "":
			f.fc = append(f.fc, cloudFunction{i + 1, one.Match, one.FC})
		default:
			f.rest = append(f.rest, one)
		}
	}
	return f, nil
}
