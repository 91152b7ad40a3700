//go:build !millrace_alibaba

package cloud_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/shared/app/cloud"
)

func TestOpenCloud(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials.yaml")
	if err := os.WriteFile(file, []byte("accounts:\n- id: \"1\"\n  keys:\n  - id: k\n    secret: "+
		"s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{"", "QUEUE_URL=http://127.0.0.1:1/0/q",
		"QUEUE_URL=sqs://sqs.us-east-1.amazonaws.com/1/q", "MILLRACE_CREDENTIALS=" + file,
		"MILLRACE_SETTINGS=RetentionDays: 7", "MILLRACE_FAIR_QUEUE=yes", "MILLRACE_SETTINGS=\n",
		"MILLRACE_CALL_SECONDS=60",
		"MILLRACE_FUNCTIONS=functions: [{match: '*', lambda: " +
			"'arn:aws:lambda:us-east-1:123456789012:function:{name}'}, {match: x, reply: " +
			"1}]\nactions: [{match: 'MNS:*', reply: {}}]"} {
		c, err := cloud.Open(context.Background(), environment(change))
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
	}
}

func TestWrongEnvironments(t *testing.T) {
	tests := []struct{ change, want string }{
		{"STORE_URL=", "dynamodb://<table>"},
		{"STORE_URL=local:///x", "dynamodb://<table>"},
		{"QUEUE_URL=", "QUEUE_URL"},
		{"QUEUE_URL=sqs://", "QUEUE_URL"},
		{"QUEUE_URL=https://sqs.us-east-1.amazonaws.com", "QUEUE_URL"},
		{"AWS_REGION=", "AWS_REGION is not set"},
		{"MILLRACE_FAIR_QUEUE=maybe", "must be yes or no"},
		{"MILLRACE_CREDENTIALS=", "MILLRACE_CREDENTIALS is not set"},
		{"MILLRACE_CREDENTIALS=nowhere.yaml", "nowhere.yaml"},
		{"MILLRACE_CREDENTIALS={accounts: []}", "nobody could call"},
		{"MILLRACE_SETTINGS={Retention: 7}", "Retention"},
		{"MILLRACE_SETTINGS={RetentionDays: 1}", "at least 7"},
		{"MILLRACE_SETTINGS={{", "MILLRACE_SETTINGS:1:"},
		{"MILLRACE_FUNCTIONS={functions: [{match: a, command: [b]}]}", "starts none"},
		{"MILLRACE_FUNCTIONS={functions: [{match: a, lambda: b}]}", "not the ARN"},
		{"MILLRACE_FUNCTIONS={functions: [{match: a, lambda: " +
			"'arn:aws:lambda:us-east-1:123456789012:function:f', timeout: 3}]}", "nothing else"},
		{"MILLRACE_FUNCTIONS={functions: [{match: a}]}", "MILLRACE_FUNCTIONS"},
		{"MILLRACE_FUNCTIONS={function: []}", "docs/functions.md"},
		{"MILLRACE_CALL_SECONDS=0", "from 1 to 900"},
		{"MILLRACE_SYNC_SECONDS=1h", "MILLRACE_SYNC_SECONDS"},
		{"MILLRACE_STARTS=", "MILLRACE_STARTS is not set"},
		{"MILLRACE_STARTS=[{bucket: b, prefix: p, flow: f}]", "account is missing"},
		{"MILLRACE_STARTS=[{bucket: b, prefix: p, flow: f, account: '1'}, {bucket: b, flow: f, " +
			"account: '1'}]", "rule 2"},
		{"MILLRACE_STARTS=[{bucket: b, prefix: p, flow: 1f, account: '1'}]", "no name of a flow"},
		{"MILLRACE_STARTS=[{bukket: b}]", "bukket"},
	}
	for _, test := range tests {
		c, err := cloud.Open(context.Background(), environment(test.change))
		if err == nil {
			_, err = c.Handler()
		}
		if err == nil {
			_, err = c.Starter()
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.change, err, test.want)
		}
	}
	c, err := cloud.Open(context.Background(),
		environment("MILLRACE_CREDENTIALS={accounts: [{id: '1', keys: [{id: k, secret: topsecret, "+
			"expires: never}]}]}"))
	if err == nil {
		_, err = c.Handler()
	}
	if err == nil || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("the error is %v", err)
	}
}

// TestVariablesOfAWS: the functions read these variables, and no others.
func TestVariablesOfAWS(t *testing.T) {
	checkVariables(t, environment(), commonVariables+`
		AWS_ENDPOINT_URL AWS_ENDPOINT_URL_DYNAMODB AWS_ENDPOINT_URL_LAMBDA AWS_ENDPOINT_URL_S3 AWS_ENDPOINT_URL_SQS
		AWS_LAMBDA_FUNCTION_NAME AWS_REGION MILLRACE_FAIR_QUEUE`)
}
