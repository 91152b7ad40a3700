package clouds_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"millrace/shared/events"
	harness "millrace/tests/clouds/emulators/alibaba/fc"
	"millrace/tests/clouds/lambda"
)

// wrong is an environment in which a function cannot handle an event, and its error message.
type wrong struct{ function, env, event, want string }

// wrongOnEachTarget are those that do not depend on the target.
var wrongOnEachTarget = []wrong{
	{"api", "MILLRACE_CREDENTIALS=", "request", "MILLRACE_CREDENTIALS is not set"},
	{"api", "MILLRACE_CREDENTIALS={}", "request", "MILLRACE_CREDENTIALS"},
	{"api", "MILLRACE_WAIT_SECONDS=soon", "request", "MILLRACE_WAIT_SECONDS"},
	{"api", "X=", "batch", "takes an HTTP request, not"},
	{"steprunner", "MILLRACE_FUNCTIONS={functions: [{match: a, command: [x]}]}", "batch",
		"starts none"},
	{"steprunner", "MILLRACE_SETTINGS={Nonsense: 1}", "batch", "Nonsense"},
	{"steprunner", "X=", "request", "takes a queue batch, not an HTTP request"},
	{"starter", "MILLRACE_STARTS=", "object", "MILLRACE_STARTS is not set"},
	{"starter", `MILLRACE_STARTS=[{"bucket":"b","flow":"f","account":"1"}]`, "object",
		"prefix or a suffix"},
	{"sweeper", "X=", "object", "takes a tick"},
}

// TestWrongEnvironments checks that each invocation reports what is wrong with a function's
// environment, its table or its queue, and how to correct it, and that the process lives on.
func TestWrongEnvironments(t *testing.T) {
	t.Parallel()
	onEachTarget(t, plain, func(t *testing.T, s *stack, _ any) {
		for _, w := range append(s.wrong(t), wrongOnEachTarget...) {
			t.Run(w.function+" "+w.env, func(t *testing.T) {
				t.Parallel()
				f := s.function(t, w.function, w.env)
				for range 2 {
					_, err := f.Invoke(s.event(w.event))
					if message := errorOf(err); !strings.Contains(message, w.want) {
						t.Errorf("%s, want %q", message, w.want)
					}
				}
				if f.ColdStarts() != 1 {
					t.Errorf("%d processes for two invocations", f.ColdStarts())
				}
			})
		}
	})
}

func plain(_ *testing.T, h target) (options, any) {
	return options{env: []string{"MILLRACE_STARTS=" + h.rules}}, nil
}

// TestWrongEvents checks that malformed events, too long ones, and those of unknown kinds and
// versions are refused, or dropped where they would only come again, and that the process lives on.
func TestWrongEvents(t *testing.T) {
	t.Parallel()
	events := map[string]string{
		"empty": "", "null": "null", "text": "not json", "object": "{}", "list": "[]",
		"number": "12", "cut": `{"Records":[{`,
		"deep":  strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000),
		"long":  `{"Records":[],"filler":"` + strings.Repeat("x", events.EventMax) + `"}`,
		"bytes": "\xff\xfe\x00", "nulls": `{"Records":null,"events":null,"v":null}`,
		"newer hint":        `{"v":99,"p":"x#f#e"}`,
		"newer message":     `[{"specversion":"1.0","type":"mns:Queue:SendMessage","data":{"messageId":"m","messageBody":"{\"v\":99,\"p\":\"x#f#e\"}"}}]`,
		"bare hint":         `{"v":1,"p":"nonsense"}`,
		"wrong types":       `{"Records":[{"eventSource":"aws:sqs","body":7}],"version":{},"headers":[]}`,
		"outcome of nobody": `{"timestamp":1,"requestContext":{"requestId":"none","functionArn":"acs:fc:cn-hangzhou:1:functions/f","condition":""},"responseContext":{"statusCode":200},"responsePayload":"x"}`,
	}
	onEachTarget(t, plain, func(t *testing.T, s *stack, _ any) {
		for _, function := range []string{"api", "steprunner", "starter", "sweeper"} {
			t.Run(function, func(t *testing.T) {
				t.Parallel()
				f := s.function(t, function)
				for name, event := range events {
					response, err := f.Invoke([]byte(event))
					if err != nil && errorOf(err) == "" {
						t.Errorf("%s: %v", name, err)
					}
					if err == nil && bytes.Contains(response, []byte(`"statusCode":5`)) {
						t.Errorf("%s: %.200s", name, response)
					}
				}
				if _, err := f.Invoke(s.event(map[string]string{"api": "request",
					"steprunner": "batch", "starter": "object",
					"sweeper": "tick"}[function])); err != nil && function != "starter" {
					t.Errorf("a good event after them: %v", err)
				}
				if f.ColdStarts() != 1 {
					t.Errorf("%d processes for %d invocations\n%s", f.ColdStarts(), len(events)+1,
						f.Output())
				}
			})
		}
	})
}

// errorOf returns the error that a function has returned; "" if there is none, or if it is the
// platform's.
func errorOf(err error) string {
	var ofLambda *lambda.FunctionError
	var ofFC *harness.FunctionError
	document := ""
	switch {
	case errors.As(err, &ofLambda):
		document = ofLambda.Document
	case errors.As(err, &ofFC):
		document = ofFC.Document
	}
	var d struct{ ErrorMessage string }
	if json.Unmarshal([]byte(document), &d) != nil {
		return document
	}
	return d.ErrorMessage
}
