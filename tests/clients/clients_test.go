package clients_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
)

// region is the region that clients are configured with; they use it for their own bookkeeping
// only.
const region = "cn-hangzhou"

// apiVersion is the version of the API.
const apiVersion = "2019-03-15"

// login is what a caller signs with: an access key, an STS key with its token, or a bearer token
// alone.
type login struct {
	id, secret, securityToken, bearer string
	// address of another server than the one that all tests use
	address string
}

// at returns the server's address.
func (l login) at() string { return cmp.Or(l.address, server.address) }

// params are the parameters of an operation by name: strings, integers and booleans.
type params map[string]any

// client is one released client with one set of credentials.
type client interface {
	// call runs an operation, decodes the body of the response into out and returns the body
	// itself. It returns an error response as a *fault, with what the client makes of it.
	call(operation string, in params, out any) (body map[string]json.RawMessage, err error)
}

// kind is one released client.
type kind struct {
	name   string
	bearer bool // the client supports bearer tokens
	open   func(t *testing.T, l login) client
}

// kinds are the clients that run every test.
var kinds = []kind{
	{name: "gov1", bearer: true, open: openGoV1},
	{name: "common", bearer: true, open: openCommon},
	{name: "darabonba1", bearer: true, open: darabonba{signature: "v2"}.open},
	{name: "darabonba3", bearer: true, open: darabonba{}.open},
	{name: "npm", open: openNPM},
}

// fault is a typed error of a client, with the values that the client read from the response.
type fault struct {
	status                   int
	code, message, requestID string
}

func (r *fault) Error() string {
	return fmt.Sprintf("%d %s: %s (%s)", r.status, r.code, r.message, r.requestID)
}

// inQuery has the parameters of POST operations that current clients put into the query
// (docs/api.md#requests).
var inQuery = map[string]bool{"TaskToken": true}

// isRead has the operations that current clients send as GET.
var isRead = map[string]bool{
	"DescribeFlow": true, "ListFlows": true, "DescribeExecution": true, "ListExecutions": true,
	"GetExecutionHistory": true,
	"DescribeSchedule":    true, "ListSchedules": true, "ListFlowVersions": true,
	"ListFlowAliases": true, "DescribeFlowAlias": true,
}

// split divides the parameters of an operation as current clients do: those in the query and those
// in the form.
func split(operation string, in params) (query, form map[string]any) {
	query, form = map[string]any{}, map[string]any{}
	for name, v := range in {
		if isRead[operation] || inQuery[name] {
			query[name] = v
		} else {
			form[name] = v
		}
	}
	return query, form
}

// texts returns the parameters as strings, for a client that sends strings only.
func texts(in map[string]any) map[string]string {
	out := make(map[string]string, len(in))
	for name, v := range in {
		out[name] = fmt.Sprint(v)
	}
	return out
}

// decode reads the body of a success. A key named Code would be an error to the Node.js client.
func decode(body []byte, out any) (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, fmt.Errorf("body of a success: %w: %s", err, body)
	}
	if _, ok := fields["Code"]; ok {
		return nil, fmt.Errorf("body of a success has a key Code: %s", body)
	}
	if string(fields["RequestId"]) == "" || string(fields["RequestId"]) == `""` {
		return nil, fmt.Errorf("body of a success has no RequestId: %s", body)
	}
	if out == nil {
		return fields, nil
	}
	return fields, json.Unmarshal(body, out)
}

// keys returns the sorted names of a body's fields.
func keys(body map[string]json.RawMessage) []string { return slices.Sorted(maps.Keys(body)) }
