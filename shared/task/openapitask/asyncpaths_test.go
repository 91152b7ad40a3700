package openapitask_test

import (
	"encoding/json"
	"strings"
	"testing"

	"millrace/shared/task"
	"millrace/shared/task/openapitask"
)

// TestEndsAreTheEngines: asynchronous invocations are visible to all accounts, so no flow may read,
// list or stop them by an OpenAPI, under any name of the product and any spelling of the path.
func TestEndsAreTheEngines(t *testing.T) {
	s := &api{status: 200, response: `{"returnPayload":"secret"}`}
	every := &openapitask.AnyProduct{Service: service(t, s),
		Products: map[string]openapitask.Product{
			"fc-open": {Version: "2021-04-06", Style: "roa", Operations: map[string]string{
				"GetStatefulAsyncInvocation": "GET /2021-04-06/services/{service}/functions/" +
					"{function}/stateful-async-invocations/{id}"}}}}
	for _, c := range []struct {
		action, parameters string
		refused            bool
	}{
		{"FC:GetAsyncTask", `{"Path":"/2023-03-30/functions/slow/async-tasks/order-7"}`, true},
		{"fc::Anything", `{"Path":"/2023-03-30/functions/slow/Async-Tasks/order-7"}`, true},
		{
			"FC:ListAsyncTasks",
			`{"Path":"/2023-03-30/functions/slow/async-tasks","includePayload":true}`, true,
		},
		{
			"FC:StopAsyncTask",
			`{"Path":"/2023-03-30/functions/slow/async-tasks/order-7/stop","Method":"PUT"}`, true,
		},
		{
			"FC:GetAsyncTask",
			`{"Path":"/2023-03-30/functions/slow/{what}/order-7","what":"async-tasks"}`, true,
		},
		{
			"FC:GetAsyncTask",
			`{"Path":"/2023-03-30/functions/{rest}","rest":"slow/async-tasks/order-7"}`, true,
		},
		{"FC:GetAsyncTask", `{"Path":"/2023-03-30/functions/slow/async%2Dtasks/order-7"}`, true},
		{"FC:GetAsyncTask", `{"Path":"/2023-03-30/functions/slow/async%252Dtasks/order-7"}`, true},
		{
			"FC:X",
			`{"Version":"2021-04-06","Path":"/2021-04-06/services/s/functions/slow/` +
				`stateful-async-invocations/order-7"}`, true,
		},
		{
			"fc-open:GetStatefulAsyncInvocation",
			`{"service":"s","function":"slow","id":"order-7"}`, true,
		},
		{"FC:GetFunction", `{"Path":"/2023-03-30/functions/async-tasks-worker"}`, false},
	} {
		s.calls = 0
		got := every.Run(t.Context(), task.Request{
			Action: c.action, Account: "2", Parameters: json.RawMessage(c.parameters),
		})
		refused := got.Error != nil && strings.HasSuffix(got.Error.Name, ".AccessDenied") &&
			s.calls == 0
		if refused != c.refused {
			t.Errorf("%s %s: %d requests, %s %v", c.action, c.parameters, s.calls, got.Output,
				got.Error)
		}
	}
}
