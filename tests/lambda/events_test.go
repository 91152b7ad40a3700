package lambda_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/trigger"
	"millrace/tests/lambda"
)

func recorded(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../shared/trigger/testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestEventStarts: the recorded events start one execution for each record, however often and by whichever way they
// come.
func TestEventStarts(t *testing.T) {
	t.Parallel()
	s := lambda.Deploy(t, lambda.Options{})
	s.Define("import", pass)
	starter := s.Function("starter", 30*time.Second, 2, append([]string{
		`MILLRACE_STARTS=[{"bucket":"my-bucket","prefix":"in/","flow":"import","account":"` + lambda.Account + `"}]`}, s.Plain...), nil)
	put, bus := recorded(t, "aws-s3-put"), recorded(t, "aws-s3-eventbridge")
	queued, _ := json.Marshal(map[string]any{"Records": []any{
		map[string]any{"messageId": "m1", "eventSource": "aws:sqs", "body": string(put)},
		map[string]any{"messageId": "m2", "eventSource": "aws:sqs", "body": "{}"},
		map[string]any{"messageId": "m3", "eventSource": "aws:sqs", "body": string(recorded(t, "aws-s3-test-event"))}}})
	for _, event := range [][]byte{put, bus, put, recorded(t, "aws-s3-test-event")} {
		if _, err := starter.Invoke(event); err != nil {
			t.Errorf("%.60s: %v", event, err)
		}
	}
	if answer, err := starter.Invoke(queued); err != nil || string(answer) != `{"batchItemFailures":[{"itemIdentifier":"m2"}]}` {
		t.Errorf("%s %v", answer, err)
	}
	starts, err := trigger.DecodeStarts(put)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range starts {
		x := s.Wait("import", e.Name(), time.Minute)
		if x.Status != "Succeeded" || !strings.Contains(x.Output, `"key":`) || !strings.Contains(x.Output, `"bucket":"my-bucket"`) {
			t.Errorf("%s %s", x.Status, x.Output)
		}
	}
	page, err := s.Client.ListExecutions(t.Context(), cloudflow.ListExecutionsRequest{FlowName: "import"})
	if err != nil || len(page.Executions) != 2 {
		t.Errorf("%d executions, want 2: %v", len(page.Executions), err)
	}
	if err := s.Client.DeleteFlow(t.Context(), "import"); err != nil {
		t.Fatal(err)
	}
	if _, err := starter.Invoke(put); err == nil {
		t.Error("an event for a flow that is not there was taken for done")
	}
}

// TestBadEnvironment: what is wrong with a function's environment is told by each invocation, and the process lives.
func TestBadEnvironment(t *testing.T) {
	t.Parallel()
	s := lambda.Deploy(t, lambda.Options{Sweeps: -1})
	request := recorded(t, "aws-apigw-v2")
	batch := []byte(`{"Records":[{"messageId":"m1","eventSource":"aws:sqs","body":"{\"v\":1,\"p\":\"x#f#e\"}"}]}`)
	tests := []struct {
		function, env string
		event         []byte
		want          string
	}{
		{"api", "STORE_URL=", request, "STORE_URL must be dynamodb://"},
		{"api", "QUEUE_URL=nowhere", request, "QUEUE_URL must be"},
		{"api", "MILLRACE_CREDENTIALS=", request, "MILLRACE_CREDENTIALS is not set"},
		{"api", "MILLRACE_CREDENTIALS={}", request, "MILLRACE_CREDENTIALS"},
		{"api", "AWS_REGION=", request, "AWS_REGION is not set"},
		{"api", "MILLRACE_WAIT_SECONDS=soon", request, "MILLRACE_WAIT_SECONDS"},
		{"api", "X=", batch, "takes an HTTP request, not a queue batch"},
		{"steprunner", "MILLRACE_FUNCTIONS={functions: [{match: a, command: [x]}]}", batch, "starts none"},
		{"steprunner", "MILLRACE_FUNCTIONS={functions: [{match: a, lambda: b}]}", batch, "not the ARN"},
		{"steprunner", "MILLRACE_SETTINGS={Nonsense: 1}", batch, "Nonsense"},
		{"steprunner", "X=", request, "takes a queue batch, not an HTTP request"},
		{"starter", "X=", recorded(t, "aws-s3-put"), "MILLRACE_STARTS is not set"},
		{"starter", `MILLRACE_STARTS=[{"bucket":"b","flow":"f","account":"1"}]`, recorded(t, "aws-s3-put"), "prefix or a suffix"},
		{"sweeper", "QUEUE_URL=sqs://missing", recorded(t, "aws-scheduler"), "the queue missing cannot be found"},
		{"sweeper", "STORE_URL=dynamodb://missing", recorded(t, "aws-scheduler"), "there is no such table"},
	}
	for _, test := range tests {
		f := s.Function(test.function, 20*time.Second, 1, append(append([]string{}, s.Plain...), test.env), nil)
		for range 2 {
			_, err := f.Invoke(test.event)
			if err == nil || !strings.Contains(fmt.Sprint(err), test.want) {
				t.Errorf("%s with %s: %v, want %q", test.function, test.env, err, test.want)
			}
		}
		if f.ColdStarts() != 1 {
			t.Errorf("%s with %s: %d processes for two invocations", test.function, test.env, f.ColdStarts())
		}
	}
	// A runner without a table fails the message, not the batch.
	f := s.Function("steprunner", 20*time.Second, 1, append(append([]string{}, s.Plain...), "STORE_URL=dynamodb://missing"), nil)
	if answer, err := f.Invoke(batch); err != nil || !strings.Contains(string(answer), `"m1"`) {
		t.Errorf("%s %v", answer, err)
	}
}
