package faas_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"millrace/shared/faas"
)

// lines returns the logged lines, a JSON object each, and checks that no member is duplicate.
func lines(t *testing.T, out *bytes.Buffer) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(out.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for name := range m {
			if strings.Count(line, `"`+name+`":`) != 1 {
				t.Errorf("%s has %s twice", line, name)
			}
		}
		all = append(all, m)
	}
	out.Reset()
	return all
}

// TestLog: a line names its invocation and its execution, on both clouds, even if it is written
// without a context.
func TestLog(t *testing.T) {
	var out bytes.Buffer
	log := faas.NewLog(&out)
	h := func(ctx context.Context, event []byte) ([]byte, error) {
		log.ErrorContext(ctx, "work failed", "work", "x#f1#exec#1", "err", errors.New("no"))
		log.With("account", "1").Warn("commit failed", "partition", "x#f1#one")
		log.InfoContext(ctx, "served", "requestId", "of the API")
		log.WithGroup("g").Info("outside", "time", "kept", "partition", "f#1#flow")
		return nil, nil
	}
	runtimes := map[string]func(){
		"Lambda": func() {
			ctx := lambdacontext.NewContext(t.Context(),
				&lambdacontext.LambdaContext{AwsRequestID: "r1"})
			if _, err := faas.NewLambda(h).Invoke(ctx, nil); err != nil {
				t.Error(err)
			}
		},
		"custom": func() {
			r := httptest.NewRequest("POST", "/invoke", strings.NewReader("{}"))
			r.Header.Set("x-fc-request-id", "r1")
			faas.NewCustom(h, io.Discard).ServeHTTP(httptest.NewRecorder(), r)
		},
	}
	for runtime, invoke := range runtimes {
		invoke()
		got := lines(t, &out)
		if len(got) != 4 {
			t.Fatalf("%s: %v", runtime, got)
		}
		for i, want := range []map[string]any{
			{
				"level":     "ERROR",
				"message":   "work failed",
				"err":       "no",
				"requestId": "r1",
				"flowId":    "f1",
				"execution": "exec#1",
			},
			{
				"level":     "WARN",
				"account":   "1",
				"requestId": "r1",
				"flowId":    "f1",
				"execution": "one",
			},
			{"level": "INFO", "requestId": "of the API", "invocationId": "r1"},
			{"message": "outside"},
		} {
			for name, v := range want {
				if got[i][name] != v {
					t.Errorf("%s: line %d has %s %v, want %v", runtime, i, name, got[i][name], v)
				}
			}
			if _, err := time.Parse(time.RFC3339Nano, got[i]["timestamp"].(string)); err != nil {
				t.Errorf("%s: line %d: %v", runtime, i, err)
			}
		}
		if got[3]["execution"] != nil || got[3]["flowId"] != nil {
			t.Errorf("%s: a flow's row is no execution: %v", runtime, got[3])
		}
		log.Info("between")
		if got := lines(t, &out); got[0]["requestId"] != nil {
			t.Errorf("%s: a line of no invocation has one: %v", runtime, got[0])
		}
	}
	// With several concurrent invocations only the context identifies one.
	other := faas.NewCustom(func(context.Context, []byte) ([]byte, error) {
		runtimes["custom"]()
		return nil, nil
	}, io.Discard)
	r := httptest.NewRequest("POST", "/invoke", strings.NewReader("{}"))
	r.Header.Set("x-fc-request-id", "r2")
	other.ServeHTTP(httptest.NewRecorder(), r)
	if got := lines(t, &out); got[0]["requestId"] != "r1" || got[1]["requestId"] != nil ||
		got[2]["invocationId"] != "r1" {
		t.Errorf("two at once: %v", got)
	}
	if log.Enabled(t.Context(), slog.LevelDebug) {
		t.Error("debug lines are written")
	}
}
