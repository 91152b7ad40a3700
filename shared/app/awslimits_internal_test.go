//go:build !millrace_alibaba

package app

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/lambdatask"
)

// TestLambdaAnswersAreLimited: of what a function answers as much is read as results may be long, not another amount.
func TestLambdaAnswersAreLimited(t *testing.T) {
	const results = 3 << 20
	for bytes, read := range map[int]bool{results: true, results + 128<<10: false} {
		service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(document(bytes)) }))
		t.Cleanup(service.Close)
		env := map[string]string{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": service.URL}
		c := &Cloud{config: CloudConfig{StoreURL: "dynamodb://table", QueueURL: "https://sqs.us-east-1.amazonaws.com/1/q"}, limits: flow.Limits{ResultBytes: results}}
		h, err := c.openAWS(t.Context(), func(name string) string { return env[name] }, functionsFile{})
		if err != nil {
			t.Fatal(err)
		}
		limited(t, h, task.Request{Action: lambdatask.Action, Parameters: json.RawMessage(`{"functionArn":"arn:aws:lambda:us-east-1:123456789012:function:f"}`)}, read)
	}
}
