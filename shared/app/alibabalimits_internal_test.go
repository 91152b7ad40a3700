//go:build !millrace_aws

package app

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/fcapitask"
)

// TestFunctionAnswersAreLimited: of what a function answers as much is read as results may be long, not another amount.
func TestFunctionAnswersAreLimited(t *testing.T) {
	const results = 3 << 20
	for bytes, read := range map[int]bool{results: true, results + 128<<10: false} {
		service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(document(bytes)) }))
		t.Cleanup(service.Close)
		env := map[string]string{"ALIBABA_CLOUD_ACCESS_KEY_ID": "a", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "b", "ALIBABA_CLOUD_ENDPOINT_URL_FC": service.URL,
			"MILLRACE_TASK_ROLE": "none"}
		c := &Cloud{config: CloudConfig{StoreURL: "tablestore://millrace/state", QueueURL: "mns://1234567890123456.mns.cn-hangzhou.aliyuncs.com/steps"},
			limits: flow.Limits{ResultBytes: results}}
		h, err := c.openAlibaba(func(name string) string { return env[name] }, functionsFile{})
		if err != nil {
			t.Fatal(err)
		}
		limited(t, h, task.Request{Action: fcapitask.Action, Parameters: json.RawMessage(`{"resourceArn":"acs:fc:::functions/f","invocationType":"Sync"}`)}, read)
	}
}
