package client_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
)

// TestNoTokensOverPlainHTTP checks that a bearer token or a task token leaves this machine only
// over TLS, with every call and signature.
func TestNoTokensOverPlainHTTP(t *testing.T) {
	dialed := 0
	dial := func(context.Context, string, string) (net.Conn, error) {
		dialed++
		return nil, errors.New("dialed")
	}
	transport := &http.Transport{DialContext: dial}
	for endpoint, rejected := range map[string]bool{
		"http://flows.example.com": true, "http://10.0.0.1:8642": true,
		"http://[2001:db8::1]": true, "http://0.0.0.0": true, "http://localhost.example.com": true,
		"http://127.0.0.1.nip.io": true, "http://2130706433": true, "http://127.0.0.1:1": false,
		"http://127.9.9.9": false, "http://[::1]:1": false, "http://localhost:1": false,
		"http://LOCALHOST.:1": false, "http://a.localhost:1": false,
		"http://[::ffff:127.0.0.1]": false, "https://flows.example.com": false,
		"https://10.0.0.1": false,
	} {
		for _, signature := range []string{"", "v3"} {
			_, err := client.New(client.Options{Endpoint: endpoint, Bearer: "b",
				Signature: signature})
			if errors.Is(err, client.ErrPlainHTTP) != rejected || err != nil && !rejected {
				t.Errorf("%s, bearer, %q: %v", endpoint, signature, err)
			}
			c, err := client.New(client.Options{Endpoint: endpoint, AccessKeyID: "i",
				Secret: "s", Signature: signature,
				HTTPClient: &http.Client{Transport: transport}})
			if err != nil {
				t.Fatal(err)
			}
			ctx := context.Background()
			for name, call := range map[string]func() error{
				"ReportTaskSucceeded": func() error {
					_, err := c.ReportTaskSucceeded(ctx,
						cloudflow.ReportTaskSucceededRequest{TaskToken: "t", Output: "{}"})
					return err
				},
				"ReportTaskFailed": func() error {
					_, err := c.ReportTaskFailed(ctx,
						cloudflow.ReportTaskFailedRequest{TaskToken: "t", Error: "e"})
					return err
				},
				"StartExecution": func() error {
					_, err := c.StartExecution(ctx,
						cloudflow.StartExecutionRequest{FlowName: "f", CallbackToken: "t"})
					return err
				},
				"Call": func() error {
					_, err := c.Call(ctx, "ReportTaskFailed", map[string]string{"TaskToken": "t"})
					return err
				},
			} {
				before := dialed
				if err := call(); errors.Is(err, client.ErrPlainHTTP) != rejected ||
					(dialed == before) != rejected {
					t.Errorf("%s to %s, %q: %v, connected %d times",
						name, endpoint, signature, err, dialed-before)
				}
			}
			before := dialed
			_, err = c.ListFlows(ctx, cloudflow.ListFlowsRequest{})
			if errors.Is(err, client.ErrPlainHTTP) || dialed == before {
				t.Errorf("a signed request without tokens to %s: %v", endpoint, err)
			}
		}
	}
}
