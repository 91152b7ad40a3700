//go:build !millrace_alibaba

package cloud

import (
	"encoding/json"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/lambdatask"
)

// TestLambdaResponsesAreLimited: a function's response is read up to the limit of results.
func TestLambdaResponsesAreLimited(t *testing.T) {
	checkResponseLimit(t, func(url string) (*services, error) {
		env := map[string]string{
			"AWS_REGION":            "us-east-1",
			"AWS_ACCESS_KEY_ID":     "a",
			"AWS_SECRET_ACCESS_KEY": "b",
			"AWS_ENDPOINT_URL":      url,
		}
		c := &App{config: Config{
			StoreURL: "dynamodb://table",
			QueueURL: "https://sqs.us-east-1.amazonaws.com/1/q",
		},
			limits: flow.Limits{ResultBytes: results}}
		return c.openAWS(t.Context(), func(name string) string { return env[name] },
			functionsFile{})
	}, task.Request{
		Action: lambdatask.Action,
		Parameters: json.RawMessage(
			`{"functionArn":"arn:aws:lambda:us-east-1:123456789012:function:f"}`),
	})
}
