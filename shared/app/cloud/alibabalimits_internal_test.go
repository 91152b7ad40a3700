//go:build !millrace_aws

package cloud

import (
	"encoding/json"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/fctask"
)

// TestFunctionResponsesAreLimited: a function's response is read up to the limit of results.
func TestFunctionResponsesAreLimited(t *testing.T) {
	checkResponseLimit(t, func(url string) (*services, error) {
		env := map[string]string{
			"ALIBABA_CLOUD_ACCESS_KEY_ID":     "a",
			"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "b",
			"ALIBABA_CLOUD_ENDPOINT_URL_FC":   url,
			"MILLRACE_TASK_ROLE":              "none",
		}
		c := &App{
			config: Config{StoreURL: "tablestore://millrace/state",
				QueueURL: "mns://1234567890123456.mns.cn-hangzhou.aliyuncs.com/steps"},
			limits: flow.Limits{ResultBytes: results},
		}
		return c.openAlibaba(func(name string) string { return env[name] }, functionsFile{})
	}, task.Request{Action: fctask.Action, Parameters: json.RawMessage(
		`{"resourceArn":"acs:fc:::functions/f","invocationType":"Sync"}`)})
}
