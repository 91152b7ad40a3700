package cost_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"millrace/tests/clouds"
	"millrace/tests/clouds/lambda"
)

// lambdas are functions in Lambda whose queue delivers nothing.
type lambdas struct{ *lambda.Stack }

func coldAWS(t *testing.T) coldTarget {
	return lambdas{lambda.Deploy(t, lambda.Options{Sweeps: -1, Poller: func(p *lambda.Poller) {
		p.Lost = 1
	}, Credentials: withToken, Env: []string{coldRules}})}
}

func (l lambdas) flows() *clouds.Flows { return &l.Flows }

func (l lambdas) cold(t *testing.T, function, flowID string, i int) start {
	t.Helper()
	var event []byte
	good := ""
	switch function {
	case "api":
		event, good = apiEvent(t, i), `"statusCode":200`
	case "steprunner":
		event, good = batch(flowID, i), `{"batchItemFailures":[]}`
	case "starter":
		event = object(compact(t, recorded(t, "../lambda/events/starter-s3.json")), i)
	default:
		event = []byte(`{"kind":"sweep"}`)
	}
	f := l.Function(function, 29*time.Second, 1, l.Plain, nil)
	s, response, err := f.Cold(event)
	if err != nil || !strings.Contains(string(response), good) {
		t.Fatalf("%s: %s %v\n%s", function, response, err, f.Output())
	}
	return start{s.Init, s.Answer, s.Memory}
}

// apiEvent returns a request in the form of the HTTP API's events.
func apiEvent(t *testing.T, i int) []byte {
	t.Helper()
	var event map[string]any
	if err := json.Unmarshal(recorded(t, "../lambda/events/api-start-execution.json"),
		&event); err != nil {
		t.Fatal(err)
	}
	event["body"], event["isBase64Encoded"] = startForm(i), false
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// batch returns a hint in the form of SQS events.
func batch(flowID string, i int) []byte {
	body, _ := json.Marshal(hint(flowID, i))
	return fmt.Appendf(nil, `{"Records":[{"messageId":"m","receiptHandle":"r","body":%s,"attributes":{},"messageAttributes":{},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:000000000000:steps","awsRegion":"us-east-1"}]}`, body)
}
