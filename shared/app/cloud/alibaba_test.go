//go:build !millrace_aws

package cloud_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/shared/app/cloud"
)

// alibaba returns a valid environment of Function Compute with changes.
func alibaba(changes ...string) func(string) string {
	env := map[string]string{
		"STORE_URL": "tablestore://millrace/state",
		"QUEUE_URL": "mns://1234567890123456." +
			"mns.cn-hangzhou.aliyuncs.com/steps",
		"FC_FUNCTION_NAME":                "steprunner",
		"ALIBABA_CLOUD_ACCESS_KEY_ID":     "a",
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "b",
		"MILLRACE_CREDENTIALS": `{"accounts":[{"id":"1","keys":[{"id":"k",` +
			`"secret":"s"}]}]}`,
		"MILLRACE_STARTS": `[{"bucket":"b","prefix":"in/","flow":"f","account":"1"}]`,
	}
	return changed(env, changes)
}

func TestOpenAlibaba(t *testing.T) {
	file := filepath.Join(t.TempDir(), "products.yaml")
	if err := os.WriteFile(file, []byte("widget: {version: 2020-01-02}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{
		"", "STORE_URL=tablestore://millrace/state?endpoint=http://127.0.0.1:1",
		"QUEUE_URL=https://1.mns.cn-beijing-internal.aliyuncs.com/queues/steps",
		"ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED=true", "MILLRACE_PRODUCTS=" + file,
		"MILLRACE_PRODUCTS=widget: {version: 2020-01-02, host: 'w.{region}.aliyuncs.com'}",
		"MILLRACE_CLOUDFLOW=acs:fnf:cn-beijing:*, *:flow/cloud-*",
		"ALIBABA_CLOUD_ENDPOINT_URL_FC=http://127.0.0.1:1", "MILLRACE_DISPATCH=async",
		"MILLRACE_FUNCTIONS=functions: [{match: 'old-*', fc: 'acs:fc:::functions/{name}/live'}, " +
			"{match: x, reply: 1}]\nactions: [{match: 'MNS:*', reply: {}}]",
	} {
		c, err := cloud.Open(context.Background(), alibaba(change))
		if err != nil {
			t.Errorf("%s: %v", change, err)
			continue
		}
		if _, err := c.Handler(); err != nil {
			t.Errorf("%s: %v", change, err)
		}
		if _, err := c.Starter(); err != nil {
			t.Errorf("%s: %v", change, err)
		}
		if c.Dispatch() == nil {
			t.Errorf("%s: the step runner works on what is brought to it", change)
		}
		if p, err := c.Decode("eyJ2IjoxLCJwIjoieCNmI2UifQ=="); err != nil || p != "x#f#e" {
			t.Errorf("%s: %s %v", change, p, err)
		}
	}
	for _, change := range []string{"FC_FUNCTION_NAME=", "MILLRACE_DISPATCH=direct"} {
		if c, err := cloud.Open(context.Background(), alibaba(change)); err != nil ||
			c.Dispatch() != nil {
			t.Errorf("%s: %v", change, err)
		}
	}
}

func TestWrongAlibabaEnvironments(t *testing.T) {
	tests := []struct{ change, want string }{
		{"STORE_URL=tablestore://millrace", "tablestore://<instance>/<table>"},
		{"STORE_URL=tablestore:///state", "tablestore://<instance>/<table>"},
		{"STORE_URL=tablestore://mill_race/state", "tablestore://<instance>/<table>"},
		{"STORE_URL=tablestore://millrace/a/b", "tablestore://<instance>/<table>"},
		{"STORE_URL=tablestore://millrace/state?endpiont=https://x",
			"tablestore://<instance>/<table>"},
		{"STORE_URL=tablestore://millrace/state?endpoint=ftp://x", "no address"},
		{"QUEUE_URL=", "QUEUE_URL"},
		{"QUEUE_URL=sqs://steps", "mns://<account>"},
		{"QUEUE_URL=http://127.0.0.1:1/queues/steps", "region is not known"},
		{"ALIBABA_CLOUD_ENDPOINT_URL_FC=host", "ALIBABA_CLOUD_ENDPOINT_URL_FC"},
		{"MILLRACE_DISPATCH=maybe", "async or direct"},
		{"MILLRACE_TASK_ROLE=nobody", "MILLRACE_TASK_ROLE"},
		{"MILLRACE_PRODUCTS=nowhere.yaml", "nowhere.yaml"},
		{"MILLRACE_PRODUCTS=widget: {versoin: 2020-01-02}", "versoin"},
		{"MILLRACE_PRODUCTS=widget: {version: v1}", "no date"},
		{"MILLRACE_FUNCTIONS={functions: [{match: a, lambda: " +
			"'arn:aws:lambda:us-east-1:123456789012:function:f'}]}",
			"function 1: `lambda:` is for functions of AWS"},
		{"MILLRACE_FUNCTIONS={functions: [{match: b, reply: 1}, {match: a, fc: b}]}",
			"function 2:"},
		{"MILLRACE_FUNCTIONS={functions: [{match: a, fc: 'acs:fc:::functions/f', timeout: 3}]}",
			"nothing else"},
	}
	for _, test := range tests {
		if _, err := cloud.Open(context.Background(), alibaba(test.change)); err == nil ||
			!strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.change, err, test.want)
		}
	}
	foreign := environment("MILLRACE_FUNCTIONS={functions: [{match: a, fc: " +
		"'acs:fc:::functions/f'}]}")
	_, err := cloud.Open(context.Background(), foreign)
	if err == nil || !strings.Contains(err.Error(), "Alibaba") {
		t.Errorf("%v", err)
	}
}

// TestVariablesOfAlibaba: the functions read these variables, and no others. Variables of
// credentials are read when a request is signed.
func TestVariablesOfAlibaba(t *testing.T) {
	checkVariables(t, alibaba(), commonVariables+`
		ALIBABA_CLOUD_ACCOUNT_ID ALIBABA_CLOUD_CREDENTIALS_FILE
		ALIBABA_CLOUD_ENDPOINT_URL_EVENTBRIDGE ALIBABA_CLOUD_ENDPOINT_URL_FC
		ALIBABA_CLOUD_ENDPOINT_URL_FNF ALIBABA_CLOUD_ENDPOINT_URL_MNS ALIBABA_CLOUD_ENDPOINT_URL_OSS
		ALIBABA_CLOUD_ENDPOINT_URL_STS ALIBABA_CLOUD_PROFILE ALIBABA_CLOUD_REGION_ID
		ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED AWS_REGION FC_ACCOUNT_ID FC_FUNCTION_NAME FC_QUALIFIER
		FC_REGION MILLRACE_CLOUDFLOW MILLRACE_DISPATCH MILLRACE_PRODUCTS MILLRACE_RESERVED
		MILLRACE_TASK_ROLE`)
}
