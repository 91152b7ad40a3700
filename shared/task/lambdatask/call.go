package lambdatask

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"millrace/shared/task"
	"millrace/shared/value"
)

// invokeRequest is a parsed call of a function.
type invokeRequest struct {
	arn, region string // of the Lambda function; "" if no entry names one
	written     string // the function as the flow wrote it
	name        string
	async       bool
	event       []byte
}

// parse reads the request of either action, in either dialect.
func (t *Runner) parse(r *task.Request) (*invokeRequest, error) {
	var p struct {
		FunctionArn    string          `json:"functionArn"`
		ResourceArn    string          `json:"resourceArn"`
		InvocationType string          `json:"invocationType"`
		OldType        string          `json:"InvocationType"` // the spelling of FlowV1
		Body           json.RawMessage `json:"body"`
	}
	if len(r.Parameters) > 0 {
		if err := value.Unmarshal(r.Parameters, &p); err != nil {
			return nil, errors.New(
				"the parameters must be an object, the function and invocationType strings in it",
			)
		}
	}
	c := &invokeRequest{event: event(r, p.Body)}
	var err error
	if c.async, err = task.IsAsync(r, cmp.Or(p.InvocationType, p.OldType)); err != nil {
		return nil, err
	}
	if task.NormalAction(r.Action) == task.NormalAction(Action) {
		if c.arn = p.FunctionArn; c.arn == "" {
			return nil, errors.New("functionArn is required: the ARN of a Lambda function")
		}
		c.written, c.name = c.arn, c.arn
	} else if err := t.resolveMapping(c, r, p.ResourceArn); err != nil || c.arn == "" {
		return c, err
	}
	c.region, err = regionOf(c.arn)
	return c, err
}

// event returns the payload. It is JSON, because Lambda accepts nothing else.
func event(r *task.Request, body json.RawMessage) []byte {
	e := []byte(body)
	if r.TakesInput() {
		e = r.Input
	}
	if len(e) == 0 {
		return []byte("{}")
	}
	var text string
	if value.Unmarshal(e, &text) == nil && json.Valid([]byte(text)) {
		return []byte(text) // a string that contains JSON
	}
	return e
}

// resolveMapping finds the Lambda function that replaces a function of Function Compute.
func (t *Runner) resolveMapping(c *invokeRequest, r *task.Request, resource string) error {
	if r.Resource != "" {
		resource = r.Resource
	}
	if resource == "" {
		return errors.New("resourceArn is required")
	}
	target, err := task.ParseFunction(resource, r.Region, r.Account)
	if err != nil {
		return err
	}
	c.written, c.name = resource, target.Name
	for i := range t.Functions {
		if target.Matches(t.Functions[i].Match) {
			c.arn = strings.ReplaceAll(t.Functions[i].ARN, "{name}", target.Name)
			return nil
		}
	}
	return nil
}

// CheckARN returns an error unless arn is the ARN of a Lambda function. The function's name may
// contain {name}.
func CheckARN(arn string) error {
	_, err := regionOf(strings.ReplaceAll(arn, "{name}", "name"))
	return err
}

// regionOf validates the ARN of a function,
// arn:aws:lambda:<region>:<account>:function:<name>[:<qualifier>], and returns its region. The
// check is strict, because the region becomes part of a host name.
func regionOf(arn string) (string, error) {
	parts := strings.Split(arn, ":")
	if len(parts) != 7 && len(parts) != 8 || parts[0] != "arn" || !isMadeOf(parts[1], "-") ||
		!strings.HasPrefix(parts[1], "aws") ||
		parts[2] != "lambda" || !isMadeOf(parts[3], "-") || len(parts[3]) > 32 ||
		len(parts[4]) != 12 || strings.Trim(parts[4], "0123456789") != "" ||
		parts[5] != "function" || !isMadeOf(parts[6], "-_") || len(parts[6]) > 140 ||
		len(parts) == 8 && !isMadeOf(parts[7], "-_$") {
		return "", fmt.Errorf("%q is not the ARN of a Lambda function, "+
			"arn:aws:lambda:<region>:<account>:function:<name>", value.Cut(arn, 200))
	}
	return parts[3], nil
}

// Identity returns the ARN of a function without its version or alias.
func Identity(arn string) (string, error) {
	if _, err := regionOf(arn); err != nil {
		return "", err
	}
	return strings.Join(strings.SplitN(arn, ":", 8)[:7], ":"), nil
}

// isMadeOf reports whether s is not empty and consists of letters, digits and the characters in
// more.
func isMadeOf(s, more string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
			strings.IndexByte(more, c) < 0 {
			return false
		}
	}
	return s != ""
}

func base64Text(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
